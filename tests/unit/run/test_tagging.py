# SPDX-License-Identifier: MIT
"""A set of tags that cannot be moved as a whole is put back, and nothing of anybody else's is touched."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from stackyard.errors import RegistryRefused, WorldError
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.reference import Platform, Repository
from stackyard.record.journal import LocalJournal
from stackyard.record.sqlite import SqliteRecords
from stackyard.run.tagging import carry_out, finish

OLD, NEW, THEIRS = (Digest(f"sha256:{digit * 64}") for digit in "123")
STABLE = Tag("stable")
NAMES = ("first", "second", "third")


class Tags:
    """Tags of three repositories; the third is refused once, after something else happened."""

    is_shared = True
    connections = 3

    def __init__(self, at: dict[str, Digest], meanwhile: Callable[[Tags], None]) -> None:
        self.at = at
        self.meanwhile: Callable[[Tags], None] | None = meanwhile

    def resolve(self, repository: Repository, tag: Tag) -> Digest | None:
        """What the tag points at now."""
        return self.at.get(repository)

    def refuse_reader(self, repository: Repository) -> None:
        """Everybody may."""

    def ready(self, repository: Repository, digest: Digest) -> None:
        """It is."""

    def put(self, repository: Repository, tag: Tag, digest: Digest, *, is_read_back: bool = True) -> None:
        """Point the tag at it."""
        if repository == "third" and self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            happens(self)
            raise RegistryRefused("no", hint="ask the registry", status=500)
        self.at[str(repository)] = digest

    refusal: Exception | None = None
    """What taking a tag away meets."""
    can_remove = True

    def remove(self, repository: Repository, tag: Tag) -> bool:
        """Take it away."""
        if self.refusal is not None:
            raise self.refusal
        if self.can_remove:
            del self.at[str(repository)]
        return self.can_remove


@pytest.fixture
def records(tmp_path: Path) -> SqliteRecords:
    """Records of nothing."""
    return SqliteRecords(tmp_path / "records.sqlite3", Platform("linux/amd64"))


def journal(records: SqliteRecords) -> LocalJournal:
    """Of one machine."""
    return LocalJournal(records, "registry", records._path.with_name("turn"))


def moves(was: Digest | None) -> MoveSet:
    """All three from `was` to the new one."""
    made = tuple(TagMove(TargetName(name), Repository(name), STABLE, was, NEW) for name in NAMES)
    return MoveSet("promote", "registry", "stable", "main", "2026-01-01T00:00:00Z", made)


def nothing(_: Tags) -> None:
    """Nobody else is there."""


@pytest.mark.parametrize("was", [OLD, None])
def test_what_was_moved_is_put_back(records: SqliteRecords, was: Digest | None) -> None:
    """Tags are where they were, or gone where there was none; the refusal is told as it is."""
    before = {} if was is None else dict.fromkeys(NAMES, was)
    store = Tags(dict(before), nothing)

    with pytest.raises(RegistryRefused, match=r"^no$"):
        carry_out(moves(was), store, journal(records))

    assert store.at == before
    assert [each.state for each in records.move_sets()] == ["undone"]


@pytest.mark.parametrize("was", [OLD, None])
def test_what_somebody_else_moved_meanwhile_stands(records: SqliteRecords, was: Digest | None) -> None:
    """Another run moved the first tag on: it is not put back over theirs, and the error says which one that is."""
    before = {} if was is None else dict.fromkeys(NAMES, was)
    store = Tags(dict(before), lambda tags: tags.at.update(first=THEIRS))

    with pytest.raises(WorldError, match=r"^no; not put back .*: first:stable$") as caught:
        carry_out(moves(was), store, journal(records))

    assert store.at == {**before, "first": THEIRS}
    assert caught.value.hint == "ask the registry"
    assert isinstance(caught.value.__cause__, RegistryRefused)
    assert [each.state for each in records.move_sets()] == ["undone"]
    journal(records).recover(partial(finish, store))
    assert store.at == {**before, "first": THEIRS}


def test_a_refusal_that_was_none_is_put_back(records: SqliteRecords) -> None:
    """The registry took the tag, and its answer was lost: the tag is ours, and goes back too."""
    store = Tags(dict.fromkeys(NAMES, OLD), lambda tags: tags.at.update(third=NEW))

    with pytest.raises(RegistryRefused):
        carry_out(moves(OLD), store, journal(records))

    assert store.at == dict.fromkeys(NAMES, OLD)


def test_a_tag_that_was_taken_away_meanwhile_is_told(records: SqliteRecords) -> None:
    """Nothing is no value that this run gave it: it stays away."""
    store = Tags(dict.fromkeys(NAMES, OLD), lambda tags: tags.at.pop("second") and None)

    with pytest.raises(WorldError, match="second:stable"):
        carry_out(moves(OLD), store, journal(records))

    assert store.at == {"first": OLD, "third": OLD}


BACK = MoveSet(
    "rollback",
    "registry",
    "stable",
    "before",
    "2026-01-01T00:00:00Z",
    (
        TagMove(TargetName("first"), Repository("first"), STABLE, NEW, OLD),
        TagMove(TargetName("second"), Repository("second"), STABLE, NEW, None),
    ),
)
"""One tag goes back, and one that did not exist goes away."""
BEFORE, AFTER = {"first": NEW, "second": NEW}, {"first": OLD}


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_tag_that_cannot_be_taken_away_stays_and_is_told(records: SqliteRecords, is_refused: bool) -> None:
    """Registries need not delete tags, nor do it for who may put them: the others go back all the same."""
    store = Tags(dict(BEFORE), nothing)
    store.can_remove, store.refusal = False, RegistryRefused("no", status=403) if is_refused else None
    records.put_tag("registry", BACK.moves[1].reference, NEW)
    done = carry_out(BACK, store, journal(records))

    assert store.at == {**AFTER, "second": NEW}
    assert ([str(each) for each in done.staying], done.state) == (["second:stable"], "done")
    assert records.move_sets()[0].staying == done.staying
    assert records.known().tag_at("registry", BACK.moves[1].reference) == NEW


def test_what_was_taken_away_is_no_tag_any_more(records: SqliteRecords) -> None:
    """Of the records, too: the next promotion finds nothing there, as it should."""
    records.put_tag("registry", BACK.moves[1].reference, NEW)
    store = Tags(dict(BEFORE), nothing)

    assert carry_out(BACK, store, journal(records)).moves == BACK.moves
    assert store.at == AFTER
    assert records.known().tag_at("registry", BACK.moves[1].reference) is None


def test_a_registry_that_fails_while_a_tag_is_taken_away(records: SqliteRecords) -> None:
    """All or none: what went back already is put where it was; who was killed there is gone on with."""
    store = Tags(dict(BEFORE), nothing)
    store.refusal = RegistryRefused("no", status=500)
    with pytest.raises(RegistryRefused):
        carry_out(BACK, store, journal(records))
    assert store.at == BEFORE
    assert [each.state for each in records.move_sets()] == ["undone"]

    store.refusal = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        carry_out(BACK, store, journal(records))
    assert store.at == {"first": OLD, "second": NEW}
    store.refusal = None
    journal(records).recover(partial(finish, store))
    assert store.at == AFTER
    assert [each.state for each in records.move_sets()] == ["done", "undone"]


def test_what_somebody_else_moved_is_not_taken_away(records: SqliteRecords) -> None:
    """Not even where it was moved after all had been looked at."""
    store = Tags(dict(BEFORE), nothing)
    put = store.put
    store.put = lambda *args, **more: (put(*args, **more), store.at.update(second=THEIRS))[0]  # type: ignore[method-assign]
    with pytest.raises(WorldError, match="second:stable"):
        carry_out(BACK, store, journal(records))

    assert store.at == {"first": NEW, "second": THEIRS}
