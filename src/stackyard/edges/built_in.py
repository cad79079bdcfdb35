# SPDX-License-Identifier: MIT
"""The BuildKit that docker up to 20.10 has built in: `docker build`, whose progress is lines for people.

In:   lines of `docker build --progress=plain`
Out:  the same statuses that buildx tells in JSON, so that edges/rawjson reads both
Pure.
Source: buildkit, util/progress/progressui: `#5 [2/3] RUN ...`, `#5 0.509 a line`, `#5 DONE 1.6s`; a step that
        another one interrupts is named again afterwards.
Beside: edges/buildx
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

_LINE = re.compile(r"#(\d+) (.*)")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_OUTPUT = re.compile(r"\d+\.\d+ ?(.*)")
_DONE = re.compile(r"DONE (\d+\.\d+)s")
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)


class PlainValues:
    """Statuses out of a stream of lines, and the words between them."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def take(self, line: str) -> Iterator[dict[str, Any] | str]:
        """What this line tells; or the line itself, where it is about no step."""
        found = _LINE.fullmatch(line)
        if found is None:
            if line.strip():
                yield line
            return
        number, text = found[1], found[2]
        if number not in self._names:
            self._names[number] = text
            yield self._step(number)
        elif told := self._told(number, text):
            yield told

    def rest(self) -> str:
        """Nothing is ever left: a line is a line."""
        return ""

    def _told(self, number: str, text: str) -> dict[str, Any] | None:
        if text in ("...", self._names[number]) or _DIGEST.fullmatch(text):
            return None
        if done := _DONE.fullmatch(text):
            return self._step(number, seconds=float(done[1]))
        if text == "CACHED":
            return self._step(number, seconds=0.0, cached=True)
        if text == "CANCELED":
            return self._step(number, seconds=0.0, error="context canceled")
        if text.startswith("ERROR: "):
            return self._step(number, seconds=0.0, error=text.removeprefix("ERROR: "))
        if said := _OUTPUT.fullmatch(text):
            data = base64.b64encode(f"{said[1]}\n".encode()).decode()
            return {"logs": [{"vertex": number, "data": data}]}
        return {"statuses": [{"vertex": number, "id": text, "completed": True}]}

    def _step(self, number: str, seconds: float | None = None, **more: object) -> dict[str, Any]:
        vertex = {"digest": number, "name": self._names[number], "started": _BEGIN.isoformat(), **more}
        if seconds is not None:
            vertex["completed"] = (_BEGIN + timedelta(seconds=seconds)).isoformat()
        return {"vertexes": [vertex]}
