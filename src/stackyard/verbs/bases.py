# SPDX-License-Identifier: MIT
"""External bases and downloads: what they are, what they are accepted as, and accepting something else.

In:   Yard, words of a person
Out:  Base, Refreshed
May touch: registries, one HEAD per base, side by side; addresses of ADD, one GET each; the engine only for what no
      registry has; the records
Raises: UnknownName, ConfigError; WorldError where a base cannot be resolved, and then nothing is accepted
Why:  docs/explanation/fingerprints.md
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from stackyard.check.findings import refuse_errors
from stackyard.errors import (
    ConfigError,
    RecordProblem,
    RegistryProblem,
    StackyardError,
    UnknownName,
    WorldError,
)
from stackyard.model.accepted import Acceptance, AcceptedBy
from stackyard.model.bases import Base, BaseOfStack
from stackyard.model.downloads import Download, digest_named
from stackyard.model.known import Known
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import Reference
from stackyard.model.stack import Finding
from stackyard.plan.bases import (
    Answer,
    Change,
    Following,
    changes,
    choose_bases,
    following,
    seen,
    states,
    unchecked_finding,
)

if TYPE_CHECKING:
    from stackyard.verbs.yard import Yard

CONNECTIONS = 8
LATEST = Tag("latest")


class Refreshed(msgspec.Struct, frozen=True):
    """What was accepted, and what follows."""

    changes: tuple[Change, ...]
    asked: int
    """Bases that were looked at."""
    following: Following


def bases(yard: Yard, words: Sequence[str] = (), is_offline: bool = False) -> tuple[Base, ...]:
    """The external bases that words name, all by default, each with where its registry has it now.

    A registry that does not answer is no error: what it has is then not checked.
    """
    chosen = choose_bases(yard.stack, words)
    known = yard.records.known()
    answers = {} if is_offline else _ask(yard, chosen, known)
    now = yard.clock.now()
    if noted := seen(answers, now):
        with contextlib.suppress(RecordProblem):  # a folder that nobody may write to can still be looked at
            yard.records.note_seen(noted)
    return states(chosen, known, yard.records.acceptances(), answers, now)


def _ask(yard: Yard, chosen: Sequence[BaseOfStack], known: Known) -> dict[str, Answer]:
    """Where the registries have each base that a name leads to, and what each address gives."""

    def answer(base: BaseOfStack) -> Answer:
        try:
            if isinstance(base.reference, Download):
                content = yard.downloads.look(base.reference, known.seen.get(base.canonical))
                return Answer(content.digest, mark=content.mark) if content else Answer()
            return Answer(yard.registry.resolve(base.reference.repository, base.reference.tag or LATEST))
        except StackyardError as problem:
            return Answer(problem=str(problem))

    named = [base for base in chosen if base.reference.digest is None]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return dict(zip((base.canonical for base in named), pool.map(answer, named), strict=True))


def refresh(yard: Yard, words: Sequence[str] = ()) -> Refreshed:
    """Accept what the registries have now of the bases that words name; all or none.

    By default it is all bases of images that are not left alone.
    """
    refuse_errors(yard.stack)
    chosen = choose_bases(yard.stack, words)
    if not words:
        left_alone = {target.name for target in yard.stack.targets if target.is_left_alone}
        chosen = tuple(base for base in chosen if not left_alone.issuperset(base.targets))
    known = yard.records.known()
    made = _accept(yard, changes(chosen, known, _resolved(yard, chosen, known)), "refresh")
    return Refreshed(made, len(chosen), _following(yard, made))


def refresh_for(yard: Yard, known: Known, chosen: Sequence[BaseOfStack]) -> Known:
    """As `refresh`, for a build that goes on with what comes of it."""
    made = _accept(yard, changes(chosen, known, _resolved(yard, chosen, known)), "refresh")
    return yard.records.known() if made else known


def renew_for(
    yard: Yard, known: Known, chosen: Sequence[BaseOfStack], by: AcceptedBy = "max_age"
) -> tuple[Known, tuple[Finding, ...]]:
    """Accept what these are now, for images that are built; and a notice for each of which nobody can tell."""
    answers = _ask(yard, chosen, known)
    current = {name: answer.digest for name, answer in answers.items() if answer.digest is not None}
    made = _accept(yard, changes(chosen, known, current), by)
    yard.records.note_seen(seen(answers, yard.clock.now()))
    notes = tuple(
        unchecked_finding(base, answers[base.canonical].problem)
        for base in chosen
        if base.canonical in answers and answers[base.canonical].digest is None
        if not _is_loaded(yard, base, known)
    )
    return (yard.records.known() if made else known), notes


def _is_loaded(yard: Yard, base: BaseOfStack, known: Known) -> bool:
    """Whether it is what the engine has, and was never more than that."""
    accepted = known.accepted.get(base.canonical)
    return accepted is not None and _loaded(yard, base.reference) == accepted


def accept(yard: Yard, asked: Sequence[str]) -> Refreshed:
    """Accept digests that a person names, `REFERENCE=DIGEST`, once each was seen in its registry or the engine."""
    refuse_errors(yard.stack)
    named: dict[str, Digest] = {}
    chosen: list[BaseOfStack] = []
    for text in asked:
        base, digest = _named(yard, text)
        _refuse_absent(yard, base.reference, digest)
        named[base.canonical] = digest
        chosen.append(base)
    made = _accept(yard, changes(chosen, yard.records.known(), named), "person")
    return Refreshed(made, len(chosen), _following(yard, made))


def _named(yard: Yard, text: str) -> tuple[BaseOfStack, Digest]:
    """The base and the digest of `REFERENCE=DIGEST`."""
    name, sign, digest = text.rpartition("=")
    if not sign or not name:
        raise ConfigError(f"{text!r} names no digest", hint="write it as debian:12=sha256:...")
    found = [base for base in choose_bases(yard.stack, [name]) if base.canonical == _canonical(base, name)]
    if not found:
        raise UnknownName(
            f"no external base is named {name!r}", hint="`stackyard bases` lists them", name=name, near=None
        )
    if found[0].reference.digest:
        raise ConfigError(
            f"{found[0].reference} says its digest itself", hint="change it where the Dockerfile names it"
        )
    is_download = isinstance(found[0].reference, Download)
    return found[0], digest_named(digest) if is_download else Digest.parse(digest)


def _canonical(base: BaseOfStack, name: str) -> str:
    return name if isinstance(base.reference, Download) else Reference.parse(name).canonical


def _refuse_absent(yard: Yard, base: Reference | Download, digest: Digest) -> None:
    """WorldError where nobody could build with this digest."""
    if isinstance(base, Download):
        now = yard.downloads.look(base)
        if now is None or now.digest != digest:
            raise WorldError(
                f"{base} gives {now.digest if now else 'nothing'} now, and not {digest}",
                hint="what an address gave before is not to be had again; `ADD --checksum` keeps an image from moving",
                reference=str(base),
            )
    elif not _exists(yard, base, digest):
        raise WorldError(
            f"{base.repository}@{digest} is neither in its registry nor in the engine",
            hint="`stackyard bases --history` lists what was accepted before",
            reference=str(base),
        )


def _exists(yard: Yard, base: Reference, digest: Digest) -> bool:
    """Whether there is such an image: in the registry, or, if only there, in the engine."""
    try:
        if yard.registry.resolve(base.repository, digest) is not None:
            return True
    except RegistryProblem:
        if not _is_here(yard, base, digest):
            raise
        return True
    return _is_here(yard, base, digest)


def _is_here(yard: Yard, base: Reference, digest: Digest) -> bool:
    with contextlib.suppress(WorldError):  # no engine, or no program that leads to one
        names = (str(Reference(base.repository, None, digest)), str(digest))
        return any(yard.engine.inspect(name) is not None for name in names)
    return False


def _resolved(yard: Yard, chosen: Sequence[BaseOfStack], known: Known) -> Mapping[str, Digest]:
    """What each base that a name leads to is now, and each download; WorldError naming those of which nobody can tell.

    An image that was loaded into the engine, and is in no registry, is what the engine has.
    """
    answers = _ask(yard, chosen, known)
    failed: list[tuple[BaseOfStack, Answer]] = []
    found: dict[str, Digest] = {}
    for base in chosen:
        if base.canonical not in answers:
            continue
        answer = answers[base.canonical]
        digest = answer.digest or _loaded(yard, base.reference)
        if digest is None:
            failed.append((base, answer))
        else:
            found[base.canonical] = digest
    if failed:
        names = ", ".join(str(base.reference) for base, _ in failed)
        why = next((answer.problem for _, answer in failed if answer.problem), failed[0][0].absence)
        raise WorldError(
            f"nothing was accepted, because what {names} is now cannot be told: {why}",
            hint="try again later"
            if len(failed) == len(chosen)
            else "name those to refresh: `stackyard bases REFERENCE --refresh`; the others stay as accepted",
            references=tuple(str(base.reference) for base, _ in failed),
        )
    yard.records.note_seen(seen(answers, yard.clock.now()))
    return found


def _loaded(yard: Yard, base: Reference | Download) -> Digest | None:
    """The id of an image that only the engine knows; one that came from this repository is not looked at."""
    if isinstance(base, Download):
        return None
    with contextlib.suppress(WorldError):  # as above
        facts = yard.engine.inspect(str(base))
        origins = [Reference.parse(name).repository.canonical for name in facts.repository_digests] if facts else []
        if facts is not None and base.repository.canonical not in origins:
            return facts.image.id
    return None


def _accept(yard: Yard, made: tuple[Change, ...], by: AcceptedBy) -> tuple[Change, ...]:
    """Write changes down, all or none."""
    if made:
        now = yard.clock.now()
        yard.records.accept(
            [Acceptance(change.reference.canonical, change.now, now, _by(by, change)) for change in made]
        )
    return made


def _by(by: AcceptedBy, change: Change) -> AcceptedBy:
    return "first" if by == "build" and change.was is None else by


def _following(yard: Yard, made: tuple[Change, ...]) -> Following:
    if not made:
        return Following((), ())
    from stackyard.verbs import plan

    return following(plan(yard), made)
