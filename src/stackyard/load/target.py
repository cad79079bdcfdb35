# SPDX-License-Identifier: MIT
"""One image's folder and its entry become a target: arguments, parents, bases, inputs, test suites.

In:   an entry of the spec, the folder's sources, and what surrounds them
Out:  Target and findings
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import msgspec

from stackyard.errors import FileProblem, InvalidValue
from stackyard.load.changes import ChangeRules
from stackyard.load.context import read_context, read_entry, read_tree
from stackyard.load.dockerfile import parse
from stackyard.load.ignore import read_ignore_rules
from stackyard.load.place import Place, has_folder
from stackyard.load.reach import reachable
from stackyard.load.spec import SpecImage
from stackyard.model import canonical
from stackyard.model.dockerfile import Dockerfile
from stackyard.model.inputs import BlobId, Entry, Inputs, comparable, masked
from stackyard.model.names import Digest, ImageName, TargetName
from stackyard.model.reference import Platform, Reference, Repository
from stackyard.model.stack import Command, Finding, ParentUse, Revision, Suite, TagTemplates, Target
from stackyard.model.tags import tags_of

TEST_FOLDERS = ("test", "integration_tests", "workflow_tests", "manual_tests")
COMMON_TESTS = "tests_common"
TITLE = "org.opencontainers.image.title"
BASE_TAG = "BASE_TAG"


class Sources(msgspec.Struct, frozen=True):
    """What the image's folder holds."""

    dockerfile: Dockerfile
    dockerfile_blob: BlobId
    context: tuple[Entry, ...]


class Surroundings(msgspec.Struct, frozen=True):
    """What all images of the stack share."""

    place: Place
    revision: Revision
    platform: Platform
    templates: TagTemplates
    prefix: str | None
    commands: Mapping[str, Command]
    repositories: Mapping[ImageName, Repository]
    declared: Mapping[ImageName, str]
    """What Dockerfiles may call an image: its `image_name`, else its folder."""
    rules: ChangeRules
    everywhere: tuple[Entry, ...]
    has_registry: bool

    def owner_of(self, repository: Repository) -> ImageName | None:
        """The image of the stack that is published under `repository`, or None."""
        for image, own in self.repositories.items():
            names = {own.canonical, _canonical(self.declared[image]), _canonical(image)}
            if repository.canonical in names:
                return image
        return None

    def variables(self, image: ImageName) -> dict[str, str]:
        """What tag templates may use beside git's values."""
        return {"image": image, **({"prefix": self.prefix} if self.prefix else {})}


def _canonical(text: str) -> str:
    try:
        return Repository.parse(text).canonical
    except InvalidValue:
        return text


def repository_of(image: SpecImage, registry: str | None, override: str | None) -> Repository:
    """Where an image is published.

    `image_name` where it names a registry; else `registry` of the spec and the name. `override`
    (the caller's registry) replaces the registry of every image and keeps the rest of the name.
    """
    name = Repository.parse(image.image_name or image.name)
    if override:
        host = name.declared_host
        return Repository.parse(f"{override.rstrip('/')}/{name[len(host) + 1 :] if host else name}")
    if registry and not name.declared_host:
        return Repository.parse(f"{registry.rstrip('/')}/{name}")
    return name


def read_sources(place: Place, image: SpecImage) -> tuple[Sources | None, list[Finding]]:
    """Read an image's folder; None and an error finding where there is nothing to build from."""
    shown = f"{place.images}/{image.name}"
    folder = os.path.join(place.root, place.images, image.name)
    if not os.path.isdir(folder):
        return None, [_missing("missing-folder", f"image {image.name!r} has no folder {shown}", place, image)]
    path = os.path.join(folder, "Dockerfile")
    if not os.path.isfile(path):
        return None, [_missing("missing-dockerfile", f"folder {shown} has no Dockerfile", place, image)]
    try:
        with open(path, "rb") as file:
            data = file.read()
        dockerfile = parse(data, f"{shown}/Dockerfile")
        context = read_context(folder, read_ignore_rules(folder, "Dockerfile", shown), shown)
    except FileProblem as problem:
        return None, [_finding(problem)]
    kept = tuple(entry for entry in context if entry.path != "Dockerfile")
    return Sources(dockerfile, BlobId.of(data), kept), []


def _missing(code: str, sentence: str, place: Place, image: SpecImage) -> Finding:
    hint = f"make {place.images}/{image.name}/Dockerfile, or take the entry out"
    return Finding(code, "error", sentence, place.spec or place.images, image.line, hint=hint)


def _finding(problem: FileProblem) -> Finding:
    facts = problem.facts
    line, column = facts["line"], facts["column"]
    return Finding(
        "dockerfile",
        "error",
        str(facts["problem"]),
        str(facts["path"]),
        line if isinstance(line, int) else None,
        column if isinstance(column, int) else None,
        problem.hint,
    )


def target_of(image: SpecImage, sources: Sources, around: Surroundings) -> tuple[Target, list[Finding]]:
    """The target of one image."""
    findings: list[Finding] = []
    args = _arguments(image, around, findings)
    found = _references(image, sources.dockerfile, args, around, findings)
    parents = tuple(ParentUse(TargetName.of(name), tuple(names)) for name, names in found.parents.items())
    bases = tuple(found.bases.values())
    outside = (*bases, found.frontend) if found.frontend else bases
    declared = sources.dockerfile.declared_in_stages
    inputs = Inputs(
        dockerfile=sources.dockerfile_blob,
        context=_counted(image.name, sources, dict(args), around.rules),
        everywhere=around.everywhere,
        args=tuple(sorted((name, comparable(name, value)) for name, value in args if name in declared)),
        labels=_labels(image.name, sources.dockerfile),
        bases=tuple(sorted({base.canonical for base in outside})),
        parents=tuple(sorted(use.target for use in parents)),
        platform=around.platform,
    )
    commands = _commands(image, around, findings)
    shown = f"{around.place.images}/{image.name}"
    target = Target(
        name=TargetName.of(image.name),
        repository=around.repositories[image.name],
        context=shown,
        dockerfile=f"{shown}/Dockerfile",
        inputs=inputs,
        args=args,
        parents=parents,
        foundation=_foundation(sources.dockerfile, args, around, parents),
        bases=bases,
        frontend=found.frontend,
        suites=_suites(image, commands, around, findings),
        commands=commands,
        templates=around.templates,
        variables=tuple(around.variables(image.name).items()),
    )
    return target, findings


def _arguments(image: SpecImage, around: Surroundings, findings: list[Finding]) -> tuple[tuple[str, str], ...]:
    """BASE_TAG of the parent first, then the image's own; an explicit BASE_TAG wins, and is noted."""
    parent = next((ImageName(name) for name in image.depend_on if name in around.repositories), None)
    own = dict(image.build_args)
    if parent is None:
        return image.build_args
    if BASE_TAG in own:
        findings.append(
            Finding(
                "base-tag-set",
                "warning",
                f"image {image.name!r} sets {BASE_TAG} itself: its parent's tag of this run is not used",
                around.place.spec or around.place.images,
                image.line,
            )
        )
        return image.build_args
    fixed, moving = tags_of(around.templates, around.revision, around.variables(parent))
    tag = next(iter(moving + fixed), "latest")
    return ((BASE_TAG, str(tag)), *image.build_args)


class _Found(msgspec.Struct):
    """The images that a Dockerfile names."""

    parents: dict[ImageName, list[Reference]]
    bases: dict[str, Reference]
    frontend: Reference | None = None


def _references(
    image: SpecImage,
    dockerfile: Dockerfile,
    args: tuple[tuple[str, str], ...],
    around: Surroundings,
    findings: list[Finding],
) -> _Found:
    """Each image that the Dockerfile names is a parent, if the stack defines it, or an external base."""
    parents: dict[ImageName, list[Reference]] = {
        ImageName(name): [] for name in image.depend_on if name in around.repositories
    }
    found = _Found(parents, {})
    for use, text in dockerfile.external_uses(dict(args), around.platform):
        try:
            reference = Reference.parse(text)
        except InvalidValue:
            findings.append(
                Finding(
                    "bad-reference",
                    "error",
                    f"{use.text!r} names the image {masked(text, args)!r}, which is not a valid reference",
                    dockerfile.path,
                    use.line,
                    hint="an argument without a value leaves a hole: give it a default or a build argument",
                )
            )
            continue
        if use.how == "syntax":
            found.frontend = reference
            continue
        owner = around.owner_of(reference.repository)
        if owner is not None and owner != image.name:
            if reference not in parents.setdefault(owner, []):
                parents[owner].append(reference)
        else:
            found.bases.setdefault(reference.canonical, reference)
    for name, references in parents.items():
        if not references:
            findings.append(
                Finding(
                    "parent-not-used",
                    "warning",
                    f"image {image.name!r} depends on {name!r}, and no instruction of its Dockerfile names it",
                    dockerfile.path,
                    1,
                    hint="a pinned FROM ignores the parent that was just built",
                )
            )
    return found


def _foundation(
    dockerfile: Dockerfile, args: tuple[tuple[str, str], ...], around: Surroundings, parents: tuple[ParentUse, ...]
) -> TargetName | None:
    """The parent whose layers the image's own stand on; None where that is an external base."""
    text = dockerfile.foundation(dict(args), around.platform)
    return next((use.target for use in parents if any(text == str(name) for name in use.references)), None)


def _counted(image: ImageName, sources: Sources, args: dict[str, str], rules: ChangeRules) -> tuple[Entry, ...]:
    """Entries of the context that can change the image: all but test folders that no instruction reaches."""
    if image in rules.ignore:
        return ()
    folders = {entry.path.partition("/")[0] for entry in sources.context} & set(TEST_FOLDERS)
    if not folders:
        return sources.context
    reached = {path.partition("/")[0] for path in reachable(sources.dockerfile, args, sources.context)}
    apart = folders - reached
    return tuple(entry for entry in sources.context if entry.path.partition("/")[0] not in apart)


def _labels(image: ImageName, dockerfile: Dockerfile) -> tuple[tuple[str, str], ...]:
    """Labels that are functions of the stack; what the file itself sets is left to it."""
    return () if TITLE in dockerfile.stages[-1].labels else ((TITLE, str(image)),)


def _commands(image: SpecImage, around: Surroundings, findings: list[Finding]) -> tuple[Command, ...]:
    found = []
    for name in image.info_cmds:
        if name in around.commands:
            found.append(around.commands[name])
            continue
        findings.append(
            Finding(
                "unknown-command",
                "error",
                f"image {image.name!r} names the command {name!r}, which `all_info_cmds` does not define",
                around.place.spec or around.place.images,
                image.line,
            )
        )
    return tuple(found)


def _suites(
    image: SpecImage, commands: tuple[Command, ...], around: Surroundings, findings: list[Finding]
) -> tuple[Suite, ...]:
    """What must pass: common and own tests, integration tests where asked for, declared commands."""
    place = around.place
    basic = [
        f"{place.images}/{'/'.join(parts)}"
        for parts in ((COMMON_TESTS,), (image.name, "test"))
        if has_folder(place, *parts)
    ]
    suites = []
    if basic:
        suites.append(Suite("basic", tuple(basic), _tests_digest(place, basic)))
    if image.integration_tests:
        folder = f"{place.images}/{image.name}/integration_tests"
        if has_folder(place, image.name, "integration_tests"):
            suites.append(Suite("integration", (folder,), _tests_digest(place, [folder])))
        else:
            findings.append(
                Finding(
                    "missing-tests",
                    "error",
                    f"image {image.name!r} asks for integration tests, and there is no folder {folder}",
                    place.spec or place.images,
                    image.line,
                )
            )
    if commands:
        digest = canonical.digest([(command.name, command.command) for command in commands])
        suites.append(Suite("inventory", (), digest))
    return tuple(suites)


def _tests_digest(place: Place, folders: Iterable[str]) -> Digest:
    """Over all test code that can change a result: the folders, and what pytest picks up above them."""
    entries: list[Entry] = []
    for folder in folders:
        full = os.path.join(place.root, folder)
        entries.extend(
            Entry(f"{folder}/{entry.path}", entry.kind, entry.blob)
            for entry in read_tree(full, folder)
            if "__pycache__" not in entry.path
        )
    for name in ("conftest.py", f"{place.images}/conftest.py", "pytest.ini"):
        full = os.path.join(place.root, name)
        if os.path.isfile(full):
            entries.append(read_entry(full, name))
    return canonical.digest(sorted(entries))
