# SPDX-License-Identifier: MIT
"""Answers to "why", and lists of inputs: for people and for programs.

In: values. Out: text, plain data. Pure. Reference: docs/reference/json.md
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stackyard.model import canonical
from stackyard.model.inputs import Entry
from stackyard.model.names import Digest
from stackyard.model.reason import Reason
from stackyard.model.why import Build, Link, MadeFrom, Why
from stackyard.report.data import FORMAT
from stackyard.report.terminal import ACTION_COLOURS
from stackyard.report.text import Style, visible, wrapped

_PHRASES = {
    "build": "is to be built",
    "reuse": "is as wanted",
    "tag": "is to be tagged",
    "push": "is to be pushed",
    "fetch": "is to be fetched",
    "retest": "is to be tested",
    "join": "is to be joined",
    "decide-later": "waits for a parent",
    "skip": "is skipped",
}
ON_RECORD = "From the records; whether images are still there, `stackyard build` asks."
_BRIEF = 10
"""So many further reasons are shown; more are counted."""
_INDENT = 12


def why_text(answers: Sequence[Why], style: Style, width: int) -> str:
    """A paragraph for each: the first difference up to the cause, then the rest briefly, and what was compared.

    Where an image is taken to be there, a last line says on whose word.
    """
    paragraphs = ["\n".join(_paragraph(answer, style, width)) for answer in answers]
    if any(answer.action not in ("build", "decide-later", "skip") for answer in answers):
        paragraphs.append(style(ON_RECORD, "dim"))
    return ("\n\n" if any("\n" in each for each in paragraphs) else "\n").join(paragraphs)


def sentence(answer: Why) -> str:
    """The answer in one clause: `lab waits for base: images/base/Dockerfile changed`."""
    return f"{answer.target} {_lead(answer)}"


def _lead(answer: Why) -> str:
    waiting = [link for link in answer.chain if link.made is None]
    if answer.action == "decide-later" and waiting:
        way = ", which waits for ".join(str(link.target) for link in waiting)
        return f"waits for {way}{_first(waiting[-1].reasons)}"
    return f"{_PHRASES[answer.action]}{_first(_ordered(answer))}"


def _first(reasons: Sequence[Reason]) -> str:
    return f": {visible(str(reasons[0]))}" if reasons else ""


def _ordered(answer: Why) -> tuple[Reason, ...]:
    """What is to be done about a known image first; since when it is known after that."""
    if answer.action in ("tag", "fetch", "push") and len(answer.reasons) > 1:
        return (*answer.reasons[1:], answer.reasons[0])
    return answer.reasons


def _paragraph(answer: Why, style: Style, width: int) -> Iterator[str]:
    colour = ACTION_COLOURS[answer.action]
    yield f"{style(str(answer.target), 'bold')} {style(_lead(answer), colour)}"
    waiting = [link for link in answer.chain if link.made is None]
    is_waiting = answer.action == "decide-later" and bool(waiting)
    rest = waiting[-1].reasons[1:] if is_waiting else _ordered(answer)[1:]
    facts = [("also", visible(str(reason))) for reason in rest[:_BRIEF]]
    if len(rest) > _BRIEF:
        facts.append(("also", f"{len(rest) - _BRIEF} more; --json has all"))
    facts += [("because", _made(link)) for link in answer.chain if link.made is not None]
    compared = waiting[-1].compared if is_waiting else answer.compared
    if compared is not None:
        is_goal = answer.action in ("build", "decide-later")
        facts.append(("compared" if is_goal else "built", f"{'with ' if is_goal else ''}{_build(compared)}"))
    head = ""
    for name, fact in facts:
        label = "" if name == head else name
        head = name
        lines = wrapped(fact, max(width - _INDENT, 20))
        yield "  " + style(label, "dim") + " " * (_INDENT - 2 - len(label)) + f"\n{' ' * _INDENT}".join(lines)


def _made(link: Link) -> str:
    """`base was built by run 8: images/base/Dockerfile changed`."""
    assert link.made is not None
    why = _first(link.reasons) or ": from the same inputs as before"
    more = f" and {len(link.reasons) - 1} more" if len(link.reasons) > 1 else ""
    return f"{link.target} was {'adopted' if link.made.adopted else 'built'} {_when(link.made)}{why}{more}"


def _build(build: Build) -> str:
    what = "the image adopted at" if build.adopted else "the build of"
    return f"{what} {build.at}, {_when(build, has_time=False)}"


def _when(build: Build, has_time: bool = True) -> str:
    run = "as made" if build.adopted else f"by run {build.run}" if build.run else "by a run of another clone"
    commit = f"at commit {build.commit[:7]}" if build.commit else "from files that were not committed"
    return f"{run} {commit}" + (f" ({build.at})" if has_time else "")


def why_data(answers: Sequence[Why]) -> dict[str, Any]:
    """Every reason and every build in full."""
    return {"format": FORMAT, "images": [_why(answer) for answer in answers]}


def _why(answer: Why) -> dict[str, Any]:
    return {
        "target": str(answer.target),
        "action": answer.action,
        "sentence": sentence(answer),
        "reasons": _plain(answer.reasons),
        "chain": [{**canonical.builtins(link), "reasons": _plain(link.reasons)} for link in answer.chain],
        "compared": answer.compared and canonical.builtins(answer.compared),
    }


def _plain(values: Sequence[object]) -> list[Any]:
    return [canonical.builtins(value) for value in values]


def inputs_data(found: Sequence[MadeFrom]) -> dict[str, Any]:
    """All inputs of each target."""
    return {"format": FORMAT, "images": [_inputs(each) for each in found]}


def _inputs(each: MadeFrom) -> dict[str, Any]:
    inputs = each.inputs
    return {
        "target": str(each.target),
        "dockerfile": {"path": each.dockerfile, "blob": str(inputs.dockerfile)} if each.dockerfile else None,
        "context": {
            "path": each.context,
            "entries": [
                {**canonical.builtins(entry), "path": each.places.of_entry(entry.path), "sent_as": entry.path}
                for entry in inputs.context
            ],
        },
        "everywhere": [
            {**canonical.builtins(entry), "path": each.places.of_everywhere(entry.path)} for entry in inputs.everywhere
        ],
        "args": _plain(each.args),
        "labels": dict(inputs.labels),
        "bases": [{"reference": name, "accepted": digest and str(digest)} for name, digest in each.bases],
        "downloads": [{"address": name, "accepted": digest and str(digest)} for name, digest in each.downloads],
        "parents": [{"target": str(name), "content": digest and str(digest)} for name, digest in each.parents],
        "uses": list(inputs.uses),
        "platform": inputs.platform,
        "stage": inputs.stage or None,
        "network": inputs.network or None,
        "secrets": list(inputs.secrets),
        "locks": _plain(inputs.locks),
        "epoch": inputs.epoch,
        "definition": inputs.definition,
        "source_fingerprint": str(each.source),
        "build_fingerprint": each.build and str(each.build),
    }


def inputs_text(found: Sequence[MadeFrom], style: Style, width: int) -> str:  # noqa: ARG001 - nothing is cut: it is all
    """A line for each input, in columns."""
    return "\n\n".join("\n".join(_columns(each, style)) for each in found)


def _columns(each: MadeFrom, style: Style) -> Iterator[str]:
    yield style(str(each.target), "bold")
    rows = list(_rows(each))
    sizes = [max(len(row[i]) for row in rows) for i in range(2)]
    head = ""
    for name, value, fact in rows:
        label = "" if name == head else name
        head = name
        yield f"  {style(label, 'dim')}{' ' * (sizes[0] - len(label))}  {value.ljust(sizes[1])}  {fact}".rstrip()


def _rows(each: MadeFrom) -> Iterator[tuple[str, str, str]]:
    """What it is, its value, and what is known of it."""
    inputs = each.inputs
    if each.dockerfile:
        yield "dockerfile", visible(each.dockerfile), str(inputs.dockerfile)
    for entry in inputs.context:
        path = each.places.of_entry(entry.path)
        sent = f" sent as {visible(entry.path)}" if entry.path in each.places.elsewhere else ""
        yield "context", visible(path), f"{_blob(entry)}{sent}"
    for entry in inputs.everywhere:
        yield "everywhere", visible(each.places.of_everywhere(entry.path)), _blob(entry)
    for entry in inputs.locks:
        yield "lock", visible(entry.path), _blob(entry)
    for argument in each.args:
        yield "arg", visible(f"{argument.name}={argument.value}"), "" if argument.counts else "no instruction sees it"
    for label, text in inputs.labels:
        yield "label", visible(f"{label}={text}"), ""
    for reference, accepted in each.bases:
        yield "base", reference, _or(accepted, "not resolved yet")
    for address, accepted in each.downloads:
        yield "download", visible(address), _or(accepted, "not looked at yet")
    for parent, content in each.parents:
        yield "parent", str(parent), _or(content, "to be built")
    for use in inputs.uses:
        yield "stands for", visible(use), "in place of a variable, or of a parent's name"
    for name, value in (("platform", inputs.platform), ("stage", inputs.stage), ("network", inputs.network)):
        if value:
            yield name, visible(value), ""
    for secret in inputs.secrets:
        yield "secret", visible(secret), "its id; never its value"
    yield "epoch", str(inputs.epoch), ""
    yield "definition", str(inputs.definition), ""
    yield "fingerprint", "source", str(each.source)
    yield "fingerprint", "build", _or(each.build, "not known yet")


def _blob(entry: Entry) -> str:
    return f"{entry.blob}{'' if entry.kind == 'file' else f' {entry.kind}'}"


def _or(digest: Digest | None, otherwise: str) -> str:
    return str(digest) if digest else otherwise
