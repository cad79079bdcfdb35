# SPDX-License-Identifier: MIT
"""Our reading of Dockerfiles against what BuildKit does when it builds them: words, images, copied files.

Many cases are one build. Every image that we say a file is built on is given as a folder under that very
name: one that BuildKit knows by another name ends the build, and each folder holds its name. Every file of
a build context holds its own path: what arrives tells where it came from.

The engine at hand holds BuildKit 0.13, so that `--exclude`, `--parents` and `# check=` cannot be
compared here.
"""

from __future__ import annotations

import posixpath
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from stackyard.edges.docker import DockerEngine
from stackyard.errors import FileProblem, InvalidValue
from stackyard.load.dockerfile.instructions import BLANKS
from stackyard.load.dockerfile.parse import parse
from stackyard.load.dockerfile.reach import reachable
from stackyard.load.tree.context import read_context
from stackyard.load.tree.ignore import read_ignore_rules
from stackyard.model.dockerfile import Dockerfile, expand
from stackyard.model.reference import Reference
from tests.live.buildkit import Bench, Found, Refused
from tests.live.dockerfile_cases import (
    BASE,
    COPIED,
    DESTINATIONS,
    EMPTY,
    IGNORED,
    IMAGES,
    LINKS,
    MOUNTED,
    NO_IMAGES,
    SOURCES,
    THROUGH_LINKS,
    TREE,
)
from tests.unit.load.made import Maker

pytestmark = [pytest.mark.live, pytest.mark.long]
SEED = 2026
AT_MOST = 150
"""Cases of one build: with more, BuildKit takes more than its share of time for each."""

Case = TypeVar("Case")
Result = TypeVar("Result")

VALUES = {"A": "one", "B": "", "TAG": "v1.2.3-rc1", "a_1": "x y"}
"""What words are made with; `C` and `BASE_TAG` have no value."""

SETTING = 'ENV A=one B="" TAG=v1.2.3-rc1 a_1="x y"'
FORMS = (
    "${TAG#v}", "${TAG#*.}", "${TAG##*.}", "${TAG%.*}", "${TAG%%.*}", "${TAG%-*}", "${TAG/./-}", "${TAG//./-}",
    "${TAG/1/}", "${TAG//[0-9]/x}", "${A?why}", "${A:?why}", "${B?why}", "${B:?why}", "${C?why}", "${C:?why}",
    "${A/n/\\/}", "${A/o?/x}", "${A/*/x}", "${C/a/b}", "${a_1#x }", '"${a_1% *}"', "${A#\\o}", "${A:-'a b'}",
    '${C:-"a b"}', '"${C:-a b}"', '"${C:-\'a b\'}"', "${C:-a\\}b}", "${C:-$A$TAG}", "${A:+$B}", "$A$B$C", "$$", "$",
    "${A}${B}", "\\$A", "'$A'", '"$A"', '"\\$A"', "'\\''", '"\\\\"', "\\\\", '"a\\b"', "a\\b", "$A_1", "$a_1.x", "${A",
    "${}", "${ A}", "${A:=x}", "${A!x}", "$1", "${1:-x}", "é$A", "${C:-${BASE_TAG:-${A}}}", "$A\\ $TAG", "'", '"',
)  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path, docker: DockerEngine) -> Bench:
    """Somewhere to build, on an engine that answers."""
    return Bench(tmp_path)


def read(text: str) -> Dockerfile:
    """The Dockerfile that `text` is."""
    return parse(text.encode(), "Dockerfile")


def sample(cases: Sequence[Case], count: int) -> Sequence[Case]:
    """Some cases from all over, at least so many: each of these costs a build."""
    return cases[:: max(1, len(cases) // count)]


def apart(cases: Sequence[Case], build: Callable[[Sequence[Case]], Mapping[Case, Result]]) -> dict[Case, Result | str]:
    """What `build` makes of each case; where BuildKit refuses one, its neighbours are not lost."""
    if len(cases) > AT_MOST:
        return apart(cases[:AT_MOST], build) | apart(cases[AT_MOST:], build)
    try:
        return dict(build(cases))
    except Refused as refused:
        if len(cases) == 1:
            return {cases[0]: f"refused: {refused}"}
        half = len(cases) // 2
        return apart(cases[:half], build) | apart(cases[half:], build)


def words(count: int, escape: str) -> list[str]:
    """Made-up words that stand alone on the right of an `ENV k=`."""
    maker = Maker(SEED, escape)
    made = [*FORMS, *(maker.word() for _ in range(count))] if escape == "\\" else [maker.word() for _ in range(count)]
    return [word for word in dict.fromkeys(made) if _stands_alone(word, escape)]


def _stands_alone(word: str, escape: str) -> bool:
    try:
        values = [env.value for env in read(f"# escape={escape}\nFROM scratch\nENV k={word}\n").stages[0].env]
    except FileProblem:
        return False
    return values == [word] and not word.endswith(escape)


def evaluated(word: str, escape: str) -> str | None:
    """What we make of a word, None where we refuse it."""
    try:
        return expand(word, VALUES, escape)
    except InvalidValue:
        return None


@pytest.mark.parametrize("escape", ["\\", "`"])
def test_words(bench: Bench, escape: str) -> None:
    """Quotes, escapes and all forms of variables, as ENV, and as ARG before the first FROM."""
    head = f"# escape={escape}\n"
    every = {word: evaluated(word, escape) for word in words(1500, escape)}
    taken = [word for word, value in every.items() if value is not None]
    refused = [word for word, value in every.items() if value is None]

    def as_env(cases: Sequence[str]) -> dict[str, str]:
        lines = "".join(f"ENV k{number}={word}\n" for number, word in enumerate(cases))
        found = bench.variables(f"{head}FROM scratch\n{SETTING}\n{lines}")
        return {word: found[f"k{number}"] for number, word in enumerate(cases)}

    def as_arg(cases: Sequence[str]) -> dict[str, str]:
        given = "".join(f"ARG k{number}={word}\n" for number, word in enumerate(cases))
        lines = "".join(f"ARG k{number}\nENV e{number}=$k{number}\n" for number in range(len(cases)))
        setting = SETTING.replace("ENV", "ARG")
        found = bench.variables(f"{head}{setting}\n{given}FROM scratch\n{lines}")
        return {word: found[f"e{number}"] for number, word in enumerate(cases)}

    for build in (as_env, as_arg):
        found = apart(taken, build)
        assert {word: (every[word], found[word]) for word in taken if every[word] != found[word]} == {}
    some = sample(refused, 40)
    told = bench.refusals([f"{head}FROM scratch\n{SETTING}\nENV k={word}\n" for word in some])
    assert [word for word, why in zip(some, told, strict=True) if why is None] == []


def numbered(case: tuple[str, str], number: int) -> tuple[str, str]:
    """A case with a word of its own."""
    return case[0].replace("§", f"n{number}"), case[1].replace("§", f"n{number}")


def names_in(text: str, passed: Mapping[str, str]) -> list[str]:
    """The images that we say a file is built on, each once; not the one with the shell, which the engine has."""
    uses = read(text).external_uses(passed, "linux/amd64")
    return [name for name in dict.fromkeys(name for _, name in uses) if name != BASE]


def names_in_all(cases: Sequence[tuple[str, str]], passed: Mapping[str, str]) -> list[str]:
    """The images of several cases."""
    return list(dict.fromkeys(name for case in cases for name in names_in("\n".join(case), passed)))


def test_images(bench: Bench, tmp_path: Path) -> None:
    """FROM, COPY --from and RUN --mount=from in all forms, with arguments of all kinds, resolve to what we say."""
    some = [numbered(case, number) for number, case in enumerate(IMAGES)]
    every = "".join(f"{given}\n{stages}\n" for given, stages in some)
    values = {"P": "passed", "E": ""}
    passed = {f"n{n}{key}": text for n in range(len(some)) for key, text in values.items() if f"n{n}{key}" in every}
    expected = {case: names_in("\n".join(case), passed)[-1] for case in some}
    folders = {name: tmp_path / "images" / str(number) for number, name in enumerate(names_in_all(some, passed))}
    for name, folder in folders.items():
        folder.mkdir(parents=True)
        (folder / "id").write_text(name)

    def build(cases: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
        text = "".join(f"{given}\n" for given, _ in cases) + "".join(f"{stages}\n" for _, stages in cases)
        last, copies = -1, ""
        for number, (_, stages) in enumerate(cases):
            last += len(read(stages).stages)
            copies += f"COPY --from={last} /id /{number}\n"
        contexts = {name: folders[name] for name in names_in_all(cases, passed)}
        found = bench.files(f"{text}FROM scratch\n{copies}", contexts=contexts, passed=passed)
        return {case: found[str(number)].text for number, case in enumerate(cases)}

    found = apart(some, build)
    assert {case: (expected[case], found[case]) for case in some if expected[case] != found[case]} == {}


def test_no_images(bench: Bench) -> None:
    """What BuildKit refuses before it asks for an image, we refuse, or name something that is no image."""
    some = [case.replace("§", "debian") for case in NO_IMAGES]
    ours = [case for case in some if _is_buildable(case)]
    theirs = [case for case, why in zip(some, bench.refusals(some), strict=True) if why is None or "resolve" in why]
    assert ours == theirs == []


def _is_buildable(text: str) -> bool:
    try:
        names = [name for _, name in read(text).external_uses({}, "linux/amd64")]
        return all(isinstance(Reference.parse(name), Reference) for name in names)
    except (FileProblem, InvalidValue):
        return False


def plant(folder: Path, ignored: str | None = None, *, paths: Sequence[str] = TREE, links: bool = True) -> Path:
    """A build context in which every file holds its own path."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    for path in EMPTY:
        (folder / path).mkdir(parents=True)
    for path, target in LINKS.items() if links else ():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).symlink_to(target)
    if ignored is not None:
        (folder / ".dockerignore").write_bytes(ignored.encode())
    return folder


def counted(found: Mapping[str, Found]) -> set[str]:
    """Paths of files, links and empty folders, as a context has them."""
    filled = {path.rpartition("/")[0] for path in found}
    return {path for path, what in found.items() if what.kind != "dir" or path not in filled}


def below(found: Mapping[str, Found], folder: str) -> dict[str, Found]:
    """What stands in a folder, by its path there."""
    return {path[len(folder) + 1 :]: what for path, what in found.items() if path.startswith(f"{folder}/")}


def kept(folder: Path, dockerfile: str = "Dockerfile") -> frozenset[str] | None:
    """What we say is in a build context; None where we refuse its ignore file."""
    try:
        return frozenset(entry.path for entry in read_context(str(folder), read_ignore_rules(str(folder), dockerfile)))
    except FileProblem:
        return None


def made_up_rules(count: int) -> list[str]:
    """Ignore files from a seed: patterns over the names of the tree, exceptions among them."""
    chance = random.Random(SEED)
    parts = (
        "a",
        "d",
        "e",
        "f",
        "src",
        "docs",
        "*",
        "**",
        "?",
        "*.md",
        "a*",
        "[ad]",
        "[^a]",
        "**a",
        "d**",
        "x",
        "t",
        "..",
    )

    def rule() -> str:
        text = "/".join(chance.choice(parts) for _ in range(chance.randint(1, 4)))
        return chance.choice(("", "", "", "!", "!", "/", "./", "! ")) + text + chance.choice(("", "", "", "/", " "))

    return ["|".join(rule() for _ in range(chance.randint(1, 6))) for _ in range(count)]


def test_ignore_rules(bench: Bench, tmp_path: Path) -> None:
    """What an ignore file keeps is what an engine gets: patterns, exceptions, links, empty folders."""
    texts = [*IGNORED, *made_up_rules(400)]
    folders = {
        text: plant(tmp_path / f"context-{number}", text.replace("|", "\n"))
        for number, text in enumerate(dict.fromkeys(texts))
    }
    expected = {text: kept(folder) for text, folder in folders.items()}
    refused = [text for text, paths in expected.items() if paths is None]

    def build(cases: Sequence[str]) -> dict[str, frozenset[str]]:
        lines = "".join(f"COPY --from=c{number} / /{number}/\n" for number in range(len(cases)))
        contexts = {f"c{number}": folders[text] for number, text in enumerate(cases)}
        found = bench.files(f"FROM scratch\n{lines}", contexts=contexts)
        return {text: frozenset(counted(below(found, str(number)))) for number, text in enumerate(cases)}

    found = apart([text for text in folders if text not in refused], build)
    assert {text: told(expected[text], what) for text, what in found.items() if not same(expected[text], what)} == {}

    def refusal(text: str) -> str | None:
        try:
            bench.files("FROM scratch\nCOPY . /\n", folders[text])
        except Refused as refused:
            return str(refused)
        return None

    assert [text for text, why in zip(refused, bench.at_once(refusal, refused), strict=True) if why is None] == []


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("Dockerfile", {".dockerignore": "a\nDockerfile\n.dockerignore"}),
        ("Dockerfile", {".dockerignore": "a", "Dockerfile.dockerignore": "b.md"}),
        ("Dockerfile", {".dockerignore": "a", "Dockerfile.dockerignore": ""}),
        ("Dockerfile", {".dockerignore": "a", "dockerfile.dockerignore": "b.md"}),
        ("docker/Prod", {".dockerignore": "a", "docker/Prod.dockerignore": "b.md"}),
        ("docker/Prod", {".dockerignore": "a", "docker/.dockerignore": "b.md", "Prod.dockerignore": "d"}),
        ("Prod.Dockerfile", {"Dockerfile.dockerignore": "a", "Prod.Dockerfile.dockerignore": "*\n!d"}),
        ("Dockerfile", {".dockerignore": "\ufeff# x\r\na\r\n\r\n  b.md\t\r\n!d/a\r\n"}),
        ("Dockerfile", {"d/.dockerignore": "a"}),
    ],
)
def test_which_ignore_file(bench: Bench, tmp_path: Path, name: str, files: Mapping[str, str]) -> None:
    """The Dockerfile's own ignore file counts before the folder's; both are files of the context as any other."""
    context = plant(tmp_path / "context")
    for path, text in {name: "FROM scratch\nCOPY . /\n", **files}.items():
        (context / path).parent.mkdir(exist_ok=True)
        (context / path).write_bytes(text.encode())
    assert frozenset(counted(bench.files(None, context, name=name))) == kept(context, name)


def same(ours: object, theirs: object) -> bool:
    """Whether two results are one; a refusal is a text."""
    return ours == theirs


def told(ours: object, theirs: object) -> object:
    """Two sets of paths, told by what only one of them has; a refusal as it is."""
    if not isinstance(ours, frozenset) or not isinstance(theirs, frozenset):
        return theirs
    return {"here": sorted(ours - theirs), "there": sorted(theirs - ours)}


SOURCE_ARGS = "ARG A=a B=e\nENV C=d S=src"
TARGETS = {target: path for path, target in LINKS.items()}
IGNORING = "*\n!d\nd/e\n!d/e/f\n!src\n**/*.pyc\n"


def copying(source: str) -> str:
    """A stage that copies a source to /o, where a file stands already."""
    words = source if source.startswith('["') else f"{source} /o/"
    return f"FROM scratch\nCOPY <<E /o/.mark\nE\n{SOURCE_ARGS}\nCOPY {words}\n"


def mounting(source: str) -> str:
    """A stage that copies what a bind mount shows to /o."""
    mount = ",".join(filter(None, ("--mount=type=bind,target=/m", source)))
    return f"FROM {BASE}\nRUN {mount} mkdir /o && cp -R -P /m /o/\n"


def came(found: Mapping[str, Found]) -> frozenset[str]:
    """The paths that files and links came from; folders tell nothing."""
    files = {what.text for path, what in found.items() if what.kind == "file" and what.text}
    return frozenset(files | {TARGETS[what.text] for what in found.values() if what.kind == "link"})


def made_up_sources(count: int) -> list[str]:
    """Sources of COPY from a seed."""
    chance = random.Random(SEED)
    parts = (
        "a",
        "d",
        "e",
        "f",
        "src",
        "app",
        "docs",
        "x",
        "*",
        "**",
        "?",
        "*.md",
        "a*",
        "[ad]",
        "[^a]",
        "d?",
        "*e*",
        "..",
        ".",
    )
    return ["/".join(chance.choice(parts) for _ in range(chance.randint(1, 4))) for _ in range(count)]


@pytest.mark.parametrize("ignoring", [None, IGNORING])
def test_copied_files(bench: Bench, tmp_path: Path, ignoring: str | None) -> None:
    """What COPY and bind mounts read is what we say they can read, behind an ignore file, too."""
    context = plant(tmp_path / "context", ignoring, paths=COPIED, links=False)
    sources = dict.fromkeys((*SOURCES, *made_up_sources(400)))
    stages = [*map(copying, sources), *map(mounting, MOUNTED)]
    expected = {stage: reached(stage, context) for stage in stages}

    def build(cases: Sequence[str]) -> dict[str, frozenset[str]]:
        copies = "".join(f"COPY --from={number} /o/ /{number}/\n" for number in range(len(cases)))
        found = bench.files(f"{''.join(cases)}FROM scratch\n{copies}", context)
        return {stage: came(below(found, str(number))) for number, stage in enumerate(cases)}

    found = apart([stage for stage in stages if expected[stage]], build)
    nothing = sample([stage for stage in stages if not expected[stage]], 60)
    found |= dict(zip(nothing, bench.at_once(lambda stage: alone(bench, stage, context), nothing), strict=True))
    assert {case: told(expected[case], what) for case, what in found.items() if not same(expected[case], what)} == {}


def test_links(bench: Bench, tmp_path: Path) -> None:
    """A source that is a link or leads through one reads no more than the everything that we say."""
    context = plant(tmp_path / "context", paths=COPIED)
    stages = [copying(source) for source in THROUGH_LINKS]
    everything = reached(copying("."), context)
    found = bench.at_once(lambda stage: alone(bench, stage, context), stages)
    assert {stage for stage in stages if reached(stage, context) != everything} == set()
    assert all(paths <= everything for paths in found)
    assert any(found)


def reached(stage: str, context: Path) -> frozenset[str]:
    """The files and links that we say a stage reads; no folders, for nothing tells where they came from."""
    entries = read_context(str(context), read_ignore_rules(str(context)))
    files = {entry.path for entry in entries if entry.kind != "dir"}
    return reachable(read(stage), {}, entries) & files


def alone(bench: Bench, stage: str, context: Path) -> frozenset[str]:
    """What one stage reads; nothing where it ends for want of its source."""
    try:
        return came(bench.files(stage, context))
    except Refused as refused:
        if "not found" in str(refused) or "no such file" in str(refused):
            return frozenset()
        raise


def test_destinations(bench: Bench, tmp_path: Path) -> None:
    """A destination's words are replaced as we replace them."""
    context = plant(tmp_path / "context")
    maker = Maker(SEED)
    made = [maker.word() for _ in range(400)]
    some = [word for word in dict.fromkeys((*DESTINATIONS, *made)) if _is_place(word)]

    def build(cases: Sequence[str]) -> dict[str, str]:
        lines = "".join(f"COPY a /{number}/{word}\n" for number, word in enumerate(cases))
        found = bench.files(f"FROM scratch\n{SETTING}\n{lines}", context)
        paths = [path for path, what in found.items() if what.kind == "file"]
        return {word: path for number, word in enumerate(cases) for path in paths if path.startswith(f"{number}/")}

    found = {word: path.partition("/")[2] for word, path in apart(some, build).items()}
    expected = {word: _place(expand(word, VALUES)) for word in some}
    assert {word: (expected[word], found[word]) for word in some if expected[word] != found.get(word)} == {}


def _place(value: str) -> str:
    return posixpath.normpath(f"{value}a" if value.endswith("/") else value)


def _is_place(word: str) -> bool:
    value = evaluated(word, "\\")
    if not value or BLANKS.search(word) or word.endswith("\\") or "\\" in value:
        return False
    return not _place(value).startswith(("/", "..")) and _place(value) != "."
