# SPDX-License-Identifier: MIT
"""A resolver's answers, one for each platform, become one lock file.

In:   texts of pylock.toml, what was asked
Out:  LockFile; a pylock.toml with the pins that are to stay
Raises: WorldError for an answer that no lock can be made of
Pure.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from stackyard.errors import WorldError
from stackyard.lock.inputs import Local
from stackyard.model.conda import SUBDIRS
from stackyard.model.lock import PLATFORMS, LockSet, normal_name
from stackyard.model.lockfile import LockFile, Pin
from stackyard.model.locking import LockStep


def pins_of(text: str, locals_: Sequence[Local], leave_out: Sequence[str]) -> Iterator[Pin]:
    """The pins of one answer, without the repository's own packages and what the set leaves out."""
    left_out = {*(local.name for local in locals_), *leave_out}
    for package in tomllib.loads(text).get("packages", ()):
        name = normal_name(package["name"])
        if name in left_out:
            continue
        files = [*([package["sdist"]] if "sdist" in package else []), *package.get("wheels", ())]
        if not files or "version" not in package:
            hint = "name its folder under `packages`" if "directory" in package else "name a release of an index"
            raise WorldError(f"{name} comes from no index, so there is nothing to pin it by", hint=hint)
        times = [_instant(file.get("upload-time")) for file in files]
        if not all(times):
            raise WorldError(
                f"the index does not tell when the files of {name} were uploaded",
                hint="a lock at a time needs an index with upload times (PEP 700)",
            )
        hashes = {f"{kind}:{value}" for file in files for kind, value in file.get("hashes", {}).items()}
        if not hashes:
            raise WorldError(f"the index has no hashes for the files of {name}", hint="a lock pins files by hash")
        yield Pin(name, str(package["version"]), "", tuple(sorted(hashes)), max(times))


def _instant(value: object) -> str:
    if not isinstance(value, datetime):
        return ""
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def merged(answers: Mapping[str, Sequence[Pin]]) -> tuple[Pin, ...]:
    """The pins of all platforms: one line where they agree, one each with a marker where they do not.

    Raises:
        WorldError: two differ that no marker tells apart.
    """
    if len(answers) == 1:
        return tuple(next(iter(answers.values())))
    found: dict[str, dict[str, dict[str, Pin]]] = {}
    for platform, pins in answers.items():
        for pin in pins:
            found.setdefault(pin.name, {}).setdefault(pin.version, {})[platform] = pin
    lines = []
    for name in sorted(found):
        for version, by_platform in sorted(found[name].items()):
            marker = _marker(name, by_platform.keys(), answers.keys())
            hashes = sorted({value for pin in by_platform.values() for value in pin.hashes})
            uploaded = max(pin.uploaded for pin in by_platform.values())
            lines.append(Pin(name, version, marker, tuple(hashes), uploaded))
    return tuple(lines)


def _marker(name: str, platforms: Collection[str], every: Collection[str]) -> str:
    """True on `platforms` alone; empty where these are all."""
    others = [platform for platform in every if platform not in platforms]
    if not others:
        return ""
    markers = {PLATFORMS[platform][1]: platform for platform in platforms}
    like = next((platform for platform in others if PLATFORMS[platform][1] in markers), None)
    if like is not None:
        sentence = f"{name} is not the same on {markers[PLATFORMS[like][1]]} and {like}, and no marker tells them apart"
        raise WorldError(sentence, hint="make a set for each, with an `output` of its own")
    return " or ".join(markers)


def lock_file(
    lock: LockSet,
    step: LockStep,
    at: str,
    resolver: str,
    pins: tuple[Pin, ...],
    kept: str = "",
    bounded_by: tuple[str, ...] = (),
) -> LockFile:
    """The lock file of a step, which is made together with those that bound it."""
    return LockFile(
        pins,
        set=lock.name,
        at=at,
        time=str(step.time),
        target=target_text(lock, step),
        resolver=resolver,
        again=f"stackyard lock {' '.join((*bounded_by, lock.name))} --at {at} --time {step.time}",
        kept=kept,
        kind=lock.kind,
        platform=SUBDIRS[step.target.platform] if lock.kind == "conda" else "",
    )


def target_text(lock: LockSet, step: LockStep) -> str:
    """What the lock file is for."""
    python = f"Python {step.target.python} on " if step.target.python else ""
    platforms = lock.platforms_of(step.target)
    system = f" with {', '.join(lock.conda.system_of(platforms[0]))}" if lock.conda else ""
    return f"{python}{', '.join(platforms)}{system}"


def preferences(known: LockFile, marker: str) -> str:
    """A pylock.toml with what a lock has on one platform: pins that stay where nothing forbids it."""
    lines = ['lock-version = "1.0"', 'created-by = "stackyard"']
    for pin in known.pins:
        if not pin.marker or marker in pin.marker:
            lines += ["[[packages]]", f'name = "{normal_name(pin.name)}"', f'version = "{pin.version}"']
    return "\n".join(lines) + "\n"
