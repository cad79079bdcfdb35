# SPDX-License-Identifier: MIT
"""Check one image: what it declares by a look at it, all else in as few containers as there can be.

In:   Checks, the local image, how large the last release's was
Out:  TestCase for each, in order; a check that fails is a result
May touch: one container that stays while all checks go into it; one more for each port; none for what is declared
Raises: EngineProblem
Rules: docs/reference/spec.md, `checks`
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from stackyard.edges.answering import Answer, ask
from stackyard.edges.clock import Clock
from stackyard.edges.engine import Engine, FileFacts, Inside
from stackyard.errors import EngineProblem, NotTestable
from stackyard.inside import scripts
from stackyard.model.checks import (
    Check,
    CommandCheck,
    FileCheck,
    GenericCheck,
    ImageCheck,
    Pair,
    PortCheck,
    SizeCheck,
    WritableCheck,
)
from stackyard.model.content import ImageFacts
from stackyard.model.progress import Tell
from stackyard.model.record import TestCase
from stackyard.model.reference import LocalImage

COMMAND_S = 600.0
_ROOT = "0"
_NOBODY = 65534
_KEPT = 4000
"""So much of what a failing check saw is kept."""
_SHOWN = 10


class Checker:
    """Checks of one image.

    Args:
        released_bytes: how large it is in the last release that has it; None: it is in none.
        limit_s: how long each may take.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        image: LocalImage,
        released_bytes: Callable[[], int | None],
        limit_s: float = COMMAND_S,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._image = image
        self._released_bytes = released_bytes
        self._limit_s = limit_s
        self._container: Inside | None = None
        self._names: dict[str, dict[str, int]] = {}

    def run(self, checks: Sequence[Check], tell: Tell) -> tuple[TestCase, ...]:
        """All of them, one after the other; none hides another."""
        facts = self._engine.inspect(str(self._image.id))
        if facts is None:
            raise EngineProblem(f"the engine has no image {self._image.id.short} to check")
        found = []
        with contextlib.ExitStack() as stack:
            for check in checks:
                tell(f"check: {check.name}")
                begun = self._clock.ticks()
                problems = self._problems(check, facts, stack)
                duration = self._clock.ticks() - begun
                found.append(
                    TestCase(
                        check.name,
                        "failed" if problems else "passed",
                        duration,
                        _first(problems),
                        "\n".join(problems)[:_KEPT],
                    )
                )
        return tuple(found)

    def _problems(self, check: Check, facts: ImageFacts, stack: contextlib.ExitStack) -> list[str]:
        try:
            return list(self._looked_at(check, facts, lambda: self._opened(stack)))
        except NotTestable as problem:
            return [f"{problem}{f'; {problem.hint}' if problem.hint else ''}"]

    def _opened(self, stack: contextlib.ExitStack) -> Inside:
        if self._container is None:
            self._container = stack.enter_context(self._engine.inside(self._image))
        return self._container

    def _looked_at(self, check: Check, facts: ImageFacts, opened: Callable[[], Inside]) -> Iterator[str]:
        match check:
            case ImageCheck():
                return _declared(check, facts.config)
            case SizeCheck():
                return self._size(check, facts.size_bytes)
            case PortCheck():
                return self._port(check)
            case CommandCheck():
                return self._command(check, facts, opened())
            case FileCheck():
                return self._file(check, opened())
            case WritableCheck():
                return self._writable(check, opened())
            case GenericCheck(name="user-is-not-root"):
                return _not_root(str(facts.config.get("User") or ""))
            case GenericCheck():
                return self._generic(check, opened())

    # Kinds.

    def _size(self, check: SizeCheck, size: int) -> Iterator[str]:
        if check.most_bytes is not None and size > check.most_bytes:
            yield f"it is {_megabytes(size)}, and {_megabytes(check.most_bytes)} is the most"
        before = self._released_bytes() if check.growth is not None else None
        if check.growth is not None and before and size > before * (1 + check.growth / 100):
            grown = (size - before) * 100 / before
            yield (
                f"it is {_megabytes(size)}, {grown:.1f}% more than in the last release ({_megabytes(before)}), "
                f"and {check.growth:g}% is the most"
            )

    def _port(self, check: PortCheck) -> Iterator[str]:
        with self._engine.serving(self._image, check.port) as served:
            answer: Answer = ask(served, check.path, check.status, check.within_s)
            if answer.problem:
                yield answer.problem
                yield from answer.said.splitlines()[-_SHOWN:]
                return
        yield from _searched(check.output, (), answer.said, "the answer")

    def _command(self, check: CommandCheck, facts: ImageFacts, container: Inside) -> Iterator[str]:
        env = tuple(_expanded(check.env, facts.config))
        for argv in check.setup:
            container.run(argv, self._limit_s, check.user, env)
        ended = container.run(check.argv, self._limit_s, check.user, env)
        for argv in check.teardown:
            container.run(argv, self._limit_s, check.user, env)
        problems = []
        if ended.exit_code == 124 and ended.duration_s >= self._limit_s:
            problems.append(f"it was not over after {self._limit_s:.0f} s")
        elif ended.exit_code != check.exit_code:
            problems.append(f"exit code {ended.exit_code}, not {check.exit_code}")
        output = ended.printed if check.is_stdout_only and ended.printed is not None else ended.output
        errors = ended.output if ended.errors is None else ended.errors
        problems += _searched(check.output, check.no_output, output, "the output")
        problems += _searched(check.errors, check.no_errors, errors, "the standard error")
        yield from problems
        if problems:
            yield from ended.output.splitlines()[-_SHOWN:]

    def _file(self, check: FileCheck, container: Inside) -> Iterator[str]:
        found = container.look(check.path)
        if found is None or not check.exists:
            if check.exists:
                yield f"there is no {check.path}"
            elif found is not None:
                yield f"there is a {check.path}"
            return
        if check.mode and not _has_mode(found, check.mode):
            yield f"{check.path} has the mode {_mode_text(found, check.mode)}, not {check.mode}"
        for wanted, number, file in ((check.owner, found.uid, "/etc/passwd"), (check.group, found.gid, "/etc/group")):
            if wanted and number != (asked := self._number(container, file, wanted)):
                what = "owner" if file == "/etc/passwd" else "group"
                why = f"not {wanted}" if asked is not None else f"and {file} has no {wanted}"
                yield f"the {what} of {check.path} is {number}, {why}"
        bits = {"": 0, "owner": 0o100, "group": 0o010, "other": 0o001, "any": 0o111}[check.executable_by]
        if bits and not found.mode & bits:
            yield f"{check.path} is not executable by {check.executable_by.replace('any', 'anybody')}"
        if check.contains or check.lacks:
            data = container.read(check.path)
            if data is None:
                yield f"{check.path} is no file that could be read"
                return
            yield from _searched(check.contains, check.lacks, data.decode("utf-8", "replace"), check.path)

    def _number(self, container: Inside, file: str, name: str) -> int | None:
        """The number of a user or a group by its name."""
        if name.isdigit():
            return int(name)
        if file not in self._names:
            lines = (container.read(file) or b"").decode("utf-8", "replace").splitlines()
            fields = [line.split(":") for line in lines]
            self._names[file] = {each[0]: int(each[2]) for each in fields if len(each) > 2 and each[2].isdigit()}
        return self._names[file].get(name)

    def _writable(self, check: WritableCheck, container: Inside) -> Iterator[str]:
        user = check.user
        if check.group:
            group = self._number(container, "/etc/group", check.group)
            if group is None:
                yield f"there is no group {check.group}"
                return
            owner = self._number(container, "/etc/passwd", user) if user else _NOBODY
            user = f"{_NOBODY if owner is None else owner}:{group}"
        word = "can be written" if not check.is_writable else "cannot be written"
        for path in self._listed(container, scripts.unwritable(check.paths, check.is_writable), user):
            yield f"{path} {word}"

    def _generic(self, check: GenericCheck, container: Inside) -> Iterator[str]:
        paths = tuple(path for path in check.leave_out if path.startswith("/"))
        match check.name:
            case "packages-import":
                found = self._listed(container, scripts.python(scripts.IMPORTS, *check.leave_out))
            case "pip-install-works":
                found = self._listed(container, scripts.python(scripts.PIP_INSTALL))
            case "system-is-locked":
                held = tuple(path for path in scripts.SYSTEM if not _is_below(path, paths))
                found = [f"{path} can be written" for path in self._listed(container, scripts.unwritable(held, False))]
            case "nothing-world-writable":
                leave_out = " ".join(f"-o -path '{path}'" for path in paths if "'" not in path)
                script = scripts.WORLD_WRITABLE.replace("{leave_out}", leave_out)
                found = self._listed(container, scripts.shell(script), _ROOT)
            case "no-package-caches":
                found = self._listed(container, scripts.shell(scripts.CACHES), _ROOT)
            case _:
                found = self._listed(container, scripts.shell(scripts.SYSTEM_PYTHON), _ROOT)
        yield from (line for line in found if not _is_below(line, paths))

    def _listed(self, container: Inside, argv: Sequence[str], user: str = "") -> list[str]:
        """The lines that one of our scripts prints; that it cannot run is a problem, too."""
        ended = container.run(argv, self._limit_s, user)
        lines = [line for line in ended.output.splitlines() if line.strip()]
        if ended.exit_code == 0:
            return lines
        why = {127: "the image has no shell, or no Python, that could look", 124: "it was not over in time"}
        return [why.get(ended.exit_code, f"the check itself ended with {ended.exit_code}"), *lines[-_SHOWN:]]


# What is declared.


def _declared(check: ImageCheck, config: Mapping[str, Any]) -> Iterator[str]:
    env = dict(_environment(config))
    for what, wanted, there in (("variable", check.env, env), ("label", check.labels, config.get("Labels") or {})):
        for pair in wanted:
            yield from _compared(what, pair, there)
    for name in check.no_env:
        if name in env:
            yield f"the variable {name} is set"
    for what, text, key in (("user", check.user, "User"), ("workdir", check.workdir, "WorkingDir")):
        if text is not None and text != (config.get(key) or ""):
            yield f"the {what} is {config.get(key) or 'not set'}, not {text}"
    for what, words, key in (("entrypoint", check.entrypoint, "Entrypoint"), ("cmd", check.cmd, "Cmd")):
        if words is not None and list(words) != list(config.get(key) or ()):
            yield f"the {what} is {list(config.get(key) or ())}, not {list(words)}"
    ports = {port.removesuffix("/tcp") for port in config.get("ExposedPorts") or {}}
    volumes = set(config.get("Volumes") or {})
    wants = ((check.ports, check.no_ports, ports, "port"), (check.volumes, check.no_volumes, volumes, "volume"))
    for wanted_names, unwanted, held, what in wants:
        for name in wanted_names:
            if name.removesuffix("/tcp") not in held:
                yield f"the {what} {name} is not declared"
        for name in unwanted:
            if name.removesuffix("/tcp") in held:
                yield f"the {what} {name} is declared"


def _environment(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for entry in config.get("Env") or ():
        name, _, value = str(entry).partition("=")
        yield name, value


def _compared(what: str, pair: Pair, there: Mapping[str, str]) -> Iterator[str]:
    value = there.get(pair.name)
    if value is None:
        yield f"the {what} {pair.name} is not set"
    elif not (re.search(pair.value, value) if pair.is_pattern else value == pair.value):
        yield f"the {what} {pair.name} is {value!r}, not {pair.value!r}"


def _not_root(user: str) -> Iterator[str]:
    name = user.partition(":")[0]
    if name in ("", "root", "0"):
        yield f"containers run as root: the image declares {f'the user {user}' if user else 'no user'}"


def _expanded(env: Sequence[tuple[str, str]], config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    there = dict(_environment(config))
    for name, value in env:
        yield name, re.sub(r"\$\{?(\w+)\}?", lambda found: there.get(found[1], ""), value)


# How results read.


def _searched(wanted: Sequence[str], unwanted: Sequence[str], text: str, what: str) -> Iterator[str]:
    for pattern in wanted:
        if not re.search(pattern, text, re.MULTILINE):
            yield f"{what} has no {pattern!r}"
    for pattern in unwanted:
        if found := re.search(pattern, text, re.MULTILINE):
            yield f"{what} has {found[0][:80]!r}"


def _has_mode(found: FileFacts, wanted: str) -> bool:
    if not wanted.isdigit():
        return _mode_text(found, wanted) == wanted
    return found.mode == int(wanted, 8)


def _mode_text(found: FileFacts, like: str) -> str:
    """The mode, written as somebody else's is."""
    if like.isdigit():
        return f"{found.mode:04o}"
    import stat

    kinds = {"file": stat.S_IFREG, "dir": stat.S_IFDIR, "link": stat.S_IFLNK, "other": 0}
    return stat.filemode(kinds[found.kind] | found.mode)


def _is_below(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder.rstrip('/')}/") for folder in folders)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _first(problems: Sequence[str]) -> str:
    """One line for all of them."""
    if len(problems) < 2:
        return "".join(problems)
    return f"{problems[0]} (and {len(problems) - 1} more {'line' if len(problems) == 2 else 'lines'})"
