# SPDX-License-Identifier: MIT
"""uv: resolves requirements at a time, in processes of its own.

In:   a folder with requirements, a command line
Out:  the text of a pylock.toml, or why there is none: a sentence, a hint, the resolver's own words
Raises: ToolMissing where uv is not there
Beside: lock/asking, which makes the command lines

uv ends with 1 for everything that goes wrong, so what went wrong is told from its words. Words that are not known
here are handed on as they are.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from stackyard.edges.process import Processes, program_version
from stackyard.errors import ToolMissing

_KEPT = (
    "UV_CACHE_DIR", "UV_OFFLINE", "UV_NO_CACHE", "UV_HTTP_TIMEOUT", "UV_HTTP_RETRIES", "UV_KEYRING_PROVIDER",
    "UV_SYSTEM_CERTS", "UV_NATIVE_TLS", "UV_INSECURE_HOST", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL", "UV_INDEX_STRATEGY", "UV_PYTHON_INSTALL_DIR",
)  # fmt: skip
"""Variables of uv that say how an index is reached. No other counts: a lock is a function of H and T, and not of
what somebody's shell prefers."""
_LOGIN = re.compile(r"://[^/@\s]+@")


class Answer(msgspec.Struct, frozen=True):
    """What the resolver said."""

    text: str = ""
    """A pylock.toml; empty where there is none."""
    words: str = ""
    hint: str | None = None
    unbuilt: tuple[str, ...] = ()
    """Packages whose code would have to run, and may not: as many as can be known before any of it runs."""


class Resolver(Protocol):
    """Who answers which releases fit together."""

    def version(self) -> str:
        """`uv 0.13.9`: the same one gives the same answers."""

    def resolve(self, folder: Path, argv: Sequence[str], allowed: Collection[str], preferred: str = "") -> Answer:
        """Run one command line in `folder`. Safe for threads.

        Args:
            allowed: packages of indexes whose code may run, beside those that lie in the folder.
            preferred: a pylock.toml whose pins stay, where nothing forbids it.
        """

    def close(self) -> None:
        """End what still runs."""


class Uv:
    """The real one: the `uv` installed beside Stackyard (`stackyard[lock]`), else the one on PATH."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        own = {name: value for name, value in environ.items() if not name.startswith("UV_")}
        kept = {name: value for name, value in environ.items() if name in _KEPT or name.startswith("UV_INDEX_")}
        fixed = {"UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        self._processes = Processes({**own, **kept, **fixed})
        beside = Path(sys.executable).with_name("uv")
        self._program = str(beside) if beside.is_file() else "uv"
        self._version = ""

    def version(self) -> str:
        """ToolMissing where there is no uv."""
        if not self._version:
            found = program_version(self._processes, self._program, "--version")
            if not found:
                raise ToolMissing(
                    "uv is not installed, which resolves locks",
                    hint="pip install 'stackyard[lock]', or install uv by itself",
                    program="uv",
                )
            self._version = f"uv {found}"
        return self._version

    def resolve(self, folder: Path, argv: Sequence[str], allowed: Collection[str], preferred: str = "") -> Answer:
        """Nothing is written but below `folder` and uv's own cache."""
        import tempfile

        with tempfile.TemporaryDirectory(prefix="answer-", dir=folder) as own:
            answer = Path(own, "pylock.toml")
            if preferred:
                answer.write_text(preferred, encoding="utf-8")
            guard = Path(__file__).with_name("build_guard.py").read_text(encoding="utf-8")
            guard += f"\n\ncheck({sorted(allowed)!r}, {str(folder)!r})\n"
            Path(own, "sitecustomize.py").write_text(guard, encoding="utf-8")
            words = [self._program, *argv[1:], f"--output-file={answer}"]
            refused: dict[str, None] = {}
            while True:
                said: list[str] = []
                code = self._processes.follow(words, said.append, {"PYTHONPATH": own}, cwd=folder)
                if code == 0 and not refused:
                    return Answer(answer.read_text(encoding="utf-8"))
                told = "\n".join(said).replace(f"{folder}{os.sep}", "").replace(str(folder), ".")
                found = explained(told) if code else Answer()
                if not found.unbuilt or found.unbuilt[0] in refused:
                    return _refusal(tuple(refused)) if refused else found
                # Who else needs it is asked as if those that are known needed nothing themselves.
                refused.update(dict.fromkeys(found.unbuilt))
                needless = "".join(_NEEDLESS.format(name) for name in refused)
                Path(own, "uv.toml").write_text(needless, encoding="utf-8")
                words = [self._program, *argv[1:], f"--output-file={answer}", f"--config-file={own}/uv.toml"]

    def close(self) -> None:
        """End what still runs."""
        self._processes.close()


_NEEDLESS = '[[dependency-metadata]]\nname = "{}"\nrequires-dist = []\n'
_BUILDS = re.compile(r"Failed to (?:download and )?build `([^`=]+)==[^`]*`")
_REFUSED = "stackyard: the code of this package may not run"
_NO_TIMES = re.compile(r"`([^`]+)` is missing an upload date")
_TOO_EARLY = re.compile(r"`([^`]+)` was filtered by `exclude-newer`.*?(?:published at (\S+?)\.? |$)", re.M)
_UNREACHED = re.compile(r"Failed to fetch: `?([^\s`]+)`?")


def explained(said: str) -> Answer:
    """What uv said, without logins and its warnings, and what can be done about it."""
    plain = _LOGIN.sub("://", said)
    lines = [line for line in plain.splitlines() if not line.startswith("warning: The requested Python version")]
    words = "\n".join(lines).strip() or "the resolver said nothing"
    if _REFUSED in plain and (found := _BUILDS.search(plain)):
        return _refusal((found[1],))
    if found := _NO_TIMES.search(plain):
        sentence = f"the index does not say when {found[1]} was uploaded, so nothing is known of it at a time"
        return Answer(words=words, hint=f"{sentence}: use an index with upload times (PEP 700)")
    if found := _UNREACHED.search(plain):
        return Answer(words=words, hint=f"nobody answers at {found[1]}: check the network, and `indexes`")
    if found := _TOO_EARLY.search(plain):
        when = f": its newest came at {found[2]}" if found[2] else ""
        return Answer(words=words, hint=f"{found[1]} has no release that fits before the time of the lock{when}")
    return Answer(words=words)


def _refusal(names: tuple[str, ...]) -> Answer:
    first, *others = sorted(names)
    words = f"what {first} needs is only known once its code ran"
    return Answer(words=f"{words}; so it is with {', '.join(others)}" if others else words, unbuilt=names)
