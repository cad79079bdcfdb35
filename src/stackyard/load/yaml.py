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

from stackyard.errors import FileProblem
from stackyard.later import compiled_later
from stackyard.model.stack import Spot

with compiled_later():
    import yaml as yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH = 100
_SHOWN = 200
"""How much of a long text a message repeats."""
_SAFE_SIZE = 4096
"""A file up to this size cannot be nested so deeply that PyYAML's own recursion, in C, ends the process."""


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
        self.keys: dict[str, tuple[int, int]] = {}
        """Line and column of each key of a mapping."""

    def at(self, key: str | None = None) -> Spot:
        """Where this stands, or one of its keys."""
        own = (self.line, self.column)
        return Spot(self.path, *(own if key is None else self.keys.get(key, own)))

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
    """Read one YAML document; `path` is what messages call the file."""
    try:
        text = data.decode("utf-8-sig")
        if len(data) > _SAFE_SIZE:
            _check_depth(text, path)
        node = yaml.compose(text, Loader=_LOADER)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise FileProblem(path, line, "this is not UTF-8 text", hint="save the file as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = mark.line + 1 if mark else None
        column = mark.column + 1 if mark else None
        if (marker := _conflict(text)) is not None:
            hint = "resolve the conflict, and take the markers out"
            raise FileProblem(path, marker, "the file has merge conflict markers", hint=hint) from None
        raise FileProblem(path, at, f"not valid YAML: {error.problem}", column=column, hint=_hint(text, at)) from None
    except yaml.reader.ReaderError as error:  # no mark, and the sign may be anywhere
        before, sign, _ = text.partition(chr(error.character))
        found = before.count("\n") + 1 if sign else None
        raise FileProblem(path, found, f"not valid YAML: it has the character U+{error.character:04X}") from None
    except (yaml.YAMLError, RecursionError) as error:
        sentence = str(error).splitlines()[0] if str(error) else "too deeply nested"
        raise FileProblem(path, None, f"not valid YAML: {sentence}") from None
    if node is None:
        return Doc(path, 1, 1, "null", None)
    return _convert(node, path, {}, ())


def _check_depth(text: str, path: str) -> None:
    """FileProblem for a text nested deeper than is taken; events cost no stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH + 1:  # what stands at the top is not nested
                mark = event.start_mark
                raise _too_deep(path, mark.line + 1 if mark else None)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _too_deep(path: str, line: int | None) -> FileProblem:
    return FileProblem(path, line, f"nested more than {_MAX_DEPTH} levels deep")


def _conflict(text: str) -> int | None:
    """The line of the first merge conflict marker, if there is one."""
    rows = enumerate(text.splitlines(), 1)
    return next((number for number, row in rows if row.startswith(("<<<<<<< ", "=======", ">>>>>>> "))), None)


def _hint(text: str, line: int | None) -> str | None:
    rows = text.splitlines()
    if line is not None and line <= len(rows) and "\t" in rows[line - 1]:
        return "YAML takes blanks for indentation, not tabs"
    return None


def _convert(node: yaml.Node, path: str, done: dict[int, Doc], above: tuple[int, ...]) -> Doc:
    """`node` as a Doc; `done` shares aliases, `above` finds a node inside itself."""
    mark = node.start_mark
    here = FileProblem(path, mark.line + 1, "an alias contains itself", column=mark.column + 1)
    if id(node) in above:
        raise here
    if id(node) in done:
        return done[id(node)]
    if len(above) > _MAX_DEPTH:
        raise _too_deep(path, mark.line + 1)
    tag = node.tag.rpartition(":")[2]
    doc = Doc(path, mark.line + 1, mark.column + 1, tag, None)
    inner = (*above, id(node))
    if isinstance(node, yaml.MappingNode):
        _fill_mapping(doc, node, path, done, inner)
    elif isinstance(node, yaml.SequenceNode):
        doc.value = [_convert(item, path, done, inner) for item in node.value]
    elif tag != "null":
        doc.value = node.value
    done[id(node)] = doc
    return doc


def _fill_mapping(doc: Doc, node: yaml.MappingNode, path: str, done: dict[int, Doc], inner: tuple[int, ...]) -> None:
    """Own keys in file order; merged ones (`<<`) give way to them."""
    own: dict[str, Doc] = {}
    merged: dict[str, Doc] = {}
    merged_keys: dict[str, tuple[int, int]] = {}
    for key, value in node.value:
        line, column = key.start_mark.line + 1, key.start_mark.column + 1
        if not isinstance(key, yaml.ScalarNode):
            raise FileProblem(path, line, "a key should be text", column=column)
        item = _convert(value, path, done, inner)
        if key.tag == "tag:yaml.org,2002:merge":
            for part in item.value if isinstance(item.value, list) else [item]:
                for name, inherited in part.mapping("what is merged").items():
                    merged.setdefault(name, inherited)
                    merged_keys.setdefault(name, part.keys[name])
            continue
        if key.value in own:
            first = doc.keys[key.value][0]
            raise FileProblem(path, line, f"{key.value!r} is here twice, first on line {first}", column=column)
        own[key.value] = item
        doc.keys[key.value] = (line, column)
    doc.value = {**{name: item for name, item in merged.items() if name not in own}, **own} if merged else own
    doc.keys = {**merged_keys, **doc.keys}
