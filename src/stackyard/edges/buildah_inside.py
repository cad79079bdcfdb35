# SPDX-License-Identifier: MIT
"""A container of Buildah's that stays while commands and files go into it.

In:   the name of a working container
Out:  see Inside in edges/engine; both outputs of a command are one here
Raises: EngineProblem, NotTestable where the image has no program to look at files with
Beside: edges/buildah, which makes and removes them; edges/inside, the same over docker's API
"""

from __future__ import annotations

import stat
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from stackyard.edges.engine import MOST_OUTPUT, FileFacts, RunResult
from stackyard.edges.process import Processes
from stackyard.errors import EngineProblem, NotTestable

_SHORT_S = 60.0
_CANNOT = (126, 127)


class Kept:
    """Lines of a program, of which no more than the first MiB is kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._size = 0
        self._left_out = 0

    def take(self, line: str) -> None:
        """The next line."""
        room = MOST_OUTPUT - self._size
        self._size += len(line) + 1
        if room <= 0:
            self._left_out += len(line) + 1
            return
        self._left_out += max(len(line) - room, 0)
        self.lines.append(line[:room])

    @property
    def end(self) -> str:
        """A word on what was left out."""
        return f"[{self._left_out} more bytes were left out]\n" if self._left_out else ""


class BuildahInside:
    """See Inside.

    Args:
        prefix: what temporary folders of this run begin with.
        ended: makes a result of a program's words.
    """

    def __init__(
        self,
        processes: Processes,
        name: str,
        prefix: str,
        ended: Callable[[str, int, list[str], float], RunResult],
    ) -> None:
        self._processes = processes
        self._name = name
        self._prefix = prefix
        self._ended = ended

    def run(
        self, argv: Sequence[str], timeout_s: float, user: str = "", env: Sequence[tuple[str, str]] = ()
    ) -> RunResult:
        """See Inside.run."""
        started, said = time.monotonic(), Kept()
        options = [*(["--user", user] if user else []), *(f"--env={name}={value}" for name, value in env)]
        words = ["buildah", "--log-level=error", "run", *options, self._name, "--", *argv]
        code = self._processes.follow(words, said.take, timeout_s=timeout_s)
        result = self._ended(argv[0], code, said.lines, time.monotonic() - started)
        text = f"{result.output}{said.end}"
        return RunResult(result.exit_code, text, result.duration_s)

    def look(self, path: str) -> FileFacts | None:
        """See Inside.look; the image's own `stat` tells."""
        told = self.run(["stat", "-c", "%f %u %g %s", "--", path], _SHORT_S, "0")
        if told.exit_code in _CANNOT:
            raise NotTestable("files cannot be looked at: the image has no `stat`", hint="docker needs none")
        if told.exit_code:
            return None
        mode, uid, gid, size = told.output.split()[-4:]
        bits = int(mode, 16)
        kind: Literal["file", "dir", "link", "other"] = "other"
        if stat.S_ISREG(bits):
            kind = "file"
        elif stat.S_ISDIR(bits):
            kind = "dir"
        elif stat.S_ISLNK(bits):
            kind = "link"
        return FileFacts(kind, bits & 0o7777, int(uid), int(gid), int(size))

    def read(self, path: str) -> bytes | None:
        """See Inside.read; the image's own `cat` does it."""
        told = self.run(["cat", path], _SHORT_S, "0")
        if told.exit_code in _CANNOT:
            raise NotTestable("files cannot be read: the image has no `cat`", hint="docker needs none")
        return None if told.exit_code else told.output.encode()

    def put(self, files: Mapping[str, bytes]) -> None:
        """See Inside.put."""
        with tempfile.TemporaryDirectory(prefix=self._prefix) as folder:
            for path, data in files.items():
                place = Path(folder) / path.lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
            code, words = self._processes.output(["buildah", "copy", "--quiet", self._name, folder, "/"])
        if code:
            raise EngineProblem(f"files cannot be put into a container: {words[-1:]}", engine="buildah")
