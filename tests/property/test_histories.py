# SPDX-License-Identifier: MIT
"""Random stacks with random pasts, run for real: no image is missed, and none is built for nothing.

The oracle (tests/oracle.py) sees the folder and what an engine is sent, and knows nothing of fingerprints.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from stackyard.load.memory import Memory
from stackyard.model.inputs import BlobId, Entry, Inputs
from tests import oracle
from tests.examples import IS_LONG, examples
from tests.property.pasts import play
from tests.property.world import AMD, BASES, Shape, Unequal, World

ROUNDS = 6
ENOUGH = 60
"""Pasts after which a bug must have shown; each shows in one of ten or so."""


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    """A fresh folder for each world."""
    return (tmp_path / str(number) for number in range(10**6))


@settings(
    max_examples=examples(6, 500),
    deadline=None,
    derandomize=not IS_LONG,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(random=some.randoms(use_true_random=False))
def test_every_image_is_what_it_should_be_and_none_is_built_for_nothing(
    folders: Iterator[Path], random: Random
) -> None:
    """Edits, modes, links, renames, reverts, arguments, branches, bases, partial runs, kills, forced rebuilds.

    After each run, what was asked for has the content that the files as they are give; and whatever was built
    had something in it that no earlier build of the image went by. In half of the pasts each run reads what the
    one before kept, and what it only looked at when somebody asks.
    """
    world = World(next(folders))
    world.memory = Memory(reads_later=True) if random.random() < 0.5 else None
    play(world, random, ROUNDS)


# Bugs, to know that it would find them.


def _counts_ignored(inputs: Inputs, context: Path) -> Inputs:
    """A file that the ignore file leaves out is an input."""
    noise = context / "noise.log"
    there = {entry.path for entry in inputs.context}
    if not noise.exists() or "noise.log" in there:
        return inputs
    entry = Entry("noise.log", "file", BlobId.of(noise.read_bytes()))
    return msgspec.structs.replace(inputs, context=tuple(sorted((*inputs.context, entry))))


def _forgets_modes(inputs: Inputs, context: Path) -> Inputs:
    """An executable file is like any other."""
    plain = tuple(Entry(each.path, "file" if each.kind == "exec" else each.kind, each.blob) for each in inputs.context)
    return msgspec.structs.replace(inputs, context=plain)


def _forgets_bind_mounts(inputs: Inputs, context: Path) -> Inputs:
    """What only a bind mount reads is no input."""
    text = (context / "Dockerfile").read_text()
    sent = oracle.sent(context)
    args = dict(inputs.args)
    read = oracle.make(text, sent, args, _anything).read
    rest = oracle.make(re.sub(r"(?m)^RUN --mount.*\n", "", text), sent, args, _anything).read
    kept = tuple(each for each in inputs.context if each.path not in read - rest)
    return msgspec.structs.replace(inputs, context=kept)


def _anything(_: str) -> oracle.Content:
    return {"/id/x": "file x"}


def _forgets_arguments(inputs: Inputs, context: Path) -> Inputs:
    """An ARG after FROM is no input."""
    return msgspec.structs.replace(inputs, args=())


def _forgets_earlier_stages(inputs: Inputs, context: Path) -> Inputs:
    """Only the base of the last FROM is an input."""
    last = re.findall(r"(?m)^FROM (\S+)", (context / "Dockerfile").read_text())[-1]
    return msgspec.structs.replace(inputs, bases=tuple(base for base in inputs.bases if base == last))


def _takes_lines_of_heredocs_for_comments(inputs: Inputs, context: Path) -> Inputs:
    """What begins with a # is a comment, wherever it stands."""
    lines = (context / "Dockerfile").read_text().split("\n")
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    return msgspec.structs.replace(inputs, dockerfile=BlobId.of(text.encode()))


def _forgets_links(inputs: Inputs, context: Path) -> Inputs:
    """A link is no input."""
    return msgspec.structs.replace(inputs, context=tuple(each for each in inputs.context if each.kind != "link"))


def _forgets_what_stands_for_variables(inputs: Inputs, context: Path) -> Inputs:
    """Which stage an argument of FROM picks is no input."""
    return msgspec.structs.replace(inputs, uses=())


def _forgets_external_copies(inputs: Inputs, context: Path) -> Inputs:
    """An image that only `COPY --from` names is no input."""
    named = re.findall(r"(?m)^FROM (\S+)", (context / "Dockerfile").read_text())
    return msgspec.structs.replace(inputs, bases=tuple(base for base in inputs.bases if base in named))


def _counts_comments(inputs: Inputs, context: Path) -> Inputs:
    """Every byte of the Dockerfile is an input."""
    return msgspec.structs.replace(inputs, dockerfile=BlobId.of((context / "Dockerfile").read_bytes()))


@pytest.mark.long
@pytest.mark.parametrize(
    ("bug", "said", "first"),
    [
        (_counts_ignored, "for nothing", 24),
        (_forgets_modes, "missed", 4),
        (_forgets_bind_mounts, "missed", 0),
        (_forgets_arguments, "missed", 6),
        (_forgets_earlier_stages, "missed", 0),
        (_takes_lines_of_heredocs_for_comments, "missed", 10),
        (_forgets_links, "missed", 1),
        (_forgets_what_stands_for_variables, "missed", 10),
        (_forgets_external_copies, "missed", 92),
        (_counts_comments, "for nothing", 11),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_a_bug_shows(folders: Iterator[Path], bug: Callable[[Inputs, Path], Inputs], said: str, first: int) -> None:
    """Each class of input, got wrong on the way from the files to the plan, is found by the property above.

    `first` is a past that is known to show it, tried before all others to save time.
    """
    found = ""
    for seed in (first, *range(ENOUGH)):
        found = _verdict(World(next(folders), bug), seed)
        if found:
            break

    assert found.startswith(said)


def _verdict(world: World, seed: int) -> str:
    """What is wrong with a past; empty for nothing."""
    try:
        play(world, Random(seed), ROUNDS)
    except Unequal as found:
        return str(found)
    return ""


# The oracle itself.


def test_the_oracle_knows_nothing_of_what_it_judges() -> None:
    """It imports the standard library alone."""
    tree = ast.parse(Path(oracle.__file__).read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_the_oracle_makes_what_an_engine_makes(tmp_path: Path) -> None:
    """One small image, by hand; the long suite compares many with a real engine."""
    for path, text in {
        ".dockerignore": "*.log\n",
        "a.log": "no",
        "src/a": "a",
        "src/deep/c": "c",
        "t.txt": "t",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    text = """
        ARG P=one
        FROM base AS one
        FROM ${P}
        # a comment
        ARG D=src
        ENV X=$D-${E:-e}
        COPY *.txt a.log ${D}/deep /x/
        RUN --mount=type=bind,source=src,target=/m rm -rf /bound && cp -a /m /bound
        COPY --from=other /id/ /y/
    """
    made = oracle.make(
        text, oracle.sent(tmp_path), {"D": "src"}, lambda name: {f"/id/{name}": "file 1", "onbuild 1": "ENV B=1"}
    )

    assert {key: value for key, value in made.content.items() if key != "layers"} == {
        "/id/base": "file 1", "env B": "1", "env X": "src-e", "/x/t.txt": "file t", "/x/c": "file c",
        "/bound/a": "file a", "/bound/deep/c": "file c", "/y/other": "file 1",
    }  # fmt: skip
    assert (made.images, made.read) == (["base", "other"], {"t.txt", "src/deep/c", "src/a"})


def test_the_oracle_makes_files_of_heredocs() -> None:
    """Everything in one is its own, and variables are replaced where its end is not in quotes."""
    text = """
FROM base
ARG A=a
COPY <<said /here/
# $A

FROM \\
said
# a comment
COPY <<-'other' \\
    # another
    /here/
\t# $A
\tother
RUN mkdir -p /ran && cat > /ran/x <<EOF
${A}
EOF
ENV B=b
"""
    made = oracle.make(text, {}, {}, lambda _: {})

    assert {key: value for key, value in made.content.items() if key != "layers"} == {
        "/here/said": "file # a\n\nFROM \\\n", "/here/other": "file # $A\n", "/ran/x": "file a\n", "env B": "b",
    }  # fmt: skip


def test_a_world_is_built_once(tmp_path: Path) -> None:
    """The harness does what it says: a second run builds nothing, an edit builds one image, and what follows it."""
    world = World(tmp_path / "world")
    world.add_image(Shape(), {})
    world.add_image(Shape(base=2, args={"A": "1"}), {})
    world.run()
    assert world.engine.builds == ["i0", "i1"]
    world.run()
    assert world.engine.builds == []
    world.files["i1/src/a"] = ("file", "b")
    world.write()
    world.run()
    assert world.engine.builds == ["i1"]
    world.publish(BASES[0], "1")
    world.run(refresh=True)
    assert (world.engine.builds, AMD) == (["i0", "i1"], "linux/amd64")
