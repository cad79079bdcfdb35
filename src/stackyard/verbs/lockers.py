# SPDX-License-Identifier: MIT
"""Kinds of locks: what each reads at H, and how it finds the pins of T. All the rest is one, in verbs/locking.

In:   a set, the files of a commit
Out:  Locker: what is asked, and Answers
May touch: what the kind's resolver touches
Why:  docs/explanation/locks.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from stackyard.edges.git_commit import CommitFiles
from stackyard.edges.uv import Resolver, Uv
from stackyard.errors import WorldError
from stackyard.lock.answers import pins_of, preferences
from stackyard.lock.asking import CONSTRAINTS, REQUIREMENTS, TREE, plan_set, requirements_of
from stackyard.lock.inputs import gather
from stackyard.model.lock import PLATFORMS, LockSet, LockTime, normal_name
from stackyard.model.lockfile import LockFile, Pin
from stackyard.model.locking import Answer, LockStep, SetPlan
from stackyard.verbs.lock_conda import CondaLocker, ForPip

if TYPE_CHECKING:
    from stackyard.edges.debian_archive import Archive
    from stackyard.edges.rattler import Solver
    from stackyard.verbs.yard import Yard


class Locker(Protocol):
    """How one set is locked, at one commit. Its inputs are read when it is made: FileProblem for what cannot be."""

    @property
    def files(self) -> tuple[str, ...]:
        """Every file and folder that was read at H, relative to the stack's root."""

    def planned(self, time: LockTime, upgrades: tuple[str, ...], changed: Sequence[str]) -> SetPlan:
        """What is asked for each lock file at T. Asks nobody, and needs no resolver.

        Args:
            upgrades: packages that are looked for anew, where all others stay what they are: as a person wrote them.
            changed: inputs that the work tree has otherwise.
        """

    def resolver(self) -> str:
        """Name and version of who answers, for the header: the same one gives the same answers.

        Raises:
            ToolMissing: it is not there.
        """

    def prepare(self, folder: Path) -> None:
        """Once, before the first answer: lay out in an empty folder of its own what the resolver reads."""

    def answer(self, step: LockStep, platform: str, known: LockFile | None) -> Answer:
        """The pins for one of the step's platforms. Called from several threads.

        Args:
            known: the lock as it is, if its pins are to stay where nothing forbids it; None: it has no say.
        """


class Resolvers:
    """Who answers, for each kind: made when first needed, ended together."""

    def __init__(
        self,
        environ: Mapping[str, str],
        uv: Resolver | None = None,
        rattler: Solver | None = None,
        archive: Archive | None = None,
    ) -> None:
        self.bounds: dict[str, str | None] = {}
        """Lock files that are made now and bound others: None until they are."""
        self._environ = environ
        self._archive = archive
        self._uv = uv
        self._rattler = rattler

    @property
    def uv(self) -> Resolver:
        """For pip."""
        self._uv = self._uv or Uv(self._environ)
        return self._uv

    @property
    def rattler(self) -> Solver:
        """For conda."""
        from stackyard.edges.rattler import Rattler  # few lock environments

        self._rattler = self._rattler or Rattler(self._environ)
        return self._rattler

    @property
    def archive(self) -> Archive:
        """For Debian packages."""
        from stackyard.edges.debian_archive import DebianArchive  # few lock them

        self._archive = self._archive or DebianArchive(self._environ)
        return self._archive

    def close(self) -> None:
        """End what still runs."""
        for each in (self._uv, self._rattler, self._archive):
            if each is not None:
                each.close()


def locker_of(lock: LockSet, commit: CommitFiles, resolvers: Resolvers, yard: Yard) -> Locker:
    """What locks a set of its kind, beside the others of the stack."""
    if lock.debian is not None:
        from stackyard.verbs.lock_debian import DebianLocker, packages_of

        return DebianLocker(lock, lock.debian, commit, resolvers.archive, partial(packages_of, yard, lock))
    if lock.kind == "conda":
        return CondaLocker(lock, commit, lambda: resolvers.rattler, yard.stack.locks)
    return PipLocker(lock, commit, resolvers)


class PipLocker:
    """Python packages, by uv."""

    def __init__(self, lock: LockSet, commit: CommitFiles, resolvers: Resolvers) -> None:
        self._lock = lock
        self._commit = commit
        self._resolvers = resolvers
        self._files = ForPip(commit, resolvers.bounds)
        self._gathered = gather(lock, self._files)
        self._folder = Path()

    @property
    def files(self) -> tuple[str, ...]:
        """Requirement files with what they include, projects, packages of the repository."""
        return self._gathered.files

    def planned(self, time: LockTime, upgrades: tuple[str, ...], changed: Sequence[str]) -> SetPlan:
        """One command line for each platform."""
        return plan_set(
            self._lock, self._gathered, time, tuple(map(normal_name, upgrades)), changed, tuple(self._resolvers.bounds)
        )

    def resolver(self) -> str:
        """uv's version."""
        return self._resolvers.uv.version()

    def prepare(self, folder: Path) -> None:
        """Packages of the repository, and two files."""
        self._folder = folder
        self._gathered = gather(self._lock, self._files)  # now with what bounds it
        tree = folder / TREE
        tree.mkdir()
        self._commit.lay_out([local.path for local in self._gathered.locals], tree)
        asked = "".join(f"{line}\n" for line in requirements_of(self._gathered))
        (folder / REQUIREMENTS).write_text(asked, encoding="utf-8")
        bounds = "".join(f"{line}\n" for line in self._gathered.constraints)
        (folder / CONSTRAINTS).write_text(bounds, encoding="utf-8")

    def answer(self, step: LockStep, platform: str, known: LockFile | None) -> Answer:
        """What uv says, without the repository's own packages."""
        preferred = preferences(known, PLATFORMS[platform][1]) if known is not None else ""
        allowed = self._lock.allow_build
        said = self._resolvers.uv.resolve(self._folder, dict(step.asks)[platform], allowed, preferred)
        if not said.text:
            return Answer(words=said.words, hint=said.hint, unbuilt=said.unbuilt)
        try:
            return Answer(tuple(self._pins(said.text)))
        except WorldError as problem:
            return Answer(words=str(problem), hint=problem.hint)

    def _pins(self, text: str) -> Iterator[Pin]:
        return pins_of(text, self._gathered.locals, self._lock.leave_out)
