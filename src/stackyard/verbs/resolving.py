# SPDX-License-Identifier: MIT
"""The Dockerfile of a build with every image in it by the digest that was used.

In:   a Yard, a record
Out:  text; empty where nobody can say it any more
May touch: disk, git
Raises: nothing: whoever asks what is inside is told the rest
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from stackyard.errors import StackyardError
from stackyard.load.dockerfile.parse import parse
from stackyard.model.dockerfile import resolved
from stackyard.model.record import Pushed, Record

if TYPE_CHECKING:
    from stackyard.model.known import Known
    from stackyard.model.stack import Target
    from stackyard.verbs.yard import Yard


def resolved_dockerfile(yard: Yard, known: Known, record: Record | None) -> str:
    """As it was built: of the commit that the record names, or as it is where it is still the same."""
    target = next((each for each in yard.stack.targets if record and each.name == record.target), None)
    if record is None or record.built is None or target is None:
        return ""
    with contextlib.suppress(StackyardError, OSError, UnicodeDecodeError):
        data = _bytes(yard, known, record, target)
        if data is not None:
            used = dict(_used(known, record, target))
            dockerfile = parse(data, target.dockerfile)
            return resolved(dockerfile, data.decode(), dict(target.args), target.inputs.platform, used)
    return ""


def _bytes(yard: Yard, known: Known, record: Record, target: Target) -> bytes | None:
    inputs = known.inputs.get(record.inputs)
    if inputs is not None and inputs.dockerfile == target.inputs.dockerfile:
        return (yard.root / target.dockerfile).read_bytes()
    if record.built is None or not record.built.commit:
        return None
    from stackyard.edges.git_commit import CommitFiles

    with CommitFiles(yard.root, record.built.commit) as files:
        return files.read(target.dockerfile)


def _used(known: Known, record: Record, target: Target) -> Iterator[tuple[str, str]]:
    """Canonical reference, or repository, of what stood there -> the image by digest."""
    assert record.built is not None
    for base, digest in record.built.bases:
        name = base.partition("@")[0]
        yield base, f"{name.rpartition(':')[0] if ':' in name.rpartition('/')[2] else name}@{digest}"
    names = {use.target: use.references for use in target.parents}
    for parent, content in record.built.parents:
        of = known.records.get(parent, ())
        built = next((each for each in of if each.built and each.built.content == content), None)
        if built is None or built.built is None:
            continue
        pushed = [fact.image for fact in built.facts if isinstance(fact, Pushed)]
        image = f"{pushed[-1].repository}@{pushed[-1].digest}" if pushed else str(built.built.image.id)
        yield built.built.local.repository.canonical, image
        yield from ((reference.canonical, image) for reference in names.get(parent, ()))
