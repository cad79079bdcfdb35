# SPDX-License-Identifier: MIT
"""`stackyard status`, which a bare `stackyard` prints too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackyard import verbs
from stackyard.cli.common import command, json_option, shown, write_json
from stackyard.report.data import FORMAT, plan_data
from stackyard.report.status import status_data, status_text
from stackyard.verbs import promotion

if TYPE_CHECKING:
    from stackyard.verbs import Yard


@command("stackyard status", "stackyard -C ~/images status")
@json_option
def status(yard: Yard, is_json: bool = False) -> None:
    """What is stable, what ran last, what would build, and what one would type next."""
    plan = verbs.plan(yard)
    channels = promotion.channels(yard)
    waiting = promotion.waiting(yard, channels)
    last = next(iter(yard.records.runs(1)), None)
    if is_json:
        write_json({"format": FORMAT, **status_data(channels, last, waiting), "plan": plan_data(plan)})
    else:
        shown(status_text, plan, channels, last, yard.stack.has_registry, waiting=waiting)
