# SPDX-License-Identifier: MIT
"""A stack at another moment is what reading all of it gives, whatever differs; what does not is not read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from stackyard.load.alike import Loader
from stackyard.load.memory import Memory
from stackyard.load.stack import Settings, load_stack
from stackyard.load.tree.listed import TreeFiles
from stackyard.load.tree.place import Place, place_in
from stackyard.model.inputs import BlobId
from stackyard.model.reference import Platform
from stackyard.model.stack import Revision, Stack
from stackyard.model.trees import Folders, differing, in_folders, with_ids

ROOT = Path("/stack")
AT = Revision("a" * 40, "main", False)
SETTINGS = Settings(Platform("linux/amd64"))
SPEC = """\
images:
  base: {}
  lab: {depend_on: base, files: [{from: shared/tool.sh, to: tool.sh}]}
  geo: {depend_on: base}
  far: {context: elsewhere}
  old: {}
"""
FILES = {
    "images/spec.yml": SPEC,
    "images/base/Dockerfile": "FROM debian:12\nCOPY a.txt /a\n",
    "images/base/a.txt": "a\n",
    "images/lab/Dockerfile": "ARG BASE_TAG\nFROM base:$BASE_TAG\nCOPY . /lab\n",
    "images/lab/test/test_lab.py": "def test_lab(): pass\n",
    "images/geo/Dockerfile": "ARG BASE_TAG\nFROM base:$BASE_TAG\nCOPY . /geo\n",
    "images/geo/src/b.txt": "b\n",
    "images/geo/test/test_geo.py": "def test_geo(): pass\n",
    "images/old/Dockerfile": "FROM debian:11\n",
    "images/tests_common/test_all.py": "def test_all(): pass\n",
    "images/change_ignore.json": '{"BuildAll": ["old/all.txt"], "ChangeIgnore": ["geo/notes"]}',
    "elsewhere/Dockerfile": "FROM debian:12\nCOPY . /far\n",
    "elsewhere/c.txt": "c\n",
    "shared/tool.sh": "echo\n",
    "README.md": "hello\n",
}
LINK = "-> "
"""Begins the text of a link in what follows; `None` is nothing."""
CHANGES: dict[str, Mapping[str, str | None]] = {
    "nothing": {},
    "a file": {"images/geo/src/b.txt": "other\n"},
    "a file that is new": {"images/geo/new/n.txt": "n\n"},
    "a file that is gone": {"images/geo/src/b.txt": None},
    "a file that never counts": {"images/geo/notes": "n\n"},
    "a file of the parent": {"images/base/a.txt": "other\n"},
    "a Dockerfile": {"images/geo/Dockerfile": "FROM debian:13\n"},
    "a Dockerfile that cannot be read": {"images/geo/Dockerfile": "FORM debian:13\n"},
    "a parent that acts in its children": {"images/base/Dockerfile": "FROM debian:12\nONBUILD COPY test /t\n"},
    "a Dockerfile that is gone": {"images/geo/Dockerfile": None},
    "an image's whole folder": {path: None for path in FILES if path.startswith("images/geo/")},
    "a test": {"images/geo/test/test_geo.py": "def test_other(): pass\n"},
    "the common tests": {"images/tests_common/test_all.py": "def test_other(): pass\n"},
    "no common tests": {"images/tests_common/test_all.py": None},
    "what pytest reads above": {"images/conftest.py": "import pytest\n"},
    "what pytest reads above all": {"pytest.ini": "[pytest]\n"},
    "an ignore file": {"images/geo/.dockerignore": "src\n"},
    "the list of images": {"images/spec.yml": SPEC.replace("  old: {}\n", "  old: {skip: true}\n")},
    "a folder without an entry": {"images/odd/Dockerfile": "FROM scratch\n"},
    "versions of an image": {"images/geo/versions.yaml": "'3.11':\n  docker_args: {}\n'3.12':\n  docker_args: {}\n"},
    "a template": {"images/geo/Dockerfile.j2": "FROM {{ base }}\n"},
    "what counts for all": {"images/old/all.txt": "all\n"},
    "what never counts": {"images/change_ignore.json": '{"ChangeIgnore": ["geo/src"]}'},
    "a build context elsewhere": {"elsewhere/c.txt": "other\n"},
    "a file from elsewhere": {"shared/tool.sh": "other\n"},
    "a file beside the images": {"README.md": "other\n"},
    "a link": {"images/geo/src/b.txt": f"{LINK}../../base/a.txt"},
    "a Dockerfile that is a link": {"images/geo/Dockerfile": f"{LINK}../base/Dockerfile"},
    "an image's folder that is a link": {
        **{path: None for path in FILES if path.startswith("images/geo/")},
        "images/geo": f"{LINK}../elsewhere",
    },
    "a stackyard.yml": {"stackyard.yml": "images: {base: {}}\n"},
    "a file in the place of a folder": {"images/geo/src/b.txt": None, "images/geo/src": "b\n"},
}


class Reads:
    """A place over files in memory that knows what was read."""

    def __init__(self, files: Mapping[str, str | None]) -> None:
        self.files = {path: text for path, text in files.items() if text is not None}
        self.read: list[str] = []
        folders = in_folders(self.rows())
        with_ids(folders)
        self.place = self.over(folders)

    def rows(self) -> Iterable[tuple[str, str, str]]:
        """As a listing has them."""
        for path, text in sorted(self.files.items()):
            kind = "link" if text.startswith(LINK) else "file"
            yield path, kind, str(BlobId.of(text.removeprefix(LINK).encode()))

    def over(self, folders: Folders) -> Place:
        """The stack in a listing of these files."""
        place = place_in(TreeFiles(folders, self._bytes), Place(ROOT, "images", "images/spec.yml"), False)
        assert place is not None
        return place

    def _bytes(self, path: str, blob: str) -> bytes:
        self.read.append(path)
        data = self.files[path].removeprefix(LINK).encode()
        assert BlobId.of(data) == blob
        return data


def all_of(stack: Stack) -> object:
    """What a stack is, Dockerfiles too."""
    return [
        getattr(stack, name) if name != "dockerfiles" else dict(stack.dockerfiles) for name in stack.__struct_fields__
    ]


@pytest.mark.parametrize("is_back", [False, True])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_another_moment_is_as_if_all_were_read(change: Mapping[str, str | None], is_back: bool) -> None:
    """Whatever came, went, or became something else, there and back."""
    moments = [Reads(FILES), Reads({**FILES, **change})][:: -1 if is_back else 1]
    loader = Loader(SETTINGS, Memory(reads_later=True))
    for moment in moments:
        found = loader.stack(moment.place, AT)
        assert all_of(found) == all_of(load_stack(Reads(moment.files).place, AT, SETTINGS))


def test_what_does_not_differ_is_not_read() -> None:
    """Of an edit in one image's folder that image is read, with what its entry gets from elsewhere; and no list."""
    before, after = Reads(FILES), Reads({**FILES, "images/geo/src/b.txt": "other\n"})
    loader = Loader(SETTINGS, Memory(reads_later=True))
    first = loader.stack(before.place, AT)
    again = loader.stack(after.place, AT)
    assert "images/geo/Dockerfile" in after.read
    assert not {"images/spec.yml", "images/old/Dockerfile"} & set(after.read)
    assert [name.image for name in names_of(first, again)] == ["base", "old"]  # the others have parts elsewhere


def names_of(first: Stack, again: Stack) -> list:
    """Targets that are the same values, not only equal ones."""
    return [one.name for one, other in zip(first.targets, again.targets, strict=True) if one is other]


@pytest.mark.parametrize("is_back", [False, True])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_folders_from_what_differs(change: Mapping[str, str | None], is_back: bool) -> None:
    """A listing made from another one and what differs is the listing; where a link is, its ids may be unknown."""
    here, there = [folders_of(FILES), folders_of({**FILES, **change})][:: -1 if is_back else 1]
    before = {path: dict(names) for path, names in here.items()}
    found = differing(here, rows_between(here, there))
    assert here == before
    assert {path: [*sorted(names)] for path, names in found.items()} == {
        path: [*sorted(names)] for path, names in there.items()
    }
    for path, names in there.items():
        for name, node in names.items():
            assert found[path][name] in (node, (node[0], ""))
            if "link" not in str(here) + str(there):
                assert found[path][name] == node


def folders_of(files: Mapping[str, str | None]) -> Folders:
    """As a listing of a commit gives them."""
    folders = in_folders(Reads(files).rows())
    with_ids(folders)
    return folders


def rows_between(here: Folders, there: Folders) -> Iterable[tuple[str, str, str, str]]:
    """What git tells of two trees."""
    nothing = ("", "")

    def below(folder: str) -> Iterable[tuple[str, str, str, str]]:
        ours, theirs = here.get(folder, {}), there.get(folder, {})
        for name in sorted(ours.keys() | theirs.keys()):
            path = f"{folder}/{name}" if folder else name
            was, now = ours.get(name, nothing), theirs.get(name, nothing)
            if was[0] != now[0] and "dir" in (was[0], now[0]):  # two rows: one goes, the other comes
                rows = [each for each in ((path, was[0], "", ""), (path, "", now[0], now[1])) if each[1] or each[2]]
                yield from rows if was[0] != "dir" else reversed(rows)
                yield from below(path)
            elif was != now or (was[0] == "dir" and not was[1]):
                yield path, was[0], now[0], now[1]
                yield from below(path)

    return below("")
