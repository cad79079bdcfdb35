# SPDX-License-Identifier: MIT
"""`stackyard logs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackyard.cli.common import command, completed_by, json_option, option, shown, write_json
from stackyard.report.logs import log_text, logs_data
from stackyard.verbs.logs import logs as find_logs

if TYPE_CHECKING:
    from stackyard.model.logs import Log, LogKind
    from stackyard.verbs import Yard


@command("stackyard logs ml-notebook", "stackyard logs ml-notebook --run 7 --kind test")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", shell_complete=completed_by("images"))
@option("--run", type=click.IntRange(min=1), metavar="N", help="Of run N; of each image's last run by default.")
@option("--kind", type=click.Choice(["build", "test", "push"]), help="This kind alone.")
@json_option
def logs(yard: Yard, images: tuple[str, ...], run: int | None, kind: LogKind | None, is_json: bool) -> None:
    """What builds, tests and pushes of an image printed, whole.

    A build's log ends with the time of each instruction.
    """
    found = find_logs(yard, images, run, kind)
    if is_json:
        write_json(logs_data([(log, _lines(yard, log)) for log in found]))
        return
    for number, log in enumerate(found):
        shown(log_text, log, _lines(yard, log), is_first=not number)


def _lines(yard: Yard, log: Log) -> list[str]:
    return (yard.root / log.path).read_text(encoding="utf-8", errors="replace").splitlines()
