# SPDX-License-Identifier: MIT
"""What must pass before an image is published: its tests, and the commands of its inventory.

In:   Recipe, Place, the stack's table of commands
Out:  commands and suites, each suite with a digest of all that can change its result; findings
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stackyard.load.links import HINT
from stackyard.load.recipe import Recipe
from stackyard.load.tree.context import read_entry, read_tree
from stackyard.load.tree.files import Files
from stackyard.load.tree.place import Place
from stackyard.model import canonical
from stackyard.model.inputs import Entry
from stackyard.model.names import Digest, nearest
from stackyard.model.spot import Spot
from stackyard.model.stack import Command, Finding, Suite
from stackyard.model.tags import filled

COMMON_TESTS = "tests_common"
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
        Command(name, table[name].description, filled(table[name].command, variables))
        for name in recipe.commands
        if name in table
    )


class SuiteReader:
    """Reads test folders, what all images share once."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._digests: dict[tuple[str, ...], Digest] = {}
        self._trees: dict[str, list[Entry]] = {}
        self._above: dict[str, list[Entry]] = {}

    def suites(self, recipe: Recipe, commands: tuple[Command, ...], findings: list[Finding]) -> tuple[Suite, ...]:
        """Common and own tests, integration tests where asked for, declared commands."""
        basic = [
            self._place.path(*parts)
            for parts in ((COMMON_TESTS,), (recipe.image, "test"))
            if self._has(findings, *parts)
        ]
        suites = []
        if basic:
            suites.append(Suite("basic", tuple(basic), self._digest(*basic)))
            if not any(self._has_tests(folder) for folder in basic):
                findings.append(self._without_tests(basic[-1], recipe))
        if recipe.integration_tests:
            folder = self._place.path(recipe.image, "integration_tests")
            if self._has(findings, recipe.image, "integration_tests"):
                suites.append(Suite("integration", (folder,), self._digest(folder)))
                if not self._has_tests(folder):
                    findings.append(self._without_tests(folder, recipe))
            else:
                sentence = f"image {recipe.image!r} asks for integration tests, and there is no folder {folder}"
                hint = f"put tests into {folder}, or take `integration_tests` out"
                spot = recipe.spot("integration_tests")
                findings.append(
                    Finding("missing-tests", "error", sentence, *spot, hint=hint, found="true", wanted=folder)
                )
        if commands:
            digest = canonical.digest([(command.name, command.command) for command in commands])
            suites.append(Suite("inventory", (), digest))
        return tuple(suites)

    def _has(self, findings: list[Finding], *parts: str) -> bool:
        """Whether there is such a folder; a link out of the repository is an error finding, and no folder."""
        path = self._place.path(*parts)
        if not self._place.files.is_folder(path):
            return False
        if self._place.files.is_link(path) and self._place.files.leads_out(path):
            sentence = "is a link that leads out of the repository"
            findings.append(
                Finding("leads-outside", "error", sentence, path, hint=HINT, found="a link", wanted="a folder")
            )
            return False
        return True

    def _digest(self, *folders: str) -> Digest:
        """Over all test code that can change a result: the folders, and what pytest picks up above them."""
        if folders not in self._digests:
            entries = [entry for folder in folders for entry in self._entries(folder)]
            for above in dict.fromkeys(above for folder in folders for above in _above(folder)):
                entries += self._pytest_files(above)
            self._digests[folders] = canonical.digest(sorted(entries))
        return self._digests[folders]

    def above(self, folder: str) -> list[Entry]:
        """What pytest picks up in all folders above one."""
        return [entry for path in _above(folder) for entry in self._pytest_files(path)]

    def _has_tests(self, folder: str) -> bool:
        """Whether a file of the folder has a name that pytest takes tests from, unless it is told otherwise."""
        names = (entry.path.rpartition("/")[2] for entry in self._entries(folder))
        return any(name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py")) for name in names)

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


def _above(folder: str) -> Iterator[str]:
    """Each folder above `folder`, up to the stack's root, as the beginning of a path."""
    while folder:
        folder = folder.rpartition("/")[0]
        yield f"{folder}/" if folder else ""
