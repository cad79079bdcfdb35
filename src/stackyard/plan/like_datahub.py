# SPDX-License-Identifier: MIT
"""What the DataHub scripts would do for a state and a change, mistakes included.

In:   OldSpec, OldChange, OldWorld
Out:  OldPlan
Pure. Why: docs/how-to/compare-with-datahub.md
Beside: plan/beside, which lays Stackyard's own plan next to it

Two generations: files with plans were built track by track and tagged by commit; files with one
`tag` are built breadth first and tagged by branch. Both look at the last commit alone, through the
lines that `git diff` prints, split at blanks.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from stackyard.model.datahub import (
    AllAsked,
    AllByPath,
    AllOnMain,
    AllUnchanged,
    Dropped,
    Halted,
    InPlace,
    NotAffected,
    NotPrepulled,
    OldChange,
    OldImage,
    OldPlan,
    OldReason,
    OldSpec,
    OldStep,
    OldTrack,
    OldWorld,
    ParentBuilt,
    PathChanged,
    TagAbsent,
    TrackSkipped,
)
from stackyard.model.inputs import looks_secret
from stackyard.model.names import ImageName, Tag, TargetName, VersionName
from stackyard.model.tags import COMMIT_DIGITS

STARTING = re.compile(r"(images|model|scripts)/|(dodo\.py|\.github/workflows/main\.yml)$")
"""Paths whose change starts the workflow."""
BASE_TAG = "BASE_TAG"
LATEST = "latest"
HIDDEN = "(hidden)"
_TO_DASH = str.maketrans(dict.fromkeys("~!@#$%^&*()+`=[]{}|\\;:'\",<>/?", "-"))
_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}


def like_datahub(spec: OldSpec, change: OldChange, world: OldWorld) -> OldPlan:
    """The plan of whichever generation of the scripts read such a file."""
    return (_ByPlans if spec.generation == "plans" else _ByTag)(spec, change, world).plan()


# What they see of a change.


def printed(path: str) -> str:
    r"""A path as git prints it on a line: with anything but plain characters it is quoted.

    >>> printed("images/a/x"), printed("images/a/\u00e9")
    ('images/a/x', '"images/a/\\303\\251"')
    """
    data = path.encode("utf-8", "surrogateescape")
    if all(32 <= byte < 127 and byte not in (34, 92) for byte in data):
        return path
    parts = (
        f"\\{_ESCAPES[byte]}" if byte in _ESCAPES else chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"
        for byte in data
    )
    return f'"{"".join(parts)}"'


def words_of(paths: Iterable[str]) -> list[str]:
    """The list of changed files as they take it from git's output."""
    return " ".join(printed(path) for path in paths).split()


def unseen(change: OldChange) -> tuple[tuple[str, str], ...]:
    """Paths below the images folder that changed and that they miss, each with why."""
    found = [(path, "moved away: only its new name is listed") for path in change.hidden if path.startswith("images/")]
    for path in change.paths:
        if path.startswith("images/") and printed(path) != path:
            found.append((path, "git quotes its name"))
    return tuple(found)


def sanitised(branch: str) -> str:
    """A branch in a tag: some signs become a dash; blanks and letters of any script stay."""
    return branch.translate(_TO_DASH)


def branch_of(world: OldWorld) -> str | None:
    """The branch: GITHUB_HEAD_REF wherever the letters `merge` are in the name, a pull request's or not."""
    if world.ref_name is not None and "merge" in world.ref_name:
        return world.head_ref
    return world.ref_name


# Trees.


class _Tree:
    """The images that can be reached from the root, by `depend_on`."""

    def __init__(self, spec: OldSpec) -> None:
        self._children: dict[str, list[str]] = {}
        for image in spec.images:
            if image.parent is not None:
                self._children.setdefault(image.parent, []).append(image.name)
        root = spec.root or next((image.name for image in spec.images if image.parent is None), None)
        self.level_order: list[str] = [root] if root is not None else []
        for name in self.level_order:  # grows while it is walked: breadth first
            self.level_order += self._children.get(name, [])
        by_name = {image.name: image for image in spec.images}
        self.images: dict[str, OldImage] = {name: by_name[name] for name in self.level_order if name in by_name}
        self.dropped = [image for image in spec.images if image.name not in self.images]

    def parent(self, name: str) -> str | None:
        """The parent, where it is one of the tree."""
        parent = self.images[name].parent
        return parent if parent in self.images else None

    def below(self, name: str) -> list[str]:
        """The image and all that builds on it, depth first, the last child first."""
        found, todo = [], [name]
        while todo:
            found.append(todo.pop())
            todo += self._children.get(found[-1], [])
        return found


class _Scripts(ABC):
    """What both generations share."""

    def __init__(self, spec: OldSpec, change: OldChange, world: OldWorld) -> None:
        self.spec = spec
        self.change = change
        self.world = world
        self.notes = list(spec.notes)
        self.tree = _Tree(spec) if spec.crash is None else _Tree(msgspec.structs.replace(spec, images=(), root=None))

    def plan(self) -> OldPlan:
        """The plan, or why there is none."""
        halt = self.halt()
        steps = self.nothing() if halt else (*self.steps(), *self.dropped())
        return OldPlan(
            self.spec.generation,
            self.change,
            branch_of(self.world),
            tuple(steps),
            halt,
            unseen(self.change),
            tuple(dict.fromkeys(self.notes)),
        )

    def halt(self) -> str | None:
        """Why they build nothing at all: words of a commit message, or a traceback."""
        for where, text in (("commit message", self.change.message), ("title of the pull request", self.world.title)):
            if "skip ci" in text.lower():
                return f'the {where} says "skip ci": the job does not start'
        if self.change.base is None:
            return f"they crash: there is no commit {self.change.since} to compare with in this clone"
        if "images" in words_of(self.change.paths):
            return "they crash (IndexError): a name with a blank leaves the word 'images' alone"
        return f"they crash ({self.spec.crash})" if self.spec.crash else None

    def nothing(self) -> list[OldStep]:
        """A step for each image that says so."""
        return [
            self.step(image, track, "skip", None, None, (Halted(),))
            for image in self.spec.images
            for track in self.spec.tracks
        ]

    def dropped(self) -> list[OldStep]:
        """Images that their tree does not have."""
        return [
            self.step(image, track, "skip", None, None, (Dropped(),))
            for image in self.tree.dropped
            for track in self.spec.tracks
        ]

    def named(self) -> dict[str, str]:
        """First component below the images folder -> the first path under it that changed; ignored ones left out."""
        found: dict[str, str] = {}
        for word in words_of(self.change.paths):
            if word.startswith("images/"):
                name = word.split("/")[1]
                if name not in self.spec.ignored or name in self.spec.build_all:
                    found.setdefault(name, word)
        return found

    def note_phantoms(self) -> None:
        """Names that they take for images, and drop later on."""
        known = {image.name for image in self.spec.images}
        self.notes += [
            f"{name!r} changed, and is taken for an image: there is none" for name in self.named() if name not in known
        ]

    def by_build_all(self) -> AllByPath | None:
        """The first changed path that `BuildAll` names."""
        return next((AllByPath(path) for name, path in self.named().items() if name in self.spec.build_all), None)

    def step(
        self,
        image: OldImage,
        track: OldTrack,
        action: str,
        tag: str | None,
        base_tag: str | None,
        reasons: tuple[OldReason, ...],
    ) -> OldStep:
        """One image in one track."""
        parent, args = image.parent if image.parent in self.tree.images else None, self.args(image, track, base_tag)
        return OldStep(
            _target(image.name, track),
            action,  # type: ignore[arg-type]
            image.repository,
            tag,
            tuple((name, HIDDEN if looks_secret(name, value) else value) for name, value in args.items()),
            _target(parent, track) if parent is not None else None,
            reasons,
        )

    @abstractmethod
    def args(self, image: OldImage, track: OldTrack, base_tag: str | None) -> dict[str, str]:
        """The arguments that the build gets."""

    @abstractmethod
    def steps(self) -> Sequence[OldStep]:
        """Every image of the tree, in the order in which they are built."""


def _target(image: str, track: OldTrack) -> TargetName:
    return TargetName.of(ImageName(image), VersionName(track.name) if track.name is not None else None)


# The younger generation: one tag, of prefix and branch.


class _ByTag(_Scripts):
    """From 2023 on."""

    def halt(self) -> str | None:
        """Also the workflow's own conditions, and a branch that they cannot take."""
        if self.world.ref_name is None:
            return "they crash (KeyError): there is no branch, neither git's nor GITHUB_REF_NAME"
        if self.world.base_ref not in ("", "main"):
            return f"the workflow does not start: the pull request is to {self.world.base_ref!r}, and not to main"
        touched = (*self.change.paths, *self.change.hidden)
        if self.change.base is not None and not any(STARTING.match(path) for path in touched):
            return "the workflow does not start: no path that it watches changed"
        stopped = super().halt()
        if stopped is None and branch_of(self.world) == "stable":
            return "they crash (NameError): a branch called 'stable' was meant to be refused"
        return stopped

    def steps(self) -> list[OldStep]:
        """Breadth first from the root, siblings in file order."""
        (track,) = self.spec.tracks
        suffix = sanitised(branch_of(self.world) or "")
        tag = f"{track.prefix}-{suffix}" if track.prefix else suffix
        self._doubts(tag, track)
        asked = self._asked(tag)
        steps = []
        for name, image in self.tree.images.items():
            base_tag = tag if self.tree.parent(name) is not None else None
            is_known = self.world.published is not None
            reasons = asked.get(name) or (InPlace(tag, is_known),)
            steps.append(self.step(image, track, "build" if name in asked else "reuse", tag, base_tag, reasons))
        return steps

    def _doubts(self, tag: str, track: OldTrack) -> None:
        if not track.prefix:
            self.notes.append("spec.yml has no `tag.prefix`, which their tags begin with")
        if not branch_of(self.world):
            self.notes.append(
                f"'merge' is in the branch name {self.world.ref_name!r}, so they lose it: the tag is {tag!r}"
            )
        elif not Tag.form.fullmatch(tag):
            self.notes.append(f"{tag!r} is no tag that a registry takes: each push fails")

    def _asked(self, tag: str) -> dict[str, tuple[OldReason, ...]]:
        """What is built, and why: asked for, changed, below what is, or not in the registry."""
        reason: OldReason | None = None
        if "full rebuild" in self.change.message.lower():
            reason = AllAsked()
        elif self.world.ref_name == "main":
            reason = AllOnMain()
        else:
            reason = self.by_build_all()
        if reason is not None:
            return dict.fromkeys(self.tree.images, (reason,))
        self.note_phantoms()
        found: dict[str, tuple[OldReason, ...]] = {
            name: (PathChanged(path),) for name, path in self.named().items() if name in self.tree.images
        }
        for name in self.tree.images:
            parent = self.tree.parent(name)
            if parent in found:
                found[name] = (*found.get(name, ()), ParentBuilt(parent))
        for name, image in self.tree.images.items():  # children are not looked at again
            if not image.is_prepulled:
                found[name] = (*found.get(name, ()), NotPrepulled())
            elif self.world.published is not None and (name, tag) not in self.world.published:
                found[name] = (*found.get(name, ()), TagAbsent(tag))
        return found

    def args(self, image: OldImage, track: OldTrack, base_tag: str | None) -> dict[str, str]:
        """The image's own; BASE_TAG is set over whatever it says."""
        return {**image.args_in(track, {}), **({BASE_TAG: base_tag} if base_tag is not None else {})}


# The older generation: several tracks, tagged by commit.


class _ByPlans(_Scripts):
    """Until 2023."""

    def steps(self) -> list[OldStep]:
        """What is built, image by image and each in all its tracks; then the rest."""
        build = self._build_list()
        steps = [step for name, reason in build.items() for step in self._of(name, reason, build)]
        rest = [name for name in self.tree.images if name not in build]
        return [*steps, *(step for name in rest for step in self._of(name, None, build))]

    def _build_list(self) -> dict[str, OldReason]:
        """Changed images in level order, each followed by all that is below it."""
        named = self.named()
        everything: OldReason | None = self.by_build_all()
        if not any(word.startswith("images/") for word in words_of(self.change.paths)):
            everything = AllUnchanged()
        if everything is None:
            self.note_phantoms()
        found: dict[str, OldReason] = {}
        for name in self.tree.images:
            if name in named or everything is not None:
                for below in self.tree.below(name):
                    found.setdefault(below, everything or self._why(below, name, named))
        return found

    def _why(self, name: str, changed: str, named: Mapping[str, str]) -> OldReason:
        if name in named:
            return PathChanged(named[name])
        return ParentBuilt(self.tree.parent(name) or changed)

    def _of(self, name: str, reason: OldReason | None, build: Mapping[str, OldReason]) -> list[OldStep]:
        """The image in each track, in file order."""
        image, steps = self.tree.images[name], []
        for track in self.spec.tracks:
            if track.name in image.skips:
                steps.append(self.step(image, track, "skip", None, None, (TrackSkipped(str(track.name)),)))
                continue
            if reason is None:
                steps.append(self.step(image, track, "reuse", None, None, (NotAffected(),)))
                continue
            base_tag = self._base_tag(image, track, build)
            steps.append(self.step(image, track, "build", self._tag(track), base_tag, (reason,)))
        return steps

    def _tag(self, track: OldTrack) -> str:
        return f"{track.prefix}-{self.change.commit[:COMMIT_DIGITS]}" if track.prefix else LATEST

    def _base_tag(self, image: OldImage, track: OldTrack, build: Mapping[str, OldReason]) -> str | None:
        """The parent's tag of this run; of a parent that is not built, the one of last time."""
        parent = self.tree.images.get(image.parent or "")
        if parent is None:
            return None
        if parent.name in build and track.name not in parent.skips:
            return self._tag(track)
        found = self._last_base(image, track)
        if found is not None:
            return found
        if track.prefix and self.change.base:
            tag = f"{track.prefix}-{self.change.base[:COMMIT_DIGITS]}"
            self.notes.append(
                "what images were built on last is not known, neither from wiki/Image-Dependency.md nor from the "
                f"records: their parents are taken as built at {self.change.base[:COMMIT_DIGITS]}"
            )
            return tag
        return LATEST

    def _last_base(self, image: OldImage, track: OldTrack) -> str | None:
        """From the newest row of this image and prefix."""
        lead = f"{image.repository}:{track.prefix}-" if track.prefix else f"{image.repository}:{LATEST}"
        row = next((base for name, base in self.world.last_bases if name.startswith(lead)), None)
        return row.rpartition(":")[2] if row is not None else None

    def args(self, image: OldImage, track: OldTrack, base_tag: str | None) -> dict[str, str]:
        """BASE_TAG first, so that the file's own value of it wins."""
        return image.args_in(track, {BASE_TAG: base_tag} if base_tag is not None else {})
