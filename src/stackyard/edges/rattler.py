# SPDX-License-Identifier: MIT
"""rattler: solves conda environments as of a time, in processes of its own.

In:   channels, requirements, a platform with its virtual packages, T
Out:  Answer: pins in the order in which they can be installed, or why there are none
May touch: the channels; rattler's own cache of what they have
Raises: ToolMissing where py-rattler is not there
Beside: edges/rattler_child, which asks; lock/conda, which makes the questions
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec

from stackyard.edges.process import Processes
from stackyard.errors import ToolMissing
from stackyard.model.lockfile import Pin
from stackyard.model.locking import Answer


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

    def __init__(self, environ: Mapping[str, str], retries: int = 3, distribution: str = "py-rattler") -> None:
        self._processes = Processes(environ)
        self._cache = environ.get("RATTLER_CACHE_DIR")
        self._retries = retries
        self._distribution = distribution

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
        return self.solve_all([(asked, kept)])[0]

    def solve_all(self, questions: Sequence[tuple[Asked, Collection[str]]]) -> list[Answer]:
        """Several at once, in one process."""
        import tempfile

        wanted = {
            "cache": self._cache,
            "retries": self._retries,
            "questions": [
                {
                    "channels": asked.channels,
                    "specs": asked.specs,
                    "subdir": asked.subdir,
                    "system": asked.system,
                    "cutoff": _cutoff(asked.time).isoformat(),
                    "kept": sorted(kept),
                }
                for asked, kept in questions
            ],
        }
        said: list[str] = []
        with tempfile.TemporaryDirectory(prefix="stackyard-rattler-") as folder:
            files = Path(folder, "questions.json"), Path(folder, "answers.json")
            files[0].write_bytes(msgspec.json.encode(wanted))
            child = Path(__file__).with_name("rattler_child.py")
            code = self._processes.follow([sys.executable, "-P", str(child), *map(str, files)], said.append)
            if code or not files[1].exists():
                words = _without_logins("\n".join(said)).strip() or f"rattler ended with {code}, and said nothing"
                return [Answer(words=words) for _ in questions]
            found = msgspec.json.decode(files[1].read_bytes(), type=list[_Found])
        return [_answer(asked, each) for (asked, _), each in zip(questions, found, strict=True)]

    def close(self) -> None:
        """End what still runs."""
        self._processes.close()


class _Package(msgspec.Struct, frozen=True):
    name: str
    version: str
    where: str
    file: str
    sha256: str | None
    md5: str | None
    when: str | None


class _Found(msgspec.Struct, frozen=True):
    packages: tuple[_Package, ...] = ()
    failed: str = ""
    """`spec`, `solver` or `channel`, by whose words these are; `rattler`: something else."""
    spec: str = ""
    said: str = ""


def _cutoff(time: str) -> datetime:
    """The last instant before T, since rattler takes what came at the one that it is told."""
    return datetime.fromisoformat(time) - timedelta(milliseconds=1)


def _answer(asked: Asked, found: _Found) -> Answer:
    if found.failed == "spec":
        hint = "name, version and build, as `numpy >=1.26,<2` or `numpy=1.26.*=py312*`"
        return Answer(words=f"{found.spec!r} is no requirement that conda understands: {found.said}", hint=hint)
    if found.failed == "solver":
        return explained(found.said.replace(f"{_cutoff(asked.time):%Y-%m-%d %H:%M:%S}", asked.time), asked.channels)
    if found.failed == "channel":
        return unreached(found.said)
    if found.failed:
        return Answer(words=found.said)
    bare = next((each.file for each in found.packages if not (each.sha256 or each.md5)), None)
    if bare is not None:
        return Answer(words=f"the channel has no hash for {bare}", hint="a lock pins files by hash")
    return Answer(tuple(_pins(found.packages)))


def _pins(packages: Sequence[_Package]) -> Iterator[Pin]:
    for each in packages:
        value = f"sha256:{each.sha256}" if each.sha256 else f"md5:{each.md5}"
        when = datetime.fromisoformat(each.when).astimezone(UTC) if each.when else None
        uploaded = when.strftime("%Y-%m-%dT%H:%M:%SZ") if when else ""
        yield Pin(each.name, each.version, "", (value,), uploaded, each.where)


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
    words = _without_logins(said).strip()
    if found := _NOWHERE.search(words):
        return Answer(words=words, hint=f"there is no channel {found[2]}, or it has nothing for {found[1]}")
    if (found := _ADDRESS.search(words)) and "error sending request" in words:
        return Answer(words=words, hint=f"nobody answers at {found[1]}: check the network, and `channels`")
    where = f"{found[1]}" if found else "a channel"
    return Answer(words=words, hint=f"{where} did not tell what it has: check its name, and the login")


def _without_logins(said: str) -> str:
    return _LOGIN.sub(lambda match: "://" if match[0].startswith(":") else "***", said)
