# SPDX-License-Identifier: MIT
"""Commands that only look: help, status, plans and lists, in terminals and pipes; completion; colours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from stackyard import __version__
from stackyard.cli import GROUPS, stackyard
from stackyard.cli.session import COMPLETION, Session
from stackyard.report.text import PLAIN, Style, seen, table
from tests.cases import each_of
from tests.unit.cli.conftest import Shell, Terminal

VERBS = [name for names in GROUPS.values() for name in names]
LOOKING = (["status"], ["plan"], ["plan", "--explain"], ["ls"], ["check"], ["history"])


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_an_example_that_is_a_command_line(bare_shell: Shell, verb: str) -> None:
    """Every command explains itself without a stack; its examples parse."""
    said = bare_shell(verb, "--help")
    examples = re.findall(r"^    .*?stackyard (.*)$", said.out, re.M)
    command = stackyard.get_command(click.Context(stackyard), verb)

    assert (said.code, said.err) == (0, "")
    assert f"Usage: stackyard {verb}" in said.out
    assert examples
    assert command is not None
    for option in ("-C DIR", "--debug", "-h, --help"):
        assert option in said.out
    for example in examples:
        words = [word for word in re.split(r" [|>] |\)", example)[0].split() if word != verb]
        if words[:1] != ["-C"]:
            command.make_context(verb, words, resilient_parsing=True)


def test_help_shows_the_verbs_in_groups(bare_shell: Shell) -> None:
    """Each verb once, under its group, in columns that line up; `help` does what `--help` does."""
    said = bare_shell("--help")
    heads = re.findall(r"^([A-Z][a-z ]+):$", said.out, re.M)
    rows = re.findall(r"^  ([a-z]+) +(\S.*)$", said.out, re.M)

    assert [head for head in heads if head in GROUPS] == list(GROUPS)
    assert [verb for verb, _ in rows if verb in VERBS] == VERBS
    assert "Exit codes: 0 done, 1 something failed, 2 usage or configuration, 130 interrupted." in said.out
    assert bare_shell("help").out == said.out
    assert bare_shell("help", "plan").out == bare_shell("plan", "-h").out


def test_version(bare_shell: Shell) -> None:
    """One line, needing no stack."""
    assert bare_shell("--version") == bare_shell("-V") == (0, f"stackyard {__version__}\n", "")


def test_a_bare_command_is_the_status(shell: Shell) -> None:
    """What is stable, the last run, what would build, and three commands to go on with."""
    said = shell()

    assert said == shell("status")
    assert "Channels:     none yet" in said.out
    assert "Last run:     none yet" in said.out
    assert "Would build:  base and leaf" in said.out
    assert len(re.findall(r"^  stackyard ", said.out, re.M)) == 3


@pytest.mark.parametrize("words", [[], *LOOKING], ids=" ".join)
def test_json_on_either_side_of_the_verb(shell: Shell, words: list[str]) -> None:
    """One object with its format, nothing else, the same wherever the flag stands."""
    shell("plan")  # the first in a clone asks what others built, and says so
    after = shell(*words, "--json")

    assert after.json
    assert after.err == ""
    assert shell("--json", *words) == after


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
def test_a_folder_on_either_side_of_the_verb(shell: Shell, words: list[str], tmp_path: Path) -> None:
    """-C before and after the verb means the same; the last one counts."""
    shell("plan")  # the first in a clone asks what others built, and says so
    here = shell(*words)

    assert shell("-C", str(shell.root), *words, at=tmp_path) == here
    assert shell(*words, "-C", str(shell.root), at=tmp_path) == here
    assert shell("-C", "/nowhere", *words, "-C", str(shell.root / "images/leaf"), at=tmp_path) == here


# Terminals.


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize("words", [[], ["plan"], ["ls"], ["history"]], ids=" ".join)
def test_nothing_is_wider_than_the_terminal(shell: Shell, words: list[str], columns: int) -> None:
    """Tables give way: columns go, then rows become paragraphs."""
    shell("build")
    said = shell.in_terminal(*words, columns=columns)

    assert said.code == 0
    assert max(seen(line) for line in said.out.splitlines()) <= columns


def test_a_row_without_room_becomes_a_paragraph() -> None:
    """First the columns that can be spared go; then every cell gets a line, wrapped between words."""
    rows = [("base-notebook", "build", "2026.3-main", "the base that it builds on was moved to another digest")]
    heads = ("image", "step", "tags", "why")

    assert "tags" in table(rows, heads, PLAIN, 80, spare=["tags"])
    assert table(rows, heads, PLAIN, 56, spare=["tags"]).splitlines() == [
        "image          step   why",
        "base-notebook  build  the base that it builds on was mo…",
    ]
    assert table(rows, heads, PLAIN, 34, spare=["tags"]).splitlines() == [
        "base-notebook  build",
        "  why  the base that it builds on",
        "       was moved to another digest",
    ]


def test_a_pipe_gets_every_word(shell: Shell) -> None:
    """Nothing is cut and nothing is coloured where no terminal is."""
    shell("build")
    said = shell("plan")

    assert "…" not in said.out
    assert "\x1b" not in said.out


@each_of(
    ("environ", "is_terminal", "is_coloured"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({}, True, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0", "TERM": "xterm"}, True, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_colours(environ: dict[str, str], is_terminal: bool, is_coloured: bool) -> None:
    """For terminals that can; NO_COLOR always wins, FORCE_COLOR over the terminal."""
    stream = Terminal()
    if not is_terminal:
        stream.isatty = lambda: False  # type: ignore[method-assign]

    assert Session(environ).style(stream).is_coloured is is_coloured


def test_seen_counts_what_is_seen() -> None:
    """Colours take no room."""
    assert seen(Style(True)("word", "bold", "red")) == 4


# Completion.


def completed(shell: Shell) -> list[str]:
    """What is offered for what COMP_WORDS and COMP_CWORD say was typed."""
    shell.environ[COMPLETION] = "bash_complete"
    return [line.partition(",")[2] for line in shell().out.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["pl"], ["plan"]),
        (["plan", ""], ["base", "leaf"]),
        (["plan", "le"], ["leaf"]),
        (["build", "base", ""], ["leaf"]),
        (["build", "--rebuild", ""], ["base", "leaf", "all"]),
        (["build", "--progress", ""], ["auto", "live", "plain", "json"]),
        (["promote", "x", "--image", "b"], ["base"]),
        (["rollback", ""], ["stable"]),
        (["promote", "main", "--to", "s"], ["stable"]),
        (["-C", "/nowhere", "plan", ""], []),
        (["completion", ""], ["bash", "zsh", "fish"]),
    ],
    ids=lambda value: " ".join(value) if value and isinstance(value, list) else "nothing",
)
def test_completion(shell: Shell, monkeypatch: pytest.MonkeyPatch, words: list[str], offered: list[str]) -> None:
    """Verbs, images, channels; nothing, and no noise, where there is no stack."""
    if "stable" in offered:
        shell("build", "--push")
        shell("promote", "main", "--to", "stable", "--yes")
    monkeypatch.setenv("COMP_WORDS", " ".join(["stackyard", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))

    assert completed(shell) == offered


def test_completion_reads_the_list_of_images_and_no_more(bare_shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions and groups are offered, in a blink: no build context is read, and no repository is needed."""
    (bare_shell.root / "images/lab").mkdir(parents=True)
    spec = "images:\n  lab: {versions: {'3.12': }}\ngroups: {lean: [lab]}\n"
    (bare_shell.root / "images/spec.yml").write_text(spec)
    monkeypatch.setenv("COMP_WORDS", "stackyard plan l")
    monkeypatch.setenv("COMP_CWORD", "2")

    assert completed(bare_shell) == ["lab", "lab/3.12", "lean"]
    monkeypatch.setenv("COMP_WORDS", "stackyard new x --from l")
    monkeypatch.setenv("COMP_CWORD", "4")
    assert completed(bare_shell) == ["lab"], "an image is built on an image, not on a group"


@pytest.mark.processes
def test_bash_takes_its_script(bare_shell: Shell) -> None:
    """It needs no particular version of bash, and no bash to be printed."""
    bare_shell.environ["PATH"] = "/nowhere"
    script = bare_shell("completion", "bash").out
    done = subprocess.run(
        ["bash", "-c", f"{script}\ncomplete -p stackyard"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "-F _stackyard_completion" in done.stdout


@pytest.mark.parametrize(("shell_name", "sign"), [("zsh", "#compdef stackyard"), ("fish", "complete --no-files")])
def test_other_shells_have_a_script(bare_shell: Shell, shell_name: str, sign: str) -> None:
    """Both ask through the same variable."""
    said = bare_shell("completion", shell_name)

    assert sign in said.out
    assert COMPLETION in said.out
    assert 'split ","' not in said.out, "a description may have commas"


# The process itself.


def process(*words: str, **streams: object) -> subprocess.CompletedProcess[str]:
    """A real process, for what only a process has."""
    return subprocess.run(
        [sys.executable, "-m", "stackyard", *words],
        text=True,
        check=False,
        **{"capture_output": not streams, **streams},  # type: ignore[call-overload]
    )


@pytest.mark.processes
def test_a_full_disk_is_an_error(shell: Shell) -> None:
    """What cannot be written is no success; nothing but one sentence is said."""
    with open("/dev/full", "w") as full:
        done = process("plan", "-C", str(shell.root), stdout=full, stderr=subprocess.PIPE)

    assert done.returncode == 1
    assert done.stderr == "error: standard output: No space left on device\n"


@pytest.mark.processes
@pytest.mark.parametrize("words", [["plan"], ["--help"], ["--version"]], ids=" ".join)
def test_a_closed_pipe_is_no_error(shell: Shell, words: list[str]) -> None:
    """`| head -1` has read enough: exit 0, silence."""
    end = subprocess.Popen(
        [sys.executable, "-m", "stackyard", *words], cwd=shell.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert end.stdout is not None
    assert end.stderr is not None
    end.stdout.close()
    told = end.stderr.read()
    end.stderr.close()

    assert (end.wait(), told) == (0, b"")


@pytest.mark.processes
def test_a_locale_without_the_signs(shell: Shell) -> None:
    """ASCII output loses typography, never the command."""
    done = subprocess.run(
        [sys.executable, "-m", "stackyard", "ls", "--json"],
        cwd=shell.root,
        capture_output=True,
        check=False,
        env={**source(), "PYTHONIOENCODING": "ascii"},
    )

    assert json.loads(done.stdout)["format"] == 1


def source() -> dict[str, str]:
    """An environment in which Python finds the package also without site-packages."""
    return {**os.environ, "PYTHONPATH": str(Path(sys.modules["stackyard"].__file__ or "").parents[1])}
