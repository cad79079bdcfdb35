# SPDX-License-Identifier: MIT
"""`--base` and `--build-arg`: what a person gives beside the files is an input, and a reason."""

from __future__ import annotations

import pytest

from tests.repositories import commit
from tests.unit.cli.conftest import Shell


def reasons(shell: Shell, *words: str) -> dict[str, list[str]]:
    """Target -> its action, then the kinds of its reasons."""
    steps = shell("plan", *words, "--json").json["steps"]
    return {step["target"]: [step["action"], *(reason["kind"] for reason in step["reasons"])] for step in steps}


def written(shell: Shell, path: str, text: str) -> None:
    """One file of the stack, committed."""
    (shell.root / path).parent.mkdir(parents=True, exist_ok=True)
    (shell.root / path).write_text(text)
    commit(shell.root)


def stands_on(shell: Shell, image: str, base: str) -> bool:
    """Whether an image of the stack has the layers of another below its own."""
    facts, below = (shell.engine.inspect(name) for name in (f"registry.example/lab/{image}:main", base))
    assert facts is not None
    assert below is not None
    return facts.is_built_on(below)


def test_a_base_in_place_of_the_dockerfiles_own(shell: Shell) -> None:
    """It is built on, pinned and recorded; the same command again does nothing, and the files' own is known yet."""
    shell.engine.add("busybox:1.37")
    shell("build")

    planned = shell("plan", "base", "--base", "base=busybox:1.37", "--explain").out
    built = shell("build", "base", "--base", "base=busybox:1.37")

    assert "because  on busybox:1.37 in place of busybox:1.36, by --base" in planned
    assert built.code == 0
    assert stands_on(shell, "base", "busybox:1.37")
    assert not stands_on(shell, "base", "busybox:1.36")
    assert reasons(shell, "base", "--base", "base=busybox:1.37")["base"][0] == "reuse"
    assert reasons(shell, "base")["base"][0] == "tag"


def test_a_base_in_place_of_a_parent(shell: Shell) -> None:
    """Then the parent is none of its: neither planned nor needed."""
    shell.engine.add("busybox:1.37")
    said = shell("build", "leaf", "--base", "leaf=busybox:1.37")

    assert said.code == 0
    assert "1 built and 1 not selected" in said.out
    assert stands_on(shell, "leaf", "busybox:1.37")
    assert reasons(shell)["leaf"] == ["build", "base-moved", "parent-changed"]


def test_an_image_of_the_stack_as_it_was_published(shell: Shell) -> None:
    """A reference is one from elsewhere, whoever made it: taken by its digest, and not built."""
    shell("build", "--push")
    (shell.root / "images/base/Dockerfile").write_text("FROM busybox:1.36\nRUN echo more\n")
    words = ("--base", "leaf=registry.example/lab/base:main")

    assert reasons(shell, "leaf", *words)["base"] == ["skip", "not-selected"]
    assert shell("build", "leaf", *words).code == 0


def test_one_version_of_an_image(shell: Shell) -> None:
    """The others are let be."""
    spec = "registry: registry.example/lab\nimages:\n  lab: {versions: {'1': , '2': }}\n"
    written(shell, "images/spec.yml", spec)
    written(shell, "images/lab/Dockerfile", "FROM busybox:1.36\n")
    shell.engine.add("busybox:1.37")
    shell("build")

    found = reasons(shell, "--base", "lab/2=busybox:1.37")

    assert found["lab/1"][0] != "build"
    assert found["lab/2"][:2] == ["build", "base-given"]


@pytest.mark.parametrize("word", ["pair", "[ab]", "*/2", "b"])
def test_groups_and_patterns_name_what_gets_something(shell: Shell, word: str) -> None:
    """As wherever an image is named: for a base and for a build argument, and what they do not name is let be."""
    spec = (
        "images:\n  a: {versions: {'1': , '2': }}\n  b: {versions: {'1': , '2': }}\n  c: \ngroups: {pair: [a/2, b]}\n"
    )
    written(shell, "images/spec.yml", spec)
    for image in "abc":
        written(shell, f"images/{image}/Dockerfile", f"FROM busybox:1.36\nARG X=1\nRUN echo {image} $X\n")
    shell.engine.add("busybox:1.37")
    shell("build")
    meant = {"pair": {"a/2", "b/1", "b/2"}, "[ab]": {"a/1", "a/2", "b/1", "b/2"}, "*/2": {"a/2", "b/2"}}
    expected = meant.get(word, {"b/1", "b/2"})

    on_base = reasons(shell, "--base", f"{word}=busybox:1.37")
    with_argument = reasons(shell, "--build-arg", f"{word}:X=2")

    assert {name for name, step in on_base.items() if "base-given" in step} == expected
    assert {name for name, step in with_argument.items() if step[0] == "build"} == expected


@pytest.mark.parametrize("words", [("--base", "pari=debian:12"), ("--build-arg", "pari:X=1")])
def test_a_word_that_names_nothing_is_the_same_error_everywhere(shell: Shell, words: tuple[str, str]) -> None:
    """As of an IMAGE of the command, with what was most likely meant."""
    written(shell, "images/spec.yml", "images: {base: , leaf: {depend_on: base}}\ngroups: {pair: [base, leaf]}\n")
    result, plain = shell("plan", *words), shell("plan", "pari")

    assert result.code == 2
    assert "did you mean 'pair'?" in result.err
    assert result.err == plain.err


def test_every_place_that_names_the_base_gets_the_other(shell: Shell) -> None:
    """The last stage may stand on another stage, and a COPY may name the same image."""
    text = "FROM busybox:1.36 AS one\nRUN echo a\nFROM one\n"
    text += "COPY --from=busybox:1.36 /a /a\nCOPY --from=busybox:1.35 /a /b\n"
    written(shell, "images/base/Dockerfile", text)
    shell.engine.add("busybox:1.35")
    shell.engine.add("busybox:1.37")

    assert shell("build", "base", "--base", "base=busybox:1.37").code == 0
    step = shell("plan", "base", "--base", "base=busybox:1.37", "--json").json["steps"][0]
    assert sorted(base["reference"] for base in step["bases"]) == [
        "busybox:1.35",
        "busybox:1.37",
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("bsae=debian:12", "no image is named 'bsae'"),
        ("leaf", "'leaf' names no base"),
        ("=debian:12", "'=debian:12' names no base"),
        ("leaf=", "'leaf=' names no base"),
        ("leaf=De bian", "'De bian' is not a valid repository"),
        ("none=debian:12", "none is built from scratch: there is no base that debian:12 could take the place of"),
    ],
)
def test_a_base_that_cannot_be_given(shell: Shell, given: str, said: str) -> None:
    """One sentence, exit code 2."""
    written(
        shell, "images/spec.yml", "registry: registry.example/lab\nimages: {base: , leaf: {depend_on: base}, none: }\n"
    )
    written(shell, "images/none/Dockerfile", "FROM scratch\nCOPY a /\n")
    result = shell("plan", "--base", given)

    assert result.code == 2
    assert said in result.err


def test_a_base_that_is_nowhere(shell: Shell) -> None:
    """Nothing is built."""
    said = shell("build", "base", "--base", "base=registry.example/lab/gone:1")

    assert said.code != 0
    assert "registry.example/lab/gone:1 is neither in the engine nor in its registry" in said.err


def test_a_build_argument_is_an_input_and_a_reason(shell: Shell) -> None:
    """With its value; one that no instruction declares changes nothing, and one for an image only that image."""
    written(shell, "images/base/Dockerfile", "FROM busybox:1.36\nARG DAGSTER=1\nRUN echo $DAGSTER\n")
    shell("build")

    steps = shell("plan", "--build-arg", "base:DAGSTER=2", "--json").json["steps"]

    assert steps[0]["action"] == "build"
    assert steps[0]["reasons"] == [{"kind": "argument-changed", "name": "DAGSTER", "was": None, "now": "2"}]
    assert reasons(shell, "--build-arg", "leaf:DAGSTER=2") == reasons(shell)
    assert reasons(shell, "--build-arg", "OTHER=2") == reasons(shell)
    assert shell("build", "--build-arg", "DAGSTER=2").code == 0
    assert reasons(shell, "--build-arg", "DAGSTER=2")["base"][0] == "reuse"


def test_a_given_base_is_accepted_once_and_refreshed_on_demand(shell: Shell) -> None:
    """Like any base: a moving tag moves nothing by itself, and `--refresh` takes what the registry has now."""
    shell("build", "--push")
    words = ("leaf", "--base", "leaf=registry.example/lab/base:main")
    assert shell("build", *words).code == 0
    written(shell, "images/base/Dockerfile", "FROM busybox:1.36\nRUN echo more\n")
    shell("build", "base", "--push")

    still = shell("build", *words, "--json").json["outcomes"]
    fresh = shell("build", *words, "--refresh", "--json").json["outcomes"]

    assert {each["target"]: each["status"] for each in still} == {"base": "skipped", "leaf": "tagged"}
    assert {each["target"]: each["status"] for each in fresh} == {"base": "skipped", "leaf": "built"}
