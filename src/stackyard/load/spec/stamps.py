# SPDX-License-Identifier: MIT
"""`last_updated.yaml`, the stamp of each version of an image: reading it, and writing it so that a diff is quiet.

In:   the file's bytes or text
Out:  Stamps and findings; the file's new text
Raises: FileProblem for what is no mapping of text; InvalidValue for a stamp that can be part of no tag
Pure: who writes the text to disk reads and writes it without changing line ends

Stamps are opaque text, kept as written: a date, a number, `local-build`. The file stays a flat
mapping, because the readers that others have written take its values as they are, and want one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from stackyard.errors import FileProblem, InvalidValue
from stackyard.load.spec.collect import Collector
from stackyard.load.spec.quoting import composed, is_text_when_bare, own_entries, unquoted_versions
from stackyard.load.yaml import read, yaml
from stackyard.model.ecr import Stamp, version_tag
from stackyard.model.spot import Spot
from stackyard.model.stack import Finding

STAMPS_FILE = "last_updated.yaml"
_BOM = "\ufeff"
_QUOTES = ("'", '"')
_SHOWN = 4
_WIDE = 1 << 30


class StampEntry(msgspec.Struct, frozen=True):
    """One version's line."""

    key: str
    stamp: str | None
    """As written; None where the line has a key only."""
    line: int
    column: int | None = None


class Stamps(msgspec.Struct, frozen=True):
    """All stamps of one image, in file order."""

    path: str
    entries: tuple[StampEntry, ...] = ()

    @property
    def values(self) -> dict[str, str]:
        """Version -> stamp, without versions whose line says none."""
        return {entry.key: entry.stamp for entry in self.entries if entry.stamp is not None}


def read_stamps(data: bytes | None, path: str) -> tuple[Stamps, tuple[Finding, ...]]:
    """Read one last_updated.yaml; `data` is None where there is no file yet, which is like an empty one."""
    if data is None:
        return Stamps(path), ()
    doc = read(data, path)
    values = doc.mapping("the file")
    reader = Collector("versions")
    entries = tuple(
        StampEntry(key, reader.said(values[key], f"the stamp of {key!r}"), doc.keys[key][0], doc.keys[key][1])
        for key in values
    )
    stamps = Stamps(path, entries)
    unquoted = unquoted_versions(composed(data.decode("utf-8-sig")), path)
    told = {finding.line for finding in reader.findings}
    unusable = (finding for finding in _unusable(stamps) if finding.line not in told)
    return stamps, (*reader.findings, *unquoted, *unusable)


def _unusable(stamps: Stamps) -> list[Finding]:
    """Stamps that can name no image."""
    found = []
    for entry in stamps.entries:
        try:
            version_tag(entry.key, entry.stamp or "")
        except InvalidValue:
            what = "no stamp" if entry.stamp is None else f"the stamp {entry.stamp!r}, which can be part of no tag"
            sentence = f"version {entry.key!r} has {what}"
            spot = Spot(stamps.path, entry.line, entry.column)
            found.append(Finding("bad-stamp", "warning", sentence, *spot, hint=Stamp.hint, found=entry.stamp))
    return found


def stale_keys(stamps: Stamps, versions: Collection[str]) -> tuple[str, ...]:
    """Keys of versions that the image no longer has, in file order."""
    return tuple(entry.key for entry in stamps.entries if entry.key not in versions)


def is_mixed(stamps: Stamps) -> bool:
    """Whether the file holds more than one stamp, stale lines included: its readers take all of it."""
    return len({entry.stamp for entry in stamps.entries}) > 1


def stamp_findings(stamps: Stamps, versions: Collection[str]) -> tuple[Finding, ...]:
    """What only shows beside the image's versions: stale keys, and more than one stamp."""
    stale = stale_keys(stamps, versions)
    found = [
        Finding(
            "stale-stamp",
            "warning",
            f"there is a stamp for version {entry.key!r}, which the image does not have",
            stamps.path,
            entry.line,
            entry.column,
            hint="`stackyard check --fix` takes the line out",
            found=entry.key,
            wanted=f"one of {', '.join(versions)}" if versions else None,
        )
        for entry in stamps.entries
        if entry.key in stale
    ]
    if is_mixed(stamps):
        found.append(_mixed(stamps, stale))
    return tuple(found)


def _mixed(stamps: Stamps, stale: tuple[str, ...]) -> Finding:
    by_stamp: dict[str | None, StampEntry] = {}
    for entry in stamps.entries:
        by_stamp.setdefault(entry.stamp, entry)
    shown = [entry.stamp or "none" for entry in by_stamp.values()]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    is_only_stale = len({entry.stamp for entry in stamps.entries if entry.key not in stale}) < 2
    return Finding(
        "mixed-stamps",
        "warning",
        f"the file has {len(shown)} different stamps, and its readers want one: {', '.join(shown[:_SHOWN])}{more}",
        stamps.path,
        list(by_stamp.values())[1].line,
        list(by_stamp.values())[1].column,
        hint="without the stale lines there is one: `stackyard check --fix`"
        if is_only_stale
        else "build the image's versions in one run: all get its stamp",
        found=", ".join(shown),
        wanted="one stamp",
    )


def rewritten(text: str, updates: Mapping[str, str], remove: Collection[str] = ()) -> str:
    """The file's new text: `updates` in, `remove` out, everything else as it stands.

    Order, quotes, comments, blank lines and line ends stay; a changed stamp keeps its own quotes.
    New keys follow the last one, written as the file writes its keys, and in quotes where a bare one
    would be a number. A key in both `updates` and `remove` is kept. An empty text gets a plain file.
    What cannot be edited line by line (anchors, block scalars) is written anew, plain.

    Args:
        text: decoded with its line ends; "" where there is no file.

    Raises:
        FileProblem: `text` is no such file.
        InvalidValue: a key and its stamp make no tag.

    >>> rewritten("'3.9': 2025-07-01T184545  # kept\\n", {"3.9": "2025-07-02T145112", "3.10": "2025-07-02T145112"})
    "'3.9': 2025-07-02T145112  # kept\\n'3.10': 2025-07-02T145112\\n"
    """
    if text.startswith(_BOM):
        return _BOM + rewritten(text[len(_BOM) :], updates, remove)
    for key, stamp in updates.items():
        version_tag(key, stamp)
    old = _mapping(text)
    new: dict[str, str | None] = {key: old[key] for key in old if key in updates or key not in remove}
    new.update(updates)
    if new == old:
        return text
    line_end = "\r\n" if "\r\n" in text else "\n"
    edited = _edited(text, old, new, line_end)
    try:
        is_right = list(_mapping(edited).items()) == list(new.items())
    except FileProblem:
        is_right = False
    return edited if is_right else _plain(new, line_end)


def _mapping(text: str) -> dict[str, str | None]:
    stamps, found = read_stamps(text.encode("utf-8", "surrogatepass"), STAMPS_FILE)
    for wrong in (finding for finding in found if finding.level == "error"):
        raise FileProblem(wrong.path, wrong.line, wrong.sentence, column=wrong.column, hint=wrong.hint)
    return {entry.key: entry.stamp for entry in stamps.entries}


def _plain(entries: Mapping[str, str | None], line_end: str) -> str:
    """A whole file, as YAML tools write it: quotes where they are needed."""
    if not entries:
        return ""
    lines: str = yaml.safe_dump(dict(entries), sort_keys=False, allow_unicode=True, width=_WIDE, line_break=line_end)
    return lines


class _Edit(msgspec.Struct, frozen=True):
    """Put `text` where `start` to `end` was."""

    start: int
    end: int
    text: str


def _edited(text: str, old: Mapping[str, str | None], new: Mapping[str, str | None], line_end: str) -> str:
    """`text` with the least that makes it say `new`; wrong, and found so by the caller, for unusual files."""
    node = composed(text)
    entries = own_entries(node)
    if not entries:
        return _filled(text, node, new, line_end)
    edits = []
    for key, value in entries:
        stamp = new.get(key.value)
        if key.value not in new:
            edits.append(_Edit(_line_start(text, key.start_mark.index), _next_line(text, value.end_mark.index), ""))
        elif stamp is not None and stamp != old[key.value]:
            edits.append(_replaced(value, stamp))
    own = {key.value for key, _ in entries}
    added = {key: stamp for key, stamp in new.items() if key not in own and stamp is not None and stamp != old.get(key)}
    if added:
        edits.append(_added(text, node, added, new, line_end))
    return _applied(text, edits)


def _filled(text: str, node: yaml.Node | None, new: Mapping[str, str | None], line_end: str) -> str:
    """A file without an entry (blank, comments, `{}`) gets its first ones."""
    lines = _plain(new, line_end)
    if node is None or node.value == "":
        is_open = bool(text) and not text.endswith("\n")
        return text + (line_end if is_open else "") + lines
    return text[: node.start_mark.index] + lines.removesuffix(line_end) + text[node.end_mark.index :]


def _replaced(value: yaml.Node, stamp: str) -> _Edit:
    """The stamp in the quotes of the one before it."""
    start, end = value.start_mark.index, value.end_mark.index
    style = getattr(value, "style", None)
    written = _scalar(stamp, style if style in _QUOTES else "'", is_quoted=style in _QUOTES)
    return _Edit(start, end, written if start < end else f" {written}")


def _added(
    text: str, node: yaml.Node | None, added: Mapping[str, str], new: Mapping[str, str | None], line_end: str
) -> _Edit:
    """New entries behind the last one that stays, or where the first one was."""
    entries = own_entries(node)
    lines = [_like(entries, key, stamp) for key, stamp in added.items()]
    kept = [value for key, value in entries if key.value in new]
    if isinstance(node, yaml.MappingNode) and node.flow_style and kept:
        at = kept[-1].end_mark.index
        return _Edit(at, at, "".join(f", {line}" for line in lines))
    first = entries[0][0].start_mark
    lines = [" " * first.column + line for line in lines]
    if not kept:
        at = _line_start(text, first.index)
        return _Edit(at, at, "".join(line + line_end for line in lines))
    at = _line_stop(text, kept[-1].end_mark.index)
    return _Edit(at, at, "".join(line_end + line for line in lines))


def _like(entries: list[tuple[yaml.ScalarNode, yaml.Node]], key: str, stamp: str) -> str:
    """A new line in the quotes of the others: all if all are, else where they are needed."""
    keys = [node.style for node, _ in entries]
    values = [getattr(node, "style", None) for _, node in entries]
    used = [style for style in keys + values if style in _QUOTES]
    quote = used[0] if used else "'"
    written = _scalar(key, quote, is_quoted=all(style in _QUOTES for style in keys))
    return f"{written}: {_scalar(stamp, quote, is_quoted=all(style in _QUOTES for style in values))}"


def _scalar(text: str, quote: str | None, *, is_quoted: bool) -> str:
    """`text` as YAML; what can be part of a tag needs no escapes inside quotes."""
    return f"{quote}{text}{quote}" if is_quoted or not is_text_when_bare(text) else text


def _applied(text: str, edits: list[_Edit]) -> str:
    """All edits done; of two at one place, the first stays first, and what is put in comes before what goes."""
    out = []
    at = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        out.append(text[at : edit.start] + edit.text)
        at = max(at, edit.end)
    return "".join(out) + text[at:]


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_stop(text: str, at: int) -> int:
    """Where the line of `at` stops, before its line end."""
    stop = text.find("\n", at)
    if stop == -1:
        return len(text)
    return stop - 1 if stop > at and text[stop - 1] == "\r" else stop


def _next_line(text: str, at: int) -> int:
    stop = text.find("\n", at)
    return len(text) if stop == -1 else stop + 1
