# SPDX-License-Identifier: MIT
"""`stackyard plan`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stackyard import verbs
from stackyard.cli.common import (
    bare_command,
    format_option,
    images_argument,
    json_text,
    option,
    rebuild_option,
    rendered,
    run_options,
    selection_options,
    shown,
    write,
    write_json,
)
from stackyard.cli.session import EXIT_USAGE, session_of
from stackyard.errors import ConfigError, FindingsProblem
from stackyard.later import uncollected
from stackyard.model.plan import Plan, uncached

if TYPE_CHECKING:
    from stackyard.cli.session import Session
    from stackyard.verbs import Yard
    from stackyard.verbs.again import Question


@bare_command("stackyard plan", "stackyard plan ml-notebook --explain", "stackyard plan --since origin/main...")
@images_argument
@option("--push", "is_publishing", is_flag=True, help="Plan what `build --push` would do.")
@selection_options
@rebuild_option
@run_options
@option(
    "--like",
    type=click.Choice(["datahub"]),
    help="Beside it, what the DataHub scripts would do with the last commit.",
)
@option(
    "--since",
    metavar="REF",
    help="Compare with a commit, not with the records; from the merge base with REF... (the last commit of --like).",
)
@option("--no-cache", "without_cache", is_flag=True, help="Plan what `build --no-cache` would do.")
@option("--explain", "is_explained", is_flag=True, help="Every reason, parent, argument and tag.")
@format_option("table", "json", "markdown", help="markdown is for a comment of a pull request.")
def plan(
    images: tuple[str, ...],
    is_publishing: bool,
    only: bool,
    with_children: bool,
    rebuild: tuple[str, ...],
    like: str | None,
    since: str | None,
    without_cache: bool,
    is_explained: bool,
    form: str,
) -> None:
    """What would happen to each image, and why.

    Reads the files, git and the records; needs no engine, no registry and no network. A clone that knows of no
    build yet asks the registry that the stack names once, for what others built, and goes on if it cannot.
    Naming images plans them and all they build on. An image can be named by its version (lab/3.12),
    by a pattern ('py*', '*/3.12'), or by a group of the spec.
    """
    session = session_of(click.get_current_context())
    asked = (*images, "", *rebuild, "", is_publishing, only, with_children, since, without_cache, is_explained, form)
    question = _question(session, since, asked) if like is None else None
    if question is not None and (known := question.answer) is not None:
        write(known)
        return
    is_brief = form != "json" and not is_explained and like is None
    is_read = since is None or like is not None
    yard = session.open_yard(question=question, is_brief=is_brief) if is_read else None
    try:
        if since is not None:
            planned = _since(session, since, is_publishing, images, rebuild, only, with_children, is_brief)
        elif yard is not None:
            planned = verbs.plan(yard, images, is_publishing, rebuild, only, with_children)
    except FindingsProblem as refusal:
        if like is None or yard is None:
            raise
        _compare(yard, refusal, since, is_explained, form)
        click.get_current_context().exit(EXIT_USAGE)
    if without_cache:
        planned = uncached(planned)
    if like is not None and yard is not None:
        _compare(yard, planned, since, is_explained, form)
        return
    text = _text(planned, is_explained, form)
    write(text)
    if question is not None:
        question.keep(text, planned, yard.stack if yard is not None else None)


def _text(planned: Plan, is_explained: bool, form: str) -> str:
    """The plan as it was asked for."""
    if form == "json":
        from stackyard.report.data import plan_data

        return json_text(plan_data(planned))
    if form == "markdown":
        from stackyard.report.markdown import plan_markdown

        return plan_markdown(planned).rstrip("\n")
    from stackyard.report.terminal import plan_text

    return rendered(plan_text, planned, is_explained=is_explained)


def _question(session: Session, since: str | None, asked: Sequence[object]) -> Question | None:
    """What is asked, where a large repository may have answered it before; small ones are not asked twice as fast."""
    if not verbs.is_large(Path(session.directory), session.options):
        return None
    from stackyard.verbs.again import question_of

    form = (session.width(sys.stdout), session.style(sys.stdout).is_coloured, sys.stdout.encoding)
    return question_of(Path(session.directory), session.options, [*map(repr, asked)], since, form)


def _compare(yard: Yard, planned: Plan | FindingsProblem, since: str | None, is_explained: bool, form: str) -> None:
    """The plan, or why there is none, beside that of the DataHub scripts, which take files that this tool refuses."""
    from stackyard.report.like_datahub import like_data, like_text
    from stackyard.verbs.like import plan_like_datahub

    if form == "markdown":
        raise ConfigError("--like has no markdown form", hint="leave --format out, or take --json")
    old = plan_like_datahub(yard, planned, since)
    if form == "json":
        write_json(like_data(old))
    else:
        shown(like_text, old, is_explained=is_explained)


def _since(
    session: Session,
    reference: str,
    is_publishing: bool,
    images: Sequence[str],
    rebuild: Sequence[str],
    only: bool,
    with_children: bool,
    is_brief: bool,
) -> Plan:
    """The plan against a commit."""
    from stackyard.verbs.since import plan_since

    if is_publishing:
        raise ConfigError("--since compares files, and --push needs the records", hint="leave one of the two out")
    with uncollected():
        start, options = Path(session.directory), session.options
        return plan_since(start, options, reference, images, rebuild, only, with_children, is_brief)
