# SPDX-License-Identifier: MIT
"""YAML with places, and scalars as they are written.

In:   bytes of a file
Out:  Doc: text, mapping, list or nothing, each with its line and column
Raises: FileProblem, for anything that is not clean YAML 1.1

Scalars stay text (`3.10` is never 3.1, `2021.2` is never a float); who wants a
boolean asks for one with `flag`. Aliases share one Doc, so a file whose aliases
multiply costs what it is long.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from stackyard.errors import FileProblem
from stackyard.later import compiled_later
from stackyard.model.spot import Spot

with compiled_later():
    import yaml as yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH = 100
_SHOWN = 200
"""How much of a long text a message repeats."""
_OURS = "<<<<<<< "
"""How a merge conflict begins."""
_NO_PLACES: Mapping[str, tuple[int, int]] = MappingProxyType({})


class Doc:
    """One node of a YAML file: where it stands and what it says.

    `value` is a dict with text keys, a list, a text, or None for null.
    """

    __slots__ = ("column", "keys", "line", "path", "tag", "value")

    def __init__(self, path: str, line: int, column: int, tag: str, value: dict[str, Doc] | list[Doc] | str | None):
        self.path = path
        self.line = line
        self.column = column
        self.tag = tag
        self.value = value
        self.keys = _NO_PLACES
        """Line and column of each key of a mapping."""

    def at(self, key: str | None = None) -> Spot:
        """Where this stands, or one of its keys."""
        if key is None or key not in self.keys:
            return Spot(self.path, self.line, self.column)
        line, column = self.keys[key]
        return Spot(self.path, line, column)

    def problem(self, sentence: str, hint: str | None = None, **facts: str | None) -> FileProblem:
        """An error at this place; what it says is the fact `found`, unless another one is given."""
        facts.setdefault("found", self._kind() or str(self.value)[:_SHOWN])
        return FileProblem(self.path, self.line, sentence, column=self.column, hint=hint, **facts)

    def problem_at(self, key: str, sentence: str, hint: str | None = None, **facts: str | None) -> FileProblem:
        """An error at one of this mapping's keys."""
        spot = self.at(key)
        facts.setdefault("found", key)
        return FileProblem(self.path, spot.line, sentence, column=spot.column, hint=hint, **facts)

    def mapping(self, what: str) -> dict[str, Doc]:
        """The entries; none for null. FileProblem if it is anything else."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.problem(
                f"{what} should be a mapping (name: value), not {self._is()}",
                "write NAME: VALUE, each on a line of its own, indented below it",
                wanted="a mapping (name: value)",
            )
        return self.value

    def text(self, what: str) -> str:
        """The scalar as written. FileProblem for a mapping, a list or nothing."""
        if not isinstance(self.value, str):
            hint = 'write a text here; "" is an empty one' if self.value is None else "write one text, on this line"
            raise self.problem(f"{what} should be text, not {self._is()}", hint, wanted="text")
        return self.value

    def texts(self, what: str) -> list[str]:
        """A list of texts; one text stands for a list of one, null for none."""
        if self.value is None:
            return []
        if isinstance(self.value, list):
            return [item.text(f"each entry of {what}") for item in self.value]
        return [self.text(what)]

    def flag(self, what: str) -> bool:
        """True or false, written as YAML 1.1 takes them. FileProblem for anything else."""
        if self.tag == "bool" and isinstance(self.value, str):
            return self.value.lower() in ("true", "yes", "on")
        hint = "write true or false"
        if isinstance(self.value, str) and self.value.split(" ")[0] in ("true", "false"):
            hint = "did you mean to start a comment? it needs a '#' after a blank"
        raise self.problem(f"{what} should be true or false, not {self._is()}", hint, wanted="true or false")

    def _is(self) -> str:
        text = str(self.value)
        return self._kind() or repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")

    def _kind(self) -> str | None:
        """What this is, where it is no text."""
        if self.value is None:
            return "nothing"
        if isinstance(self.value, dict):
            return "a mapping"
        return "a list" if isinstance(self.value, list) else None


def read(data: bytes, path: str) -> Doc:
    """Read one YAML document; `path` is what messages call the file.

    Cost: less than PyYAML takes to make its own nodes of it; a tree of those is not made.
    """
    at: int | None
    column: int | None
    try:
        text = data.removeprefix(BOM_UTF8).decode()
        if _OURS in text:  # between brackets it is clean YAML
            _refuse_markers(text, path, (_OURS,))
        return _Reader(text, path).document()
    except UnicodeDecodeError as error:
        at, column = _place(error.object[: error.start].decode())
        raise FileProblem(path, at, "this is not UTF-8 text", column=column, hint="save the file as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        _refuse_markers(text, path, (_OURS, "=======", ">>>>>>> "))
        mark = error.problem_mark or error.context_mark
        at = mark.line + 1 if mark else None
        column = mark.column + 1 if mark else None
        raise FileProblem(
            path, at, f"not valid YAML: {error.problem}", column=column, hint=_hint(text, error)
        ) from None
    except yaml.reader.ReaderError as error:  # no mark, and the sign may be anywhere
        before, sign, _ = text.partition(chr(error.character))
        at, column = _place(before) if sign else (None, None)
        sentence = f"not valid YAML: it has the character U+{error.character:04X}"
        raise FileProblem(
            path, at, sentence, column=column, hint="is this a text file? take the character out"
        ) from None


def _refuse_markers(text: str, path: str, markers: tuple[str, ...]) -> None:
    """FileProblem at the first line that begins with one of the merge conflict markers."""
    for number, row in enumerate(text.splitlines(), 1):
        if row.startswith(markers):
            hint = "resolve the conflict, and take the markers out"
            raise FileProblem(path, number, "the file has merge conflict markers", column=1, hint=hint) from None


def _place(before: str) -> tuple[int, int]:
    """Line and column of what follows a text."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _hint(text: str, error: yaml.MarkedYAMLError) -> str:
    """Where to look, which is seldom the place where a reader gave up."""
    rows, here, above = text.splitlines(), error.problem_mark, error.context_mark
    if here is not None and here.line < len(rows) and "\t" in rows[here.line]:
        return "YAML takes blanks for indentation, not tabs"
    if above is not None and here is not None and above.line < here.line:
        began = f"what begins on line {above.line + 1} ends here in a way that YAML does not know"
        return f"{began}: look at brackets, quotes and indentation between"
    return "look at this line and the one above: a quote, a bracket or a colon is missing, or its indentation is wrong"


class _Anchored(msgspec.Struct):
    """What an alias stands for."""

    doc: Doc
    words: str | None
    """Those of a scalar, also of one that is nothing: a key may be an alias."""
    is_whole: bool


class _Reader:
    """Reads one text, event by event, and stops where it is nested too deeply: the stack never ends."""

    def __init__(self, text: str, path: str) -> None:
        self._path = path
        loader = _LOADER(text)
        self._next: Callable[[], Any] = loader.get_event
        self._resolve: Callable[[type, str, tuple[bool, bool]], str] = loader.resolve
        self._beginnings: Collection[str] = loader.yaml_implicit_resolvers
        """First signs of all that may be more than text, and nothing, with which an empty one begins."""
        self._anchors: dict[str, _Anchored] = {}
        self._depth = -1  # what stands at the top is not nested

    def document(self) -> Doc:
        """The one document of the text."""
        self._next()  # the stream begins
        if type(self._next()) is yaml.StreamEndEvent:
            return Doc(self._path, 1, 1, "null", None)
        doc = self._node(self._next())
        self._next()  # the document ends
        if type(event := self._next()) is not yaml.StreamEndEvent:
            raise self._problem(
                event.start_mark,
                "another document begins here: the file should be one",
                "take the `---` out, and what is not meant",
            )
        return doc

    def _node(self, event: Any) -> Doc:
        """What begins with `event`; aliases share one Doc."""
        mark = event.start_mark
        if type(event) is yaml.ScalarEvent:
            tag = self._tag(event)
            doc = Doc(self._path, mark.line + 1, mark.column + 1, tag, event.value if tag != "null" else None)
            if event.anchor is not None:
                self._name(event, _Anchored(doc, event.value, is_whole=True))
            return doc
        if type(event) is yaml.AliasEvent:
            return self._anchored(event).doc
        doc = Doc(self._path, mark.line + 1, mark.column + 1, "", None)
        anchored = _Anchored(doc, None, is_whole=False)
        if event.anchor is not None:
            self._name(event, anchored)
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._problem(
                mark, f"nested more than {_MAX_DEPTH} levels deep", "no key of a stack is so deep: write it flatter"
            )
        if type(event) is yaml.MappingStartEvent:
            self._fill(doc)
        else:
            doc.value = list(self._items())
        self._depth -= 1
        anchored.is_whole = True
        return doc

    def _items(self) -> Iterator[Doc]:
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            yield self._node(event)

    def _fill(self, doc: Doc) -> None:
        """A mapping's own keys in file order; merged ones (`<<`) give way to them."""
        own: dict[str, Doc] = {}
        places: dict[str, tuple[int, int]] = {}
        merged: dict[str, Doc] = {}
        merged_places: dict[str, tuple[int, int]] = {}
        following = self._next
        while type(event := following()) is not yaml.MappingEndEvent:
            mark = event.start_mark
            key = self._key(event)
            item = self._node(following())
            if key is None:
                for part in item.value if isinstance(item.value, list) else [item]:
                    for name, inherited in part.mapping("what is merged").items():
                        merged.setdefault(name, inherited)
                        merged_places.setdefault(name, part.keys[name])
                continue
            if key in own:
                raise self._problem(
                    mark, f"{key!r} is here twice, first on line {places[key][0]}", "keep one of the two"
                )
            own[key] = item
            places[key] = (mark.line + 1, mark.column + 1)
        doc.value = {**{name: item for name, item in merged.items() if name not in own}, **own} if merged else own
        doc.keys = {**merged_places, **places} if merged else places

    def _key(self, event: Any) -> str | None:
        """The text of a key; None for `<<`."""
        if type(event) is yaml.ScalarEvent:
            if event.anchor is not None:
                self._node(event)
            text: str = event.value
            may_merge = text == "<<" or event.tag is not None
            return None if may_merge and self._tag(event) == "merge" else text
        if type(event) is yaml.AliasEvent and (anchored := self._anchored(event)).words is not None:
            return None if anchored.doc.tag == "merge" else anchored.words
        raise self._problem(event.start_mark, "a key should be text", "put it into quotes")

    def _tag(self, event: Any) -> str:
        """What a scalar is to YAML 1.1: `str`, `null`, `bool` and others."""
        tag: str | None = event.tag
        if tag is None or tag == "!":
            if not event.implicit[0] or event.value[:1] not in self._beginnings:
                return "str"
            tag = self._resolve(yaml.ScalarNode, event.value, event.implicit)
        return tag.rpartition(":")[2]

    def _name(self, event: Any, anchored: _Anchored) -> None:
        if event.anchor in self._anchors:
            first = self._anchors[event.anchor].doc.line
            raise self._problem(
                event.start_mark,
                f"the anchor {event.anchor!r} is here twice, first on line {first}",
                "give one of the two another name",
            )
        self._anchors[event.anchor] = anchored

    def _anchored(self, event: Any) -> _Anchored:
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            raise self._problem(
                event.start_mark,
                f"undefined alias {event.anchor!r}: nothing above it is marked &{event.anchor}",
                f"mark what is meant, or put `*{event.anchor}` into quotes, if it is text",
            )
        if not anchored.is_whole:
            doc = anchored.doc
            raise FileProblem(
                self._path, doc.line, "an alias contains itself", column=doc.column, hint="write out what is meant"
            )
        return anchored

    def _problem(self, mark: yaml.Mark, sentence: str, hint: str) -> FileProblem:
        return FileProblem(self._path, mark.line + 1, sentence, column=mark.column + 1, hint=hint)
