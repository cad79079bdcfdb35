# SPDX-License-Identifier: MIT
"""The text of a Dockerfile as a row of instructions: continuations joined, comments and heredoc bodies gone.

In:   bytes, the name messages give them
Out:  instructions in order; parser directives
Raises: FileProblem with the line
Pure. Beside: load/dockerfile (what the instructions mean)

Source: BuildKit's frontend/dockerfile/parser, by its behaviour. A line is continued by the escape sign
and blanks after it; a doubled sign continues nothing; within an instruction comments and empty lines
are passed over. `<< NAME` with a blank is a heredoc for new BuildKits and none for old ones: here it
is one if its end is there, because a shift in shell arithmetic looks the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from stackyard.errors import FileProblem
from stackyard.model.dockerfile import Use
from stackyard.model.names import nearest
from stackyard.model.words import SPACE, heredocs

INSTRUCTIONS = (
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
    "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
)  # fmt: skip
_LINE = re.compile(rf"({'|'.join(INSTRUCTIONS)}) ([!-,./-~](?:[ -~]*[!-\[\]-_a-~])?)")
"""An instruction on a line of its own as nearly everybody writes it, without flags: there is nothing to take away."""

_ASCII_SPACE = "\t\n\v\f\r "
_PLAIN = re.compile(r"""[^\\'"\t\n\v\f\r ]*""")
"""Text in which nothing has to be taken away."""
BLANKS = re.compile(r"[\t\v\f\r ]+")

_DIRECTIVES = ("syntax", "escape", "check")
_DIRECTIVE = re.compile(r"#[\t\f\r ]*([A-Za-z][A-Za-z0-9]*)[\t\f\r ]*=(.*)")
_CONFLICT = ("<<<<<<< ", "||||||| ", ">>>>>>> ")
_CONFLICT_SIGNS = frozenset(sign[0] for sign in _CONFLICT)
_CONFLICT_HINT = "a merge was left half done: keep one side and remove the marker lines"
_SHOWN = 40
"""How much of a long word a message repeats."""


class Instruction(msgspec.Struct, frozen=True):
    """One instruction with continuations joined, flags taken off, heredoc bodies left out."""

    word: str
    """Upper case."""
    flags: tuple[str, ...]
    rest: str
    line: int
    """Where it begins."""
    bodies: tuple[range, ...] = ()
    """Lines of its heredocs, with those that end them."""
    literal: tuple[range, ...] = ()
    """Those of them in which nobody replaces a variable: of COPY and ADD, with a quoted name."""

    def flag(self, name: str) -> str | None:
        """The value of the last `--name=value` (empty for `--name` alone), None without such a flag."""
        return next(reversed(self.every_flag(name)), None) if self.flags else None

    def every_flag(self, name: str) -> list[str]:
        """The value of each `--name=value`, in order."""
        if not self.flags:  # of nearly all
            return []
        parts = (flag.partition("=") for flag in self.flags)
        return [value for key, _, value in parts if key == f"--{name}"]


def decode(data: bytes, path: str) -> str:
    """The file as text, without a byte order mark; FileProblem where it is no UTF-8 text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        hint = "save the file as UTF-8"
        raise FileProblem(path, 1, "is UTF-16 text", column=1, hint=hint, found="UTF-16", wanted="UTF-8")
    if (at := data.find(b"\0")) >= 0:
        line, column = _place_of(data, at)
        hint = "is this a text file? save it as UTF-8"
        raise FileProblem(path, line, "has a NUL byte", column=column, hint=hint, found="a NUL byte", wanted="text")
    try:
        return data.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        line, column = _place_of(error.object, error.start)
        hint = "save the file as UTF-8"
        raise FileProblem(path, line, "is not UTF-8 text", column=column, hint=hint, wanted="UTF-8") from None


def _place_of(data: bytes, at: int) -> tuple[int, int]:
    """Line and column of a byte."""
    before = data[data.rfind(b"\n", 0, at) + 1 : at]
    return data.count(b"\n", 0, at) + 1, len(before.decode("utf-8", "replace")) + 1


def _directives(lines: list[str], path: str, first: int = 0) -> Iterator[tuple[str, str, int]]:
    """Name, value and line of each parser directive; they end at the first line that is none."""
    seen: set[str] = set()
    for number, line in enumerate(lines[first:], first + 1):
        match = _DIRECTIVE.fullmatch(line)
        value = match[2].strip("\t\f\r ") if match else ""
        if not match or not value or (name := match[1].lower()) not in _DIRECTIVES:
            return
        if name in seen:
            raise FileProblem(path, number, f"there is a second `# {name}=` line", hint="keep one of them")
        seen.add(name)
        yield name, value, number


def syntax_image(lines: list[str], path: str) -> Use | None:
    """The image that translates this file; a `#!` line may stand above its directive."""
    first = 1 if lines[0].startswith("#!") else 0
    for name, value, line in _directives(lines, path, first):
        if name == "syntax":
            return Use("syntax", value.partition(" ")[0], line)
    return None


def escape_sign(lines: list[str], path: str) -> str:
    """The sign that continues lines and escapes; its directive may be indented."""
    escape = "\\"
    if not lines[0].lstrip(SPACE).startswith("#"):  # they stand before everything else
        return escape
    for name, value, line in _directives([line.lstrip(SPACE) for line in lines[: len(_DIRECTIVES) + 1]], path):
        if name == "escape":
            if value not in ("\\", "`"):
                raise FileProblem(path, line, f"{value!r} cannot escape", hint="escape is a backslash or a backquote")
            escape = value
    return escape


def read_instructions(
    lines: list[str], path: str, escape: str, meant: list[str], conflicts: list[FileProblem] | None = None
) -> Iterator[Instruction]:
    """Every instruction, in order; FileProblem for a word that is none, and for a heredoc without end.

    Args:
        meant: gets every line that is no comment and not empty, bodies of heredocs whole.
        conflicts: gets a problem for each conflict marker, the text between them is passed over, and a word
            that is no instruction is given like one: for who goes on after the first error.
    """
    at = 0
    while at < len(lines):
        start = at
        plain = _LINE.fullmatch(lines[at])
        if plain and plain[2] not in "\\`" and "<<" not in plain[2]:
            at += 1
            meant.append(plain[0])
            yield Instruction(plain[1], (), plain[2], at)
            continue
        text, at = _joined(lines, at, path, escape, meant, conflicts)
        if text is None:
            continue
        instruction = split(text, start + 1)
        if instruction.word not in INSTRUCTIONS and conflicts is None:
            raise unknown(instruction, path)
        inner = split(instruction.rest, start + 1) if instruction.word == "ONBUILD" else instruction
        if inner.word in ("RUN", "COPY", "ADD") and "<<" in text and json_list(inner.rest) is None:
            found = list(_bodies(text, lines, start, at, path))
            bodies = tuple(body for body, _ in found)
            literal = tuple(body for body, expands in found if not expands and inner.word != "RUN")
            instruction = msgspec.structs.replace(instruction, bodies=bodies, literal=literal)
            body = at
            at = bodies[-1].stop - 1 if bodies else at
            meant += lines[body:at]
        yield instruction


def _joined(
    lines: list[str], at: int, path: str, escape: str, meant: list[str], conflicts: list[FileProblem] | None
) -> tuple[str | None, int]:
    """The instruction that begins at line `at` (None for a comment or blank line), and the line after it."""
    parts: list[str] = []
    continues = True
    while continues and at < len(lines):
        line = lines[at].rstrip("\r")
        at += 1
        if line[:1] in _CONFLICT_SIGNS and line.startswith(_CONFLICT):
            problem = FileProblem(path, at, f"a conflict marker of git stands here: {line[:7]}", hint=_CONFLICT_HINT)
            if conflicts is None:
                raise problem
            conflicts.append(problem)
            at = _after_conflict(lines, at)
            continues = bool(parts)
            continue
        text = line.lstrip(SPACE)
        if not text or text[0] == "#":
            # Inside an instruction comments and empty lines are passed over, whatever they end with.
            continues = bool(parts)
            continue
        meant.append(line)
        part, continues = _continued(line if parts else text, escape)
        if not continues and not parts:  # an instruction of one line, as most are
            return part, at
        parts.append(part)
    return "".join(parts) if parts else None, at


def _after_conflict(lines: list[str], at: int) -> int:
    """The line after both sides of a conflict; `at`, the one after its first marker, where they have no end."""
    if not lines[at - 1].startswith(_CONFLICT[0]):
        return at
    return next((end + 1 for end in range(at, len(lines)) if lines[end].startswith(_CONFLICT[-1])), at)


def _continued(line: str, escape: str) -> tuple[str, bool]:
    """The line without its continuation sign, and whether it has one; a doubled sign is none."""
    text = line.rstrip("\t ")
    if text.endswith(escape) and not text.endswith(escape * 2):
        return text[:-1], True
    return line, False


def split(text: str, line: int) -> Instruction:
    """The text of one instruction as word, flags and rest."""
    word, _, rest = parted(text.strip(SPACE))
    flags, rest = _flags(rest)
    return Instruction(word.upper() if word.isascii() else word, flags, rest.strip(SPACE), line)


def parted(text: str) -> tuple[str, str, str]:
    """`text` parted at its first run of blanks."""
    match = BLANKS.search(text)
    return (text[: match.start()], match[0], text[match.end() :]) if match else (text, "", "")


def _flags(text: str) -> tuple[tuple[str, ...], str]:
    """The `--flags` that `text` begins with, quotes and backslashes taken away, and what follows them."""
    flags: list[str] = []
    while (text := text.lstrip(_ASCII_SPACE)).startswith("--"):
        word, is_blank, text = _flag(text)
        if word == "--":
            break
        if word or is_blank:
            flags.append(word)
    return tuple(flags), text


def _flag(text: str) -> tuple[str, bool, str]:
    """The first word of `text` unquoted, whether it had quotes, and what follows."""
    plain = _PLAIN.match(text)
    if plain and (plain.end() == len(text) or text[plain.end()] in _ASCII_SPACE):
        return plain[0], False, text[plain.end() :]
    out: list[str] = []
    quote = ""
    had_quotes = False
    at = 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            out.append(text[at + 1 : at + 2])
            at += 1
        elif quote:
            quote = "" if char == quote else quote
            out.append(char if quote else "")
        elif char in _ASCII_SPACE:
            break
        elif char in "'\"":
            quote, had_quotes = char, True
        else:
            out.append(char)
        at += 1
    return "".join(out), had_quotes, text[at:]


def is_fragment(word: str) -> bool:
    """Whether a word that begins no instruction is not one with a slip: text that belongs elsewhere.

    >>> [is_fragment(word) for word in ("COPY", "COPPY", "&&", "IMPORT", "=======")]
    [False, False, True, True, False]
    """
    near = nearest(word, INSTRUCTIONS, 0.7) if len(word) <= _SHOWN else None
    return near is None and not _is_marker(word)


def _is_marker(word: str) -> bool:
    return bool(word) and set(word) <= {"<", "=", ">", "|"}


def unknown(instruction: Instruction, path: str) -> FileProblem:
    """The problem that a word is which begins no instruction."""
    word = instruction.word
    if _is_marker(word):
        return FileProblem(path, instruction.line, f"a conflict marker of git stands here: {word}", hint=_CONFLICT_HINT)
    if not word:
        return FileProblem(path, instruction.line, "a continuation sign stands alone", hint="remove the line")
    near = nearest(word, INSTRUCTIONS) if len(word) <= _SHOWN else None
    hint = "if it belongs to the line above, that one misses a backslash at its end"
    hint = f"did you mean {near}? {hint.capitalize()}" if near else hint
    return FileProblem(path, instruction.line, f"unknown instruction {short(word)!r}", hint=hint)


def short(text: str) -> str:
    """`text` as a message can repeat it."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _bodies(text: str, lines: list[str], start: int, at: int, path: str) -> Iterator[tuple[range, bool]]:
    """Line numbers of each heredoc that `text` opens, with the line that ends it, and whether its name is unquoted."""
    for doc in heredocs(text):
        end = at
        while end < len(lines) and _end_sign(lines[end], doc.chomp) != doc.name:
            end += 1
        if end == len(lines):
            if doc.is_spaced:
                continue
            raise FileProblem(
                path,
                start + 1,
                f"the heredoc {short(doc.name)!r} is never ended",
                hint=f"a line that is {short(doc.name)} alone ends it, without blanks around",
            )
        yield range(at + 1, end + 2), doc.expands
        at = end + 1


def _end_sign(line: str, chomp: bool) -> str:
    line = line.rstrip("\r")
    return line.lstrip("\t") if chomp else line


def json_list(text: str) -> list[object] | None:
    """The elements of a JSON list, None if `text` is something else."""
    if not text.startswith("["):
        return None
    try:
        parsed = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, RecursionError):
        return None
    return parsed if isinstance(parsed, list) else None
