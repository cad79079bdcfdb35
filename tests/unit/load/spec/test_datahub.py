# SPDX-License-Identifier: MIT
"""spec.yml through the eyes of the DataHub scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard.errors import ConfigError
from stackyard.load.spec.datahub import read_datahub
from stackyard.load.tree.place import find
from stackyard.model.datahub import OldSpec, OldTrack

ENTRY = "{build_args: {A: 3.10}}"
TAG = "tag: {prefix: '2026.3'}\n"


def read(tmp_path: Path, text: str, rules: str | None = None) -> OldSpec:
    """The file of a stack, as they read it."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images/spec.yml").write_text(text)
    if rules is not None:
        (tmp_path / "images/change_ignore.json").write_text(rules)
    return read_datahub(find(tmp_path))


def test_a_file_with_one_tag(tmp_path: Path) -> None:
    """image_name is not looked at, values are as written, prepull counts only where it is really false."""
    images = "{a: {image_name: x/y, build_args: {A: 3.10}}, b: {depend_on: a, prepull: false}, c: {prepull: 'false x'}}"
    found = read(tmp_path, f"root: a\nimages: {images}\n{TAG}all_info_cmds: {{}}\n", '{"BuildAll": ["spec.yml"]}')

    assert (found.generation, found.tracks, found.root) == ("tag", (OldTrack(None, "2026.3"),), "a")
    assert [image.repository for image in found.images] == [f"ghcr.io/ucsd-ets/{name}" for name in "abc"]
    assert [image.is_prepulled for image in found.images] == [True, False, True]
    assert found.images[0].args == (("A", "3.10"),)
    assert (found.images[1].parent, found.build_all, found.crash, found.notes) == ("a", ("spec.yml",), None, ())


def test_a_file_with_plans(tmp_path: Path) -> None:
    """Tracks in file order, one of them without a prefix; what an image skips."""
    found = read(tmp_path, "images: {a: {image_name: o/a, skip_plans: [Q]}}\nplans: {P: {tag_prefix: 2021.3}, Q: }\n")

    assert found.generation == "plans"
    assert found.tracks == (OldTrack("P", "2021.3"), OldTrack("Q", None))
    assert (found.images[0].repository, found.images[0].skips) == ("o/a", ("Q",))


@pytest.mark.parametrize(
    ("text", "crash"),
    [
        (f"images: {{a: }}\nroot: a\n{TAG}", "TypeError"),
        (f"images: {{a: {ENTRY}, b: {ENTRY}}}\nroot: [a, b]\n{TAG}", "NotImplementedError"),
        (f"images: {{a: {ENTRY}}}\nroot: b\n{TAG}", "KeyError"),
        (f"images: {{a: {{depend_on: b}}, b: {{depend_on: a}}}}\nroot: a\n{TAG}", "RecursionError"),
        (f"images: {{a: {ENTRY}}}\nroot: a\ntag: {{prefix: 2026.3}}\n", "TypeError"),
    ],
)
def test_files_that_end_them_with_a_traceback(tmp_path: Path, text: str, crash: str) -> None:
    """An empty entry, two roots, a root that is no image, a ring through it, a prefix without quotes."""
    assert (read(tmp_path, text).crash or "").startswith(crash)


def test_an_older_file_has_its_own_root(tmp_path: Path) -> None:
    """Files had no `root` at first: then it is the image without a parent, and the last version needs more."""
    found = read(tmp_path, f"images: {{a: {ENTRY}}}\n{TAG}")

    assert found.crash is None
    assert found.notes == ("their last version needs `root` and `all_info_cmds` in spec.yml",)


def test_there_has_to_be_a_spec(tmp_path: Path) -> None:
    """They read nothing else."""
    (tmp_path / "images/a").mkdir(parents=True)
    (tmp_path / "images/a/Dockerfile").write_text("FROM a\n")
    with pytest.raises(ConfigError, match=r"no spec\.yml in images"):
        read_datahub(find(tmp_path))
