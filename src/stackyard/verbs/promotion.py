# SPDX-License-Identifier: MIT
"""The verbs that move tags: a channel put on what was built, and put back.

In:   a Yard and what is asked
Out:  MoveSet: first what would be moved, then what was
May touch: the tags of the registry (the engine's where the stack has none), records; planning only asks
Raises: StackyardError
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from stackyard.check.findings import refuse_errors
from stackyard.errors import ConfigError
from stackyard.model.moves import AskedPromotion
from stackyard.plan.selection import select
from stackyard.verbs.yard import Yard

if TYPE_CHECKING:
    from stackyard.model.gates import Waiting
    from stackyard.model.known import Known
    from stackyard.model.moves import Difference, MoveSet
    from stackyard.model.names import Digest, Tag
    from stackyard.model.preview import Preview
    from stackyard.plan.channels import Source


def plan_promotion(yard: Yard, wish: AskedPromotion) -> MoveSet:
    """The moves that would put a channel on what was asked for; nothing is moved yet."""
    from stackyard.plan.channels import (
        again,
        asked_of,
        find_sources,
        place_of,
        plan_promotion,
        refuse_gone,
        trusted_tags,
    )
    from stackyard.plan.good import GOOD, find_good, lacks_record
    from stackyard.plan.releases import find_release
    from stackyard.run.tags import asked
    from stackyard.verbs.journaling import finish_moves
    from stackyard.verbs.releasing import have_bytes, named
    from stackyard.verbs.sharing import catch_up, sync, sync_once

    source, channel = wish.source, wish.channel
    refuse_errors(yard.stack)
    if source == GOOD and yard.stack.shares_records:
        catch_up(yard)
    sync_once(yard)
    place = place_of(yard.stack, yard.records.known())
    finish_moves(yard, place)
    known, runs = yard.records.known(), yard.records.move_sets("", "done")
    if source == GOOD and yard.stack.shares_records and lacks_record(yard.stack, known, runs, place):
        sync(yard)  # it is not among the newest
        known, runs = yard.records.known(), yard.records.move_sets("", "done")
    selected = select(yard.stack, wish.images)
    differences: tuple[Difference, ...] = ()
    if wish.accept_because:
        from stackyard.plan.accepting import accepted, asked_to_accept

        told = asked(yard.tags(place), asked_to_accept(yard.stack, source, selected, channel))
        known, differences = accepted(yard.stack, known, source, selected, channel, place, told)
    is_accepted = bool(wish.accept_because)
    begun = find_release(yard.records.releases(), source)
    with_gates = functools.partial(_with_gates, yard, known, wish)
    sources: Sequence[Source]
    commit: str | None
    if source == GOOD:
        sources, commit = find_good(yard.stack, known, runs, selected, channel, place, with_gates)
    else:
        sources = find_sources(yard.stack, known, source, selected, place, begun, is_accepted=is_accepted)
        commit = begun.commit if begun else None
    ready: frozenset[Digest] = frozenset()
    if place == "registry" and (begun or wish.is_trusting):
        ready = have_bytes(yard, known, [(each.target.repository, each.digest) for each in sources], begun)
    wanted = [each for each in asked_of(yard.stack, sources, channel, place) if each[1] not in ready]
    trusted = trusted_tags(wanted, known, place, ready) if wish.is_trusting else {}
    found = {**asked(yard.tags(place), [each for each in wanted if each[:2] not in trusted]), **trusted}
    refuse_gone(sources, found)
    now = yard.clock.now()
    moves = plan_promotion(yard.stack, known, source, sources, channel, place, lambda *tag: found[tag], now, runs)
    if commit is not None:
        moves = msgspec.structs.replace(moves, commit=commit)
    if differences:
        moves = msgspec.structs.replace(moves, accepted=differences, accepted_because=wish.accept_because)
    gated = with_gates(moves, sources)
    if gated.missing and place == "registry" and _learned(yard, gated):  # somebody may have brought it elsewhere
        known = yard.records.known()
        gated = _with_gates(yard, known, wish, moves, again(yard.stack, known, sources, place))
    return named(yard, gated, begun, wish.release, wish.notes)


def _with_gates(
    yard: Yard, known: Known, wish: AskedPromotion | None, moves: MoveSet, sources: Sequence[Source]
) -> MoveSet:
    """A promotion with how its gates stand; None: nobody asks for one, or lets any go."""
    from stackyard.plan.gates import with_gates

    is_any_adopted = any(each.record is not None and each.record.adopted for each in sources)
    before = yard.records.move_sets(state="done") if is_any_adopted else ()
    overridden, reason = (wish.overridden, wish.reason) if wish else ((), "")
    return with_gates(yard.stack, known, moves, sources, overridden, reason, before)


def _learned(yard: Yard, moves: MoveSet) -> bool:
    """Ask for what others know of the images that miss something; whether anything was new."""
    from stackyard.verbs.sharing import beside, shared_records

    shared = shared_records(yard)
    names = {name for state in moves.missing for name in state.targets}
    wanted = [(beside(yard.stack, move.repository), move.target) for move in moves.moves if move.target in names]
    return shared is not None and shared.learn(wanted) > 0


def plan_rollback(yard: Yard, channel: str, release: str = "") -> MoveSet:
    """The moves that would bring `channel` back to what it was before its current set.

    Args:
        release: to what it was when it came to this one.
    """
    from stackyard.plan.releases import find_release
    from stackyard.plan.rollback import asked_of_rollback, history_of, plan_rollback
    from stackyard.run.tags import asked
    from stackyard.verbs.journaling import finish_moves
    from stackyard.verbs.releasing import by, have_bytes
    from stackyard.verbs.sharing import sync_once

    sync_once(yard)
    before = history_of(yard.stack, channel, yard.records.move_sets())
    place = before[0].place if before else "engine"
    finish_moves(yard, place)
    history = history_of(yard.stack, channel, yard.records.move_sets(state="done"))
    releases = yard.records.releases()
    to = find_release(releases, release) if release else None
    name = to.name if to else release
    found = asked(yard.tags(place), asked_of_rollback(history, name))
    moves = plan_rollback(channel, history, lambda *tag: found[tag], yard.clock.now(), name)
    begun = next((each for each in releases if each.name == moves.release), None)
    if begun is not None and place == "registry":
        have_bytes(yard, yard.records.known(), [(each.repository, now) for each, now in moves.puts], begun)
    return msgspec.structs.replace(moves, by=by(yard))


def preview(yard: Yard, moves: MoveSet, *, is_asking: bool = False) -> Preview:
    """What a planned promotion or rollback means: what changes inside, and what stays behind.

    Args:
        is_asking: also fetch inventories that are kept beside the images and were not needed here so far.
    """
    from stackyard.plan.previewing import preview, replaced, without_inventory
    from stackyard.verbs.sharing import learn_inventories

    known = yard.records.known()
    if is_asking and moves.place == "registry" and learn_inventories(yard, without_inventory(yard.stack, moves, known)):
        known = yard.records.known()
    records = replaced(moves, known)
    if is_asking and moves.place == "registry" and yard.stack.inventories:
        from stackyard.verbs.inside import learn_attached

        learn_attached(yard, records)
    kept = yard.records.inventories({record.built.content for record in records if record.built})
    return preview(yard.stack, moves, known, kept)


def move(
    yard: Yard, moves: MoveSet, *, is_fresh: bool = False, tell: Callable[[str], object] = lambda _: None
) -> MoveSet:
    """Carry a planned promotion or rollback out: all tags or none. GatesClosed where a gate has not passed.

    Args:
        is_fresh: it was planned just now: the tags need not be looked at again.
        tell: gets a sentence if others cannot be told of it yet.
    """
    from stackyard.run.tagging import carry_out
    from stackyard.verbs.journaling import journal_of
    from stackyard.verbs.releasing import keep, keep_what_was
    from stackyard.verbs.sharing import shared_records

    refuse_closed(moves)
    shared = shared_records(yard) if moves.place == "registry" else None
    keep_what_was(yard, moves)
    keep(yard, moves, shared)
    done = carry_out(moves, yard.tags(moves.place), journal_of(yard, moves.place), is_fresh=is_fresh)
    if shared is not None:
        shared.send_unshared()
        for sentence in shared.flush():
            tell(sentence)
    return done


def refuse_closed(moves: MoveSet) -> None:
    """GatesClosed with a line for each gate of a promotion that has not passed."""
    if moves.missing:
        from stackyard.plan.gates import closed

        raise closed(moves)


def waiting(yard: Yard, names: Iterable[str]) -> dict[str, Waiting]:
    """What keeps channels from the newest run of the branch, where the spec guards any.

    Args:
        names: channels as people called them: one that the spec guards by another spelling is called like this.
    """
    if not yard.stack.gates:
        return {}
    from stackyard.plan.channels import channel_tag, place_of
    from stackyard.plan.good import waiting

    known = yard.records.known()
    place, runs = place_of(yard.stack, known), yard.records.move_sets("", "done")
    with_gates = functools.partial(_with_gates, yard, known, None)
    called: dict[tuple[Tag | None, ...], str] = {}
    found: dict[str, Waiting] = {}
    with contextlib.suppress(ConfigError):  # of a spec that had other names, or has a slip: `check` tells
        for name in (*names, *(entry.channel for entry in yard.stack.gates)):
            called.setdefault(tuple(channel_tag(yard.stack, target, name) for target in yard.stack.targets), name)
        for name in called.values():
            if (each := waiting(yard.stack, known, runs, name, place, with_gates)) is not None:
                found[name] = each
    return found


def channels(yard: Yard) -> dict[str, MoveSet]:
    """What each channel points at: its last promotion that was not rolled back."""
    from stackyard.plan.rollback import standing_sets

    return standing_sets(yard.records.move_sets(state="done"))
