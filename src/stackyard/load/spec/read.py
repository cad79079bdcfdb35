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

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from stackyard.errors import FileProblem, InvalidValue
from stackyard.load.links import inside
from stackyard.load.spec import schema
from stackyard.load.spec.policy import policy_in
from stackyard.load.spec.schema import known
from stackyard.load.spec.values import STABLE, Ecr, Spec, SpecImage, SpecPlan, unnamed_plan
from stackyard.load.spec.versions import VersionsFile, versions_in
from stackyard.load.tree.staging import FilesEntry, files_entry
from stackyard.load.yaml import Doc, read
from stackyard.model.age import Age
from stackyard.model.ecr import Account, Region
from stackyard.model.names import ImageName, Name, Tag, VersionName, nearest
from stackyard.model.reference import Repository
from stackyard.model.stack import Command, Finding, TagTemplates
from stackyard.model.tags import PLACES, render

TOP_KEYS = known(schema.TOP)
IMAGE_KEYS = known(schema.IMAGE)
TAG_KEYS = known(schema.TAG)
PLAN_KEYS = known(schema.PLAN)
COMMAND_KEYS = known(schema.COMMAND)
ECR_KEYS = known(schema.ECR)
FILES_KEYS = known(schema.FILES)
COMMON = "common"

_N = TypeVar("_N", bound=Name)


def read_spec(data: bytes, path: str, needs_images: bool = True) -> tuple[Spec, tuple[Finding, ...]]:
    """Read one spec.yml.

    Args:
        path: what messages call it.
        needs_images: whether a file without `images:` is an error; a stackyard.yml may leave them to discovery.
    """
    reader = _Reader(read(data, path), needs_images)
    return reader.spec(path), tuple(reader.findings)


class _Reader:
    """Reads one file and keeps what it finds on the way: one wrong value never hides another."""

    def __init__(self, doc: Doc, needs_images: bool) -> None:
        self._doc = doc
        self._needs_images = needs_images
        self.findings: list[Finding] = []

    def spec(self, path: str) -> Spec:
        """The whole file."""
        top = self._doc.mapping("the file")
        self._unknown_keys(self._doc, TOP_KEYS, "the file")
        if "images" not in top and self._needs_images:
            raise self._doc.problem("there is no `images:`", "list each image folder under `images:`")
        plans = tuple(self._plans(top))
        images = tuple(self._images(top["images"])) if "images" in top else ()
        self._unknown_plans(images, [plan.name for plan in plans if plan.name is not None])
        self._roots(top.get("root"), [image.name for image in images])
        return Spec(
            path,
            name=self._text(top, "name", "`name`"),
            registry=self._registry(top.get("registry")),
            source=self._text(top, "source", "`source`"),
            plans=plans,
            images=images,
            commands=tuple(self._commands(top)),
            vars=self._vars(top, "the file"),
            groups=self._groups(top.get("groups"), images),
            build_args=_texts_of(top["build_args"], "`build_args`") if "build_args" in top else (),
            ecr=self._ecr(top.get("ecr")),
            policy=policy_in(top, self._unknown_keys),
            max_age=self._name(Age, top, "max_age"),
            files=tuple(self._files_by_image(top["files"])) if "files" in top else (),
            network=self._word(top, "network", schema.NETWORK, "the file") or "",
            granularity=self._word(top, "granularity", schema.GRANULARITY, "the file"),
        )

    # The file's own keys.

    def _registry(self, doc: Doc | None) -> str | None:
        if doc is None:
            return None
        text = doc.text("`registry`")
        if not Repository.form.fullmatch(f"{text.rstrip('/')}/name"):
            raise doc.problem(f"{text!r} is not a valid registry", "a registry is lower case: ghcr.io/OWNER")
        return text

    def _ecr(self, doc: Doc | None) -> Ecr | None:
        """`ecr:`; empty, it still says that images are published there."""
        if doc is None:
            return None
        values = doc.mapping("`ecr`")
        self._unknown_keys(doc, ECR_KEYS, "`ecr`")
        return Ecr(self._name(Account, values, "account"), self._name(Region, values, "region"))

    def _name(self, kind: type[_N], values: Mapping[str, Doc], key: str) -> _N | None:
        """A name of one kind; one without its form is an error finding, and counts as none."""
        text = self._text(values, key, f"`{key}`")
        try:
            return None if text is None else kind.parse(text)
        except InvalidValue as problem:
            self._problem(values[key].problem(str(problem), problem.hint))
            return None

    def _plans(self, top: Mapping[str, Doc]) -> Iterator[SpecPlan]:
        """Plans under whichever of their two names; else the unnamed one."""
        key = next((key for key in ("plans", "tags") if key in top), None)
        if key is None:
            yield self._tag(top.get("tag"))
            return
        entries = list(_one_key_maps(top[key]))
        if not entries:
            yield unnamed_plan(line=top[key].line)
        for name, doc, line in entries:
            values = doc.mapping(f"plan {name!r}")
            self._unknown_keys(doc, PLAN_KEYS, f"plan {name!r}")
            if not VersionName.form.fullmatch(name):
                raise doc.problem(f"{name!r} is not a valid plan name", VersionName.hint)
            prefix = self._prefix(values, "tag_prefix", f"`tag_prefix` of plan {name!r}")
            stable = self._text(values, "tag_stable_postfix", f"`tag_stable_postfix` of plan {name!r}")
            # A plan without a prefix is tagged `latest`, as it always was.
            templates = unnamed_plan(prefix).templates if prefix else TagTemplates((), ("latest",))
            variables = self._vars(values, f"plan {name!r}")
            yield SpecPlan(VersionName(name), prefix, STABLE if stable is None else stable, templates, line, variables)

    def _tag(self, doc: Doc | None) -> SpecPlan:
        """`tag:` with its prefix, and templates where the file has its own."""
        if doc is None:
            return unnamed_plan()
        values = doc.mapping("`tag`")
        self._unknown_keys(doc, TAG_KEYS, "`tag`")
        default = unnamed_plan(self._prefix(values, "prefix", "`tag.prefix`"), line=doc.line)
        own = self._own_names()
        fixed = _templates(values["fixed"], "`tag.fixed`", own) if "fixed" in values else default.templates.fixed
        moving = _templates(values["moving"], "`tag.moving`", own) if "moving" in values else default.templates.moving
        latest = () if "moving" in values else default.templates.default_branch
        return msgspec.structs.replace(default, templates=TagTemplates(fixed, moving, latest))

    def _own_names(self) -> Iterator[str]:
        """Names of `vars`, the file's and those of its images."""
        images = _entries(_entries(self._doc).get("images"))
        for doc in (self._doc, *images.values()):  # what has the wrong type is told where it is read
            yield from _entries(_entries(doc).get("vars"))

    def _prefix(self, values: Mapping[str, Doc], key: str, what: str) -> str | None:
        """A prefix, which must be able to begin a tag; an empty one is none."""
        text = self._text(values, key, what)
        if text and not Tag.form.fullmatch(text):
            raise values[key].problem(f"{what} {text!r} cannot begin a tag", Tag.hint)
        return text or None

    def _vars(self, values: Mapping[str, Doc], where: str) -> tuple[tuple[str, str], ...]:
        return _texts_of(values["vars"], f"`vars` of {where}") if "vars" in values else ()

    def _groups(self, doc: Doc | None, images: Sequence[SpecImage]) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Named sets of images; a member that is no image is a warning."""
        groups = []
        names = [image.name for image in images]
        for name, members in (doc.mapping("`groups`") if doc is not None else {}).items():
            listed = members.texts(f"group {name!r}")
            groups.append((name, tuple(listed)))
            for member in listed:
                if names and member.partition("/")[0] not in names:
                    sentence = f"group {name!r} names {member!r}, which is no image"
                    hint = _meant(member, names)
                    self.findings.append(
                        Finding("unknown-member", "warning", sentence, self._doc.path, members.line, hint=hint)
                    )
        return tuple(groups)

    def _commands(self, top: Mapping[str, Doc]) -> Iterator[Command]:
        """The table of commands, under whichever of its two names."""
        key = "all_info_cmds" if "all_info_cmds" in top else "manifests"
        for name, doc in (top[key].mapping(f"`{key}`") if key in top else {}).items():
            where = f"command {name!r}"
            values = doc.mapping(where)
            self._unknown_keys(doc, COMMAND_KEYS, where)
            if "command" not in values:
                self._problem(doc.problem(f"{where} has no `command`"))
                continue
            description = self._text(values, "description", f"`description` of {where}")
            yield Command(name, description or name, values["command"].text(f"`command` of {where}"))

    def _roots(self, doc: Doc | None, images: Sequence[ImageName]) -> None:
        """`root` is a text or a list; it says nothing that `depend_on` does not, and is only checked."""
        if doc is None:
            return
        for name in doc.texts("`root`"):
            if name not in images:
                sentence = f"`root` names {name!r}, which `images:` does not define"
                self.findings.append(Finding("unknown-root", "warning", sentence, doc.path, doc.line))

    # Images.

    def _images(self, doc: Doc) -> Iterator[SpecImage]:
        for name, entry in doc.mapping("`images`").items():
            if not ImageName.form.fullmatch(name) or name in (".", ".."):
                self._problem(doc.problem_at(name, f"{name!r} is not a valid image name", ImageName.hint))
                continue
            try:
                yield self._image(ImageName(name), entry, doc.key_lines.get(name, entry.line))
            except FileProblem as problem:
                self._problem(problem)
                yield SpecImage(ImageName(name), doc.key_lines.get(name, entry.line))

    def _image(self, name: ImageName, doc: Doc, line: int) -> SpecImage:
        where = f"image {name!r}"
        values = doc.mapping(where)
        self._unknown_keys(doc, IMAGE_KEYS, where)
        for key in ("prune", "prepull", "basic_tests"):
            self._flag(values, key, where)
        common, per_plan = self._arguments(values, where)
        commands = values.get("info_cmds", values.get("manifests"))
        return SpecImage(
            name,
            line,
            image_name=self._text(values, "image_name", f"`image_name` of {where}"),
            depend_on=tuple(values["depend_on"].texts(f"`depend_on` of {where}")) if "depend_on" in values else (),
            args=common,
            plan_args=per_plan,
            skip_plans=tuple(map(VersionName, values["skip_plans"].texts(f"`skip_plans` of {where}")))
            if "skip_plans" in values
            else (),
            info_cmds=tuple(commands.texts(f"the commands of {where}")) if commands is not None else (),
            integration_tests=self._flag(values, "integration_tests", where),
            skip=_skip(values.get("skip"), where),
            vars=self._vars(values, where),
            dockerfile=inside(values["dockerfile"], f"`dockerfile` of {where}") if "dockerfile" in values else None,
            context=inside(values["context"], f"`context` of {where}") if "context" in values else None,
            versions=self._versions(values.get("versions"), where),
            max_age=self._name(Age, values, "max_age"),
            files=tuple(self._files(values["files"], f"`files` of {where}")) if "files" in values else (),
            stage=self._text(values, "target", f"`target` of {where}"),
            network=self._word(values, "network", schema.NETWORK, where) or "",
            granularity=self._word(values, "granularity", schema.GRANULARITY, where),
        )

    def _files_by_image(self, doc: Doc) -> Iterator[tuple[str, int | None, tuple[FilesEntry, ...]]]:
        for name, entries in doc.mapping("`files`").items():
            yield name, doc.key_lines.get(name), tuple(self._files(entries, f"`files` of image {name!r}"))

    def _files(self, doc: Doc, what: str) -> Iterator[FilesEntry]:
        """Entries of one image; each wrong one is an error finding."""
        if doc.value is not None and not isinstance(doc.value, list):
            self._problem(doc.problem(f"{what} should be a list", "each entry is {from: PATH, to: PATH}"))
            return
        for entry in doc.value or ():
            try:
                self._unknown_keys(entry, FILES_KEYS, f"an entry of {what}")
                yield files_entry(entry, f"an entry of {what}")
            except FileProblem as problem:
                self._problem(problem)

    def _versions(self, doc: Doc | None, where: str) -> VersionsFile | None:
        if doc is None:
            return None
        versions, findings = versions_in(doc, f"`versions` of {where}")
        self.findings.extend(findings)
        return versions if versions.versions else None

    def _arguments(
        self, values: Mapping[str, Doc], where: str
    ) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[VersionName, tuple[tuple[str, str], ...]], ...]]:
        """`build_args` and `dbuild_env.common` for every plan; the rest of `dbuild_env` by plan."""
        common: dict[str, str] = {}
        per_plan = []
        for name, doc in (
            values["dbuild_env"].mapping(f"`dbuild_env` of {where}") if "dbuild_env" in values else {}
        ).items():
            args = _texts_of(doc, f"`dbuild_env.{name}` of {where}")
            if name == COMMON:
                common.update(args)
            else:
                per_plan.append((VersionName(name), args))
        if "build_args" in values:
            common.update(_texts_of(values["build_args"], f"`build_args` of {where}"))
        return tuple(common.items()), tuple(per_plan)

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
                        hint = _meant(name, plans)
                        self.findings.append(
                            Finding("unknown-plan", "warning", sentence, self._doc.path, image.line, hint=hint)
                        )

    # Findings.

    def _text(self, values: Mapping[str, Doc], key: str, what: str) -> str | None:
        """Text, or None where the key is absent or has no value."""
        return values[key].text(what) if key in values and values[key].value is not None else None

    def _word(self, values: Mapping[str, Doc], key: str, kind: schema.Kind, where: str) -> str | None:
        """One of a few words; another is an error finding."""
        text = self._text(values, key, f"`{key}` of {where}")
        if text is not None and text not in kind.schema["enum"]:
            self._problem(values[key].problem(f"`{key}` of {where} is {text!r}", f"it may be {kind.words}"))
        return text

    def _flag(self, values: Mapping[str, Doc], key: str, where: str) -> bool:
        """True or false; anything else is an error finding, and counts as false."""
        if key not in values:
            return False
        try:
            return values[key].flag(f"`{key}` of {where}")
        except FileProblem as problem:
            self._problem(problem)
            return False

    def _problem(self, problem: FileProblem) -> None:
        """An error that does not keep the rest of the file from being read."""
        self.findings.append(Finding.of("wrong-value", problem))

    def _unknown_keys(self, doc: Doc, known: tuple[str, ...], where: str) -> None:
        for key in doc.mapping(where):
            if key in known or key.startswith("x-"):
                continue
            hint = _meant(key, known) or "keys of your own start with 'x-'"
            sentence = f"{where} has a key {key!r} that nothing reads"
            line = doc.key_lines.get(key)
            self.findings.append(Finding("unknown-key", "warning", sentence, doc.path, line, hint=hint))


def _skip(doc: Doc | None, where: str) -> str | None:
    """`skip: true`, or the reason as text."""
    if doc is None or (doc.tag == "bool" and not doc.flag("`skip`")):
        return None
    return "the spec says so" if doc.tag == "bool" else doc.text(f"`skip` of {where}")


def _entries(doc: Doc | None) -> Mapping[str, Doc]:
    """What a mapping holds; nothing where it is none."""
    return doc.value if doc is not None and isinstance(doc.value, dict) else {}


def _meant(name: str, known: Sequence[str]) -> str | None:
    near = nearest(name, [str(word) for word in known])
    return f"did you mean {near!r}?" if near else None


def _texts_of(doc: Doc, where: str) -> tuple[tuple[str, str], ...]:
    """Names and values of build arguments, as they are written."""
    return tuple((key, value.text(f"argument {key!r} in {where}")) for key, value in doc.mapping(where).items())


def _templates(doc: Doc, what: str, own: Iterable[str]) -> tuple[str, ...]:
    """Templates of tags; one that can never give a tag is refused where it stands.

    Args:
        own: names of `vars`, of the file or of any image.
    """
    texts = doc.texts(what)
    for text, place in zip(texts, doc.value if isinstance(doc.value, list) else [doc] * len(texts), strict=True):
        try:
            render(text, dict.fromkeys((*PLACES, *own), "0"))
        except InvalidValue as problem:
            raise place.problem(str(problem), problem.hint) from None
    return tuple(texts)


def _one_key_maps(doc: Doc) -> Iterator[tuple[str, Doc, int]]:
    """Name, value and line of each entry of a mapping, or of a list of mappings."""
    for part in doc.value if isinstance(doc.value, list) else [doc]:
        for name, value in part.mapping("a plan").items():
            yield name, value, part.key_lines.get(name, value.line)
