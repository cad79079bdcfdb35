# SPDX-License-Identifier: MIT
"""change_ignore.json: what rebuilds everything, and what never counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackyard.errors import FileProblem
from stackyard.load.tree.changes import ChangeRules, read_change_rules
from stackyard.load.tree.place import Place

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
    assert read_change_rules(place) == (ChangeRules(), ())


def test_everything_that_is_named_counts(place: Place) -> None:
    """Folders with all they hold but Python's caches, files, the rules themselves; a name that is not there is none."""
    names = ["tests_common", "spec.yml", "change_ignore.json", "gone"]
    rules, entries = read_change_rules(written(place, json.dumps({"ChangeIgnore": ["conftest.py"], "BuildAll": names})))

    assert rules == ChangeRules(tuple(names), ("conftest.py",))
    assert [entry.path for entry in entries] == ["change_ignore.json", "spec.yml", "tests_common/test_a.py"]


def test_a_link_counts_as_a_link(place: Place) -> None:
    """What it points at is not read through it."""
    (place.root / "images" / "link").symlink_to("tests_common")
    _, entries = read_change_rules(written(place, '{"BuildAll": ["link"]}'))

    assert [(entry.path, entry.kind) for entry in entries] == [("link", "link")]


@pytest.mark.parametrize(
    ("data", "line", "said"),
    [
        ('{"BuildAll": [],\n "ChangeIgnore": [,]}', 2, "not valid JSON"),
        ("", 1, "not valid JSON"),
        (b'{"BuildAll": ["\xff"]}', None, "not valid JSON"),
        ("[" * 100_000, None, "not valid JSON"),
        ("[]", 1, "should be an object"),
        ('{"BuildAll": "spec.yml"}', 1, "`BuildAll` should be a list of names"),
        ('{"ChangeIgnore": [1]}', 1, "`ChangeIgnore` should be a list of names"),
    ],
)
def test_what_is_no_such_file(place: Place, data: str | bytes, line: int | None, said: str) -> None:
    """One problem with the file's name and, where there is one, the line."""
    with pytest.raises(FileProblem, match=said) as caught:
        read_change_rules(written(place, data))
    assert (caught.value.path, caught.value.line) == ("images/change_ignore.json", line)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"{SAMPLES} is not here")
@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")) or [SAMPLES], ids=lambda path: path.name)
def test_real_files(place: Place, path: Path) -> None:
    """All that DataHub had are read, with `spec.yml` and the common tests among what rebuilds everything."""
    rules, entries = read_change_rules(written(place, path.read_bytes()))

    assert {"spec.yml", "tests_common"} <= set(rules.build_all)
    assert "tests_common/test_a.py" in {entry.path for entry in entries}
