# SPDX-License-Identifier: MIT
"""What is inside images, from the command line: read once, kept, told."""

from __future__ import annotations

import pytest

from stackyard.model.names import Digest, Tag
from stackyard.model.reference import Repository
from stackyard.testing.registry import make_image
from tests.archives import Files, dpkg, layer, wheel
from tests.repositories import commit
from tests.unit.cli.conftest import Shell

LEAF = Repository("registry.example/lab/leaf")
DEBIAN = 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n'


def top_of(shell: Shell, repository: str) -> Digest:
    """The uppermost layer of what was built last, in the engine."""
    tagged = [name for verb, name in shell.engine.calls if verb == "tag" and name.startswith(f"{repository}:sy-")]
    facts = shell.engine.inspect(tagged[-1])
    assert facts is not None
    return facts.layers[-1]


def fill(shell: Shell, repository: str, files: Files) -> None:
    """Say what an image's own layer holds."""
    shell.engine.tars[top_of(shell, repository)] = layer(files)


@pytest.fixture
def built(shell: Shell) -> Shell:
    """Both images, published; `base` has dpkg's packages, `leaf` one more and one of Python's."""
    shell("build", "--push")
    fill(shell, "registry.example/lab/base", {"etc/os-release": DEBIAN, "var/lib/dpkg/status": dpkg(libc6="2.36")})
    status = dpkg(libc6="2.36", curl="8.5")
    fill(
        shell,
        "registry.example/lab/leaf",
        {"var/lib/dpkg/status": status, **wheel("numpy", "2.1"), "big": bytes(10**6)},
    )
    return shell


def saved(shell: Shell) -> int:
    """How often an image was read in the engine."""
    return [verb for verb, _ in shell.engine.calls].count("save")


def test_an_image_of_the_stack_is_read_once(built: Shell) -> None:
    """Each package with its layer, what it stands on, where it is; then it is kept, until somebody wants it read."""
    (image,) = built("inventory", "leaf", "--json").json["images"]
    packages = [(each["purl"], each["layer"]) for each in image["packages"]]

    assert packages == [
        ("pkg:deb/debian/curl@8.5?arch=amd64&distro=debian-12", 2),
        ("pkg:deb/debian/libc6@2.36?arch=amd64&distro=debian-12", 1),
        ("pkg:pypi/numpy@2.1", 2),
    ]
    assert image["image"].startswith(f"{LEAF}@sha256:")
    assert [each["name"] for each in image["lineage"]] == ["base", "docker.io/library/busybox:1.36"]
    assert [file["path"] for file in image["files"]] == ["big"]
    built.engine.is_down = True
    assert built("inventory", "leaf", "--json").json["images"] == [image]
    assert saved(built) == 1
    built.engine.is_down = False
    built("inventory", "leaf", "--fresh")
    assert saved(built) == 2


def test_people_read_layers_packages_and_files(built: Shell) -> None:
    """A table of each; a tag that several images have gives all of them."""
    layers = built("inventory", "main").out
    assert "1 dpkg and 1 Python" not in layers
    assert "Debian 12, linux/amd64; 1.0 MB in 3 layers; packages: 2 dpkg and 1 Python" in layers
    assert layers.count("registry.example/lab/") == 2
    packages = built("inventory", "leaf", "--show", "packages").out
    assert any(line.split()[:4] == ["Python", "numpy", "2.1", "2"] for line in packages.splitlines())
    files = built("inventory", "leaf", "--show", "files").out
    assert files.splitlines()[-1].split() == ["1.0", "MB", "2", "big"]


@pytest.mark.processes
def test_the_dockerfile_has_the_digests_that_were_used(built: Shell) -> None:
    """Of the build, also where the file is another one by now."""
    parent = built.registry.resolve(Repository("registry.example/lab/base"), Tag("main"))
    for _ in range(2):
        (leaf,) = built("inventory", "leaf", "--json").json["images"]
        assert leaf["dockerfile"].splitlines()[1:] == [f"FROM registry.example/lab/base@{parent}", "RUN echo leaf"]
        (built.root / "images/leaf/Dockerfile").write_text("FROM busybox:1.36\nRUN echo new\n")
    text = built("inventory", "base", "--show", "dockerfile").out
    assert "FROM docker.io/library/busybox@sha256:" in text


def test_what_cannot_be_read_is_told(built: Shell) -> None:
    """Beside all that can be, with exit code 1."""
    built.engine.tars[top_of(built, "registry.example/lab/base")] = b"no archive" * 100
    said = built("inventory", "leaf")
    assert said.code == 1
    assert "not read: layer 1: no tar archive, or a damaged one" in said.out
    assert "2 dpkg and 1 Python" in said.out


def test_any_other_image_by_its_reference(built: Shell) -> None:
    """From the registry, where no engine has it; what nobody has is no image."""
    made = make_image("elsewhere")
    built.registry.add("registry.example/other/tool", "1", made.manifest, made.blobs)
    said = built("inventory", "registry.example/other/tool:1", "--json")
    assert said.code == 1  # its layer is a few words
    assert [gap["code"] for gap in said.json["images"][0]["gaps"]] == ["layer-unreadable"]
    assert built("inventory", "busybox:1.36", "--json").json["images"][0]["packages"] == []
    nowhere = built("inventory", "registry.example/other/tool:2")
    assert (nowhere.code, "no engine and no registry has registry.example/other/tool:2" in nowhere.err) == (2, True)
    unknown = built("inventory", "leav")
    assert (unknown.code, "leav" in unknown.err) == (2, True)


def test_nothing_was_built_yet(shell: Shell) -> None:
    """Of an image of the stack that nobody built, nothing can be told; nor of one that is gone."""
    said = shell("inventory", "leaf")
    assert (said.code, "nothing was built of leaf that is known here" in said.err) == (1, True)
    found = shell("find", "numpy")
    assert (found.code, "no image of this stack is known here" in found.err) == (1, True)
    shell("build")
    shell.engine.is_down = True
    said = shell("inventory", "leaf")
    assert (said.code, "in no engine that answers, and was never published" in said.err) == (1, True)


# Differences.


@pytest.fixture
def promoted(built: Shell) -> Shell:
    """What was built is in `stable`; then `base` was built anew, with other packages in both."""
    built("inventory", "main")
    built("promote", "main", "--to", "stable", "--release", "fall", "--yes")
    (built.root / "images/base/Dockerfile").write_text("FROM busybox:1.36\nENV LANG=C\nRUN echo two\n")
    commit(built.root)
    built("build", "--push")
    fill(built, "registry.example/lab/base", {"etc/os-release": DEBIAN, "var/lib/dpkg/status": dpkg(libc6="2.41")})
    fill(
        built, "registry.example/lab/leaf", {**wheel("NumPy", "2.3"), **wheel("polars", "1.9"), "big": bytes(3 * 10**6)}
    )
    return built


def test_two_tags_are_compared_image_by_image(promoted: Shell) -> None:
    """Packages by kind, files by size, layers, size; a sentence over all; both sides by digest."""
    said = promoted("diff", "stable", "main", "--json").json
    base, leaf = said["images"]

    assert said["headline"] == "stable -> main: 2 packages changed, 1 new and 1 gone, in 2 of 2 images"
    assert [(each["name"], each["was"], each["now"]) for each in leaf["packages"]] == [
        ("curl", "8.5", None),
        ("libc6", "2.36", "2.41"),
        ("NumPy", "2.1", "2.3"),
        ("polars", None, "1.9"),
    ]
    assert [each["name"] for each in base["packages"]] == ["libc6"]
    assert leaf["files"] == [{"path": "big", "was_bytes": 10**6, "now_bytes": 3 * 10**6}]
    assert (leaf["same_layers"], leaf["layers"]) == (1, {"was": 3, "now": 3})
    text = promoted("diff", "fall", "main").out
    assert "dpkg: libc6 2.36 -> 2.41" in text
    assert "  large files: big 1.0 MB -> 3.0 MB" in text
    markdown = promoted("diff", "stable", "main", "--format", "markdown").out
    assert "| NumPy | 2.1 | 2.3 |" in markdown
    assert promoted("diff", "stable", "fall").out.count("the same inside") == 2


def test_any_two_images_can_be_compared(promoted: Shell) -> None:
    """Of other names, too; an image that only one side has is named."""
    said = promoted("diff", "base", "leaf", "--json").json
    assert [each["name"] for each in said["images"]] == ["leaf"]
    promoted("promote", "main", "--to", "exam", "--image", "base", "--yes")
    assert promoted("diff", "stable", "exam", "--json").json["gone"] == ["leaf"]
    assert promoted("diff", "busybox:1.36", "busybox:1.36").out.splitlines()[-1] == "busybox:1.36: the same inside"


def test_a_promotion_tells_what_changes_inside(promoted: Shell) -> None:
    """From inventories that are kept: nothing is read for a preview."""
    assert "Python packages" not in promoted("promote", "main", "--to", "stable", "--dry-run").out
    promoted("inventory", "main")
    text = promoted("promote", "main", "--to", "stable", "--dry-run").out
    assert "leaf, Python packages: 1 changed and 1 new" in text
    assert "NumPy 2.1 -> 2.3" in text


def test_a_package_is_found_wherever_it_is(promoted: Shell) -> None:
    """In what was built last, in channels and releases; what nobody looked into is said, and read when asked."""
    said = promoted("find", "numpy==2.*", "--json").json
    assert [(each["name"], each["places"]) for each in said["found"]] == [("leaf", ["stable", "fall"])]
    assert said["unread"] == ["base", "leaf"]
    read = promoted("find", "numpy", "--read", "--json").json
    assert [(p["version"], each["newest"]) for each in read["found"] for p in each["packages"]] == [
        ("2.3", True),
        ("2.1", False),
    ]
    assert read["unread"] == []
    text = promoted("find", "lib*").out
    assert [line.split()[:3] for line in text.splitlines()[1:]] == [
        ["base", "libc6", "2.41"],
        ["base", "libc6", "2.36"],
        ["leaf", "libc6", "2.41"],
        ["leaf", "libc6", "2.36"],
    ]
    missing = promoted("find", "numpy==3.0")
    assert (missing.code, missing.out.strip()) == (1, "No image has numpy==3.0.")
    assert promoted("find", "==1").code == 2


def test_who_knows_nothing_asks_others(promoted: Shell) -> None:
    """A fresh clone learns from the registry what there is to look into; it is not said that nobody has a package."""
    records = promoted.root / ".stackyard/records.sqlite3"
    for words in (("inventory", "leaf"), ("diff", "stable", "main"), ("find", "numpy", "--read")):
        records.unlink()
        said = promoted(*words)
        assert (said.code, said.err) == (0, "")
    records.unlink()
    unread = promoted("find", "numpy")
    assert (unread.code, "None of the images that somebody looked into has numpy." in unread.out) == (1, True)


def test_what_was_most_likely_meant_is_said(promoted: Shell) -> None:
    """Of images as of tags."""
    for typed, meant in (("laef", "leaf"), ("mian", "main"), ("stabel", "stable")):
        said = promoted("inventory", typed)
        assert (said.code, f"did you mean {meant}?" in said.err) == (2, True), said.err
