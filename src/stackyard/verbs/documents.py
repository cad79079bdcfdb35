# SPDX-License-Identifier: MIT
"""Bills of materials and provenance of images: made, and attached to what is published.

In:   a Yard, names as `inventory` takes them
Out:  documents as bytes, Attached
May touch: as verbs/inside; registries, where they are attached
Raises: as verbs/inside; NothingToDo for what is not published or has no record
Why: docs/explanation/inventories.md
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from stackyard import __version__
from stackyard.edges import git
from stackyard.errors import ConfigError, FileProblem, NothingToDo, StackyardError
from stackyard.model import canonical
from stackyard.model.names import TargetName
from stackyard.model.record import Pushed, Tagged
from stackyard.model.sbom import MEDIA_TYPES, Attached, DocumentKind, cyclonedx, slsa, spdx
from stackyard.plan.inside import newest
from stackyard.record.attached import INVENTORY_KIND, attach
from stackyard.verbs.inside import inside, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stackyard.model.inside import Inside
    from stackyard.verbs.yard import Yard


_SOURCE = "org.opencontainers.image.source"


def document(yard: Yard, image: Inside, kind: DocumentKind) -> bytes:
    """One document about an image: the same bytes for the same image. NothingToDo for provenance without a record."""
    if kind == "slsa":
        made: Mapping[str, object] = _provenance(yard, image)
    else:
        made = (cyclonedx if kind == "cyclonedx" else spdx)(image, __version__)
    return json.dumps(made, indent=1, ensure_ascii=False).encode() + b"\n"


def write_documents(yard: Yard, images: Sequence[Inside], kind: DocumentKind, folder: str) -> list[str]:
    """A file for each image, written whole; their paths. FileProblem where that cannot be done."""
    from stackyard.record.files import write_atomically

    found = []
    for image in images:
        path = os.path.join(folder, f"{re.sub(r'[^A-Za-z0-9._-]+', '-', image.subject.name)}.{kind}.json")
        try:
            os.makedirs(folder, exist_ok=True)
            write_atomically(path, document(yard, image, kind))
        except OSError as error:
            raise FileProblem(path, None, f"cannot be written: {error.strerror}") from None
        found.append(path)
    return found


def _provenance(yard: Yard, image: Inside) -> Mapping[str, object]:
    subject = image.subject
    record = subject.record
    inputs = yard.records.known().inputs.get(record.inputs) if record else None
    if record is None or record.built is None or record.adopted or inputs is None or subject.digest is None:
        raise NothingToDo(
            f"nobody can say how {subject.name} was made",
            hint="provenance is told of images that Stackyard built and published",
        )
    return slsa(subject, record.built, inputs, _source(yard, image), __version__)


def _source(yard: Yard, image: Inside) -> str:
    """Where the stack's files are from, without a login."""
    address = image.inventory.settings.labels.get(_SOURCE) or git.remote(yard.root) or ""
    return f"{address.partition('://')[0]}://{address.rpartition('@')[2]}" if "://" in address else address


def attach_documents(yard: Yard, asked: str, *, is_tagging: bool = False) -> tuple[Attached, ...]:
    """Attach what is known of images to them: both bills of materials, provenance, and the inventory as it is kept.

    Args:
        is_tagging: also where the registry lists no referrers, and they are kept in an index under a tag.

    Raises:
        ConfigError: the registry lists none.
        NothingToDo: an image is not published.
    """
    return tuple(each for image in inside(yard, asked) for each in _attached(yard, image, is_tagging))


def look_into(yard: Yard, targets: Iterable[TargetName]) -> tuple[str, ...]:
    """Look into what a run published, as the spec says; a sentence for each image where that could not be done."""
    wish, known = yard.stack.inventories, yard.records.known()
    problems: list[str] = []
    for target in targets:
        try:
            for image in told(yard, newest(known, target)):
                if image.inventory.gaps:
                    problems.append(f"not all of {image.subject.name} could be read: {image.inventory.gaps[0]}")
                if wish != "keep":
                    _attached(yard, image, is_tagging=wish == "attach-by-tag")
                elif yard.stack.shares_records:
                    _share(yard, image)
        except StackyardError as error:
            problems.append(f"what is inside {target} could not be {'kept' if wish == 'keep' else 'attached'}: {error}")
    return tuple(problems)


def _share(yard: Yard, image: Inside) -> None:
    """Leave the inventory beside the image for other machines, where the registry can say that it is there."""
    repository, digest = image.subject.repository, image.subject.digest
    if repository is not None and digest is not None and yard.registry.lists_referrers(repository, digest):
        attach(yard.registry, repository, digest, INVENTORY_KIND, canonical.encode(image.inventory), {})


def _attached(yard: Yard, image: Inside, is_tagging: bool) -> list[Attached]:
    subject = image.subject
    if subject.repository is None or subject.digest is None:
        raise NothingToDo(f"{subject.name} is not published", hint="`stackyard push` publishes it")
    if not is_tagging and not yard.registry.lists_referrers(subject.repository, subject.digest):
        raise ConfigError(
            f"registry {subject.repository.host} lists nothing that refers to an image",
            hint="--fallback-tag keeps it in an index under a tag; a registry's own clean-up may not know that",
        )
    annotations = _annotations(yard, image)
    found = []
    for kind, data in _documents(yard, image):
        digest = attach(yard.registry, subject.repository, subject.digest, kind, data, annotations)
        found.append(Attached(subject.image, kind, str(digest)))
    return found


def _documents(yard: Yard, image: Inside) -> list[tuple[str, bytes]]:
    found = [(MEDIA_TYPES[kind], document(yard, image, kind)) for kind in ("cyclonedx", "spdx")]
    record = image.subject.record
    if record is not None and record.built is not None and not record.adopted:
        found.append((MEDIA_TYPES["slsa"], document(yard, image, "slsa")))
    return [*found, (INVENTORY_KIND, canonical.encode(image.inventory))]


def _annotations(yard: Yard, image: Inside) -> dict[str, str]:
    """Facts of the build under the names that the OCI gave them."""
    record, inventory = image.subject.record, image.inventory
    built = record.built if record else None
    base_name, base_digest = _base(yard, image)
    told = {
        "version": next((tag for tag in _fixed_tags(image) if not tag.startswith("sy-")), ""),
        "created": (built.at if built else "") or inventory.created,
        "revision": built.commit if built else "",
        "source": _source(yard, image),
        "title": image.subject.name,
        "base.name": base_name,
        "base.digest": base_digest,
    }
    return {f"org.opencontainers.image.{key}": value for key, value in told.items() if value}


def _base(yard: Yard, image: Inside) -> tuple[str, str]:
    """What the image stands on, and its digest in a registry; nothing where nobody knows."""
    if not image.lineage or not (record := image.subject.record) or not record.built:
        return "", ""
    ancestor = image.lineage[0]
    if ancestor.name in dict(record.built.bases):
        return ancestor.name, str(ancestor.digest)
    of = yard.records.known().records.get(TargetName(ancestor.name), ())
    parent = next((each for each in of if each.built and each.built.content == ancestor.digest), None)
    pushed = [fact for fact in parent.facts if isinstance(fact, Pushed)] if parent else []
    return (f"{pushed[-1].image.repository}:{pushed[-1].tag}", str(pushed[-1].image.digest)) if pushed else ("", "")


def _fixed_tags(image: Inside) -> list[str]:
    """Names of the image that never move, as its record has them."""
    facts = image.subject.record.facts if image.subject.record else ()
    return [str(fact.tag) for fact in facts if isinstance(fact, Tagged) and fact.place == "registry"]
