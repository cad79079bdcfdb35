# SPDX-License-Identifier: MIT
"""Records beside the images: learned from where they are published, given to others, checked, carried in a file.

In:   a Yard
Out:  what was learned, given or found wrong, as values
May touch: the registries of the stack's images, the records
Raises: StackyardError of the registry; FileProblem for a file that holds no records
Why: docs/explanation/records.md
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stackyard.edges.registry import Manifest
from stackyard.edges.registry import verify as verify_bytes
from stackyard.errors import FileProblem, NothingToDo, RegistryRefused, StackyardError
from stackyard.model import canonical
from stackyard.model.ecr import lacks_account
from stackyard.model.inputs import Inputs
from stackyard.model.moves import MoveSet
from stackyard.model.names import Digest, TargetName
from stackyard.model.plan import Note, Plan, Step
from stackyard.model.reason import ParentMissing
from stackyard.model.record import Fact, Inventoried, Pruned, Pushed, Record
from stackyard.model.reference import Repository
from stackyard.model.release import Release
from stackyard.model.shared import MOVES_TAG, Shared, moves_tag
from stackyard.model.stack import Stack
from stackyard.record.artifacts import Held, point, read_all, read_facts, read_moves
from stackyard.record.files import write_atomically
from stackyard.record.shared import SharedRecords

if TYPE_CHECKING:
    from stackyard.verbs.yard import Yard

FORMAT = 1
UNKNOWN = ("build", "join", "decide-later")
"""Actions of what nobody here has made."""
_CONNECTIONS = 8


class Synced(msgspec.Struct, frozen=True):
    """What went each way."""

    repositories: int
    learned: int
    """Records and facts that were new here."""
    given: int
    """Records that the registries were given."""
    problems: tuple[str, ...] = ()


class Verified(msgspec.Struct, frozen=True):
    """What the repositories hold, and what is wrong with it."""

    repositories: int
    records: int
    pointers: int
    """Pointers that were made or completed."""
    problems: tuple[str, ...] = ()


class Carried(msgspec.Struct, frozen=True):
    """What a file holds, or what of it was new."""

    records: int
    releases: int
    moves: int


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a file of records: a record, a release or a set of moves."""

    shared: Shared | None = None
    inputs: Inputs | None = None
    release: Release | None = None
    manifests: tuple[Manifest, ...] = ()
    """Those that the release keeps, and that no line before it has."""
    moves: MoveSet | None = None


def shared_records(yard: Yard) -> SharedRecords | None:
    """The store that gives records away; None for a stack that keeps them to itself."""
    if not yard.stack.shares_records:
        return None
    return SharedRecords(yard.records, yard.registry, partial(_place, yard.stack), home_of(yard.stack))


def home_of(stack: Stack) -> Repository | None:
    """The repository that has the journal: that of the first image in the stack's files, unless one has all records;
    None where none is shared."""
    if not stack.shares_records:
        return None
    if stack.records_in is not None:
        return None if lacks_account(stack.records_in) else stack.records_in
    places = (target.repository for target in stack.targets)
    return next((place for place in places if not lacks_account(place)), None)


def shared_store(yard: Yard) -> SharedRecords | None:
    """The same, after it was given what an earlier run could not give."""
    shared = shared_records(yard)
    if shared is not None:
        shared.send_unshared()
    return shared


def _place(stack: Stack, record: Record) -> Repository | None:
    """Beside the image, in the repository it was last pushed to, unless one has all records."""
    pushed = [fact for fact in record.facts if isinstance(fact, Pushed)]
    return beside(stack, pushed[-1].image.repository) if pushed else None


def beside(stack: Stack, repository: Repository) -> Repository:
    """The repository that has the records of a repository's images."""
    return stack.records_in or repository


def learn(yard: Yard, plan: Plan, on_published: bool = False) -> tuple[int, tuple[Note, ...]]:
    """Ask for what would be built, one request for each: others may have built it. A note if that cannot be done.

    So are parents asked for that are not selected and of which nothing is known here.

    Args:
        on_published: also those of which something is known, since what was published last counts.

    Returns:
        How much was new.
    """
    building = [step for step in plan.steps if step.action in UNKNOWN or _is_orphan(step)]
    above = {parent.target for step in building for parent in step.parents}
    standing = [step for step in plan.steps if step.target in above and step.action == "skip" and not _is_orphan(step)]
    wanted = [step.target for step in (*building, *(s for s in standing if on_published or s.record is None))]
    places = [
        (beside(yard.stack, target.repository), target.name)
        for target in map(yard.stack.target, wanted)
        if not target.is_left_alone and not lacks_account(target.repository)
    ]
    shared = shared_records(yard) if places else None
    if shared is None:
        return 0, ()
    try:
        return shared.learn(places), ()
    except StackyardError as error:
        sentence = f"what others built is not known here, and may be built again: {error}"
        return 0, (Note("records-not-read", sentence),)


def _is_orphan(step: Step) -> bool:
    """Whether a parent of which nothing is known keeps it from being built."""
    return any(isinstance(reason, ParentMissing) for reason in step.reasons)


def learn_inventories(yard: Yard, records: Sequence[Record]) -> bool:
    """Read what plans do not need of some records: one request for each; whether anything was there.

    Who does not answer tells nothing: an inventory is for people to look at.
    """
    if not yard.stack.shares_records:
        return False

    def read(place: tuple[Repository, Digest]) -> tuple[Fact, ...]:
        with contextlib.suppress(StackyardError, msgspec.MsgspecError):
            return read_facts(yard.registry, *place)
        return ()

    places = [(record, place) for record in records if (place := yard.records.facts_elsewhere(record)) is not None]
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        found = list(pool.map(read, [place for _, place in places]))
    for (record, _), facts in zip(places, found, strict=True):
        yard.records.keep_facts(record, [fact for fact in facts if isinstance(fact, Inventoried)])
    return any(found)


def sync(yard: Yard) -> Synced:
    """Give what no registry has, and learn all that the repositories hold, however old."""
    shared = _sharing(yard)
    given = shared.send_unshared()
    problems = shared.flush()
    repositories, learned = _learn_all(yard)
    return Synced(repositories, learned, given - len(problems), problems)


def _learn_all(yard: Yard) -> tuple[int, int]:
    """Learn all that the repositories hold: how many there are, and how much was new."""
    found = _everything(yard)
    learned = yard.records.merge([(place, each) for place, held in found for each in held.records])
    learned += yard.records.merge_releases([release for _, held in found for release in held.releases])
    learned += _merge_moves(yard, [moves for _, held in found for moves in held.moves])
    if (home := home_of(yard.stack)) is not None:
        yard.records.note_learned_all(home)
    return len(found), learned


def sync_once(yard: Yard) -> None:
    """Learn everything where that never happened: what a channel is and was, and what could be promoted.

    What a plan or a build learned before is not enough: they ask for the newest records of images, and for no channel.
    A registry that lists tags for nobody, or not for us, keeps nobody from moving tags: what is known here counts.
    """
    home = home_of(yard.stack)
    if home is None or yard.records.has_learned_all(home):
        return
    from stackyard.record.intents import NO_LIST

    try:
        _learn_all(yard)
    except RegistryRefused as error:
        if error.status not in NO_LIST:
            raise


def catch_up(yard: Yard) -> int:
    """Learn what others did since: the newest records of each image, and sets of moves that are new; how much was new.

    One request for each image and each new set, and a list of tags; what is older, `sync` brings.
    """
    shared, home = _sharing(yard), home_of(yard.stack)
    if home is not None and not yard.records.has_learned_all(home):
        return _learn_all(yard)[1]
    targets = [target for target in yard.stack.targets if not lacks_account(target.repository)]
    places = [(beside(yard.stack, target.repository), target.name) for target in targets]
    if home is None:
        return 0
    learned = shared.learn(places)
    known = {moves_tag(moves, moves.state) for moves in yard.records.move_sets()}
    fresh = [tag for tag in yard.registry.list_tags(home) if tag.startswith(MOVES_TAG) and tag not in known]
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        sets = list(pool.map(lambda tag: read_moves(yard.registry, home, tag), fresh))
    return learned + _merge_moves(yard, [moves for moves in sets if moves is not None])


def _merge_moves(yard: Yard, sets: Sequence[MoveSet]) -> int:
    """Take over sets of moves; what others deleted is a fact of the records here as well."""
    learned = yard.records.merge_moves(sets)
    at = {(m.repository.canonical, m.was): moves.at for moves in sets if moves.kind == "prune" for m in moves.moves}
    for record in (each for some in yard.records.known().records.values() for each in some) if at else ():
        for image in {fact.image for fact in record.facts if isinstance(fact, Pushed)}:
            deleted = at.get((image.repository.canonical, image.digest))
            if deleted is not None and Pruned(deleted, image) not in record.facts:
                yard.records.append(record, Pruned(deleted, image))
    return learned


def verify(yard: Yard) -> Verified:
    """Read every record of the repositories, and make pointers know what they should."""
    _sharing(yard)
    problems: list[str] = []
    pointers = 0
    found = _everything(yard)
    for place, held in found:
        some = held.records
        for each in some:
            problems.extend(_missing(yard, place, each))
        by_target: dict[tuple[TargetName, str], list[Shared]] = {}
        for each in some:
            by_target.setdefault((each.record.target, each.platform), []).append(each)
        for (target, platform), records in by_target.items():
            pointers += point(yard.registry, place, target, platform, records)
    problems.extend(_missing_members(yard, [release for _, held in found for release in held.releases]))
    return Verified(len(found), sum(len(held.records) for _, held in found), pointers, tuple(problems))


def _missing(yard: Yard, place: Repository, shared: Shared) -> Iterable[str]:
    record = shared.record
    for what, blob in (("inputs", shared.inputs), ("facts", shared.facts)):
        if blob is not None and yard.registry.blob(place, blob) is None:
            yield f"{place}:{shared.tag}: the {what} of this build of {record.target} are gone"
    for fact in record.facts:
        if isinstance(fact, Pushed) and yard.registry.resolve(fact.image.repository, fact.image.digest) is None:
            yield f"{fact.image}: the image that was built of {record.target} at {fact.at} is gone"


def _missing_members(yard: Yard, releases: Iterable[Release]) -> Iterable[str]:
    """A sentence for each image that a release holds and its registry does not, naming one release."""
    held = {(m.image, m.target): release.name for release in releases for m in release.members}
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        found = pool.map(lambda image: yard.registry.resolve(image.repository, image.digest), [i for i, _ in held])
    for ((image, target), name), digest in zip(held.items(), found, strict=True):
        if digest is None:
            yield f"{image}: {target} of the release {name} is gone"


def _sharing(yard: Yard) -> SharedRecords:
    shared = shared_records(yard)
    if shared is None:
        raise NothingToDo(
            "the records of this stack are in no registry",
            hint="name a `registry:`, and leave out `records: local`; `stackyard records export FILE` needs neither",
        )
    return shared


def _everything(yard: Yard) -> list[tuple[Repository, Held]]:
    """All that is known in all repositories of the stack: also beside images, where it was before one had all."""
    stack = yard.stack
    all_places = (*([stack.records_in] if stack.records_in else []), *(target.repository for target in stack.targets))
    places = dict.fromkeys(place for place in all_places if not lacks_account(place))
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        return list(pool.map(lambda place: (place, read_all(yard.registry, place)), places))


def export_records(yard: Yard, path: Path) -> Carried:
    """Write to a file every record with all its facts, every release with the bytes it keeps, and every set of moves
    that came to an end. FileProblem where that cannot be done.
    """
    records, releases = _record_lines(yard), _release_lines(yard)
    moves = [_Line(moves=each) for each in yard.records.move_sets() if each.state != "intended"]
    lines = [canonical.line({"stackyard_records": FORMAT, "stack": yard.stack.name})]
    lines += [canonical.line(each) for each in (*records, *releases, *moves)]
    try:
        write_atomically(str(path), b"\n".join(lines) + b"\n")
    except OSError as error:
        raise FileProblem(str(path), None, f"cannot be written: {error.strerror}") from None
    return Carried(len(records), len(releases), len(moves))


def _record_lines(yard: Yard) -> list[_Line]:
    known = yard.records.known()
    log = yard.records.acceptances()
    lines: list[_Line] = []
    for record in (record for some in known.records.values() for record in some):
        outside = dict(record.built.outside) if record.built else {}
        accepted = tuple(each for each in log if outside.get(each.reference) == each.digest)
        lines.append(_Line(Shared(record, yard.records.platform, accepted), known.inputs.get(record.inputs)))
    return lines


def _release_lines(yard: Yard) -> list[_Line]:
    lines: list[_Line] = []
    carried: set[Digest] = set()
    for release in yard.records.releases():
        fresh = {member.digest for member in release.members} - carried
        carried |= fresh
        lines.append(_Line(release=release, manifests=tuple(yard.records.manifests(fresh))))
    return lines


def import_records(yard: Yard, path: Path) -> Carried:
    """Take over what a file of records holds; what was new. Nothing where any line of it cannot be read.

    Of the channels of an engine only the history: where its tags are, the engine here says.
    """
    lines = _read_lines(path)
    yard.records.keep_inputs([each.inputs for each in lines if each.inputs is not None])  # alone they say nothing
    return Carried(
        yard.records.merge([(None, each.shared) for each in lines if each.shared is not None]),
        yard.records.merge_releases(
            [each.release for each in lines if each.release is not None],
            [manifest for each in lines for manifest in each.manifests],
        ),
        _merge_moves(yard, [each.moves for each in lines if each.moves is not None]),
    )


def _read_lines(path: Path) -> Sequence[_Line]:
    number = 0
    try:
        with open(path, "rb") as file:
            head = msgspec.json.decode(file.readline(), type=dict[str, object])
            if head.get("stackyard_records") != FORMAT:
                raise FileProblem(str(path), 1, "these are no records that this Stackyard reads", hint=_EXPORTS)
            found: list[_Line] = []
            for number, line in enumerate(file, 2):
                found.append(canonical.decode(line, _Line))
                if found[-1] == _Line():
                    raise FileProblem(str(path), number, "no record stands here", hint=_EXPORTS)
            for manifest in (manifest for each in found for manifest in each.manifests):
                verify_bytes(f"a manifest in {path}", manifest.digest, manifest.body)
            return found
    except OSError as error:
        raise FileProblem(str(path), None, f"cannot be read: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FileProblem(str(path), number or 1, f"no record stands here: {error}", hint=_EXPORTS) from None


_EXPORTS = "`stackyard records export FILE` writes such a file"
