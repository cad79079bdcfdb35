# SPDX-License-Identifier: MIT
"""What must pass before an image is published: its tests, and the commands of its inventory.

In:   Recipe, Place, the stack's table of commands
Out:  commands and suites, each suite with a digest of all that can change its result; findings
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, get_args

import msgspec

from stackyard.errors import FileProblem
from stackyard.load.links import HINT
from stackyard.load.recipe import Recipe
from stackyard.load.tree.context import read_entry, read_tree
from stackyard.load.tree.files import Files
from stackyard.load.tree.place import Place
from stackyard.model import canonical
from stackyard.model.checks import VERSION
from stackyard.model.details import Suite, SuiteKind
from stackyard.model.inputs import Entry
from stackyard.model.names import Digest, TargetName, nearest
from stackyard.model.spot import Spot
from stackyard.model.stack import Command, Finding, Target
from stackyard.model.tags import filled

if TYPE_CHECKING:
    from stackyard.model.checks import Check
    from stackyard.model.trees import Node

COMMON_TESTS = "tests_common"
WORKFLOW_TESTS = "workflow_tests"
STRUCTURE_TESTS = (
    "structure-test.yaml",
    "structure-test.yml",
    "structure-tests.yaml",
    "structure-tests.yml",
    "container-structure-test.yaml",
    "container-structure-test.yml",
)
"""What a file of container-structure-test is called in an image's folder, or in its `test/`."""
_STRUCTURE = frozenset(STRUCTURE_TESTS)
PYTEST_FILES = ("conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")
"""What pytest reads in the folders above those it is given (its "rootdir: finding configuration files")."""
SHARED_FILES = ("pyproject.toml", "tox.ini", "setup.cfg")
"""These, too, where they have a word for it."""

_READ = frozenset((*PYTEST_FILES, *SHARED_FILES))


def commands_of(recipe: Recipe, table: Mapping[str, Command], findings: list[Finding]) -> tuple[Command, ...]:
    """The commands that the recipe names, in its order; a name that the table has not is an error finding."""
    for name in recipe.commands:
        if name not in table:
            sentence = f"image {recipe.image!r} names the command {name!r}, which the table of commands does not define"
            near = nearest(name, list(table))
            hint = f"did you mean {near!r}?" if near else "add it to `all_info_cmds`, or take it out"
            spot = recipe.spot("info_cmds", name)
            findings.append(
                Finding("unknown-command", "error", sentence, *spot, hint=hint, found=name, wanted=near or "a command")
            )
    variables = dict(recipe.variables)
    return tuple(
        msgspec.structs.replace(table[name], command=filled(table[name].command, variables))
        for name in recipe.commands
        if name in table
    )


class Suites(NamedTuple):
    """What runs on an image."""

    suites: tuple[Suite, ...]
    checks: tuple[Check, ...]
    more: tuple[Suite, ...]
    """What nobody runs unasked."""


def checks_suite(recipe: Recipe, checks: tuple[Check, ...]) -> Suite:
    """The suite of checks."""
    return Suite("checks", (), canonical.digest([VERSION, checks]), recipe.tests.max_age)


def with_inherited(
    targets: Sequence[Target], recipes: Mapping[TargetName, Recipe], reader: SuiteReader
) -> list[Target]:
    """The targets, with tests and checks of what they stand on where these are for descendants, too."""
    own = {target.name: target for target in targets}
    return [_with_inherited(target, own, recipes, reader) for target in targets]


def _with_inherited(
    target: Target, own: Mapping[TargetName, Target], recipes: Mapping[TargetName, Recipe], reader: SuiteReader
) -> Target:
    above: list[Recipe] = []
    name, seen = target.foundation, set[TargetName]()
    while name is not None and name in own and name not in seen:  # in a ring there is no last one
        seen.add(name)
        recipe = recipes.get(name.whole)
        if recipe is not None and recipe.tests.inherit and recipe.image != target.image:
            above.insert(0, recipe)
        name = own[name].foundation
    recipe = recipes.get(target.name.whole)
    if not above or recipe is None or target.is_index:
        return target
    known = {suite.kind: suite for suite in target.suites}
    basic = known["basic"].folders if "basic" in known else ()
    folders = [folder for each in above for folder in reader.own_folders(each)]
    if folders:
        common = reader.common_folders
        ordered = dict.fromkeys((*(f for f in basic if f in common), *folders, *basic))
        known["basic"] = reader.basic(recipe, tuple(ordered))
    checks = tuple(
        dict.fromkeys((*recipe.common_checks, *(c for e in above for c in reader.own_checks(e, [])), *target.checks))
    )
    if checks:
        known["checks"] = checks_suite(recipe, checks)
    suites = tuple(known[kind] for kind in get_args(SuiteKind) if kind in known)
    return target.with_suites(suites, checks)


class SuiteReader:
    """Reads test folders, what all images share once."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._digests: dict[tuple[str, ...], Digest] = {}
        self._trees: dict[str, list[Entry]] = {}
        self._above: dict[str, list[Entry]] = {}
        self._found: dict[str, list[str]] = {}
        self._structures: dict[str, tuple[tuple[Check, ...], tuple[Finding, ...]]] = {}

    def of(self, recipe: Recipe, commands: tuple[Command, ...], findings: list[Finding]) -> Suites:
        """Common and own tests, integration tests where asked for, checks, declared commands; workflow tests."""
        basic = [
            self._place.path(*parts)
            for parts in ((COMMON_TESTS,), (recipe.image, "test"))
            if self._has(findings, *parts)
        ]
        checks = tuple(dict.fromkeys((*recipe.common_checks, *self.own_checks(recipe, findings))))
        suites = []
        if basic:
            suites.append(self.basic(recipe, basic))
            if not checks and not any(self._has_tests(folder) for folder in basic):
                findings.append(self._without_tests(basic[-1], recipe))
        if recipe.integration_tests:
            folder = self._place.path(recipe.image, "integration_tests")
            if self._has(findings, recipe.image, "integration_tests"):
                suites.append(self._pytest("integration", recipe, folder))
                if not self._has_tests(folder):
                    findings.append(self._without_tests(folder, recipe))
            else:
                sentence = f"image {recipe.image!r} asks for integration tests, and there is no folder {folder}"
                hint = f"put tests into {folder}, or take `integration_tests` out"
                spot = recipe.spot("integration_tests")
                findings.append(
                    Finding("missing-tests", "error", sentence, *spot, hint=hint, found="true", wanted=folder)
                )
        if checks:
            suites.append(checks_suite(recipe, checks))
        if commands:
            digest = canonical.digest(
                [(each.name, each.command, *(["optional"] if each.is_optional else [])) for each in commands]
            )
            suites.append(Suite("inventory", (), digest, recipe.tests.max_age))
        more: tuple[Suite, ...] = ()
        if self._has(findings, recipe.image, WORKFLOW_TESTS):
            more = (self._pytest("workflow", recipe, self._place.path(recipe.image, WORKFLOW_TESTS)),)
        return Suites(tuple(suites), checks, more)

    def is_silent(self, recipe: Recipe, own: str, kinds: Mapping[str, str]) -> bool:
        """Whether `of` finds nothing to tell of an image, by the names in its folder, which has no link in it.

        Args:
            own: the folder.
            kinds: what is in it, by name.
        """
        tests = dict(self._place.files.nodes(f"{own}/test")) if kinds.get("test") == "dir" else {}
        if recipe.structure_tests or not _STRUCTURE.isdisjoint(kinds) or not _STRUCTURE.isdisjoint(tests):
            return False
        if recipe.integration_tests:
            is_there = kinds.get("integration_tests") == "dir"
            if not (is_there and _holds_test(self._place.files.nodes(f"{own}/integration_tests"))):
                return False
        if recipe.checks or recipe.common_checks or _holds_test(tests.items()):
            return True
        common = self._place.path(COMMON_TESTS)
        return self._has_tests(common) if self._place.files.is_folder(common) else kinds.get("test") != "dir"

    def basic(self, recipe: Recipe, folders: Sequence[str]) -> Suite:
        """The tests of these folders, together."""
        return self._pytest("basic", recipe, *folders)

    def _pytest(self, kind: SuiteKind, recipe: Recipe, *folders: str) -> Suite:
        return Suite(kind, folders, self._digest(*folders), recipe.tests.max_age, bool(recipe.tests.parallel))

    def own_checks(self, recipe: Recipe, findings: list[Finding]) -> tuple[Check, ...]:
        """What an image itself has to be like: by its entry, by files of structure tests."""
        paths: dict[str, Spot | None] = dict.fromkeys(self._structure_files(recipe.image))
        paths.update(recipe.structure_tests)
        return recipe.checks + tuple(check for item in paths.items() for check in self._structure(*item, findings))

    def _structure_files(self, image: str) -> list[str]:
        if image not in self._found:
            files = self._place.files
            own = [self._place.path(*parts) for parts in ((image,), (image, "test")) if self._has([], *parts)]
            there = [(folder, name) for folder in own for name, _ in files.scan(folder) if name in STRUCTURE_TESTS]
            self._found[image] = sorted(f"{folder}/{name}" for folder, name in there)
        return self._found[image]

    def _structure(self, path: str, spot: Spot | None, findings: list[Finding]) -> tuple[Check, ...]:
        """The checks of one file; one that is not there or cannot be understood is an error finding."""
        if path not in self._structures:
            from stackyard.load.structure import structure_checks  # few images have any

            files = self._place.files
            try:
                if not files.is_file(path) or (files.is_link(path) and files.leads_out(path)):
                    raise FileProblem(path, None, "there is no such file", hint="`structure_test` names it")
                self._structures[path] = structure_checks(files.read(path), path)
            except FileProblem as problem:
                finding = Finding.of("bad-structure-test", problem)
                is_named = finding.line is None and spot is not None
                self._structures[path] = (
                    (),
                    (msgspec.structs.replace(finding, **_place(spot)) if is_named else finding,),
                )
        checks, told = self._structures[path]
        findings.extend(told)
        return checks

    def own_folders(self, recipe: Recipe) -> tuple[str, ...]:
        """The folder of an image's own tests, if it has one."""
        return (self._place.path(recipe.image, "test"),) if self._has([], recipe.image, "test") else ()

    @property
    def common_folders(self) -> tuple[str, ...]:
        """The folder of tests that all images share."""
        return (self._place.path(COMMON_TESTS),)

    def _is_there(self, path: str) -> bool:
        """Whether there is such a folder, and in the repository."""
        files = self._place.files
        return files.is_folder(path) and not (files.is_link(path) and files.leads_out(path))

    def _has(self, findings: list[Finding], *parts: str) -> bool:
        """The same; a link out of the repository is an error finding."""
        path = self._place.path(*parts)
        if not self._place.files.is_folder(path):
            return False
        if not self._is_there(path):
            sentence = "is a link that leads out of the repository"
            findings.append(
                Finding("leads-outside", "error", sentence, path, hint=HINT, found="a link", wanted="a folder")
            )
            return False
        return True

    def _digest(self, *folders: str) -> Digest:
        """Over all test code that can change a result: the folders, what is beside them for an image's own tests to
        share, and what pytest picks up above them.
        """
        if folders not in self._digests:
            shared = {folder[: folder.rfind("/") + 1] + COMMON_TESTS for folder in folders}.difference(folders)
            read = (*folders, *filter(self._is_there, shared))
            entries = [entry for folder in read for entry in self._entries(folder)]
            for above in dict.fromkeys(above for folder in folders for above in _above(folder)):
                entries += self._pytest_files(above)
            self._digests[folders] = canonical.digest(sorted(entries))
        return self._digests[folders]

    def above(self, folder: str) -> list[Entry]:
        """What pytest picks up in all folders above one."""
        return [entry for path in _above(folder) for entry in self._pytest_files(path)]

    def _has_tests(self, folder: str) -> bool:
        """Whether a file of the folder has a name that pytest takes tests from, unless it is told otherwise."""
        return any(_is_test(entry.path.rpartition("/")[2]) for entry in self._entries(folder))

    def _without_tests(self, folder: str, recipe: Recipe) -> Finding:
        """At a file of the folder; where there is none, at the image that has it."""
        files = [entry.path for entry in self._entries(folder) if entry.kind != "dir"]
        spot = Spot(files[0]) if files else recipe.spot("image")
        sentence = f"no file in {folder} is named like a test, so nothing may be tested, and that counts as a pass"
        hint = "pytest takes tests from test_*.py and *_test.py"
        return Finding("empty-suite", "warning", sentence, *spot, hint=hint, found="no test", wanted="test_*.py")

    def _entries(self, folder: str) -> list[Entry]:
        """All files of a folder but for byte code; read once."""
        if folder not in self._trees:
            self._trees[folder] = [
                Entry(f"{folder}/{entry.path}", entry.kind, entry.blob)
                for entry in read_tree(folder, folder, self._place.files)
                if "__pycache__" not in entry.path
            ]
        return self._trees[folder]

    def _pytest_files(self, above: str) -> list[Entry]:
        """What pytest reads in one folder above those it is given."""
        if above not in self._above:
            files = self._place.files
            there = [name for name, _ in files.nodes(above.rstrip("/") or ".") if name in _READ]
            self._above[above] = [
                read_entry(path, path, files=files)
                for name in sorted(there)
                if files.is_file(path := f"{above}{name}")
                and (name in PYTEST_FILES or files.is_link(path) or _names_pytest(files, path))
            ]
        return self._above[above]


def _names_pytest(files: Files, path: str) -> bool:
    try:
        return b"pytest" in files.read(path)
    except OSError:
        return True  # who reads it says why that cannot be done


def _is_test(name: str) -> bool:
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))


def _holds_test(nodes: Iterable[tuple[str, Node]]) -> bool:
    """Whether one of them, themselves, is a file with tests."""
    return any(_is_test(name) and kind != "dir" and "__pycache__" not in name for name, (kind, _) in nodes)


def _above(folder: str) -> Iterator[str]:
    """Each folder above `folder`, up to the stack's root, as the beginning of a path."""
    while folder:
        folder = folder.rpartition("/")[0]
        yield f"{folder}/" if folder else ""


def _place(spot: Spot | None) -> dict[str, object]:
    """Where a finding about a file that is not there stands: where it is named."""
    return {} if spot is None else {"path": spot.path, "line": spot.line, "column": spot.column}
