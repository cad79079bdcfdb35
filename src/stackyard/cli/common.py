# SPDX-License-Identifier: MIT
"""What all commands share: the environment read once, options, output, errors.

In:   click's context, the process's environment and streams
Out:  Yard, Style, text on stdout, complaints on stderr
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stackyard.errors import StackyardError
from stackyard.report.text import Style

if TYPE_CHECKING:
    from stackyard.verbs import Options, Yard

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

json_option = click.option("--json", "is_json", is_flag=True, help='Print one JSON object, "format": 1.')
yes_option = click.option("--yes", is_flag=True, help="Do not ask after the preview.")


def images_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """IMAGE..., completed from the stack."""
    return click.argument("images", nargs=-1, metavar="[IMAGE]...", shell_complete=_complete_images)(function)


def _complete_images(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    try:
        yard = open_yard(ctx)
    except StackyardError:
        return []
    return [str(t.name) for t in yard.stack.targets if t.name.startswith(incomplete)]


def options_from(environ: Mapping[str, str]) -> Options:
    """Settings of the environment: CI's word for the branch, a registry of one's own."""
    from stackyard.verbs import Options

    branch = None
    if environ.get("GITHUB_ACTIONS"):
        branch = environ.get("GITHUB_HEAD_REF") or environ.get("GITHUB_REF_NAME")
    branch = branch or environ.get("BUILDKITE_BRANCH") or environ.get("CI_COMMIT_REF_NAME")
    return Options(branch=branch or None, registry=environ.get("STACKYARD_REGISTRY") or None, environ=environ)


def open_yard(ctx: click.Context) -> Yard:
    """The stack that -C names."""
    from stackyard.verbs import load

    root = ctx.find_root()
    directory = (root.obj or {}).get("directory") or root.params.get("directory") or "."
    return load(Path(directory), options_from(os.environ))


def style_for(stream: Any) -> Style:
    """Colours where a person sees them: a terminal, no NO_COLOR, not a dumb one; FORCE_COLOR overrules."""
    if os.environ.get("NO_COLOR"):
        return Style(False)
    if os.environ.get("FORCE_COLOR"):
        return Style(True)
    return Style(stream.isatty() and os.environ.get("TERM") != "dumb")


def width_of(stream: Any) -> int:
    """Columns to fill: the terminal's; wide where the text goes into a file, so that nothing is cut."""
    return shutil.get_terminal_size().columns if stream.isatty() else 400


def write(text: str) -> None:
    """Text on stdout."""
    sys.stdout.write(f"{text}\n")


def write_json(data: object) -> None:
    """One JSON object on stdout."""
    write(json.dumps(data, indent=2, ensure_ascii=False))


def shown(render: Callable[..., str], *values: object, **options: object) -> None:
    """Print what a renderer of report/terminal makes of values, in this terminal's colours and width."""
    write(render(*values, style_for(sys.stdout), width_of(sys.stdout), **options))


def confirmed(question: str, yes: bool) -> bool:
    """Whether to go on after a preview: asked in a terminal, `--yes` needed elsewhere."""
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("this changes what others see: look at the preview and add --yes")
    return click.confirm(question, default=False)


def complain(error: BaseException, is_debugging: bool) -> int:
    """One sentence and a hint on stderr; the exit code. A traceback with --debug only."""
    if is_debugging:
        traceback.print_exception(error)
    style = style_for(sys.stderr)
    if isinstance(error, StackyardError):
        sys.stderr.write(f"{style('error', 'red')}: {error}\n")
        if error.hint:
            sys.stderr.write(f"  hint: {error.hint}\n")
        return error.exit_code
    if isinstance(error, OSError):
        sys.stderr.write(f"{style('error', 'red')}: {error.filename or 'the system'}: {error.strerror or error}\n")
        return EXIT_FAILED
    sys.stderr.write(f"{style('error', 'red')}: {type(error).__name__}: {error}\n")
    sys.stderr.write("  hint: this is a defect of Stackyard; run again with --debug and report what it prints\n")
    return EXIT_FAILED


def command(*args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """click.command whose function gets the Yard first."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        @functools.wraps(function)
        def with_yard(*inner: Any, **named: Any) -> Any:
            return function(open_yard(click.get_current_context()), *inner, **named)

        made: click.Command = click.command(*args, **kwargs)(with_yard)
        return made

    return decorate
