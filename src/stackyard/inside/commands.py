# SPDX-License-Identifier: MIT
"""The declared commands of an inventory, in one container of the image.

In:   Commands, an open container
Out:  Inventoried for each, in order; a command that fails is a result
Raises: as Inside.run
Rules: docs/how-to/test-images.md
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from stackyard.edges.clock import Clock
from stackyard.edges.engine import Inside, RunResult
from stackyard.edges.process import TIMED_OUT
from stackyard.errors import EngineProblem
from stackyard.model.progress import Tell
from stackyard.model.record import Inventoried
from stackyard.model.stack import Command

COMMAND_TIMEOUT_S = 600.0
_AT_ONCE = 4
_NOT_FOUND = 127


class Commands:
    """Runs commands side by side; what does not end well there is run once more, alone, and that counts.

    So two that are in each other's way cost time and no result. A command whose time was up is not run again: its
    container was ended with it, which is why those beside it are.

    Args:
        limit_s: how long each may take.
    """

    def __init__(self, container: Inside, clock: Clock, limit_s: float) -> None:
        self._container = container
        self._clock = clock
        self._limit_s = limit_s

    def run(self, commands: Sequence[Command], tell: Tell) -> tuple[Inventoried, ...]:
        """All of them, in the order they are given in."""

        def beside(command: Command) -> Inventoried | None:
            tell(f"inventory: {command.description}")
            try:
                return self._one(command)
            except EngineProblem:  # another's time was up; where it was something else, it is told when it runs alone
                return None

        if len(commands) < 2:
            return tuple(map(self._one, commands))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            first = list(pool.map(beside, commands))
        return tuple(
            found if found and found.exit_code in (0, TIMED_OUT) else self._one(command)
            for command, found in zip(commands, first, strict=True)
        )

    def _one(self, command: Command) -> Inventoried:
        try:
            argv = shlex.split(command.command)
            ended = self._container.run(argv, self._limit_s)
        except ValueError as error:
            ended = RunResult(_NOT_FOUND, f"{error}\n", 0.0)
        return Inventoried(
            self._clock.now(),
            command.name,
            command.description,
            ended.exit_code,
            ended.output,
            ended.duration_s,
            command.is_optional,
        )
