# SPDX-License-Identifier: MIT
"""What the pages say is so: made pages are fresh, links lead somewhere, commands and names exist."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from stackyard import errors
from stackyard.cli import run, stackyard
from tests.cases import each_of

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SOURCES = sorted((ROOT / "src").rglob("*.py"))
ACCURACY = "docs/explanation/accuracy.md"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_POINTER = re.compile(r"docs/[\w./-]+\.md")
_ENVIRONMENT = re.compile(r'environ(?:\.get\(|\[)\s*"(\w+)"')


def named(path: Path) -> str:
    """A page or a source as the test's name."""
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """docs/generate.py, which is no package."""
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def prose(text: str) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """Headings as links name them."""
    heads = re.findall(r"^#+ (.*)$", prose(page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


# Made pages.


@pytest.mark.processes
def test_made_pages_are_what_the_code_says(generate: ModuleType) -> None:
    """They are fresh, and so is the plan in README and tutorial; `python docs/generate.py` makes them so."""
    assert list(generate.drifted(unseen=(ACCURACY,))) == []


@pytest.mark.processes
@pytest.mark.parametrize(
    "change",
    [
        "file copied by one image",
        "argument in FROM",
        "final base's digest",
        "base refreshed, run killed before the children",
    ],
)
def test_changes_are_measured_as_the_table_has_them(generate: ModuleType, change: str) -> None:
    """One of each kind: a file, an argument, somebody else's image, a killed run; --long measures them all."""
    measured = generate.accuracy().line(generate.accuracy().measure(change))
    assert measured in (ROOT / ACCURACY).read_text(encoding="utf-8").splitlines()


@pytest.mark.long
def test_the_generator_finds_nothing_to_write(generate: ModuleType) -> None:
    """--check is 0 for fresh pages, with all that is measured."""
    assert generate.main(["--check"]) == 0


def test_the_generator_refuses_other_words(generate: ModuleType) -> None:
    """Another word is a usage error, and nothing is written."""
    assert generate.main(["--chekc"]) == 2


@pytest.fixture(scope="module")
def campus(generate: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example in a git repository of its own."""
    folder = generate.committed_campus(tmp_path_factory.mktemp("docs"))
    assert isinstance(folder, Path)
    return folder


@pytest.mark.processes
@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        ("plan", "PLAN_FIELDS"),
        ("graph", "GRAPH_FIELDS"),
        ("why", "WHY_FIELDS"),
        ("inputs", "INPUT_FIELDS"),
        ("ls", "STACK_FIELDS"),
        ("check", "FINDING_FIELDS"),
        ("status", "STATUS_FIELDS"),
        ("history", "HISTORY_FIELDS"),
        ("bases --offline", "BASES_FIELDS"),
    ],
)
def test_real_json_has_the_described_fields(
    verb: str, fields: str, generate: ModuleType, campus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a command prints for the example has no field that json.md does not describe."""
    assert run(["-C", str(campus), *verb.split(), "--json"], {"PATH": os.environ["PATH"]}) == 0
    printed = json.loads(capsys.readouterr().out)
    described = getattr(generate, fields)
    above = {name.partition(".")[0].removesuffix("[]") for name in described}
    assert set(printed) == above
    assert set(generate.paths_of(printed, described)) <= set(described)


# Links and pointers.


@each_of("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link names a file that exists, and a heading of it."""
    for link in _LINK.findall(prose(page.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in anchors(target), f"{link}: no such heading"


def test_every_page_is_in_the_index() -> None:
    """docs/README.md leads to every page."""
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in _LINK.findall(index)}
    assert linked >= {page for page in DOCS.rglob("*.md") if page.name != "README.md"}


def test_sources_point_to_pages_that_exist() -> None:
    """`Why: docs/...`, `Rules: docs/...` and their like name pages."""
    pointers = {(named(source), each) for source in SOURCES for each in _POINTER.findall(source.read_text("utf-8"))}
    assert len(pointers) > 5
    assert [pair for pair in sorted(pointers) if not (ROOT / pair[1]).is_file()] == []


# Commands.


def commands_in(text: str) -> Iterator[list[str]]:
    """Command lines that begin with `stackyard`, as words: from inline code and from code blocks."""
    lines = [code for code in _CODE.findall(prose(text)) if "\\|" not in code]
    for block in re.findall(r"^```(?:sh|text|)\n(.*?)^```", text, re.M | re.S):
        lines += block.splitlines()
    for line in lines:
        found = re.match(r"\s*(?:\$ )?(?:\w+=\S* )*(stackyard(?: .*)?)$", line)
        if found and not re.search(r"[{\[]?OPTIONS|COMMAND", line):
            yield shlex.split(found[1].partition(" | ")[0].replace("...", ""), comments=True)


COMMANDS = {named(page): {tuple(words) for words in commands_in(page.read_text("utf-8"))} for page in PAGES}


@each_of("page", [page for page, commands in COMMANDS.items() if commands])
def test_commands_exist_with_their_flags(page: str) -> None:
    """Each command that a page shows is one, and takes the options it is shown with."""
    for words in COMMANDS[page]:
        assert_takes(page, words)


def assert_takes(page: str, words: tuple[str, ...]) -> None:
    """The command line knows the command, and its options."""
    root = click.Context(stackyard, info_name="stackyard")
    rest, command = list(words[1:]), stackyard
    options = {name: param for param in stackyard.get_params(root) for name in param.opts}
    while rest:
        word = rest.pop(0)
        if word == "--":
            break
        if word.startswith("-"):
            name = word.partition("=")[0]
            assert name in options, f"{page}: {' '.join(words)}: no option {name}"
            if not (isinstance(options[name], click.Option) and options[name].is_flag) and "=" not in word and rest:
                rest.pop(0)
        elif command is stackyard:
            found = stackyard.get_command(root, word)
            assert found is not None, f"{page}: {' '.join(words)}: no command {word}"
            command = found
            here = click.Context(command, info_name=word, parent=root)
            options = {name: param for param in command.get_params(here) for name in param.opts}


def test_pages_show_commands() -> None:
    """The search above finds something, in every folder of docs."""
    assert sum(map(len, COMMANDS.values())) > 100
    shown = {page for page, commands in COMMANDS.items() if commands}
    assert {page.split("/")[1] for page in shown if "/" in page} >= {"how-to", "tutorial", "reference"}


# Names.


def test_every_finding_is_explained() -> None:
    """Each code that `check` may print is in a reference page, with its level."""
    codes: dict[str, str] = {}
    for source in SOURCES:
        text = source.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if re.search(r"\b(Finding(\.of)?|_missing)\(", text) else ():
            if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
                continue
            if not isinstance(node.func, ast.Name | ast.Attribute):
                continue
            maker = ast.unparse(node.func)
            if maker not in ("Finding", "Finding.of", "_missing"):
                continue
            level = node.args[1] if maker == "Finding" else ast.Constant("error")
            codes[str(node.args[0].value)] = str(level.value) if isinstance(level, ast.Constant) else "?"
    text = "\n".join(page.read_text(encoding="utf-8") for page in sorted((DOCS / "reference").glob("*.md")))
    told = dict(re.findall(r"^\| `([\w-]+)` \| (error|warning|notice) \|", text, re.M))
    assert told == codes


def test_every_note_of_a_plan_is_explained() -> None:
    """Each kind of note that a plan can have is on the page of its JSON; what a test run is told has no kind there."""
    made = {source: re.findall(r'\bNote\("([\w-]+)"', source.read_text(encoding="utf-8")) for source in SOURCES}
    kinds = {kind for found in made.values() for kind in found} - {"tested-as-built"}
    assert len(kinds) > 10
    text = (DOCS / "reference" / "json.md").read_text(encoding="utf-8")
    assert {kind for kind in kinds if f"`{kind}`" not in text} == set()


def test_every_key_of_the_spec_is_explained() -> None:
    """spec.md has a row for each key that is read."""
    from stackyard.load.spec import read as spec

    text = (DOCS / "reference" / "spec.md").read_text(encoding="utf-8")
    told = {key for row in re.findall(r"^\| (`[^|]+`) \|", text, re.M) for key in _CODE.findall(row)}
    assert {*spec.TOP_KEYS, *spec.IMAGE_KEYS, *spec.TAG_KEYS, *spec.COMMAND_KEYS} <= told


def test_every_variable_is_explained() -> None:
    """environment.md names each variable that the sources ask for."""
    text = (DOCS / "reference" / "environment.md").read_text(encoding="utf-8")
    asked = {name for source in SOURCES for name in _ENVIRONMENT.findall(source.read_text(encoding="utf-8"))}
    assert "STACKYARD_REGISTRY" in asked
    assert {name for name in asked if f"`{name}`" not in text} == set()


def test_every_error_is_explained() -> None:
    """exit-codes.md has each error of the tree with its exit code."""
    text = (DOCS / "reference" / "exit-codes.md").read_text(encoding="utf-8")
    told = {name: int(code) for name, code in re.findall(r"^\| `(\w+)` \| (\d) \|", text, re.M)}
    real = {
        name: kind.exit_code
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.StackyardError) and kind is not errors.StackyardError
    }
    assert told == real


def test_folders_are_told_in_how_a_run_works() -> None:
    """Each folder of the package has a row."""
    text = (DOCS / "explanation" / "how-a-run-works.md").read_text(encoding="utf-8")
    folders = {
        path.parent.name for path in SOURCES if path.name == "__init__.py" and path.parent.parent.name == "stackyard"
    }
    assert folders == set(re.findall(r"^\| `(\w+)` \|", text, re.M))


# Form.


@each_of("page", PAGES, ids=named)
def test_pages_are_plain(page: Path) -> None:
    """One sentence a line in prose, and nothing that is still to be done."""
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"\b(TODO|FIXME|TBD|XXX)\b", text)
    assert text.startswith(("# ", "<!-- "))
    for line in prose(text).splitlines():
        if not line.startswith(("|", "- ", "#")) and not re.match(r"\d+\. ", line):
            plain = _CODE.sub("x", _LINK.sub("x", line))
            assert not re.search(r"[a-z)][.!?] [A-Z`]", plain), f"two sentences on a line: {line}"
