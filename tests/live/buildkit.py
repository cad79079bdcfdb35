# SPDX-License-Identifier: MIT
"""What BuildKit makes of a Dockerfile: the files of the image, its variables, or why it refuses.

Nothing is left in the engine: results come back as archives.
"""

from __future__ import annotations

import io
import itertools
import json
import re
import subprocess
import tarfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

from tests.live.conftest import ENVIRON

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 4
LIMIT = 300
"""Seconds that one build may take; most take a fifth of one."""

REFUSAL = re.compile(r"ERROR: failed to (?:solve|run Build function)\b.*", re.DOTALL)
"""How the end of it begins, in the words of older and of newer clients."""


class Refused(Exception):
    """The build failed; the text is the end of what BuildKit said."""


class Found(NamedTuple):
    """One file, link or folder of a result."""

    kind: str
    text: str
    """What is in a file, where a link leads to."""


class Bench:
    """A folder to build in."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._numbers = itertools.count()

    def files(
        self,
        dockerfile: str | None,
        context: Path | None = None,
        *,
        contexts: Mapping[str, Path] | None = None,
        passed: Mapping[str, str] | None = None,
        name: str = "",
    ) -> dict[str, Found]:
        """Path -> what stands there in the last stage.

        Args:
            dockerfile: its text; it lies outside the build context. None where `name` is one in it.
            context: the build context; an empty one without.
            contexts: name -> folder that stands for an image of that name.
            passed: build arguments.
            name: a Dockerfile in the context.
        """
        data = self._build(dockerfile, context, "tar", contexts or {}, passed or {}, name)
        return _unpacked(data)

    def variables(self, dockerfile: str, passed: Mapping[str, str] | None = None) -> dict[str, str]:
        """What ENV made of the last stage."""
        data = self._build(dockerfile, None, "docker", {}, passed or {}, "")
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            manifest = json.load(_member(archive, "manifest.json"))
            config = json.load(_member(archive, manifest[0]["Config"]))
        pairs = (text.partition("=") for text in config["config"].get("Env") or [])
        return {name: value for name, _, value in pairs}

    def refusals(self, dockerfiles: Sequence[str], **how: Mapping[str, Path]) -> list[str | None]:
        """Why BuildKit refuses each of the files, None where it does not."""

        def refusal(dockerfile: str) -> str | None:
            try:
                self.files(dockerfile, **how)  # type: ignore[arg-type]
            except Refused as refused:
                return str(refused)
            return None

        return self.at_once(refusal, dockerfiles)

    def at_once(self, function: Callable[[T], R], values: Sequence[T]) -> list[R]:
        """The function's results, several asked for at a time."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(function, values))

    def _build(
        self,
        dockerfile: str | None,
        context: Path | None,
        kind: str,
        contexts: Mapping[str, Path],
        passed: Mapping[str, str],
        name: str,
    ) -> bytes:
        place = self.root / f"build-{next(self._numbers)}"
        (place / "empty").mkdir(parents=True)
        context = context or place / "empty"
        file = context / name if name else place / "Dockerfile"
        if dockerfile is not None:
            file.write_bytes(dockerfile.encode())
        words = ["docker", "buildx", "build", "--progress=plain", "--file", str(file)]
        words += [word for pair in contexts.items() for word in ("--build-context", "=".join(map(str, pair)))]
        words += [word for pair in passed.items() for word in ("--build-arg", "=".join(pair))]
        words += ["--output", f"type={kind},dest={place / 'result'}", str(context)]
        done = subprocess.run(words, capture_output=True, text=True, env=ENVIRON, timeout=LIMIT, check=False)
        if done.returncode:
            refusal = REFUSAL.search(done.stderr)
            assert refusal, f"the engine is gone, or never was there: {done.stderr[-500:]}\n{dockerfile}"
            raise Refused(refusal[0].strip())
        return (place / "result").read_bytes()


def _member(archive: tarfile.TarFile, name: str) -> io.BufferedReader:
    file = archive.extractfile(name)
    assert isinstance(file, io.BufferedReader)
    return file


def _unpacked(data: bytes) -> dict[str, Found]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            if member.issym():
                found[member.name] = Found("link", member.linkname)
            elif member.isdir():
                found[member.name.rstrip("/")] = Found("dir", "")
            else:
                file = archive.extractfile(member)
                found[member.name] = Found("file", file.read().decode() if file else "")
    return found
