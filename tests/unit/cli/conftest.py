# SPDX-License-Identifier: MIT
"""The command line in this process: words in, exit code and both streams out, fakes behind it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stackyard import verbs
from stackyard.cli import run
from stackyard.model.plan import Plan
from stackyard.testing import FakeEngine, MemoryRegistry
from tests.conftest import GitStack

TINY = {
    "images/spec.yml": "registry: registry.example/lab\nimages:\n  base:\n  leaf: {depend_on: base}\n",
    "images/base/Dockerfile": "FROM busybox:1.36\n",
    "images/leaf/Dockerfile": "ARG BASE_TAG=latest\nFROM registry.example/lab/base:${BASE_TAG}\nRUN echo leaf\n",
}


class Terminal(io.StringIO):
    """A stream that is a terminal, of no known width."""

    def isatty(self) -> bool:
        """As said."""
        return True

    def fileno(self) -> int:
        """No file is behind it."""
        raise io.UnsupportedOperation


class Said(NamedTuple):
    """What came of a command line."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout as the one JSON object that it has to be."""
        found = json.loads(self.out)
        assert found["format"] == 1
        return found


class Shell:
    """A person at a stack: an environment, an engine and a registry in memory, and what was typed."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.registry = MemoryRegistry()
        self.engine = FakeEngine(registry=self.registry)
        self.engine.add("busybox:1.36")
        self.environ = {"HOME": str(root), "PATH": "/usr/bin:/bin"}
        self.has_fakes = True
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *words: str, at: Path | None = None) -> Said:
        """Type a command in the stack's folder."""
        self._monkeypatch.chdir(at or self.root)
        self._capsys.readouterr()
        doors = (lambda _: self.engine, lambda _: self.registry) if self.has_fakes else (None, None)
        code = run(words, self.environ, *doors)
        return Said(code, *self._capsys.readouterr())

    def planned(self) -> Plan:
        """The plan of the stack as it is now."""
        return verbs.plan(verbs.load(self.root, None, None, lambda _: self.engine, lambda _: self.registry))

    def in_terminal(self, *words: str, answers: Iterable[str] = (), columns: int = 100) -> Said:
        """Type a command in a terminal of some width, and the answers to what it asks."""
        screen, keys = Terminal(), Terminal("".join(f"{answer}\n" for answer in answers))
        with self._monkeypatch.context() as patch:
            patch.setattr("sys.stdout", screen)
            patch.setattr("sys.stdin", keys)
            patch.setitem(self.environ, "TERM", "xterm")
            patch.setitem(self.environ, "COLUMNS", str(columns))
            said = self(*words)
        return Said(said.code, screen.getvalue(), said.err)


@pytest.fixture
def bare_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell in an empty folder that is in no repository."""
    return Shell(tmp_path, capsys, monkeypatch)


@pytest.fixture
def shell(git_stack: GitStack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell in a committed stack of two images without tests, `leaf` on `base`, nothing built."""
    return Shell(git_stack(TINY), capsys, monkeypatch)
