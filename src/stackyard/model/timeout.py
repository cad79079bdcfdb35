# SPDX-License-Identifier: MIT
"""How long a build or a suite of tests may take: `timeout: 30m`. Pure: no clock."""

from __future__ import annotations

import re

from stackyard.model.names import Name

_UNITS = {"s": (1, "second"), "m": (60, "minute"), "h": (3600, "hour")}


class Timeout(Name):
    """A number of seconds, minutes or hours: `90s`, `30m`, `2h`; or `never`.

    >>> Timeout.parse("30m").seconds, Timeout.parse("30m").words, Timeout.parse("never").seconds
    (1800, '30 minutes', None)
    """

    __slots__ = ()
    kind = "timeout"
    form = re.compile(r"[1-9][0-9]{0,4}[smh]|never")
    hint = "a timeout is a number with s, m or h, such as 30m; `never` is none"

    @property
    def seconds(self) -> int | None:
        """How long that is; None for `never`."""
        return None if self == "never" else int(self[:-1]) * _UNITS[self[-1]][0]

    @property
    def words(self) -> str:
        """As a sentence says it."""
        if self == "never":
            return "no time"
        unit = _UNITS[self[-1]][1]
        return f"{self[:-1]} {unit}{'' if self[:-1] == '1' else 's'}"
