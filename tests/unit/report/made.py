# SPDX-License-Identifier: MIT
"""A run of four images in which one failed, for the tests of reports."""

from __future__ import annotations

from stackyard.model.names import TargetName
from stackyard.model.outcome import Outcome, Published, RunSummary
from stackyard.model.reason import NeverBuilt, NotSelected, Unchanged
from stackyard.model.reference import Reference
from tests.unit.plan.made import AT, COMMIT, move, promotion, result, suite, target

X = target("x")
PROMOTED = promotion("2026.3-main", move(X, "stable", "1", "2"))
FAILED = Outcome(
    TargetName("bad"),
    "failed",
    (NeverBuilt(),),
    duration_s=61.0,
    tests=(result(suite(), False),),
    failure="1 of 3 basic tests failed",
    details=("test_a: assert 1 == 2",),
    logs=(".stackyard/runs/7/bad.build.log", ".stackyard/runs/7/bad.test.log"),
)
REUSED = Outcome(TargetName("old"), "reused", (Unchanged(AT),))
BUILT = Outcome(
    TargetName("x"),
    "built",
    (NeverBuilt(),),
    duration_s=2.0,
    size_bytes=1_500_000,
    tests=(result(suite()),),
    published=Published(
        Reference.parse(f"registry.example/lab/x:sy-1@sha256:{'0' * 64}"),
        (Reference.parse("registry.example/lab/x:1"),),
    ),
)
SKIPPED = Outcome(TargetName("child"), "skipped", because=TargetName("bad"))
OTHER = Outcome(TargetName("other"), "skipped", (NotSelected(),))


def run(*outcomes: Outcome, number: int = 7, is_interrupted: bool = False) -> RunSummary:
    """A run that came to these outcomes."""
    return RunSummary(number, "build", AT, COMMIT, "main", 63.0, outcomes, is_interrupted=is_interrupted)
