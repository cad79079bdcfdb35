# SPDX-License-Identifier: MIT
"""Findings that only the whole stack shows, and what they stop."""

from __future__ import annotations

import msgspec
import pytest

from stackyard.check.findings import findings_of, refuse_errors
from stackyard.errors import FindingsProblem
from stackyard.model.stack import Finding, Revision, Stack, TagTemplates
from tests.cases import each_of
from tests.unit.plan.made import COMMIT, stack, suite, target

TESTED = (suite(),)


def errors(of: Stack) -> list[tuple[str, str]]:
    """Code and sentence of each error."""
    return [(each.code, each.sentence) for each in findings_of(of) if each.level == "error"]


def test_a_good_stack_has_nothing_to_say() -> None:
    """Two images with tests."""
    of = stack(target("up", suites=TESTED), target("lab", "up", suites=TESTED))

    assert findings_of(of) == ()
    refuse_errors(of)


def test_findings_are_sorted_by_how_bad_they_are() -> None:
    """Errors first, then by file and line; what reading found is among them."""
    read = tuple(
        Finding("code", level, f"{level} {path}", path, line)  # type: ignore[arg-type]
        for level, path, line in (("notice", "a", 1), ("warning", "b", 2), ("warning", "b", 1), ("error", "z", None))
    )
    of = msgspec.structs.replace(stack(target("lab")), findings=read)

    assert [(each.level, each.path, each.line) for each in findings_of(of)] == [
        ("error", "z", None),
        ("warning", "b", 1),
        ("warning", "b", 2),
        ("notice", "a", 1),
        ("notice", "images/lab/Dockerfile", None),
    ]


def test_an_image_without_tests_is_noted() -> None:
    """An inventory is no test. It is a notice: nobody is stopped by it."""
    of = stack(target("lab", suites=(suite("inventory"),)), target("other", suites=TESTED))

    (found,) = findings_of(of)
    assert (found.code, found.level, found.path) == ("not-tested", "notice", "images/lab/Dockerfile")
    refuse_errors(of)


def test_two_images_under_one_name() -> None:
    """Whatever the spelling: one would overwrite the other. Versions of one image share a name rightly."""
    first, second = target("a", suites=TESTED), target("b", suites=TESTED)
    clash = stack(first, msgspec.structs.replace(second, repository=first.repository))

    assert errors(clash) == [
        ("duplicate-repository", "images 'a' and 'b' are both published as registry.example/lab/a")
    ]
    one, two = (target(name, suites=TESTED, templates=TagTemplates()) for name in ("a/1", "a/2"))
    assert errors(stack(one, two)) == []


@each_of(
    ("graph", "rings"),
    [
        ({"a": "a"}, ["a -> a"]),
        ({"a": "b", "b": "c", "c": "a"}, ["a -> b -> c -> a"]),
        ({"x": "", "a": "b x", "b": "a", "child": "a"}, ["a -> b -> a"]),
        ({"a": "b", "b": "a", "c": "d", "d": "c"}, ["a -> b -> a", "c -> d -> c"]),
        ({"child": "a", "a": "b", "b": "a"}, ["a -> b -> a"]),
        ({"a": "gone"}, []),
        ({"a": "", "b": "a", "c": "a b"}, []),
    ],
)
def test_rings_are_found_before_a_plan_is_made(graph: dict[str, str], rings: list[str]) -> None:
    """Each ring once, and only what is in it: what builds on a ring, or on something missing, is no ring."""
    of = stack(*(target(name, *parents.split(), suites=TESTED) for name, parents in graph.items()))

    assert errors(of) == [("ring", f"images build on each other in a ring: {ring}") for ring in rings]


def test_a_branch_called_like_the_stable_channel() -> None:
    """A build of branch `stable` would move the channel: only a promotion does."""
    templates = TagTemplates(("{commit}",), ("{branch}",))
    of = stack(target("lab", suites=TESTED, templates=templates), revision=Revision(COMMIT, "stable", False))

    assert errors(of) == [("bad-tag", "branch 'stable' gives the tag stable, which is the stable channel's")]
    assert errors(msgspec.structs.replace(of, revision=Revision(COMMIT, "unstable", False))) == []
    named = stack(target("lab", suites=TESTED, templates=TagTemplates((), ("stable",))))
    assert errors(named) == [("bad-tag", "`moving` names the tag stable, which is the stable channel's")]


def test_a_branch_called_like_a_commit() -> None:
    """Its tag would be one that a commit's image was promised for ever, or the number of a second build of it."""
    templates = TagTemplates(("1-{commit}",), ("1-{branch}",))
    of = stack(target("lab", suites=TESTED, templates=templates))

    def on(branch: str, **facts: str) -> list[str]:
        there = msgspec.structs.replace(of, revision=Revision(COMMIT, branch, is_dirty=True, **facts))
        return [sentence for _, sentence in errors(there)]

    assert on("5f71d3b") == ["branch '5f71d3b' gives the tag 1-5f71d3b, which is a commit's"]
    assert on("5f71d3b.2") == ["branch '5f71d3b.2' gives the tag 1-5f71d3b.2, which is a commit's"]
    assert [on(branch) for branch in ("5f71d3b-fix", "20261122", "5f71d3", "x/5f71d3b")] == [[], [], [], []]
    assert on("5f71d3b", pull_request="12") == on("stable", pull_request="12") == []


def test_a_branch_that_gives_no_tag() -> None:
    """What comes before the branch leaves no room for it; said once, however many images there are."""
    templates = TagTemplates((), ("x" * 125 + "-{branch}",))
    of = stack(target("a", suites=TESTED, templates=templates), target("b", suites=TESTED, templates=templates))

    ((code, sentence),) = errors(of)
    assert code == "bad-tag"
    assert "is not a valid tag" in sentence


def test_errors_stop_a_plan_and_warnings_do_not() -> None:
    """The first error is the sentence, with its hint; how many more there are is said."""
    warning = Finding("w", "warning", "odd", "a", 1)
    first, second = Finding("e", "error", "bad", "a", 3, hint="mend it"), Finding("e", "error", "worse", "b")
    refuse_errors(msgspec.structs.replace(stack(target("lab")), findings=(warning,)))

    with pytest.raises(FindingsProblem) as caught:
        refuse_errors(msgspec.structs.replace(stack(target("lab")), findings=(second, warning, first)))
    assert str(caught.value) == "a:3: bad (and 1 more: `stackyard check` lists them)"
    assert caught.value.hint == "mend it"
    assert caught.value.findings == (first, second)
