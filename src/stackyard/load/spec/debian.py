# SPDX-License-Identifier: MIT
"""Debian packages in a spec: what a set says of an archive, and the files that are written for it.

In:   mappings of the spec
Out:  DebianInputs, LockTargets; findings
Rules: docs/reference/locks.md
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator

import msgspec

from stackyard.errors import FileProblem, InvalidValue
from stackyard.load.links import inside
from stackyard.load.spec.collect import Collector, meant
from stackyard.load.spec.kinds import known
from stackyard.load.spec.lock_keys import DEBIAN
from stackyard.load.yaml import Doc
from stackyard.model.debian import DebianInputs, DebianSource
from stackyard.model.inputs import holds_secret
from stackyard.model.lock import DEFAULT_OUTPUTS, LockSet, LockTarget, output_path
from stackyard.model.names import ImageName

DEFAULT_SOURCES = "debian.list"
_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]*")


def debian_in(doc: Doc, where: str, reader: Collector) -> DebianInputs:
    """What a set says; what is wrong in it is a finding, and is left out."""
    what = f"`debian` of {where}"
    values = reader.mapping(doc, what)
    reader.unknown_keys(
        doc, known(DEBIAN), what, {"sources_list": "sources", "install": "packages", "image": "installed"}
    )
    archive = tuple(_sources(values.get("archive"), f"`archive` in {what}", reader))
    if "archive" not in values and isinstance(doc.value, dict | None):
        hint = "archive: deb http://HOST/archive/debian/{time} bookworm main"
        reader.wrong(doc.at(), f"{what} names no dated archive", hint, None)
    image = reader.said(values.get("installed"), f"`installed` in {what}")
    return DebianInputs(
        archive,
        tuple(_names(values.get("packages"), f"`packages` in {what}", reader)),
        ImageName(image) if image is not None and ImageName.form.fullmatch(image) else None,
        tuple(_names(values.get("leave_out"), f"`leave_out` in {what}", reader)),
        _path(values.get("keyring"), f"`keyring` in {what}", reader),
        _path(values.get("sources"), f"`sources` in {what}", reader) or DEFAULT_SOURCES,
    )


def debian_targets(
    lock: LockSet, declared: DebianInputs, output: str | None, folder: str, images: Collection[str], reader: Collector
) -> LockSet:
    """The set with its paths from the root, and its files: the lines for apt, and a list for each platform.

    Args:
        output: a template; None: by default.
        folder: where the files are relative to.
        images: all of the stack.
    """
    where = f"lock {lock.name!r}"
    if declared.installed is not None and declared.installed not in images:
        hint = meant(declared.installed, list(images)) or "name a folder of the images folder"
        sentence = f"`installed` of {where} names {str(declared.installed)!r}, which is no image"
        reader.wrong(lock.spot, sentence, hint, declared.installed)
    template = output or DEFAULT_OUTPUTS["debian"][0]
    paths = {"": posixpath.normpath(posixpath.join(folder, declared.sources))}
    for platform in lock.platforms if declared.packages or declared.installed else ():
        paths[platform] = output_path(template, None, folder, "debian", platform)
    if len(set(paths.values())) < len(paths):
        hint = f"put {{arch}} into it: {DEFAULT_OUTPUTS['debian'][0]}"
        reader.wrong(lock.spot, f"{where} writes {len(paths)} files into one path", hint, output)
        return lock
    if outside := [path for path in paths.values() if path.startswith(("../", "/")) or path in ("..", ".")]:
        reader.wrong(lock.spot, f"{where} writes outside of the repository: {outside[0]}", "a path in it", outside[0])
        return lock
    targets = tuple(LockTarget(None, "", path, "debian", platform) for platform, path in paths.items())
    settled = msgspec.structs.replace(declared, sources=paths[""])
    return msgspec.structs.replace(lock, debian=settled, targets=targets)


def _sources(doc: Doc | None, what: str, reader: Collector) -> Iterator[DebianSource]:
    for text, spot in reader.texts(doc, what):
        if holds_secret(text, ()):
            reader.wrong(spot, f"an address in {what} has a login in it", "name an archive that asks for none", None)
            continue
        try:
            yield DebianSource.parse(text)
        except InvalidValue as problem:
            reader.wrong(spot, f"{what}: {problem}", problem.hint or "", text)


def _names(doc: Doc | None, what: str, reader: Collector) -> Iterator[str]:
    for text, spot in reader.texts(doc, what):
        if _NAME.fullmatch(text):
            yield text
        else:
            hint = "a name alone, without version and architecture: the archive at T has one"
            reader.wrong(spot, f"{what} has {text!r}, which is no name of a Debian package", hint, text)


def _path(doc: Doc | None, what: str, reader: Collector) -> str:
    if doc is None or doc.value is None:
        return ""
    try:
        return inside(doc, what)
    except FileProblem as problem:
        reader.problem(problem)
        return ""
