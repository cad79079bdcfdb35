# SPDX-License-Identifier: MIT
"""rattler: solves conda environments as of a time, in this process.

In:   channels, requirements, a platform with its virtual packages, T
Out:  Answer: pins in the order in which they can be installed, or why there are none
May touch: the channels; rattler's own cache of what they have
Raises: ToolMissing where py-rattler is not there

Imported where it is used: it is a library of 80 MB, and takes 90 ms.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Collection, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from stackyard.errors import ToolMissing
from stackyard.model.conda import parts_of
from stackyard.model.lockfile import Pin
from stackyard.model.locking import Answer

if TYPE_CHECKING:
    from rattler import GenericVirtualPackage, RepoDataRecord


class Asked(Protocol):
    """What is asked; lock/conda makes it."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Names and addresses, the first before the second."""

    @property
    def specs(self) -> tuple[str, ...]:
        """Requirements as conda writes them."""

    @property
    def subdir(self) -> str:
        """The platform as conda calls it."""

    @property
    def system(self) -> tuple[str, ...]:
        """Virtual packages, `NAME=VERSION=BUILD`."""

    @property
    def time(self) -> str:
        """Nothing that came at this instant, or later, is taken."""


class Solver(Protocol):
    """Who answers which packages of channels fit together."""

    def version(self) -> str:
        """`py-rattler 0.28.0`: the same one gives the same answers."""

    def solve(self, asked: Asked, kept: Collection[str]) -> Answer:
        """Safe for threads.

        Args:
            kept: addresses of packages that stay, where nothing forbids it.
        """

    def close(self) -> None:
        """End what still runs."""


class Rattler:
    """The real one: `stackyard[conda]`."""

    def __init__(self, environ: Mapping[str, str], distribution: str = "py-rattler") -> None:
        self._cache = environ.get("RATTLER_CACHE_DIR")
        self._distribution = distribution
        self._guard = threading.Lock()
        self._is_closed = False
        self._running: set[tuple[asyncio.AbstractEventLoop, asyncio.Task[Answer]]] = set()

    def version(self) -> str:
        """ToolMissing where there is none."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            return f"{self._distribution} {version(self._distribution)}"
        except PackageNotFoundError:
            raise ToolMissing(
                f"{self._distribution} is not installed, which locks conda environments",
                hint="pip install 'stackyard[conda]'",
                program=self._distribution,
            ) from None

    def solve(self, asked: Asked, kept: Collection[str]) -> Answer:
        """Nothing is written but rattler's cache."""
        return asyncio.run(self._tracked(self._solve(asked, kept)))

    def close(self) -> None:
        """End what still runs."""
        with self._guard:
            self._is_closed = True
            for loop, task in self._running:
                loop.call_soon_threadsafe(task.cancel)

    async def _tracked(self, work: Coroutine[None, None, Answer]) -> Answer:
        entry = (asyncio.get_running_loop(), asyncio.ensure_future(work))
        with self._guard:
            self._running.add(entry)
            if self._is_closed:  # whoever began before that, and comes here after it
                entry[1].cancel()
        try:
            return await entry[1]
        finally:
            with self._guard:
                self._running.discard(entry)

    async def _solve(self, asked: Asked, kept: Collection[str]) -> Answer:
        from rattler import Gateway, MatchSpec, solve
        from rattler.exceptions import GatewayError, InvalidMatchSpecError, SolverError
        from rattler.platform import Subdir

        specs = []
        for text in asked.specs:
            try:
                specs.append(MatchSpec(text))
            except InvalidMatchSpecError as problem:
                hint = "name, version and build, as `numpy >=1.26,<2` or `numpy=1.26.*=py312*`"
                return Answer(words=f"{text!r} is no requirement that conda understands: {problem}", hint=hint)
        # One for each question: where two share one, the second is not told why the first did not get through.
        gateway = Gateway(Path(self._cache) if self._cache else None)
        cutoff = datetime.fromisoformat(asked.time) - timedelta(milliseconds=1)  # it takes what came at that instant
        platforms = (Subdir(asked.subdir), Subdir("noarch"))
        try:
            known: list[RepoDataRecord] = []
            if kept:
                names = sorted({parts[0] for where in kept if (parts := parts_of(where)) is not None})
                found = await gateway.query(
                    asked.channels, platforms, names, recursive=False, channel_relations="disabled"
                )
                known = [record for records in found for record in records if record.url in kept]
            records = await solve(
                asked.channels,
                specs,
                gateway,
                platforms,
                locked_packages=known,
                virtual_packages=_system(asked.system),
                exclude_newer=cutoff,
                channel_relations="disabled",
            )
        except SolverError as problem:
            return explained(str(problem).replace(f"{cutoff:%Y-%m-%d %H:%M:%S}", asked.time), asked.channels)
        except GatewayError as problem:
            return unreached(str(problem))
        return _pinned(records)


def _system(texts: Sequence[str]) -> list[GenericVirtualPackage]:
    from rattler import GenericVirtualPackage, PackageName, Version
    from rattler.package import BuildString

    parts = (text.split("=") for text in texts)
    return [
        GenericVirtualPackage(PackageName(name), Version(version), BuildString(build)) for name, version, build in parts
    ]


def _pinned(records: Sequence[RepoDataRecord]) -> Answer:
    from rattler import PackageRecord

    pins = []
    ordered = PackageRecord.sort_topologically(sorted(records, key=lambda record: str(record.name.normalized)))
    by_name = {record.name.normalized: record for record in records}
    for record in (by_name[each.name.normalized] for each in ordered):
        digest, old = record.sha256, record.md5
        if digest is None and old is None:
            hint = "a lock pins files by hash"
            return Answer(words=f"the channel has no hash for {record.file_name}", hint=hint)
        value = f"sha256:{digest.hex()}" if digest is not None else f"md5:{old.hex() if old is not None else ''}"
        when = record.indexed_timestamp or record.timestamp
        uploaded = when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if when is not None else ""
        version = f"{record.version}={record.build}"
        pins.append(Pin(record.name.normalized, version, "", (value,), uploaded, record.url))
    return Answer(tuple(pins))


_LOGIN = re.compile(r"://[^/@\s]+@|(?<=/t/)[^/\s]+")
_NO_TIME = re.compile(r"(\S+) \S+ is excluded because the package has no timestamp")
_TOO_LATE = re.compile(r"(\S+) \S+ is excluded because the package is uploaded after")
_ADDRESS = re.compile(r"\((\w+://[^)\s]+?)/(?:noarch|[a-z]+-\w+)/")
_NOWHERE = re.compile(r"could not find subdir '([^']+)' in channel '([^']+?)/?'")


def explained(said: str, channels: Sequence[str]) -> Answer:
    """The solver's own words, and what can be done about it."""
    words = said.strip()
    if found := _NO_TIME.search(words):
        sentence = f"the channel does not say when {found[1]} was made, so nothing is known of it at a time"
        return Answer(words=words, hint=f"{sentence}: take another channel")
    if found := _TOO_LATE.search(words):
        return Answer(words=words, hint=f"{found[1]} has no release that fits before the time of the lock")
    return Answer(words=words, hint=f"what was looked at: {', '.join(channels)}")


def unreached(said: str) -> Answer:
    """Which channel it was, without a login."""
    words = _LOGIN.sub(lambda match: "***" if not match[0].startswith(":") else "://", said).strip()
    if found := _NOWHERE.search(words):
        return Answer(words=words, hint=f"there is no channel {found[2]}, or it has nothing for {found[1]}")
    if (found := _ADDRESS.search(words)) and "error sending request" in words:
        return Answer(words=words, hint=f"nobody answers at {found[1]}: check the network, and `channels`")
    where = f"{found[1]}" if found else "a channel"
    return Answer(words=words, hint=f"{where} did not tell what it has: check its name, and the login")
