# SPDX-License-Identifier: MIT
"""`@good`: the newest run of a branch in which every image passed all that a channel asks for.

In:   Stack, Known, finished runs, what is selected, the gates of a channel as a question
Out:  Good: the sources of a promotion, by digest, and the run's commit
Raises: NothingToDo where there is no such run; GatesClosed with what the newest one lacks
Pure. Why: docs/explanation/promotion.md

A run moves the tags of what it changed, so what a branch was after it is what this run and all before it put there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

from stackyard.errors import GatesClosed, NothingToDo
from stackyard.model.gates import Waiting
from stackyard.model.known import Known, TagPlace
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.reference import Reference
from stackyard.model.stack import Stack, Target
from stackyard.model.tags import COMMIT_DIGITS, tags_of
from stackyard.plan.channels import Source, channel_tag, source_at
from stackyard.plan.gates import lines_of

GOOD = "@good"
"""What a person types for it; no tag begins like this."""

Gated = Callable[[MoveSet, Sequence[Source]], MoveSet]
"""A promotion with its gates: `with_gates` of plan/gates.py, with what was overridden."""


class Good(NamedTuple):
    """The images of a run."""

    sources: Sequence[Source]
    commit: str
    """The run's; empty where files differed from it."""


def find_good(
    stack: Stack,
    known: Known,
    runs: Sequence[MoveSet],
    selected: frozenset[TargetName],
    channel: str,
    place: TagPlace,
    gated: Gated,
) -> Good:
    """The newest run of the branch that is checked out after which every selected image passes the channel's gates.

    Args:
        runs: finished sets of branch tags, newest first.
    """
    branch = stack.revision.branch
    if branch is None:
        raise NothingToDo(
            f"nobody can say which runs {GOOD} means: no branch is checked out",
            hint="check out the branch, or promote a tag or a commit",
            source=GOOD,
        )
    states = _States(_of_branch(stack, runs, place))
    targets = [each for each in stack.targets if each.name in selected and each.name.platform is None]
    newest: MoveSet | None = None
    missing: list[TargetName] = []
    for number in reversed(range(len(states.ends))):
        sources, missing_now = _sources(stack, known, targets, states, number, place)
        missing = missing or missing_now
        if missing_now:
            continue
        end = states.ends[number]
        moves = gated(*_moves(stack, known, sources, channel, end, place))
        if not moves.missing:
            return Good(sources, end.commit)
        newest = newest or moves
    if newest is None:
        names = f": nothing is known of {', '.join(missing)}" if missing else ""
        raise NothingToDo(
            f"nothing to promote: no run of {branch} has published all of these images{names}",
            hint="`stackyard build --push` publishes what is not yet; --image promotes some of them",
            source=GOOD,
        )
    commit = f" (commit {newest.commit[:COMMIT_DIGITS]})" if newest.commit else ""
    head = f"nothing to promote: no run of {branch} has passed all gates of {channel}; the newest{commit} lacks"
    raise GatesClosed(
        "\n".join([head, *lines_of(newest.missing)]),
        hint="--override GATE --reason WHY promotes it all the same, and is shown for ever",
        channel=channel,
        source=GOOD,
        gates=newest.missing,
    )


def lacks_record(stack: Stack, known: Known, runs: Sequence[MoveSet], place: TagPlace) -> bool:
    """Whether the newest run of the branch put a tag on an image of which nothing is known."""
    states = _States(
        [moves for moves in reversed(runs) if moves.place == place and moves.branch == stack.revision.branch]
    )
    last = len(states.ends) - 1
    digests = ((target, states.digest(target, last)) for target in stack.targets)
    return any(digest and source_at(stack, known, target, digest, place).record is None for target, digest in digests)


def waiting(
    stack: Stack, known: Known, runs: Sequence[MoveSet], channel: str, place: TagPlace, gated: Gated
) -> Waiting | None:
    """What keeps a channel from the newest run of the branch; None where nothing does, or it is there.

    Args:
        runs: as for `find_good`.
    """
    branch = stack.revision.branch
    mine = _of_branch(stack, runs, place)
    if branch is None or not mine:
        return None
    states = _States(mine)
    targets = [target for target in stack.targets if target.name.platform is None]
    sources, _ = _sources(stack, known, targets, states, len(states.ends) - 1, place)
    moves, named = _moves(stack, known, sources, channel, mine[-1], place)
    missing = gated(moves, named).missing if moves.changes else ()
    return Waiting(branch, mine[-1].commit, missing) if missing else None


def _of_branch(stack: Stack, runs: Sequence[MoveSet], place: TagPlace) -> list[MoveSet]:
    """Sets of the branch that is checked out, oldest first."""
    mine = (moves for moves in reversed(runs) if moves.place == place and moves.kind != "prune")
    return [moves for moves in mine if moves.branch == stack.revision.branch]


class _States:
    """Where a branch had each image after each run.

    Args:
        sets: of one branch, oldest first; a run has one for each set of images that are connected.
    """

    def __init__(self, sets: Sequence[MoveSet]) -> None:
        self.ends: list[MoveSet] = []
        """The last set of each run."""
        self._moved: dict[TargetName, tuple[list[int], list[TagMove]]] = {}
        for number, (_, group) in enumerate(groupby(sets, lambda moves: (moves.kind, moves.source, moves.commit))):
            run = list(group)
            self.ends.append(run[-1])
            for move in (move for moves in run for move in moves.moves):
                numbers, made = self._moved.setdefault(move.target, ([], []))
                numbers.append(number)
                made.append(move)

    def digest(self, target: Target, number: int) -> Digest | None:
        """What the branch had after a run."""
        numbers, made = self._moved.get(target.name, ([], []))
        last = bisect_right(numbers, number) - 1
        if last < 0 or made[last].repository.canonical != target.repository.canonical:
            return None
        return made[last].now

    def is_moved(self, target: Target) -> bool:
        """Whether any run moved a tag of it."""
        return target.name in self._moved


def _sources(
    stack: Stack, known: Known, targets: Sequence[Target], states: _States, number: int, place: TagPlace
) -> tuple[tuple[Source, ...], list[TargetName]]:
    """What a branch had after a run, and the images of which it had none that the records know."""
    found: list[Source] = []
    missing: list[TargetName] = []
    for target in targets:
        digest = states.digest(target, number)
        if digest is None and not states.is_moved(target):  # its tag was there before any run that is known
            digest = _tagged(stack, known, target, place)
        source = source_at(stack, known, target, digest, place) if digest else None
        if source is None or source.record is None:
            missing.append(target.name)
        else:
            found.append(source)
    return tuple(found), missing


def _tagged(stack: Stack, known: Known, target: Target, place: TagPlace) -> Digest | None:
    """Where the records have the branch's tag."""
    moving: tuple[Tag, ...] = tags_of(target.templates, stack.revision, dict(target.variables))[1]
    places = (known.tag_at(place, Reference(target.repository, tag)) for tag in moving)
    return next(filter(None, places), None)


def _moves(
    stack: Stack, known: Known, sources: Sequence[Source], channel: str, end: MoveSet, place: TagPlace
) -> tuple[MoveSet, Sequence[Source]]:
    """The promotion of a run as its gates are asked, from where the records have the channel, and what it is of.

    An image for which the channel's template has no value is left out: the promotion itself refuses it.
    """
    tags = {each.target.name: channel_tag(stack, each.target, channel) for each in sources}
    named = [each for each in sources if tags[each.target.name] is not None]
    moves: list[TagMove] = []
    for each in named:
        repository, tag = each.target.repository, tags[each.target.name]
        assert tag is not None
        was = known.tag_at(place, Reference(repository, tag))
        moves.append(TagMove(each.target.name, repository, tag, was, each.digest))
    asked = end.commit[:COMMIT_DIGITS] or end.branch or GOOD
    return MoveSet("promote", place, channel, asked, end.at, tuple(moves), end.commit), named
