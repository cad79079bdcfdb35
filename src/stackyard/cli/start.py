# SPDX-License-Identifier: MIT
"""`stackyard init` and `stackyard new`: preview, ask, write."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stackyard.cli.common import (
    bare_command,
    command,
    completed_by,
    confirmed,
    dry_run_option,
    json_option,
    option,
    shown,
    write,
    write_json,
    yes_option,
)
from stackyard.cli.session import EXIT_FAILED, session_of
from stackyard.report.data import FORMAT
from stackyard.report.terminal import stack_text
from stackyard.verbs import start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stackyard.model.proposal import NewFile
    from stackyard.verbs import Yard

WHY = "this writes files, and there is nobody to ask here"


@bare_command("stackyard init", "stackyard init --dry-run", "stackyard -C ../shop init --yes")
@dry_run_option
@yes_option
@json_option
def init(dry_run: bool, yes: bool, is_json: bool) -> int:
    """Make this repository a stack, or say what stack it is.

    An empty repository gets a commented starter: an images folder with one image, its test and a spec.yml.
    Where compose files, bake files, GitHub workflows or Dockerfiles tell what is built, it gets a
    stackyard.yml that lists the images. Shows the files first; never overwrites one.
    """
    session = session_of(click.get_current_context())
    found = start.look(Path(session.directory), session.options)
    if not is_json:
        write(f"{found.found}.")
        if found.stack is not None:
            write("")
            shown(stack_text, found.stack)
        for note in found.notes:
            write(f"note: {note}")
    if found.kind == "stack":
        if not is_json:
            write("\nNothing to write. `stackyard plan` shows what would be built.")
        return _done(found.found, found.files, found.notes, False, is_json)
    is_written = _agreed(found.files, dry_run, yes, is_json)
    if is_written:
        start.write(found)
        _say(found.files, "git add -A && git commit, then `stackyard plan` and `stackyard build`", is_json)
    code = _done(found.found, found.files, found.notes, is_written, is_json)
    return code if is_written or dry_run else EXIT_FAILED


@command(
    "stackyard new gpu-notebook --from base-notebook",
    "stackyard new tools --from debian:bookworm-slim --yes",
    options_metavar="[OPTIONS] --from PARENT",
)
@click.argument("image", metavar="IMAGE")
@option(
    "--from",
    "parent",
    required=True,
    metavar="PARENT",
    shell_complete=completed_by("parents"),
    help="An image of the stack, or one from elsewhere with its tag.",
)
@dry_run_option
@yes_option
@json_option
def new(yard: Yard, image: str, parent: str, dry_run: bool, yes: bool, is_json: bool) -> int:
    """Begin an image: its folder, a Dockerfile on PARENT, a test, and its entry in the spec.

    Comments and order of the spec stay as they are. Shows what it would write first.
    """
    made = start.new_image(yard, image, parent)
    is_written = _agreed(made.files, dry_run, yes, is_json)
    if is_written:
        start.write_image(yard, made)
        _say(made.files, f"edit {made.files[0].path}, then `stackyard build {made.name}`", is_json)
    code = _done(f"{made.name} on {made.base}", made.files, (), is_written, is_json)
    return code if is_written or dry_run else EXIT_FAILED


def _agreed(files: Sequence[NewFile], dry_run: bool, yes: bool, is_json: bool) -> bool:
    """Show what would be written, and ask."""
    if not is_json:
        for file in files:
            _preview(file)
    if dry_run:
        return False
    names = ", ".join(file.path for file in files)
    return confirmed(f"Write {names}?", yes, is_json, WHY)


def _preview(file: NewFile) -> None:
    """A new file in full; of one that changes, the lines that come."""
    style = session_of(click.get_current_context()).style(sys.stdout)
    if file.replaces is None:
        write(f"\n{style(f'+ {file.path}', 'green')}")
        lines = file.text.splitlines()
    else:
        import difflib

        write(f"\n{style(f'~ {file.path}', 'yellow')}")
        rows = difflib.unified_diff(file.replaces.splitlines(), file.text.splitlines(), n=2, lineterm="")
        lines = list(rows)[2:]
    for line in lines:
        write(f"  {line}".rstrip())


def _say(files: Sequence[NewFile], after: str, is_json: bool) -> None:
    if not is_json:
        write("")
        for file in files:
            write(f"{'wrote' if file.replaces is None else 'changed'} {file.path}")
        write(f"next: {after}")


def _done(found: str, files: Sequence[NewFile], notes: Sequence[str], is_written: bool, is_json: bool) -> int:
    if is_json:
        listed: list[dict[str, Any]] = [
            {"path": file.path, "text": file.text, "new": file.replaces is None} for file in files
        ]
        write_json({"format": FORMAT, "found": found, "files": listed, "notes": list(notes), "written": is_written})
    return 0
