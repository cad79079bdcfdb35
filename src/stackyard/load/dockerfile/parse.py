# SPDX-License-Identifier: MIT
"""Read a Dockerfile as BuildKit does, for what a stack needs to know of it.

In:   bytes, the name messages give them
Out:  a Dockerfile: stages, images used, arguments, variables, label keys, paths of the build context
Raises: FileProblem with the line, for what BuildKit refuses; and for conflict markers, NUL bytes and
        text that is not UTF-8
Pure. After: load/instructions

Source: BuildKit's frontend/dockerfile/instructions, by its behaviour.
Looser than BuildKit where nothing here depends on it: unknown flags, missing arguments of RUN, CMD,
EXPOSE and their like are for the engine to refuse. An ONBUILD instruction is kept apart, in the
stage's `triggers`; what it says wrongly is refused by the engine when it acts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from stackyard.errors import FileProblem, InvalidValue
from stackyard.load.dockerfile.instructions import (
    BLANKS,
    INSTRUCTIONS,
    Instruction,
    decode,
    escape_sign,
    is_fragment,
    json_list,
    parted,
    read_instructions,
    short,
    split,
    syntax_image,
    unknown,
)
from stackyard.model.dockerfile import (
    SCRATCH,
    Arg,
    Body,
    Copied,
    Dockerfile,
    Env,
    FoundLater,
    Places,
    Stage,
    Use,
    expand,
)
from stackyard.model.inputs import BlobId
from stackyard.model.words import SPACE, heredoc

_PLAIN_WORDS = re.compile(r"""[\t !#-&(-~]*""")
"""Text without quotes, and without blanks that Python's idea of them and Go's differ about."""

_STAGE_NAME = r"[a-z][a-z0-9_.-]*"


def parse(text: bytes, path: str) -> Dockerfile:
    """Read `text`, called `path` in messages; FileProblem where it is no Dockerfile."""
    lines = decode(text, path).split("\n")
    try:
        return _parsed(lines, path)
    except FileProblem as problem:
        raise _with_column(problem, lines) from None


def problems_of(text: bytes, path: str) -> list[FileProblem]:
    """All that is wrong with a file that `parse` refuses, in its order; none that only follows from another.

    After a heredoc without end nothing is certain; text that is no instruction (the lines below a forgotten
    backslash) is told once; of the sides of a conflict neither is read; and where an instruction before the
    first FROM is wrong, it may be that one.
    """
    try:
        lines = decode(text, path).split("\n")
    except FileProblem as problem:
        return [problem]
    try:
        syntax, escape = syntax_image(lines, path), escape_sign(lines, path)
    except FileProblem as problem:
        return [_with_column(problem, lines)]
    builder = _Builder(path, escape)
    found: list[FileProblem] = []
    conflicts: list[FileProblem] = []
    seen = 0
    is_astray = False
    try:
        for instruction in read_instructions(lines, path, escape, [], conflicts):
            new, seen = conflicts[seen:], len(conflicts)
            is_torn = _is_within(new, instruction.line)
            if new:
                builder.assume_base(instruction.line)
                is_astray |= is_fragment(instruction.word)
            try:
                builder.add(instruction)
                is_astray = is_astray and not lines[instruction.line - 1].lstrip(SPACE).startswith(instruction.word)
            except FileProblem as problem:
                if not is_torn and not is_astray:
                    found.append(problem)
                is_astray |= is_fragment(instruction.word)
                builder.assume_base(instruction.line)
        if not conflicts:
            builder.finish(syntax)
    except FileProblem as problem:
        if not _is_within(conflicts[seen:], _line_of(problem)):
            found.append(problem)
    return [_with_column(problem, lines) for problem in sorted((*found, *conflicts), key=_line_of)]


def _is_within(conflicts: list[FileProblem], line: int) -> bool:
    """Whether a conflict stands in the middle of the instruction that begins at `line`."""
    return any(_line_of(conflict) > line for conflict in conflicts)


def _line_of(problem: FileProblem) -> int:
    line = problem.line
    return line if isinstance(line, int) else 1


def _with_column(problem: FileProblem, lines: list[str]) -> FileProblem:
    """The problem of an instruction, at the word that begins it."""
    facts = {**problem.facts}
    path, line, sentence = facts.pop("path"), facts.pop("line"), facts.pop("problem")
    if not isinstance(line, int) or facts.pop("column") is not None or line > len(lines):
        return problem
    row = lines[line - 1].rstrip("\r")
    word = row.split()[0] if row.strip() else ""
    column = len(row) - len(row.lstrip(SPACE)) + 1
    return FileProblem(str(path), line, str(sentence), column=column, hint=problem.hint, found=short(word) or None)


def _parsed(lines: list[str], path: str) -> Dockerfile:
    syntax = syntax_image(lines, path)
    escape = escape_sign(lines, path)
    builder = _Builder(path, escape)
    instructions = []
    meant: list[str] = []
    ends: list[int] = []
    for instruction in read_instructions(lines, path, escape, meant):
        builder.add(instruction)
        instructions.append(instruction)
        if instruction.word == "FROM":
            ends.append(len(meant))
        elif ends:
            ends[-1] = len(meant)
    dockerfile = builder.finish(syntax)

    def places() -> Places:
        from stackyard.load.dockerfile.mentions import columns_of, mentions_of  # only who complains asks

        mentions = tuple(mentions_of(lines, instructions, escape))
        return Places(mentions, columns_of(lines, instructions, dockerfile))

    head = f"# {escape} {syntax.text if syntax else ''}"
    meant_until = tuple(BlobId.of("\n".join((head, *meant[:end])).encode()) for end in ends)
    return msgspec.structs.replace(
        dockerfile,
        written=FoundLater(places),
        meant=meant_until[-1],
        meant_until=meant_until,
        runs=tuple(each.line for each in instructions if each.word in ("RUN", "ONBUILD")),
    )


class _Draft:
    """A body while it is read."""

    __slots__ = ("args", "copies", "env", "labels", "secrets", "uses")

    def __init__(self) -> None:
        self.args: list[Arg] = []
        self.env: list[Env] = []
        self.uses: list[Use] = []
        self.copies: list[Copied] = []
        self.labels: list[str] = []
        self.secrets: list[str] = []

    def body(self) -> Body:
        """What was read so far."""
        return Body(
            args=tuple(self.args),
            env=tuple(self.env),
            uses=tuple(self.uses),
            copies=tuple(self.copies),
            labels=tuple(self.labels),
            secrets=tuple(self.secrets),
        )


class _Builder:
    """Takes instructions in order, gives a Dockerfile."""

    def __init__(self, path: str, escape: str) -> None:
        self._path = path
        self._escape = escape
        self._args: list[Arg] = []
        self._stages: list[Stage] = []
        self._now: tuple[Use, str | None, str | None] | None = None
        self._own = _Draft()
        self._triggers = _Draft()
        self._readers: dict[str, Callable[[Instruction, _Draft], None]] = {
            "ARG": self._arg,
            "ENV": self._env,
            "LABEL": self._label,
            "COPY": self._copy,
            "ADD": self._copy,
            "RUN": self._run,
        }

    def add(self, instruction: Instruction) -> None:
        """Take the next instruction."""
        word = instruction.word
        if word not in INSTRUCTIONS:
            raise unknown(instruction, self._path)
        if word == "FROM":
            self._from(instruction)
        elif self._now is None:
            if word != "ARG":
                raise self._problem(instruction, "stands before the first FROM", hint="only ARG may stand there")
            self._args.extend(self._arguments(instruction))
        elif word == "ONBUILD":
            self._onbuild(instruction)
        elif reader := self._readers.get(word):
            reader(instruction, self._own)

    def assume_base(self, line: int) -> None:
        """Take it that a stage begins here, if none has."""
        self._now = self._now or (Use("from", SCRATCH, line), None, None)

    def finish(self, syntax: Use | None) -> Dockerfile:
        """The whole file; FileProblem if it builds nothing."""
        self._close()
        if not self._stages:
            raise FileProblem(self._path, 1, "has no FROM", hint="an image begins with FROM and what it is built on")
        return Dockerfile(self._path, tuple(self._args), tuple(self._stages), syntax, self._escape)

    def _problem(self, instruction: Instruction, sentence: str, *, hint: str | None = None) -> FileProblem:
        return FileProblem(self._path, instruction.line, f"{instruction.word} {sentence}", hint=hint)

    def _close(self) -> None:
        if self._now is None:
            return
        base, name, platform = self._now
        own = self._own
        self._stages.append(
            Stage(
                base=base,
                name=name,
                platform=platform,
                triggers=self._triggers.body(),
                args=tuple(own.args),
                env=tuple(own.env),
                uses=tuple(own.uses),
                copies=tuple(own.copies),
                labels=tuple(own.labels),
                secrets=tuple(own.secrets),
            )
        )
        self._own, self._triggers = _Draft(), _Draft()

    def _from(self, instruction: Instruction) -> None:
        self._close()
        words = BLANKS.split(instruction.rest)
        if not words[0] or len(words) not in (1, 3) or (len(words) == 3 and words[1].lower() != "as"):
            raise self._problem(
                instruction, "names one image, and may name the stage", hint="FROM image, or FROM image AS name"
            )
        name = words[2].lower() if len(words) == 3 else None
        if name is not None and not re.fullmatch(_STAGE_NAME, name):
            raise self._problem(
                instruction,
                f"cannot call a stage {short(words[2])!r}",
                hint="a stage's name begins with a letter; then letters, digits, '-', '_' and '.'",
            )
        self._now = (Use("from", words[0], instruction.line), name, instruction.flag("platform") or None)

    def _onbuild(self, instruction: Instruction) -> None:
        inner = split(instruction.rest, instruction.line)
        if inner.word in ("", "ONBUILD", "FROM", "MAINTAINER"):
            raise self._problem(
                instruction,
                f"cannot be followed by {inner.word or 'nothing'}",
                hint="it takes one other instruction, as in ONBUILD COPY . /app",
            )
        if reader := self._readers.get(inner.word):
            draft = _Draft()
            try:
                reader(inner, draft)
            except FileProblem:
                return
            for part in _Draft.__slots__:
                getattr(self._triggers, part).extend(getattr(draft, part))

    def _arguments(self, instruction: Instruction) -> Iterator[Arg]:
        words = _words(instruction.rest, self._escape)
        if not words:
            raise self._problem(instruction, "names no argument", hint="ARG NAME, or ARG NAME=default")
        for word in words:
            name, equals, default = word.partition("=")
            if not name:
                raise self._problem(instruction, f"has no name before {short(word)!r}", hint="no blanks around '='")
            yield Arg(name, default if equals else None, instruction.line)

    def _arg(self, instruction: Instruction, draft: _Draft) -> None:
        draft.args.extend(self._arguments(instruction))

    def _env(self, instruction: Instruction, draft: _Draft) -> None:
        for name, value in self._pairs(instruction):
            draft.env.append(Env(_plain(name, self._escape), value, instruction.line))

    def _label(self, instruction: Instruction, draft: _Draft) -> None:
        draft.labels.extend(_plain(name, self._escape) for name, _ in self._pairs(instruction))

    def _pairs(self, instruction: Instruction) -> list[tuple[str, str]]:
        """`name=value ...`, or the old form `name value`."""
        words = _words(instruction.rest, self._escape)
        hint = f"{instruction.word} NAME=value, quotes around a value with blanks"
        if not words:
            raise self._problem(instruction, "names nothing", hint=hint)
        if "=" not in words[0]:
            name, blanks, value = parted(instruction.rest)
            if not blanks:
                raise self._problem(instruction, f"gives {short(name)!r} no value", hint=hint)
            return [(name, value)]
        pairs = []
        for word in words:
            name, equals, value = word.partition("=")
            if not equals or not name:
                raise self._problem(instruction, f"cannot take {short(word)!r}", hint=hint)
            pairs.append((name, value))
        return pairs

    def _copy(self, instruction: Instruction, draft: _Draft) -> None:
        words = json_list(instruction.rest)
        if words is None:
            words = BLANKS.split(instruction.rest)
        elif not all(isinstance(word, str) for word in words):
            raise self._problem(instruction, "has a JSON list with something other than text in it")
        if len(words) < 2:
            raise self._problem(instruction, "needs a source and a destination", hint="as in COPY source /path")
        if source := instruction.flag("from"):
            draft.uses.append(Use("copy", source, instruction.line))
            return
        sources = map(str, words[:-1])
        if paths := tuple(word for word in sources if "<<" not in word or heredoc(word) is None):
            how: Literal["add", "copy"] = "add" if instruction.word == "ADD" else "copy"
            exclude = tuple(filter(None, instruction.every_flag("exclude")))
            parents = instruction.flag("parents") in ("", "true")
            checksum = instruction.flag("checksum") or ""
            draft.copies.append(Copied(how, paths, instruction.line, exclude, parents, checksum))

    def _run(self, instruction: Instruction, draft: _Draft) -> None:
        for mount in instruction.every_flag("mount"):
            self._mount(mount, instruction, draft)

    def _mount(self, text: str, instruction: Instruction, draft: _Draft) -> None:
        pairs = [field.partition("=") for field in self._fields(text, instruction)]
        fields = {key.lower(): value for key, _, value in pairs}
        kind = fields.get("type", "bind").lower()
        may_be_bind = kind == "bind" or "$" in kind
        if kind == "secret":
            name = fields.get("id") or (fields.get("target") or fields.get("dst") or "").rpartition("/")[2]
            draft.secrets.append(name)
        if source := fields.get("from"):
            if may_be_bind or kind == "cache":
                draft.uses.append(Use("mount", source, instruction.line))
        elif may_be_bind:
            path = fields.get("source") or fields.get("src") or "."
            draft.copies.append(Copied("mount", (path,), instruction.line))

    def _fields(self, text: str, instruction: Instruction) -> list[str]:
        if '"' not in text:
            return text.split(",")
        import csv  # quotes inside a mount are rare

        try:
            return next(csv.reader([text]), [])
        except csv.Error as error:
            raise self._problem(instruction, f"has a mount that cannot be read: {error}") from None


def _plain(name: str, escape: str) -> str:
    """A name without its quotes; one with variables stays as it is written."""
    try:
        return name if "$" in name else expand(name, {}, escape)
    except InvalidValue:
        return name


def _words(text: str, escape: str) -> list[str]:
    """Words parted by blanks that are neither quoted nor escaped; quotes and escapes stay."""
    if _PLAIN_WORDS.fullmatch(text) and escape not in text:
        return text.split()
    words: list[str] = []
    word: list[str] = []
    quote = ""
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == escape and quote != "'":
            if at == len(text):
                break
            word.append(char + text[at])
            at += 1
            continue
        if not quote and char in SPACE:
            if word:
                words.append("".join(word))
                word = []
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        word.append(char)
    if word:
        words.append("".join(word))
    return words
