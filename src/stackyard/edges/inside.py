# SPDX-License-Identifier: MIT
"""A container that stays while commands and looks at files go into it, over docker's API.

In:   local image
Out:  see Inside and Served in edges/engine
Raises: EngineProblem, NotTestable
Why:  a check that needs a container of its own costs half a second; in one that is there it costs milliseconds.
      Files are looked at as the engine packs them, so an image needs no program for it, nor has it to run
Beside: edges/containers, which starts and removes them
"""

from __future__ import annotations

import io
import re
import tarfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from stackyard.edges.docker_api import Api, Said
from stackyard.edges.engine import MOST_OUTPUT, FileFacts, RunResult
from stackyard.errors import EngineProblem

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_EXECUTABLE, NOT_FOUND, TIME_IS_UP = 126, 127, 124
_MISSING = re.compile(r"OCI runtime exec failed: .*(not found|no such file)")
IDLE = ("/bin/sh", "-c", "read _")
"""Waits for a line that nobody writes: a shell alone can do that, and no other program is needed."""
_PAUSE_S = 0.02
_ENDED_S = 20.0
"""How long an engine may take to notice that a command is over, once its output is."""


class OpenContainer:
    """See Inside.

    Args:
        begin: makes a fresh one and gives its name, and whether a shell waits in it.
        end: removes one.
        alone: runs a command in a container of its own, for images without a shell.
    """

    def __init__(
        self,
        api: Api,
        begin: Callable[[], tuple[str, bool]],
        end: Callable[[str], None],
        alone: Callable[[Sequence[str], float, str, Sequence[tuple[str, str]]], RunResult],
    ) -> None:
        self._api = api
        self._begin = begin
        self._end = end
        self._alone = alone
        self._lock = threading.Lock()
        self._name, self._has_shell = begin()

    def close(self) -> None:
        """Remove it."""
        self._end(self._name)

    def _anew(self, name: str) -> None:
        """Another container in this one's place, unless somebody made one already: nothing else ends a command."""
        with self._lock:
            if self._name == name:
                self._end(name)
                self._name, self._has_shell = self._begin()

    def run(
        self, argv: Sequence[str], timeout_s: float, user: str = "", env: Sequence[tuple[str, str]] = ()
    ) -> RunResult:
        """See Inside.run."""
        if not self._has_shell:
            return self._alone(argv, timeout_s, user, env)
        name, started = self._name, time.monotonic()
        asked = {
            "AttachStdout": True,
            "AttachStderr": True,
            "Cmd": list(argv),
            "User": user,
            "Env": [f"{name}={value}" for name, value in env],
        }
        status, answer = self._api.call("POST", f"/containers/{name}/exec", body=asked)
        if status == 404:
            raise EngineProblem(f"{argv[0]} cannot be run: its container is gone")
        id_ = str(msgspec.json.decode(answer)["Id"])
        said = Said(MOST_OUTPUT)
        try:
            begin = {"Detach": False, "Tty": False}
            with self._api.streamed("POST", f"/exec/{id_}/start", body=begin, until=started + timeout_s) as (_, pieces):
                for piece in pieces:
                    said.take(piece)
            code, words = self._code(id_), ""
            if code == NOT_EXECUTABLE and _MISSING.search(said.text):
                code = NOT_FOUND
        except TimeoutError:
            self._anew(name)
            code, words = TIME_IS_UP, ""
        except EngineProblem as problem:
            if "words" not in problem.facts:
                raise
            words = str(problem.facts["words"])
            code = self._exit_code(id_)
            if code not in (NOT_EXECUTABLE, NOT_FOUND):
                code = NOT_FOUND if "not found" in words or "no such file" in words else NOT_EXECUTABLE
        return RunResult(code, f"{said.text}{words}", time.monotonic() - started, said.printed, said.errors)

    def _code(self, id_: str) -> int:
        """The exit code, once the engine knows that the command is over."""
        until = time.monotonic() + _ENDED_S
        while True:
            told = self._told(id_)
            if not told:
                raise EngineProblem("the engine does not say how a command ended: its container is gone")
            if not told.get("Running") and told.get("ExitCode") is not None:
                return int(told["ExitCode"])
            if time.monotonic() > until:
                raise EngineProblem("the engine does not say how a command ended")
            time.sleep(_PAUSE_S)

    def _exit_code(self, id_: str) -> int:
        return int(self._told(id_).get("ExitCode") or 0)

    def _told(self, id_: str) -> Mapping[str, Any]:
        return self._api.get(f"/exec/{id_}/json") or {}

    def look(self, path: str) -> FileFacts | None:
        """See Inside.look."""
        with self._api.streamed("GET", f"/containers/{self._name}/archive", {"path": path}) as (status, pieces):
            if status == 404:
                return None
            header = b""
            for piece in pieces:
                header += piece
                found = _first(header)
                if found is not None:
                    return found
        raise EngineProblem(f"the engine does not say what {path} is")

    def read(self, path: str) -> bytes | None:
        """See Inside.read."""
        for _ in range(_LINKS):
            entry, data = self._entry(path)
            if entry is None:
                return None
            if not entry.issym():
                return data if entry.isreg() else None
            path = entry.linkname if entry.linkname.startswith("/") else f"{path.rpartition('/')[0]}/{entry.linkname}"
        return None

    def _entry(self, path: str) -> tuple[tarfile.TarInfo | None, bytes]:
        packed = b""
        with self._api.streamed("GET", f"/containers/{self._name}/archive", {"path": path}) as (status, pieces):
            if status == 404:
                return None, b""
            for piece in pieces:
                packed += piece
                if len(packed) > MOST_OUTPUT + _HEADERS:
                    break
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r|") as archive:
            for entry in archive:
                start = entry.offset_data
                return entry, packed[start : start + min(entry.size, MOST_OUTPUT)]
        return None, b""

    def put(self, files: Mapping[str, bytes]) -> None:
        """See Inside.put."""
        query = {"path": "/"}
        with self._api.streamed("PUT", f"/containers/{self._name}/archive", query, packed(files)) as (status, _):
            if status == 404:
                raise EngineProblem("files cannot be put into a container that is gone")


_LINKS = 8
_HEADERS = 1 << 16


def packed(files: Mapping[str, bytes]) -> bytes:
    """A tar of files and the folders they are in, without the root."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        folders = {above for path in files for above in _above(path.lstrip("/"))}
        for folder in sorted(folders):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            archive.addfile(entry)
        for path, data in sorted(files.items()):
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return held.getvalue()


def _above(path: str) -> Iterator[str]:
    folder = path.rpartition("/")[0]
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _first(data: bytes) -> FileFacts | None:
    """The first entry of a tar, once enough of it is there: long names and other facts may stand before it."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r|") as archive:
            entry = next(iter(archive), None)
    except tarfile.TarError:
        return None
    if entry is None:
        return None
    kind: Literal["file", "dir", "link", "other"] = "other"
    if entry.isreg() or entry.islnk():
        kind = "file"
    elif entry.isdir():
        kind = "dir"
    elif entry.issym():
        kind = "link"
    return FileFacts(kind, entry.mode & 0o7777, entry.uid, entry.gid, entry.size)
