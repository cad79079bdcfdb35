# SPDX-License-Identifier: MIT
"""A run's events.jsonl: everything the machine was told and answered, written as it happens, and read again.

In:   a Machine's Setup, its events and instructions, seconds since the run began
Out:  a file of one JSON object a line: first the setup, then entries; `read` gives them back
May touch: the file
Raises: RecordProblem for a file that is none
Used by: run/driver. Reference: docs/reference/events.md
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import IO

import msgspec

from stackyard.errors import RecordProblem
from stackyard.model import canonical
from stackyard.run.events import Event, Instruction, Setup
from stackyard.run.machine import Machine, replay

FILE = "events.jsonl"
FORMAT = 1


class Head(msgspec.Struct, frozen=True):
    """The first line."""

    format: int
    run: int
    setup: Setup


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """Any other line: what the machine was told, or what it answered."""

    at_s: float
    """Since the run began."""
    event: Event | None = None
    instruction: Instruction | None = None

    def __str__(self) -> str:
        return f"{self.at_s:10.3f}  {'<' if self.event else '>'} {self.event or self.instruction}"


class RunLog:
    """Writes the file; one that cannot be written any more says so once and keeps no run from going on."""

    def __init__(self, path: Path, number: int, setup: Setup) -> None:
        self.problem = ""
        self._path = path
        self._file: IO[bytes] | None = None
        try:
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            self._give_up(error)
        self._write([Head(FORMAT, number, setup)])

    def answer(self, at_s: float, event: Event | None, instructions: Iterable[Instruction]) -> None:
        """An event, if it was one that brought them, and the instructions that followed: one write."""
        at_s = round(at_s, 4)
        told = [Line(at_s, event=event)] if event is not None else []
        self._write([*told, *(Line(at_s, instruction=each) for each in instructions)])

    def close(self) -> None:
        """Nothing more is written."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, lines: Iterable[Head | Line]) -> None:
        data = b"".join(canonical.line(line) + b"\n" for line in lines)
        try:
            if self._file is not None and self._file.write(data) != len(data):
                raise OSError("no space left")  # what is written without a buffer may be written in part
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.problem = f"{self._path.name} of this run is not whole: {error.strerror or error}"
        self.close()


class Log(msgspec.Struct, frozen=True):
    """A file that was read."""

    head: Head
    entries: tuple[Line, ...]

    @property
    def events(self) -> tuple[Event, ...]:
        """What the machine was told."""
        return tuple(entry.event for entry in self.entries if entry.event is not None)

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """What it answered."""
        return tuple(entry.instruction for entry in self.entries if entry.instruction is not None)

    def replayed(self) -> tuple[Instruction, ...]:
        """What a fresh machine answers to the same events: the same, or the log is of another machine."""
        return tuple(replay(Machine.of(self.head.setup), self.events))


def read(path: Path) -> Log:
    """A run's log; the last line of a run that was killed may be torn, and does not count.

    Raises:
        RecordProblem: it is not there, or no log.
    """
    try:
        head, *lines = path.read_bytes().split(b"\n")[:-1]
        return Log(canonical.decode(head, Head), tuple(canonical.decode(line, Line) for line in lines))
    except (OSError, ValueError) as error:
        raise RecordProblem(f"{path} cannot be read as the log of a run: {error}", path=str(path)) from error
