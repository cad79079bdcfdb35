# SPDX-License-Identifier: MIT
"""change_ignore.json: what rebuilds everything, and what never counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.load.tree.changes import ChangeRules, read_change_rules
from stackyard.load.tree.place import Place
from stackyard.verbs import Options
from tests.conftest import GitStack

SAMPLES = Path(__file__).parents[5] / "shared" / "data" / "datahub-specs"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A stack with a common folder, a spec and a configuration of tests."""
    for path in (
        "tests_common/test_a.py",
        "tests_common/__pycache__/a.pyc",
        "spec.yml",
        "conftest.py",
        "lab/Dockerfile",
    ):
        full = tmp_path / "images" / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(path)
    return Place(tmp_path, "images", "images/spec.yml")


def written(place: Place, text: str | bytes) -> Place:
    """With this file."""
    (place.root / "images" / "change_ignore.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    return place


def test_no_file_means_no_rules(place: Place) -> None:
    """It is optional."""
    assert read_change_rules(place) == (ChangeRules(), (), ())


def test_everything_that_is_named_counts(place: Place) -> None:
    """Folders with all they hold but Python's caches, files, the rules themselves; a name that is not there is none."""
    names = ["tests_common", "spec.yml", "change_ignore.json", "gone"]
    text = json.dumps({"ChangeIgnore": ["conftest.py"], "BuildAll": names})
    rules, entries, found = read_change_rules(written(place, text))

    assert rules == ChangeRules(tuple(names), ("conftest.py",))
    assert [entry.path for entry in entries] == ["change_ignore.json", "spec.yml", "tests_common/test_a.py"]
    assert found == ()


def test_patterns_count_too(place: Place) -> None:
    """As in .dockerignore, on both lists; a file that two of them name counts once."""
    text = '{"BuildAll": ["*/*.py", "**/test_*", "spec.yml"], "ChangeIgnore": ["lab/README.md", "*/docs", "**/*.md"]}'
    rules, entries, _ = read_change_rules(written(place, text))

    assert [entry.path for entry in entries] == ["spec.yml", "tests_common/test_a.py"]
    left_out = ("lab/README.md", "lab/docs/a/b.txt", "other/sub/notes.md", "README.md")
    assert [path for path in left_out if not rules.leaves_out(path)] == []
    assert not rules.leaves_out("lab/README.txt")
    assert not rules.leaves_out("docs/a.txt")


def test_a_name_is_a_first_component(place: Place) -> None:
    """It means what stands directly below the images folder, with all that is in it, and nothing deeper."""
    rules, _, _ = read_change_rules(written(place, '{"ChangeIgnore": ["conftest.py", "lab"]}'))

    assert rules.leaves_out("conftest.py")
    assert rules.leaves_out("lab/a/b")
    assert not rules.leaves_out("lab-2/conftest.py")


def test_a_link_counts_as_a_link(place: Place) -> None:
    """What it points at is not read through it."""
    (place.root / "images" / "link").symlink_to("tests_common")
    _, entries, _ = read_change_rules(written(place, '{"BuildAll": ["link"]}'))

    assert [(entry.path, entry.kind) for entry in entries] == [("link", "link")]


@pytest.mark.parametrize(
    ("data", "code", "line", "column", "said"),
    [
        ('{"BuildAll": [],\n "ChangeIgnore": [,]}', "wrong-value", 2, 19, "not valid JSON"),
        ("", "wrong-value", 1, 1, "not valid JSON"),
        (b'{"BuildAll": ["\xff"]}', "wrong-value", None, None, "not valid JSON"),
        ("[" * 100_000, "wrong-value", None, None, "not valid JSON"),
        ("[]", "wrong-value", 1, None, "should be an object"),
        ('{"BuildAll": "spec.yml"}', "wrong-value", 1, 2, "`BuildAll` should be a list of names"),
        ('{\n"ChangeIgnore": [1]}', "wrong-value", 2, 1, "`ChangeIgnore` should be a list of names, and 1 is none"),
        ('{"BuildAll": [\n "../b"]}', "wrong-value", 2, 2, "'../b', which is not below images"),
        ('{"ChangeIgnore": ["[a"]}', "wrong-value", 1, 19, "has the pattern '[a'"),
        ('{"Changeignore": []}', "unknown-key", 1, 2, "a key 'Changeignore' that nothing reads"),
    ],
)
def test_what_is_wrong_with_the_file(
    place: Place, data: str | bytes, code: str, line: int | None, column: int | None, said: str
) -> None:
    """One finding with the file's name and, where there is one, the place."""
    rules, entries, (found,) = read_change_rules(written(place, data))
    assert (found.code, found.path, found.line, found.column) == (code, "images/change_ignore.json", line, column)
    assert said in found.sentence
    assert (rules, entries) == (ChangeRules(), ())


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"{SAMPLES} is not here")
@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")) or [SAMPLES], ids=lambda path: path.name)
def test_real_files(place: Place, path: Path) -> None:
    """All that DataHub had are read, with `spec.yml` and the common tests among what rebuilds everything."""
    rules, entries, found = read_change_rules(written(place, path.read_bytes()))

    assert found == ()

    assert {"spec.yml", "tests_common"} <= set(rules.build_all)
    assert "tests_common/test_a.py" in {entry.path for entry in entries}


def test_what_is_left_out_changes_no_image(git_stack: GitStack) -> None:
    """A file that a pattern names is no input of its image; the file beside it is."""
    files = {
        "images/change_ignore.json": '{"ChangeIgnore": ["**/*.md"]}',
        "images/lab/Dockerfile": "FROM debian:12\nCOPY . /x\n",
        "images/lab/notes.md": "",
        "images/lab/code.py": "",
    }
    (target,) = verbs.load(git_stack(files), Options()).stack.targets
    assert [entry.path for entry in target.inputs.context] == ["Dockerfile", "code.py"]
