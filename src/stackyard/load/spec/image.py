# SPDX-License-Identifier: MIT
"""One entry of `images:` in spec.yml, in every dialect.

In:   Doc
Out:  SpecImage with the place of everything that others may have a word about; findings
Beside: read (the whole file)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from stackyard.errors import FileProblem
from stackyard.load.links import inside
from stackyard.load.spec import image_keys, kinds
from stackyard.load.spec.collect import Collector
from stackyard.load.spec.kinds import known
from stackyard.load.spec.values import SpecImage, SpecTests
from stackyard.load.yaml import Doc
from stackyard.model.names import ImageName, VersionName
from stackyard.model.spot import Spot

if TYPE_CHECKING:
    from stackyard.load.spec.checks import SpecChecks
    from stackyard.load.spec.locks import SpecLock
    from stackyard.load.spec.versions import VersionsFile
    from stackyard.load.tree.staging import FilesEntry

IMAGE_KEYS = known(image_keys.IMAGE)
FILES_KEYS = known(image_keys.FILES)
TESTS_KEYS = known(image_keys.TESTS)
NO_TESTS = SpecTests()
COMMON = "common"
OTHER_WORDS = {
    "args": "build_args",
    "arguments": "build_args",
    "variables": "vars",
    "base": "depend_on",
    "parent": "depend_on",
    "parents": "depend_on",
    "commands": "info_cmds",
}
"""What people call keys of an image, and which one they mean."""
_PLACED = ("image_name", "integration_tests", "dockerfile", "context", "versions", "target", "platforms")
"""Keys that others may have a word about."""
_WORDS = {"inventories": kinds.INVENTORIES, "network": kinds.NETWORK, "granularity": kinds.GRANULARITY}


class ImageReader(Collector):
    """Reads entries; a wrong value of one counts as none, and hides no other."""

    def image(self, name: ImageName, doc: Doc, spot: Spot) -> SpecImage:
        """What the entry that stands at `spot` says."""
        where = f"image {name!r}"
        self._name = name
        values = self.mapping(doc, where)
        self.unknown_keys(doc, IMAGE_KEYS, where, OTHER_WORDS)
        for key in ("prepull", "basic_tests"):
            self.flag(values, key, where)
        spots: dict[tuple[str, ...], Spot] = {("image",): spot}
        common, per_plan = self._arguments(values, where, spots)
        parents = self._named(values.get("depend_on"), "depend_on", where, spots)
        commands = self._named(values.get("info_cmds", values.get("manifests")), "info_cmds", where, spots)
        skipped = self._named(values.get("skip_plans"), "skip_plans", where, spots)
        for key in _PLACED:
            if key in values:
                spots[key,] = values[key].at()
        said = {
            field: value
            for field, key, read in _FIELDS
            if key in values and (value := read(self, values, key, where)) is not None
        }
        return SpecImage(
            name,
            spot.line,
            depend_on=parents,
            args=common,
            plan_args=per_plan,
            skip_plans=tuple(map(VersionName, skipped)),
            info_cmds=commands,
            spots=spots,
            **said,
        )

    def checks(self, values: Mapping[str, Doc], key: str, where: str) -> SpecChecks | None:
        """What an image has to be like."""
        if key not in values:
            return None
        from stackyard.load.spec.checks import checks_in  # few stacks say

        return checks_in(values[key], self, f"`{key}` of {where}")

    def tests(self, values: Mapping[str, Doc], key: str, where: str) -> SpecTests:
        """How tests run."""
        if key not in values:
            return NO_TESTS
        what = f"`{key}` of {where}"
        inner = self.mapping(values[key], what)
        self.unknown_keys(values[key], TESTS_KEYS, what)
        flags = {key: self.flag(inner, key, what) for key in ("inherit", "parallel") if key in inner}
        return SpecTests(self.age(inner), flags.get("inherit"), flags.get("parallel"))

    def _lock(self, values: Mapping[str, Doc], key: str, where: str) -> SpecLock:
        """A lock that is named like the image."""
        from stackyard.load.spec.locks import lock_in  # few stacks say

        return lock_in(values[key], self._name, values[key].at(), self, f"`{key}` of {where}")

    def _named(self, doc: Doc | None, key: str, where: str, spots: dict[tuple[str, ...], Spot]) -> tuple[str, ...]:
        """Texts; `spots` is told where each stands."""
        if doc is None:
            return ()
        what = "the commands" if key == "info_cmds" else f"`{key}`"  # they have another name, too
        found = self.texts(doc, f"{what} of {where}")
        for text, spot in found:
            spots[key, text] = spot
        return tuple([text for text, _ in found])

    def _path(self, values: Mapping[str, Doc], key: str, where: str) -> str | None:
        """A path in the repository."""
        try:
            return inside(values[key], f"`{key}` of {where}")
        except FileProblem as problem:
            self.problem(problem)
            return None

    def _skip(self, values: Mapping[str, Doc], key: str, where: str) -> str | None:
        """`skip: true`, or the reason as text."""
        doc = values[key]
        if doc.tag != "bool":
            return self.scalar(doc, f"`{key}` of {where}")
        return "the spec says so" if doc.flag(f"`{key}`") else None

    def word(self, values: Mapping[str, Doc], key: str, where: str) -> str | None:
        """One of a few words; another is an error finding."""
        text = self.text(values, key, where)
        if text is not None and text not in _WORDS[key].schema["enum"]:
            may = _WORDS[key].words
            self.problem(values[key].problem(f"`{key}` of {where} is {text!r}", f"it may be {may}", wanted=may))
            return None
        return text

    def _only_if(self, values: Mapping[str, Doc], key: str, where: str) -> tuple[str, ...]:
        """Names of variables."""
        return tuple(text for text, _ in self.texts(values[key], f"`{key}` of {where}"))

    def _files(self, values: Mapping[str, Doc], key: str, where: str) -> tuple[FilesEntry, ...]:
        """What the build context gets."""
        return tuple(self.files(values[key], f"`{key}` of {where}"))

    def files(self, doc: Doc, what: str) -> Iterator[FilesEntry]:
        """Entries of one image; each wrong one is an error finding."""
        if doc.value is not None and not isinstance(doc.value, list):
            self.problem(
                doc.problem(f"{what} should be a list", "each entry is {from: PATH, to: PATH}", wanted="a list")
            )
            return
        from stackyard.load.tree.staging import files_entry  # few stacks say

        for entry in doc.value or ():
            try:
                self.unknown_keys(entry, FILES_KEYS, f"an entry of {what}")
                yield files_entry(entry, f"an entry of {what}")
            except FileProblem as problem:
                self.problem(problem)

    def _versions(self, values: Mapping[str, Doc], key: str, where: str) -> VersionsFile | None:
        from stackyard.load.spec.versions import versions_in  # few stacks say

        versions, findings = versions_in(values[key], f"`{key}` of {where}")
        self.findings.extend(findings)
        return versions if versions.versions else None

    def _arguments(
        self, values: Mapping[str, Doc], where: str, spots: dict[tuple[str, ...], Spot]
    ) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[VersionName, tuple[tuple[str, str], ...]], ...]]:
        """`build_args` and `dbuild_env.common` for every plan; the rest of `dbuild_env` by plan.

        Args:
            spots: is told where they stand.
        """
        common: dict[str, str] = {}
        per_plan = []
        tables = self.mapping(values["dbuild_env"], f"`dbuild_env` of {where}") if "dbuild_env" in values else {}
        for name, doc in tables.items():
            args = self.arguments(doc, f"`dbuild_env.{name}` of {where}")
            if name == COMMON:
                common.update(args)
                spots.update({("args", arg): doc.at(arg) for arg in args})
            else:
                per_plan.append((VersionName(name), tuple(args.items())))
                spots.update({("args", arg, name): doc.at(arg) for arg in args})
                spots["dbuild_env", name] = values["dbuild_env"].at(name)
        if "build_args" in values:
            doc = values["build_args"]
            for arg, text in self.arguments(doc, f"`build_args` of {where}").items():
                common[arg] = text
                spots["args", arg] = doc.at(arg)
        return tuple(common.items()), tuple(per_plan)

    def vars(self, values: Mapping[str, Doc], key: str, where: str) -> tuple[tuple[str, str], ...]:
        """Values for `{NAME}`, as they are written."""
        return tuple(self.arguments(values[key], f"`{key}` of {where}").items()) if key in values else ()


_FIELDS: tuple[tuple[str, str, Callable[[ImageReader, Mapping[str, Doc], str, str], Any]], ...] = (
    ("image_name", "image_name", ImageReader.text),
    ("integration_tests", "integration_tests", ImageReader.flag),
    ("skip", "skip", ImageReader._skip),
    ("vars", "vars", ImageReader.vars),
    ("dockerfile", "dockerfile", ImageReader._path),
    ("context", "context", ImageReader._path),
    ("versions", "versions", ImageReader._versions),
    ("max_age", "max_age", lambda reader, values, *_: reader.age(values)),
    ("timeout", "timeout", lambda reader, values, *_: reader.timeout(values)),
    ("retries", "retries", ImageReader.times),
    ("may_fail", "allowed_to_fail", ImageReader.flag),
    ("prune", "prune", ImageReader.flag),
    ("only_on", "only_on", ImageReader.platforms),
    ("only_if", "only_if", ImageReader._only_if),
    ("platforms", "platforms", ImageReader.platforms),
    ("secrets", "secrets", ImageReader.secrets),
    ("ssh", "ssh", ImageReader.secrets),
    ("checks", "checks", ImageReader.checks),
    ("tests", "tests", ImageReader.tests),
    ("lock", "lock", ImageReader._lock),
    ("files", "files", ImageReader._files),
    ("stage", "target", ImageReader.text),
    ("network", "network", ImageReader.word),
    ("granularity", "granularity", ImageReader.word),
)
"""Fields of SpecImage that one key says alone, in the order in which what is wrong is told: the key, and its reader.

An image says few of them, and what it does not say costs a stack of ten thousand nothing.
"""
