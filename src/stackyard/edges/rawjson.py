# SPDX-License-Identifier: MIT
"""Read what buildx says while it builds, and write it so that a person can read it.

In:   lines of `docker buildx build --progress=rawjson`
Out:  a log file, BuildSteps, the step that failed
Pure: but for the log it is given
Source: buildkit `client.SolveStatus` (vertexes, statuses, logs). Before buildx 0.14 its objects are indented
        over many lines, later they stand one on a line; words between them are the client's own.
Beside: edges/buildx
"""

from __future__ import annotations

import base64
import codecs
import json
import re
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Protocol, TextIO

from stackyard.edges.engine import BuildStep
from stackyard.model.progress import StepState

LAST_LINES = 20
_PLACE = re.compile(r"\S.*:(\d+)")
_RULE = re.compile(r"-{10,}")
"""`Dockerfile:3` and a rule below it: how buildx shows the instruction that failed."""
_OF_DOCKERFILE = re.compile(r"\[(?:([^\]]*) )?(\d+)/\d+\] ")
_COMMAND_AGAIN = re.compile(
    r'(process ".*" did not complete successfully|executor failed running \[.*\]): (?=exit code: \d+)'
)
"""What BuildKit says before the exit code of a command: all of the command, which is the step's name already."""
_LOADS = re.compile(r"\[(?:\S+ )?internal\] load metadata for (\S+)")


class Reader(Protocol):
    """Gives statuses for lines."""

    def take(self, line: str) -> Iterator[dict[str, Any] | str]:
        """What ends on this line; or the line itself, where it is no part of a status."""

    def rest(self) -> str:
        """What a stream that broke off left unfinished."""


class Values:
    """JSON objects out of a stream of lines, and the words between them."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._decoder = json.JSONDecoder()

    def take(self, line: str) -> Iterator[dict[str, Any] | str]:
        """Objects that end on this line; or the line itself, where it is no part of one."""
        if not self._open and not line.startswith("{"):
            if line.strip():
                yield line
            return
        self._open.append(line)
        # Inside an indented object every brace is indented too: only these lines can end one.
        if not line.startswith(("{", "}")):
            return
        text = "\n".join(self._open)
        while text:
            try:
                value, end = self._decoder.raw_decode(text)
            except ValueError:
                break
            text = text[end:].lstrip()
            self._open = [text] if text else []
            yield value

    def rest(self) -> str:
        """What a stream that broke off left unfinished."""
        return "\n".join(self._open)


class _Vertex:
    """One step of the engine's, whether the Dockerfile has it or not."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = ""
        self.state: StepState | None = None
        """None while it waits."""
        self.error = ""
        self.took = ""
        """For people: `1.2 s`, `cached`, `failed`."""
        self.unfinished = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.last: deque[str] = deque(maxlen=LAST_LINES)


class Progress:
    """What happened so far in one build.

    Args:
        log: gets every step's name, output and duration as they come.
        watch: gets the steps of the Dockerfile.
        needs: called with each image that the engine looks up by the Dockerfile's own words.
        mask: takes secrets out of a text.
        values: who reads the lines; None: JSON, as buildx writes it.
    """

    def __init__(
        self,
        log: TextIO,
        watch: Callable[[BuildStep], None],
        needs: Callable[[str], None],
        mask: Callable[[str], str],
        values: Reader | None = None,
    ) -> None:
        self.words: deque[str] = deque(maxlen=LAST_LINES)
        """What the client said outside of any step: a Dockerfile it cannot read, an engine it cannot reach."""
        self.line: int | None = None
        """The Dockerfile's line that failed, where the client shows it."""
        self._log, self._watch, self._needs, self._mask = log, watch, needs, mask
        self._values = values or Values()
        self._vertices: dict[str, _Vertex] = {}
        self._failed: list[_Vertex] = []

    @property
    def saw_steps(self) -> bool:
        """Whether an engine worked on the build at all."""
        return bool(self._vertices)

    def take(self, line: str) -> None:
        """Follow one line of the stream."""
        for value in self._values.take(line):
            if isinstance(value, str):
                if _RULE.fullmatch(value) and self.words and (place := _PLACE.fullmatch(self.words[-1])):
                    self.line = self.line or int(place[1])
                self.words.append(self._mask(value))
                self._write(value)
            else:
                self._follow(value)
        self._log.flush()

    def end(self) -> None:
        """Write what has not ended with a line break."""
        for vertex in self._vertices.values():
            self._flush(vertex)
        if rest := self._values.rest():
            self._write(rest)
        if told := self._in_order():
            self._write("\nSteps of the Dockerfile:")
            for vertex in told:
                self._write(f"{vertex.took:>10}  {_short(vertex.name)}")
        self._log.flush()

    def _in_order(self) -> list[_Vertex]:
        """The steps of the Dockerfile that came to an end, stage by stage; BuildKit tells of them in any order.

        It counts those that it knows of: where a base came from elsewhere late, a `RUN` and its `FROM` are both 1.
        """
        stages: dict[str, list[tuple[bool, int, _Vertex]]] = {}
        for vertex in self._vertices.values():
            if vertex.took and (found := _OF_DOCKERFILE.match(vertex.name)):
                is_first = vertex.name.startswith("FROM ", found.end())
                stages.setdefault(found[1] or "", []).append((not is_first, int(found[2]), vertex))
        return [vertex for steps in stages.values() for *_, vertex in sorted(steps, key=lambda step: step[:2])]

    def failure(self) -> tuple[str, tuple[str, ...]] | None:
        """The failed step with its error, on one line, and the end of its output; None if no step failed.

        When one step fails, the engine cancels those beside it: they are not what went wrong.
        """
        real = [v for v in self._failed if "context canceled" not in v.error] or self._failed
        if not real:
            return None
        vertex = real[0]
        error = _COMMAND_AGAIN.sub("", _one_line(vertex.error), 1)
        return self._mask(f"{_short(vertex.name)}: {error}"), tuple(vertex.last)

    def unfinished(self) -> tuple[str, tuple[str, ...]]:
        """As `failure`, for a build that was ended: the step it was at."""
        begun = [v for v in self._vertices.values() if v.state in ("started", "failed")]
        if not begun:
            return "no step of it had begun", ()
        return self._mask(f"it was at {_short(begun[-1].name)}"), tuple(begun[-1].last)

    def _follow(self, status: dict[str, Any]) -> None:
        for told in status.get("vertexes") or ():
            self._step(self._vertex(told["digest"], told.get("name") or ""), told)
        for told in status.get("logs") or ():
            vertex = self._vertex(told["vertex"], "")
            vertex.unfinished += vertex.decoder.decode(base64.b64decode(told.get("data") or ""))
            *lines, vertex.unfinished = vertex.unfinished.split("\n")
            for line in lines:
                self._output(vertex, line)
        for told in status.get("statuses") or ():
            if told.get("completed") and told.get("id"):
                vertex = self._vertex(told["vertex"], "")
                self._write(f"#{vertex.number} {told['id']}")

    def _vertex(self, digest: str, name: str) -> _Vertex:
        vertex = self._vertices.setdefault(digest, _Vertex(len(self._vertices) + 1))
        vertex.name = vertex.name or name  # a step's output may come before its name
        return vertex

    def _step(self, vertex: _Vertex, told: dict[str, Any]) -> None:
        state = _state(told)
        if state is None or state == vertex.state or vertex.state in ("cached", "done", "failed"):
            return
        if vertex.state is None:
            self._write(f"#{vertex.number} {vertex.name}")
            if loads := _LOADS.fullmatch(vertex.name):
                self._needs(loads[1])
        if state != "started":
            self._flush(vertex)
        vertex.state = state
        seconds = _seconds(told) if state == "done" else None
        if state != "started":
            vertex.took = state if seconds is None else f"{seconds:.1f} s"
        if state == "failed":
            vertex.error = told["error"]
            self._failed.append(vertex)
            self._write(f"#{vertex.number} failed: {vertex.error}")
        elif state == "cached":
            self._write(f"#{vertex.number} cached")
        elif state == "done":
            self._write(f"#{vertex.number} done in {vertex.took}")
        if _OF_DOCKERFILE.match(vertex.name):
            self._watch(BuildStep(self._mask(vertex.name), state, seconds))

    def _output(self, vertex: _Vertex, line: str) -> None:
        # A progress bar writes one line over and over: what a terminal would show at the end is enough.
        line = next((part for part in reversed(line.split("\r")) if part), "")
        vertex.last.append(self._mask(line))
        self._write(f"#{vertex.number} {line}")

    def _flush(self, vertex: _Vertex) -> None:
        if vertex.unfinished:
            self._output(vertex, vertex.unfinished)
            vertex.unfinished = ""

    def _write(self, line: str) -> None:
        self._log.write(f"{self._mask(line)}\n")


def _state(told: dict[str, Any]) -> StepState | None:
    if told.get("completed"):
        return "failed" if told.get("error") else "cached" if told.get("cached") else "done"
    return "started" if told.get("started") else None


def _seconds(told: dict[str, Any]) -> float:
    started, completed = (datetime.fromisoformat(told[key]) for key in ("started", "completed"))
    return (completed - started).total_seconds()


def _short(name: str) -> str:
    """A step's name for a sentence: a `RUN` of forty lines is in the log in full."""
    line = _one_line(name)
    return line if len(line) <= 160 else f"{line[:159]}…"


def _one_line(text: str) -> str:
    return " ".join(text.split())
