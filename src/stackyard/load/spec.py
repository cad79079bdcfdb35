# SPDX-License-Identifier: MIT
"""spec.yml as it stands, in its current dialect: what each image says about itself.

In:   the file's bytes
Out:  Spec, and findings for what is odd but does not stop anything
Raises: FileProblem for a wrong type, a missing `images`, a tag or a registry that can be none
Rules: docs/reference/spec.md
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from stackyard.errors import FileProblem, InvalidValue
from stackyard.load.yaml import Doc, read
from stackyard.model.names import ImageName, Tag, nearest
from stackyard.model.reference import Repository
from stackyard.model.stack import Command, Finding, TagTemplates
from stackyard.model.tags import render

TOP_KEYS = ("name", "registry", "root", "images", "tag", "all_info_cmds")
IMAGE_KEYS = (
    "image_name",
    "depend_on",
    "build_args",
    "info_cmds",
    "integration_tests",
    "prune",
    "prepull",
)
TAG_KEYS = ("prefix", "fixed", "moving")
COMMAND_KEYS = ("description", "command")
PLAN_KEYS = ("plans", "tags", "manifests")


class SpecImage(msgspec.Struct, frozen=True):
    """One entry of `images:`."""

    name: ImageName
    line: int
    image_name: str | None
    depend_on: tuple[str, ...]
    build_args: tuple[tuple[str, str], ...]
    info_cmds: tuple[str, ...]
    integration_tests: bool


class Spec(msgspec.Struct, frozen=True):
    """A whole spec.yml, images in file order."""

    path: str
    name: str | None
    registry: str | None
    prefix: str | None
    templates: TagTemplates
    images: tuple[SpecImage, ...]
    commands: tuple[Command, ...]


def read_spec(data: bytes, path: str) -> tuple[Spec, tuple[Finding, ...]]:
    """Read one spec.yml; `path` is what messages call it."""
    top_doc = read(data, path)
    top = top_doc.mapping("the file")
    for key in PLAN_KEYS:
        if key in top:
            raise top_doc.problem_at(key, f"`{key}` belongs to the dialect of 2021, which is not read yet")
    findings = list(_unknown_keys(top_doc, TOP_KEYS, "the file"))
    if "images" not in top:
        raise top_doc.problem("there is no `images:`", "list each image folder under `images:`")
    prefix, templates = _tags(top.get("tag"), findings)
    images = tuple(
        _image(name, doc, top["images"].key_lines.get(name, doc.line), findings)
        for name, doc in top["images"].mapping("`images`").items()
    )
    spec = Spec(
        path,
        name=top["name"].text("`name`") if "name" in top else None,
        registry=_registry(top["registry"]) if "registry" in top else None,
        prefix=prefix,
        templates=templates,
        images=images,
        commands=_commands(top.get("all_info_cmds"), findings),
    )
    return spec, tuple(findings)


def _registry(doc: Doc) -> str:
    """Where images go; the names of images are added to it."""
    text = doc.text("`registry`")
    if not Repository.form.fullmatch(f"{text.rstrip('/')}/name"):
        raise doc.problem(f"{text!r} is not a valid registry", "a registry is lower case: ghcr.io/OWNER")
    return text


def _unknown_keys(doc: Doc, known: tuple[str, ...], where: str) -> list[Finding]:
    found = []
    for key in doc.mapping(where):
        if key in known or key.startswith("x-"):
            continue
        near = nearest(key, list(known))
        found.append(
            Finding(
                "unknown-key",
                "warning",
                f"{where} has a key {key!r} that nothing reads",
                doc.path,
                doc.key_lines.get(key),
                hint=f"did you mean {near!r}?" if near else "keys of your own start with 'x-'",
            )
        )
    return found


def _tags(doc: Doc | None, findings: list[Finding]) -> tuple[str | None, TagTemplates]:
    """Prefix and templates; both tags from day one where the file says nothing else."""
    entries = doc.mapping("`tag`") if doc else {}
    if doc:
        findings.extend(_unknown_keys(doc, TAG_KEYS, "`tag`"))
    prefix = entries["prefix"].text("`tag.prefix`") if "prefix" in entries else None
    if prefix and not Tag.form.fullmatch(prefix):
        raise entries["prefix"].problem(f"`tag.prefix` {prefix!r} cannot begin a tag", Tag.hint)
    lead = "{prefix}-" if prefix else ""
    fixed = _templates("fixed", entries, lead + "{commit}")
    moving = _templates("moving", entries, lead + "{branch}")
    return prefix, TagTemplates(fixed, moving)


def _templates(key: str, entries: Mapping[str, Doc], default: str) -> tuple[str, ...]:
    """The templates under `key`; one that can never give a tag is refused where it stands."""
    if key not in entries:
        return (default,)
    doc = entries[key]
    texts = doc.texts(f"`tag.{key}`")
    for text, place in zip(texts, doc.value if isinstance(doc.value, list) else [doc] * len(texts), strict=True):
        try:
            render(text, dict.fromkeys(("prefix", "branch", "commit", "version", "image"), "0"))
        except InvalidValue as problem:
            raise place.problem(str(problem), problem.hint) from None
    return tuple(texts)


def _image(name: str, doc: Doc, line: int, findings: list[Finding]) -> SpecImage:
    where = f"image {name!r}"
    if not ImageName.form.fullmatch(name):
        raise FileProblem(doc.path, line, f"{name!r} is not a valid image name", hint=ImageName.hint)
    entries = doc.mapping(where)
    findings.extend(_unknown_keys(doc, IMAGE_KEYS, where))
    for key in ("prune", "prepull"):
        if key in entries:
            entries[key].flag(f"`{key}` of {where}")
    args = entries["build_args"].mapping(f"`build_args` of {where}") if "build_args" in entries else {}
    return SpecImage(
        ImageName(name),
        line,
        image_name=entries["image_name"].text(f"`image_name` of {where}") if "image_name" in entries else None,
        depend_on=tuple(entries["depend_on"].texts(f"`depend_on` of {where}")) if "depend_on" in entries else (),
        build_args=tuple((key, value.text(f"build argument {key!r}")) for key, value in args.items()),
        info_cmds=tuple(entries["info_cmds"].texts(f"`info_cmds` of {where}")) if "info_cmds" in entries else (),
        integration_tests="integration_tests" in entries
        and entries["integration_tests"].flag(f"`integration_tests` of {where}"),
    )


def _commands(doc: Doc | None, findings: list[Finding]) -> tuple[Command, ...]:
    commands = []
    for name, entry in (doc.mapping("`all_info_cmds`") if doc else {}).items():
        where = f"command {name!r}"
        entries = entry.mapping(where)
        findings.extend(_unknown_keys(entry, COMMAND_KEYS, where))
        if "command" not in entries:
            raise entry.problem(f"{where} has no `command`")
        description = entries["description"].text(f"`description` of {where}") if "description" in entries else name
        commands.append(Command(name, description, entries["command"].text(f"`command` of {where}")))
    return tuple(commands)
