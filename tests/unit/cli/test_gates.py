# SPDX-License-Identifier: MIT
"""`stackyard gate`, and a promotion that waits for it: what is shown, refused, brought and remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard.model.names import Tag
from tests.repositories import commit
from tests.unit.cli.conftest import Shell

CHANNELS = "channels: {stable: {reports: {gpu: leaf}, approvals: [teaching]}}\n"
GREEN = '<testsuite><testcase name="a"/></testsuite>'
RED = '<testsuite><testcase name="a"/><testcase name="b"><failure message="no\x7fgpu"/></testcase></testsuite>'


@pytest.fixture
def guarded(shell: Shell) -> Shell:
    """A shell whose stack is published under `main`, with a guarded channel."""
    spec = shell.root / "images/spec.yml"
    spec.write_text(spec.read_text() + CHANNELS)
    commit(shell.root)
    assert shell("build", "--push").code == 0
    return shell


def results(shell: Shell, text: str) -> str:
    """A file that tests left."""
    file = Path(shell.root).with_name("results.xml")
    file.write_text(text)
    return str(file)


def promoted(shell: Shell) -> bool:
    """Whether the channel is at anything."""
    return Tag("stable") in shell.registry.tags("registry.example/lab/leaf")


def test_a_channel_waits_until_everything_is_there(guarded: Shell) -> None:
    """Refused with all that is missing; what is brought is noted about digests; then it moves."""
    refused = guarded("promote", "main", "--to", "stable", "--yes")
    assert refused.code == 1
    assert "report gpu" in refused.out
    assert "missing: nobody reported it" in refused.out
    assert "leaf: report gpu: nobody reported it; stackyard gate report gpu --for main --junit FILE" in refused.err
    assert "base, leaf: approval teaching: nobody approved it; stackyard gate approve teaching" in refused.err
    assert not promoted(guarded)

    reported = guarded(
        "gate", "report", "gpu", "--for", "main", "--junit", results(guarded, GREEN), "--note", "on A100"
    )
    leaf = guarded.registry.tags("registry.example/lab/leaf")[Tag("main")]
    assert reported.code == 0
    assert str(leaf) in reported.out
    assert "base" not in reported.out
    assert "gpu: passed, 1 test, reported" in reported.out
    assert guarded("gate", "approve", "teaching", "--for", "main", "--by", "Ada", "--reason", "labs run").code == 0

    done = guarded("promote", "main", "--to", "stable", "--yes")
    assert done.code == 0
    assert "approved by Ada on" in done.out
    assert "teaching: approved by Ada on" in guarded("show", str(leaf)).out
    assert promoted(guarded)


def test_the_newest_good_run_is_promoted(guarded: Shell) -> None:
    """Until the newest run passed, the one before is it; what nobody brought yet is told where there is none."""
    assert "stable waits for report gpu and approval teaching of the newest run of main" in guarded().out
    none = guarded("promote", "@good", "--to", "stable", "--yes")
    assert none.code == 1
    assert "no run of main has passed all gates of stable" in none.err

    first = guarded.registry.tags("registry.example/lab/leaf")[Tag("main")]
    guarded("gate", "report", "gpu", "--for", "main", "--junit", results(guarded, GREEN))
    guarded("gate", "approve", "teaching", "--for", "main", "--by", "Ada", "--reason", "labs run")
    (guarded.root / "images/leaf/note").write_text("other")
    commit(guarded.root)
    guarded("build", "--push")
    done = guarded("promote", "@good", "--to", "stable", "--yes", "--json").json

    assert (done["source"], done["state"]) == ("@good", "done")
    assert guarded.registry.tags("registry.example/lab/leaf")[Tag("stable")] == first


def test_a_dry_run_shows_the_gates_and_ends_as_the_promotion_would(guarded: Shell) -> None:
    """Exit code 1 and the reasons, in text and as data."""
    said = guarded("promote", "main", "--to", "stable", "--dry-run")
    data = guarded("promote", "main", "--to", "stable", "--dry-run", "--json")

    assert (said.code, data.code) == (1, 1)
    assert "missing: nobody approved it" in said.out
    error = data.json["error"]
    assert (error["kind"], error["facts"]["channel"]) == ("gates-closed", "stable")
    assert [(gate["gate"], gate["answer"], gate["targets"]) for gate in error["facts"]["gates"]] == [
        ("gpu", "missing", ["leaf"]),
        ("teaching", "missing", ["base", "leaf"]),
    ]


def test_a_report_that_is_no_pass_is_noted_and_ends_with_1(guarded: Shell) -> None:
    """It takes an earlier pass back; a terminal's commands in it are written out."""
    guarded("gate", "report", "gpu", "--for", "main", "--junit", results(guarded, GREEN))
    said = guarded("gate", "report", "gpu", "--for", "main", "--junit", results(guarded, RED))
    data = guarded("gate", "report", "gpu", "--for", "main", "--junit", results(guarded, RED), "--json")

    assert (said.code, data.code) == (1, 1)
    assert "b: no\\x7fgpu" in said.out
    assert "gpu: not passed, 2 tests, 1 failed" in said.out
    assert (data.json["good"], data.json["fact"]["failed"]) == (False, 1)
    assert "not passed, 2 tests, 1 failed" in guarded("promote", "main", "--to", "stable", "--dry-run").err


def test_an_override_is_shown_for_ever(guarded: Shell) -> None:
    """In the preview, in the history and in its data, also after a rollback."""
    words = (
        "promote",
        "main",
        "--to",
        "stable",
        "--override",
        "gpu",
        "--override",
        "teaching",
        "--reason",
        "exam week",
    )
    done = guarded(*words, "--yes")

    assert done.code == 0
    assert "overridden (exam week): nobody reported it" in done.out
    (guarded.root / "images/leaf/note").write_text("other")
    commit(guarded.root)
    guarded("build", "--push")
    assert guarded(*words, "--yes").code == guarded("rollback", "stable", "--yes").code == 0
    assert "gpu overridden (exam week)" in guarded("show", "stable").out
    assert guarded("history").out.count("gpu overridden (exam week) and teaching overridden (exam week)") == 2
    newest, *before = guarded("history", "--json").json["channels"]
    assert newest["gates"] == []
    assert [gate["reason"] for each in before for gate in each["gates"]] == ["exam week"] * 4


REFUSED: tuple[tuple[tuple[str, ...], int, str], ...] = (
    (("report", "gpuu", "--for", "main", "--junit", "r.xml"), 2, "did you mean 'gpu'?"),
    (("approve", "gpu", "--for", "main", "--by", "A", "--reason", "r"), 2, "no channel asks for an approval 'gpu'"),
    (("report", "gpu", "--for", "main"), 2, "`gate report` needs --junit"),
    (("report", "gpu", "--for", "main", "--junit", "r.xml", "--by", "A"), 2, "takes no --by"),
    (("approve", "teaching", "--for", "main", "--by", "A"), 2, "needs --reason"),
    (("approve", "teaching", "--for", "main", "--by", " ", "--reason", "r"), 2, "an approval needs a name"),
    (("approve", "teaching", "--for", "main", "--by", "A", "--reason", "r" * 1001), 2, "at most 1000"),
    (("approve", "teaching", "--for", "main", "--by", "A\nB", "--reason", "r"), 2, "this name is not one line"),
    (("report", "gpu", "--for", "main", "--junit", "nowhere.xml"), 2, "nowhere.xml: this is no file"),
    (("report", "gpu", "--for", "main", "--junit", "images/spec.yml"), 2, "no JUnit file that can be read"),
    (("report", "gpu", "--for", "mian", "--junit", "{green}"), 1, "no image tagged 'mian'"),
    (("report", "gpu", "--for", "main", "--image", "base", "--junit", "{green}"), 1, "it is asked of leaf"),
    (
        ("report", "gpu", "--for", "main", "--junit", "{green}", "--url", "https://u:secret@ci/1"),
        2,
        "a login in it",
    ),
    (("report", "gpu", "--for", "main", "--junit", "{green}", "--url", "javascript:x"), 2, "address of a page"),
)


def test_what_is_refused_notes_nothing(guarded: Shell) -> None:
    """One sentence and a hint, no secret repeated, and the gates are as they were."""
    green = results(guarded, GREEN)
    for words, code, said in REFUSED:
        found = guarded("gate", *(word.format(green=green) for word in words))

        assert (found.code, said in found.err) == (code, True), found.err
        assert "secret" not in found.err
    assert guarded("promote", "main", "--to", "stable", "--dry-run").err.count("nobody") == 2


def test_a_tag_that_somebody_moved_is_no_name_for_a_gate(guarded: Shell) -> None:
    """What is noted is noted of what the records know; a stranger's image gets no approval."""
    leaf = "registry.example/lab/leaf"
    stranger = guarded.registry.add_image(leaf, "main", "theirs").digest
    said = guarded("gate", "approve", "teaching", "--for", "main", "--by", "Ada", "--reason", "labs run")

    assert said.code == 1
    assert str(stranger) in said.err
    assert "someone else moved it" in said.err
