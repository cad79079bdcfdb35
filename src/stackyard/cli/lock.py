# SPDX-License-Identifier: MIT
"""`stackyard lock`, also called `snapshot`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackyard.cli.common import command, completed_by, dry_run_option, format_option, option, shown, write, write_json
from stackyard.cli.session import EXIT_CHANGED, EXIT_FAILED
from stackyard.errors import ConfigError
from stackyard.report import lock as report
from stackyard.report.data import FORMAT

if TYPE_CHECKING:
    from stackyard.model.locking import LockSummary
    from stackyard.verbs import Yard

_ACTIONS = ("diff", "outdated", "import")


@command(
    "stackyard lock",
    "stackyard lock unit --at 51c13f7c --time 2020-12-11T19:09:36Z",
    "stackyard lock --check",
    "stackyard lock diff HEAD~1 HEAD --format markdown",
)
@click.argument(
    "words",
    nargs=-1,
    metavar="[IMAGE|SET]... | diff [A] [B] | outdated | import",
    shell_complete=completed_by("images"),
)
@option("--at", metavar="H", help="The commit that inputs are read from; what is checked out by default.")
@option("--time", metavar="T", help="What the indexes had then; the time of the lock by default, else now.")
@option("--refresh", is_flag=True, help="What the indexes have now.")
@option("--if-changed", is_flag=True, help="Leave a lock alone that would pin the same; 3 if a pin changed.")
@option("--upgrade-package", "upgrades", multiple=True, metavar="P", help="Only this may change; repeatable.")
@option("--check", is_flag=True, help="Write nothing; 1 if a lock is not what its inputs give.")
@option(
    "--verify", "is_verifying", is_flag=True, help="Offline: 1 if a lock does not show that nothing is newer than T."
)
@option("--all-or-nothing", is_flag=True, help="Write nothing where one fails.")
@dry_run_option
@format_option("text", "json", "markdown", help="markdown is for `lock diff`, in a pull request.")
def lock(
    yard: Yard,
    words: tuple[str, ...],
    at: str | None,
    time: str | None,
    refresh: bool,
    if_changed: bool,
    upgrades: tuple[str, ...],
    check: bool,
    is_verifying: bool,
    all_or_nothing: bool,
    dry_run: bool,
    form: str,
) -> int:
    """Pin what images install: a function of a commit H and a time T, whoever runs it and whenever.

    Inputs are read from H whatever is checked out, and each version is resolved with what the indexes had
    before T. What is written has H, T, hashes, upload times and the command that makes it again. A lock
    that cannot be made stays what it was, and the others are written.

    `diff` tells what differs between two commits, two files, or a commit and the work tree. `outdated` tells
    what --refresh would change. `import` finds H and T where a builder image froze its requirements.
    """
    from stackyard.verbs.locking import Wish, make, plan_locks

    action = words[0] if words and words[0] in _ACTIONS else ""
    making = (at, time, refresh, if_changed, upgrades, check, all_or_nothing, dry_run)
    if (action or is_verifying) and any(making):
        raise ConfigError(f"`lock {action or '--verify'}` makes no lock", hint="leave the other options out")
    if form == "markdown" and action != "diff":
        raise ConfigError("only `lock diff` has a markdown form", hint="leave --format out, or take --json")
    if check and (upgrades or refresh or if_changed):
        raise ConfigError("--check changes nothing", hint="leave the options out that change a lock")
    if action:
        return _told(yard, action, words[1:], form)
    if is_verifying:
        return _verified(yard, words, form == "json")
    wish = Wish(words, at, time, upgrades, refresh, check, if_changed, all_or_nothing)
    if dry_run:
        plan = plan_locks(yard, wish)
        if form == "json":
            write_json({"format": FORMAT, **report.plan_data(plan)})
        else:
            shown(report.plan_text, plan)
        return 0
    summary = make(yard, wish)
    message = _show(summary, form == "json", with_message=if_changed)
    if not summary.is_good:
        return EXIT_FAILED
    return EXIT_CHANGED if if_changed and message else 0


def _show(summary: LockSummary, is_json: bool, with_message: bool = False) -> tuple[str, str] | None:
    """What came of it; the message of a commit of what changed."""
    from stackyard.verbs.locks import message_of

    message = message_of(summary, with_message)
    if is_json:
        write_json({"format": FORMAT, **report.summary_data(summary, message)})
    else:
        shown(report.summary_text, summary)
        if message and with_message:
            write(f"\n{message[0]}\n\n{message[1]}".rstrip("\n"))
    return message


def _told(yard: Yard, action: str, words: tuple[str, ...], form: str) -> int:
    """What is asked of locks that are there, or of what stands in their place."""
    from stackyard.verbs import locks

    if action == "outdated":
        summary = locks.outdated(yard, words)
        _show(summary, form == "json")
        return 0 if summary.is_good else EXIT_FAILED
    if action == "diff":
        diff = locks.diff(yard, words)
        if form == "json":
            write_json({"format": FORMAT, **report.diff_data(diff)})
        elif form == "markdown":
            write(report.diff_markdown(diff))
        else:
            shown(report.diff_text, diff)
        return 0
    found = locks.imported(yard, words)
    if form == "json":
        write_json({"format": FORMAT, **report.imported_data(found)})
    else:
        shown(report.imported_text, found)
    return 0


def _verified(yard: Yard, words: tuple[str, ...], is_json: bool) -> int:
    from stackyard.verbs.locks import verify

    found = verify(yard, words)
    if is_json:
        write_json({"format": FORMAT, **report.verified_data(found)})
    else:
        shown(report.verified_text, found)
    return EXIT_FAILED if any(each.doubts for each in found) else 0
