# SPDX-License-Identifier: MIT
"""Made-up stacks and what happens to them: a few edits, a run, and again; the same seed makes the same past."""

from __future__ import annotations

import os
from dataclasses import replace
from random import Random

from tests.property.world import Shape, World

SOURCES = (".", "src", "src/a", "*.txt", "${DIR}", "test")
BINDS = ("src", "src/deep", "${DIR}")
PATHS = (
    "src/a",
    "src/b",
    "src/deep/c",
    "top.txt",
    "trigger.txt",
    "noise.log",
    "keep.log",
    "test/test_a.py",
    "test/data",
)
HEREDOCS = (
    "COPY <<said /here/\n{}said",
    "COPY <<'said' /here/\n{}said",
    "COPY <<-said /here/\n{}\tsaid",
    "RUN mkdir -p /ran && cat > /ran/said <<EOF\n{}EOF",
    "RUN mkdir -p /ran && cat > /ran/said <<-'EOF'\n{}EOF",
)
SAID = (
    "",
    "# one\ntext $A\n",
    "# two\ntext $A\n",
    "text $A\n",
    "\t# one\n\n  text ${B}\n",
    "FROM nowhere\n# COPY src /x/\n",
)
"""Lines that would be comments anywhere else, lines that would be instructions, empty ones, variables."""
IGNORES = ("*.log\n", "*.log\n", "*.log\n!keep.log\n", "", "src/b\n", "test/data\n")


def play(world: World, random: Random, rounds: int, images: int = 3) -> None:
    """A stack and a past of so many rounds, made up by `random`: a few edits each, and mostly a run.

    Every file that an instruction names is there, so that a real engine takes it too.
    """
    for number in range(random.randint(1, images)):
        shape = _shape(random, number)
        if world.memory is not None and random.random() < 0.8:  # of what a look tells enough
            shape = replace(shape, tool=None, direct=None, is_picked=False, bind=None, has_tag=False, said=None)
        world.add_image(shape, {"noise.log": "0", ".dockerignore": random.choice(IGNORES)})
    world.run()
    world.remember()
    for _ in range(rounds):
        for _ in range(random.randint(1, 3)):
            random.choice(EDITS)(world, random)
        if random.random() < 0.7:
            _run(world, random)
    world.run(refresh=random.random() < 0.5)


def _shape(random: Random, number: int) -> Shape:
    def of() -> int:
        return random.randrange(2 + number)

    return Shape(
        base=of(),
        tool=random.choice((None, of())),
        direct=random.choice((None, None, random.randrange(2))),
        is_picked=random.random() < 0.3,
        copies=random.sample(SOURCES, random.randint(1, 2)),
        bind=random.choice((None, *BINDS)),
        has_tag=random.random() < 0.2,
        triggers=random.random() < 0.2,
        said=random.choice((None, (random.choice(HEREDOCS), random.choice(SAID)))),
        args={"UNREAD": "0", **({"A": "1"} if random.random() < 0.5 else {})},
        is_copied=random.random() < 0.5,
    )


def _some(world: World, random: Random) -> tuple[int, Shape]:
    number = random.randrange(len(world.shapes))
    return number, world.shapes[number]


def _edit(world: World, random: Random) -> None:
    number, _ = _some(world, random)
    path = f"i{number}/{random.choice(PATHS)}"
    kind = world.files.get(path, ("file", ""))[0]
    world.files[path] = (kind if kind != "link" else "file", str(random.randrange(3)))
    world.write()


def _mode(world: World, random: Random) -> None:
    number, _ = _some(world, random)
    path = f"i{number}/{random.choice(('src/a', 'src/deep/c', 'top.txt', 'Dockerfile', 'noise.log'))}"
    kind, text = world.files.get(path, ("file", ""))
    world.files[path] = ("exec" if kind == "file" else "file", text)
    world.write()


def _remove(world: World, random: Random) -> None:
    number, _ = _some(world, random)
    world.files.pop(f"i{number}/{random.choice(('src/b', 'trigger.txt', 'noise.log', 'test/data', 'src/link'))}", None)
    world.write()


def _link(world: World, random: Random) -> None:
    number, _ = _some(world, random)
    world.files[f"i{number}/src/link"] = ("link", random.choice(("a", "deep", "nowhere", "../top.txt")))
    world.write()


def _touch(world: World, random: Random) -> None:
    when = random.randrange(10**9)
    for above, folders, names in os.walk(world.root / "stack" / "images"):
        for name in (*folders, *names):
            os.utime(os.path.join(above, name), (when, when), follow_symlinks=False)


def _between(world: World, random: Random) -> None:
    number, _ = _some(world, random)
    other, _ = _some(world, random)
    if moved := world.files.pop(f"i{number}/src/b", None):
        world.files[f"i{other}/src/b"] = moved
    world.write()


def _ignore(world: World, random: Random) -> None:
    number, _ = _some(world, random)
    world.files[f"i{number}/.dockerignore"] = ("file", random.choice(IGNORES))
    world.write()


def _everywhere(world: World, random: Random) -> None:
    world.files["everywhere.txt"] = ("file", str(random.randrange(2)))
    world.write()


def _argument(world: World, random: Random) -> None:
    _, shape = _some(world, random)
    name, values = random.choice(
        (("A", "01"), ("C", "01"), ("UNREAD", "01"), ("PICK", ("one", "two")), ("DIR", ("src",)))
    )
    if shape.args.pop(name, None) is None or random.random() < 0.7:
        shape.args[name] = random.choice(values)
    world.write()


def _reshape(world: World, random: Random) -> None:
    number, shape = _some(world, random)
    fresh = _shape(random, number)
    part = random.choice(
        ("base", "tool", "direct", "is_picked", "copies", "bind", "has_tag", "said", "triggers", "is_copied")
    )
    setattr(shape, part, getattr(fresh, part))
    world.write()


def _comment(world: World, random: Random) -> None:
    _some(world, random)[1].comment = random.randrange(3)
    world.write()


def _say(world: World, random: Random) -> None:
    _, shape = _some(world, random)
    if shape.said is not None:
        shape.said = (shape.said[0], random.choice(SAID))
    world.write()


def _branch(world: World, random: Random) -> None:
    world.branch = random.choice(("main", "other"))


def _publish(world: World, random: Random) -> None:
    world.publish(random.choice(world.bases), str(random.randrange(3)))


def _back(world: World, random: Random) -> None:
    world.revert(random.choice(world.past))


def _commit(world: World, random: Random) -> None:
    world.remember()


def _run(world: World, random: Random) -> None:
    number, _ = _some(world, random)
    names = [f"i{number}"] if random.random() < 0.4 else []
    world.run(
        names,
        refresh=random.random() < 0.5,
        rebuild=(f"i{number}",) if random.random() < 0.15 else (),
        left=random.randrange(3) if random.random() < 0.25 else None,
        failing=frozenset({f"i{number}"}) if random.random() < 0.1 else frozenset(),
    )


EDITS = (
    _edit, _edit, _edit, _mode, _mode, _remove, _link, _touch, _between, _ignore, _everywhere, _argument, _argument,
    _reshape, _comment, _say, _say, _branch, _publish, _publish, _publish, _back, _commit,
)  # fmt: skip
