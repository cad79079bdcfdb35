# SPDX-License-Identifier: MIT
"""`stackyard shell`: bring an image about as `build` would, and open it."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import click

from stackyard import verbs
from stackyard.cli.build import carry_out
from stackyard.cli.common import command, completed_by, write
from stackyard.cli.session import EXIT_INTERRUPTED
from stackyard.cli.stopping import interruptible
from stackyard.report.text import visible
from stackyard.verbs.opening import image_here, image_of, one_target, open_image

if TYPE_CHECKING:
    from stackyard.verbs import Yard

SHELL = ("/bin/sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh")
"""bash where the image has it."""


@command("stackyard shell ml-notebook", "stackyard shell lab/3.12 -- python --version")
@click.argument("image", metavar="IMAGE[/VERSION]", shell_complete=completed_by("images"))
@click.argument("words", nargs=-1, metavar="[COMMAND]...", type=click.UNPROCESSED)
def shell(yard: Yard, image: str, words: tuple[str, ...]) -> int:
    """Open a shell in an image, or run a command in it.

    The image is built or fetched first where it has to be, with what it builds on; the plan is shown on the standard
    error. An image whose tests failed is opened, too, and not tested again. The container has the image's user, folder
    and environment, not its entrypoint, and is gone afterwards. The exit code is that of the shell.
    """
    name = one_target(yard, image)
    with interruptible() as stop, contextlib.redirect_stdout(sys.stderr):
        plan = verbs.prepare(yard, [str(name)])
        local = image_here(yard, plan, name)
        if local is not None:
            step = next(step for step in plan.steps if step.target == name)
            for reason in step.reasons if step.action == "retest" else ():
                write(f"note: opened as it was built: {visible(str(reason))}")
        else:
            summary = carry_out(yard, plan, "shell", "auto", False, stop)
            if summary.is_interrupted:
                return EXIT_INTERRUPTED
            local = image_of(yard, summary, name)
            outcome = next(outcome for outcome in summary.outcomes if outcome.target == name)
            if outcome.failure or outcome.because:
                why = outcome.failure or outcome.cause
                write(f"note: opened as it was built, though {visible(why)}")
    return open_image(yard, name, local, words or SHELL)
