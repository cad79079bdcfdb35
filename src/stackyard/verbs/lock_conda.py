# SPDX-License-Identifier: MIT
"""Conda environments as locks: verbs/lockers says what a Locker is.

In:   a set, the files of a commit, a Solver
Out:  SetPlan, Answers
May touch: what the Solver touches
Raises: FileProblem for an environment.yml that cannot be locked
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stackyard.edges.git_commit import CommitFiles
from stackyard.errors import FileProblem
from stackyard.load.spec.conda import Environment, pip_section, read_environment
from stackyard.lock.conda import plan_conda, question_of
from stackyard.model.conda import bounds_of
from stackyard.model.lock import LockSet, LockTime
from stackyard.model.lockfile import LockFile
from stackyard.model.locking import Answer, LockStep, SetPlan

if TYPE_CHECKING:
    from stackyard.edges.rattler import Solver

_EXPLICIT = re.compile(rb"^@EXPLICIT\s*$", re.M)


class CondaLocker:
    """Environments of a set, together."""

    def __init__(
        self, lock: LockSet, commit: CommitFiles, solver: Callable[[], Solver], others: Sequence[LockSet]
    ) -> None:
        assert lock.conda is not None
        self._lock = lock
        self._solver = solver
        self.files = lock.conda.environments
        elsewhere = {path for other in others for path in other.requirements}
        read = [_environment(lock, path, commit, path in elsewhere) for path in self.files]
        named = (channel for environment in read for channel in environment.channels)
        self._channels = tuple(dict.fromkeys(lock.conda.channels or named))
        self._specs = tuple(dict.fromkeys(spec for environment in read for spec in environment.dependencies))
        if not self._channels:
            hint = "channels: [conda-forge], there or in the lock"
            raise FileProblem(self.files[0], None, "it names no channel", hint=hint)

    def planned(self, time: LockTime, upgrades: tuple[str, ...], changed: Sequence[str]) -> SetPlan:
        """One question for each file."""
        named = tuple(name.lower() for name in upgrades)
        return plan_conda(self._lock, self._channels, self._specs, time, named, changed)

    def resolver(self) -> str:
        """rattler's version."""
        return self._solver().version()

    def prepare(self, folder: Path) -> None:
        """Nothing: it is asked in this process."""

    def answer(self, step: LockStep, platform: str, known: LockFile | None) -> Answer:  # noqa: ARG002 - a file has one
        """What the solver says."""
        question = question_of(self._lock, self._channels, self._specs, step.target, step.time)
        kept = {pin.where for pin in known.pins if pin.name not in step.upgrades} if known is not None else ()
        return self._solver().solve(question, kept)


class ForPip:
    """The files of a commit as pip's locks read them: an environment.yml has what pip is to install, and an explicit
    lock has bounds: what conda installs is there already, and is not to be installed again.

    Args:
        bounds: explicit locks that are made in the same run, which count in place of the commit's; None: not yet.
    """

    def __init__(self, commit: CommitFiles, bounds: Mapping[str, str | None]) -> None:
        self._commit = commit
        self._bounds = bounds
        self.is_folder = commit.is_folder

    def read(self, path: str) -> bytes | None:
        """A file's bytes, as a requirement file."""
        if path in self._bounds:
            return bounds_of(self._bounds[path] or "").encode()
        data = self._commit.read(path)
        if data is not None and path.endswith((".yml", ".yaml")):
            return pip_section(data, path).encode()
        if data is not None and _EXPLICIT.search(data):
            return bounds_of(data.decode("utf-8", "replace")).encode()
        return data


def _environment(lock: LockSet, path: str, commit: CommitFiles, leaves_pip: bool) -> Environment:
    data = commit.read(path)
    if data is None:
        sentence, hint = f"there is no {path} at that commit", "commit it, or name another file"
        raise FileProblem(lock.spot.path, lock.spot.line, sentence, hint=hint)
    return read_environment(data, path, leaves_pip)
