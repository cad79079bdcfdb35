# SPDX-License-Identifier: MIT
"""`stackyard build` and `stackyard push`: prepare, show the plan, carry it out, say what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackyard import verbs
from stackyard.cli.common import (
    command,
    engine_option,
    flush,
    images_argument,
    json_option,
    option,
    overwriting_option,
    pulling_option,
    rebuild_option,
    run_options,
    selection_options,
    shown,
    write,
    write_json,
)
from stackyard.cli.keeping import Keeping, keep_options
from stackyard.cli.session import EXIT_FAILED, EXIT_INTERRUPTED, session_of
from stackyard.cli.stopping import interruptible
from stackyard.cli.watching import Watching, progress_option
from stackyard.errors import ConfigError, NothingToDo
from stackyard.model.plan import uncached, without_missing
from stackyard.report.data import run_data
from stackyard.report.summary import summary_text
from stackyard.report.terminal import plan_text
from stackyard.report.text import visible

if TYPE_CHECKING:
    from stackyard.model.outcome import RunSummary
    from stackyard.model.plan import Action, Plan
    from stackyard.run.events import Limits
    from stackyard.run.stop import Stop
    from stackyard.verbs import Yard

jobs_option = option(
    "--jobs",
    metavar="JOBS",
    help="How many at once: a number of builds, or build=N,test=N,push=N; by default what the machine carries.",
)


@command("stackyard build", "stackyard build ml-notebook --push", "stackyard build ml-notebook --test")
@images_argument
@option("--push", "is_publishing", is_flag=True, help="Publish what passed its tests.")
@selection_options
@option("--test", "is_trying", is_flag=True, help="Exactly these images, on what is published of their parents.")
@rebuild_option
@option("--refresh", "is_refreshing", is_flag=True, help="First accept what external bases are now.")
@run_options
@option("--no-cache", "without_cache", is_flag=True, help="Do not use the engine's build cache.")
@jobs_option
@option("--ignore-disk", "is_ignoring_disk", is_flag=True, help="Begin although the disk is too small, by the records.")
@option("--fail-fast", "is_failing_fast", is_flag=True, help="Start nothing more once something failed.")
@overwriting_option
@pulling_option
@engine_option
@progress_option
@keep_options
@json_option
def build(
    yard: Yard,
    images: tuple[str, ...],
    is_publishing: bool,
    only: bool,
    with_children: bool,
    is_trying: bool,
    rebuild: tuple[str, ...],
    is_refreshing: bool,
    without_cache: bool,
    jobs: str | None,
    is_ignoring_disk: bool,
    is_failing_fast: bool,
    progress: str,
    is_json: bool,
) -> int:
    """Build, test and name what the plan says.

    Naming images builds them and what they build on: images, versions (lab/3.12), patterns ('py*'),
    groups of the spec. With --only, what they build on stays as it was built last; with --test, as it was published
    last: to try a change on a laptop.
    With --push, each image is published after its own tests and those of its parents passed;
    moving tags move at the end, all or none.
    """
    with interruptible() as stop:
        if is_trying and is_publishing:
            raise ConfigError("--test publishes nothing", hint="leave out --push, or --test")
        limits = limits_of_jobs(yard, jobs)
        plan = verbs.prepare(
            yard, images, is_publishing, rebuild, only, with_children, is_refreshing, on_published=is_trying
        )
        summary = carry_out(
            yard,
            plan,
            "build",
            progress,
            is_json,
            stop,
            limits,
            use_cache=not without_cache,
            is_failing_fast=is_failing_fast,
            is_ignoring_disk=is_ignoring_disk,
            keeping=Keeping(yard, plan),
        )
        return exit_code(summary)


MISSING: tuple[Action, ...] = ("build", "decide-later", "retest", "fetch")
"""What `push` does not do; what is published, and fetched again, is fetched to be tested."""


@command("stackyard push", "stackyard push ml-notebook")
@images_argument
@selection_options
@run_options
@jobs_option
@overwriting_option
@engine_option
@progress_option
@json_option
def push(
    yard: Yard,
    images: tuple[str, ...],
    only: bool,
    with_children: bool,
    jobs: str | None,
    progress: str,
    is_json: bool,
) -> int:
    """Publish what is built and tested; builds nothing.

    What is missing is an error that names it, unless it is allowed to fail.
    """
    with interruptible() as stop:
        limits = limits_of_jobs(yard, jobs)
        plan = verbs.prepare(yard, images, True, (), only, with_children, renew=False)
        if not plan.is_publishing:
            return exit_code(_leave(yard, plan, "push", is_json))
        plan = without_missing(plan, MISSING, {each.name for each in yard.stack.targets if each.may_fail})
        missing = [step for step in plan.steps if step.action in MISSING]
        if missing:
            names = ", ".join(str(step.target) for step in missing)
            raise NothingToDo(
                f"not built and tested as the files are now: {names}",
                hint="`stackyard build --push` builds, tests and publishes; `stackyard plan --explain` says why",
            )
        return exit_code(carry_out(yard, plan, "push", progress, is_json, stop, limits))


def carry_out(
    yard: Yard,
    plan: Plan,
    name: str,
    progress: str,
    is_json: bool,
    stop: Stop,
    limits: Limits | None = None,
    use_cache: bool = True,
    is_failing_fast: bool = False,
    is_ignoring_disk: bool = False,
    keeping: Keeping | None = None,
) -> RunSummary:
    """Run a plan in front of a person or a program; what happened, which was told."""
    if plan.is_idle:
        return _leave(yard, plan, name, is_json, keeping)
    if not use_cache:
        plan = uncached(plan)
    limits = limits or verbs.usual_limits(yard, plan)
    watching = Watching(session_of(click.get_current_context()), yard, plan, progress, is_json, limits.builds)
    if watching.is_text and plan.has_work:
        shown(plan_text, plan)
        write("")
        flush()
    with watching as watch:
        told = keeping.watching(watch) if keeping is not None else watch
        summary = verbs.run(
            yard, plan, name, told, limits, use_cache, is_failing_fast, stop=stop, is_ignoring_disk=is_ignoring_disk
        )
    if watching.is_text and plan.has_work:
        write("")
    watching.end(summary)
    if is_json:
        write_json(run_data(summary))
    elif watching.is_text:
        shown(summary_text, summary)
    if keeping is not None:
        keeping.end(summary)
    return summary


def limits_of_jobs(yard: Yard, jobs: str | None) -> Limits | None:
    """What --jobs says, before anything is asked of anybody."""
    if jobs is None:
        return None
    from stackyard.run.limits import limits_of

    return limits_of(jobs, verbs.usual_limits(yard))


def _leave(yard: Yard, plan: Plan, name: str, is_json: bool, keeping: Keeping | None = None) -> RunSummary:
    """Do nothing, because the stack's policy says so: a sentence, and no failure."""
    summary = verbs.leave(yard, plan, name)
    if is_json:
        write_json(run_data(summary))
    if keeping is not None:
        keeping.end(summary)
    for note in () if is_json else plan.notes:
        write(f"note: {visible(note.sentence)}")
    return summary


def exit_code(summary: RunSummary) -> int:
    """What the command ends with."""
    if summary.is_interrupted:
        return EXIT_INTERRUPTED
    return 0 if summary.is_good and not summary.notes else EXIT_FAILED
