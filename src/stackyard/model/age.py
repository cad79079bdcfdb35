# SPDX-License-Identifier: MIT
"""How old an image may become: `max_age: 30d`.

Pure: no clock. Why: docs/explanation/plan.md
"""

from __future__ import annotations

import re

from stackyard.model.names import Name

_UNIT_S = {"h": 3600, "d": 86400, "w": 604800}


class Age(Name):
    """A number of hours, days or weeks: `36h`, `30d`, `4w`; or `never`.

    >>> Age.parse("4w").seconds
    2419200
    """

    __slots__ = ()
    kind = "age"
    form = re.compile(r"[1-9][0-9]{0,4}[hdw]|never")
    hint = "an age is a number with h, d or w, such as 30d; `never` is none"

    @property
    def seconds(self) -> int | None:
        """How long that is; None for `never`."""
        return None if self == "never" else int(self[:-1]) * _UNIT_S[self[-1]]

    def is_over(self, since: str, now: str) -> bool:
        """Whether more than this has passed between two times of records."""
        limit = self.seconds
        if limit is None:
            return False
        from datetime import datetime  # few stacks ask

        return (datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds() > limit
