# SPDX-License-Identifier: MIT
"""The word processing of Dockerfiles: quotes, escapes, variables, and splitting into words.

In:   a raw text, values of variables, the file's escape sign
Out:  the text an engine would see, the names it asked for that have no value
Pure. Raises: InvalidValue where BuildKit refuses the text too

Source: BuildKit's frontend/dockerfile/shell, by its behaviour: names are letters, digits and `_`,
or digits alone, or one special sign; inside double quotes only `"`, `$` and the escape sign
can be escaped; `$` in single quotes is a dollar. What differs: in `${X//a/b}` the replacement
is literal, while Go expands `$1` in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from stackyard.errors import InvalidValue

SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What Go calls a space; Python's own idea has four control characters more."""

_SPECIAL = frozenset("@*#?-$!0")
_DEEPEST = 64
"""`${A:-${B:-...}}` nested deeper than any person writes; it ends before Python's stack does."""

_PLAIN = re.compile(r"""[^'"$<\\`}/]+""")
"""Signs that mean themselves wherever they stand: taken in one piece."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""Nearly every name; others are read sign by sign."""

_SIMPLE = re.compile(r"""(?:[^'"$\\]++|\$[A-Za-z_]|\$\{[A-Za-z_][A-Za-z0-9_]*\})*""")
_SIMPLE_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
"""What `_simple` can read, and a variable in it."""

_HEREDOC = r"([0-9]*)<<(-?)([\t\n\f\r ]*)([^<]*)"


def expand(text: str, values: Mapping[str, str | None], escape: str = "\\") -> str:
    r"""Replace `$NAME`, `${NAME}`, `${NAME:-x}` and the other forms in `text`, and take quotes away.

    Unset names become empty, as in BuildKit; InvalidValue where BuildKit refuses: a quote or brace
    that never closes, an unknown form, `${NAME:?why}` without a value.

    >>> expand("${A:-1}-$B", {"B": "2"})
    '1-2'
    """
    return expand_known(text, values, escape)[0]


def expand_known(text: str, values: Mapping[str, str | None], escape: str = "\\") -> tuple[str, frozenset[str]]:
    """As `expand`, and the names that were asked for and have no value in `values` (or None as value)."""
    if "$" not in text:
        if escape not in text and '"' not in text and "'" not in text:
            return text, frozenset()
    elif escape == "\\" and text.isascii() and _SIMPLE.fullmatch(text):
        return _simple(text, values)
    lexer = _Lexer(text, values, escape)
    return "".join(piece for piece, _ in lexer.until("")), frozenset(lexer.missing)


def _simple(text: str, values: Mapping[str, str | None]) -> tuple[str, frozenset[str]]:
    """Nearly every text with variables: no quotes, no escapes, and no form but `$NAME` and `${NAME}`."""
    missing: set[str] = set()
    pieces = _SIMPLE_VARIABLE.split(text)
    for at in range(1, len(pieces), 3):
        name = pieces[at] or pieces[at + 1]
        value = values.get(name)
        if value is None:
            missing.add(name)
        pieces[at], pieces[at + 1] = value or "", ""
    return "".join(pieces), frozenset(missing)


class Heredoc:
    """One `<<NAME` of a line; `chomp` for `<<-`; `is_spaced` for `<< NAME`, which may be a shift in arithmetic;
    `expands` unless a part of the name is quoted: then COPY and ADD take the text as it is written.
    """

    __slots__ = ("chomp", "expands", "is_spaced", "name")

    def __init__(self, name: str, chomp: bool, is_spaced: bool, expands: bool) -> None:
        self.name = name
        self.chomp = chomp
        self.is_spaced = is_spaced
        self.expands = expands


def heredocs(line: str) -> list[Heredoc]:
    """The heredocs that an instruction's line opens; none where its quotes do not match, as in BuildKit."""
    try:
        words = _Lexer(line, {}, "\\", raw=True).words()
    except InvalidValue:
        return []
    return [found for word in words if (found := heredoc(word)) is not None]


def heredoc(word: str) -> Heredoc | None:
    """Read one word as a heredoc, None if it is none."""
    match = re.fullmatch(_HEREDOC, word)
    if match is None or not match[4]:
        return None
    try:
        names = _Lexer(match[4], {}, "\\", keep_unset=True).words()
    except InvalidValue:
        return None
    expands = not any(sign in match[4] for sign in "'\"\\")
    return Heredoc(names[0], bool(match[2]), bool(match[3]), expands) if len(names) == 1 else None


class _Lexer:
    """One pass over one text. `raw` keeps quotes, escapes and variables as they are written."""

    __slots__ = ("_at", "_depth", "_escape", "_keep_unset", "_raw", "_raw_escapes", "_text", "_values", "missing")

    def __init__(
        self, text: str, values: Mapping[str, str | None], escape: str, *, raw: bool = False, keep_unset: bool = False
    ) -> None:
        self._text = text
        self._values = values
        self._escape = escape
        self._raw = raw
        self._raw_escapes = raw
        self._keep_unset = keep_unset or raw
        self._at = 0
        self._depth = 0
        self.missing: set[str] = set()

    def words(self) -> list[str]:
        """The text as words: split at blanks that are neither quoted nor escaped."""
        found: list[str] = []
        word: list[str] = []
        for piece, is_whole in self.until(""):
            for part in (piece,) if is_whole else piece:
                if is_whole or part not in SPACE:
                    word.append(part)
                elif any(word):
                    found.append("".join(word))
                    word = []
        if any(word):
            found.append("".join(word))
        return found

    def until(self, stop: str) -> list[tuple[str, bool]]:
        """Pieces up to `stop` (or the end for an empty one), each with whether blanks in it never split words."""
        pieces: list[tuple[str, bool]] = []
        while (char := self._peek()) != stop:
            if not char:
                raise self._refusal(f"nothing closes it: {stop!r} is missing")
            if char == "'":
                pieces.append((self._single_quoted(), True))
            elif char == '"':
                pieces.append((self._double_quoted(), True))
            elif char == "$":
                pieces.append((self._dollar(), False))
            elif char == "<":
                pieces.append((self._less_than(), True))
            elif char == self._escape:
                self._escaped(pieces)
            else:
                plain = _PLAIN.match(self._text, self._at + 1)
                end = plain.end() if plain else self._at + 1
                pieces.append((self._text[self._at : end], False))
                self._at = end
        self._at += len(stop)
        return pieces

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def _refusal(self, why: str) -> InvalidValue:
        return InvalidValue(f"{self._text!r} cannot be read: {why}", kind="expression", text=self._text)

    def _escaped(self, pieces: list[tuple[str, bool]]) -> None:
        sign = self._next()
        if self._raw_escapes:
            pieces.append((sign, True))
        if char := self._peek():
            self._at += 1
            pieces.append((char, True))

    def _less_than(self) -> str:
        """Blanks between `<<` and a heredoc's name belong to one word."""
        start = self._at
        self._at += 1
        if self._peek() == "<":
            self._at += 1
            while self._peek() and self._peek() in " \t":
                self._at += 1
        return self._text[start : self._at]

    def _single_quoted(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise self._refusal("a single quote is never closed")
        inner = self._text[self._at + 1 : end]
        self._at = end + 1
        return f"'{inner}'" if self._raw else inner

    def _double_quoted(self) -> str:
        self._at += 1
        out: list[str] = []
        while (char := self._peek()) != '"':
            if not char:
                raise self._refusal("a double quote is never closed")
            if char == "$":
                out.append(self._dollar())
                continue
            self._at += 1
            if char == self._escape:
                if self._raw_escapes:
                    out.append(char)
                follower = self._peek()
                if not follower:
                    continue
                if follower in ('"', "$", self._escape):
                    char = self._next()
            out.append(char)
        self._at += 1
        inner = "".join(out)
        return f'"{inner}"' if self._raw else inner

    def _dollar(self) -> str:
        """The value of the variable whose dollar is next."""
        start = self._at
        self._at += 1
        if self._peek() != "{":
            name = self._name()
            if not name:
                return "$"
            value = self._value(name)
            return self._text[start : self._at] if value is None and self._keep_unset else value or ""
        self._at += 1
        if not self._peek() or self._peek() in "{}:":
            raise self._refusal("after '${' comes a name")
        name = self._name()
        sign = self._next()
        if sign == "}":
            value = self._value(name)
            return self._text[start : self._at] if value is None and self._keep_unset else value or ""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._refusal("variables are nested too deeply")
        result = self._modified(name, sign, start)
        self._depth -= 1
        return result

    def _modified(self, name: str, sign: str, start: int) -> str:
        """The value of `${name<sign>...}`, whose rest is next."""
        empty_is_unset = sign == ":"
        if empty_is_unset:
            sign = self._next()
        if sign == "/" and not empty_is_unset:
            return self._replaced(name, start)
        if sign not in ("-", "+", "?", "#", "%"):
            raise self._refusal(f"there is no form '${{{name}{':' if empty_is_unset else ''}{sign}'")
        word = self._word("}", raw_escapes=sign in "#%")
        value = self._value(name)
        if value is None and self._keep_unset:
            return self._text[start : self._at]
        given = bool(value) if empty_is_unset else value is not None
        if sign == "-":
            return (value or "") if given else word
        if sign == "+":
            return word if given else ""
        if sign == "?":
            if not given:
                raise self._refusal(f"{name} {word or 'has no value'}")
            return value or ""
        longest = word.startswith(sign)
        tokens = self._pattern(word[1:] if longest else word, longest=longest)
        return _trimmed(value or "", tokens, from_end=sign == "%")

    def _replaced(self, name: str, start: int) -> str:
        """The value of `${name/pattern/text}` or `${name//pattern/text}`."""
        everywhere = self._peek() == "/"
        if everywhere:
            self._at += 1
        pattern = self._word("/", raw_escapes=True)
        text = self._word("}", raw_escapes=True)
        value = self._value(name)
        if value is None and self._keep_unset:
            return self._text[start : self._at]
        regex = "".join(self._pattern(pattern, longest=True))
        end = -1

        def put(match: re.Match[str]) -> str:
            # As in Go, an empty match right behind the one before is none: `*` is replaced once.
            nonlocal end
            abuts, end = match.span() == (end, end), match.end()
            return "" if abuts else text

        return re.sub(regex, put, value or "", count=0 if everywhere else 1)

    def _pattern(self, pattern: str, *, longest: bool) -> list[str]:
        """A regular expression, sign by sign: `*` and `?` only, as the shell has them without brackets."""
        tokens: list[str] = []
        signs = iter(pattern)
        for sign in signs:
            if sign == "*":
                tokens.append(".*" if longest else ".*?")
            elif sign == "?":
                tokens.append(".")
            elif sign == "\\":
                follower = next(signs, "")
                if not follower or follower not in "*?\\}/":
                    raise self._refusal(f"no pattern has {sign + follower}")
                tokens.append(re.escape(follower))
            else:
                tokens.append(re.escape(sign))
        return tokens

    def _word(self, stop: str, *, raw_escapes: bool) -> str:
        before, self._raw_escapes = self._raw_escapes, raw_escapes
        text = "".join(piece for piece, _ in self.until(stop))
        self._raw_escapes = before
        return text

    def _name(self) -> str:
        start = self._at
        if (plain := _NAME.match(self._text, start)) and self._text[plain.end() : plain.end() + 1] <= "\x7f":
            self._at = plain.end()
            return plain[0]
        char = self._peek()
        if char.isdecimal():
            while self._peek().isdecimal():
                self._at += 1
        elif char in _SPECIAL:
            self._at += 1
        else:
            while (char := self._peek()).isalpha() or char.isdecimal() or char == "_":
                self._at += 1
        return self._text[start : self._at]

    def _value(self, name: str) -> str | None:
        value = self._values.get(name)
        if value is None:
            self.missing.add(name)
        return value


def _trimmed(value: str, tokens: list[str], *, from_end: bool) -> str:
    """`value` without what the pattern matches at its start or its end."""
    if from_end:
        match = re.match("".join(reversed(tokens)), value[::-1])
        return value[: len(value) - match.end()] if match else value
    match = re.match("".join(tokens), value)
    return value[match.end() :] if match else value
