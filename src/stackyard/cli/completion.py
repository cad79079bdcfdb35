# SPDX-License-Identifier: MIT
"""`stackyard completion`: the shell's own script, to be sourced.

In:   the name of a shell
Out:  a script that asks `stackyard` itself for what fits, through click's protocol
Touches no stack, and starts no shell.
"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from stackyard.cli.common import everywhere, examples_text, write
from stackyard.cli.session import COMPLETION

# click's own script for bash needs 4.4, and asks for the version to say so. This one also works in the 3.2 of macOS.
BASH = """\
_stackyard_completion() {
    local IFS=$'\\n' line kind
    COMPREPLY=()
    while IFS= read -r line; do
        kind=${line%%,*}
        case $kind in
            plain) COMPREPLY+=("${line#*,}") ;;
            dir) COMPREPLY+=($(compgen -d -- "${COMP_WORDS[COMP_CWORD]}")) ;;
            file) COMPREPLY+=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")) ;;
        esac
    done < <(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _STACKYARD_COMPLETE=bash_complete "$1" 2>/dev/null)
}

complete -o nosort -F _stackyard_completion stackyard 2>/dev/null || complete -F _stackyard_completion stackyard
"""


@click.command(
    add_help_option=False,
    epilog=examples_text(
        (
            'eval "$(stackyard completion bash)"',
            "stackyard completion fish > ~/.config/fish/completions/stackyard.fish",
        )
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@everywhere
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL: verbs, options, and the images of the stack one is in.

    Evaluate it in the shell's start-up file (~/.bashrc, ~/.zshrc), or put it where the shell looks.
    """
    if shell == "bash":
        write(BASH.rstrip("\n"))
        return
    kind = get_completion_class(shell)
    assert kind is not None
    maker = kind(ctx.find_root().command, {}, "stackyard", COMPLETION)
    script = maker.source_template % maker.source_vars()
    # click's script for fish takes a description to be over at its first comma.
    write(script.replace('string split "," $', 'string split --max 1 "," $').rstrip("\n"))
