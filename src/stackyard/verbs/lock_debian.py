# SPDX-License-Identifier: MIT
"""Locks of Debian packages: the lines of a dated archive for apt, and a list of versions that it had at T.

In:   a set, the files of a commit
Out:  Locker
May touch: the archive; for what an image has, its kept inventory, else the engine or registry that has the image
Raises: FileProblem for a keyring that is not there
Why:  docs/explanation/locks.md

What packages need is not locked: apt finds it when it installs, and in a dated archive it finds the same each time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from stackyard import __version__
from stackyard.edges.debian_archive import Archive
from stackyard.edges.git_commit import CommitFiles
from stackyard.errors import FileProblem, StackyardError, WorldError
from stackyard.lock.debian import (
    LARGEST_LIST,
    LARGEST_RELEASE,
    Release,
    offers,
    pins_of,
    read_list,
    read_release,
    suite_pins,
)
from stackyard.model.debian import ARCHITECTURES, DebianInputs, DebianSource, stamp_of
from stackyard.model.lock import LockSet, LockTarget, LockTime
from stackyard.model.lockfile import LockFile
from stackyard.model.locking import Answer, LockStep, SetPlan
from stackyard.verbs.inside import inside
from stackyard.verbs.yard import Yard


def packages_of(yard: Yard, lock: LockSet, target: LockTarget) -> tuple[str, ...]:
    """Names of the packages that an image has, as its records tell; else as the lock has them that is there.

    A lock is for machines that know nothing of the image, too.

    Raises:
        WorldError: neither tells.
    """
    assert lock.debian is not None
    image = str(lock.debian.installed)
    try:
        found = inside(yard, image)
    except StackyardError as problem:
        path = yard.root / target.output
        kept = LockFile.of(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else None
        if kept is not None and kept.kind == "debian":
            return tuple(pin.name for pin in kept.pins)
        hint = f"build it: stackyard build {image}"
        raise WorldError(f"it is not known which packages {image} has: {problem}", hint=hint) from None
    fitting = [each.inventory for each in found if each.inventory.platform == target.platform]
    inventories = fitting or [each.inventory for each in found]
    return tuple({package.name for each in inventories for package in each.packages if package.kind == "deb"})


class DebianLocker:
    """A set of Debian packages.

    Args:
        installed: packages of the image that the set names, for one lock file.
    """

    def __init__(
        self,
        lock: LockSet,
        declared: DebianInputs,
        commit: CommitFiles,
        archive: Archive,
        installed: Callable[[LockTarget], Sequence[str]],
    ) -> None:
        self._lock = lock
        self._declared = declared
        self._archive = archive
        self._installed = installed
        self._keyring = b""
        self._releases: dict[DebianSource, Release] = {}
        self._one = threading.Lock()
        if declared.keyring:
            keyring = commit.read(declared.keyring)
            if keyring is None:
                spot = lock.spot
                sentence = f"there is no {declared.keyring} at that commit"
                raise FileProblem(spot.path, spot.line, sentence, hint="commit it, or leave `keyring` out")
            self._keyring = keyring

    @property
    def _file(self) -> str:
        """What says which lists a suite has: with a signature around it where that counts."""
        return "InRelease" if self._keyring else "Release"

    @property
    def files(self) -> tuple[str, ...]:
        """The keyring."""
        return (self._declared.keyring,) if self._declared.keyring else ()

    def planned(self, time: LockTime, upgrades: tuple[str, ...], changed: Sequence[str]) -> SetPlan:
        """The addresses that are read for each file."""
        steps = tuple(
            LockStep(self._lock.name, target, time, ((target.platform, self._words(target, time)),), upgrades)
            for target in self._lock.targets
        )
        image = self._declared.installed
        asked = (*self._declared.packages, *([f"what {image} has"] if image else []))
        return SetPlan(self._lock.name, asked, (), (), (), steps, tuple(changed))

    def _words(self, target: LockTarget, time: LockTime) -> tuple[str, ...]:
        words = ["GET"]
        for source in self._declared.archive:
            suite = _suite(source, time)
            if not target.platform:
                words.append(f"{suite}/{self._file}")
                continue
            machine = ARCHITECTURES[target.platform]
            words += [f"{suite}/{component}/binary-{machine}/Packages" for component in source.components]
        return tuple(words)

    def resolver(self) -> str:
        """Who checked the signatures; what apt would take is found here."""
        checked = f", signed as {self._archive.verifier()} says" if self._keyring else ""
        return f"stackyard {__version__}{checked}"

    def prepare(self, folder: Path) -> None:
        """Nothing is laid out."""

    def answer(self, step: LockStep, platform: str, known: LockFile | None) -> Answer:  # noqa: ARG002 - has no say
        """The suites, or the packages of one platform."""
        if step.upgrades:
            words = "a dated archive has one time for all its packages, so none can change alone"
            return Answer(words=words, hint=f"stackyard lock {self._lock.name} --refresh")
        try:
            releases = [self._release(source, step.time) for source in self._declared.archive]
            if not platform:
                return Answer(suite_pins(releases, step.time))
            names = self._names(step.target)
            found = [
                offer
                for release in releases
                for component in release.source.components
                for offer in offers(self._list(release, component, platform, step.time), names, release)
            ]
            return Answer(pins_of(found, names, step.time))
        except WorldError as problem:
            return Answer(words=str(problem), hint=problem.hint)

    def _names(self, target: LockTarget) -> list[str]:
        """What is locked for one platform; an image is read once, by whichever thread comes first."""
        with self._one:
            has = self._installed(target) if self._declared.installed else ()
        return sorted({*self._declared.packages, *has} - {*self._declared.leave_out})

    def _release(self, source: DebianSource, time: LockTime) -> Release:
        """Read once for all platforms."""
        with self._one:
            if source not in self._releases:
                data = self._archive.get(f"{_suite(source, time)}/{self._file}", LARGEST_RELEASE)
                if self._keyring:
                    data = self._archive.signed(data, self._keyring, f"{source.suite} of {source.address}")
                self._releases[source] = read_release(data, source, time)
            return self._releases[source]

    def _list(self, release: Release, component: str, platform: str, time: LockTime) -> bytes:
        source = release.source
        index = release.packages(component, ARCHITECTURES[platform])
        data = self._archive.get(f"{_suite(source, time)}/{index.path}", min(index.size_bytes, LARGEST_LIST))
        return read_list(data, index, source)


def _suite(source: DebianSource, time: LockTime) -> str:
    """Where a suite's files are."""
    return f"{source.at(stamp_of(time))}/dists/{source.suite}"
