# SPDX-License-Identifier: MIT
"""Commands that do something, over fakes: what is printed where, what is asked, how it ends."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from stackyard.cli.stopping import interruptible
from stackyard.edges.engine import RunResult
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import Reference
from tests.repositories import commit, git
from tests.unit.cli.conftest import Shell


def test_a_build_shows_plan_progress_and_summary(shell: Shell) -> None:
    """Where nobody can redraw, each event is a line; the end says what was made and where it is."""
    said = shell("build", "--push")

    assert said.code == 0
    assert said.err == ""
    assert "2 to build." in said.out
    assert "base: built in" in said.out
    assert "leaf  registry.example/lab/leaf:sy-" in said.out
    assert "also registry.example/lab/leaf:main" in said.out
    assert said.out.rstrip().splitlines()[-1].startswith("Run 1: 2 built, in ")


def test_a_second_build_has_nothing_to_do(shell: Shell) -> None:
    """It says so in one line, and no run is counted."""
    shell("build")
    said = shell("build")

    assert said.code == 0
    assert "Nothing to do: 2 images as wanted" in said.out
    assert len(shell("history", "--json").json["runs"]) == 1


def test_json_is_all_that_stdout_has(shell: Shell) -> None:
    """Progress goes to stderr; stdout is one object, also when there was nothing to do."""
    first, second = shell("build", "--push", "--json"), shell("--json", "build", "--push")

    assert [outcome["status"] for outcome in first.json["outcomes"]] == ["built", "built"]
    assert "base: building" in first.err
    assert [outcome["status"] for outcome in second.json["outcomes"]] == ["reused", "reused"]


def test_a_failed_build_is_told_once_and_ends_with_1(shell: Shell) -> None:
    """Its paragraph has the sentence and the log; what builds on it is skipped because of it, not failed."""
    shell.engine.failing["registry.example/lab/base"] = "no space left on device"
    said = shell("build")

    assert said.code == 1
    summary = said.out[said.out.index("image  outcome") :]
    assert ["no space left on device" in line for line in summary.splitlines() if line.startswith("base: ")] == [True]
    assert "skipped, base failed" in summary
    assert "log: .stackyard/runs/1/base.build.log" in summary
    assert "1 failed and 1 skipped because of a failure" in summary


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_interrupted_build_prints_its_summary_and_ends_with_130(shell: Shell, number: signal.Signals) -> None:
    """SIGTERM, Ctrl-C and the end of the terminal alike: what was done is said, and what was not begun."""
    signals = [number]  # one: a second ends the process
    shell.engine.before_build = lambda _: os.kill(os.getpid(), signals.pop()) if signals else None
    said = shell("build")

    assert said.code == 130
    assert "Interrupted. Run 1:" in said.out
    assert "1 interrupted and 1 not begun" in said.out
    assert signal.getsignal(signal.SIGTERM) == signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_a_terminal_that_goes_away_is_told_of_twice_or_not_at_all(shell: Shell) -> None:
    """A second SIGHUP, from the shell, is no impatience; under `nohup` it stays ignored."""
    with interruptible() as stop, stop.heard():
        for _ in range(2):
            signal.raise_signal(signal.SIGHUP)
            assert stop.is_wished

    was = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        shell.engine.before_build = lambda _: os.kill(os.getpid(), signal.SIGHUP)
        assert shell("build").code == 0
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, was)


def test_interrupted_before_anything_began(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """One word on stderr, 130."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shell.engine, "about", interrupt)

    assert shell("build") == (130, "", "interrupted\n")


def test_a_reader_that_went_away_fails_no_build(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """`stackyard build | head -1` builds everything: output is not the job."""

    class Gone:
        encoding = "utf-8"

        def write(self, _: str) -> None:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

        def fileno(self) -> int:
            raise OSError

        def isatty(self) -> bool:
            return False

    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", Gone())
        patch.setattr(Gone, "flush", lambda _: None)
        code = shell("build").code

    assert code == 0
    assert "as wanted" in shell("plan").out


def test_images_that_were_not_named_are_left_out(shell: Shell) -> None:
    """A plan and a run of one image do not list the others; the totals count them."""
    plan, run = shell("plan", "base"), shell("build", "base")

    assert "leaf" not in plan.out + run.out
    assert "1 not selected" in plan.out
    assert "1 not selected" in run.out


def test_push_builds_nothing(shell: Shell) -> None:
    """What is not built and tested is named; what is, is published."""
    refused = shell("push")
    shell("build")
    said = shell("push")

    assert (refused.code, said.code) == (1, 0)
    assert "not built and tested as the files are now: base, leaf" in refused.err
    assert shell.registry.tags("registry.example/lab/leaf")


TESTED = """registry: registry.example/lab
images:
  base: {info_cmds: [V]}
  leaf: {depend_on: base}
all_info_cmds:
  V: {description: Version, command: version}
  W: {description: Which, command: which}
"""


@pytest.mark.parametrize("case", ["failed", "edited", "gone", "not tested as now", "gone and not tested as now"])
def test_push_wants_what_is_built_and_tested_now(shell: Shell, case: str) -> None:
    """What failed, is of other files, is gone, or was tested otherwise is named; nothing is built, run or pushed."""
    spec = shell.root / "images" / "spec.yml"
    spec.write_text(TESTED)
    commit(shell.root)
    shell.engine.answers["version"] = shell.engine.answers["which"] = lambda *_: RunResult(
        int(case == "failed"), "1", 0.0
    )
    shell("build", *(["--push"] if case.startswith("gone and") else []))
    if case == "edited":
        (shell.root / "images" / "base" / "new").write_text("x")
    if case.startswith("gone"):
        for name in shell.engine.names():
            if "/base" in name:
                shell.engine.untag(Reference.parse(name))
    if case.endswith("as now"):
        spec.write_text(TESTED.replace("[V]", "[V, W]"))
        commit(shell.root)
    shell.engine.calls.clear()
    said = shell("push")

    assert said.code == 1
    assert "not built and tested as the files are now: base" in said.err
    assert not {"build", "inside", "run", "push", "pull"} & {verb for verb, _ in shell.engine.calls}


def test_push_goes_to_the_registry_of_now(shell: Shell) -> None:
    """Images built for one registry are published in another one when that is what the stack names by then."""
    shell("build")
    shell.environ["STACKYARD_REGISTRY"] = "other.example"
    said = shell("push")

    assert said.code == 0, said.err  # also where a Dockerfile calls its parent by the registry of the spec
    assert shell.registry.tags("other.example/leaf")
    assert not shell.registry.tags("registry.example/lab/leaf")


@pytest.mark.processes
def test_a_second_machine_agrees_that_all_is_published(shell: Shell, tmp_path: Path) -> None:
    """Tags that others put there already are written down: the next plan has nothing to do."""
    shell("build", "--push")
    git(tmp_path, "clone", "-q", str(shell.root), "other")
    other = tmp_path / "other"

    assert shell("build", "--push", at=other).code == 0
    assert shell("plan", "--json", at=other).json["stack"]["has_work"] is False


# Promotion and rollback.


def stable(shell: Shell) -> Digest | None:
    """Where the channel is for one image."""
    return shell.registry.tags("registry.example/lab/leaf").get(Tag("stable"))


@pytest.fixture
def published(shell: Shell) -> Shell:
    """A shell whose stack is published under `main`."""
    assert shell("build", "--push").code == 0
    return shell


def test_promotion_asks_in_a_terminal(published: Shell) -> None:
    """The preview, a question; yes moves, no does not and ends with 1."""
    no = published.in_terminal("promote", "main", "--to", "stable", answers=["n"])
    yes = published.in_terminal("promote", "main", "--to", "stable", answers=["y"])

    assert (no.code, yes.code) == (1, 0)
    assert "Nothing was moved." in no.out
    assert "stable: 2 tags moved." in yes.out


def test_promotion_needs_yes_where_nobody_can_be_asked(published: Shell) -> None:
    """In a pipe, and with --json even in a terminal: exit 2, and nothing moved."""
    piped = published("promote", "main", "--to", "stable")
    json = published.in_terminal("promote", "main", "--to", "stable", "--json")

    assert (piped.code, json.code) == (2, 2)
    assert "add --yes" in piped.err
    assert "is at" in piped.out
    assert json.json["error"]["exit_code"] == 2
    assert stable(published) is None


def test_promotion_that_changes_nothing_asks_nothing(published: Shell) -> None:
    """The channel is there already: said, exit 0."""
    published("promote", "main", "--to", "stable", "--yes")
    said = published("promote", "main", "--to", "stable")

    assert said.code == 0
    assert "stable is there already" in said.out


def test_a_dry_run_moves_nothing_and_needs_no_yes(published: Shell) -> None:
    """The preview alone, for promotions and rollbacks."""
    said = published("promote", "main", "--to", "stable", "--dry-run")

    assert said.code == 0
    assert stable(published) is None


def test_rollback_brings_back_what_was(published: Shell) -> None:
    """Promote, change, promote, roll back: the channel is at the first images again."""
    published("promote", "main", "--to", "stable", "--yes")
    before = stable(published)
    (published.root / "images/leaf/note").write_text("other")
    commit(published.root)
    published("build", "--push")
    published("promote", "main", "--to", "stable", "--yes")
    said = published("rollback", "stable", "--yes", "--json")

    assert said.json["state"] == "done"
    assert stable(published) == before
    assert "stable is main" in published().out


def test_ctrl_c_at_the_question(published: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """130, and nothing moved."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("click.confirm", interrupt)
    said = published.in_terminal("promote", "main", "--to", "stable")

    assert (said.code, said.err) == (130, "interrupted\n")
    assert stable(published) is None


def test_an_unknown_tag_costs_a_look_into_the_journal(published: Shell) -> None:
    """The records decide what a tag is, once what others left half moved is finished; the first time in a clone all
    that is beside the images is learned."""
    assert published("promote", "nowhere", "--to", "stable").code == 1
    before = len(published.registry.requests)

    assert published("promote", "nowhere", "--to", "stable").code == 1
    assert [request.verb for request in published.registry.requests[before:]] == ["list_tags"]


def test_images_are_chosen_by_pattern_and_with_their_children(shell: Shell) -> None:
    """The same words on every command that takes images."""
    assert [step["action"] for step in shell("plan", "b*", "--json").json["steps"]] == ["build", "skip"]
    assert [step["action"] for step in shell("plan", "b*", "--with-children", "--json").json["steps"]] == ["build"] * 2
    assert [target["target"] for target in shell("ls", "l?af", "--json").json["targets"]] == ["leaf"]
    assert shell("build", "base").code == 0
    assert "1 built" in shell("build", "leaf", "--only").out
    assert "no image matches 'x*'" in shell("push", "x*").err


@pytest.mark.parametrize("verb", ["plan", "build", "push"])
def test_a_child_without_its_parent_is_refused(verb: str, shell: Shell) -> None:
    """Exit code 2 and one sentence: nothing of what was asked for can be done."""
    said = shell(verb, "leaf", "--only")

    assert said.code == 2
    assert said.err == (
        "error: leaf builds on base, which is not selected and has no build to stand on\n"
        "  hint: name base too, or leave out --only\n"
    )


def test_rebuild_takes_patterns_and_groups(shell: Shell) -> None:
    """And is part of the plan, whatever images were named."""
    shell("build")
    said = shell("plan", "base", "--rebuild", "le*", "--json").json

    assert [(step["target"], step["action"]) for step in said["steps"]] == [("base", "reuse"), ("leaf", "build")]
    assert said["steps"][1]["reasons"] == [{"kind": "forced", "by": "--rebuild"}]


def test_builds_without_the_engines_cache(shell: Shell) -> None:
    """Docker's meaning: what is built is built afresh; what is known stays, and both are said."""
    assert "note: builds do not use the engine's cache" in shell("plan", "--no-cache").out
    built = shell("build", "--no-cache")
    assert built.out.count("note: builds do not use the engine's cache") == 2  # in the plan, in the summary
    count = len([verb for verb, _ in shell.engine.calls if verb == "build"])

    again = shell("build", "--no-cache")
    assert (
        "note: --no-cache changes nothing where nothing is built: `--rebuild IMAGE` builds what is known" in again.out
    )
    assert len([verb for verb, _ in shell.engine.calls if verb == "build"]) == count == 2


def test_push_goes_on_without_what_may_fail(shell: Shell) -> None:
    """Such an image that is not built is left alone; one that must be there is still an error."""
    spec = shell.root / "images" / "spec.yml"
    spec.write_text(spec.read_text().replace("leaf: {", "leaf: {allowed_to_fail: true, "))
    commit(shell.root)
    shell.engine.failing = {"registry.example/lab/leaf": "no luck"}
    built = shell("build")
    said = shell("push")

    assert (built.code, said.code) == (0, 0)
    assert "left alone: it may fail" in said.out
    assert shell.registry.tags("registry.example/lab/base")
    assert not shell.registry.tags("registry.example/lab/leaf")
    (shell.root / "images" / "base" / "new").write_text("x")
    refused = shell("push")
    assert refused.code == 1
    assert "not built and tested as the files are now: base" in refused.err
