# SPDX-License-Identifier: MIT
"""What is different inside: one image against another, two sets of images against each other.

Pure. In: inventories. Out: values; equal inventories give none
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from stackyard.model.contents import ChangedEntry, ContentsChange
from stackyard.model.inventory import KIND_NAMES, Inventory, Package, PackageKind
from stackyard.model.names import TargetName
from stackyard.model.record import Record, Tested


class PackageChange(msgspec.Struct, frozen=True):
    """A package that is new, gone, or there in another version."""

    kind: PackageKind
    name: str
    was: str = ""
    """The version; several where it is there in several, sorted; empty where it is new."""
    now: str = ""
    """The same; empty where it is gone."""

    def __str__(self) -> str:
        return f"{self.name} {' -> '.join(filter(None, (self.was, self.now)))}"


class FileChange(msgspec.Struct, frozen=True):
    """A large file that is new, gone, or of another size."""

    path: str
    was_bytes: int | None
    now_bytes: int | None

    @property
    def more_bytes(self) -> int:
        """How much more room it takes."""
        return (self.now_bytes or 0) - (self.was_bytes or 0)


class SettingChange(msgspec.Struct, frozen=True):
    """Something that containers start with and that is another one."""

    setting: str
    """`env PATH`, `label x`, `user`, `entrypoint`, ..."""
    was: str | None
    now: str | None


class SuiteChange(msgspec.Struct, frozen=True):
    """How a suite ended on each; None where it never ran."""

    suite: str
    was: Tested | None
    now: Tested | None


class Measure(msgspec.Struct, frozen=True):
    """How large an image is."""

    layers: int
    size_bytes: int


class ImageDifference(msgspec.Struct, frozen=True):
    """One image against another."""

    name: str
    was: str
    """The images, by digest."""
    now: str
    old: Measure
    new: Measure
    same_layers: int
    """How many layers from the lowest on are the same."""
    packages: tuple[PackageChange, ...] = ()
    """By kind and name."""
    files: tuple[FileChange, ...] = ()
    """What makes the most difference first."""
    settings: tuple[SettingChange, ...] = ()
    suites: tuple[SuiteChange, ...] = ()
    gaps: int = 0
    """How much of the two could not be read."""

    @property
    def is_same(self) -> bool:
        """Whether nothing that is told differs."""
        return not (self.packages or self.files or self.settings or self.old != self.new)

    def of_kind(self, kind: PackageKind) -> tuple[list[PackageChange], list[PackageChange], list[PackageChange]]:
        """Changed, new, gone."""
        mine = [each for each in self.packages if each.kind == kind]
        return parted(mine)


class InsideDifference(msgspec.Struct, frozen=True):
    """What one name stands for against what another does."""

    was: str
    """As people asked."""
    now: str
    images: tuple[ImageDifference, ...] = ()
    new: tuple[str, ...] = ()
    """Images that only the latter has."""
    gone: tuple[str, ...] = ()

    @property
    def packages(self) -> frozenset[PackageChange]:
        """All of them, each once: images that stand on each other change together."""
        return frozenset(change for image in self.images for change in image.packages)


def parted(changes: Iterable[PackageChange]) -> tuple[list[PackageChange], list[PackageChange], list[PackageChange]]:
    """Changed, new, gone."""
    changed, new, gone = list[PackageChange](), list[PackageChange](), list[PackageChange]()
    for each in changes:
        (changed if each.was and each.now else new if each.now else gone).append(each)
    return changed, new, gone


def image_difference(
    name: str, was: str, old: Inventory, now: str, new: Inventory, results: tuple[Sequence[Tested], Sequence[Tested]]
) -> ImageDifference:
    """What is different inside two images.

    Args:
        was, now: the images, by digest.
        results: how suites ended on each, oldest first.
    """
    pairs = zip((layer.digest for layer in old.layers), (layer.digest for layer in new.layers), strict=False)
    same = next((index for index, (one, other) in enumerate(pairs) if one != other), -1)
    return ImageDifference(
        name,
        was,
        now,
        Measure(len(old.layers), old.size_bytes),
        Measure(len(new.layers), new.size_bytes),
        min(len(old.layers), len(new.layers)) if same < 0 else same,
        package_changes(old.packages, new.packages),
        _file_changes(old, new),
        tuple(_setting_changes(old, new)),
        tuple(_suite_changes(*results)),
        len(old.gaps) + len(new.gaps),
    )


def package_changes(old: Iterable[Package], new: Iterable[Package]) -> tuple[PackageChange, ...]:
    """Packages that are new, gone, or there in another version, by kind and name."""
    was, now = _by_name(old), _by_name(new)
    found = []
    for kind, name in sorted(was.keys() | now.keys()):
        before, after = was.get((kind, name), {}), now.get((kind, name), {})
        if before.keys() != after.keys():
            called = next(iter((after or before).values()))
            found.append(PackageChange(kind, called, ", ".join(sorted(before)), ", ".join(sorted(after))))
    return tuple(found)


def known_as(kind: PackageKind, name: str) -> str:
    """A package's name as its own index takes it for the same."""
    return re.sub(r"[-_.]+", "-", name).lower() if kind == "pypi" else name


def _by_name(packages: Iterable[Package]) -> dict[tuple[PackageKind, str], dict[str, str]]:
    """Kind and name -> version -> the name as it is written."""
    found: dict[tuple[PackageKind, str], dict[str, str]] = {}
    for each in packages:
        found.setdefault((each.kind, known_as(each.kind, each.name)), {})[_version(each)] = each.name
    return found


def _version(package: Package) -> str:
    """With conda's build: another build of one version is another package."""
    build = dict(package.about).get("build", "") if package.kind == "conda" else ""
    return f"{package.version} {build}" if build else package.version


def _file_changes(old: Inventory, new: Inventory) -> tuple[FileChange, ...]:
    was = {file.path: file.size_bytes for file in old.files}
    now = {file.path: file.size_bytes for file in new.files}
    changes = [FileChange(path, was.get(path), now.get(path)) for path in was.keys() | now.keys()]
    differing = (each for each in changes if each.was_bytes != each.now_bytes)
    return tuple(sorted(differing, key=lambda each: (-abs(each.more_bytes), each.path)))


def _setting_changes(old: Inventory, new: Inventory) -> Iterator[SettingChange]:
    one, other = old.settings, new.settings
    for what, was, now in (("env", one.env, other.env), ("label", one.labels, other.labels)):
        yield from _differing(what, was, now)
    plain: tuple[tuple[str, Sequence[str], Sequence[str]], ...] = (
        ("user", [one.user], [other.user]),
        ("workdir", [one.workdir], [other.workdir]),
        ("entrypoint", one.entrypoint, other.entrypoint),
        ("command", one.command, other.command),
        ("ports", one.ports, other.ports),
        ("volumes", one.volumes, other.volumes),
    )
    for setting, before, after in plain:
        if list(before) != list(after):
            yield SettingChange(setting, " ".join(before) or None, " ".join(after) or None)


def _differing(what: str, was: Mapping[str, str], now: Mapping[str, str]) -> Iterator[SettingChange]:
    for name in sorted(was.keys() | now.keys()):
        if was.get(name) != now.get(name):
            yield SettingChange(f"{what} {name}", was.get(name), now.get(name))


def _suite_changes(old: Sequence[Tested], new: Sequence[Tested]) -> Iterator[SuiteChange]:
    was, now = ({each.suite: each for each in results} for results in (old, new))
    for suite in sorted(was.keys() | now.keys()):
        one, other = was.get(suite), now.get(suite)
        told = [each and (each.passed, each.total, each.failed, each.skipped) for each in (one, other)]
        if told[0] != told[1]:
            yield SuiteChange(suite, one, other)


def results_of(record: Record | None) -> tuple[Tested, ...]:
    """How suites ended on an image, oldest first."""
    return tuple(fact for fact in record.facts if isinstance(fact, Tested)) if record else ()


def as_contents(target: TargetName, changes: Sequence[PackageChange]) -> tuple[ContentsChange, ...]:
    """Changed packages in the form of a promotion's preview: one entry for each kind."""
    found = []
    for kind, called in KIND_NAMES.items():
        mine = [each for each in changes if each.kind == kind]
        if mine:
            changed, new, gone = parted(mine)
            entries = tuple(ChangedEntry(each.name, each.was, each.now) for each in changed)
            found.append(
                ContentsChange(target, f"{called} packages", entries, tuple(map(str, new)), tuple(map(str, gone)))
            )
    return tuple(found)


def beside(told: Sequence[ContentsChange], printed: Sequence[ContentsChange]) -> tuple[ContentsChange, ...]:
    """What commands printed of an image, without lists of packages that `told` has already."""
    names = {_plain(name) for change in told for name in _names(change)}
    return tuple(each for each in printed if not {_plain(name) for name in _names(each)} <= names)


def _names(change: ContentsChange) -> Iterator[str]:
    yield from (each.name for each in change.changed)
    yield from (line.split(" ")[0] for line in (*change.new, *change.gone))


def _plain(name: str) -> str:
    """As dpkg prints names of some packages with their architecture, and pip some with dots."""
    return known_as("pypi", name.partition(":")[0])
