# SPDX-License-Identifier: MIT
"""HCL as bake files use it: blocks, attributes, texts, lists and mappings.

In:   the file's bytes
Out:  the mappings that the JSON spelling of the same file has
Raises: FileProblem with the line

A value that needs more than that (a function, a condition, a sum) is None: bake can tell it, a reader cannot.
A variable alone is `${NAME}`, as inside a text.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from stackyard.errors import FileProblem

_TOKEN = re.compile(
    r"""(?P<skip>[ \t\r]+|\#[^\n]*|//[^\n]*|/\*.*?\*/)
    |(?P<end>\n)
    |(?P<heredoc><<-?(?P<word>\w+)\n(?P<body>.*?)\n?[ \t]*(?P=word)(?=\n|$))
    |(?P<text>"(?:\\.|\$\{[^}]*\}|[^"\\])*")
    |(?P<number>-?\d+(?:\.\d+)?)
    |(?P<name>[A-Za-z_][\w-]*)
    |(?P<sign>[^\s\w])""",
    re.VERBOSE | re.DOTALL,
)
_MAX_DEPTH = 100
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_OPEN, _CLOSED = "([{", ")]}"


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def read_hcl(data: bytes, path: str) -> dict[str, Any]:
    """A whole file: `{block type: {label: {attribute: value}}}`, and attributes beside."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileProblem(path, data[: error.start].count(b"\n") + 1, "this is not UTF-8 text") from None
    return _Reader(_tokens(text, path), path).body("")


def _tokens(text: str, path: str) -> list[_Token]:
    tokens, at, line = [], 0, 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise FileProblem(path, line, f"not valid HCL: {text[at]!r}")
        kind = found.lastgroup or ""
        if kind in ("word", "body"):
            kind = "heredoc"
        if kind != "skip":
            tokens.append(_Token(kind, found["body"] if kind == "heredoc" else found[0], line))
        line += found[0].count("\n")
        at = found.end()
    return [*tokens, _Token("close", "", line)]


class _Reader:
    """Walks through the tokens of one file."""

    def __init__(self, tokens: list[_Token], path: str) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._path = path

    def body(self, closing: str) -> dict[str, Any]:
        """Attributes and blocks up to the sign that closes them."""
        found: dict[str, Any] = {}
        while True:
            self._skip_ends(",")
            token = self._next()
            if token.text == closing and token.kind in ("sign", "close"):
                return found
            if token.kind not in ("name", "text"):
                raise self._problem(token)
            name = _unquoted(token)
            if self._peek().text in ("=", ":"):
                self._next()
                found[name] = self._value()
                continue
            labels = []
            while self._peek().kind in ("text", "name"):
                labels.append(_unquoted(self._next()))
            if (opening := self._next()).text != "{":
                raise self._problem(opening)
            inner = found
            for label in (name, *labels[:-1]):
                inner = inner.setdefault(label, {})
            inner.setdefault(labels[-1] if labels else name, {}).update(self.body("}"))

    def _value(self) -> Any:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise FileProblem(self._path, self._peek().line, f"nested more than {_MAX_DEPTH} levels deep")
        value = self._expression()
        self._depth -= 1
        return value

    def _expression(self) -> Any:
        """One expression; None, and nothing of it left, where it is more than a plain value."""
        start = self._at
        value = self._plain()
        if value is not _NOT_PLAIN and (self._peek().kind in ("end", "close") or self._peek().text in (",", "}", "]")):
            return value
        self._at = start
        depth = 0
        while (token := self._peek()).kind != "close":
            is_sign = token.kind == "sign"
            if depth == 0 and (token.kind == "end" or (is_sign and token.text in (",", *_CLOSED))):
                break
            depth += (token.text in _OPEN) - (token.text in _CLOSED) if is_sign else 0
            self._next()
        return None

    def _plain(self) -> Any:
        token = self._next()
        if token.kind in ("text", "heredoc", "number"):
            return _unquoted(token)
        if token.kind == "name":
            return {"true": "true", "false": "false", "null": None}.get(token.text, f"${{{token.text}}}")
        if token.text == "{":
            return self.body("}")
        if token.text != "[":
            return _NOT_PLAIN
        items: list[Any] = []
        while True:
            self._skip_ends(",")
            if self._peek().text == "]" or self._peek().kind == "close":
                self._next()
                return items
            if self._peek().text == "for":
                return _NOT_PLAIN
            before = self._at
            items.append(self._value())
            if self._at == before:
                raise self._problem(self._peek())

    def _skip_ends(self, also: str) -> None:
        while self._peek().kind == "end" or self._peek().text == also:
            self._next()

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _problem(self, token: _Token) -> FileProblem:
        return FileProblem(
            self._path, token.line, f"not valid HCL: {token.text.strip() or 'the file ends too early'!r}"
        )


_NOT_PLAIN = object()


def _unquoted(token: _Token) -> str:
    if token.kind != "text":
        return token.text
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), token.text[1:-1])
