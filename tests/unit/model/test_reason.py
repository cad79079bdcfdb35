# SPDX-License-Identifier: MIT
"""Reasons: a clause for people, a kind with facts for programs."""

from __future__ import annotations

from typing import get_args

from stackyard.model import canonical, reason
from stackyard.model.names import TargetName
from stackyard.model.reason import (
    AlsoTagged,
    ArgumentChanged,
    BaseMoved,
    BaseUnknown,
    ContentGone,
    DefinitionChanged,
    DownloadMoved,
    FileChanged,
    Forced,
    LeftAlone,
    NeverBuilt,
    NewSince,
    NotBuildableHere,
    NotPublished,
    NotSelected,
    NotTested,
    ParentChanged,
    ParentMissing,
    ParentRebuilding,
    Reason,
    TagMissing,
    Unchanged,
)
from tests.cases import each_of
from tests.unit.plan.made import sha

OLD, NEW = sha("old"), sha("new")
LAB = TargetName("lab")

CLAUSES: list[tuple[Reason, str, str]] = [
    (NeverBuilt(), "never-built", "never built"),
    (NewSince("v1"), "new-since", "not there at v1"),
    (FileChanged("a/b", "added"), "file-changed", "a/b added"),
    (FileChanged("a", "mode"), "file-changed", "a has another mode"),
    (FileChanged("a", "counts-no-more"), "file-changed", "a counts no more"),
    (ArgumentChanged("V", "1", "2"), "argument-changed", "build argument V changed from 1 to 2"),
    (ArgumentChanged("V", None, "2"), "argument-changed", "build argument V set to 2"),
    (ArgumentChanged("V", "1", None), "argument-changed", "build argument V removed"),
    (BaseMoved("debian:12", OLD, NEW), "base-moved", f"base debian:12 changed from {OLD[:19]} to {NEW[:19]}"),
    (BaseMoved("debian:12", None, "used"), "base-moved", "base debian:12 added"),
    (BaseMoved("debian:12", "used", None), "base-moved", "base debian:12 removed"),
    (
        DownloadMoved("https://a/b", OLD, NEW),
        "download-moved",
        f"download https://a/b changed from {OLD[:19]} to {NEW[:19]}",
    ),
    (DownloadMoved("https://a/b", None, NEW), "download-moved", f"download https://a/b accepted as {NEW[:19]}"),
    (
        DownloadMoved("git://a/b", "sha1:" + "1" * 40, "sha1:" + "2" * 40),
        "download-moved",
        "download git://a/b changed from sha1:111111111111 to sha1:222222222222",
    ),
    (BaseUnknown("debian:12"), "base-unknown", "base debian:12 not resolved yet"),
    (
        reason.BaseGiven("debian:13", "debian:12"),
        "base-given",
        "on debian:13 in place of debian:12, by --base",
    ),
    (ParentChanged(LAB, OLD, NEW), "parent-changed", f"parent lab changed from {OLD[:19]} to {NEW[:19]}"),
    (ParentChanged(LAB, None, None), "parent-changed", "parent lab changed"),
    (ParentRebuilding(LAB), "parent-rebuilding", "waits for parent lab"),
    (DefinitionChanged("platform", "a", "b"), "definition-changed", "platform changed from a to b"),
    (Forced("--rebuild"), "forced", "asked for by --rebuild"),
    (reason.TooOld("2026-01-01T00:00:00Z", "30d"), "too-old", "older than 30d: made on 2026-01-01"),
    (NotTested("basic"), "not-tested", "basic tests not run yet"),
    (NotTested("inventory"), "not-tested", "inventory not taken yet"),
    (reason.TestsChanged("basic"), "tests-changed", "basic tests changed"),
    (reason.TestsFailed("basic", "T"), "tests-failed", "basic tests failed at T"),
    (reason.TestsFailed("inventory", "T"), "tests-failed", "inventory failed at T"),
    (reason.TestsOutdated("basic", "T", "30d"), "tests-outdated", "basic tests passed at T, more than 30d ago"),
    (reason.StillPassed("T"), "still-passed", "passed at T"),
    (ContentGone("engine"), "content-gone", "image is no longer in the engine"),
    (NotPublished(), "not-published", "built and not published yet"),
    (reason.NotAttested("provenance"), "not-attested", "built without provenance, and not published yet"),
    (TagMissing("v1"), "tag-missing", "tag v1 is to be put"),
    (
        AlsoTagged("v1", "5f71d3b0", "1f0c9a20"),
        "also-tagged",
        "built at 5f71d3b, also tagged for 1f0c9a2",
    ),
    (
        AlsoTagged("v1", None, "1f0c9a20"),
        "also-tagged",
        "built before it was committed, also tagged for 1f0c9a2",
    ),
    (reason.WholeStack("main"), "whole-stack", "every image is planned on main"),
    (Unchanged("T"), "unchanged", "unchanged since T"),
    (NotSelected(), "not-selected", "not selected"),
    (LeftAlone("no licence"), "left-alone", "left alone: no licence"),
    (NotBuildableHere("Windows"), "not-buildable-here", "not buildable here: needs Windows"),
    (ParentMissing(TargetName("os")), "parent-missing", "parent os is not built here and was never built"),
    (
        reason.OnPublished(TargetName("os"), "ghcr.io/campus/os@sha256:1"),
        "on-published",
        "on what is published of os: ghcr.io/campus/os@sha256:1",
    ),
    (
        reason.OnLastBuild(TargetName("os"), "T"),
        "on-last-build",
        "parent os is not selected, and is taken as built at T",
    ),
]


@each_of(("value", "kind", "clause"), CLAUSES, ids=str)
def test_a_reason_says_itself(value: Reason, kind: str, clause: str) -> None:
    """A short clause; digests are cut to what a person compares by eye."""
    assert str(value) == clause


@each_of(("value", "kind", "clause"), CLAUSES, ids=str)
def test_a_reason_is_its_kind_and_its_facts(value: Reason, kind: str, clause: str) -> None:
    """In JSON the kind never changes, and whoever reads it gets the same value."""
    assert canonical.builtins(value)["kind"] == kind
    assert canonical.decode(canonical.encode(value), Reason) == value  # type: ignore[arg-type]


def test_every_kind_is_in_the_table() -> None:
    """A new kind of reason gets its clause here."""
    assert {type(value) for value, *_ in CLAUSES} == set(get_args(reason.Reason))
