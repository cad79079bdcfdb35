# SPDX-License-Identifier: MIT
"""Why a step is in a plan: one value per kind of reason, with its facts.

`str(reason)` is a short clause for people; in JSON a reason is its kind and its facts.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from stackyard.model.names import TargetName


def _dashed(name: str) -> str:
    """`NeverBuilt` -> `never-built`."""
    return "".join(f"-{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


class _Reason(msgspec.Struct, frozen=True, tag_field="kind", tag=_dashed):
    """Common form: tagged by kind in JSON."""


class NeverBuilt(_Reason, frozen=True):
    """No record of this target exists."""

    def __str__(self) -> str:
        return "never built"


class NewSince(_Reason, frozen=True):
    """The commit that is compared with does not have this target, or not so that it could be read."""

    reference: str
    problem: str = ""
    """Why it could not be read there; empty for what was not there."""

    def __str__(self) -> str:
        if self.problem:
            return f"could not be read at {self.reference}: {self.problem}"
        return f"not there at {self.reference}"


Change = Literal["added", "removed", "changed", "mode", "link", "file", "dir", "counts", "counts-no-more"]
"""What became of a path. `counts` and `counts-no-more` where what says which paths count is another than before."""

_CHANGES = {
    "mode": "has another mode",
    "link": "is a link now",
    "file": "is a file now",
    "dir": "is an empty folder now",
    "counts": "counts now",
    "counts-no-more": "counts no more",
}


class FileChanged(_Reason, frozen=True):
    """A path that counts differs from the nearest record's; relative to the stack's root."""

    path: str
    change: Change

    def __str__(self) -> str:
        return f"{self.path} {_CHANGES.get(self.change, self.change)}"


class ArgumentChanged(_Reason, frozen=True):
    """A build argument that the Dockerfile declares has another value; None is absent."""

    name: str
    was: str | None
    now: str | None

    def __str__(self) -> str:
        return f"build argument {self.name} {_turned(self.was, self.now)}"


class BaseMoved(_Reason, frozen=True):
    """An external base has another accepted digest, or came or went."""

    reference: str
    was: str | None
    now: str | None

    def __str__(self) -> str:
        return f"base {self.reference} {_turned(self.was, self.now)}"


class DownloadMoved(_Reason, frozen=True):
    """An address that ADD fetches gives something else than what was built with; None: nobody knew what that was."""

    address: str
    was: str | None
    now: str

    def __str__(self) -> str:
        if self.was is None:
            return f"download {self.address} accepted as {_brief(self.now)}"
        return f"download {self.address} {_turned(self.was, self.now)}"


class BaseGiven(_Reason, frozen=True):
    """The caller said what it is built on; the Dockerfile's own word for it, where it is one."""

    reference: str
    replaces: str

    def __str__(self) -> str:
        return f"on {self.reference} in place of {self.replaces}, by --base"


class BaseUnknown(_Reason, frozen=True):
    """No digest was accepted yet for an external base; the build will resolve it."""

    reference: str

    def __str__(self) -> str:
        return f"base {self.reference} not resolved yet"


class ParentChanged(_Reason, frozen=True):
    """A parent has another content digest than the one built on, or came or went; without either, its files changed."""

    parent: TargetName
    was: str | None
    now: str | None

    def __str__(self) -> str:
        is_known = self.was is not None or self.now is not None
        return f"parent {self.parent} {_turned(self.was, self.now) if is_known else 'changed'}"


class ParentRebuilding(_Reason, frozen=True):
    """A parent is being rebuilt; whether this target follows depends on what comes out."""

    parent: TargetName

    def __str__(self) -> str:
        return f"waits for parent {self.parent}"


class DefinitionChanged(_Reason, frozen=True):
    """Something else of the definition differs: platform, stage, labels, epoch, recipe."""

    field: str
    was: str
    now: str

    def __str__(self) -> str:
        if self.field == "uses":
            return f"builds on {self.now}, was {self.was}"
        return f"{self.field} {_turned(self.was, self.now)}"


class Forced(_Reason, frozen=True):
    """Someone asked for a rebuild."""

    by: str

    def __str__(self) -> str:
        return f"asked for by {self.by}"


class TooOld(_Reason, frozen=True):
    """The image has become older than the spec allows: it is built afresh, without the engine's cache."""

    since: str
    max_age: str

    def __str__(self) -> str:
        return f"older than {self.max_age}: made on {self.since[:10]}"


class NotTested(_Reason, frozen=True):
    """The image is known, and tests of this kind never ran on it."""

    suite: str

    def __str__(self) -> str:
        return "inventory not taken yet" if self.suite == "inventory" else f"{self.suite} tests not run yet"


class TestsChanged(_Reason, frozen=True):
    """The image is known, and the code of its tests is another one since."""

    suite: str

    def __str__(self) -> str:
        return "inventory commands changed" if self.suite == "inventory" else f"{self.suite} tests changed"


class TestsFailed(_Reason, frozen=True):
    """The image is known, and its tests failed: a failure until they are run again."""

    suite: str
    at: str

    def __str__(self) -> str:
        return f"{'inventory' if self.suite == 'inventory' else self.suite + ' tests'} failed at {self.at}"


class TestsOutdated(_Reason, frozen=True):
    """The image is known and its tests passed, longer ago than the spec lets a result count."""

    suite: str
    at: str
    limit: str

    def __str__(self) -> str:
        what = "inventory was taken" if self.suite == "inventory" else f"{self.suite} tests passed"
        return f"{what} at {self.at}, more than {self.limit} ago"


class StillPassed(_Reason, frozen=True):
    """All that was asked for ran on this very image and passed: nothing is run again."""

    at: str

    def __str__(self) -> str:
        return f"passed at {self.at}"


class ContentGone(_Reason, frozen=True):
    """The record is there and its image is not."""

    where: str

    def __str__(self) -> str:
        return f"image is no longer in the {self.where}"


class NotPublished(_Reason, frozen=True):
    """The image is only in the engine, and the registry is where it is wanted."""

    def __str__(self) -> str:
        return "built and not published yet"


class NotAttested(_Reason, frozen=True):
    """The image is only in the engine, and what is to be attested of it when it is published was not."""

    lacking: str

    def __str__(self) -> str:
        return f"built without {self.lacking}, and not published yet"


class TagMissing(_Reason, frozen=True):
    """The content is there and a name for it is not."""

    tag: str

    def __str__(self) -> str:
        return f"tag {self.tag} is to be put"


class AlsoTagged(_Reason, frozen=True):
    """An image that was built at one commit is to get the tag of another, which left it as it was."""

    tag: str
    built: str | None
    """None: it was built before its files were committed."""
    commit: str

    def __str__(self) -> str:
        then = f"built at {self.built[:7]}" if self.built else "built before it was committed"
        return f"{then}, also tagged for {self.commit[:7]}"


class WholeStack(_Reason, frozen=True):
    """On this branch every image is planned, and gets the tags of the commit, whatever changed."""

    branch: str

    def __str__(self) -> str:
        return f"every image is planned on {self.branch}"


class Unchanged(_Reason, frozen=True):
    """Everything that goes in is as in a build that passed."""

    since: str

    def __str__(self) -> str:
        return f"unchanged since {self.since}"


class LeftAlone(_Reason, frozen=True):
    """The stack's own file says that this target is not to be built."""

    why: str

    def __str__(self) -> str:
        return f"left alone: {self.why}"


class NotBuildableHere(_Reason, frozen=True):
    """Building it takes another machine than this one."""

    needs: str

    def __str__(self) -> str:
        return f"not buildable here: needs {self.needs}"


class ParentMissing(_Reason, frozen=True):
    """It builds on a target that is not built here, and was never built."""

    parent: TargetName

    def __str__(self) -> str:
        return f"parent {self.parent} is not built here and was never built"


class OnLastBuild(_Reason, frozen=True):
    """A parent that differs from its last build is not selected: what is built on is that last build."""

    parent: TargetName
    since: str

    def __str__(self) -> str:
        return f"parent {self.parent} is not selected, and is taken as built at {self.since}"


class OnPublished(_Reason, frozen=True):
    """A parent is not selected: what is built on is what was published of it last."""

    parent: TargetName
    reference: str

    def __str__(self) -> str:
        return f"on what is published of {self.parent}: {self.reference}"


class NotSelected(_Reason, frozen=True):
    """The command named other targets."""

    def __str__(self) -> str:
        return "not selected"


Reason = (
    NeverBuilt
    | NewSince
    | FileChanged
    | ArgumentChanged
    | BaseMoved
    | DownloadMoved
    | BaseGiven
    | BaseUnknown
    | ParentChanged
    | ParentRebuilding
    | DefinitionChanged
    | Forced
    | TooOld
    | NotTested
    | TestsChanged
    | TestsFailed
    | TestsOutdated
    | StillPassed
    | ContentGone
    | NotPublished
    | NotAttested
    | TagMissing
    | AlsoTagged
    | WholeStack
    | Unchanged
    | LeftAlone
    | NotBuildableHere
    | ParentMissing
    | OnLastBuild
    | OnPublished
    | NotSelected
)


def _turned(was: str | None, now: str | None) -> str:
    if was is None:
        return "added" if now in (None, "used") else f"set to {_brief(now)}"
    if now is None:
        return "removed"
    return f"changed from {_brief(was)} to {_brief(now)}"


def _brief(text: str) -> str:
    return text[: text.index(":") + 13] if text.startswith(("sha256:", "sha1:")) else text or "nothing"
