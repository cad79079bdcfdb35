# SPDX-License-Identifier: MIT
"""What cannot be understood, and what the world refuses: a sentence with its place, a hint, the exit code.

Exit code 2: what we were given is wrong. 1: we understood, and the world said no. Never a traceback.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pytest

from stackyard.edges.oci import OciRegistry
from stackyard.errors import StackyardError
from stackyard.verbs import Yard
from tests.loopback import Handler, Loopback, served
from tests.repositories import git
from tests.unit.cli.conftest import Said, Shell

DOCKERFILE = {"images/a/Dockerfile": "FROM busybox:1.36\n"}


class Case(NamedTuple):
    """A stack or a command line that is wrong."""

    why: str
    sentence: str
    """A pattern for all of the first line of stderr after `error: `."""
    hint: str = ""
    """Text that the hint has; empty: anything, or none."""
    files: Mapping[str, str] = DOCKERFILE
    words: str = "plan"
    code: int = 2


FILES = [
    Case("no images folder", r"no images/ folder in /.* or above it", "images/NAME/Dockerfile", {"README": ""}),
    Case(
        "images is a file", r".*/images is a file, not a folder of images", "one sub-folder per image", {"images": ""}
    ),
    Case("images is empty of images", r"images: there is no image", "Dockerfile", {"images/a/README": ""}),
    Case(
        "an image folder without Dockerfile",
        r"images/spec.yml:2:3: folder images/a has no Dockerfile",
        "make images/a/Dockerfile, or take the entry out",
        {"images/spec.yml": "images:\n  a:\n", "images/a/README": ""},
    ),
    Case(
        "an entry without folder",
        r"images/spec.yml:3:3: image 'b' has no folder images/b",
        "take the entry out",
        {**DOCKERFILE, "images/spec.yml": "images:\n  a:\n  b:\n"},
    ),
    Case(
        "not YAML",
        r"images/spec.yml:3:1: not valid YAML: did not find expected node content",
        "",
        {**DOCKERFILE, "images/spec.yml": "images:\n  a: [\n"},
    ),
    Case(
        "a tab in YAML",
        r"images/spec.yml:2:1: not valid YAML: .*",
        "not tabs",
        {**DOCKERFILE, "images/spec.yml": "images:\n\ta:\n"},
    ),
    Case(
        "a number for an image",
        r"images/spec.yml:2(:6)?: image 'a' should be a mapping \(name: value\), not '3'",
        "",
        {**DOCKERFILE, "images/spec.yml": "images:\n  a: 3\n"},
    ),
    Case(
        "a list of images",
        r"images/spec.yml:1(:9)?: `images` should be a mapping .*",
        "",
        {**DOCKERFILE, "images/spec.yml": "images: [a]\n"},
    ),
    Case(
        "neither true nor false",
        r"images/spec.yml:3(:24)?: `integration_tests` of image 'a' should be true or false, not 'maybe'",
        "",
        {**DOCKERFILE, "images/spec.yml": "images:\n  a:\n    integration_tests: maybe\n"},
    ),
    Case(
        "an empty spec",
        r"images/spec.yml:1:1: there is no `images:`",
        "list each image folder",
        {**DOCKERFILE, "images/spec.yml": ""},
    ),
    Case(
        "a merge left half done in the spec",
        r"images/spec.yml:1\b.*conflict marker.*",
        "",
        {**DOCKERFILE, "images/spec.yml": "<<<<<<< HEAD\nimages:\n=======\n>>>>>>> theirs\n"},
    ),
    Case(
        "a merge left half done in a Dockerfile",
        r"images/a/Dockerfile:1:1: a conflict marker of git stands here: <<<<<<<",
        "keep one side",
        {"images/a/Dockerfile": "<<<<<<< HEAD\nFROM a\n=======\nFROM b\n>>>>>>> theirs\n"},
    ),
    Case(
        "broken JSON",
        r"images/change_ignore.json:2:1: not valid JSON: .*",
        "",
        {**DOCKERFILE, "images/change_ignore.json": "{\n"},
    ),
    Case(
        "an empty variable for an image",
        r"images/a/Dockerfile:2:6: 'busybox:\$\{TAG\}' names the image 'busybox:', which is not a valid ref.*: TAG .*",
        "give TAG a default",
        {"images/a/Dockerfile": "ARG TAG\nFROM busybox:${TAG}\n"},
    ),
    Case("no FROM", r"images/a/Dockerfile:1:1: has no FROM", "begins with FROM", {"images/a/Dockerfile": "\n"}),
    Case("a NUL byte", r"images/a/Dockerfile:1:7: has a NUL byte", "text file", {"images/a/Dockerfile": "FROM a\0b\n"}),
    Case(
        "a ring",
        r".*images build on each other in a ring: a -> b -> a",
        "one of them has to build on something else",
        {"images/a/Dockerfile": "FROM b\n", "images/b/Dockerfile": "FROM a\n"},
    ),
    Case(
        "missing integration tests",
        r"images/spec.yml:3:24: image 'a' asks for integration tests, and there is no folder .*",
        "",
        {**DOCKERFILE, "images/spec.yml": "images:\n  a:\n    integration_tests: true\n"},
    ),
]

WORDS = [
    Case("an image nobody defined", r"no image is named 'aa'", "did you mean 'a'?", words="plan aa"),
    Case("an image nobody defined, to build", r"no image is named 'aa'", "did you mean 'a'?", words="build aa"),
    Case("an image nobody defined, to rebuild", r"no image is named 'x'", "the stack has: a", words="plan --rebuild x"),
    Case("an image nobody defined, in history", r"no image is named 'x'", "the stack has: a", words="history x"),
    Case("no such command", r"there is no command 'plna'", "did you mean `stackyard plan`?", words="plna"),
    Case("nothing like a command", r"there is no command 'xyzzy'", "the commands are: status, plan,", words="xyzzy"),
    Case("no such option", r"there is no option '--explian' of `stackyard plan`", "--explain?", words="plan --explian"),
    Case("no such option before the verb", r"there is no option '--quiet' of `stackyard`", "--help", words="--quiet"),
    Case("an option without its value", r"option '--to' requires an argument", "--help", words="promote x --to"),
    Case("a missing argument", r"missing argument 'CHANNEL'", "stackyard rollback stable", words="rollback"),
    Case("a missing option", r"missing option '--to'", "for example: stackyard promote", words="promote x"),
    Case("an argument too many", r"got unexpected extra argument \(b\)", "--help", words="rollback a b"),
    Case("a number out of range", r"--jobs: '0' is not a number from 1 to 64", "by kind", words="build --jobs 0"),
    Case("a kind of job", r"--jobs: 'tset=2' is not a kind .*", "'test'?", words="build --jobs tset=2"),
    Case("an unknown choice", r"invalid value for '--progress': 'x' is not one of .*", "", words="build --progress x"),
    Case("a shell without completion", r"invalid value for .*: 'tcsh' is not one of .*", "", words="completion tcsh"),
    Case("a folder that is not there", r"there is no folder /nowhere", "-C DIR", words="-C /nowhere plan"),
    Case(
        "a folder that is a file",
        r"invalid value for '-C': .*/etc/passwd.* is a file",
        "--help",
        words="plan -C /etc/passwd",
    ),
    Case("nowhere to push to", r"there is no registry to push to", "`registry: ghcr.io/OWNER`", words="build --push"),
    Case("nowhere to push to, for push", r"there is no registry to push to", "STACKYARD_REGISTRY", words="push"),
    Case("a tag nobody knows", r"nothing to promote: .* 'x', .*", "history", words="promote x --to stable", code=1),
    Case("nothing to roll back", r"nothing to roll back: .* 'stable'", "history", words="rollback stable", code=1),
]


def instead(shell: Shell, files: Mapping[str, str]) -> None:
    """Put these files where the stack was."""
    shutil.rmtree(shell.root / "images")
    for path, text in files.items():
        (shell.root / path).parent.mkdir(parents=True, exist_ok=True)
        (shell.root / path).write_text(text)


def sentence_and_hint(said: Said) -> tuple[str, str]:
    """The two parts of a complaint; anything more is a failure."""
    lines = said.err.splitlines()
    assert lines[0].startswith("error: "), said.err
    assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("  hint: ")), said.err
    return lines[0].removeprefix("error: "), lines[1].removeprefix("  hint: ") if len(lines) > 1 else ""


@pytest.mark.parametrize("case", [*FILES, *WORDS], ids=lambda case: case.why)
def test_bad_input(shell: Shell, case: Case) -> None:
    """One sentence, its hint, its exit code; nothing on stdout; the same as one object with --json."""
    instead(shell, case.files)
    said, asked = shell(*case.words.split()), shell(*case.words.split(), "--json")
    sentence, hint = sentence_and_hint(said)

    assert said.code == case.code
    assert said.out == ""
    assert re.fullmatch(case.sentence, sentence), sentence
    assert case.hint in hint, hint
    if "requires an argument" not in sentence and not case.words.startswith("completion"):
        error = asked.json["error"]
        assert asked.code == case.code
        assert (error["sentence"], error["hint"] or "", error["exit_code"]) == (sentence, hint, case.code)


@pytest.mark.parametrize("case", [FILES[0], FILES[5], WORDS[0], WORDS[4], WORDS[6]], ids=lambda case: case.why)
def test_debug_shows_the_traceback(shell: Shell, case: Case) -> None:
    """On either side of the verb; the sentence and the exit code stay."""
    instead(shell, case.files)
    for words in (["--debug", *case.words.split()], [*case.words.split(), "--debug"]):
        said = shell(*words)

        assert said.code == case.code
        assert said.err.startswith("Traceback (most recent call last)")
        assert re.search(f"^error: {case.sentence}$", said.err, re.M)


def test_check_lists_everything_at_once(shell: Shell) -> None:
    """Other commands tell the first error and how many there are; `check` tells all, and ends with 1."""
    (shell.root / "images/base/Dockerfile").write_text("RUN x\n")
    (shell.root / "images/leaf/Dockerfile").unlink()
    said, plan = shell("check"), shell("plan")

    assert said.code == 1
    assert said.out.splitlines()[-1] == "2 errors, 0 warnings."
    assert "(and 1 more: `stackyard check` lists them)" in plan.err
    assert len(shell("plan", "--json").json["error"]["findings"]) >= 2


def test_a_defect_of_ours_says_so(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no error of ours and none of the system's is a defect, and tells what to do."""
    monkeypatch.setattr(Yard, "root", property(lambda _: 1 / 0))
    monkeypatch.setattr("stackyard.verbs.check", lambda yard: yard.root)
    said = shell("check")

    assert said.code == 1
    assert sentence_and_hint(said)[0] == "ZeroDivisionError: division by zero"
    assert "--debug" in said.err


# git.


@pytest.mark.processes
def test_no_git_program(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """git is named, and why it is needed."""
    monkeypatch.setenv("PATH", "/nowhere")
    said = shell("plan")

    assert said.code == 1
    assert sentence_and_hint(said) == ("git is not installed", "install git: tags are made of commits")


def test_no_repository(bare_shell: Shell) -> None:
    """The folder is named; the hint is a command line."""
    (bare_shell.root / "images/a").mkdir(parents=True)
    (bare_shell.root / "images/a/Dockerfile").write_text("FROM scratch\n")
    sentence, hint = sentence_and_hint(said := bare_shell("plan"))

    assert said.code == 2
    assert sentence == f"{bare_shell.root} is not in a git repository"
    assert "git init" in hint
    assert [bare_shell(verb).code for verb in ("graph", "ls", "check")] == [0, 0, 0]  # these need no tags


@pytest.mark.processes
def test_no_commit(bare_shell: Shell) -> None:
    """As without a repository."""
    (bare_shell.root / "images/a").mkdir(parents=True)
    (bare_shell.root / "images/a/Dockerfile").write_text("FROM scratch\n")
    git(bare_shell.root, "init", "-q")
    sentence, hint = sentence_and_hint(said := bare_shell("plan"))

    assert said.code == 2
    assert sentence.endswith("has no commit yet")
    assert "git commit" in hint


@pytest.mark.processes
def test_a_detached_head_is_fine(shell: Shell) -> None:
    """No branch, no moving tags; CI's word for the branch is taken."""
    git(shell.root, "checkout", "-q", "--detach")
    said = shell("plan")
    shell.environ |= {"GITHUB_ACTIONS": "true", "GITHUB_REF_NAME": "main"}

    assert said.code == 0
    assert "on no branch" in said.out
    assert "on branch main" in shell("plan").out


# The engine.


@pytest.fixture
def real(shell: Shell) -> Shell:
    """A shell that has the real doors, to places where nothing is."""
    shell.has_fakes = False
    shell.environ["DOCKER_CONFIG"] = str(shell.root / "nothing")
    return shell


@pytest.mark.parametrize(
    ("address", "sentence", "hint"),
    [
        ("unix:///nowhere.sock", "no engine answers at unix:///nowhere.sock: no such file or directory", "docker"),
        ("tcp://127.0.0.1:1", "no engine answers at tcp://127.0.0.1:1: connection refused", "address right"),
        ("nonsense", "'nonsense' is no address of an engine that Stackyard can reach", "unix://, tcp:// or ssh://"),
    ],
)
@pytest.mark.parametrize("words", ["build", "build --push", "push"])
def test_no_engine(real: Shell, words: str, address: str, sentence: str, hint: str) -> None:
    """The address is named, nothing is begun, no run is counted."""
    real.environ["DOCKER_HOST"] = address
    said = real(*words.split())

    assert said.code == 1
    assert said.out == ""
    assert sentence_and_hint(said)[0] == sentence
    assert hint in sentence_and_hint(said)[1]
    assert real("history").out.startswith("Nothing yet")


def test_offline_commands_need_no_engine(real: Shell) -> None:
    """What only looks at files, git and records works without one, and without its registry."""
    real.environ["DOCKER_HOST"] = "unix:///nowhere.sock"
    spec = real.root / "images/spec.yml"
    spec.write_text(spec.read_text().replace("registry.example", "127.0.0.1:1"))

    assert [real(*words.split()).code for words in ("status", "plan", "check", "ls", "history")] == [0] * 5


# Registries, on loopback.


class Refusing(Handler):
    """A registry that says so to everything."""

    status = 403

    def answer(self) -> None:
        """One answer."""
        body = b'{"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}'
        self.send(self.status, body=body)


class Asking(Refusing):
    """A registry that wants a login."""

    status = 401


@pytest.fixture
def refusing(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the registry is that a test asked for."""
    with served(Loopback(request.param)) as server:
        yield server.host


@pytest.mark.parametrize(("refusing", "words"), [(Refusing, "403"), (Asking, "401")], indirect=["refusing"])
def test_a_registry_that_refuses(shell: Shell, refusing: str, words: str) -> None:
    """A promotion names the registry and what it said; nothing is moved."""
    shell.environ["STACKYARD_REGISTRY"] = refusing
    assert shell("build", "--push").code == 0
    shell.registry = OciRegistry({"HOME": str(shell.root)})  # type: ignore[assignment]
    said = shell("promote", "main", "--to", "stable", "--yes")
    sentence, hint = sentence_and_hint(said)

    assert said.code == 1
    assert refusing in sentence
    assert words in sentence
    assert hint


@pytest.mark.parametrize("text", ["https://registry.example/lab", "ghcr.io/Acme", "registry.example/lab:1"])
def test_a_registry_of_no_form(shell: Shell, text: str) -> None:
    """What was given is named as it was given, with what it should look like."""
    shell.environ["STACKYARD_REGISTRY"] = text
    said = shell("plan")

    assert said.code == 2
    assert sentence_and_hint(said) == (
        f"images cannot be published below {text!r}",
        "a host, and a path if it has one, in lower case and without https://: ghcr.io/acme, localhost:5000",
    )


def test_a_registry_that_is_not_there(shell: Shell) -> None:
    """The address is named, and that nobody is there."""
    with socket.socket() as held:  # bound, and nobody listens: connections are refused
        held.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{held.getsockname()[1]}"
        shell.environ["STACKYARD_REGISTRY"] = address
        assert shell("build", "--push").code == 0
        shell.registry = OciRegistry({"HOME": str(shell.root)})  # type: ignore[assignment]
        said = shell("promote", "main", "--to", "stable", "--yes")

    assert said.code == 1
    assert address in sentence_and_hint(said)[0]
    assert sentence_and_hint(said)[1]


# The state folder.


def test_a_state_folder_that_is_a_file(shell: Shell) -> None:
    """Looking works; building says which path is in the way."""
    (shell.root / ".stackyard").write_text("")
    said = shell("build")

    assert shell("plan").code == 0
    assert said.code == 1
    assert ".stackyard" in sentence_and_hint(said)[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable for root")
def test_a_state_folder_that_cannot_be_written(shell: Shell) -> None:
    """As above, for a person who may not."""
    (shell.root / ".stackyard").mkdir(mode=0o500)
    said = shell("build")

    assert said.code == 1
    assert ".stackyard" in sentence_and_hint(said)[0]


@pytest.mark.parametrize("words", ["", "plan", "build", "history", "promote x --to y", "rollback y"])
def test_damaged_records(shell: Shell, words: str) -> None:
    """The file is named, and what to do with it."""
    (shell.root / ".stackyard").mkdir()
    (shell.root / ".stackyard/records.sqlite3").write_bytes(b"no database " * 100)
    said = shell(*words.split())
    sentence, hint = sentence_and_hint(said)

    assert said.code == 1
    assert ".stackyard/records.sqlite3" in sentence
    assert "move it away" in hint


def test_a_log_that_cannot_be_written(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk fails the image whose log it was, with the system's own words, and the run ends."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "base.build.log")

    monkeypatch.setattr(shell.engine, "build", full)
    said = shell("build")

    assert said.code == 1
    assert "No space left on device" in said.out
    assert "internal error" not in said.out
    assert "skipped, base failed" in said.out


def test_every_error_class_has_a_kind_in_json(shell: Shell) -> None:
    """Facts that are plain values are in the object, so that programs need not read sentences."""
    shutil.rmtree(shell.root / "images/leaf")
    shell.root.joinpath("images/spec.yml").write_text("images: [\n")
    error = shell("plan", "--json").json["error"]

    assert error["kind"] == "file-problem"
    assert error["facts"] == {
        "path": "images/spec.yml",
        "line": 2,
        "column": 1,
        "problem": "not valid YAML: did not find expected node content",
    }
    assert issubclass(StackyardError, Exception)
