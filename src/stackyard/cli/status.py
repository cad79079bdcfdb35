# SPDX-License-Identifier: MIT
"""`stackyard status`, which a bare `stackyard` prints too."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from stackyard import verbs
from stackyard.cli.common import command, json_option, style_for, write, write_json
from stackyard.report.data import FORMAT, plan_data
from stackyard.report.status import status_data, status_text

if TYPE_CHECKING:
    from stackyard.verbs import Yard


@command(epilog="Example: stackyard status")
@json_option
def status(yard: Yard, is_json: bool = False) -> None:
    """What is stable, what ran last, what would build, and what one would type next."""
    plan = verbs.plan(yard)
    channels = verbs.channels(yard)
    last = next(iter(yard.records.runs(1)), None)
    if is_json:
        write_json({"format": FORMAT, **status_data(channels, last), "plan": plan_data(plan)})
    else:
        write(status_text(plan, channels, last, style_for(sys.stdout)))
