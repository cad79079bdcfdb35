# SPDX-License-Identifier: MIT
"""What a Dockerfile's instructions can read of its build context: never too little."""

from __future__ import annotations

from stackyard.load.dockerfile.parse import parse
from stackyard.load.dockerfile.reach import reachable
from stackyard.model.dockerfile import Dockerfile
from stackyard.model.inputs import BlobId, Entry
from tests.cases import each_of

PATHS = (
    "Dockerfile", "README.md", "a.txt", "b.txt", "docs/x.md", "docs/y.txt", "scripts/run.sh", "scripts/sub/deep.sh",
    "src/app/main.py", "src/app/test/t.py", "src/lib/main.py", "test/test_a.py", "workflow_tests/w.py",
)  # fmt: skip


def dockerfile(instructions: str) -> Dockerfile:
    """A stage called `first`, then the instructions."""
    return parse(f"FROM x AS first\n{instructions}".encode(), "Dockerfile")


def reached(instructions: str, *links: str, **args: str) -> str:
    """The paths that are reached, short: what is not a known path is an extra link."""
    entries = [Entry(path, "file", BlobId.of(b"")) for path in PATHS if path not in links]
    entries += [Entry(path, "link", BlobId.of(b"")) for path in links]
    found = reachable(dockerfile(instructions), args, entries)
    return "everything" if len(found) == len(entries) else " ".join(sorted(found))


@each_of(
    ("instructions", "expected"),
    [
        ("RUN true", ""),
        ("COPY a.txt /x", "a.txt"),
        ("COPY /scripts /x", "scripts/run.sh scripts/sub/deep.sh"),
        ("COPY ./scripts/sub/ /x", "scripts/sub/deep.sh"),
        ("COPY script /x", ""),
        ("COPY gone /x", ""),
        ("COPY . /x", "everything"),
        ("COPY / /x", "everything"),
        ("COPY .. /x", "everything"),
        ("COPY * /x", "everything"),
        ("COPY *.txt /x", "a.txt b.txt"),
        ("COPY ?.txt /x", "a.txt b.txt"),
        ("COPY [a].txt /x", "a.txt"),
        ("COPY [^a].txt /x", "b.txt"),
        ("COPY workflow_tests/* /x", "workflow_tests/w.py"),
        ("COPY src/*/main.py /x", "src/app/main.py src/lib/main.py"),
        ("COPY src/a* /x", "src/app/main.py src/app/test/t.py"),
        ("COPY **/main.py /x", ""),
        ("COPY src/**/main.py /x", "src/app/main.py src/lib/main.py"),
        ("COPY --parents **/main.py /x", "src/app/main.py src/lib/main.py"),
        ("COPY --parents src/./**/test /x", "src/app/test/t.py"),
        ('COPY ["a.txt", "docs", "/x"]', "a.txt docs/x.md docs/y.txt"),
        ("ADD test /x", "test/test_a.py"),
        ("ADD https://h/a.txt /x", ""),
        ("COPY --from=first . /x", ""),
        ("COPY --from=other:1 . /x", ""),
        ("COPY <<EOF /x\nCOPY . /x\nEOF", ""),
        ("RUN --mount=type=bind,source=docs,target=/d true", "docs/x.md docs/y.txt"),
        ("RUN --mount=target=/d true", "everything"),
        ("RUN --mount=type=bind,from=first,target=/d true", ""),
        ("ARG D=docs\nCOPY $D /x", "docs/x.md docs/y.txt"),
        ("ENV D=docs\nCOPY ${D}/x.md /x", "docs/x.md"),
        ("COPY $UNKNOWN /x", "everything"),
        ("COPY docs/$UNKNOWN /x", "everything"),
        ("COPY [ /x", "everything"),
        ("COPY a[ /x", "everything"),
        ("COPY --exclude=test . /x", "everything but test/test_a.py"),
        ("COPY --exclude=*.md --exclude=**/*.py . /x", "everything but README.md src/* test/* workflow_tests/*"),
        ("COPY --exclude=test src/app /x", "src/app/main.py"),
        ("COPY --exclude=app/test src /x", "src/app/main.py src/lib/main.py"),
        ("COPY --exclude=sub script* /x", "scripts/run.sh"),
        ("COPY --exclude=* docs /x", ""),
        ("COPY --exclude=* a.txt /x", "a.txt"),
        ("COPY --exclude=test --parents src/./* /x", "src/app/main.py src/app/test/t.py src/lib/main.py"),
        ("COPY --exclude=app/test --parents src/./* /x", "src/app/main.py src/lib/main.py"),
        ("COPY --exclude=$UNKNOWN . /x", "everything"),
        ("COPY --exclude=[ docs /x", "everything"),
        ("ONBUILD COPY . /x", ""),
        ("ONBUILD COPY docs /x\nFROM first", "docs/x.md docs/y.txt"),
        ("FROM y\nCOPY docs/x.md /x", "docs/x.md"),
    ],
)
def test_reach(instructions: str, expected: str) -> None:
    """Files, folders with all in them, wildcards by component, variables; other stages and remote sources are none."""
    if expected.startswith("everything but "):
        import fnmatch

        left_out = expected.removeprefix("everything but ").split()
        expected = " ".join(path for path in PATHS if not any(fnmatch.fnmatch(path, out) for out in left_out))
    assert reached(instructions) == expected


@each_of(
    ("instructions", "expected"),
    [
        ("COPY current /x", "everything"),
        ("COPY current/sub /x", "everything"),
        ("COPY cur* /x", "everything"),
        ("COPY docs /x", "docs/link docs/x.md docs/y.txt"),
        ("COPY docs/link /x", "everything"),
        ("COPY docs/l* /x", "everything"),
        ("COPY a.txt /x", "a.txt"),
        ("RUN --mount=source=current,target=/x true", "everything"),
    ],
)
def test_links(instructions: str, expected: str) -> None:
    """A source that is a link, or leads through one, may be anything; a link within a folder is only a link."""
    assert reached(instructions, "current", "docs/link") == expected


def test_arguments_that_are_passed() -> None:
    """The value that is passed decides what is read."""
    assert reached("ARG FILE=b.txt\nCOPY $FILE /x", FILE="a.txt") == "a.txt"


def test_triggers_of_the_image_below() -> None:
    """Where the ONBUILD of the image below is known, it reads this build's context."""
    onbuild = dockerfile("ONBUILD COPY a.txt /x").stages[-1].triggers
    entries = [Entry(path, "file", BlobId.of(b"")) for path in PATHS]
    assert reachable(dockerfile("RUN true"), {}, entries, triggers=onbuild) == {"a.txt"}


def test_empty_folders_are_entries() -> None:
    """An empty folder that is copied is reached."""
    entries = [Entry("logs/old", "dir", BlobId.of(b"")), Entry("x", "file", BlobId.of(b""))]
    assert reachable(dockerfile("COPY logs /x"), {}, entries) == {"logs/old"}
