# SPDX-License-Identifier: MIT
"""A made-up stack on disk with a past: edits, runs, kills, refreshes, forced rebuilds; and what must be so after each.

The stack is run by Stackyard over an engine that makes what tests/oracle.py says; what it should have come to,
and whether a build was needed, is asked of the oracle alone, which sees the folder as it is.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from stackyard import verbs
from stackyard.edges.engine import Engine
from stackyard.edges.registry import Registry
from stackyard.errors import StackyardError
from stackyard.load.memory import Memory
from stackyard.load.stack import Settings, load_stack
from stackyard.load.tree.files import DiskFiles
from stackyard.load.tree.listed import TreeFiles
from stackyard.load.tree.place import find, place_in
from stackyard.model.details import Suite
from stackyard.model.inputs import Inputs
from stackyard.model.outcome import RunSummary
from stackyard.model.progress import Tell, unwatched
from stackyard.model.record import Built, SuiteResult, Tested
from stackyard.model.reference import Platform
from stackyard.model.stack import Revision, Stack, Target
from stackyard.model.trees import in_folders, with_ids
from stackyard.record.sqlite import SqliteRecords
from stackyard.run.driver import Driver
from stackyard.run.events import Limits
from stackyard.run.moving import Mover
from stackyard.testing import FixedClock, MemoryRegistry
from stackyard.verbs import Options, Yard
from stackyard.verbs.groundwork import work_of
from stackyard.verbs.journaling import journal_of
from tests import oracle
from tests.evaluating import EvaluatingEngine
from tests.oracle import Content

AMD = Platform("linux/amd64")
LAB = "registry.example/lab"
BASES = ("registry.example/os/one:1", "registry.example/os/two:1")


class Unequal(AssertionError):
    """An image is not what it should be, or was built for nothing."""


@dataclass
class Shape:
    """What one Dockerfile is made of, and what the spec says of its image."""

    base: int = 0
    """An external base, or from 2 on a parent."""
    tool: int | None = None
    """As `base`, for an earlier stage that something is copied from."""
    direct: int | None = None
    """As `base`, for a `COPY --from` without a stage."""
    is_picked: bool = False
    """Whether a stage is chosen by an argument."""
    copies: list[str] = field(default_factory=lambda: ["src"])
    bind: str | None = None
    has_tag: bool = False
    """Whether the last stage declares and reads the argument that names the parent's tag."""
    said: tuple[str, str] | None = None
    """An instruction with a heredoc, and what that says where the former has braces."""
    triggers: bool = False
    comment: int = 0
    args: dict[str, str] = field(default_factory=dict)
    is_copied: bool = False
    """Whether only what is copied counts."""


@dataclass
class Side:
    """Everything that a revert brings back."""

    files: dict[str, tuple[str, str]]
    shapes: list[Shape]


class Maker(Engine, Protocol):
    """An engine that counts, dies on request, and says what is in an image."""

    builds: list[str]
    left: int | None

    def content(self, reference: str) -> Content:
        """What is in an image."""


class World:
    """One stack and its past."""

    def __init__(self, root: Path, distort: Callable[[Inputs, Path], Inputs] | None = None) -> None:
        self.root = root
        self.distort = distort
        self.branch = "main"
        self.memory: Memory | None = None
        """What was read, where each run goes on from what the last one kept, as in a large repository."""
        self.files: dict[str, tuple[str, str]] = {}
        self.shapes: list[Shape] = []
        self.past: list[Side] = []
        self.bases, self.lab = self.names()
        self.options = Options(platform=AMD)
        self.registry: Registry
        self.engine: Maker
        self.connect()
        self.clock = FixedClock()
        self.records = SqliteRecords(root / "records.sqlite3", AMD)
        self.at: dict[str, Content] = {}
        """External base -> what its tag is now."""
        self.accepted: dict[str, Content] = {}
        self.good: dict[str, list[object]] = {}
        """Image -> what each build that came to something went by."""
        self.failing: set[str] = set()
        (root / "stack" / ".git").mkdir(parents=True)
        for reference in self.bases:
            self.publish(reference, "0")

    # The world outside.

    def names(self) -> tuple[tuple[str, str], str]:
        """What the external bases are called, and the registry of the stack."""
        return BASES, LAB

    def connect(self) -> None:
        """Engine and registry: in memory."""
        registry = MemoryRegistry()
        self.upstream = EvaluatingEngine(registry=registry, shelf={})
        self.registry, self.engine = registry, EvaluatingEngine(registry=registry, shelf=self.upstream.shelf)

    # The stack.

    def publish(self, reference: str, version: str) -> None:
        """Somebody else publishes another base under the same tag."""
        content = self.upstream.publish(reference, version)
        self.engine.learn(self.upstream, reference)
        self.at[reference] = content

    def add_image(self, shape: Shape, files: Mapping[str, str]) -> None:
        """One more image, behind the others."""
        name = f"i{len(self.shapes)}"
        self.shapes.append(shape)
        for path, text in {"src/a": "a", "src/deep/c": "c", "top.txt": "t", "test/test_a.py": "t", **files}.items():
            self.files[f"{name}/{path}"] = ("file", text)
        self.write()

    def remember(self) -> None:
        """A commit, so to speak: a revert may come back to it."""
        self.past.append(copy.deepcopy(Side(self.files, self.shapes)))

    def revert(self, side: Side) -> None:
        """Bring everything back that a commit holds."""
        self.files, self.shapes = copy.deepcopy(side.files), copy.deepcopy(side.shapes)
        self.write()

    def write(self) -> None:
        """The folder as it should be; what is right already is not touched."""
        wanted = dict(self.files)
        for number, shape in enumerate(self.shapes):
            kind = wanted.pop(f"i{number}/Dockerfile", ("file", ""))[0]
            wanted[f"i{number}/Dockerfile"] = (kind, self.dockerfile(shape))
        wanted["spec.yml"] = ("file", self.spec())
        wanted["change_ignore.json"] = ("file", '{"BuildAll": ["everywhere.txt"], "ChangeIgnore": []}')
        folder = self.root / "stack" / "images"
        folder.mkdir(exist_ok=True)
        there = {
            os.path.relpath(os.path.join(above, name), folder)
            for above, folders, names in os.walk(folder)
            for name in (*names, *(each for each in folders if os.path.islink(os.path.join(above, each))))
        }
        for path in there - wanted.keys():
            (folder / path).unlink()
        for path, (kind, text) in wanted.items():
            _put(folder / path, kind, text)
        for above, _, _ in sorted(os.walk(folder), reverse=True):
            if not os.listdir(above):
                os.rmdir(above)

    def reference(self, number: int) -> str:
        """How a Dockerfile names an external base or, from 2 on, an image of the stack."""
        return self.bases[number] if number < 2 else f"{self.lab}/i{number - 2}:${{BASE_TAG}}"

    def dockerfile(self, shape: Shape) -> str:
        """The text of a Dockerfile."""
        lines = [f"# {shape.comment}"] if shape.comment else []
        lines += ["ARG BASE_TAG=latest", "ARG PICK=one", "ARG C=c", "ARG B=b-${C:-none}"]
        if shape.tool is not None:
            lines += [f"FROM {self.reference(shape.tool)} AS tool", "COPY top.txt /tool-own/"]
        if shape.is_picked:
            lines += [f"FROM {self.bases[0]} AS one", f"FROM {self.bases[1]} AS two", "FROM ${PICK} AS picked"]
        lines += [f"FROM {self.reference(shape.base)}", "ARG A=a", "ARG B", "ARG DIR=src/deep", "ENV A=$A-${B}"]
        lines += [f"COPY {source} /c{number}/" for number, source in enumerate(shape.copies)]
        if shape.tool is not None:
            lines += ["COPY --from=tool /id/ /tool/", "COPY --from=tool /tool-own/ /tool-own/"]
        if shape.is_picked:
            lines += ["COPY --from=picked /id/ /picked/"]
        if shape.direct is not None:
            text = self.reference(shape.direct).replace("${BASE_TAG}", "latest")
            lines += [f"COPY --from={text} /id/ /direct/"]
        if shape.bind is not None:
            lines += [f"RUN --mount=type=bind,source={shape.bind},target=/m rm -rf /bound && cp -a /m /bound"]
        if shape.said is not None:
            form, body = shape.said
            lines += [form.format(body)]
        if shape.has_tag:
            lines += ["ARG BASE_TAG", "ENV TAG=$BASE_TAG"]
        if shape.triggers:
            lines += ["ONBUILD COPY top.txt /triggered/"]
        return "\n".join(lines) + "\n"

    def spec(self) -> str:
        """The spec, as JSON."""
        images: dict[str, object] = {}
        for number, shape in enumerate(self.shapes):
            parents = [f"i{of - 2}" for of in (shape.base, shape.tool, shape.direct) if of is not None and of >= 2]
            images[f"i{number}"] = {
                "depend_on": list(dict.fromkeys(parents)),
                "build_args": shape.args,
                **({"granularity": "copied"} if shape.is_copied else {}),
            }
        return msgspec.json.encode({"registry": self.lab, "images": images}).decode()

    def stack(self) -> Stack:
        """What Stackyard reads, with the bug, if there is one."""
        revision = Revision("0" * 40, self.branch, is_dirty=False)
        place = find(self.root / "stack")
        if self.memory is not None:
            self.memory = Memory(self.memory.kept, reads_later=True)
            found = place_in(files_as_listed(place.root), place, False)
            assert found is not None
            place = found
        stack = load_stack(place, revision, Settings(AMD), memory=self.memory)
        errors = [finding for finding in stack.findings if finding.level == "error"]
        assert not errors, errors
        if self.distort is None:
            return stack
        targets = tuple(
            each.with_inputs(self.distort(each.inputs, self.root / "stack" / each.context)) for each in stack.targets
        )
        return msgspec.structs.replace(stack, targets=targets)

    def yard(self) -> Yard:
        """The stack with its records, its engine and its registry."""
        place = find(self.root / "stack")
        return Yard(
            place,
            self.stack(),
            self.records,
            self.options,
            self.clock,
            make_engine=lambda _: self.engine,
            make_registry=lambda _: self.registry,
        )

    # What should be.

    def passed(self, number: int) -> dict[str, str]:
        """The build arguments that an engine is sent."""
        shape = self.shapes[number]
        has_parent = any(of is not None and of >= 2 for of in (shape.base, shape.tool, shape.direct))
        return {**({"BASE_TAG": self.branch} if has_parent else {}), **shape.args}

    def content(self, text: str) -> Content:
        """What should be in an image, by the text that names it: an external base as accepted, or one of ours."""
        if text in self.bases:
            return self.accepted.setdefault(text, self.at[text])
        return self.expected(int(text.removeprefix(f"{self.lab}/i").partition(":")[0]))

    def expected(self, number: int) -> Content:
        """What should be in an image of the stack, by the folder as it is."""
        folder = self.root / "stack" / "images" / f"i{number}"
        text = (folder / "Dockerfile").read_text()
        return oracle.make(text, oracle.sent(folder), self.passed(number), self.content).content

    def given(self, number: int) -> list[object]:
        """What a build of an image may go by."""
        folder = self.root / "stack" / "images" / f"i{number}"
        return oracle.given(
            (folder / "Dockerfile").read_text(),
            oracle.sent(folder),
            self.passed(number),
            self.content,
            is_whole=not self.shapes[number].is_copied,
            everywhere={"everywhere.txt": self.files.get("everywhere.txt", ("", ""))[1]},
        )

    # Runs.

    def run(
        self,
        names: list[str] | None = None,
        *,
        rebuild: tuple[str, ...] = (),
        refresh: bool = False,
        left: int | None = None,
        failing: frozenset[str] = frozenset(),
    ) -> None:
        """Plan and build; then every image that was asked for is what it should be, and none was built for nothing."""
        self.clock.advance(60)
        names = names or []
        yard = self.yard()
        if refresh:
            self._note_refresh(names)
        plan = verbs.prepare(yard, names, False, rebuild, refresh=refresh)
        number = self.records.begin_run("build", self.clock.now()) if plan.has_work else 0
        work = work_of(yard, plan, number, True)
        work.reread = lambda name: self.stack().target(name)
        work.run_suite = _Suites(failing, self.clock)
        self.engine.builds.clear()
        self.engine.left = left
        mover = Mover(yard.tags("engine"), journal_of(yard, "engine"))
        driver = Driver(plan, work, self.records, mover, Limits(builds=1), unwatched, number)
        try:
            summary = driver.run("build", self.clock.now())
            if plan.has_work:
                self.records.end_run(summary)
        except StackyardError:
            assert left is not None
            return
        finally:
            self.engine.left = None
        assert left is not None or failing or summary.is_good, summary
        self._check(summary, rebuild)

    def _note_refresh(self, names: list[str]) -> None:
        todo = [int(name[1:]) for name in names] or list(range(len(self.shapes)))
        while todo:
            shape = self.shapes[todo.pop()]
            uses = [
                of
                for of in (shape.base, shape.tool, shape.direct, *((0, 1) if shape.is_picked else ()))
                if of is not None
            ]
            todo += [of - 2 for of in uses if of >= 2]
            for of in uses:
                if of < 2:
                    self.accepted[self.bases[of]] = self.at[self.bases[of]]

    def _check(self, summary: RunSummary, rebuild: tuple[str, ...]) -> None:
        for outcome in summary.outcomes:
            name = str(outcome.target)
            if outcome.status in ("failed", "skipped"):
                continue
            number = int(name[1:])
            if outcome.published is None:
                continue
            found, wanted = self.engine.content(str(outcome.published.reference)), self.expected(number)
            if summary.is_good:
                found = self.engine.content(f"{self.lab}/{name}:{self.branch}")
            if not agree(found, wanted):
                keys = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
                told = ", ".join(f"{key}: {found.get(key)!r}, not {wanted.get(key)!r}" for key in keys)
                raise Unequal(f"missed: {name} is {outcome.status}, and has {told}")
            went_by = self.given(number)
            known = self.good.setdefault(name, [])
            if name in self.engine.builds and name not in rebuild and went_by in known:
                raise Unequal(f"for nothing: {name} was built again ({', '.join(map(str, outcome.reasons))})")
            known.append(went_by)


def agree(found: Content, wanted: Content) -> bool:
    """Whether two images hold the same, whatever they stand on."""
    return _plain(found) == _plain(wanted)


def _plain(content: Content) -> tuple[dict[str, str], list[str]]:
    own = {key: value for key, value in content.items() if key != "layers" and not key.startswith("onbuild ")}
    return own, sorted(value for key, value in content.items() if key.startswith("onbuild "))


class _Suites:
    """Suites that pass, or fail where they are told to."""

    def __init__(self, failing: frozenset[str], clock: FixedClock) -> None:
        self._failing = failing
        self._clock = clock

    def __call__(self, target: Target, suite: Suite, image: Built, folder: Path, tell: Tell) -> SuiteResult:
        passed = str(target.name) not in self._failing
        return SuiteResult(Tested(self._clock.now(), suite.kind, suite.digest, passed, 1, 0 if passed else 1, 0, 1.0))

    def close(self) -> None:
        """Nothing runs."""


def files_as_listed(root: Path) -> TreeFiles:
    """The files of a folder as a listing with all ids has them."""
    disk = DiskFiles(root)
    below = [os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names]
    links = [os.path.relpath(at, root) for at in map(str, root.rglob("*")) if os.path.islink(at)]
    rows = [(path, *disk.entry(path, path)) for path in sorted({*below, *links})]
    folders = in_folders([(path, str(kind), str(blob)) for path, kind, blob in rows])
    with_ids(folders)
    return TreeFiles(folders, lambda path, _: disk.text(path) if disk.is_link(path) else disk.read(path))


def _put(full: Path, kind: str, text: str) -> None:
    if kind == "link":
        if not full.is_symlink() or os.readlink(full) != text:
            full.parent.mkdir(parents=True, exist_ok=True)
            full.unlink(missing_ok=True)
            full.symlink_to(text)
        return
    if full.is_symlink():
        full.unlink()
    full.parent.mkdir(parents=True, exist_ok=True)
    if not full.exists() or full.read_text() != text:
        full.write_text(text)
    mode = 0o755 if kind == "exec" else 0o644
    if full.stat().st_mode & 0o777 != mode:
        full.chmod(mode)
