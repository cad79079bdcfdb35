# SPDX-License-Identifier: MIT
"""spec.yml as it stands, in every dialect it ever had: what the stack says about itself.

In:   the file's bytes
Out:  Spec, and findings: errors for what has the wrong type, warnings for what nothing reads
Raises: FileProblem where the file as a whole cannot be understood
Rules: docs/reference/spec.md

Two generations are read as one. The older has *plans* (`plans:`, before that `tags:`, a map or a
list), arguments per plan (`dbuild_env`), `skip_plans`, and `manifests` in two positions: the table
of commands at the top, their names in an image. The younger has one unnamed plan (`tag.prefix`),
`build_args`, `info_cmds`, `all_info_cmds`. A file may mix them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from stackyard.errors import FileProblem, InvalidValue
from stackyard.load.spec import schema
from stackyard.load.spec.collect import command_in, meant
from stackyard.load.spec.image import IMAGE_KEYS as IMAGE_KEYS
from stackyard.load.spec.image import ImageReader
from stackyard.load.spec.kinds import known
from stackyard.load.spec.policy import policy_in
from stackyard.load.spec.values import STABLE, Ecr, RecordsPlace, Spec, SpecImage, SpecPlan, unnamed_plan
from stackyard.load.yaml import Doc, read
from stackyard.model.ecr import Account, Region
from stackyard.model.names import ImageName, Tag, VersionName
from stackyard.model.reference import Platform, Reference, Repository
from stackyard.model.spot import Spot, Spots
from stackyard.model.stack import Command, Finding, Retention, TagTemplates
from stackyard.model.tags import PLACES, render

if TYPE_CHECKING:
    from stackyard.load.spec.locks import SpecLock
    from stackyard.load.tree.staging import FilesEntry
    from stackyard.model.attesting import Attesting
    from stackyard.model.caching import CachePlace, Caching
    from stackyard.model.gates import ChannelGates
    from stackyard.model.places import OtherRegistry

TOP_KEYS = known(schema.TOP)
TAG_KEYS = known(schema.TAG)
PLAN_KEYS = known(schema.PLAN)
COMMAND_KEYS = known(schema.COMMAND)
ECR_KEYS = known(schema.ECR)
REGISTRY_HINT = "a registry is lower case: ghcr.io/OWNER"


def read_spec(data: bytes, path: str, needs_images: bool = True) -> tuple[Spec, tuple[Finding, ...]]:
    """Read one spec.yml.

    Args:
        path: what messages call it.
        needs_images: whether a file without `images:` is an error; a stackyard.yml may leave them to discovery.
    """
    reader = _Reader(read(data, path), needs_images)
    return reader.spec(path), tuple(reader.findings)


class _Reader(ImageReader):
    """Reads one file and keeps what it finds on the way: one wrong value never hides another."""

    def __init__(self, doc: Doc, needs_images: bool) -> None:
        super().__init__()
        self._doc = doc
        self._needs_images = needs_images

    def spec(self, path: str) -> Spec:
        """The whole file."""
        top = self._doc.mapping("the file")
        self.unknown_keys(self._doc, TOP_KEYS, "the file", {"args": "build_args", "arguments": "build_args"})
        plans = tuple(self._plans(top))
        images = tuple(self._images(top.get("images")))
        names = {image.name: None for image in images}
        self._unknown_plans(images, [plan.name for plan in plans if plan.name is not None])
        self._roots(top.get("root"), names)
        args = self.arguments(top.get("build_args"), "`build_args`")
        groups = self._groups(top.get("groups"), names)
        return Spec(
            path,
            name=self.text(top, "name"),
            registry=self._registry(top.get("registry")),
            records=self._records(top.get("records")),
            inventories=self.word(top, "inventories", "the file"),
            source=self.text(top, "source"),
            plans=plans,
            images=images,
            commands=tuple(self._commands(top)),
            vars=self.vars(top, "vars", "the file"),
            groups=groups,
            build_args=tuple(args.items()),
            ecr=self._ecr(top.get("ecr")),
            policy=policy_in(top, self),
            platforms=self.platforms(top, "platforms", "the file"),
            engines=tuple(self._engines(top.get("engines"))),
            max_age=self.age(top),
            timeout=self.timeout(top),
            secrets=self.secrets(top, "secrets", "the file"),
            ssh=self.secrets(top, "ssh", "the file"),
            checks=self.checks(top, "checks", "the file"),
            tests=self.tests(top, "tests", "the file"),
            caching=self._caching(top.get("cache")),
            attesting=self._attesting(top.get("attestations")),
            gates=self._gates(top.get("channels"), {*names, *(name for name, _ in groups)} if names else ()),
            registries=self._registries(top.get("registries")),
            locks=self._locks(top.get("locks")),
            retention=self._retention(top.get("retention")),
            files=tuple(self._files_by_image(top.get("files"))),
            network=self.word(top, "network", "the file") or "",
            granularity=self.word(top, "granularity", "the file"),
            spots=self._spots(top, args),
        )

    def _spots(self, top: Mapping[str, Doc], args: Iterable[str]) -> Spots:
        spots: dict[tuple[str, ...], Spot] = {("args", name): top["build_args"].at(name) for name in args}
        spots |= {("engines", name): top["engines"].at(name) for name in _entries(top.get("engines"))}
        if "images" in top and not top["images"].value:
            spots["images",] = self._doc.at("images")
        return {**spots, ("tags",): self._tags_spot(top)}

    def _tags_spot(self, top: Mapping[str, Doc]) -> Spot:
        """Where it is said what tags are made of."""
        key = next((key for key in ("plans", "tags", "tag", "images") if key in top), None)
        if key == "tag" and (moving := _entries(top["tag"]).get("moving")):
            return moving.at()
        return self._doc.at(key)

    # The file's own keys.

    def _registry(self, doc: Doc | None) -> str | None:
        text = self.scalar(doc, "`registry`") if doc is not None else None
        if doc is not None and text is not None and not Repository.form.fullmatch(f"{text.rstrip('/')}/name"):
            self.problem(doc.problem(f"{text!r} is not a valid registry", REGISTRY_HINT, wanted="HOST or HOST/FOLDER"))
            return None
        return text

    def _ecr(self, doc: Doc | None) -> Ecr | None:
        """`ecr:`; empty, it still says that images are published there."""
        if doc is None:
            return None
        values = self.mapping(doc, "`ecr`")
        self.unknown_keys(doc, ECR_KEYS, "`ecr`")
        return Ecr(self.name(Account, values, "account"), self.name(Region, values, "region"))

    def _engines(self, doc: Doc | None) -> Iterator[tuple[Platform, str]]:
        """`engines:`, where what is for a platform is built; one that is named wrongly is none."""
        if doc is None:
            return
        from stackyard.load.spec.platforms import platform_of  # few stacks say

        for name, where in self.arguments(doc, "`engines`").items():
            try:
                if not where.strip():
                    raise InvalidValue("it names no engine", hint="a docker context, or an address", kind="", text="")
                yield platform_of(name), where.strip()
            except InvalidValue as problem:
                self.findings.append(_wrong(doc.at(name), f"`engines`: {problem}", problem.hint or "", found=name))

    def _caching(self, doc: Doc | None) -> Caching | None:
        """`cache:`, where builds take cached steps from and leave them."""
        if doc is None:
            return None
        from stackyard.model.caching import CachePlace, Caching  # few stacks say

        values = self.mapping(doc, "`cache`")
        self.unknown_keys(doc, ("from", "to"), "`cache`")
        read: dict[str, list[CachePlace]] = {"from": [], "to": []}
        for key, places in read.items():
            for text, _ in self.texts(values.get(key), f"`{key}` of `cache`"):
                try:
                    places.append(CachePlace.parse(text))
                except InvalidValue as problem:
                    wanted = "type=registry,ref=REPOSITORY"
                    self.problem(values[key].problem(str(problem), problem.hint, found=text, wanted=wanted))
        return Caching(tuple(read["from"]), tuple(read["to"]))

    def _attesting(self, doc: Doc | None) -> Attesting | None:
        """`attestations:`, what is attested beside each image."""
        if doc is None:
            return None
        from stackyard.model.attesting import Attesting  # few stacks say

        values = self.mapping(doc, "`attestations`")
        self.unknown_keys(doc, known(schema.ATTESTATIONS), "`attestations`")
        text, scanner = self.text(values, "sbom", "`attestations`"), None
        try:
            scanner = Reference.parse(text) if text else None
            if scanner is not None and scanner.digest is None:
                hint = f"add what its registry says: {scanner.repository}@sha256:..."
                raise InvalidValue(
                    f"{text} is whatever its tag is one day", hint=hint, kind="reference", text=text or ""
                )
        except InvalidValue as problem:
            wanted = "REPOSITORY@sha256:..."
            sentence = f"`sbom` of `attestations`: {problem}"
            self.problem(values["sbom"].problem(sentence, problem.hint, found=text, wanted=wanted))
            scanner = None
        found = Attesting(self.flag(values, "provenance", "`attestations`"), scanner)
        return found if found.kinds else None

    def _registries(self, doc: Doc | None) -> tuple[OtherRegistry, ...]:
        """`registries:`, where images are copied to."""
        if doc is None:
            return ()
        from stackyard.load.spec.places import registries_in  # few stacks say

        return tuple(registries_in(doc, self))

    def _records(self, doc: Doc | None) -> RecordsPlace:
        """`records:`, where what is known is kept."""
        if doc is None or doc.value is None:
            return RecordsPlace()
        from stackyard.load.spec.places import records_in  # few stacks say

        return records_in(doc, self)

    def _retention(self, doc: Doc | None) -> Retention:
        """`retention:`, how much of what is old stays."""
        if doc is None:
            return Retention()
        from stackyard.load.spec.places import retention_in  # few stacks say

        return retention_in(doc, self)

    def _plans(self, top: Mapping[str, Doc]) -> Iterator[SpecPlan]:
        """Plans under whichever of their two names, with what `tag` says of all; else the unnamed one."""
        key = next((key for key in ("plans", "tags") if key in top), None)
        common = self._tag(top.get("tag"))
        if key is None:
            yield common
            return
        said = _entries(top.get("tag"))
        listed = top[key].value
        parts = listed if isinstance(listed, list) else [top[key]]
        entries = [(name, doc, part.at(name)) for part in parts for name, doc in self.mapping(part, "a plan").items()]
        if not entries:
            yield msgspec.structs.replace(common, line=top[key].line)
        for name, doc, spot in entries:
            values = self.mapping(doc, f"plan {name!r}")
            self.unknown_keys(doc, PLAN_KEYS, f"plan {name!r}")
            if not VersionName.form.fullmatch(name):
                sentence = f"{name!r} is not a valid plan name"
                self.findings.append(_wrong(spot, sentence, VersionName.hint, found=name))
                continue
            prefix = self._prefix(values, "tag_prefix", f"`tag_prefix` of plan {name!r}") or common.prefix
            stable = self.text(values, "tag_stable_postfix", f"plan {name!r}")
            # A plan without a prefix is tagged `latest`, as it always was.
            templates = unnamed_plan(prefix).templates if prefix else TagTemplates((), ("latest",))
            own = {which: getattr(common.templates, which) for which in ("fixed", "moving") if which in said}
            templates = msgspec.structs.replace(templates, **own) if own else templates
            variables = self.vars(values, "vars", f"plan {name!r}")
            line = spot.line or 1
            yield SpecPlan(VersionName(name), prefix, STABLE if stable is None else stable, templates, line, variables)

    def _tag(self, doc: Doc | None) -> SpecPlan:
        """`tag:` with its prefix, and templates where the file has its own."""
        if doc is None:
            return unnamed_plan()
        values = self.mapping(doc, "`tag`")
        self.unknown_keys(doc, TAG_KEYS, "`tag`")
        default = unnamed_plan(self._prefix(values, "prefix", "`tag.prefix`"), line=doc.line)
        own = tuple(self._own_names())
        fixed, moving = default.templates.fixed, default.templates.moving
        if "fixed" in values:
            fixed = self._templates(values["fixed"], "`tag.fixed`", own)
        if "moving" in values:
            moving = self._templates(values["moving"], "`tag.moving`", own)
        latest = () if "moving" in values else default.templates.default_branch
        return msgspec.structs.replace(default, templates=TagTemplates(fixed, moving, latest))

    def _templates(self, doc: Doc, what: str, own: Iterable[str]) -> tuple[str, ...]:
        """Templates of tags; one that can never give a tag is told where it stands, and left out.

        Args:
            own: names of `vars`, of the file or of any image.
        """
        good = []
        for text, spot in self.texts(doc, what):
            try:
                render(text, dict.fromkeys((*PLACES, *own), "0"))
                good.append(text)
            except InvalidValue as problem:
                hint = problem.hint or "{NAME} stands for what a build knows, or for a name of `vars`"
                self.findings.append(_wrong(spot, str(problem), hint, found=text))
        return tuple(good)

    def _own_names(self) -> Iterator[str]:
        """Names of `vars`, the file's and those of its images."""
        images = _entries(_entries(self._doc).get("images"))
        for doc in (self._doc, *images.values()):  # what has the wrong type is told where it is read
            yield from _entries(_entries(doc).get("vars"))

    def _prefix(self, values: Mapping[str, Doc], key: str, what: str) -> str | None:
        """A prefix, which must be able to begin a tag; an empty one is none."""
        text = self.said(values.get(key), what)
        if text and not Tag.form.fullmatch(text):
            self.problem(values[key].problem(f"{what} {text!r} cannot begin a tag", Tag.hint))
            return None
        return text or None

    def _groups(self, doc: Doc | None, names: Collection[ImageName]) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Named sets of images, versions and patterns of them; a member that is no image is a warning."""
        groups = []
        for name, members in self.mapping(doc, "`groups`").items():
            listed = self.texts(members, f"group {name!r}")
            groups.append((name, tuple(member for member, _ in listed)))
            self.unknown_members(listed, names, f"group {name!r}", "no image")
        return tuple(groups)

    def _commands(self, top: Mapping[str, Doc]) -> Iterator[Command]:
        """The table of commands, under whichever of its two names."""
        key = "all_info_cmds" if "all_info_cmds" in top else "manifests"
        for name, doc in self.mapping(top.get(key), f"`{key}`").items():
            where = f"command {name!r}"
            if not isinstance(doc.value, dict) or "command" not in doc.value:
                self.problem(
                    doc.problem(f"{where} has no `command`", f"{name}: {{command: WORDS}}", wanted="a `command`")
                )
                continue
            self.unknown_keys(doc, COMMAND_KEYS, where)
            try:
                command = command_in(doc.value["command"], f"`command` of {where}")
            except FileProblem as problem:  # it is still defined: images that name it are right
                self.problem(problem)
                command = ""
            description = self.text(doc.value, "description", where)
            is_optional = self.flag(doc.value, "optional", where)
            yield Command(name, description or name, command, is_optional)

    def _gates(self, doc: Doc | None, words: Collection[str]) -> tuple[ChannelGates, ...]:
        """`channels:`, what each asks for.

        Args:
            words: names of images and groups.
        """
        if doc is None:
            return ()
        from stackyard.load.spec.gates import gates_in  # few stacks say

        own = tuple(self._own_names())
        return gates_in(doc, self, lambda text: render(text, dict.fromkeys((*PLACES, *own), "0")), words)

    def _locks(self, doc: Doc | None) -> tuple[SpecLock, ...]:
        if doc is None:
            return ()
        from stackyard.load.spec.locks import locks_in  # few stacks say

        return locks_in(doc, self)

    def _roots(self, doc: Doc | None, images: Collection[ImageName]) -> None:
        """`root` is a text or a list; it says nothing that `depend_on` does not, and is only checked."""
        for name, spot in self.texts(doc, "`root`"):
            if name not in images:
                sentence = f"`root` names {name!r}, which `images:` does not define"
                hint = meant(name, images) or "`root` is for readers of older files: it may be taken out"
                self.findings.append(
                    Finding("unknown-root", "warning", sentence, *spot, hint=hint, found=name, wanted="an image")
                )

    def _files_by_image(self, doc: Doc | None) -> Iterator[tuple[str, Spot, tuple[FilesEntry, ...]]]:
        for name, entries in self.mapping(doc, "`files`").items():
            spot = doc.at(name) if doc is not None else entries.at()
            yield name, spot, tuple(self.files(entries, f"`files` of image {name!r}"))

    # Images.

    def _images(self, doc: Doc | None) -> Iterator[SpecImage]:
        if doc is None and self._needs_images:
            sentence = "there is no `images:`"
            hint = "list each image folder under `images:`"
            spot, wanted = self._doc.at(), "images: {NAME: }"
            self.findings.append(Finding("no-images", "error", sentence, *spot, hint=hint, wanted=wanted))
        for name, entry in self.mapping(doc, "`images`").items():
            spot = doc.at(name) if doc is not None else entry.at()
            if not ImageName.form.fullmatch(name) or name in (".", ".."):
                self.findings.append(_wrong(spot, f"{name!r} is not a valid image name", ImageName.hint, found=name))
                continue
            yield self.image(ImageName(name), entry, spot)

    def _unknown_plans(self, images: Sequence[SpecImage], plans: Sequence[VersionName]) -> None:
        """Plans that an image names and the file does not have: commented out, most likely."""
        for image in images:
            for where, names in (
                ("skip_plans", image.skip_plans),
                ("dbuild_env", [name for name, _ in image.plan_args]),
            ):
                for name in names:
                    if name not in plans:
                        sentence = (
                            f"`{where}` of image {image.name!r} names the plan {name!r}, which the file does not have"
                        )
                        spot = image.spots[where, name]
                        hint = meant(name, plans) or "take it out, or add it under `plans`"
                        self.findings.append(
                            Finding("unknown-plan", "warning", sentence, *spot, hint=hint, found=name, wanted="a plan")
                        )


def _wrong(spot: Spot, sentence: str, hint: str | None, *, found: str) -> Finding:
    return Finding("wrong-value", "error", sentence, *spot, hint=hint, found=found, wanted=hint)


def _entries(doc: Doc | None) -> Mapping[str, Doc]:
    """What a mapping holds; nothing where it is none."""
    return doc.value if doc is not None and isinstance(doc.value, dict) else {}
