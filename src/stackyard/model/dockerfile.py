# SPDX-License-Identifier: MIT
"""What a Dockerfile says, as far as a stack needs to know: stages, references, arguments, copied paths.

In:   values that `load/dockerfile` read; build arguments
Out:  images it is built from, paths of the build context it reads, with variables replaced
Pure.

Scopes, as BuildKit has them: `FROM` sees the arguments before the first `FROM` and nothing else;
a stage sees what it declares, and what the stage it is built on declared; of two that set one name
the later wins. An ARG behind an ENV of its name wins for BuildKit and not for Buildah: where their
values differ it counts as unknown, never as empty. So does what the environment of an image outside
this file may hold.

`ONBUILD` counts where it acts: in each stage of this file that is built on the stage with it, not
in that stage itself. For images built elsewhere on this one it is in the last stage's `triggers`,
which their `copied_paths` takes as an argument.
"""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

import msgspec

from stackyard.errors import InvalidValue
from stackyard.model.inputs import BlobId
from stackyard.model.instructions import Arg, Body, Copied, CopiedPath, Env, Mention, Remote, Stage, Use
from stackyard.model.reference import Reference
from stackyard.model.words import expand, expand_known

__all__ = [
    "SCRATCH",
    "SYNTAX_ARG",
    "Arg",
    "Body",
    "Copied",
    "CopiedPath",
    "Dockerfile",
    "Env",
    "Mention",
    "Remote",
    "Stage",
    "Use",
    "expand",
]

SCRATCH = "scratch"

SYNTAX_ARG = "BUILDKIT_SYNTAX"
"""The build argument that replaces a `# syntax=` line, or stands for one."""

_COMMIT = re.compile(r"(?:#|[?&]commit=)[0-9a-f]{40}(?:[:&#]|$)")
"""A git address that names a whole commit id."""

_REMOTE = r"(?i:https?|git|ssh)://|[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+:"

_PREDEFINED = tuple(f"{side}{part}" for side in ("TARGET", "BUILD") for part in ("PLATFORM", "OS", "ARCH", "VARIANT"))

Scope = dict[str, str | None]
"""Values of variables; None for a name that is set to something unknown here."""


class Places(msgspec.Struct, frozen=True):
    """Where a file names what: for those who tell of it, and not for those who build."""

    mentions: tuple[Mention, ...] = ()
    columns: Mapping[tuple[int, str], tuple[int, int]] = {}


class FoundLater:
    """Places of a file, looked for when somebody first asks: of a stack without findings nobody does."""

    __slots__ = ("_find", "_found")

    def __init__(self, find: Callable[[], Places] = Places) -> None:
        self._find = find
        self._found: Places | None = None

    @property
    def places(self) -> Places:
        """What was found."""
        if self._found is None:
            self._found = self._find()
        return self._found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FoundLater) and self.places == other.places

    __hash__ = None  # type: ignore[assignment]


class LastAnswer:
    """What a file was last asked, and what it said: who makes a target asks the same of it several times."""

    __slots__ = ("answer", "asked")

    def __init__(self) -> None:
        self.asked: tuple[Mapping[str, str], str, Body] | None = None
        self.answer: tuple[tuple[Use | _Inside | _Read, str], ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LastAnswer)  # it says nothing of the file

    __hash__ = None  # type: ignore[assignment]


class Dockerfile(msgspec.Struct, frozen=True):
    """All stages of one file, and the arguments that stand before the first `FROM`."""

    path: str
    args: tuple[Arg, ...]
    stages: tuple[Stage, ...]
    syntax: Use | None = None
    escape: str = "\\"
    runs: tuple[int, ...] = ()
    """Lines of RUN: each sees every argument of its stage in its environment."""
    meant: BlobId = BlobId.of(b"")
    """git's id of what engines see of the file: all but comments and empty lines."""
    meant_until: tuple[BlobId, ...] = ()
    """The same up to the end of each stage: what stands behind the stage that is the image, none can reach."""
    written: FoundLater = msgspec.field(default_factory=FoundLater)
    last: LastAnswer = msgspec.field(default_factory=LastAnswer)

    @property
    def mentions(self) -> tuple[Mention, ...]:
        """Every place that names a variable, file order."""
        return self.written.places.mentions

    @property
    def columns(self) -> Mapping[tuple[int, str], tuple[int, int]]:
        """Line and column of a name or an image, by the line where its instruction begins, and its text."""
        return self.written.places.columns

    def at(self, line: int, text: str) -> tuple[str, int, int | None]:
        """File, line and column of a text in the instruction that begins at `line`; else where that begins."""
        return (self.path, *self.columns.get((line, text), (line, None)))

    @property
    def declared_in_stages(self) -> frozenset[str]:
        """Arguments that some stage declares: their values can become content."""
        return frozenset(arg.name for stage in self.stages for arg in stage.args)

    @property
    def declared(self) -> frozenset[str]:
        """Every argument the file declares anywhere."""
        return self.declared_in_stages | {arg.name for arg in self.args}

    def external_uses(self, passed: Mapping[str, str], platform: str = "") -> tuple[tuple[Use, str], ...]:
        """Each use of an image that is not a stage of this file, with variables replaced.

        Args:
            passed: build arguments given by the caller; they win over defaults.
            platform: what `TARGETARCH` and its kin are made from; they have no value without.

        Those of `places` that are outside.
        """
        return tuple((use, text) for use, text, is_outside in self.places(passed, platform) if is_outside)

    def places(self, passed: Mapping[str, str], platform: str = "") -> tuple[tuple[Use, str, bool], ...]:
        """Each place that names an image or a stage, with its evaluated text, and whether that is outside the file.

        Order of the file, duplicates kept; `scratch`, names and numbers of stages are inside. A text that
        cannot be evaluated is returned as it is written: it is no reference, and says so when read as one.
        BuildKit refuses variables in `--from`; Buildah takes those of the stage, so they are replaced here.
        """
        found: list[tuple[Use, str, bool]] = []
        syntax = passed.get(SYNTAX_ARG) or (self.syntax.text if self.syntax else "")
        if syntax:
            found.append((self.syntax or Use("syntax", syntax, 1), syntax, True))
        for event, text in self._events(passed, platform, Body()):
            if isinstance(event, _Inside):
                found.append((event.use, text, False))
            elif isinstance(event, Use):
                found.append((event, text, True))
        return tuple(found)

    def platforms(self, passed: Mapping[str, str], platform: str, native: str) -> tuple[tuple[str, str], ...]:
        """Each image outside the file that it names, canonical, and the platform that it is wanted for there.

        Args:
            native: what `BUILDPLATFORM` is: of the engine that builds.
        """
        system, _, architecture = native.partition("/")
        native_is = {"BUILDPLATFORM": native, "BUILDOS": system, "BUILDARCH": architecture}
        values = {**native_is, **self.global_values(passed, platform)}
        asked = {stage.base: stage.platform for stage in self.stages if stage.platform}
        found = []
        for use, text in self.external_uses(passed, platform):
            with suppress(InvalidValue):
                name = Reference.parse(text).canonical
                found.append((name, _lenient(asked[use], values, self.escape) if use in asked else platform))
        return tuple(found)

    def until(self, stage: str) -> Dockerfile | None:
        """The file as far as an engine needs it for one stage; None where none has this name.

        BuildKit takes no number for a name here.
        """
        found = [at for at, each in enumerate(self.stages) if each.name == stage.lower()]
        if not found:
            return None
        count = found[-1] + 1
        ends = self.meant_until[:count]
        return msgspec.structs.replace(
            self,
            stages=self.stages[:count],
            meant=ends[-1] if ends else self.meant,
            meant_until=ends,
            last=LastAnswer(),
        )

    def foundation(self, passed: Mapping[str, str], platform: str = "") -> str:
        """The image outside this file (or `scratch`) whose layers the last stage's own stand on."""
        events = self._events(passed, platform, Body())
        texts = {event.use if isinstance(event, _Inside) else event: text for event, text in events}
        below: dict[str, str] = {}
        text = SCRATCH
        for stage in self.stages:
            text = texts[stage.base]
            text = below.get(text.lower(), text)
            if stage.name:
                below[stage.name] = text
        return text

    def copied_paths(
        self, passed: Mapping[str, str], platform: str = "", triggers: Body | None = None
    ) -> tuple[CopiedPath, ...]:
        """Each path or pattern of the build context that an instruction reads, with variables replaced.

        Args:
            passed: build arguments given by the caller; they win over defaults.
            platform: as for `external_uses`.
            triggers: what `ONBUILD` of the image outside this file says that stages are built on.

        Order of the file, duplicates kept. Sources of other stages and images, remote sources and
        heredocs are left out.
        """
        return tuple(
            path
            for event, _ in self._events(passed, platform, triggers or Body())
            if isinstance(event, _Read)
            for path in event.paths
        )

    def remotes(self, passed: Mapping[str, str], platform: str = "") -> tuple[Remote, ...]:
        """Each source of ADD that is no path of the build context, in the order of the file."""
        bodies = (body for stage in self.stages for body in (stage, stage.triggers))
        if not any(copied.how == "add" for body in bodies for copied in body.copies):
            return ()
        events = self._events(passed, platform, Body())
        return tuple(remote for event, _ in events if isinstance(event, _Read) for remote in event.remotes)

    def global_values(self, passed: Mapping[str, str], platform: str = "") -> dict[str, str]:
        """What `FROM` sees of the arguments before it, passed ones winning over defaults.

        One with neither is set and empty there, whatever it was before; a stage that declares it has no value.
        """
        values = _predefined(passed, platform)
        for arg in self.args:
            if arg.name in passed:
                values[arg.name] = passed[arg.name]
            else:
                values[arg.name] = _lenient(arg.default or "", values, self.escape)
        return values

    def _stage_values(self, passed: Mapping[str, str], before: Mapping[str, str]) -> Mapping[str, str]:
        """What a stage gets of the arguments before the first FROM when it declares them."""
        without = {arg.name for arg in self.args if arg.name not in passed and arg.default is None}
        return {name: value for name, value in before.items() if name not in without} if without else before

    def _events(
        self, passed: Mapping[str, str], platform: str, triggers: Body
    ) -> tuple[tuple[Use | _Inside | _Read, str], ...]:
        """Uses of images and stages, and what is read, in order, with their evaluated text."""
        asked = (dict(passed), platform, triggers)
        if self.last.asked != asked:
            self.last.answer, self.last.asked = tuple(self._evaluated(*asked)), asked
        return self.last.answer

    def _evaluated(
        self, passed: Mapping[str, str], platform: str, triggers: Body
    ) -> Iterator[tuple[Use | _Inside | _Read, str]]:
        before = self.global_values(passed, platform)
        given = self._stage_values(passed, before)
        every_name = {stage.name for stage in self.stages if stage.name}
        earlier: dict[str, tuple[Stage, Scope, set[str]]] = {}
        for stage in self.stages:
            base = _lenient(stage.base.text, before, self.escape)
            # Upper case is no stage for BuildKit, and no image for anybody: nothing is lost by taking it.
            below = earlier.get(base.lower())
            yield (stage.base if below is None and base != SCRATCH else _Inside(stage.base)), base
            scope: Scope = dict(below[1]) if below else {}
            named = set(below[2]) if below else set[str]()
            inherited = below[0].triggers if below else triggers
            for body in (inherited, stage):
                if body.args or body.env or body.uses or body.copies:
                    yield from self._follow(body, scope, named, passed, given, every_name)
            if stage.name:
                earlier[stage.name] = (stage, scope, named)

    def _follow(
        self,
        body: Body,
        scope: Scope,
        named: set[str],
        passed: Mapping[str, str],
        given: Mapping[str, str],
        stages: set[str],
    ) -> Iterator[tuple[Use | _Inside | _Read, str]]:
        """Walk through one body line by line; `scope`, and what of it is `named` by ENV, change on the way."""
        environment: Scope = {}
        line = 0
        events: list[Arg | Env | Use | Copied] = [*body.args, *body.env, *body.uses, *body.copies]
        events.sort(key=_line)
        for event in events:
            if event.line != line:
                line, environment = event.line, dict(scope)
            if isinstance(event, Arg):
                before = scope.get(event.name)
                self._declare(event, scope, passed, given)
                if event.name in named and scope.get(event.name) != before:
                    scope[event.name] = None
            elif isinstance(event, Env):
                # All variables of one ENV see what was there before it.
                scope[event.name] = self._known(event.value, environment)
                named.add(event.name)
            elif isinstance(event, Copied):
                yield _Read(tuple(self._paths(event, scope)), tuple(self._remotes(event, scope))), ""
            else:
                text = (self._known(event.text, scope) or event.text) if "$" in event.text else event.text
                is_inside = text.lower() in stages or text.removeprefix("+").isdecimal() or text == SCRATCH
                yield (_Inside(event) if is_inside else event), text

    def _declare(self, arg: Arg, scope: Scope, passed: Mapping[str, str], given: Mapping[str, str]) -> None:
        if arg.name in passed:
            scope[arg.name] = passed[arg.name]
        elif arg.default is not None:
            scope[arg.name] = self._known(arg.default, scope)
        elif arg.name in given:
            scope[arg.name] = given[arg.name]

    def _known(self, text: str, scope: Scope) -> str | None:
        """`text` with variables replaced; None where one is unknown, or the text is refused."""
        try:
            value, missing = expand_known(text, scope, self.escape)
        except InvalidValue:
            return None
        return None if missing else value

    def _paths(self, copied: Copied, scope: Scope) -> Iterator[CopiedPath]:
        excluded = [self._known(pattern, scope) for pattern in copied.exclude]
        # A pattern that is not known could be one that takes others back.
        exclude = tuple(text for text in excluded if text) if None not in excluded else ()
        for source in copied.sources:
            text = self._known(source, scope)
            if text is None:
                yield CopiedPath(copied.how, None, copied.line)
            elif copied.how != "add" or not re.match(_REMOTE, text):
                # Windows files escape with a backquote, so that a backslash can part folders.
                text = text if self.escape == "\\" else text.replace("\\", "/")
                pivot = text.partition("/./")[0] if copied.parents and "/./" in text else "."
                yield CopiedPath(copied.how, _inside(text), copied.line, exclude, copied.parents, _inside(pivot))

    def _remotes(self, copied: Copied, scope: Scope) -> Iterator[Remote]:
        has_checksum = bool(copied.checksum and self._known(copied.checksum, scope))  # a variable may have no value
        for source in copied.sources if copied.how == "add" else ():
            text = self._known(source, scope) or source
            if re.match(_REMOTE, text):
                yield Remote(text, copied.line, has_checksum or bool(_COMMIT.search(text)))


def resolved(
    dockerfile: Dockerfile, text: str, passed: Mapping[str, str], platform: str, used: Mapping[str, str]
) -> str:
    """The file's text, with what was used in place of each image that it names; one that nobody knows stays.

    Args:
        used: by canonical reference, or by that of a repository.
    """
    lines = text.splitlines(keepends=True)
    places: set[tuple[int, int, str, str]] = set()
    for use, told in dockerfile.external_uses(passed, platform):
        with suppress(InvalidValue):
            reference, at = Reference.parse(told), dockerfile.columns.get((use.line, use.text))
            image = used.get(reference.canonical) or used.get(reference.repository.canonical)
            if image is not None and at is not None:
                places.add((*at, use.text, image))
    for number, column, was, image in sorted(places, reverse=True):  # from the right: columns before it stay
        line = lines[number - 1]
        if line[column - 1 :].startswith(was):
            lines[number - 1] = line[: column - 1] + image + line[column - 1 + len(was) :]
    return "".join(lines)


class _Read(msgspec.Struct, frozen=True):
    """What one instruction reads of the build context, and from elsewhere."""

    paths: tuple[CopiedPath, ...]
    remotes: tuple[Remote, ...]


class _Inside(msgspec.Struct, frozen=True):
    """A use of a stage of the file, or of nothing."""

    use: Use


def _line(event: Arg | Env | Use | Copied) -> int:
    return event.line


def _lenient(text: str, values: Mapping[str, str], escape: str) -> str:
    """`text` with variables replaced, or as it is written where that is refused."""
    try:
        return expand(text, values, escape)
    except InvalidValue:
        return text


def _inside(path: str) -> str:
    """`path` relative to the root of the build context, which `..` never leaves."""
    return posixpath.normpath("/" + path).lstrip("/") or "."


def _predefined(passed: Mapping[str, str], platform: str) -> dict[str, str]:
    """The arguments that an engine defines by itself: those about the target, and any that is passed."""
    return {**_about(platform), **{name: passed[name] for name in _PREDEFINED if name in passed}}


@functools.cache
def _about(platform: str) -> Mapping[str, str]:
    if not platform:
        return {}
    system, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    return {
        "TARGETPLATFORM": platform,
        "TARGETOS": system,
        "TARGETARCH": architecture,
        "TARGETVARIANT": variant,
    }
