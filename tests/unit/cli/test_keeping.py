# SPDX-License-Identifier: MIT
"""Files that a person asks for: written whole, also of runs that fail or do nothing; refused before anything runs."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from stackyard.edges.engine import BuildRequest
from stackyard.model.names import TargetName
from stackyard.model.record import Tagged
from stackyard.record.sqlite import SqliteRecords
from tests.repositories import commit
from tests.unit.cli.conftest import Shell


@pytest.mark.processes
def test_a_run_that_failed_is_in_all_three(shell: Shell, tmp_path: Path) -> None:
    """The build's error in the JUnit file, its slice in the trace, its result and log among the artifacts."""
    shell.engine.failing["registry.example/lab/leaf"] = "no space left"
    where = tmp_path / "kept"
    said = shell(
        "build", "--junit", str(tmp_path / "t.xml"), "--trace", str(tmp_path / "t.json"), "--artifacts", str(where)
    )
    junit = ElementTree.parse(tmp_path / "t.xml").getroot()
    trace = json.loads((tmp_path / "t.json").read_text())
    result = yaml.safe_load((where / "artifacts" / "registry.example-lab-leaf-main.yaml").read_text())

    assert said.code == 1
    assert (junit.get("tests"), junit.get("errors")) == ("2", "1")
    assert {"base: build", "leaf: build"} <= {event["name"] for event in trace["traceEvents"]}
    assert result["success"] is False
    assert (where / "logs" / "registry.example-lab-leaf-main.build.log").read_text() == "no space left\n" * 2
    assert "leaf: build failed" in (where / "logs" / "run.log").read_text()
    assert "Run 1: 1 built and 1 failed" in (where / "logs" / "run.log").read_text()
    assert (where / "manifests").is_dir()


@pytest.mark.processes
def test_a_run_that_has_nothing_to_do_writes_them_too(shell: Shell, tmp_path: Path) -> None:
    """CI's next step finds its file; nothing of an earlier run is in it."""
    shell("build")
    said = shell("build", "--junit", "t.xml", "--trace", "t.json", "--artifacts", "kept")

    assert said.code == 0
    assert ElementTree.parse(shell.root / "t.xml").getroot().get("tests") == "0"
    assert [e["ph"] for e in json.loads((shell.root / "t.json").read_text())["traceEvents"]] == ["M"]
    assert (shell.root / "kept" / "artifacts" / "IMAGES_BUILT").read_text() == ""


@pytest.mark.processes
def test_a_run_that_was_interrupted_writes_them_too(shell: Shell, tmp_path: Path) -> None:
    """What was built by then, and no more: the signal comes when the records know that base is done."""
    signals = [signal.SIGTERM]
    names = {"registry.example/lab/leaf"}

    def is_done(name: TargetName) -> bool:
        records = SqliteRecords(shell.root / ".stackyard/records.sqlite3")
        try:
            known = records.known().records.get(name, ())
        finally:
            records.close()
        return any(isinstance(fact, Tagged) for record in known for fact in record.facts)

    def interrupt(request: BuildRequest) -> None:
        if str(request.tag.repository) in names and signals:
            ends = time.monotonic() + 60
            while not is_done(TargetName("base")) and time.monotonic() < ends:
                time.sleep(0.01)
            os.kill(os.getpid(), signals.pop())

    shell.engine.before_build = interrupt
    said = shell("build", "--junit", str(tmp_path / "t.xml"), "--artifacts", str(tmp_path))
    suites = [suite.get("name") for suite in ElementTree.parse(tmp_path / "t.xml").getroot()]

    assert said.code == 130
    assert "base: build" in suites
    assert "Interrupted. Run 1:" in (tmp_path / "logs" / "run.log").read_text()


def test_a_policy_that_skips_writes_them_too(shell: Shell, tmp_path: Path) -> None:
    """Words in a commit's message that do nothing leave files that say so."""
    spec = shell.root / "images" / "spec.yml"
    spec.write_text(spec.read_text() + "words: {skip: [skip ci]}\n")
    commit(shell.root, "skip ci")
    shell.environ |= {"GITHUB_ACTIONS": "true", "GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch"}
    said = shell("build", "--junit", str(tmp_path / "t.xml"))

    assert said.code == 0
    assert "note: " in said.out
    assert ElementTree.parse(tmp_path / "t.xml").getroot().get("tests") == "0"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--junit no/t.xml", "--junit no/t.xml cannot be written: there is no folder no"),
        ("--trace images", "--trace images cannot be written: it is a folder"),
        ("--artifacts images/spec.yml", "images/spec.yml/artifacts: Not a directory"),
    ],
)
def test_a_place_that_cannot_be_is_told_first(shell: Shell, words: str, sentence: str) -> None:
    """Nothing is built for an hour and then lost."""
    said = shell("build", *words.split())

    assert said.code in (1, 2)
    assert sentence in said.err
    assert not [call for call in shell.engine.calls if call[0] == "build"]
