# SPDX-License-Identifier: MIT
"""What a stack's owner decided about runs: which publish, and what words in a commit's message do.

In:   Policy (of the spec), Ci, Revision, the commit's message, whether publishing was asked for
Out:  Ruling: whether this run publishes, what it builds anew, whether it does anything, and each decision's sentence
Pure. Why: docs/explanation/policies.md
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from stackyard.model.plan import Note
from stackyard.model.stack import Policy, Revision, Stack, TagTemplates, Target
from stackyard.model.tags import COMMIT_DIGITS, sanitise

_DENIED = r"(?i)\b(no|not|never|without|avoid\w*|prevent\w*|(?:do|does|wo)n['’]?t)\s+(?:(?:a|an|the|any|to|do)\s+)*$"
_QUOTED = r'"[^"\n]*"|`[^`\n]*`|“[^”\n]*”'

if TYPE_CHECKING:
    from stackyard.model.ci import Ci, PullRequest


class Ruling(msgspec.Struct, frozen=True):
    """What the policy says of one run."""

    is_publishing: bool
    forced_by: str | None = None
    """Who asks that everything is built anew; None: nobody."""
    left_alone: str | None = None
    """Why nothing is done at all; None: something is."""
    is_whole: bool = False
    """Whether every image is planned, whatever changed since."""
    pull_request: PullRequest | None = None
    notes: tuple[Note, ...] = ()

    def stack_for(self, stack: Stack) -> Stack:
        """The stack with the tags that this run gives: to a pull request's images only one, fixed and its own."""
        if self.pull_request is None:
            return stack
        return msgspec.structs.replace(stack, targets=tuple(map(self._retagged, stack.targets)))

    def rebuilt(self, asked: Sequence[str]) -> Sequence[str]:
        """What is built anew: what was asked for, or everything."""
        return (*asked, "all") if self.forced_by else asked

    def _retagged(self, target: Target) -> Target:
        assert self.pull_request is not None
        if target.name.platform is not None:  # what joins it has the names
            return target
        end = f"-{sanitise(target.version)}" if target.version is not None else ""
        tag = f"pr-{self.pull_request.number}-{{commit}}{end}"
        return msgspec.structs.replace(target, templates=TagTemplates((tag,)))


def rule(policy: Policy, ci: Ci | None, revision: Revision, message: str, publish: bool) -> Ruling:
    """What the policy says of this run.

    Args:
        message: of the commit, and the title of its pull request; empty where this is no CI, or words are off.
        publish: whether publishing was asked for.
    """
    if word := next(found(policy.words.skip, message), None):
        why = f'{_where(ci)} says "{word}"'
        sentence = f"nothing is planned, built or published: {why}"
        return Ruling(False, left_alone=why, notes=(Note("skip", sentence),))
    notes: list[Note] = []
    forced_by = _forced_by(policy, ci, revision, message)
    if forced_by:
        notes.append(Note("rebuild-all", f"every image is built anew: {forced_by}"))
    request = ci.pull_request if ci else None
    is_whole = ci is not None and request is None and matches(revision.branch, policy.plan_all)
    refusal = _refusal(policy, ci, revision, message) if publish else None
    if refusal:
        notes.append(Note("not-publishing", f"--push publishes nothing: {refusal}"))
    return Ruling(publish and refusal is None, forced_by, None, is_whole, request, tuple(notes))


def _forced_by(policy: Policy, ci: Ci | None, revision: Revision, message: str) -> str | None:
    if word := next(found(policy.words.rebuild, message), None):
        return f'"{word}" in {_where(ci)}'
    if ci is not None and ci.pull_request is None and matches(revision.branch, policy.rebuild_all):
        return f"`rebuild_all`, on branch {revision.branch}"
    return None


def _where(ci: Ci | None) -> str:
    """Where words are looked for."""
    return "the commit message or the pull request's title" if ci and ci.pull_request else "the commit message"


def _refusal(policy: Policy, ci: Ci | None, revision: Revision, message: str) -> str | None:
    """Why this run may not publish."""
    if word := next(found(policy.words.skip_push, message), None):
        return f'{_where(ci)} says "{word}"'
    request, tag = (ci.pull_request, ci.tag) if ci else (None, None)
    if request is not None:
        if request.is_fork:
            return f"pull request {request.number} comes from a fork"
        if not policy.pull_requests:
            return (
                f"this is the run of pull request {request.number}; with `publish: {{pull_requests: true}}` "
                f"it would publish pr-{request.number}-{revision.commit[:COMMIT_DIGITS]}"
            )
        return None
    if policy.branches is None or matches(revision.branch, policy.branches):
        return None
    where = (
        f"branch {revision.branch} is"
        if revision.branch
        else f"git tag {tag} is"
        if tag
        else "no branch is known, so it is"
    )
    listed = ", ".join(policy.branches) or "none"
    return f"{where} not among `publish.branches` ({listed})"


def matches(branch: str | None, patterns: Iterable[str]) -> bool:
    """Whether a branch is one of those that patterns name; `*` stands for any text, slashes too."""
    from fnmatch import fnmatchcase  # few stacks have such lists

    return branch is not None and any(fnmatchcase(branch, pattern) for pattern in patterns)


def found(words: Iterable[str], message: str) -> Iterator[str]:
    """Which of `words` a message says: as whole words in any case, neither denied nor quoted.

    >>> list(found(["full rebuild"], "Bump R. Full rebuild!")), list(found(["full rebuild"], "avoid a full rebuild"))
    (['full rebuild'], [])
    """
    said, denied = re.sub(_QUOTED, " ", message), re.compile(_DENIED)
    for word in words:
        parts = r"[\s-]+".join(map(re.escape, word.split()))
        for match in re.finditer(rf"(?<!\w){parts}(?!\w)", said, re.IGNORECASE) if parts else ():
            if not denied.search(said, 0, match.start()):
                yield word
                break
