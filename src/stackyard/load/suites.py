# SPDX-License-Identifier: MIT
"""What must pass before an image is published: its tests, and the commands of its inventory.

In:   Recipe, Place, the stack's table of commands
Out:  commands and suites, each suite with a digest of all that can change its result; findings
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping

from stackyard.load.context import read_entry, read_tree
from stackyard.load.place import Place, has_folder
from stackyard.load.recipe import Recipe
from stackyard.model import canonical
from stackyard.model.inputs import Entry
from stackyard.model.names import Digest
from stackyard.model.stack import Command, Finding, Suite
from stackyard.model.tags import filled

COMMON_TESTS = "tests_common"
PYTEST_FILES = ("conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")
"""What pytest reads in the folders above those it is given (its "rootdir: finding configuration files")."""
SHARED_FILES = ("pyproject.toml", "tox.ini", "setup.cfg")
"""These, too, where they have a word for it."""


def commands_of(recipe: Recipe, table: Mapping[str, Command], findings: list[Finding]) -> tuple[Command, ...]:
    """The commands that the recipe names, in its order; a name that the table has not is an error finding."""
    for name in recipe.commands:
        if name not in table:
            sentence = f"image {recipe.image!r} names the command {name!r}, which the table of commands does not define"
            findings.append(Finding("unknown-command", "error", sentence, recipe.path, recipe.line))
    variables = dict(recipe.variables)
    return tuple(
        Command(name, table[name].description, filled(table[name].command, variables))
        for name in recipe.commands
        if name in table
    )


def suites_of(
    recipe: Recipe, commands: tuple[Command, ...], place: Place, findings: list[Finding]
) -> tuple[Suite, ...]:
    """Common and own tests, integration tests where asked for, declared commands."""
    basic = [place.path(*parts) for parts in ((COMMON_TESTS,), (recipe.image, "test")) if has_folder(place, *parts)]
    suites = []
    if basic:
        suites.append(Suite("basic", tuple(basic), _tests_digest(place, basic)))
        if not any(_has_tests(place, folder) for folder in basic):
            findings.append(_without_tests(basic[-1]))
    if recipe.integration_tests:
        folder = place.path(recipe.image, "integration_tests")
        if has_folder(place, recipe.image, "integration_tests"):
            suites.append(Suite("integration", (folder,), _tests_digest(place, [folder])))
            if not _has_tests(place, folder):
                findings.append(_without_tests(folder))
        else:
            sentence = f"image {recipe.image!r} asks for integration tests, and there is no folder {folder}"
            findings.append(Finding("missing-tests", "error", sentence, recipe.path, recipe.line))
    if commands:
        digest = canonical.digest([(command.name, command.command) for command in commands])
        suites.append(Suite("inventory", (), digest))
    return tuple(suites)


def _has_tests(place: Place, folder: str) -> bool:
    """Whether a file of the folder has a name that pytest takes tests from, unless it is told otherwise."""
    return any(
        name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))
        for _, _, names in os.walk(os.path.join(place.root, folder))
        for name in names
    )


def _without_tests(folder: str) -> Finding:
    sentence = "no file here is named like a test, so nothing may be tested, and that counts as a pass"
    hint = "pytest takes tests from test_*.py and *_test.py"
    return Finding("empty-suite", "warning", sentence, folder, hint=hint)


def _tests_digest(place: Place, folders: Collection[str]) -> Digest:
    """Over all test code that can change a result: the folders, and what pytest picks up above them."""
    entries: list[Entry] = []
    for folder in folders:
        full = os.path.join(place.root, folder)
        entries.extend(
            Entry(f"{folder}/{entry.path}", entry.kind, entry.blob)
            for entry in read_tree(full, folder)
            if "__pycache__" not in entry.path
        )
    names = (*PYTEST_FILES, *SHARED_FILES)
    for name in sorted({f"{above}{name}" for folder in folders for above in _above(folder) for name in names}):
        full = os.path.join(place.root, name)
        if os.path.isfile(full) and (name.endswith(PYTEST_FILES) or _names_pytest(full)):
            entries.append(read_entry(full, name))
    return canonical.digest(sorted(entries))


def _names_pytest(full: str) -> bool:
    try:
        with open(full, "rb") as file:
            return b"pytest" in file.read()
    except OSError:
        return True  # who reads it says why that cannot be done


def _above(folder: str) -> Iterator[str]:
    """Each folder above `folder`, up to the stack's root, as the beginning of a path."""
    while folder:
        folder = folder.rpartition("/")[0]
        yield f"{folder}/" if folder else ""
