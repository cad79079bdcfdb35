# SPDX-License-Identifier: MIT
"""A set of conda environments: what a solver is asked, for each lock file.

In:   LockSet, what its files ask for, T
Out:  SetPlan, Question
Pure. Beside: edges/rattler, which answers; lock/asking, the same for pip
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stackyard.model.conda import SUBDIRS
from stackyard.model.lock import LockSet, LockTarget, LockTime
from stackyard.model.locking import LockStep, SetPlan


class Question(msgspec.Struct, frozen=True):
    """What fits together, on a machine that has what `system` says, of what the channels had before `time`."""

    channels: tuple[str, ...]
    specs: tuple[str, ...]
    subdir: str
    system: tuple[str, ...]
    """Virtual packages, `NAME=VERSION=BUILD`."""
    time: LockTime

    @property
    def words(self) -> tuple[str, ...]:
        """As a person reads it; no program takes it so."""
        return (
            "rattler", "solve", f"--platform={self.subdir}", f"--exclude-newer={self.time}",
            *(f"--channel={each}" for each in self.channels),
            *(f"--virtual-package={each}" for each in self.system),
            *self.specs,
        )  # fmt: skip


def question_of(
    lock: LockSet, channels: Sequence[str], specs: Sequence[str], target: LockTarget, time: LockTime
) -> Question:
    """What is asked for one file; the Python that the set names for it is one more requirement."""
    assert lock.conda is not None
    own = [f"python {target.python}.*"] if target.python else []
    named = tuple(dict.fromkeys((*specs, *own)))
    return Question(tuple(channels), named, SUBDIRS[target.platform], lock.conda.system_of(target.platform), time)


def plan_conda(
    lock: LockSet,
    channels: Sequence[str],
    specs: Sequence[str],
    time: LockTime,
    upgrades: tuple[str, ...],
    changed: Sequence[str],
) -> SetPlan:
    """Everything that is asked for a set."""
    steps = []
    for target in lock.targets:
        question = question_of(lock, channels, specs, target, time)
        steps.append(LockStep(lock.name, target, time, ((target.platform, question.words),), upgrades))
    return SetPlan(lock.name, tuple(specs), (), (), (), tuple(steps), tuple(changed))
