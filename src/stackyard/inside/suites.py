# SPDX-License-Identifier: MIT
"""Run one suite on one image: pytest for test folders, containers for declared commands.

In:   Target, Suite, the Built fact of the image
Out:  SuiteResult: counts, failures, outputs; a failing test is a result
May touch: one pytest process, containers of the image, the run's folder
Rules: docs/how-to/test-images.md
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from stackyard.edges.clock import Clock
from stackyard.edges.engine import Engine, EngineInfo
from stackyard.edges.process import TIMED_OUT, signal_name
from stackyard.edges.pytest_process import PytestRunner, turn_at
from stackyard.errors import NotTestable
from stackyard.inside import scripts
from stackyard.inside.commands import COMMAND_TIMEOUT_S, Commands
from stackyard.inside.junit import LARGEST_BYTES, read_junit
from stackyard.inside.results import counts_of, read_results
from stackyard.model.details import Suite
from stackyard.model.logs import junit_file, suite_log
from stackyard.model.names import TargetName
from stackyard.model.progress import Tell
from stackyard.model.record import Built, Inventoried, SuiteResult, TestCase, Tested
from stackyard.model.stack import Target

SUITE_TIMEOUT_S = 3600.0
PYTEST_NOTHING_COLLECTED = 5
_OF_A_SHELL = ("|", "||", "&&", ";", ">", ">>", "<", "2>&1", "&")
INSIDE = "/tmp/stackyard"
"""Where tests of workflows are put in a container."""


class Suites:
    """Runs suites for one run of one stack.

    Args:
        released_bytes: how large a target's image is in the last release that has it; None: it is in none.
        turns: the folder in which suites take turns at an engine.
    """

    def __init__(
        self,
        root: Path,
        engine: Engine,
        about: EngineInfo,
        pytest: PytestRunner,
        clock: Clock,
        released_bytes: Callable[[TargetName], int | None],
        turns: Path,
    ) -> None:
        self._root = root
        self._released_bytes = released_bytes
        self._turns = turns
        self._engine = engine
        self._about = about
        self._pytest = pytest
        self._clock = clock

    def __call__(self, target: Target, suite: Suite, image: Built, folder: Path, tell: Tell) -> SuiteResult:
        """Run `suite` to its end.

        Raises:
            NotTestable: nothing here runs such an image, or no test could reach one.
        """
        if target.inputs.platform not in ("", self._about.platform):
            self._refuse_foreign(target)
        if suite.kind == "inventory":
            return self._inventory(target, suite, image, folder, tell)
        if suite.kind == "checks":
            return self._checks(target, suite, image, folder, tell)
        if suite.kind == "workflow":
            return self._workflow(target, suite, image, folder, tell)
        return self._tests(target, suite, image, folder, tell)

    def close(self) -> None:
        """End the test processes that still run."""
        self._pytest.close()

    def _refuse_foreign(self, target: Target) -> None:
        """NotTestable, where the engine says what it runs, and this is not among it."""
        there = self._engine.platforms()
        if there and not any(each.fits(target.inputs.platform) for each in there):
            raise NotTestable(
                f"not testable here: {self._about.name} runs {', '.join(there)}, and no {target.inputs.platform}",
                hint="install emulation (the packages qemu-user-static and binfmt-support), "
                "or build it on a machine of that platform",
                engine=self._about.name,
            )

    def _tests(self, target: Target, suite: Suite, image: Built, folder: Path, tell: Tell) -> SuiteResult:
        """pytest in a process of its own: exit 0 or "nothing collected" is a pass, everything else is not."""
        if not self._about.address:
            raise NotTestable(
                f"not testable here: the tests in {', '.join(suite.folders)} reach images through docker's API, "
                f"and nothing serves it for {self._about.name}",
                hint="podman's socket does: `systemctl --user start podman.socket`, as root without --user; "
                "or build with docker",
                engine=self._about.name,
            )
        log, junit = folder / suite_log(target.name, suite.kind), folder / junit_file(target.name, suite.kind)
        begun = self._clock.ticks()
        limit_s = target.timeout.seconds if target.timeout else SUITE_TIMEOUT_S
        results = junit.with_suffix(".jsonl")
        address = self._about.address
        code = self._pytest.run(
            self._root,
            suite.folders,
            str(image.local),
            address,
            junit,
            log,
            limit_s,
            results,
            None if suite.is_parallel else turn_at(self._turns, address),
            lambda: tell("waits for the tests of another image, which have the engine"),
            ("--import-mode=importlib",) if _clash(self._root, suite.folders) else (),
        )
        duration = self._clock.ticks() - begun
        told = read_results(results)
        written = junit.stat().st_size if junit.exists() else 0
        counts = read_junit(junit.read_bytes()) if 0 < written <= LARGEST_BYTES else counts_of(told.cases)
        passed = code in (0, PYTEST_NOTHING_COLLECTED)
        total, failed, skipped = (counts.total, counts.failed, counts.skipped) if counts else (0, 0, 0)
        failures = counts.failures if counts else ()
        if code == TIMED_OUT or (not passed and (not failures or told.open)):
            why = f"was ended, its {_words(target)} were up" if code == TIMED_OUT else f"ended {_by(code)}"
            where = f" in {told.open}" if told.open else ""
            failures = (*failures, f"pytest {why}{where}: {_last_line(log)}")
            total, failed = max(total, failed + 1), failed + 1
        now = self._clock.now()
        result = Tested(
            now, suite.kind, suite.digest, passed, total, failed, skipped, duration, failures, told.all_cases
        )
        return SuiteResult(result, log=self._shown(log))

    def _inventory(self, target: Target, suite: Suite, image: Built, folder: Path, tell: Tell) -> SuiteResult:
        """The declared commands in one container; one that fails, and may not, fails the suite."""
        begun = self._clock.ticks()
        limit_s = min(COMMAND_TIMEOUT_S, (target.timeout.seconds if target.timeout else None) or COMMAND_TIMEOUT_S)
        with self._engine.inside(image.image) as container:
            commands = Commands(container, self._clock, limit_s)
            found = commands.run(target.commands, tell)
        log = folder / suite_log(target.name, "inventory")
        log.write_text("".join(_logged(entry) for entry in found), encoding="utf-8")
        bad = [entry for entry in found if entry.exit_code != 0]
        texts = {command.name: command.command for command in target.commands}
        failures = tuple(
            f"{entry.command}: {_ended(entry)}: {_tail(entry.output)}{_shell_word(texts[entry.command])}"
            for entry in bad
            if not entry.is_optional
        )
        result = Tested(
            self._clock.now(),
            "inventory",
            suite.digest,
            not failures,
            len(found),
            len(failures),
            len(bad) - len(failures),
            self._clock.ticks() - begun,
            failures,
        )
        return SuiteResult(result, tuple(found), self._shown(log))

    def _checks(self, target: Target, suite: Suite, image: Built, folder: Path, tell: Tell) -> SuiteResult:
        """What the spec says that the image has to be like."""
        from stackyard.inside.checks import Checker  # few images have any

        begun = self._clock.ticks()
        checker = Checker(
            self._engine,
            self._clock,
            image.image,
            lambda: self._released_bytes(target.name),
            (target.timeout.seconds if target.timeout else None) or COMMAND_TIMEOUT_S,
        )
        cases = checker.run(target.checks, tell)
        log = folder / suite_log(target.name, "checks")
        log.write_text("".join(f"{case.result}: {case.name}\n{_indented(case.output)}" for case in cases), "utf-8")
        return SuiteResult(self._tested(suite, cases, self._clock.ticks() - begun), log=self._shown(log))

    def _tested(self, suite: Suite, cases: Sequence[TestCase], duration_s: float) -> Tested:
        failed = [case for case in cases if case.result == "failed"]
        skipped = sum(case.result == "skipped" for case in cases)
        failures = tuple(f"{case.name}: {case.message}" for case in failed)
        kind, now = suite.kind, self._clock.now()
        return Tested(
            now, kind, suite.digest, not failed, len(cases), len(failed), skipped, duration_s, failures, tuple(cases)
        )

    def _workflow(self, target: Target, suite: Suite, image: Built, folder: Path, tell: Tell) -> SuiteResult:
        """pytest in the image, on the tests as the stack has them, with all GPUs that the engine can give."""
        tell("pytest in the image")
        begun = self._clock.ticks()
        log, junit = folder / suite_log(target.name, suite.kind), folder / junit_file(target.name, suite.kind)
        limit_s = (target.timeout.seconds if target.timeout else None) or SUITE_TIMEOUT_S
        results = f"{INSIDE}/results.xml"
        with self._engine.inside(image.image, wants_gpu=True) as container:
            container.put({f"{INSIDE}/tests/{path}": data for path, data in _files(self._root, suite.folders)})
            words = ["-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={results}", f"{INSIDE}/tests"]
            container.run(["chmod", "0777", INSIDE], limit_s, "0")
            ended = container.run(scripts.program(*words), limit_s)
            written = container.read(results) or b""
        log.write_text(ended.output, encoding="utf-8")
        junit.write_bytes(written)
        counts = read_junit(written)
        passed = ended.exit_code == 0 and counts is not None and counts.is_pass
        total, failed, skipped = (counts.total, counts.failed, counts.skipped) if counts else (0, 0, 0)
        failures = counts.failures if counts else ()
        if not passed and not failures:
            why = f"pytest in the image ended with exit code {ended.exit_code}"
            why = f"its {_words(target)} were up" if ended.exit_code == TIMED_OUT else why
            failures = (f"{why}: {_tail(ended.output)}",)
            total, failed = max(total, 1), 1
        duration, now = self._clock.ticks() - begun, self._clock.now()
        cases = counts.cases if counts else ()
        result = Tested(now, suite.kind, suite.digest, passed, total, failed, skipped, duration, failures, cases)
        return SuiteResult(result, log=self._shown(log))

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(self._root)) if path.is_relative_to(self._root) else str(path)


def _by(code: int) -> str:
    """How a process ended.

    >>> _by(2), _by(-9)
    ('with exit code 2', 'by SIGKILL')
    """
    return f"with exit code {code}" if code >= 0 else f"by {signal_name(-code)}"


def _clash(root: Path, folders: Sequence[str]) -> bool:
    """Whether two folders have test files of one name, which pytest takes for one module."""
    names = [path.name for folder in folders for path in (root / folder).glob("*.py") if path.name != "conftest.py"]
    return len(folders) > 1 and len(set(names)) < len(names)


def _files(root: Path, folders: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """All files of some folders, relative to each; none that a link leads to out of the repository."""
    top = root.resolve()
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            is_inside = path.resolve().is_relative_to(top)
            if is_inside and path.is_file() and "__pycache__" not in path.parts:
                yield str(path.relative_to(root / folder)), path.read_bytes()


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


def _words(target: Target) -> str:
    """How long a suite of this target may take."""
    return target.timeout.words if target.timeout else f"{SUITE_TIMEOUT_S / 60:.0f} minutes"


def _ended(entry: Inventoried) -> str:
    return "its time was up" if entry.exit_code == TIMED_OUT else f"exit code {entry.exit_code}"


def _shell_word(command: str) -> str:
    """What to do about a word that only a shell understands: most people forget that there is none.

    >>> _shell_word("ls | wc"), _shell_word("bash -c 'ls | wc'")
    ("; no shell runs this, so '|' is a word: bash -c '...' has one", '')
    """
    try:
        found = next((word for word in shlex.split(command) if word in _OF_A_SHELL), None)
    except ValueError:
        return ""
    return f"; no shell runs this, so {found!r} is a word: bash -c '...' has one" if found else ""


def _logged(entry: Inventoried) -> str:
    return f"## {entry.description} ({entry.command}, exit code {entry.exit_code})\n{entry.output}\n"


def _tail(output: str) -> str:
    return next((line.strip()[:160] for line in reversed(output.splitlines()) if line.strip()), "no output")


def _last_line(log: Path) -> str:
    return _tail(log.read_text(encoding="utf-8", errors="replace")) if log.exists() else "no output"
