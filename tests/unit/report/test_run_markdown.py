# SPDX-License-Identifier: MIT
"""A run as a page on GitHub: what failed comes first, nothing of other people's becomes Markdown, and it fits."""

from __future__ import annotations

import msgspec

from stackyard.model.names import TargetName
from stackyard.model.outcome import Outcome, Pace, PathJob
from stackyard.report.run_markdown import run_markdown
from tests.unit.report.made import BUILT, FAILED, OTHER, SKIPPED, run


def test_failures_first_then_a_row_per_image() -> None:
    """With place and log; images that were not named have no row."""
    bad = msgspec.structs.replace(FAILED, path="images/bad/Dockerfile", line=3)
    text = run_markdown(run(bad, SKIPPED, BUILT, OTHER))

    assert text.startswith("### Run 7&#58; 1 built, 1 failed, 1 skipped because of a failure and 1 not selected")
    assert text.index("1 of 3 basic tests failed") < text.index("| image | outcome |")
    assert "images/bad/Dockerfile&#58;3" in text
    assert "| <code>x</code> | built |" in text
    assert "other" not in text


def test_names_and_lines_are_no_markdown() -> None:
    """Tables, tags and links of a log stay text."""
    bad = msgspec.structs.replace(FAILED, details=("| a | <b> [c](d) `e` @f", "\x1b[31m"), failure="<i>|")
    text = run_markdown(run(bad))

    assert "<b>" not in text
    assert "<i>" not in text
    assert "[c](d)" not in text


def test_a_thousand_failures_fit() -> None:
    """The page is cut rather than refused."""
    bad = [
        Outcome(TargetName(f"x{number}"), "failed", failure="no", details=("y" * 200,) * 20) for number in range(1000)
    ]

    assert len(run_markdown(run(*bad), 20_000)) <= 20_000
    many = run_markdown(run(*[msgspec.structs.replace(BUILT, target=TargetName(f"x{n}")) for n in range(1000)]), 20_000)
    assert "more have no room here" in many


def test_how_far_from_the_bound_the_run_was() -> None:
    """Below the heading, as in a terminal; names of images are no Markdown."""
    path = (PathJob(TargetName("a_b_c"), "build", 40.0), PathJob(TargetName("x"), "test", 10.0))
    page = run_markdown(msgspec.structs.replace(run(BUILT), pace=Pace(path, 50.0, 60.0, 50.0, "path")))

    assert page.split("\n")[2] == (
        "Critical path 50.0 s&#58; a&#95;b&#95;c 40.0 s and x 10.0 s. The run took 26% more than the least possible."
    )
