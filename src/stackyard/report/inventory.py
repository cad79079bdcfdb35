# SPDX-License-Identifier: MIT
"""What is inside images, for people and as data.

In: values. Out: text or plain data. Pure. Reference: docs/reference/json.md
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stackyard.model.inside import Inside
from stackyard.model.inventory import KIND_NAMES, Inventory, Package, purl
from stackyard.model.sbom import Attached, Signed
from stackyard.report.data import FORMAT
from stackyard.report.text import Style, count_text, cut, joined, size_text, table, visible

_INSTRUCTION = 200


def layers_text(found: Sequence[Inside], style: Style, width: int) -> str:
    """Each image with its layers, what they brought, and what could not be read."""
    return "\n\n".join("\n".join(_paragraph(each, style, width)) for each in found)


def _paragraph(found: Inside, style: Style, width: int) -> Iterator[str]:
    yield from _head(found, style)
    inventory = found.inventory
    brought: dict[int, dict[str, int]] = {}
    for package in inventory.packages:
        kinds = brought.setdefault(package.layer, {})
        kinds[KIND_NAMES[package.kind]] = kinds.get(KIND_NAMES[package.kind], 0) + 1
    rows, so_far = [], 0
    for index, layer in enumerate(inventory.layers):
        so_far += layer.size_bytes
        rows.append(
            (
                str(index),
                size_text(layer.size_bytes),
                size_text(so_far),
                ", ".join(f"{count} {kind}" for kind, count in sorted(brought.get(index, {}).items())),
                cut(visible(layer.instruction), _INSTRUCTION),
            )
        )
    if rows:
        yield ""
        yield table(rows, ("layer", "size", "so far", "packages", "made by"), style, width, spare=("so far",))


def _head(found: Inside, style: Style) -> Iterator[str]:
    inventory, subject = found.inventory, found.subject
    yield f"{style(visible(subject.name), 'bold')}  {subject.image}".rstrip()
    system = inventory.system.name or inventory.system.id
    what = f"{visible(system)}, {inventory.platform}" if system else str(inventory.platform)
    sizes = f"{size_text(inventory.size_bytes)} in {count_text(len(inventory.layers), 'layer')}"
    kinds = [f"{count} {KIND_NAMES[kind]}" for kind, count in inventory.counts().items()]
    yield f"{what}; {sizes}; {f'packages: {joined(kinds)}' if kinds else 'no packages'}"
    if found.lineage:
        yield f"stands on {', on '.join(f'{each.name} ({each.digest.short})' for each in found.lineage)}"
    for gap in inventory.gaps:
        yield f"{style('not read', 'yellow')}: {visible(str(gap))}"


def packages_text(found: Sequence[Inside], style: Style, width: int) -> str:
    """Each image with all its packages."""
    paragraphs = []
    for each in found:
        rows = [
            (
                KIND_NAMES[package.kind],
                visible(package.name),
                visible(package.version),
                str(package.layer),
                package.path,
            )
            for package in each.inventory.packages
        ]
        below = table(rows, ("kind", "package", "version", "layer", "by"), style, width, spare=("layer",))
        paragraphs.append("\n".join([*_head(each, style), "", below if rows else "No packages."]))
    return "\n\n".join(paragraphs)


def files_text(found: Sequence[Inside], style: Style, width: int) -> str:
    """Each image with its large files, the largest first."""
    paragraphs = []
    for each in found:
        rows = [(size_text(f.size_bytes), str(f.layer), visible(f.path)) for f in each.inventory.files]
        below = table(rows, ("size", "layer", "file"), style, width)
        paragraphs.append("\n".join([*_head(each, style), "", below if rows else "No file of 1 MB or more."]))
    return "\n\n".join(paragraphs)


def dockerfile_text(found: Sequence[Inside], style: Style, width: int) -> str:  # noqa: ARG001 - as all texts
    """Each image's Dockerfile, with every image in it by the digest that was used."""
    paragraphs = []
    for each in found:
        lines = [visible(line.expandtabs(4)) for line in each.dockerfile.splitlines()]
        paragraphs.append("\n".join([*_head(each, style), "", *(lines or ["Nobody can say what it was built from."])]))
    return "\n\n".join(paragraphs)


def inside_data(found: Sequence[Inside]) -> dict[str, Any]:
    """All of it."""
    return {"format": FORMAT, "images": [_image(each) for each in found]}


def _image(found: Inside) -> dict[str, Any]:
    subject, inventory = found.subject, found.inventory
    return {
        "name": subject.name,
        "target": subject.target and str(subject.target),
        "image": subject.image or None,
        "record": subject.record and subject.record.id,
        "content": str(inventory.content),
        "platform": str(inventory.platform),
        "system": {
            "id": inventory.system.id,
            "version": inventory.system.version,
            "name": inventory.system.name,
        },
        "created": inventory.created or None,
        "size_bytes": inventory.size_bytes,
        "layers": list(_layers(inventory)),
        "packages": [package_data(package, inventory) for package in inventory.packages],
        "files": [{"path": f.path, "size_bytes": f.size_bytes, "layer": f.layer} for f in inventory.files],
        "gaps": [{"code": g.code, "sentence": g.sentence, "path": g.path, "layer": g.layer} for g in inventory.gaps],
        "env": inventory.settings.env,
        "user": inventory.settings.user,
        "workdir": inventory.settings.workdir,
        "entrypoint": list(inventory.settings.entrypoint),
        "command": list(inventory.settings.command),
        "ports": list(inventory.settings.ports),
        "volumes": list(inventory.settings.volumes),
        "labels": inventory.settings.labels,
        "dockerfile": found.dockerfile or None,
        "lineage": [{"name": each.name, "digest": str(each.digest), "layers": each.layers} for each in found.lineage],
    }


def _layers(inventory: Inventory) -> Iterator[dict[str, Any]]:
    so_far = 0
    for index, layer in enumerate(inventory.layers):
        so_far += layer.size_bytes
        yield {
            "layer": index,
            "digest": str(layer.digest),
            "blob": layer.blob and str(layer.blob),
            "blob_bytes": layer.blob_bytes or None,
            "size_bytes": layer.size_bytes,
            "so_far_bytes": so_far,
            "created": layer.created or None,
            "instruction": layer.instruction,
        }


def package_data(package: Package, inventory: Inventory) -> dict[str, Any]:
    """One package, with its URL."""
    return {
        "kind": package.kind,
        "name": package.name,
        "version": package.version,
        "layer": package.layer,
        "path": package.path,
        "license": package.license or None,
        "purl": purl(package, inventory.system),
    }


def attached_text(attached: Sequence[Attached], style: Style, width: int) -> str:
    """A row for each document."""
    return table([(each.kind, each.digest, each.image) for each in attached], ("attached", "as", "to"), style, width)


def attached_data(attached: Sequence[Attached]) -> dict[str, Any]:
    """All of it."""
    rows = [{"image": each.image, "kind": each.kind, "digest": each.digest} for each in attached]
    return {"format": FORMAT, "attached": rows}


def signed_text(signed: Sequence[Signed], style: Style, width: int) -> str:
    """A row for each image."""
    rows = [
        (style(visible(each.name), "bold"), style("signed", "green") if each.is_signed else style("not signed", "red"),
         each.image)
        for each in signed
    ]  # fmt: skip
    return table(rows, ("image", "by this key", "digest"), style, width)


def signed_data(signed: Sequence[Signed]) -> dict[str, Any]:
    """All of it."""
    rows = [{"name": each.name, "image": each.image, "signed": each.is_signed} for each in signed]
    return {"format": FORMAT, "images": rows}
