# SPDX-License-Identifier: MIT
"""Which runs publish, and what words in a commit's message do."""

from __future__ import annotations

import msgspec

from stackyard.model.ci import Ci, PullRequest
from stackyard.model.policy import Ruling, found, matches, rule
from stackyard.model.stack import Policy, Revision, TagTemplates, Words
from stackyard.model.tags import tags_of
from tests.cases import each_of
from tests.unit.plan.made import stack, target

COMMIT = "1f0c9a2" + "0" * 33
HERE = Revision(COMMIT, "main", is_dirty=False)
TOPIC, NOWHERE = (msgspec.structs.replace(HERE, branch=branch) for branch in ("topic", None))
USUAL = Policy(words=Words(("full rebuild",), ("skip ci",), ("skip push",)))
LISTED = Policy(branches=("main", "release/*"))
MAIN = Ci("main")
OURS = Ci("topic", None, PullRequest("12", "topic", "main"))
FORK = Ci("main", None, PullRequest("12", "main", "main", is_fork=True))


@each_of(
    ("policy", "ci", "revision", "message", "refusal"),
    [
        (Policy(), None, HERE, "", None),
        (Policy(), None, NOWHERE, "", None),
        (Policy(), MAIN, HERE, "skip push", None),
        (USUAL, MAIN, HERE, "Typo\n\n[skip push]", 'the commit message says "skip push"'),
        (LISTED, None, HERE, "", None),
        (LISTED, None, msgspec.structs.replace(HERE, branch="release/1/x"), "", None),
        (LISTED, None, TOPIC, "", "branch topic is not among `publish.branches` (main, release/*)"),
        (LISTED, None, NOWHERE, "", "no branch is known, so it is not among `publish.branches` (main, release/*)"),
        (LISTED, Ci(None, "v1"), NOWHERE, "", "git tag v1 is not among `publish.branches` (main, release/*)"),
        (Policy(branches=()), None, HERE, "", "branch main is not among `publish.branches` (none)"),
        (
            Policy(),
            OURS,
            TOPIC,
            "",
            "this is the run of pull request 12; with `publish: {pull_requests: true}` it would publish pr-12-1f0c9a2",
        ),
        (Policy(pull_requests=True), OURS, TOPIC, "", None),
        (msgspec.structs.replace(LISTED, pull_requests=True), OURS, TOPIC, "", None),
        (Policy(pull_requests=True), FORK, HERE, "", "pull request 12 comes from a fork"),
    ],
)
def test_which_runs_publish(
    policy: Policy, ci: Ci | None, revision: Revision, message: str, refusal: str | None
) -> None:
    """A refusal is one sentence with its cause; who did not ask to publish is told nothing."""
    ruling = rule(policy, ci, revision, message, publish=True)

    assert ruling.is_publishing == (refusal is None)
    assert [note.sentence for note in ruling.notes] == ([f"--push publishes nothing: {refusal}"] if refusal else [])
    assert rule(policy, ci, revision, message, publish=False).notes == ()


def test_a_word_that_stops_everything() -> None:
    """`skip ci` wins over all others, and says so."""
    ruling = rule(USUAL, MAIN, HERE, "Typo, Skip CI, full rebuild", publish=True)

    assert ruling.left_alone == 'the commit message says "skip ci"'
    assert (ruling.is_publishing, ruling.forced_by) == (False, None)
    assert [note.kind for note in ruling.notes] == ["skip"]


@each_of(
    ("policy", "ci", "message", "by"),
    [
        (USUAL, MAIN, "Full Rebuild", '"full rebuild" in the commit message'),
        (Policy(), MAIN, "full rebuild", None),
        (Policy(rebuild_all=("main",)), MAIN, "", "`rebuild_all`, on branch main"),
        (Policy(rebuild_all=("rel*",)), MAIN, "", None),
        (Policy(rebuild_all=("main",)), None, "", None),
        (Policy(rebuild_all=("main",)), FORK, "", None),
        (USUAL, OURS, "full rebuild", '"full rebuild" in the commit message or the pull request\'s title'),
    ],
)
def test_what_builds_everything_anew(policy: Policy, ci: Ci | None, message: str, by: str | None) -> None:
    """Words and branches, in CI alone: who types a command on a laptop says what they want."""
    assert rule(policy, ci, HERE, message, publish=False).forced_by == by


@each_of(
    ("message", "is_said"),
    [
        ("full rebuild", True),
        ("Bump R: FULL REBUILD!", True),
        ("[full-rebuild] bump", True),
        ("bump\n\nfull\nrebuild", True),
        ("avoid full rebuild", False),
        ("no full rebuild", False),
        ("Do not do a full rebuild", False),
        ("don't full rebuild; later: full rebuild", True),
        ("full rebuilds are slow", False),
        ("carefull rebuild", False),
        ('Revert "Bump R, full rebuild"', False),
        ("document `full rebuild`", False),
        ("", False),
    ],
)
def test_when_a_message_says_a_word(message: str, is_said: bool) -> None:
    """As whole words in any case; not where it is denied, or quoted from elsewhere."""
    assert list(found(["full rebuild"], message)) == (["full rebuild"] if is_said else [])


def test_an_empty_word_is_said_by_nobody() -> None:
    """It would be in every message."""
    assert list(found(["", " "], "anything")) == []


def test_patterns_of_branches() -> None:
    """A star is any text, slashes too; case counts; no branch is none of them."""
    assert matches("release/2026/x", ["main", "release/*"])
    assert not matches("Main", ["main"])
    assert not matches(None, ["*"])


def test_a_branch_on_which_everything_is_planned() -> None:
    """In CI only, and for no pull request: a fork's branch may be called main, too."""
    policy = Policy(plan_all=("main",))
    fork = msgspec.structs.replace(OURS, branch="main")

    assert rule(policy, MAIN, HERE, "", publish=False).is_whole
    assert not rule(policy, None, HERE, "", publish=False).is_whole
    assert not rule(policy, OURS, TOPIC, "", publish=False).is_whole
    assert not rule(policy, fork, HERE, "", publish=False).is_whole


def test_a_pull_request_gets_one_tag_of_its_own() -> None:
    """Fixed, and with its version where an image has several; neither stamps nor branches."""
    templates = TagTemplates(("py{version}-{stamp}",), ("{branch}",), ("latest",))
    of = stack(target("lab", templates=templates), target("py/3.12", templates=templates))
    found = Ruling(False, pull_request=OURS.pull_request).stack_for(of)

    assert [tags_of(each.templates, HERE, {}) for each in found.targets] == [
        (("pr-12-1f0c9a2",), ()),
        (("pr-12-1f0c9a2-3.12",), ()),
    ]
