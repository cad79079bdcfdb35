# SPDX-License-Identifier: MIT
"""Where a Dockerfile names variables, and who replaces them: the engine, a shell, or one that takes care of it.

In:   the file's lines, its instructions
Out:  Mentions with line and column; where names and images stand
Pure. Beside: load/instructions (which joins lines), check/dockerfiles (which asks whether somebody sets them)

Which instructions have their variables replaced: BuildKit's documentation, "Environment replacement".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from stackyard.errors import InvalidValue
from stackyard.load.dockerfile.instructions import Instruction, json_list
from stackyard.model.dockerfile import Dockerfile, Mention
from stackyard.model.words import SPACE, expand_known

_REPLACED = frozenset(
    ("ADD", "ARG", "COPY", "ENV", "EXPOSE", "FROM", "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR")
)
_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(:?[-+?])?)")
_BARE_WORD = re.compile(r"(?<![\w${])[A-Za-z_][A-Za-z0-9_]*")
_FIRST_WORD = re.compile(r"\s*[A-Za-z]+(?=\s)")
_READS_A_FILE = re.compile(r"(?:^|[\s;&|(])(?:\.|source|eval)\s")
"""What brings names into a shell that no one can see here."""


def mentions_of(lines: Sequence[str], instructions: Sequence[Instruction], escape: str) -> Iterator[Mention]:
    """Every `$NAME` and `${NAME...}` outside comments and of what nobody replaces, file order.

    A line of a heredoc is text, whatever it begins with: a shell may pass over it, and what COPY writes keeps it.
    """
    ends = [instruction.line - 1 for instruction in instructions[1:]] + [len(lines)]
    for instruction, end in zip(instructions, ends, strict=True):
        own = lines[instruction.line - 1 : end]
        if any("$" in line for line in own):
            yield from _of_one(instruction, own, escape)


def columns_of(
    lines: Sequence[str], instructions: Sequence[Instruction], dockerfile: Dockerfile
) -> dict[tuple[int, str], tuple[int, int]]:
    """Line and column of each argument, variable and image that the file names; those that cannot be told are left out.

    The reader of instructions joins lines and takes flags apart; a person looks for the word in the file.
    """
    bodies = [body for stage in dockerfile.stages for body in (stage, stage.triggers)]
    wanted = [(arg.line, arg.name) for arg in dockerfile.args]
    wanted += [(stage.base.line, stage.base.text) for stage in dockerfile.stages]
    for body in bodies:
        wanted += [(arg.line, arg.name) for arg in body.args]
        wanted += [(env.line, env.name) for env in body.env]
        wanted += [(use.line, use.text) for use in body.uses]
    if dockerfile.syntax is not None:
        wanted.append((dockerfile.syntax.line, dockerfile.syntax.text))
    following = [instruction.line - 1 for instruction in instructions[1:]] + [len(lines)]
    ends = {
        instruction.line: instruction.bodies[0].start - 1 if instruction.bodies else end
        for instruction, end in zip(instructions, following, strict=True)
    }
    found = {}
    for line, text in wanted:
        place = _place_of(lines, line - 1, ends.get(line, line), text)
        if place is not None:
            found[line, text] = place
    return found


def _place_of(lines: Sequence[str], start: int, end: int, text: str) -> tuple[int, int] | None:
    """Where `text` stands as a word; the first word of an instruction is none of its names."""
    for number in range(start, end):
        line = lines[number]
        if number > start and line.lstrip(SPACE).startswith("#"):
            continue
        word = _FIRST_WORD.match(line) if number == start else None
        at = line.find(text, word.end() if word else 0)
        while at >= 0:
            before, after = line[at - 1 : at] if at else "", line[at + len(text) : at + len(text) + 1]
            if not _is_in_name(after) and not (_is_in_name(before) or before in ("$", "{")):
                return number + 1, at + 1
            at = line.find(text, at + 1)
    return None


def _is_in_name(sign: str) -> bool:
    return sign.isalnum() or sign == "_"


def _of_one(instruction: Instruction, lines: Sequence[str], escape: str) -> Iterator[Mention]:
    how, asked = _asked_by(instruction, lines, escape)
    for number, line in enumerate(lines, instruction.line):
        is_text = any(number in body for body in instruction.bodies)
        if line.lstrip(SPACE).startswith("#") and not is_text:
            continue
        if any(number in body for body in instruction.literal):
            continue
        for match in _VARIABLE.finditer(line):
            name = match[1] or match[2]
            is_asked = not match[3] and name in asked and not line.endswith(escape, 0, match.start())
            yield Mention(name, number, match.start() + 1, how if is_asked else "guarded")


def _asked_by(
    instruction: Instruction, lines: Sequence[str], escape: str
) -> tuple[Literal["engine", "shell"], frozenset[str]]:
    """Who replaces the variables, and the names that have to come from outside the instruction."""
    text = " ".join((*instruction.flags, instruction.rest))
    try:
        names = expand_known(text, {}, escape)[1]
    except InvalidValue:
        # Not for BuildKit's rules of quotes: of a RUN all names count that stand outside of quotes or in double ones.
        names = frozenset(match[1] or match[2] for match in _VARIABLE.finditer(text))
        if instruction.word != "RUN":
            return "engine", frozenset()
    if instruction.word in _REPLACED:
        return "engine", names
    is_plain_shell = instruction.word == "RUN" and escape == "\\" and json_list(instruction.rest) is None
    if not is_plain_shell or "<<" in text or _READS_A_FILE.search(text):
        return "shell", frozenset()
    return "shell", names - frozenset(_BARE_WORD.findall(" ".join(lines)))
