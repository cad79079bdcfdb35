# SPDX-License-Identifier: MIT
"""What a resolver is asked: for each lock file of a set, and each platform, one command line.

In:   LockSet, Gathered, T
Out:  SetPlan; the two files that the command lines read
Pure. Why: docs/explanation/locks.md
"""

from __future__ import annotations

from collections.abc import Sequence

from stackyard.lock.inputs import Gathered, Local
from stackyard.model.lock import PLATFORMS, LockSet, LockTarget, LockTime
from stackyard.model.locking import LockStep, SetPlan

REQUIREMENTS = "requirements.in"
CONSTRAINTS = "constraints.txt"
TREE = "tree"
"""Where packages of the repository are laid out, beside the two files."""
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")


def plan_set(
    lock: LockSet,
    gathered: Gathered,
    time: LockTime,
    upgrades: Sequence[str] = (),
    changed: Sequence[str] = (),
    coming: Sequence[str] = (),
) -> SetPlan:
    """Everything that is asked for a set.

    Args:
        upgrades: packages that are looked for anew, where all others stay what they are.
        changed: inputs that the work tree has otherwise.
        coming: locks that are made before this one, and may bound it.
    """
    steps = tuple(_step(lock, gathered, target, time, tuple(upgrades)) for target in lock.targets)
    return SetPlan(
        lock.name,
        tuple(requirements_of(gathered)),
        (*gathered.constraints, *(f"what {path} has then" for path in lock.constraints if path in coming)),
        tuple(local.path for local in gathered.locals),
        tuple(sorted({*(local.name for local in gathered.locals if local.runs_code), *lock.allow_build})),
        steps,
        tuple(changed),
    )


def requirements_of(gathered: Gathered) -> list[str]:
    """The lines of the one file of requirements."""
    return [*gathered.requirements, *map(_as_requirement, gathered.locals)]


def _as_requirement(local: Local) -> str:
    extras = f"[{','.join(local.extras)}]" if local.extras else ""
    path = (
        ""
        if local.path == "."
        else "/"
        + "".join(sign if sign in _PLAIN else "".join(f"%{byte:02X}" for byte in sign.encode()) for sign in local.path)
    )
    return f"{local.name}{extras} @ file://${{PROJECT_ROOT}}/{TREE}{path}"


def _step(lock: LockSet, gathered: Gathered, target: LockTarget, time: LockTime, upgrades: tuple[str, ...]) -> LockStep:
    if not target.can_be_resolved:
        return LockStep(lock.name, target, time)
    common = [
        "uv", "pip", "compile", REQUIREMENTS,
        "--no-config", "--no-header", "--no-sources", "--no-progress", "--color=never",
        "--format=pylock.toml",
        f"--python-version={target.python}",
        f"--exclude-newer={time}",
        *([f"--constraints={CONSTRAINTS}"] if gathered.constraints or lock.constraints else []),
        *([f"--default-index={lock.indexes[0]}"] if lock.indexes else []),
        *(f"--index={address}" for address in lock.indexes[1:]),
        *(f"--upgrade-package={name}" for name in upgrades),
    ]  # fmt: skip
    asks = tuple((platform, (*common, f"--python-platform={PLATFORMS[platform][0]}")) for platform in lock.platforms)
    return LockStep(lock.name, target, time, asks, upgrades)
