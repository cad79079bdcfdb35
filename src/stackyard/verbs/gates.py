# SPDX-License-Identifier: MIT
"""What is brought to a gate from outside: the result of tests that ran elsewhere, a person's approval.

In:   a Yard, the gate, a tag or a commit, what is said of its images
Out:  Noted
May touch: the registry (to see that a tag is where the records put it), records, also those beside the images
Raises: UnknownName for a gate that no channel asks for; InvalidValue, NothingToDo, TagConflict
Why: docs/explanation/promotion.md
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from stackyard.check.findings import refuse_errors
from stackyard.errors import FileProblem, InvalidValue, NothingToDo, TagConflict, UnknownName
from stackyard.inside.junit import LARGEST_BYTES, read_foreign
from stackyard.model.gates import GateSort
from stackyard.model.names import TargetName, nearest
from stackyard.model.noted import Noted, NotedImage
from stackyard.model.record import Approved, Record, Reported, Tested
from stackyard.model.stack import Target
from stackyard.plan.channels import Source, check_source, find_sources, place_of
from stackyard.plan.gates import asked_of
from stackyard.plan.releases import find_release
from stackyard.plan.selection import select
from stackyard.verbs.sharing import catch_up, shared_store, sync_once
from stackyard.verbs.yard import Yard

_LONGEST = 1000
_ADDRESS = re.compile(r"https?://[^\s/?#@]+([/?#]\S*)?")
"""Of a page; no login stands before its host."""


def report(
    yard: Yard, gate: str, asked: str, junit: Path, url: str = "", note: str = "", images: Sequence[str] = ()
) -> Noted:
    """Note the result of tests that ran elsewhere on what `asked` is; one that is no pass is noted, too.

    Args:
        junit: the file that the tests left.
        images: those it is about; all of which the gate is asked by default.
    """
    names = _asked_of(yard, gate, "report", images)
    _refuse_no_line(note=note, url=url)
    _refuse_address(url)
    counts = read_foreign(_read(junit))
    sources = _sources(yard, asked, names)
    fact = Reported(
        yard.clock.now(), gate, counts.is_pass, counts.total, counts.failed, counts.skipped, url, note, counts.failures
    )
    return _noted(yard, gate, asked, fact, sources)


def approve(yard: Yard, gate: str, asked: str, by: str, reason: str, images: Sequence[str] = ()) -> Noted:
    """Note that a person approves of what `asked` is."""
    names = _asked_of(yard, gate, "approval", images)
    _refuse_no_line(name=by, reason=reason)
    for what, text in (("name", by), ("reason", reason)):
        if not text.strip():
            raise InvalidValue(f"an approval needs a {what}", hint="--by NAME --reason WHY", kind=what, text=text)
    sources = _sources(yard, asked, names)
    return _noted(yard, gate, asked, Approved(yard.clock.now(), gate, by.strip(), reason.strip()), sources)


def refuse_gate(yard: Yard, gate: str, images: Sequence[str]) -> None:
    """UnknownName, NothingToDo where no channel asks for such a report of any of these images."""
    _asked_of(yard, gate, "report", images)


def bring(
    yard: Yard, gate: str, results: Sequence[tuple[Target, Record, Sequence[Tested]]], note: str = ""
) -> tuple[Noted, ...]:
    """Note what tests found that Stackyard itself ran: for each image its own result, if the gate is asked of it."""
    names = _asked_of(yard, gate, "report", ())
    shared = shared_store(yard)
    noted: list[Noted] = []
    for target, record, tests in results:
        pushed = record.pushed(target.repository)
        if target.name not in names or pushed is None:
            continue
        total, failed, skipped = (sum(getattr(each, key) for each in tests) for key in ("total", "failed", "skipped"))
        passed = all(each.passed for each in tests) and total > skipped and not failed
        failures = tuple(failure for each in tests for failure in each.failures)
        fact = Reported(yard.clock.now(), gate, passed, total, failed, skipped, "", note, failures)
        (shared or yard.records).append(record, fact)
        image = NotedImage(target.name, str(pushed.image), pushed.image.digest)
        noted.append(Noted(gate, str(pushed.image), fact, (image,)))
    problems = shared.flush() if shared is not None else ()
    return tuple(msgspec.structs.replace(each, problems=problems) for each in noted)


def _asked_of(yard: Yard, gate: str, sort: GateSort, images: Sequence[str]) -> frozenset[TargetName]:
    """The images that a gate is asked of, or those of them that are named."""
    refuse_errors(yard.stack)
    found = asked_of(yard.stack, gate, sort)
    if not found:
        names = {each.name for entry in yard.stack.gates for each in entry.gates if each.sort == sort}
        near = nearest(gate, names)
        key = "reports" if sort == "report" else "approvals"
        listed = (
            f"it is one of {', '.join(sorted(names))}" if names else f"list it under `channels`, as `{key}: [{gate}]`"
        )
        hint = f"did you mean {near!r}?" if near else listed
        raise UnknownName(f"no channel asks for {_a(sort)} {gate!r}", hint=hint, name=gate, near=near)
    chosen = select(yard.stack, images)
    if not chosen & found:
        raise NothingToDo(
            f"no channel asks for {_a(sort)} {gate!r} of {', '.join(images)}",
            hint=f"it is asked of {', '.join(sorted(found))}",
            gate=gate,
        )
    return chosen & found


def _a(sort: GateSort) -> str:
    return "a report" if sort == "report" else "an approval"


def _sources(yard: Yard, asked: str, names: frozenset[TargetName]) -> tuple[Source, ...]:
    """What a tag or a commit is for these images, once; where it is not what is known here, others are asked first."""
    sync_once(yard)
    try:
        return _known_sources(yard, asked, names)
    except (NothingToDo, TagConflict):
        if not yard.stack.shares_records:
            raise
        catch_up(yard)
        return _known_sources(yard, asked, names)


def _known_sources(yard: Yard, asked: str, names: frozenset[TargetName]) -> tuple[Source, ...]:
    known = yard.records.known()
    place = place_of(yard.stack, known)
    release = find_release(yard.records.releases(), asked)
    sources = find_sources(yard.stack, known, asked, names, place, release, verb="report on")
    tags = yard.tags(place)
    for source in sources:
        if source.record is None:
            raise NothingToDo(
                f"no record knows {source.target.name} of the release {asked}",
                hint="`stackyard records sync` learns what the registry has",
                release=asked,
            )
        check_source(source, tags.resolve)
    return tuple(sources)


def _noted(yard: Yard, gate: str, asked: str, fact: Reported | Approved, sources: tuple[Source, ...]) -> Noted:
    shared = shared_store(yard)
    records = shared or yard.records
    for source in sources:
        assert source.record is not None
        records.append(source.record, fact)
    images = tuple(
        NotedImage(each.target.name, str(each.reference or each.target.repository), each.digest) for each in sources
    )
    return Noted(gate, asked, fact, images, shared.flush() if shared is not None else ())


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise FileProblem(str(path), None, "this is no file")
        with path.open("rb") as file:
            return file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise FileProblem(str(path), None, f"cannot be read: {error.strerror}") from None


def _refuse_address(url: str) -> None:
    """An address is shown to everybody, for ever: one with a login in it is refused."""
    if url and not _ADDRESS.fullmatch(url):
        raise InvalidValue(
            "--url takes the address of a page, without a login in it",
            hint="https://ci.example.org/runs/17: it is shown to everybody who reads the records",
            kind="address",
            text="",
        )


def _refuse_no_line(**texts: str) -> None:
    for what, text in texts.items():
        if len(text) > _LONGEST or not text.isprintable():
            raise InvalidValue(
                f"this {what} is not one line of at most {_LONGEST} characters",
                hint="shorten it, or say where it can be read: it is shown to everybody who reads the records",
                kind=what,
                text="",
            )
