# SPDX-License-Identifier: MIT
"""Where a stack lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard.errors import NotAStack
from stackyard.load.tree.place import find, has_folder, image_folders


def make(root: Path, *paths: str) -> Path:
    """Empty files at `paths`; a path that ends in a slash is a folder."""
    for path in paths:
        full = root / path
        (full if path.endswith("/") else full.parent).mkdir(parents=True, exist_ok=True)
        if not path.endswith("/"):
            full.touch()
    return root


@pytest.mark.parametrize("start", ["", "images", "images/lab", "images/lab/src", "docs"])
def test_it_is_found_from_anywhere_inside(tmp_path: Path, start: str) -> None:
    """The nearest folder upwards that has an images folder."""
    root = make(tmp_path, ".git/", "images/spec.yml", "images/lab/src/", "docs/")
    place = find(root / start)

    assert (place.root, place.images, place.spec) == (root, "images", "images/spec.yml")


def test_both_endings_and_none(tmp_path: Path) -> None:
    """`spec.yml` before `spec.yaml`; a folder of Dockerfiles needs neither."""
    assert find(make(tmp_path, "images/lab/Dockerfile")).spec is None
    assert find(make(tmp_path, "images/spec.yaml")).spec == "images/spec.yaml"
    assert find(make(tmp_path, "images/spec.yml")).spec == "images/spec.yml"


def test_a_strangers_folder_above_is_never_taken(tmp_path: Path) -> None:
    """The search ends at the top of the repository."""
    make(tmp_path, "images/lab/Dockerfile", "repo/.git/", "repo/src/")

    with pytest.raises(NotAStack, match="no images/ folder") as caught:
        find(tmp_path / "repo" / "src")
    assert "images/NAME/Dockerfile" in (caught.value.hint or "")


def test_what_is_no_folder(tmp_path: Path) -> None:
    """A file called images, and a start that is not there, are each said as what they are."""
    with pytest.raises(NotAStack, match="is a file"):
        find(make(tmp_path, "images"))
    with pytest.raises(NotAStack, match="there is no folder"):
        find(tmp_path / "nowhere")


def test_an_image_is_a_folder_with_a_dockerfile(tmp_path: Path) -> None:
    """Sorted; nested ones belong to the image above them, hidden ones (an editor's copies) to nobody."""
    place = find(
        make(
            tmp_path,
            "images/b/Dockerfile",
            "images/a/Dockerfile",
            "images/a/nested/Dockerfile",
            "images/tests_common/test_x.py",
            "images/Dockerfile",
            "images/c/Dockerfile/",
            "images/.ipynb_checkpoints/Dockerfile",
        )
    )

    assert image_folders(place) == ["a", "b"]
    assert has_folder(place, "a", "nested")
    assert not has_folder(place, "a", "Dockerfile")
    assert not has_folder(place, "a", "test")


def test_a_link_to_a_folder_is_an_image_too(tmp_path: Path) -> None:
    """Two names for one folder are two images, as `docker build` takes them."""
    make(tmp_path, "images/a/Dockerfile", "shared/Dockerfile")
    (tmp_path / "images" / "b").symlink_to("../shared")
    (tmp_path / "images" / "c").symlink_to("../nowhere")

    assert image_folders(find(tmp_path)) == ["a", "b"]
