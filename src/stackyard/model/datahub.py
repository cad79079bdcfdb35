# SPDX-License-Identifier: MIT
"""What the DataHub scripts, which this tool takes the place of, read and did: values for a comparison with them.

Out:  OldSpec and OldChange (what they saw), OldPlan (what they would do)
Beside: plan/like_datahub, which decides; docs/how-to/compare-with-datahub.md
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from stackyard.model.names import TargetName
from stackyard.model.plan import Step

Generation = Literal["plans", "tag"]
"""`plans`: several tracks, tagged by commit, until 2023. `tag`: one tag, by branch, since then."""


class OldTrack(msgspec.Struct, frozen=True):
    """A plan of the older files; the younger have one without a name."""

    name: str | None
    prefix: str | None


class OldImage(msgspec.Struct, frozen=True):
    """An entry of `images:`, as far as it decided something."""

    name: str
    repository: str
    parent: str | None = None
    args: tuple[tuple[str, str], ...] = ()
    track_args: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    skips: tuple[str, ...] = ()
    """Tracks in which it was not built."""
    is_prepulled: bool = True

    def args_in(self, track: OldTrack, first: Mapping[str, str]) -> dict[str, str]:
        """Arguments in one track: `first`, then those of all tracks, then the track's own; a later value wins."""
        own = next((args for name, args in self.track_args if name == track.name), ())
        return {**first, **dict(self.args), **dict(own)}


class OldSpec(msgspec.Struct, frozen=True):
    """spec.yml and change_ignore.json as the scripts read them."""

    generation: Generation
    images: tuple[OldImage, ...]
    tracks: tuple[OldTrack, ...]
    root: str | None = None
    """What `root` names; None: the first image without a parent."""
    build_all: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    crash: str | None = None
    """What in the file ends them with a traceback."""
    notes: tuple[str, ...] = ()


class OldChange(msgspec.Struct, frozen=True):
    """The commit they ran for, against the one before it."""

    since: str
    """What a person called the commit before."""
    base: str | None
    """Its id; None where there is none, or this clone does not have it."""
    commit: str
    message: str
    paths: tuple[str, ...] = ()
    """What `git diff` lists, the images folder called `images`: of a rename only the new name."""
    hidden: tuple[str, ...] = ()
    """Old names of what was renamed, which that list does not have."""


class OldWorld(msgspec.Struct, frozen=True):
    """What they found beside the files."""

    ref_name: str | None
    """GITHUB_REF_NAME, or git's branch."""
    head_ref: str = ""
    """GITHUB_HEAD_REF."""
    base_ref: str = ""
    """GITHUB_BASE_REF: where a pull request wants to go."""
    title: str = ""
    """Of the pull request."""
    published: frozenset[tuple[str, str]] | None = None
    """Image and tag of all that is in the registry; None: nobody knows."""
    last_bases: tuple[tuple[str, str], ...] = ()
    """Rows of their table of dependencies, newest first: an image with its tag, and what it was built on."""


# Why.


class _Why(msgspec.Struct, frozen=True, tag_field="kind"):
    """Common form: tagged by kind in JSON."""


class AllAsked(_Why, frozen=True, tag="all-asked"):
    """The commit message has the words for it."""

    def __str__(self) -> str:
        return 'the commit message says "full rebuild"'


class AllOnMain(_Why, frozen=True, tag="all-on-main"):
    """The branch is `main`."""

    def __str__(self) -> str:
        return "branch main builds all images"


class AllByPath(_Why, frozen=True, tag="all-by-path"):
    """A path that `BuildAll` names changed."""

    path: str

    def __str__(self) -> str:
        return f"{self.path} changed, and BuildAll names it"


class AllUnchanged(_Why, frozen=True, tag="all-unchanged"):
    """Nothing below the images folder changed, which built everything."""

    def __str__(self) -> str:
        return "nothing below images changed: then all is built"


class PathChanged(_Why, frozen=True, tag="path-changed"):
    """A path below the image's folder changed."""

    path: str

    def __str__(self) -> str:
        return f"{self.path} changed"


class ParentBuilt(_Why, frozen=True, tag="parent-built"):
    """An image that it builds on is built."""

    parent: str

    def __str__(self) -> str:
        return f"{self.parent} is built"


class NotPrepulled(_Why, frozen=True, tag="not-prepulled"):
    """`prepull: false`, which also builds the image on every run."""

    def __str__(self) -> str:
        return "prepull is false, which builds it every time"


class TagAbsent(_Why, frozen=True, tag="tag-absent"):
    """Its tag is not in the registry."""

    tag: str

    def __str__(self) -> str:
        return f"the registry has no {self.tag}"


class InPlace(_Why, frozen=True, tag="in-place"):
    """Nothing asked for a build."""

    tag: str
    is_known: bool
    """Whether the records have the tag; else it is taken as there."""

    def __str__(self) -> str:
        return f"{self.tag} is there" if self.is_known else f"unchanged, and {self.tag} is taken as there"


class NotAffected(_Why, frozen=True, tag="not-affected"):
    """Neither it nor what it builds on changed."""

    def __str__(self) -> str:
        return "not changed"


class TrackSkipped(_Why, frozen=True, tag="track-skipped"):
    """`skip_plans` of the image names the track."""

    track: str

    def __str__(self) -> str:
        return f"skip_plans names {self.track}"


class Dropped(_Why, frozen=True, tag="dropped"):
    """No way leads from the root to the image."""

    def __str__(self) -> str:
        return "left out without a word: it cannot be reached from the root"


class Halted(_Why, frozen=True, tag="halted"):
    """They do not start, or end with a traceback."""

    def __str__(self) -> str:
        return "nothing is built"


OldReason = (
    AllAsked
    | AllOnMain
    | AllByPath
    | AllUnchanged
    | PathChanged
    | ParentBuilt
    | NotPrepulled
    | TagAbsent
    | InPlace
    | NotAffected
    | TrackSkipped
    | Dropped
    | Halted
)


class OldStep(msgspec.Struct, frozen=True):
    """What they would do with an image in a track."""

    target: TargetName
    action: Literal["build", "reuse", "skip"]
    repository: str
    tag: str | None
    build_args: tuple[tuple[str, str], ...]
    """Merged, in the order in which they were passed."""
    parent: TargetName | None
    reasons: tuple[OldReason, ...]
    ours: Step | None = None
    """What Stackyard would do."""
    note: str = ""
    """Where the two differ, and why."""


class OldPlan(msgspec.Struct, frozen=True):
    """What they would do, in their order."""

    generation: Generation
    change: OldChange
    branch: str | None
    """As they took it: empty where they lose it."""
    steps: tuple[OldStep, ...]
    halt: str | None = None
    """Why nothing is built."""
    unseen: tuple[tuple[str, str], ...] = ()
    """Paths that changed and that they do not see, each with why."""
    notes: tuple[str, ...] = ()
