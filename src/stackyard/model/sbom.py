# SPDX-License-Identifier: MIT
"""Bills of materials and provenance, in the forms that other tools read: plain data, equal for equal images.

Pure. In: an image and its inventory, or its record and what it was made from. Out: dicts, to be written as JSON
Source: CycloneDX 1.6; SPDX 2.3; in-toto Statement v1 with SLSA Provenance v1
Why so: docs/explanation/inventories.md

Nothing in them depends on when or where they are written: times are the image's own, numbers are made of its digest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from stackyard.model.inputs import Inputs, looks_secret
from stackyard.model.inside import Inside, Subject
from stackyard.model.inventory import Inventory, Package, purl, purl_text
from stackyard.model.names import Digest
from stackyard.model.record import Built

DocumentKind = Literal["cyclonedx", "spdx", "slsa"]
MEDIA_TYPES: dict[DocumentKind, str] = {
    "cyclonedx": "application/vnd.cyclonedx+json",
    "spdx": "application/spdx+json",
    "slsa": "application/vnd.in-toto+json",
}
"""What each is in a registry."""
_BUILD_TYPE = "urn:stackyard:build:v1"
_NOBODY_SAYS = "NOASSERTION"


class Attached(msgspec.Struct, frozen=True):
    """A document that is beside an image now."""

    image: str
    kind: str
    """Its media type."""
    digest: str


class Signed(msgspec.Struct, frozen=True):
    """Whether a key signed an image."""

    name: str
    image: str
    is_signed: bool


def cyclonedx(inside: Inside, version: str) -> dict[str, Any]:
    """The image and its packages, as CycloneDX 1.6.

    Args:
        version: Stackyard's own.
    """
    inventory, subject = inside.inventory, inside.subject
    about: dict[str, Any] = {
        "type": "container",
        "bom-ref": "image",
        "name": _name(subject),
        "version": str(subject.digest or inventory.content),
        "properties": [{"name": "stackyard:content", "value": str(inventory.content)}],
    }
    if (url := image_purl(subject, inventory)) is not None:
        about["purl"] = url
    metadata: dict[str, Any] = {
        "tools": {"components": [{"type": "application", "name": "stackyard", "version": version}]},
        "component": about,
    }
    if inventory.created:
        metadata["timestamp"] = _seconds(inventory.created)
    components = [_component(package, ref, inventory) for package, ref in _referred(inventory)]
    if inventory.system.id:
        components.append(
            {
                "type": "operating-system",
                "bom-ref": "system",
                "name": inventory.system.id,
                "version": inventory.system.version,
                "description": inventory.system.name,
            }
        )
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{_uuid('cyclonedx', inventory)}",
        "version": 1,
        "metadata": metadata,
        "components": components,
        "dependencies": [{"ref": "image", "dependsOn": [each["bom-ref"] for each in components]}],
        "compositions": [{"aggregate": "incomplete" if inventory.gaps else "complete", "assemblies": ["image"]}],
    }


def _component(package: Package, ref: str, inventory: Inventory) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "library", "bom-ref": ref}
    group, _, name = package.name.rpartition("/") if package.kind == "npm" else ("", "", package.name)
    if group:
        found["group"] = group
    found |= {"name": name, "version": package.version, "purl": purl(package, inventory.system)}
    if package.license:
        found["licenses"] = [{"license": {"name": package.license}}]
    found["properties"] = [{"name": f"stackyard:{key}", "value": value} for key, value in _places(package, inventory)]
    return found


def _places(package: Package, inventory: Inventory) -> Iterator[tuple[str, str]]:
    yield "path", package.path
    if package.layer < len(inventory.layers):
        yield "layer", str(inventory.layers[package.layer].digest)


def _referred(inventory: Inventory) -> Iterator[tuple[Package, str]]:
    """Each package with a name of its own within the document."""
    seen: set[str] = set()
    for package in inventory.packages:
        ref = purl(package, inventory.system)
        ref = f"{ref}#{package.path}" if ref in seen else ref
        if ref not in seen:
            seen.add(ref)
            yield package, ref


def spdx(inside: Inside, version: str) -> dict[str, Any]:
    """The same as SPDX 2.3."""
    inventory, subject = inside.inventory, inside.subject
    name = _name(subject)
    packages = [
        {
            **_spdx_package("Image", name, str(subject.digest or inventory.content)),
            "primaryPackagePurpose": "CONTAINER",
            **_spdx_purl(image_purl(subject, inventory)),
        }
    ]
    for number, (package, ref) in enumerate(_referred(inventory)):
        places = dict(_places(package, inventory))
        told = {
            **_spdx_package(f"Package-{number}", package.name, package.version),
            **_spdx_purl(ref.partition("#")[0]),
            "sourceInfo": f"listed by {package.path}, in layer {places.get('layer', package.layer)}",
        }
        if package.license:
            told["licenseComments"] = f"the package says: {package.license}"
        packages.append(told)
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image")]
    relations += [("SPDXRef-Image", "CONTAINS", each["SPDXID"]) for each in packages[1:]]
    document: dict[str, Any] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": f"https://spdx.org/spdxdocs/{_plain(name)}-{_uuid('spdx', inventory)}",
        "creationInfo": {
            "created": _seconds(inventory.created or "1970-01-01T00:00:00Z"),
            "creators": [f"Tool: stackyard-{version}"],
        },
        "packages": packages,
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
            for one, kind, other in relations
        ],
    }
    if inventory.gaps:
        document["comment"] = f"not read: {'; '.join(map(str, inventory.gaps))}"
    return document


def _spdx_package(ref: str, name: str, version: str) -> dict[str, Any]:
    return {
        "SPDXID": f"SPDXRef-{ref}",
        "name": name,
        "versionInfo": version,
        "downloadLocation": _NOBODY_SAYS,
        "filesAnalyzed": False,
        "licenseConcluded": _NOBODY_SAYS,
        "licenseDeclared": _NOBODY_SAYS,
        "copyrightText": _NOBODY_SAYS,
    }


def _spdx_purl(url: str | None) -> dict[str, Any]:
    if url is None:
        return {}
    return {
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": url},
        ]
    }


def slsa(subject: Subject, built: Built, inputs: Inputs, source: str, version: str) -> dict[str, Any]:
    """How a published image was made, by its record: an in-toto statement with SLSA provenance.

    Args:
        source: where its files are from, as git names it; empty where nobody knows.
        version: Stackyard's own.
    """
    assert subject.digest is not None
    args = {name: _shown(name, value) for name, value in inputs.args}
    outside = {
        "target": subject.name,
        "dockerfile": str(inputs.dockerfile),
        "arguments": args,
        "platform": inputs.platform,
        "stage": inputs.stage,
    }
    record = subject.record
    internal = {"source_fingerprint": str(record.source), "build_fingerprint": str(record.build)} if record else {}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": str(subject.repository), "digest": _digest(subject.digest)}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": _BUILD_TYPE,
                "externalParameters": {key: value for key, value in outside.items() if value},
                "internalParameters": {**internal, "content": str(built.content)},
                "resolvedDependencies": list(_dependencies(built, source)),
            },
            "runDetails": {
                "builder": {"id": f"urn:stackyard:engine:{_plain(built.engine)}", "version": {"stackyard": version}},
                "metadata": {"invocationId": record.id if record else "", "finishedOn": built.at},
            },
        },
    }


def _dependencies(built: Built, source: str) -> Iterator[dict[str, Any]]:
    if built.commit:
        yield {"uri": f"git+{source}@{built.commit}" if source else "git", "digest": {"gitCommit": built.commit}}
    for name, content in built.parents:
        yield {"name": str(name), "uri": f"urn:stackyard:content:{content}", "digest": _digest(content)}
    for reference, digest in built.bases:
        path = reference.partition("@")[0].rpartition(":")[0]
        host = purl_text("oci", path.rpartition("/")[2], str(digest), {"repository_url": path})
        yield {"name": reference, "uri": host, "digest": _digest(digest)}
    for address, digest in built.downloads:
        yield {"uri": address, "digest": _digest(digest)}


def _digest(digest: Digest) -> dict[str, str]:
    algorithm, _, digits = digest.partition(":")
    return {algorithm: digits}


def _shown(name: str, value: str) -> str:
    return "(hidden)" if value.startswith("hidden:") or looks_secret(name, value) else value


def image_purl(subject: Subject, inventory: Inventory) -> str | None:
    """The package URL of a published image; None for one that is in an engine only."""
    if subject.repository is None or subject.digest is None:
        return None
    path = str(subject.repository)
    arch = inventory.platform.partition("/")[2]
    return purl_text(
        "oci", path.rpartition("/")[2].lower(), str(subject.digest), {"arch": arch, "repository_url": path}
    )


def _name(subject: Subject) -> str:
    return str(subject.repository or subject.name)


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-")


def _seconds(time: str) -> str:
    """A time to the second: SPDX takes no other."""
    return re.sub(r"\.\d+", "", time)


def _uuid(kind: str, inventory: Inventory) -> str:
    """A number of the form of a UUID that is made of a name (RFC 9562, version 8)."""
    digits = hashlib.sha256(f"{kind} {inventory.content} {len(inventory.packages)}".encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-9{digits[17:20]}-{digits[20:32]}"
