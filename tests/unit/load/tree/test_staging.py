# SPDX-License-Identifier: MIT
"""`files` of the spec: what comes into a build context from elsewhere, how it counts, what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stackyard.load.stack import Settings, load_stack
from stackyard.load.tree.place import find
from stackyard.model.inputs import Inputs
from stackyard.model.names import TargetName
from stackyard.model.reference import Platform
from stackyard.model.stack import Finding, Stack
from tests.unit.plan.made import MAIN

IMAGE = "images:\n  app:\n    files:\n"
ENTRY = IMAGE + "      - {from: lib, to: build_cache/lib, ignore: ['*.class', target]}\n"


def write(root: Path, files: dict[str, str]) -> None:
    """Write files."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One image, and a folder beside the images that it needs."""
    made = tmp_path / "stack"
    write(
        made,
        {
            ".git/HEAD": "",
            "images/spec.yml": ENTRY,
            "images/app/Dockerfile": "FROM busybox\nCOPY . /app\n",
            "images/app/note": "n",
            "lib/a.py": "a",
            "lib/A.class": "noise",
            "lib/target/big.jar": "noise",
            "lib/.git/HEAD": "noise",
        },
    )
    return made


def load(root: Path, spec: str | None = None) -> Stack:
    """The stack, with another spec."""
    if spec is not None:
        write(root, {"images/spec.yml": spec})
    return load_stack(find(root), MAIN, Settings(Platform("linux/amd64")))


def inputs(root: Path, spec: str | None = None) -> Inputs:
    """Of the one image, whose spec has no error."""
    stack = load(root, spec)
    assert [finding for finding in stack.findings if finding.level == "error"] == []
    return stack.target(TargetName("app")).inputs


def paths(root: Path, spec: str | None = None) -> list[str]:
    """What counts of the build context."""
    return [entry.path for entry in inputs(root, spec).context]


def error(root: Path, entries: str) -> Finding:
    """The one error that these entries are."""
    stack = load(root, IMAGE + entries)
    (found,) = (finding for finding in stack.findings if finding.level == "error")
    assert found.path == "images/spec.yml"
    return found


def test_files_count_as_if_they_lay_there(root: Path) -> None:
    """The same inputs as with copies in the folder; patterns, .git and the image's own ignore file are heeded."""
    write(root, {"images/app/.dockerignore": "build_cache/lib/b.py\n", "lib/b.py": "b", "lib/run.sh": "x"})
    (root / "lib/run.sh").chmod(0o755)
    (root / "lib/link").symlink_to("a.py")
    (root / "lib/empty").mkdir()
    found = inputs(root)

    own = root / "images/app/build_cache/lib"
    (own / "empty").mkdir(parents=True)
    for name in ("a.py", "run.sh"):
        (own / name).write_bytes((root / "lib" / name).read_bytes())
    (own / "run.sh").chmod(0o755)
    (own / "link").symlink_to("a.py")
    assert found == inputs(root, "images: {app: {}}")
    assert [entry.path for entry in found.context][3:] == [
        f"build_cache/lib/{n}" for n in ("empty", "link", "run.sh")
    ] + ["note"]


def test_an_edit_of_a_source_changes_the_image(root: Path) -> None:
    """A file that counts does, one that is ignored does not."""
    before = inputs(root)
    write(root, {"lib/A.class": "other"})
    assert inputs(root) == before
    write(root, {"lib/a.py": "other"})
    assert inputs(root) != before


def test_a_folder_of_which_nothing_is_left_is_an_empty_folder(root: Path) -> None:
    """As an engine would see it, and with a warning."""
    write(root, {"images/app/.dockerignore": "**/*.py\n"})
    stack = load(root)
    assert [(e.path, e.kind) for e in stack.target(TargetName("app")).inputs.context][2] == ("build_cache/lib", "dir")
    assert [(f.code, f.level, f.line) for f in stack.findings] == [("nothing-staged", "warning", 4)]


def test_pairs_say_where_everything_is(root: Path) -> None:
    """The folder's own files too, the Dockerfile with them."""
    staging = load(root).target(TargetName("app")).staging
    assert staging is not None
    assert staging.roots == ("lib",)
    assert staging.files == (
        ("images/app/Dockerfile", "Dockerfile"),
        ("lib/a.py", "build_cache/lib/a.py"),
        ("images/app/note", "note"),
    )
    assert load(root).target(TargetName("app")).counted_paths == (
        "images/app/Dockerfile",
        "lib/a.py",
        "images/app/note",
    )
    assert load(root, "images: {app: {}}").target(TargetName("app")).staging is None


def test_a_file_goes_to_a_name_or_into_a_folder(root: Path) -> None:
    """`to` is the file's new name; where it ends in a slash, or is the context itself, the folder."""
    entries = "".join(f"      - {{from: lib/a.py, to: {to}}}\n" for to in ("b.py", "sub/", "."))
    assert paths(root, IMAGE + entries) == ["Dockerfile", "a.py", "b.py", "note", "sub/a.py"]


def test_a_test_folder_counts_only_where_something_reads_it(root: Path) -> None:
    """What is put into `test` is like what lies there."""
    spec = IMAGE + "      - {from: lib/a.py, to: test/a.py}\n"
    assert paths(root, spec) == ["Dockerfile", "note", "test/a.py"]
    write(root, {"images/app/Dockerfile": "FROM busybox\nCOPY note /\n"})
    assert paths(root, spec) == ["note"]


def test_an_image_without_an_entry_is_named_at_the_top(root: Path) -> None:
    """A stackyard.yml that leaves the images to discovery; a name that no image has is an error."""
    (root / "images/spec.yml").unlink()
    write(root, {"stackyard.yml": "files:\n  app:\n    - {from: lib/a.py, to: a.py}\n"})
    assert paths(root) == ["Dockerfile", "a.py", "note"]
    write(root, {"stackyard.yml": "files:\n  apq:\n    - {from: lib/a.py, to: a.py}\n"})
    (found,) = (finding for finding in load(root).findings if finding.level == "error")
    assert (found.code, found.line, found.hint) == ("wrong-value", 2, "did you mean 'app'?")


@pytest.mark.parametrize(
    ("entries", "code", "line", "words"),
    [
        ("      - {from: lib/a.py, to: a}\n      - {from: gone, to: b}\n", "missing-source", 5, "there is no gone"),
        ("      - {from: ../out, to: b}\n", "wrong-value", 4, "leaves the repository"),
        ("      - {from: lib, to: ../b}\n", "wrong-value", 4, "leaves the build context"),
        ("      - {from: lib, to: .git/b}\n", "wrong-value", 4, "no part of any build context"),
        ("      - {from: lib}\n", "wrong-value", 4, "no `to`"),
        ("      - {from: lib, to: b, ignore: ['[']}\n", "wrong-value", 4, "is no pattern"),
        ("      from: lib\n", "wrong-value", 4, "should be a list"),
        ("      - {from: lib/a.py, to: note}\n", "files-clash", 4, "lib/a.py and the folder images/app would both"),
        ("      - {from: lib/a.py, to: Dockerfile}\n", "files-clash", 4, "write Dockerfile"),
        ("      - {from: lib/a.py, to: note/a.py}\n", "files-clash", 4, "write note into"),
        ("      - {from: lib/a.py, to: .dockerignore}\n", "files-clash", 4, "would become the ignore file"),
        ("      - {from: lib, to: x}\n      - {from: lib/a.py, to: x/}\n", "files-clash", 5, "lib (line 4)"),
        ("      - {from: lib/a.py, to: x}\n      - {from: lib, to: x}\n", "files-clash", 5, "write x into"),
    ],
)
def test_what_cannot_be_is_an_error_with_its_line(root: Path, entries: str, code: str, line: int, words: str) -> None:
    """Each names the entry."""
    found = error(root, entries)
    assert (found.code, found.line) == (code, line)
    assert words in found.sentence


def test_no_link_leads_out_or_is_written_through(root: Path, tmp_path: Path) -> None:
    """A source that is a link out of the repository, a link in the folder, a pipe."""
    write(tmp_path, {"secret/key": "s"})
    (root / "away").symlink_to(tmp_path / "secret")
    assert error(root, "      - {from: away, to: x}\n").code == "leads-outside"
    (root / "images/app/out").symlink_to(tmp_path / "secret")
    assert error(root, "      - {from: lib/a.py, to: out/a.py}\n").code == "files-clash"
    os.mkfifo(root / "lib/pipe")
    assert error(root, "      - {from: lib, to: x}\n").code == "unreadable-source"
