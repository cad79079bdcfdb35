# SPDX-License-Identifier: MIT
"""`-n N`: the tests in N processes at once, forked after one collection.

In:      the collected tests
Out:     the same reports as from one process, in the order in which they come
Touches: processes of its own, pipes

The fast suite has thousands of tests of two milliseconds. Workers that import and collect everything again and send
each event by itself, as pytest-xdist's do, cost a fifth of the whole; these begin with what is collected, and
send what came of a handful of tests at a time. A worker that dies fails the run, and the test that it was at is named.
"""

from __future__ import annotations

import contextlib
import gc
import mmap
import os
import pickle
import signal
import struct
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, NamedTuple

import pytest

_MOST = 40
"""Tests that are handed out together, at most; fewer towards the end, so that no worker is long alone."""
_GRACE_S = 10.0
_PART = struct.Struct("=ii")
_AT = struct.Struct("=i")
_OVER = -1

Event = tuple[str, Any]


def add_option(parser: pytest.Parser) -> None:
    """`-n`, as pytest-xdist spells it."""
    group = parser.getgroup("side by side")
    group._addoption(
        "-n", dest="workers", default="1", metavar="N", help="processes to run tests in; auto: one per core"
    )


def workers_of(config: pytest.Config) -> int:
    """How many processes were asked for, as far as this system can fork any."""
    said = config.getoption("workers")
    return (os.cpu_count() or 1 if said == "auto" else int(said)) if hasattr(os, "fork") else 1


def chunks(count: int, workers: int) -> Iterator[range]:
    """Which tests go together, big parts first.

    >>> list(chunks(7, 2))
    [range(0, 1), range(1, 2), range(2, 3), range(3, 4), range(4, 5), range(5, 6), range(6, 7)]
    """
    start = 0
    while start < count:
        size = min(_MOST, max(1, (count - start) // (4 * workers)))
        yield range(start, start + size)
        start += size


class _Worker(NamedTuple):
    """A process as its parent sees it."""

    number: int
    pid: int
    events: Connection


class SideBySide:
    """Runs what is collected in several processes, and reports as if it were one.

    Args:
        workers: how many.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._at = mmap.mmap(-1, _AT.size * workers)  # which test each worker is at, whatever becomes of it

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Hand out the tests, and take what comes of them."""
        asked = session.config.option
        if session.testsfailed or asked.collectonly or asked.usepdb or len(session.items) < 2:
            return None  # pytest's own way
        session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # one for all
        handed_out, take = os.pipe()
        workers: dict[Connection, _Worker] = {}
        try:
            for number in range(self._workers):
                worker = self._fork(session, number, handed_out, [take, *(each.fileno() for each in workers)])
                workers[worker.events] = worker
            with os.fdopen(take, "wb") as file:
                for part in chunks(len(session.items), self._workers):
                    file.write(_PART.pack(part.start, part.stop))
            while workers:
                for events in wait(list(workers)):
                    if not self._took(session, workers[events]):  # type: ignore[index]
                        os.waitpid(workers.pop(events).pid, 0)  # type: ignore[call-overload]
                if session.shouldfail:
                    raise session.Failed(session.shouldfail)
                if session.shouldstop:
                    raise session.Interrupted(session.shouldstop)
        finally:
            os.close(handed_out)
            self._end(session, list(workers.values()))
        return True

    def _took(self, session: pytest.Session, worker: _Worker) -> bool:
        """Report what a worker sent; whether there may be more of it."""
        try:
            come: list[Event] = pickle.loads(worker.events.recv_bytes())
        except EOFError:
            session.shouldfail = f"a worker died at {self._test_of(session, worker)}"
            return False
        hook = session.config.hook
        for kind, what in come:
            if kind == "end":
                session.shouldfail = session.shouldfail or what
                return False
            if kind == "report":
                report = hook.pytest_report_from_serializable(config=session.config, data=what)
                hook.pytest_runtest_logreport(report=report)
            else:
                getattr(hook, kind)(nodeid=what[0], location=what[1])
        return True

    def _end(self, session: pytest.Session, workers: list[_Worker]) -> None:
        """Somebody pressed Ctrl-C, or one failure is enough: tests are left as Ctrl-C leaves them, and told."""
        for worker in workers:
            print(f"\nended at {self._test_of(session, worker)}")
            os.kill(worker.pid, signal.SIGINT)
        for worker in workers:
            with contextlib.suppress(EOFError):
                while worker.events.poll(_GRACE_S):
                    worker.events.recv_bytes()
                os.kill(worker.pid, signal.SIGKILL)
            os.waitpid(worker.pid, 0)

    def _test_of(self, session: pytest.Session, worker: _Worker) -> str:
        (at,) = _AT.unpack_from(self._at, _AT.size * worker.number)
        return "the end" if at == _OVER else session.items[at].nodeid

    def _fork(self, session: pytest.Session, number: int, handed_out: int, others: list[int]) -> _Worker:
        """Another process, which runs tests and ends."""
        here, there = Pipe(duplex=False)
        pid = os.fork()
        if pid:
            there.close()
            return _Worker(number, pid, here)
        code = 1
        try:
            here.close()
            for other in others:
                os.close(other)
            _Run(session, there).all(handed_out, lambda at: _AT.pack_into(self._at, _AT.size * number, at))
            code = 0
        finally:
            os._exit(code)


class _Run:
    """What a worker does: tests, in parts, until none are left."""

    def __init__(self, session: pytest.Session, parent: Connection) -> None:
        self._session, self._parent = session, parent
        self._events: list[Event] = []

    def all(self, handed_out: int, note: Any) -> None:
        """Run parts until there are no more."""
        session, plugins = self._session, self._session.config.pluginmanager
        capture = plugins.getplugin("capturemanager")
        if capture is not None:  # a file that both processes write to would be nobody's
            capture.stop_global_capturing()
            capture.start_global_capturing()
        if plugins.has_plugin("terminalreporter"):
            plugins.unregister(name="terminalreporter")
        plugins.register(self)
        why = ""
        try:
            self._through(handed_out, note)
            note(_OVER)
            gc.collect()  # what goes wrong while garbage is taken away is told
            session.config._ensure_unconfigure()
        except (session.Failed, session.Interrupted):
            pass  # the parent has the reports, and decides the same
        except BaseException:
            why = traceback.format_exc()
        self._send(("end", why))

    def _through(self, handed_out: int, note: Any) -> None:
        items, session = self._session.items, self._session
        part = _next(handed_out)
        while part:
            following: range = range(0)
            for index in part:
                if index == part[-1]:
                    following = _next(handed_out)
                after = index + 1 if index != part[-1] else following.start if following else None
                note(index)
                item = items[index]
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None if after is None else items[after])
                if session.shouldfail:
                    raise session.Failed(session.shouldfail)
                if session.shouldstop:
                    raise session.Interrupted(session.shouldstop)
            self._send()
            part = following

    def _send(self, *more: Event) -> None:
        self._parent.send_bytes(pickle.dumps([*self._events, *more]))
        self._events.clear()

    def pytest_runtest_logstart(self, nodeid: str, location: object) -> None:
        """To be told."""
        self._events.append(("pytest_runtest_logstart", (nodeid, location)))

    def pytest_runtest_logfinish(self, nodeid: str, location: object) -> None:
        """To be told."""
        self._events.append(("pytest_runtest_logfinish", (nodeid, location)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """To be told."""
        config = self._session.config
        self._events.append(("report", config.hook.pytest_report_to_serializable(config=config, report=report)))


def _next(handed_out: int) -> range:
    """The next part that nobody has taken; empty when there are no more."""
    taken = os.read(handed_out, _PART.size)
    return range(*_PART.unpack(taken)) if taken else range(0)
