# SPDX-License-Identifier: MIT
"""Provenance and an SBOM by the real BuildKit: beside what is published, and nowhere else."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from stackyard.edges.registry import ATTESTED, Manifest
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.reference import Reference
from tests.live.conftest import BASE, ENVIRON, LiveStack, missing

pytestmark = pytest.mark.live

SCAN = """set -e
printf '%s' '{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document",\
"predicate":{"SPDXID":"SPDXRef-DOCUMENT","name":"all of it"}}' > "$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json"
"""
SPEC = """
platforms: [linux/amd64, linux/s390x]
attestations: {{provenance: true, sbom: {scanner}}}
build_args: {{PASSPHRASE: {value}}}
images:
  base: {{image_name: {prefix}/base, platforms: linux/amd64}}
  leaf: {{image_name: {prefix}/leaf, platforms: linux/amd64, depend_on: base}}
  data: {{image_name: {prefix}/data}}
tag: {{prefix: "1"}}
"""


def scanner(stack: LiveStack) -> str:
    """An image that makes an SBOM, in the registry; its name, by digest."""
    folder = stack.root.parent / "scanner"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f'FROM {BASE}\nCOPY scan /scan\nENTRYPOINT ["/bin/sh", "/scan"]\n')
    (folder / "scan").write_text(SCAN)
    name = f"{stack.registry}/{stack.prefix}/scanner:1"
    build = [
        "docker",
        "buildx",
        "build",
        "--builder",
        "default",
        "--provenance=false",
        "--quiet",
        "--tag",
        name,
        folder,
    ]
    for words in (build, ["docker", "push", "--quiet", name]):
        subprocess.run(words, env=ENVIRON, check=True, capture_output=True)
    digest = stack.at("scanner", "1")
    assert digest is not None
    return f"{stack.registry}/{stack.prefix}/scanner@{digest}"


def attested(stack: LiveStack, image: str) -> tuple[Manifest, dict[Digest, dict[str, Any]]]:
    """The index that an image's tag has, and for each image in it what is attested of it, by kind."""
    registry, repository = stack.yard().registry, stack.repository(image)
    index = registry.manifest(repository, Tag("1-main"))
    assert index is not None
    found: dict[Digest, dict[str, Any]] = {}
    for entry in index.children:
        of = (entry.annotations or {}).get(ATTESTED)
        if of is None:
            found.setdefault(entry.digest, {})
            continue
        manifest = registry.manifest(repository, entry.digest)
        assert manifest is not None
        for blob in manifest.blobs[1:]:
            told = json.loads(registry.blob(repository, blob.digest) or b"")
            found.setdefault(Digest(of), {})[told["predicateType"].rpartition("/")[0]] = told
    return index, found


def test_what_is_published_is_attested(live_stack: LiveStack) -> None:
    """By both, of each platform; without values of arguments; a rebuild of a parent leaves its child alone."""
    stack = live_stack
    if not stack.engine.attests():
        missing(f"{stack.engine.about().name} makes no attestations: its store is a classic one")
    value = "correct-horse-battery"
    stack.write("images/spec.yml", "images: {}\n")
    stack.commit()
    stack.write("images/base/Dockerfile", f'FROM {BASE}\nARG PASSPHRASE\nRUN test -n "$PASSPHRASE"; echo base > /who\n')
    stack.write(
        "images/leaf/Dockerfile", f"ARG BASE_TAG=latest\nFROM {stack.prefix}/base:${{BASE_TAG}}\nRUN cat /who > /seen\n"
    )
    stack.write("images/data/Dockerfile", "FROM scratch\nCOPY note /note\n")
    stack.write("images/data/note", stack.prefix)
    stack.write("images/spec.yml", SPEC.format(scanner=scanner(stack), value=value, prefix=stack.prefix))
    stack.commit()
    first = stack.build()
    assert first.is_good, [(str(each.target), each.failure) for each in first.outcomes]

    for image, count in (("base", 1), ("leaf", 1), ("data", 2)):
        index, found = attested(stack, image)
        assert len(found) == count
        assert len(index.platforms) == count
        for each in found.values():
            assert set(each) == {"https://slsa.dev/provenance", "https://spdx.dev"}, image
            assert value not in json.dumps(each)
    parent = stack.at("base", "1-main")
    assert parent is not None
    (leaf,) = attested(stack, "leaf")[1].values()
    materials = leaf["https://slsa.dev/provenance"]["predicate"]["materials"]
    assert {"sha256": parent.removeprefix("sha256:")} in [each["digest"] for each in materials]
    assert {each.status for each in stack.build().outcomes} == {"reused"}

    before = stack.at("base", "1-main")
    again = {str(each.target): each for each in stack.build(rebuild=frozenset({TargetName("base")})).outcomes}
    assert {name: each.status for name, each in again.items() if name in ("base", "leaf")} == {
        "base": "built",
        "leaf": "reused",
    }
    assert stack.at("base", "1-main") == before
    pulled = stack.engine.pull(Reference(stack.repository("leaf"), Tag("1-main")))
    assert stack.engine.run(pulled, ["cat", "/seen"], 60).output == "base\n"
