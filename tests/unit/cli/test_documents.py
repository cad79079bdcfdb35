# SPDX-License-Identifier: MIT
"""Bills of materials and provenance, from the command line, held to the forms that are published."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackyard.model.names import Tag
from stackyard.model.reference import Repository
from tests import schemas
from tests.archives import Files, dpkg, wheel
from tests.repositories import commit
from tests.unit.cli.conftest import Shell
from tests.unit.cli.test_inside import DEBIAN, LEAF, fill

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

pytestmark = pytest.mark.processes

BASE = Repository("registry.example/lab/base")


@pytest.fixture
def built(shell: Shell) -> Shell:
    """Both images, published; `leaf` has packages of several kinds, one of them in two places."""
    shell("build", "--push")
    own: Files = {
        "etc/os-release": DEBIAN,
        "var/lib/dpkg/status": dpkg(libc6="2.36-9+deb12u4"),
        **wheel("numpy", "2.1"),
        **wheel("numpy", "2.1", "opt/site-packages"),
        "app/node_modules/@scope/pkg/package.json": '{"name":"@scope/pkg","version":"1.0.0","license":"MIT"}',
        "opt/conda/conda-meta/x-1-0.json": '{"name":"x","version":"1","build":"0","channel":"conda-forge"}',
    }
    fill(shell, "registry.example/lab/leaf", own)
    return shell


def published_schema() -> Validator:
    """CycloneDX 1.6, as the package of its Python library has it with the schemas that it names."""
    from referencing import Registry, Resource

    names = ("bom-1.6", "spdx", "jsf-0.82")
    folder = files("cyclonedx.schema._res")
    read = [json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text(encoding="utf-8")) for name in names]
    known = Registry().with_resources([(each["$id"], Resource.from_contents(each)) for each in read])
    return schemas.validator(read[0], "Draft7Validator", registry=known)


def test_cyclonedx_is_valid_and_always_the_same(built: Shell) -> None:
    """By CycloneDX's own schema; each package once with its URL, and one that is in two places twice."""
    from packageurl import PackageURL

    said = built("sbom", "leaf").out
    found = json.loads(said)
    assert [error.message for error in published_schema().iter_errors(found)] == []
    urls = [each["purl"] for each in found["components"] if "purl" in each]
    assert urls == [
        "pkg:conda/x@1?build=0&channel=conda-forge",
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12",
        "pkg:npm/%40scope/pkg@1.0.0",
        "pkg:pypi/numpy@2.1",
        "pkg:pypi/numpy@2.1",
    ]
    container = found["metadata"]["component"]["purl"]
    for url in (*urls, container):
        assert PackageURL.from_string(url).to_string().replace("%2F", "/") == url.replace("%2F", "/")
    assert built.registry.resolve(LEAF, Tag("main")) in container
    assert built("sbom", "leaf").out == said


def test_spdx_is_valid(built: Shell) -> None:
    """By the reference reader of SPDX: its form, and what its elements say of each other."""
    from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    document = JsonLikeDictParser().parse(json.loads(built("sbom", "leaf", "--format", "spdx").out))
    assert validate_full_spdx_document(document) == []
    assert len(document.packages) == 6


def test_provenance_says_how_an_image_was_made(built: Shell) -> None:
    """By its record: the commit, the parent's content, each base by digest; arguments, and none that looks secret."""
    (subject,) = (said := json.loads(built("sbom", "leaf", "--format", "slsa").out))["subject"]
    build = said["predicate"]["buildDefinition"]
    assert subject["digest"]["sha256"] == built.registry.resolve(LEAF, Tag("main")).hex
    assert (said["_type"], said["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    assert [each["digest"].keys() for each in build["resolvedDependencies"]] == [{"gitCommit"}, {"sha256"}]
    assert said["predicate"]["runDetails"]["metadata"]["invocationId"]


def test_documents_are_attached_as_referrers(built: Shell) -> None:
    """With the OCI's annotations; attached again they are the same; whoever has no record reads what is attached."""
    first = built("sbom", "main", "--attach", "--json").json["attached"]
    again = built("sbom", "main", "--attach", "--json").json["attached"]
    image = built.registry.resolve(LEAF, Tag("main"))
    kinds = {each.artifact_type: each.annotations for each in built.registry.referrers(LEAF, image)}

    assert first == again
    assert set(kinds) == {
        "application/vnd.cyclonedx+json",
        "application/spdx+json",
        "application/vnd.in-toto+json",
        "application/vnd.stackyard.inventory.v1+json",
    }
    told = kinds["application/spdx+json"]
    base = built.registry.resolve(BASE, Tag("main"))
    assert told["org.opencontainers.image.base.digest"] == base
    assert told["org.opencontainers.image.base.name"].startswith("registry.example/lab/base:sy-")
    assert len(told["org.opencontainers.image.revision"]) == 40
    assert {each["image"].partition("@")[0] for each in first} == {str(LEAF), str(BASE)}

    (built.root / ".stackyard/records.sqlite3").unlink()
    built.engine.is_down = True
    fresh = built("inventory", f"{LEAF}:main", "--json").json["images"][0]
    assert [each["name"] for each in fresh["packages"]] == ["x", "libc6", "@scope/pkg", "numpy", "numpy"]
    assert "fetch" not in {request.verb for request in built.registry.requests}


def test_a_registry_without_referrers_is_asked_for_only_by_name(built: Shell) -> None:
    """Where it lists none, nothing is left there unless somebody says so."""
    built.registry.can_list_referrers = False
    built.registry.requests.clear()
    refused = built("sbom", "leaf", "--attach")
    assert (refused.code, "lists nothing that refers to an image" in refused.err) == (2, True)
    assert "put" not in {request.verb for request in built.registry.requests}
    assert built("sbom", "leaf", "--attach", "--fallback-tag").code == 0


def test_what_cannot_be_told_is_refused(built: Shell) -> None:
    """Provenance of what nobody built here, several images on one stream, an image that is nowhere published."""
    assert "nobody can say how busybox:1.36 was made" in built("sbom", "busybox:1.36", "--format", "slsa").err
    assert "--output DIR writes a file for each" in built("sbom", "main").err
    written = built("sbom", "main", "--output", "sboms").out.split()
    assert written == ["sboms/base.cyclonedx.json", "sboms/leaf.cyclonedx.json"]
    assert "busybox:1.36 is not published" in built("sbom", "busybox:1.36", "--attach").err


def test_a_run_looks_into_what_it_publishes(shell: Shell) -> None:
    """As the spec says; where it cannot be done the summary says so, and nothing fails for it."""
    spec = shell.root / "images/spec.yml"
    spec.write_text(spec.read_text() + "inventories: attach\n")
    commit(shell.root)
    assert shell("build", "--push").code == 0
    image = shell.registry.resolve(LEAF, Tag("main"))
    assert len(shell.registry.referrers(LEAF, image)) == 4
    shell.engine.is_down = True
    assert shell("inventory", "leaf").code == 0

    shell.engine.is_down = shell.registry.can_list_referrers = False
    (shell.root / "images/leaf/Dockerfile").write_text("FROM busybox:1.36\nRUN echo two\n")
    commit(shell.root)
    said = shell("build", "--push")
    assert (said.code, "what is inside leaf could not be attached: registry" in said.out) == (0, True)
    spec.write_text(spec.read_text().replace("attach", "sometimes"))
    assert "inventories" in shell("check").out


def test_another_machine_learns_what_is_inside(shell: Shell) -> None:
    """From beside the images, when a promotion is looked at; nothing is read for it but what was attached."""
    spec = shell.root / "images/spec.yml"
    spec.write_text(spec.read_text() + "inventories: keep\n")
    commit(shell.root)
    shell("build", "--push")
    shell("promote", "main", "--to", "stable", "--yes")
    (shell.root / "images/base/Dockerfile").write_text("FROM busybox:1.36\nENV A=1\n")
    commit(shell.root)
    shell("build", "--push")
    (shell.root / ".stackyard/records.sqlite3").unlink()
    shell("records", "sync")
    shell.engine.is_down = True
    shell.registry.requests.clear()
    assert shell("promote", "main", "--to", "stable", "--dry-run").code == 0
    assert "fetch" not in {request.verb for request in shell.registry.requests}
    shell.registry.requests.clear()
    assert shell("inventory", "leaf").code == 0
    assert {request.verb for request in shell.registry.requests} <= {"blob"}  # what it was made from


# Signatures.


COSIGN = """\
#!/bin/sh
# cosign as far as its words and exit codes go; a signature is a line in a file.
echo "$@" >> "$HOME/asked"
for last; do :; done
case "$1 $*" in
  sign*wrong.key*) echo "Error: reading key: open wrong.key: no such file" >&2; exit 1;;
  sign*) echo "$last" >> "$HOME/signatures";;
  verify*other.pub*) echo "Error: no matching signatures: invalid signature" >&2; exit 10;;
  verify*) grep -qx "$last" "$HOME/signatures" || { echo "Error: no signatures found" >&2; exit 10; };;
esac
"""


@pytest.mark.processes
def test_images_are_signed_by_digest(built: Shell, tmp_path: Path) -> None:
    """All that a name stands for, each by what the registry has; a key is named, and in no sentence."""
    assert "there is no cosign" in built("sign", "leaf", "--key", "cosign.key").err
    program = tmp_path / "bin" / "cosign"
    program.parent.mkdir()
    program.write_text(COSIGN)
    program.chmod(0o755)
    built.environ["PATH"] = f"{program.parent}:{built.environ['PATH']}"
    digest = built.registry.resolve(LEAF, Tag("main"))

    assert built("verify", "leaf", "--key", "cosign.pub").code == 1
    (signed,) = built("sign", "leaf", "--key", "cosign.key", "--no-log", "--json").json["images"]
    assert signed == {"name": "leaf", "image": f"{LEAF}@{digest}", "signed": True}
    assert built("verify", "leaf", "--key", "cosign.pub").code == 0
    assert built("verify", "leaf", "--key", "other.pub").code == 1
    assert [each["signed"] for each in built("verify", "main", "--key", "cosign.pub", "--json").json["images"]] == [
        False,
        True,
    ]
    asked = (built.root / "asked").read_text().splitlines()
    assert f"sign --yes --tlog-upload=false --key cosign.key {LEAF}@{digest}" in asked
    failed = built("sign", "leaf", "--key", "wrong.key")
    assert (failed.code, "reading key: open (key)" in failed.err, "wrong.key" in failed.err) == (1, True, False)
    assert built("sign", "leaf", "--key", "-----BEGIN PRIVATE KEY-----x").code == 2
    assert built("sign", f"{LEAF}:nothing", "--key", "cosign.key").code == 2
