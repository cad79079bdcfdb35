# SPDX-License-Identifier: MIT
"""What is inside images that a real engine built and a real registry has: layers as these write them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stackyard.edges.cosign import Cosign
from stackyard.errors import ConfigError
from stackyard.model.names import Digest, Tag
from stackyard.record.attached import INVENTORY_KIND
from stackyard.verbs.differences import difference
from stackyard.verbs.documents import attach_documents
from stackyard.verbs.inside import inside
from tests.archives import dpkg, wheel
from tests.live.conftest import ENVIRON, LiveStack

pytestmark = pytest.mark.live

SITE = "usr/lib/python3/site-packages"
BASE = "FROM busybox:1.36\nCOPY root/ /\n"
LEAF = """\
ARG BASE_TAG=latest
FROM {at}/base:${{BASE_TAG}}
COPY root/ /
RUN rm -r /{site}/gone-1.dist-info && ln /{site}/linked-1.dist-info/METADATA /copy && rm -r /opaque && mkdir /opaque
"""


@pytest.fixture
def filled(live_stack: LiveStack) -> LiveStack:
    """Two images, published: packages that come, go, stay, and are hard links; a large file."""
    stack, at = live_stack, live_stack.prefix
    stack.write(
        "images/spec.yml",
        f"images: {{base: {{image_name: {at}/base}}, leaf: {{image_name: {at}/leaf, depend_on: base}}}}\n",
    )
    stack.write("images/base/Dockerfile", BASE)
    stack.write("images/leaf/Dockerfile", LEAF.format(at=at, site=SITE))
    below = {
        "var/lib/dpkg/status": dpkg(libc6="2.36"),
        **wheel("gone", "1"),
        **wheel("kept", "1"),
        **wheel("hidden", "1", "opaque/site-packages"),
    }
    above = {"var/lib/dpkg/status": dpkg(libc6="2.36", curl="8.5"), **wheel("linked", "1"), "big": "x" * 1_500_000}
    for image, files in (("base", below), ("leaf", above)):
        for path, text in files.items():
            stack.write(f"images/{image}/root/{path}", text)
    stack.commit()
    assert stack.build().is_good
    return stack


def test_engine_and_registry_have_the_same_inside(filled: LiveStack) -> None:
    """Read in either the packages are the same, each from the layer that brought it; kept, nobody is asked."""
    yard = filled.yard()
    (mine,) = inside(yard, "leaf")
    packages = [(each.name, each.layer) for each in mine.inventory.packages]

    first = len(mine.inventory.layers) - 2
    assert packages == [("curl", first), ("libc6", first - 1), ("kept", first - 1), ("linked", first)]
    assert mine.inventory.gaps == ()
    assert [file.path for file in mine.inventory.files if file.layer >= first] == ["big"]
    assert mine.inventory.layers[-2].instruction == "COPY root/ /"
    assert mine.inventory.layers[-1].instruction.startswith("RUN rm -r /usr/lib/python3")
    assert f"{filled.registry}/{filled.prefix}/base@sha256:" in mine.dockerfile

    nowhere = {**ENVIRON, "DOCKER_HOST": f"unix://{filled.root}/no.sock"}
    (theirs,) = inside(filled.yard(nowhere), f"{filled.repository('leaf')}:main", is_fresh=True)
    assert theirs.inventory.packages == mine.inventory.packages
    assert theirs.inventory.content == mine.inventory.content
    assert all(layer.blob and layer.blob_bytes for layer in theirs.inventory.layers)
    assert [each.subject.name for each in inside(filled.yard(nowhere), "main")] == ["base", "leaf"]


def test_documents_are_attached_and_what_changed_is_told(filled: LiveStack) -> None:
    """To a registry that lists no referrers only by name; a new build differs in what was changed."""
    yard, repository = filled.yard(), filled.repository("leaf")
    digest = yard.registry.resolve(repository, Tag("main"))
    assert digest is not None
    if not yard.registry.lists_referrers(repository, digest):
        with pytest.raises(ConfigError, match="lists nothing that refers"):
            attach_documents(yard, "leaf")
    attached = attach_documents(yard, "leaf", is_tagging=True)
    assert attach_documents(yard, "leaf", is_tagging=True) == attached
    listed = yard.registry.referrers(repository, digest)
    assert [each.digest for each in listed] == [each.digest for each in attached]
    assert len(yard.registry.referrers(repository, digest, INVENTORY_KIND)) == 1

    filled.write("images/leaf/root/var/lib/dpkg/status", dpkg(libc6="2.36", curl="8.6"))
    filled.commit()
    assert filled.build().is_good
    (image,) = difference(filled.yard(), str(digest), "leaf").images
    assert [str(change) for change in image.packages] == ["curl 8.5 -> 8.6"]
    assert image.same_layers == image.new.layers - 2


@pytest.mark.long  # CI promises an engine and a registry, and no cosign
def test_cosign_signs_what_the_registry_has(filled: LiveStack, tmp_path: Path) -> None:
    """With a key in a file; another key is not the one, and another digest is not signed."""
    if shutil.which("cosign") is None:
        pytest.skip("no cosign on PATH")
    environ = {**os.environ, "COSIGN_PASSWORD": ""}
    for name in ("ours", "others"):
        words = ["cosign", "generate-key-pair", "--output-key-prefix", str(tmp_path / name)]
        subprocess.run(words, env=environ, check=True, capture_output=True, cwd=tmp_path)
    cosign, repository = Cosign(environ, is_logging=False), filled.repository("leaf")
    digests = [filled.yard().registry.resolve(filled.repository(image), Tag("main")) for image in ("leaf", "base")]
    ours = Digest(digests[0] or "")

    assert not cosign.verify(repository, ours, str(tmp_path / "ours.pub"))
    cosign.sign(repository, ours, str(tmp_path / "ours.key"))
    assert cosign.verify(repository, ours, str(tmp_path / "ours.pub"))
    assert not cosign.verify(repository, ours, str(tmp_path / "others.pub"))
    assert not cosign.verify(filled.repository("base"), Digest(digests[1] or ""), str(tmp_path / "ours.pub"))
