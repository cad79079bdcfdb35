# SPDX-License-Identifier: MIT
"""`stackyard lock`, also called `snapshot`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackyard.cli.common import command, completed_by, dry_run_option, json_option, option, shown, write_json
from stackyard.cli.session import EXIT_FAILED
from stackyard.errors import ConfigError
from stackyard.report.data import FORMAT
from stackyard.report.lock import plan_data, plan_text, summary_data, summary_text

if TYPE_CHECKING:
    from stackyard.verbs import Yard


@command("stackyard lock", "stackyard lock unit --at 51c13f7c --time 2020-12-11T19:09:36Z", "stackyard lock --check")
@click.argument("words", nargs=-1, metavar="[IMAGE|SET]...", shell_complete=completed_by("images"))
@option("--at", metavar="H", help="The commit that inputs are read from; what is checked out by default.")
@option("--time", metavar="T", help="What the indexes had then; the time of the lock by default, else now.")
@option("--refresh", is_flag=True, help="What the indexes have now.")
@option("--upgrade-package", "upgrades", multiple=True, metavar="P", help="Only this may change; repeatable.")
@option("--check", is_flag=True, help="Write nothing; 1 if a lock is not what its inputs give.")
@option("--all-or-nothing", is_flag=True, help="Write nothing where one fails.")
@dry_run_option
@json_option
def lock(
    yard: Yard,
    words: tuple[str, ...],
    at: str | None,
    time: str | None,
    refresh: bool,
    upgrades: tuple[str, ...],
    check: bool,
    all_or_nothing: bool,
    dry_run: bool,
    is_json: bool,
) -> int:
    """Pin what images install: a function of a commit H and a time T, whoever runs it and whenever.

    Inputs are read from H whatever is checked out, and each version is resolved with what the indexes had
    before T. What is written has H, T, hashes, upload times and the command that makes it again. A lock
    that cannot be made stays what it was, and the others are written.
    """
    from stackyard.verbs.locking import Wish, make, plan_locks

    if check and (upgrades or refresh):
        raise ConfigError("--check changes nothing", hint="leave --refresh and --upgrade-package out")
    wish = Wish(words, at, time, upgrades, refresh, check, all_or_nothing=all_or_nothing)
    if dry_run:
        plan = plan_locks(yard, wish)
        if is_json:
            write_json({"format": FORMAT, **plan_data(plan)})
        else:
            shown(plan_text, plan)
        return 0
    summary = make(yard, wish)
    if is_json:
        write_json({"format": FORMAT, **summary_data(summary)})
    else:
        shown(summary_text, summary)
    return 0 if summary.is_good else EXIT_FAILED
