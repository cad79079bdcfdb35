# SPDX-License-Identifier: MIT
"""`stackyard doctor`: what is printed, and how it ends."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback import Handler, Loopback, served
from tests.unit.cli.conftest import TINY, Shell

pytestmark = pytest.mark.processes


class Asking(Handler):
    """A registry that wants to know who asks."""

    def answer(self) -> None:
        is_known = self.headers.get("Authorization") == "Basic bGFiOnNlY3JldA=="
        self.send(200 if is_known else 401, {"WWW-Authenticate": 'Basic realm="here"'})


@pytest.fixture
def asking() -> Iterator[str]:
    """Its address."""
    with served(Loopback(Asking)) as server:
        yield server.host


@pytest.fixture
def lonely(shell: Shell, tmp_path: Path) -> Shell:
    """A shell on a machine that has git and nothing else."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git") or "git")
    shell.environ |= {"PATH": str(programs), "DOCKER_HOST": "unix:///nowhere.sock"}
    return shell


def test_a_machine_without_an_engine(lonely: Shell, asking: str) -> None:
    """The table says what is missing, each thing that is off why; exit code 1, because nothing can be built."""
    lonely.environ["STACKYARD_REGISTRY"] = asking
    said = lonely("doctor")

    assert said.code == 1
    assert said.err == ""
    assert "no engine answers at unix:///nowhere.sock" in said.out
    assert said.out.endswith("No image can be built here.\n")
    assert "on   Plans are made" in said.out


def test_logins_are_tried(lonely: Shell, asking: str) -> None:
    """Without one images cannot be published there; with the right one they can; a wrong one is told as such."""
    lonely.environ["STACKYARD_REGISTRY"] = asking
    config = Path(lonely.environ["HOME"]) / ".docker" / "config.json"
    config.parent.mkdir()

    def state() -> str:
        found = lonely("doctor", "--json").json["found"]["registries"][0]
        assert found["host"] == asking
        assert found["is_published_to"]
        return str(found["state"])

    assert state() == "no login"
    config.write_text(json.dumps({"auths": {asking: {"auth": "bGFiOnNlY3JldA=="}}}))
    assert state() == "login"
    config.write_text(json.dumps({"auths": {asking: {"auth": "bGFiOndyb25n"}}}))
    assert state() == "refused"
    assert "secret" not in lonely("doctor").out


def test_outside_of_a_stack_it_looks_at_the_machine(lonely: Shell, tmp_path: Path) -> None:
    """And a stack that cannot be read is told, and hides nothing else."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert lonely("doctor", "--json", at=elsewhere).json["found"]["stack"] == ""
    (lonely.root / "images" / "spec.yml").write_text("images: [\n")
    found = lonely("doctor", "--json").json["found"]
    assert "images/spec.yml" in found["stack_problem"]
    assert found["git"]


def test_an_engine_that_is_none(lonely: Shell) -> None:
    """A name in the environment that no engine has is refused before anything is looked at."""
    lonely.environ["STACKYARD_ENGINE"] = "dokcer"
    said = lonely("doctor")
    assert said.code == 2
    assert "STACKYARD_ENGINE names no engine: 'dokcer'" in said.err
    assert "buildah is not installed" in lonely("doctor", "--engine", "buildah").out


def test_who_is_kept_from_moving_tags(shell: Shell) -> None:
    """Where nothing moved yet that is not known; then it is as it was the last time; `records: local` keeps nobody."""

    def told() -> tuple[bool, str]:
        found = shell("doctor", "--json").json["capabilities"]
        return next((each["on"], each["sentence"]) for each in found if each["code"] == "exclusion")

    home = "registry.example/lab/base"
    assert told() == (True, f"One machine at a time moves tags, by what stands in {home}; {SHOWS_LATER}")
    assert shell("build", "--push").code == 0
    assert told() == (True, f"One machine at a time moves tags, by what stands in {home}; {AT_ONCE}")
    (shell.root / "images/spec.yml").write_text(TINY["images/spec.yml"] + "records: local\n")
    is_on, sentence = told()
    assert not is_on
    assert "other machines are not kept from it" in sentence


SHOWS_LATER = "how exactly shows when tags are moved"
AT_ONCE = "exactly: its list of tags had ours at once"
