# SPDX-License-Identifier: MIT
"""What every test gets: an environment of its own, and a stack in git on request.

A test without a mark starts no process: git's place is taken (tests/plain_git.py), and whoever starts another program
is refused. Tests of programs, git first, are marked `processes`. Live tests are marked `live`: one that finds no engine
or registry skips, and fails where CI is true. What takes minutes is marked `long`: `script/test --long` runs it.
"""

from __future__ import annotations

import gc
import itertools
import os
import socket
import subprocess
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from stackyard.edges import git
from tests import plain_git
from tests.examples import IS_LONG, examples
from tests.repositories import commit, init

DROPPED = ("GITHUB_", "BUILDKITE", "GITLAB_", "CI_", "STACKYARD_", "GIT_", "XDG_", "NO_COLOR", "FORCE_COLOR")
KEPT = ("STACKYARD_TEST_REGISTRY", "STACKYARD_LONG")
"""What live and long tests are started with; DOCKER_HOST, CI and PATH stay too."""

IN_CI = os.environ.get("CI", "").lower() in ("true", "1")

GitStack = Callable[..., Path]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rewrite`: golden files become what is produced now; the diff is for a person to read."""
    parser.addoption("--rewrite", action="store_true", help="write golden files anew instead of comparing")


def pytest_configure(config: pytest.Config) -> None:
    """No made-up example is judged by the clock: a busy machine is slow, and that is no defect. How many there are."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        # Whoever hands out tests tries no examples; importing the library for nothing takes half a second.
        config.pluginmanager.unregister(name="hypothesispytest")
    if config.pluginmanager.hasplugin("hypothesispytest"):
        import hypothesis

        hypothesis.settings.register_profile("stackyard", deadline=None, max_examples=examples())
        hypothesis.settings.load_profile("stackyard")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked `long` are there when they were asked for; else they are not selected, which is no skip."""
    if IS_LONG:
        return
    long = [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if not item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long)


def pytest_collection() -> None:
    """What is collected stays until the end: nobody need look through it for garbage again and again."""
    gc.disable()


def pytest_collection_finish() -> None:
    """From now on there is garbage. What a test leaves is small, and may wait for a few other tests."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 20)


def pytest_unconfigure() -> None:
    """What is left is looked through once for garbage that complains; pytest would do it five times."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A live test that skips where CI promises an engine has failed."""
    report = yield
    if IN_CI and report.skipped and item.get_closest_marker("live") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where CI promises what it needs: {report.longrepr}"
    return report


_STARTED = pytest.StashKey[list[str]]()
"""Sentences about what a test wanted to start or to ask, and may not."""
_PATCH = pytest.StashKey[pytest.MonkeyPatch]()
"""What refuses."""
_HERE = ("127.0.0.1", "::1", "localhost")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test that is none of programs starts none: git's place is taken, and starting anything is a failure; so is
    asking a name server."""
    started = item.stash[_STARTED] = []
    if any(item.get_closest_marker(mark) for mark in ("processes", "live")):
        return (yield)

    def refused(_: object, args: object, *_rest: object, **_options: object) -> None:
        started.append(f"a test that starts a program is marked `processes`: {args}")
        pytest.fail(started[-1])

    def asked(host: object, *rest: Any, **options: Any) -> object:
        if host not in _HERE:
            started.append(f"no test asks what leads out of this machine: {host!r}")
            pytest.fail(started[-1])
        return look_up(host, *rest, **options)

    look_up: Callable[..., object] = socket.getaddrinfo
    with pytest.MonkeyPatch.context() as patch, git.answered_by(plain_git.answer):
        patch.setattr(subprocess.Popen, "__init__", refused)
        patch.setattr(subprocess.Popen, "__del__", lambda _: None)
        patch.setattr(socket, "getaddrinfo", asked)
        item.stash[_PATCH] = patch
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Behind the last test come the ends of engines that others had: those may start programs."""
    if nextitem is None and _PATCH in item.stash:
        item.stash[_PATCH].undo()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Whoever expects a failure would take a program that may not start for one."""
    yield
    if item.stash[_STARTED]:
        pytest.fail(item.stash[_STARTED][0])


class _Homes:
    """Empty folders to be at home in: another one as soon as a test left something in the last."""

    def __init__(self, base: Path) -> None:
        self._fresh = (base / str(number) for number in itertools.count())
        self._last: Path | None = None

    def empty(self) -> Path:
        """A folder with nothing in it."""
        if self._last is None or not self._last.is_dir() or os.listdir(self._last):
            self._last = next(self._fresh)
            self._last.mkdir()
        return self._last


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> _Homes:
    return _Homes(tmp_path_factory.mktemp("homes"))


@pytest.fixture(scope="session")
def _folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    base = tmp_path_factory.mktemp("tests")
    return (base / str(number) for number in itertools.count())


@pytest.fixture
def tmp_path(_folders: Iterator[Path]) -> Path:
    """An empty folder of the test's own. pytest's looks through those of all earlier tests to find its name."""
    folder = next(_folders)
    folder.mkdir(0o700)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _isolated() -> Generator[None, None, None]:
    """Docker's and git's configuration are empty; what CI says of a branch is unsaid."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(DROPPED) and name not in KEPT:
                patch.delenv(name)
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for name in ("HOME", "DOCKER_CONFIG"):
            patch.setenv(name, "")
        yield


@pytest.fixture(autouse=True)
def _at_home(_isolated: None, _homes: _Homes) -> None:
    """HOME is empty."""
    home = str(_homes.empty())
    if os.environ["HOME"] != home:
        os.environ["HOME"] = home
        os.environ["DOCKER_CONFIG"] = f"{home}/.docker"


@pytest.fixture
def git_stack(tmp_path: Path) -> GitStack:
    """A function that writes files (path -> text), commits them on `main`, and gives the folder."""

    def write(files: Mapping[str, str], root: Path | None = None) -> Path:
        root = root or tmp_path / "stack"
        for path, text in files.items():
            full = root / path
            full.parent.mkdir(parents=True, exist_ok=True)
            full.write_text(text)
        if not (root / ".git").exists():
            init(root)
        commit(root)
        return root

    return write
