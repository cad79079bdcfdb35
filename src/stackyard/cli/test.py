# SPDX-License-Identifier: MIT
"""`stackyard test`: run tests on images that are there, and build nothing."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING

import click

from stackyard.cli.build import exit_code, jobs_option, limits_of_jobs
from stackyard.cli.common import command, engine_option, images_argument, json_option, option, shown, write, write_json
from stackyard.cli.keeping import Keeping, keep_options
from stackyard.cli.session import session_of
from stackyard.cli.stopping import interruptible
from stackyard.cli.watching import Watching, progress_option
from stackyard.model.details import SuiteKind
from stackyard.report.data import run_data
from stackyard.report.summary import summary_text

if TYPE_CHECKING:
    from stackyard.verbs import Yard


@command(
    "stackyard test ml-notebook",
    "stackyard test ml-notebook --kind integration --retest",
    "stackyard test ml-notebook --image ghcr.io/campus/ml-notebook:2026.3-main",
    "stackyard test --image 2026.3-main --kind integration --gate integration",
)
@images_argument
@option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice((*typing.get_args(SuiteKind), "manual")),
    help="Only tests of this kind; repeatable. By default all that must pass before an image is published. "
    "Manual ones are not run: it is said where they are.",
)
@option(
    "--image",
    "reference",
    metavar="REF",
    help="Test this: a tag, commit or release of the stack; for one IMAGE any reference or local id.",
)
@option("--gate", metavar="GATE", help="Report the results to this gate of a channel, image by image.")
@option("--retest", "is_retesting", is_flag=True, help="Also what passed already on this very image.")
@jobs_option
@engine_option
@progress_option
@keep_options
@json_option
def test(
    yard: Yard,
    images: tuple[str, ...],
    kinds: tuple[str, ...],
    reference: str | None,
    gate: str | None,
    is_retesting: bool,
    jobs: str | None,
    progress: str,
    is_json: bool,
) -> int:
    """Run tests on images that are there; builds, names and publishes nothing.

    Without --image each image is tested as it was built last, fetched where only a registry has it.
    What passed on this very image with this very test code is not run again. The results are recorded.
    """
    from stackyard.verbs import testing, usual_limits

    with interruptible() as stop:
        limits = limits_of_jobs(yard, jobs) or usual_limits(yard)
        trial = testing.prepare(yard, images, kinds, reference or "", is_retesting, gate or "")
        keeping = Keeping(yard, trial.plan)
        watching = Watching(session_of(click.get_current_context()), yard, trial.plan, progress, is_json, limits.builds)
        with watching as watch:
            summary = testing.run(yard, trial, keeping.watching(watch), limits, stop)
        if watching.is_text and trial.plan.has_work:
            write("")
        watching.end(summary)
        if is_json:
            write_json(run_data(summary))
        elif watching.is_text:
            shown(summary_text, summary)
        keeping.end(summary)
        return exit_code(summary)
