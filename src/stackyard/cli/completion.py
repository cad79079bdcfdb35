# SPDX-License-Identifier: MIT
"""`stackyard completion`: the shell's own script, to be sourced."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from stackyard.cli.common import write


@click.command(epilog='Example: eval "$(stackyard completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    Put it where the shell finds it, or evaluate it in the shell's start-up file.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    root = ctx.find_root().command
    # bash asks its own version at construction; the script itself needs none of that.
    maker = kind(root, {}, "stackyard", "_STACKYARD_COMPLETE")
    write(maker.source_template % maker.source_vars())
