# SPDX-License-Identifier: MIT
"""One entry of `images:` in spec.yml, in every dialect.

In:   Doc
Out:  SpecImage with the place of everything that others may have a word about; findings
Beside: read (the whole file)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from stackyard.errors import FileProblem
from stackyard.load.links import inside
from stackyard.load.spec import image_keys, kinds
from stackyard.load.spec.collect import Collector
from stackyard.load.spec.kinds import known
from stackyard.load.spec.values import SpecImage, SpecTests
from stackyard.load.yaml import Doc
from stackyard.model.names import ImageName, VersionName
from stackyard.model.spot import Spot, Spots

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


class ImageReader(Collector):
    """Reads entries; a wrong value of one counts as none, and hides no other."""

    def image(self, name: ImageName, doc: Doc, spot: Spot) -> SpecImage:
        """What the entry that stands at `spot` says."""
        where = f"image {name!r}"
        values = self.mapping(doc, where)
        self.unknown_keys(doc, IMAGE_KEYS, where, OTHER_WORDS)
        for key in ("prepull", "basic_tests"):
            self.flag(values, key, where)
        common, per_plan, places = self._arguments(values, where)
        parents = self.texts(values.get("depend_on"), f"`depend_on` of {where}")
        commands = self.texts(values.get("info_cmds", values.get("manifests")), f"the commands of {where}")
        skipped = self.texts(values.get("skip_plans"), f"`skip_plans` of {where}")
        spots: Spots = {
            ("image",): spot,
            **places,
            **{("depend_on", text): at for text, at in parents},
            **{("info_cmds", text): at for text, at in commands},
            **{("skip_plans", text): at for text, at in skipped},
            **{
                (key,): values[key].at()
                for key in (
                    "image_name",
                    "integration_tests",
                    "dockerfile",
                    "context",
                    "versions",
                    "target",
                    "platforms",
                )
                if key in values
            },
        }
        return SpecImage(
            name,
            spot.line,
            image_name=self.text(values, "image_name", f"`image_name` of {where}"),
            depend_on=tuple(text for text, _ in parents),
            args=common,
            plan_args=per_plan,
            skip_plans=tuple(VersionName(text) for text, _ in skipped),
            info_cmds=tuple(text for text, _ in commands),
            integration_tests=self.flag(values, "integration_tests", where),
            skip=self._skip(values.get("skip"), where),
            vars=self.vars(values, where),
            dockerfile=self._path(values, "dockerfile", where),
            context=self._path(values, "context", where),
            versions=self._versions(values.get("versions"), where),
            max_age=self.age(values),
            timeout=self.timeout(values),
            retries=self.times(values, "retries", where),
            may_fail=self.flag(values, "allowed_to_fail", where),
            prune=self.flag(values, "prune", where),
            only_on=self.platforms(values, "only_on", where),
            only_if=tuple(text for text, _ in self.texts(values.get("only_if"), f"`only_if` of {where}")),
            platforms=self.platforms(values, "platforms", where),
            secrets=self.secrets(values, "secrets", where),
            ssh=self.secrets(values, "ssh", where),
            checks=self.checks(values, where),
            tests=self.tests(values, where),
            lock=self._lock(values["lock"], name, values["lock"].at(), where) if "lock" in values else None,
            files=tuple(self.files(values["files"], f"`files` of {where}")) if "files" in values else (),
            stage=self.text(values, "target", f"`target` of {where}"),
            network=self.word(values, "network", kinds.NETWORK, where) or "",
            granularity=self.word(values, "granularity", kinds.GRANULARITY, where),
            spots=spots,
        )

    def checks(self, values: Mapping[str, Doc], where: str) -> SpecChecks | None:
        """What an image has to be like."""
        if "checks" not in values:
            return None
        from stackyard.load.spec.checks import checks_in  # few stacks say

        return checks_in(values["checks"], self, f"`checks` of {where}")

    def tests(self, values: Mapping[str, Doc], where: str) -> SpecTests:
        """How tests run."""
        if "tests" not in values:
            return NO_TESTS
        what = f"`tests` of {where}"
        inner = self.mapping(values["tests"], what)
        self.unknown_keys(values["tests"], TESTS_KEYS, what)
        flags = {key: self.flag(inner, key, what) for key in ("inherit", "parallel") if key in inner}
        return SpecTests(self.age(inner), flags.get("inherit"), flags.get("parallel"))

    def _lock(self, doc: Doc, name: ImageName, spot: Spot, where: str) -> SpecLock:
        from stackyard.load.spec.locks import lock_in  # few stacks say

        return lock_in(doc, name, spot, self, f"`lock` of {where}")

    def _path(self, values: Mapping[str, Doc], key: str, where: str) -> str | None:
        """A path in the repository."""
        if key not in values:
            return None
        try:
            return inside(values[key], f"`{key}` of {where}")
        except FileProblem as problem:
            self.problem(problem)
            return None

    def _skip(self, doc: Doc | None, where: str) -> str | None:
        """`skip: true`, or the reason as text."""
        if doc is None or doc.tag != "bool":
            return None if doc is None else self.scalar(doc, f"`skip` of {where}")
        return "the spec says so" if doc.flag("`skip`") else None

    def word(self, values: Mapping[str, Doc], key: str, kind: kinds.Kind, where: str) -> str | None:
        """One of a few words; another is an error finding."""
        text = self.text(values, key, f"`{key}` of {where}")
        if text is not None and text not in kind.schema["enum"]:
            hint = f"it may be {kind.words}"
            self.problem(values[key].problem(f"`{key}` of {where} is {text!r}", hint, wanted=kind.words))
            return None
        return text

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

    def _versions(self, doc: Doc | None, where: str) -> VersionsFile | None:
        if doc is None:
            return None
        from stackyard.load.spec.versions import versions_in  # few stacks say

        versions, findings = versions_in(doc, f"`versions` of {where}")
        self.findings.extend(findings)
        return versions if versions.versions else None

    def _arguments(
        self, values: Mapping[str, Doc], where: str
    ) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[VersionName, tuple[tuple[str, str], ...]], ...], Spots]:
        """`build_args` and `dbuild_env.common` for every plan; the rest of `dbuild_env` by plan; where they stand."""
        common: dict[str, str] = {}
        per_plan = []
        spots: dict[tuple[str, ...], Spot] = {}
        table = values.get("dbuild_env")
        for name, doc in self.mapping(table, f"`dbuild_env` of {where}").items():
            args = self.arguments(doc, f"`dbuild_env.{name}` of {where}")
            if name == COMMON:
                common.update(args)
                spots.update({("args", arg): doc.at(arg) for arg in args})
            else:
                per_plan.append((VersionName(name), tuple(args.items())))
                spots.update({("args", arg, name): doc.at(arg) for arg in args})
                if table is not None:
                    spots["dbuild_env", name] = table.at(name)
        if "build_args" in values:
            args = self.arguments(values["build_args"], f"`build_args` of {where}")
            common.update(args)
            spots.update({("args", arg): values["build_args"].at(arg) for arg in args})
        return tuple(common.items()), tuple(per_plan), spots

    def vars(self, values: Mapping[str, Doc], where: str) -> tuple[tuple[str, str], ...]:
        """Values for `{NAME}`, as they are written."""
        return tuple(self.arguments(values.get("vars"), f"`vars` of {where}").items())
