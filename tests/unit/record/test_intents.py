# SPDX-License-Identifier: MIT
"""Moving tags where everything goes wrong once: afterwards they are entirely old or entirely new, and it is told."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest

from stackyard.errors import (
    DigestMismatch,
    RecordProblem,
    RegistryRefused,
    RegistryUnreachable,
    StackyardError,
    TagConflict,
    TakenOver,
    WorldError,
)
from stackyard.model.moves import MoveSet, MoveState, TagMove
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.reference import Repository
from stackyard.model.shared import INTENT_TAG, listed
from stackyard.record.intents import LEASE_S, SharedJournal
from stackyard.record.sqlite import SqliteRecords
from stackyard.run.tagging import carry_out, finish
from stackyard.run.tagging import make as make_moves
from stackyard.run.tags import RegistryTags, looked
from stackyard.testing import FixedClock, MemoryRegistry
from stackyard.testing.registry import Request
from tests.examples import IS_LONG

NAMES = ("base", "left", "right")
STABLE = Tag("stable")
GONE = RegistryUnreachable("cannot reach registry registry.example", address="registry.example")
BROKEN = RegistryRefused("registry registry.example refused", status=500)
DENIED = RegistryRefused("registry registry.example refused", status=403)


class Killed(BaseException):
    """`kill -9`."""


def repository(name: str) -> Repository:
    """Where an image is."""
    return Repository(f"registry.example/lab/{name}")


HOME = repository("base")


class Machine:
    """A clone with its records; all share one registry."""

    def __init__(self, folder: Path, registry: MemoryRegistry, records: type[SqliteRecords] = SqliteRecords) -> None:
        self.folder, self.registry, self.clock = folder, registry, FixedClock()
        self.records = records(folder / "records.sqlite3")
        self.said: list[str] = []

    def journal(self) -> SharedJournal:
        """As a command opens it."""
        tokens = (f"{self.folder.name}{number:04}{len(self.records.move_sets())}" for number in itertools.count())
        args = (self.folder / "turn", self.registry, HOME, self.clock, lambda: next(tokens), self.said.append)
        return SharedJournal(self.records, *args)

    def plan(self, content: str, journal: SharedJournal | None = None) -> tuple[MoveSet, SharedJournal, RegistryTags]:
        """What a promotion would move."""
        journal, store = journal or self.journal(), RegistryTags(self.registry, connections=1)
        journal.recover(partial(finish, store))
        now = {name: self.registry.tags(repository(name))[Tag(content)] for name in NAMES}
        asked = [TagMove(TargetName(name), repository(name), STABLE, None, now[name]) for name in NAMES]
        moves = tuple(
            TagMove(move.target, move.repository, STABLE, was, move.now)
            for move, was in zip(asked, looked(store, asked), strict=True)
        )
        return MoveSet("promote", "registry", "stable", content, self.clock.now(), moves), journal, store

    def promote(self, content: str) -> MoveSet:
        """As the command with --yes."""
        moves, journal, store = self.plan(content)
        return carry_out(moves, store, journal, is_fresh=True)

    def next_command(self) -> str:
        """Whatever moves tags begins so; what it said that was wrong."""
        try:
            self.journal().recover(partial(finish, RegistryTags(self.registry, connections=1)))
        except StackyardError as error:
            return str(error)
        return ""

    def history(self) -> list[tuple[str, MoveState]]:
        """Newest first."""
        return [(moves.source, moves.state) for moves in self.records.move_sets()]


@pytest.fixture
def registry() -> MemoryRegistry:
    """Three repositories with three images each; `stable` is at the old ones."""
    made = MemoryRegistry()
    for name in NAMES:
        for content in ("new", "other", "old"):
            made.add_image(repository(name), content, f"{content} {name}")
        made.add(repository(name), "stable", manifest_of(made, name, "old"))
    return made


def manifest_of(registry: MemoryRegistry, name: str, content: str):  # type: ignore[no-untyped-def]
    """What a tag points at."""
    return registry.manifest(repository(name), Tag(content))


@pytest.fixture
def machines(tmp_path: Path, registry: MemoryRegistry) -> tuple[Machine, Machine]:
    """Two clones."""
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append(Machine(tmp_path / name, registry))
    return made[0], made[1]


def stands_at(registry: MemoryRegistry, tag: Tag = STABLE) -> str:
    """The content that all tags of the channel have; AssertionError for a mix."""
    tags = {name: registry.tags(repository(name)) for name in NAMES}
    for content in ("old", "new", "other"):
        if all(tags[name].get(tag) == tags[name][Tag(content)] for name in NAMES):
            return content
    assert all(tags[name].get(tag) is None for name in NAMES), "a mix"
    return "nothing"


def from_then_on(registry: MemoryRegistry, number: int, error: BaseException, *, after: bool) -> None:
    """The so-manieth request fails, before or after its effect, and so do all that come later."""
    count = 0

    def before(_: Request) -> bool:
        nonlocal count
        count += 1
        return count > number or (count == number and not after)

    registry.fail_on(before, error)  # type: ignore[arg-type]
    registry.fail_on(lambda _: count == number, error, after=True)  # type: ignore[arg-type]


def test_killed_at_every_step_and_finished_elsewhere(tmp_path: Path) -> None:
    """Before or after the effect of a request: the next command on either machine makes the channel whole, and both
    histories say the same; nothing is ever deleted by digest. Some steps in the fast suite, all in the long one."""
    seen: set[tuple[str, bool]] = set()
    every = list(itertools.product(range(1, 100), (False, True), (True, False)))
    for number, after, can_untag in every if IS_LONG else every[::5]:
        registry = make(can_untag)
        one, two = (Machine(folder(tmp_path, f"{number}{after}{can_untag}{name}"), registry) for name in "ab")
        from_then_on(registry, number, Killed(), after=after)
        try:
            one.promote("new")
        except Killed:
            registry.heal()
        else:
            break  # it has no more steps
        first, second = (one, two) if number % 2 else (two, one)

        assert first.next_command() == second.next_command() == ""
        content = stands_at(registry)
        assert not listed(registry.tags(HOME)).open
        states = {state for _, state in one.history()}
        assert states <= {"done" if content == "new" else "undone"}
        assert {state for _, state in two.history()} <= states
        assert "delete" not in {request.verb for request in registry.requests}
        two.promote("other")
        assert stands_at(registry) == "other"
        seen.add((content, bool(states)))
    assert number > 15
    assert {("old", False), ("new", True)} <= seen


def folder(above: Path, name: str) -> Path:
    """A new folder."""
    (above / name).mkdir()
    return above / name


def make(can_untag: bool) -> MemoryRegistry:
    """As the fixture."""
    made = MemoryRegistry(can_untag=can_untag)
    for name in NAMES:
        for content in ("new", "other", "old"):
            made.add_image(repository(name), content, f"{content} {name}")
        made.add(repository(name), "stable", manifest_of(made, name, "old"))
    return made


@pytest.mark.parametrize("after", [False, True])
def test_gone_in_the_middle(tmp_path: Path, after: bool) -> None:
    """From some request on nobody answers: the error is told, and once somebody does, all is old or all is new."""
    for number in itertools.count(1, 1 if IS_LONG else 3):
        registry = make(can_untag=bool(number % 2))
        one, two = (Machine(folder(tmp_path, f"{number}{name}"), registry) for name in "ab")
        from_then_on(registry, number, GONE, after=after)
        try:
            one.promote("new")
        except RegistryUnreachable:
            registry.heal()
        except WorldError:  # with what came of putting back
            registry.heal()
        else:
            registry.heal()
            assert stands_at(registry) == "new"  # only the last words were lost
            break
        assert two.next_command() == one.next_command() == ""
        stands_at(registry)
        assert not listed(registry.tags(HOME)).open
    assert number > 10


def test_half_of_all_answers_are_500(tmp_path: Path) -> None:
    """However often: nothing is told as done that is not, and when it is over the next command makes it whole."""
    for seed in range(12):
        random = Random(seed)
        registry = make(can_untag=bool(seed % 2))
        one, two = (Machine(folder(tmp_path, f"{seed}{name}"), registry) for name in "ab")
        registry.fail_on(lambda _, random=random: random.random() < 0.25, BROKEN)
        registry.fail_on(lambda _, random=random: random.random() < 0.25, BROKEN, after=True)
        for machine, content in ((one, "new"), (two, "other"), (one, "old")):
            try:
                machine.promote(content)
            except StackyardError:
                continue
            registry.heal()
            assert stands_at(registry) == content
            break
        registry.heal()
        for machine in (one, two, one):
            machine.next_command()
        stands_at(registry)
        assert not listed(registry.tags(HOME)).open
        assert "intended" not in {state for machine in (one, two) for _, state in machine.history()}


class Losing(MemoryRegistry):
    """It says yes to one tag, and forgets it."""

    loses: Callable[[Repository, Tag | Digest], bool] = staticmethod(lambda *_: False)

    def put(self, repository: Repository, tag: Tag | Digest, manifest, *, is_read_back: bool = True) -> None:  # type: ignore[no-untyped-def]
        if not self.loses(repository, tag):
            super().put(repository, tag, manifest, is_read_back=is_read_back)


def test_accepted_and_lost(machines: tuple[Machine, Machine], registry: MemoryRegistry) -> None:
    """Found out when all tags are looked at, told with both digests, and nothing stays new."""
    registry.__class__ = Losing
    registry.loses = lambda repository, tag: repository.endswith("left") and tag == STABLE  # type: ignore[attr-defined]
    with pytest.raises(DigestMismatch, match=r"left:stable was put at .* the registry took it and lost it"):
        machines[0].promote("new")

    assert stands_at(registry) == "old"
    assert machines[0].history() == [("new", "undone")]
    registry.loses = lambda *_: False  # type: ignore[attr-defined]
    machines[1].promote("new")
    assert stands_at(registry) == "new"


def test_a_tag_that_did_not_exist(tmp_path: Path) -> None:
    """It is taken away again by name where that can be done; elsewhere the next command finishes the set forward."""
    beta = Tag("beta")
    for can_untag, expected in ((True, "nothing"), (False, "new")):
        registry = make(can_untag)
        one, two = (Machine(folder(tmp_path, f"{can_untag}{name}"), registry) for name in "ab")
        moves, journal, store = one.plan("new")
        firsts = tuple(TagMove(move.target, move.repository, beta, None, move.now) for move in moves.moves)
        registry.fail_on(lambda request: request == Request("put", repository("right"), beta), BROKEN)
        with pytest.raises(StackyardError, match="refused") as caught:
            carry_out(MoveSet("promote", "registry", "beta", "new", "", firsts), store, journal)
        registry.heal()

        assert ("the next command finishes the set" in str(caught.value)) is not can_untag
        assert two.next_command() == ""
        assert stands_at(registry, beta) == expected
        assert "delete" not in {request.verb for request in registry.requests}


def test_two_at_once_on_one_machine(machines: tuple[Machine, Machine], registry: MemoryRegistry) -> None:
    """Both were planned, one wins; the other is told, with both digests and what shows when."""
    one, _ = machines
    same = Machine(one.folder, registry)
    moves, journal, store = one.plan("new")
    same.promote("other")
    with pytest.raises(TagConflict) as caught:
        carry_out(moves, store, journal, is_fresh=True)

    assert stands_at(registry) == "other"
    assert str(moves.moves[0].was) in str(caught.value)
    assert str(registry.tags(HOME)[STABLE]) in str(caught.value)
    assert "`stackyard show stable`" in (caught.value.hint or "")


def test_two_at_once_on_two_machines(machines: tuple[Machine, Machine], registry: MemoryRegistry) -> None:
    """The same, though no lock keeps them apart."""
    one, two = machines
    moves, journal, store = one.plan("new")
    two.promote("other")
    with pytest.raises(TagConflict):
        carry_out(moves, store, journal, is_fresh=True)

    assert stands_at(registry) == "other"
    assert one.history() == []


class Slow(MemoryRegistry):
    """Something happens once, between its doing what it was asked and its answer."""

    meanwhile: Callable[[], object] | None = None

    def put(self, repository: Repository, tag: Tag | Digest, manifest, *, is_read_back: bool = True) -> None:  # type: ignore[no-untyped-def]
        super().put(repository, tag, manifest, is_read_back=is_read_back)
        if tag == STABLE:
            self.pause()

    def pause(self) -> None:
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            happens()


class SlowToList(Slow):
    """The same at the list of tags that has an intent of the first machine."""

    def list_tags(self, repository: Repository) -> tuple[Tag, ...]:
        found = super().list_tags(repository)
        if any(tag.startswith(f"{INTENT_TAG}one") for tag in found):
            self.pause()
        return found

    def put(self, repository: Repository, tag: Tag | Digest, manifest, *, is_read_back: bool = True) -> None:  # type: ignore[no-untyped-def]
        MemoryRegistry.put(self, repository, tag, manifest, is_read_back=is_read_back)


def test_a_machine_that_slept(machines: tuple[Machine, Machine], registry: MemoryRegistry) -> None:
    """Another one took it for dead and finished its set: it moves no further tag, and learns what became of it."""
    one, two = machines

    def sleep() -> None:
        one.clock.advance(LEASE_S)
        assert two.next_command() == ""
        assert stands_at(registry) == "new"
        two.promote("other")

    registry.__class__ = Slow
    registry.meanwhile = sleep  # type: ignore[attr-defined]
    with pytest.raises(TakenOver, match="another machine took it for dead"):
        one.promote("new")

    assert stands_at(registry) == "other"
    assert one.next_command() == ""
    assert one.history() == [("new", "done")]
    assert stands_at(registry) == "other"


class Slept(SharedJournal):
    """Something happens when the set is written down, before three threads want to make a move at once."""

    happens: Callable[[], object] = staticmethod(lambda: None)

    def intend(self, moves: MoveSet) -> MoveSet:
        written = super().intend(moves)
        self.happens()
        self.beats, self.met = itertools.count(), threading.Barrier(3)
        return written

    def beat(self) -> None:
        if hasattr(self, "beats") and next(self.beats) < 3:
            self.met.wait(30)  # none of them has seen yet that another one failed
        super().beat()


def test_no_thread_goes_on_after_a_take_over(machines: tuple[Machine, Machine], registry: MemoryRegistry) -> None:
    """Every later word of this hold fails as the first did: what the other machine moved meanwhile stands."""
    one, two = machines

    def sleep() -> None:
        one.clock.advance(LEASE_S)
        two.promote("other")

    moves, journal, _ = one.plan("new")
    journal.__class__ = Slept
    journal.happens = sleep  # type: ignore[attr-defined]
    with pytest.raises(TakenOver):
        carry_out(moves, RegistryTags(registry, connections=3), journal, is_fresh=True)

    assert stands_at(registry) == "other"
    assert one.next_command() == two.next_command() == ""
    assert stands_at(registry) == "other"
    assert one.promote("new").state == "done"  # the next hold is another one


def test_who_could_not_ask_asks_again(machines: tuple[Machine, Machine], registry: MemoryRegistry) -> None:
    """Silent for long, and the list of tags fails: that nobody went on is not believed until it was answered."""
    one, two = machines
    moves, journal, store = one.plan("new")
    with journal.held(partial(finish, store)):
        journal.intend(moves)
        one.clock.advance(LEASE_S)
        two.promote("other")
        registry.fail_on(lambda request: request.verb == "list_tags", BROKEN)
        with pytest.raises(RegistryRefused):
            journal.beat()
        registry.heal()
        with pytest.raises(TakenOver):
            journal.beat()


def test_a_take_over_beside_another_failure(machines: tuple[Machine, Machine], registry: MemoryRegistry) -> None:
    """One move failed first, at another it was seen that somebody took over: nothing is put back."""
    moves, journal, _ = machines[0].plan("new")
    both, is_failing = threading.Barrier(2), threading.Event()
    words = itertools.count()

    def beat() -> None:
        if (number := next(words)) in (1, 2):  # the first is before the set is written down
            both.wait(30)
        if number == 2:
            is_failing.wait(30)
            raise TakenOver("another machine finishes it")

    def fails(request: Request) -> bool:
        if request.verb == "put" and request.tag == STABLE:
            is_failing.set()
            return True
        return False

    registry.fail_on(fails, BROKEN)
    journal.beat = beat  # type: ignore[method-assign]
    with pytest.raises(TakenOver), journal.held(lambda *_: pytest.fail("nothing was left")):
        make_moves(moves, RegistryTags(registry, connections=2), journal)


def test_a_machine_that_slept_and_was_not_missed(machines: tuple[Machine, Machine], registry: MemoryRegistry) -> None:
    """Nobody went on without it: it asks once, and goes on itself."""
    registry.__class__ = Slow
    registry.meanwhile = lambda: machines[0].clock.advance(LEASE_S)  # type: ignore[attr-defined]

    assert machines[0].promote("new").state == "done"
    assert stands_at(registry) == "new"


def test_a_machine_that_slept_before_it_began(machines: tuple[Machine, Machine], registry: MemoryRegistry) -> None:
    """It had looked, and had nothing moved yet: another one took its turn, and is not overwritten."""
    one, two = machines

    def sleep() -> None:
        one.clock.advance(LEASE_S)
        two.promote("other")

    registry.__class__ = SlowToList
    registry.meanwhile = sleep  # type: ignore[attr-defined]
    with pytest.raises(TakenOver):
        one.promote("new")

    assert stands_at(registry) == "other"
    assert one.history() == []


class Waiting(FixedClock):
    """Something happens while somebody waits."""

    happens: Callable[[], object] = staticmethod(lambda: None)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.happens()


def test_who_lives_is_waited_for(machines: tuple[Machine, Machine], registry: MemoryRegistry) -> None:
    """An intent that changes is not a dead one's, however long it is there; it is told that somebody is waited for."""
    one, two = machines
    _, journal, _ = one.plan("new")
    two.clock = Waiting()
    held = journal.held(lambda *_: pytest.fail("nothing was left"))
    pauses = 0

    def go_on() -> None:
        nonlocal pauses
        pauses += 1
        one.clock.advance(10)
        if pauses < LEASE_S:
            journal.beat()
        elif pauses == LEASE_S:
            held.__exit__(None, None, None)

    held.__enter__()
    two.clock.happens = go_on  # type: ignore[method-assign]
    begun = two.clock.ticks()

    assert two.promote("other").state == "done"
    assert two.clock.ticks() - begun > LEASE_S
    assert two.said == ["another machine is moving tags of this stack; it is waited for"]


class Full(SqliteRecords):
    """Its disk is full, at one of the writes of the journal."""

    at = ""

    def intend(self, moves: MoveSet) -> MoveSet:
        if self.at == "intend":
            raise RecordProblem("the records cannot be used: database or disk is full")
        return super().intend(moves)

    def settle(self, moves: MoveSet, state: MoveState) -> None:
        if self.at == "settle":
            raise RecordProblem("the records cannot be used: database or disk is full")
        super().settle(moves, state)


@pytest.mark.parametrize(("at", "content"), [("intend", "old"), ("settle", "new")])
def test_a_disk_that_is_full(tmp_path: Path, at: str, content: str) -> None:
    """At the record of what is intended nothing moves; at that of what was done all knew it, and it does later, too."""
    registry = make(can_untag=True)
    one, two = Machine(folder(tmp_path, "a"), registry, Full), Machine(folder(tmp_path, "b"), registry)
    one.records.at = at  # type: ignore[attr-defined]
    with pytest.raises(RecordProblem, match="disk is full"):
        one.promote("new")
    one.records.at = ""  # type: ignore[attr-defined]

    assert stands_at(registry) == content
    assert two.next_command() == one.next_command() == ""
    assert stands_at(registry) == content
    assert one.history() == ([("new", "done")] if at == "settle" else [])


def test_a_clock_that_was_set_back(machines: tuple[Machine, Machine]) -> None:
    """What was done later comes later in the history all the same, and waiting is counted by nobody's time of day."""
    one, _ = machines
    one.promote("new")
    one.clock.advance(-3600)
    one.promote("other")

    assert one.history() == [("other", "done"), ("new", "done")]


class Late(MemoryRegistry):
    """Its list of tags is that of before, once or for ever."""

    behind = 0
    last: tuple[Tag, ...] = ()

    def list_tags(self, repository: Repository) -> tuple[Tag, ...]:
        fresh, before = super().list_tags(repository), self.last
        self.last = fresh
        if self.behind:
            self.behind -= 1
            return before
        return fresh


@pytest.mark.parametrize(("behind", "exclusion"), [(0, "exact"), (2, "best effort")])
def test_how_exact_it_was_is_written_down(
    machines: tuple[Machine, Machine], registry: MemoryRegistry, behind: int, exclusion: str
) -> None:
    """A list that has not yet what was written before it was asked for lets two pass that do not see each other."""
    registry.__class__ = Late
    registry.behind = behind  # type: ignore[attr-defined]

    assert machines[0].promote("new").exclusion == exclusion


def test_a_registry_that_lists_no_tags(machines: tuple[Machine, Machine], registry: MemoryRegistry) -> None:
    """Tags are moved all the same, one machine at a time, and a set that was left is finished by its own."""
    registry.fail_on(lambda request: request.verb == "list_tags", DENIED)

    assert machines[0].promote("new").exclusion == "machine"
    assert machines[1].promote("other").exclusion == "machine"
    assert stands_at(registry) == "other"


def test_where_no_intent_may_be_left(machines: tuple[Machine, Machine], registry: MemoryRegistry) -> None:
    """A right for some images and not for the first of the stack: it is told, and whoever is seen is waited for."""
    registry.fail_on(lambda request: request.verb == "put" and request.tag.startswith(INTENT_TAG), DENIED)

    assert machines[0].promote("new").exclusion == "machine"
    assert machines[0].said[0].startswith("other machines are not kept from moving the same tags")
    assert stands_at(registry) == "new"
    assert machines[0].history() == [("new", "done")]


def test_rights_are_asked_for_first(machines: tuple[Machine, Machine], registry: MemoryRegistry) -> None:
    """Nothing is written where one of the repositories may only be read."""
    registry.fail_on(lambda request: request.verb == "refuse_reader", DENIED)
    with pytest.raises(RegistryRefused):
        machines[0].promote("new")

    assert not {"put", "upload"} & {request.verb for request in registry.requests}
    assert machines[0].history() == []


def test_sources_are_looked_for_first(machines: tuple[Machine, Machine], registry: MemoryRegistry) -> None:
    """One that is gone from the registry stops everything before anything is written."""
    moves, journal, store = machines[0].plan("new")
    registry.delete(repository("right"), moves.moves[2].now)
    with pytest.raises(StackyardError, match=r"right@sha256:.* is not in the registry"):
        carry_out(moves, store, journal, is_fresh=True)

    assert stands_at(registry) == "old"
    assert "put" not in {request.verb for request in registry.requests}


def test_what_we_may_not_finish_is_left_to_others(tmp_path: Path) -> None:
    """A machine with a right for some images only: it says so once, moves its own tags, and waits no second time."""
    registry = make(can_untag=True)
    one, two = (Machine(folder(tmp_path, name), registry) for name in "ab")
    moved = [Request("put", repository(name), STABLE) for name in NAMES[:2]]
    registry.fail_on(lambda _: moved[1] in registry.requests[:-1], Killed())  # type: ignore[arg-type]
    with pytest.raises(Killed):
        one.promote("new")
    registry.heal()
    registry.fail_on(lambda request: request.verb == "put" and request.tag == STABLE, DENIED)
    moves, journal, store = two.plan("other")
    beta = tuple(TagMove(move.target, move.repository, Tag("beta"), None, move.now) for move in moves.moves)
    waited = two.clock.ticks()

    assert carry_out(MoveSet("promote", "registry", "beta", "other", "", beta), store, journal).state == "done"
    assert two.clock.ticks() - waited < LEASE_S / 2
    assert [said for said in two.said if "left half moved stay so" in said]
    registry.heal()
    assert one.next_command() == ""
    assert stands_at(registry) == "new"
