# SPDX-License-Identifier: MIT
"""Secrets in arguments and variables are told, with a mount as the way out, and never printed."""

from __future__ import annotations

from stackyard import verbs
from stackyard.model.stack import Finding
from stackyard.verbs import Options
from tests.conftest import GitStack

TOKEN = "ghp_" + "a1B2" * 9


def secrets(git_stack: GitStack, dockerfile: str, spec: str = "images: {lab: {}}\n") -> list[Finding]:
    """Findings about secrets of a stack of one image."""
    root = git_stack({"images/spec.yml": spec, "images/lab/Dockerfile": dockerfile})
    return [each for each in verbs.check(verbs.load(root, Options())) if each.code == "secret-argument"]


def test_an_argument_with_the_name_of_a_secret(git_stack: GitStack) -> None:
    """It stands where its ARG stands, and the hint names the mount."""
    (found,) = secrets(git_stack, "FROM debian:12\nARG API_TOKEN\nRUN fetch $API_TOKEN\n")
    assert (found.path, found.line, found.level) == ("images/lab/Dockerfile", 2, "warning")
    assert "--mount=type=secret,id=api_token" in (found.hint or "")


def test_a_variable_with_the_form_of_a_secret(git_stack: GitStack) -> None:
    """Whatever it is called; and nobody reads it in the finding."""
    (found,) = secrets(git_stack, f"FROM debian:12\nENV MIRROR={TOKEN}\n")
    assert found.line == 2
    assert TOKEN not in f"{found}{found.hint}"


def test_a_secret_written_into_the_spec(git_stack: GitStack) -> None:
    """The argument is where it stands, once."""
    spec = f"images:\n  lab:\n    build_args:\n      MIRROR: {TOKEN}\n"
    (found,) = secrets(git_stack, "FROM debian:12\nARG MIRROR\nRUN fetch $MIRROR\n", spec)
    assert (found.path, found.line) == ("images/spec.yml", 4)
    assert TOKEN not in f"{found}{found.hint}"


def test_what_is_no_secret(git_stack: GitStack) -> None:
    """An empty variable, an argument for FROM alone, a mount, and words that only hold such a name."""
    text = (
        "ARG REGISTRY_TOKEN=none\nFROM debian:12\nENV GIT_TOKEN= TOKEN_FILE=/run/token\n"
        "ENV TOKENIZERS_PARALLELISM=false PASSENGERS=4\n"
        "RUN --mount=type=secret,id=api_token cat /run/secrets/api_token\n"
    )
    assert secrets(git_stack, text) == []


def test_words_that_begin_like_a_secret(git_stack: GitStack) -> None:
    """`PASS_THROUGH` passes something through, and a switch is no secret, whatever it switches."""
    text = "FROM debian:12\nARG PASS_THROUGH=x\nARG USE_TOKEN=1\nENV DB_PASS=hush PASS_TOKEN=hush\nRUN x\n"
    assert [(each.line, each.column) for each in secrets(git_stack, text)] == [(4, 5), (4, 18)]


def test_a_secret_that_nothing_declares_is_told_once(git_stack: GitStack) -> None:
    """That it is one, not that an ARG is missing: declaring it would put it into the image."""
    spec = "images:\n  lab: {build_args: {API_TOKEN: hush}}\n  other:\n"
    root = git_stack(
        {
            "images/spec.yml": spec,
            "images/lab/Dockerfile": "FROM debian:12\n",
            "images/other/Dockerfile": "FROM debian:12\n",
        }
    )
    found = [each for each in verbs.check(verbs.load(root, Options())) if each.level == "warning"]
    assert [(each.code, each.line, each.column) for each in found] == [("secret-argument", 2, 22)]
    assert "hush" not in f"{found[0].sentence}{found[0].hint}{found[0].found}{found[0].wanted}"
