# SPDX-License-Identifier: MIT
"""Why a target has its step: the way up to the cause, in the plan and in the past; and all that goes into it."""

from __future__ import annotations

import msgspec

from stackyard.model.decide import Need
from stackyard.model.inputs import Entry
from stackyard.model.known import NOTHING_KNOWN, Known
from stackyard.model.stack import Stack, TagTemplates, Target
from stackyard.model.why import Why
from stackyard.plan.explain import explain, made_from
from stackyard.report.text import PLAIN
from stackyard.report.why import ON_RECORD, inputs_data, inputs_text, sentence, why_data, why_text
from tests.unit.plan.made import AT, BASE, COMMIT, blob, known, plan, record, result, sha, stack, suite, target

BARE = TagTemplates()


def bare(name: str, *parents: str, **more: object) -> Target:
    """A target without tags."""
    return target(name, *parents, templates=BARE, **more)  # type: ignore[arg-type]


def ask(of: Stack, knowing: Known, name: str, need: Need | None = None) -> Why:
    """The answer for one target, which can be put in words and in JSON."""
    made = plan(of, knowing, need=need)
    (answer,) = explain(of, knowing, made, {target.name for target in of.targets if target.name == name})
    assert sentence(answer) == why_text([answer], PLAIN, 1000).split("\n")[0]
    assert why_data([answer])["images"][0]["sentence"] == sentence(answer)
    return answer


def text(answer: Why) -> list[str]:
    """The answer as people read it, line by line, blanks evened."""
    return [" ".join(line.split()) for line in why_text([answer], PLAIN, 1000).split("\n")]


def test_a_file_of_its_own() -> None:
    """By its path from the root, and what it is compared with."""
    then = bare("lab", files={"src/app.txt": "1"}, args={"V": "1"})
    now = bare("lab", files={"src/app.txt": "2"}, args={"V": "2"})
    answer = ask(stack(now), known(record(then), targets=(then,)), "lab")

    assert text(answer) == [
        "lab is to be built: images/lab/src/app.txt changed",
        "also build argument V changed from 1 to 2",
        f"compared with the build of {AT}, by run 1 at commit {COMMIT[:7]}",
    ]


def test_a_file_that_rebuilds_everything() -> None:
    """`BuildAll` files are below the images folder, wherever that is."""
    then, now = bare("lab"), bare("lab")
    entry = Entry("spec.yml", "file", blob("1"))
    now = now.with_inputs(msgspec.structs.replace(now.inputs, everywhere=(entry,)))
    of = msgspec.structs.replace(stack(now), images_folder="tools/images")

    assert sentence(ask(of, known(record(then), targets=(then,)), "lab")).endswith(": tools/images/spec.yml added")


def test_who_follows_a_parent_says_whose_change_it_is() -> None:
    """All the way up, through every parent that only follows itself."""
    then = bare("base")
    now = bare("base", text="FROM y", files={"a": "1"})
    mid, lab = bare("mid", "base"), bare("lab", "mid")
    knowing = known(record(then), record(mid), record(lab), targets=(then, mid, lab))
    answer = ask(stack(now, mid, lab), knowing, "lab")

    assert [(str(link.target), link.made) for link in answer.chain] == [("mid", None), ("base", None)]
    assert text(answer)[:2] == [
        "lab waits for mid, which waits for base: images/base/Dockerfile changed",
        "also images/base/a added",
    ]
    assert sentence(ask(stack(now, mid, lab), knowing, "mid")) == "mid waits for base: images/base/Dockerfile changed"


def test_who_waits_for_what_was_asked_for() -> None:
    """A forced build is a cause, too."""
    base, lab = bare("base"), bare("lab", "base")
    of, knowing = stack(base, lab), known(record(base), record(lab))
    need = Need(rebuild=frozenset({base.name}))

    assert sentence(ask(of, knowing, "base", need)) == "base is to be built: asked for by --rebuild"
    assert sentence(ask(of, knowing, "lab", need)) == "lab waits for base: asked for by --rebuild"


def test_a_parent_that_was_rebuilt_before() -> None:
    """The records tell what was different then, through all the parents that followed each other."""
    old, new = bare("base", files={"a": "1"}), bare("base", files={"a": "2"})
    mid, lab = bare("mid", "base"), bare("lab", "mid")
    knowing = known(
        record(new, "base 2", number=3),
        record(old, "base"),
        record(mid, "mid 2", number=4, parents={"base": "base 2"}),
        record(mid, "mid"),
        record(lab, "lab"),
        targets=(old, new, mid, lab),
    )
    answer = ask(stack(new, mid, lab), knowing, "lab")

    assert [(str(link.target), link.made and link.made.run) for link in answer.chain] == [("mid", 4), ("base", 3)]
    assert text(answer) == [
        f"lab is to be built: parent mid changed from {sha('mid')[:19]} to {sha('mid 2')[:19]}",
        f"because mid was built by run 4 at commit {COMMIT[:7]} ({AT}): "
        f"parent base changed from {sha('base')[:19]} to {sha('base 2')[:19]}",
        f"base was built by run 3 at commit {COMMIT[:7]} ({AT}): images/base/a changed",
        f"compared with the build of {AT}, by run 1 at commit {COMMIT[:7]}",
    ]


def test_a_parent_that_was_rebuilt_from_the_same() -> None:
    """Nothing is made up where nothing was different."""
    base, lab = bare("base"), bare("lab", "base")
    knowing = known(record(base, "base 2", number=2), record(base), record(lab), targets=(base, lab))

    assert "from the same inputs as before" in " ".join(text(ask(stack(base, lab), knowing, "lab")))


def test_what_is_unchanged_says_since_when() -> None:
    """The time, the run and the commit, and on whose word; a tree that was not committed has none."""
    lab = bare("lab")

    assert text(ask(stack(lab), known(record(lab, number=7)), "lab")) == [
        f"lab is as wanted: unchanged since {AT}",
        f"built the build of {AT}, by run 7 at commit {COMMIT[:7]}",
        "",
        ON_RECORD,
    ]
    assert "from files that were not committed" in text(ask(stack(lab), known(record(lab, commit="")), "lab"))[1]


def test_the_other_answers() -> None:
    """Never built, tests failed, a name missing, left alone."""
    tested = bare("tested", suites=(suite(),))
    named = target("named")
    alone = msgspec.structs.replace(bare("alone"), skip="too old")
    of = stack(bare("new"), tested, named, alone)
    knowing = known(record(tested, "tested", result(suite(), False)), record(named))

    assert sentence(ask(of, knowing, "new")) == "new is to be built: never built"
    assert sentence(ask(of, knowing, "tested")) == f"tested is to be tested: basic tests failed at {AT}"
    assert sentence(ask(of, knowing, "named")) == f"named is to be tagged: tag {COMMIT[:7]} is to be put"
    assert sentence(ask(of, knowing, "alone")) == "alone is skipped: left alone: too old"


def test_many_differences_are_brief() -> None:
    """Ten of the rest; all of them in JSON."""
    then, now = bare("lab"), bare("lab", files={f"f{number:02}": "" for number in range(30)})
    answer = ask(stack(now), known(record(then), targets=(then,)), "lab")

    assert len(text(answer)) == 1 + 10 + 1 + 1
    assert "19 more; --json has all" in text(answer)
    assert len(why_data([answer])["images"][0]["reasons"]) == 30


def test_all_that_goes_in() -> None:
    """Files with their blobs, arguments, bases and parents with what is known of them, both fingerprints."""
    up = bare("up", bases=(BASE,), files={"a": "1"}, args={"V": "1", "API_TOKEN": "hush"})
    lab = bare("lab", "up")
    of, knowing = stack(up, lab), known(record(up, "up"))
    made = plan(of, knowing)
    found = made_from(of, knowing, made, {up.name, lab.name})
    shown = [" ".join(line.split()) for line in inputs_text(found, PLAIN, 80).split("\n")]
    first, second = inputs_data(found)["images"]

    assert f"context images/up/a {blob('1')}" in shown
    assert "arg V=1" in shown
    assert "API_TOKEN=(hidden)" in shown
    assert f"base {BASE} {sha(BASE)}" in shown
    assert f"parent up {sha('up')}" in shown
    assert f"fingerprint source {made.step(up.name).source}" in shown
    assert first["bases"] == [{"reference": BASE, "accepted": str(sha(BASE))}]
    assert second["parents"] == [{"target": "up", "content": str(sha("up"))}]
    assert second["build_fingerprint"] == str(made.step(lab.name).build)
    assert "hush" not in str(inputs_data(found))
    assert "hidden:" not in str(inputs_data(found))


def test_what_goes_in_and_is_not_known_yet() -> None:
    """A base that was never resolved, a parent that is to be built."""
    up, lab = bare("up", bases=("docker.io/library/node:1",)), bare("lab", "up")
    of = stack(up, lab)
    found = made_from(of, NOTHING_KNOWN, plan(of, NOTHING_KNOWN), {up.name, lab.name})
    shown = [" ".join(line.split()) for line in inputs_text(found, PLAIN, 80).split("\n")]

    assert "base docker.io/library/node:1 not resolved yet" in shown
    assert "parent up to be built" in shown
    assert shown.count("build not known yet") == 2
