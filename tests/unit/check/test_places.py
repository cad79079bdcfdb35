# SPDX-License-Identifier: MIT
"""Each finding says where it is, what was found, what was wanted and what to do; one mistake hides no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.errors import FindingsProblem
from stackyard.model.stack import Finding
from stackyard.verbs import Options
from tests.conftest import GitStack
from tests.repositories import git

PLAIN = "FROM debian:12\n"


def checked(root: Path) -> tuple[Finding, ...]:
    """What `check` finds."""
    return verbs.check(verbs.load(root, Options()))


def told(root: Path) -> list[str]:
    """Code and place of each finding but for missing tests."""
    found = checked(root)
    return [f"{each.code} {str(each).partition(': ')[0]}" for each in found if each.code != "not-tested"]


def listed(git_stack: GitStack, spec: str, **dockerfiles: str) -> Path:
    """A stack with a spec; images whose names end in `0` have no folder."""
    files = {f"images/{name}/Dockerfile": text for name, text in dockerfiles.items()}
    return git_stack({"images/spec.yml": spec, **files})


EVERY_MISTAKE = """\
root: alpa
groups: [a]
vars: {m: null}
all_info_cmds: {PIP_LIST: {command: pip list}, BAD: {}}
tag: {prefix: "-", fixed: "{version}-{commit}", moving: ["{nope}", "{version}-{branch}"], prefx: 1}
images:
  alpha: {info_cmds: [PIP_LST], depend_on: {}, skip: [x]}
  betta:
  child: {depend_on: [alpha, gone], args: {A: 1}, build_args: {NOPE: 1, API_TOKEN: hush}}
  left: {depend_on: right, image_name: one/name, integration_tests: true}
  right: {depend_on: left, image_name: one/name}
  upper: {image_name: Me/A, context: ../x}
  matrix: {versions: {"3.12": {base_image: {name: alpah, source: aws}}, "3.13": {docker_args: {A: null}}}}
"""


@pytest.mark.processes
def test_every_fact_is_there(git_stack: GitStack) -> None:
    """File, line, column, found or wanted, and a hint, in a stack with a mistake of nearly every kind."""
    root = listed(
        git_stack,
        EVERY_MISTAKE,
        alpha="FROM debian:12\nARG T=1\nCOPY --from=x:$T / /\n",
        beta=PLAIN,
        child="ARG V=1\nFROM alpha:1\nUSER $V$NOTHING\nARG DIR=/a\n",
        left="FROM right\n",
        right="FROM left\n",
        upper="FROM debian\n  RNU x\n",
        matrix="ARG BASE_IMAGE\nFROM $BASE_IMAGE\n",
    )
    git(root, "checkout", "-q", "-b", "feature-x")
    git(root, "branch", "feature/x")
    found = checked(root)

    assert {each.code for each in found} >= {
        "wrong-value", "unknown-command", "missing-folder", "missing-tests", "duplicate-repository", "ring",
        "unknown-base", "argument-without-value", "bad-reference", "unknown-key", "unknown-root", "unknown-parent",
        "unused-arg", "arg-before-from", "secret-argument", "variable-in-from", "not-tested",
        "folder-without-entry", "branch-clash",
    }  # fmt: skip
    for each in found:
        assert (root / each.path).is_file(), each
        assert each.hint, each
        assert each.found or each.wanted, each
        assert (each.line and each.column) or each.code == "folder-without-entry", each


def test_what_is_fatal_to_a_plan_is_told_together(git_stack: GitStack) -> None:
    """Wrong types, wrong names and a wrong tag: each where it stands, and each refuses a plan."""
    spec = """\
groups: [a]
vars: {m: null}
all_info_cmds: [x]
tag: {prefix: "-", moving: ["{nope}"]}
images:
  a: {image_name: Me/A, depend_on: {}, skip: [x]}
  b: {image_name: Me/B}
"""
    root = listed(git_stack, spec, a=PLAIN, b=PLAIN)

    assert told(root) == [
        "wrong-value images/spec.yml:1:9",
        "wrong-value images/spec.yml:2:11",
        "wrong-value images/spec.yml:3:16",
        "wrong-value images/spec.yml:4:15",
        "wrong-value images/spec.yml:4:29",
        "wrong-value images/spec.yml:6:19",
        "wrong-value images/spec.yml:6:36",
        "wrong-value images/spec.yml:6:46",
        "wrong-value images/spec.yml:7:19",
    ]
    with pytest.raises(FindingsProblem, match=r"and 8 more"):
        verbs.plan(verbs.load(root, Options()))


@pytest.mark.parametrize(
    ("spec", "line", "hint"),
    [
        ("images: {a: {info_cmds: [PIP_LST]}}\nall_info_cmds: {PIP_LIST: {command: pip}}\n", 1, "'PIP_LIST'"),
        ("root: aa\nimages: {a: }\n", 1, "'a'"),
        ("images:\n  a:\n  betta:\n", 3, "'beta'"),
        ("images:\n  a:\n    args: {A: 1}\n", 3, "'build_args'"),
    ],
)
def test_what_was_meant(git_stack: GitStack, spec: str, line: int, hint: str) -> None:
    """The nearest command, image, folder or key is in the hint."""
    root = listed(git_stack, spec, a=PLAIN, beta=PLAIN)
    assert f"did you mean {hint}?" in [each.hint for each in checked(root) if each.line == line]


def test_names_that_nobody_wrote(git_stack: GitStack) -> None:
    """Without a spec a folder is published under the nearest name that can be; what has none is never dropped."""
    names = ("UP", "-x", "café", "日本", "a:b")
    root = git_stack({f"images/{name}/Dockerfile": PLAIN for name in names})
    stack = verbs.load(root, Options()).stack

    assert told(root) == [
        "wrong-value images/日本/Dockerfile",
        "renamed images/-x/Dockerfile",
        "left-out images/a:b/Dockerfile",
        "renamed images/café/Dockerfile",
    ]
    assert [str(each.repository) for each in stack.targets][:3] == ["x", "up", "cafe"]


def test_rings_are_where_a_parent_is_named(git_stack: GitStack) -> None:
    """In `depend_on`, where there is one; else at the FROM."""
    root = git_stack({"images/a/Dockerfile": "# a\nFROM b\n", "images/b/Dockerfile": "FROM a\n"})
    assert told(root) == ["ring images/a/Dockerfile:2:6"]
    spec = "images:\n  a:\n    depend_on:\n    - b\n  b: {depend_on: a}\n"
    assert "ring images/spec.yml:4:7" in told(git_stack({"images/spec.yml": spec}, root))


def test_an_argument_is_told_where_it_is_set(git_stack: GitStack) -> None:
    """In the spec, also where the image's versions are in a file of their own; in a plan's own arguments."""
    root = listed(git_stack, "images:\n  a:\n    build_args:\n      NOPE: 1\n", a=PLAIN)
    git_stack({"images/a/versions.yaml": '"3.12":\n  docker_args:\n    ALSO: a\n'}, root)
    assert told(root) == ["unused-arg images/a/versions.yaml:3:5", "unused-arg images/spec.yml:4:7"]

    spec = "plans: {p: {tag_prefix: v1}}\nimages:\n  a:\n    dbuild_env:\n      p: {NOPE: 1}\n"
    (root / "images/a/versions.yaml").unlink()
    assert told(git_stack({"images/spec.yml": spec}, root)) == ["unused-arg images/spec.yml:5:11"]


def test_a_version_without_a_base_is_named(git_stack: GitStack) -> None:
    """With the argument that has no value; another version is fine."""
    versions = '3.7.8:\n3.8.3:\n  docker_args: {BASE_IMAGE: "python:3.8.3"}\n'
    root = git_stack({"images/a/Dockerfile": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\n", "images/a/versions.yaml": versions})
    (found,) = [each for each in checked(root) if each.level == "error"]

    assert found.sentence.endswith("at version '3.7.8', which is not a valid reference: BASE_IMAGE has no value")
    assert (found.line, found.column) == (2, 6)


@pytest.mark.parametrize("flag", ["COPY --from", "RUN --mount=from"])
def test_variables_that_docker_does_not_replace(git_stack: GitStack, flag: str) -> None:
    """In `--from` no ARG has a value, wherever it stands: the way out is a stage, and nothing else is told."""
    end = " / /" if flag.startswith("COPY") else ",target=/x ls"
    outside = f"ARG BASE_TAG=1\nFROM debian\n{flag}=me/b:${{BASE_TAG}}{end}\n"
    inside = f"FROM debian\nARG BASE_TAG=1\n{flag}=me/b:${{BASE_TAG}}{end}\n"
    found = checked(git_stack({"images/a/Dockerfile": outside, "images/b/Dockerfile": inside}))

    shown = [(each.code, each.path, each.line, each.column) for each in found if each.code != "not-tested"]
    column = len(flag) + 2
    assert shown == [
        ("bad-reference", "images/a/Dockerfile", 3, column),
        ("variable-in-from", "images/b/Dockerfile", 3, column),
    ]
    assert all("`FROM me/b:${BASE_TAG} AS name`" in (each.hint or "") for each in found[:2])


def test_an_image_without_any_tag(git_stack: GitStack) -> None:
    """Templates that need a version give an image without versions none; those with versions have theirs."""
    spec = """\
tag:
  fixed: "{version}-{commit}"
  moving: ["{version}-{branch}"]
images:
  a:
  b: {versions: {"3.12": }}
"""
    root = listed(git_stack, spec, a=PLAIN, b=PLAIN)
    assert told(root) == ["no-tag images/spec.yml:3:11"]
    assert "'a' gets no tag" in next(each.sentence for each in checked(root) if each.code == "no-tag")


def test_a_base_without_versions_is_called_by_its_own_name(git_stack: GitStack) -> None:
    """`base_image` names a tag that the base really gets, wherever it is said to come from."""
    spec = 'images:\n  plain:\n  child: {versions: {"3.12": {base_image: {name: plain, source: local}}}}\n'
    root = listed(git_stack, spec, plain=PLAIN, child="ARG BASE_IMAGE\nFROM $BASE_IMAGE\n")
    plain, child = verbs.load(root, Options()).stack.targets

    assert dict(child.args)["BASE_IMAGE"] == f"{plain.repository}:main"
    assert child.parent_names == ("plain",)
    assert told(root) == []


def test_a_place_is_found_in_what_a_person_sees(git_stack: GitStack) -> None:
    """Across continued lines, behind comments, of a name that stands in another word too."""
    text = (
        "FROM \\\n # a comment with NAME\n  debian:12\nENV \\\n  NAMES=1 \\\n  PASSWORD=hush\nARG NAMESPACE=1 NAME=2\n"
    )
    found = checked(git_stack({"images/a/Dockerfile": text}))
    assert [(each.line, each.column) for each in found if each.code == "secret-argument"] == [(6, 3)]
    assert [
        (match[1], each.line, each.column)
        for each in found
        if each.code == "unused-arg" and (match := re.search(r"ARG (\w+)", each.sentence))
    ] == [("NAMESPACE", 7, 5), ("NAME", 7, 17)]
