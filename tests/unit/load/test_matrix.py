# SPDX-License-Identifier: MIT
"""Versions of an image's own become targets: arguments in order, bases as parents, names without credentials."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard.errors import UnknownName
from stackyard.load.stack import Settings, load_stack
from stackyard.load.tree.place import find
from stackyard.model.decide import Need, Presence
from stackyard.model.known import NOTHING_KNOWN
from stackyard.model.names import TargetName
from stackyard.model.reference import Platform
from stackyard.model.stack import Finding, GivenArgument, Revision, Stack, Target
from stackyard.plan.compare import compare
from stackyard.plan.selection import select

STAMP = "2026-05-04T101500"
NOW = Revision("a" * 40, "main", is_dirty=False, stamp=STAMP)
LINUX = Platform("linux/amd64")
PYTHON = '"3.11":\n  docker_args: {BASE_IMAGE: "python:3.11-slim", ZED: z, ABC: a}\n'
CHILD = '"3.11":\n  base_image: {name: base, source: SOURCE}\n  docker_args: {X: "1"}\n'
NANO = "mcr.microsoft.com/windows/nanoserver:1809"
HEAD = "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\n"


def stack(root: Path, files: dict[str, str], settings: Settings | None = None, revision: Revision = NOW) -> Stack:
    """The stack that these files below images/ are."""
    for path, text in files.items():
        file = root / "images" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return load_stack(find(root), revision, settings or Settings(LINUX))


def pair(root: Path, source: str = "aws", settings: Settings | None = None, **more: str) -> Stack:
    """A base and an image on it."""
    files = {
        "base/Dockerfile": HEAD,
        "base/versions.yaml": PYTHON,
        "app/Dockerfile": HEAD,
        "app/versions.yaml": CHILD.replace("SOURCE", source),
    }
    return stack(root, {**files, **{path.replace("__", "/"): text for path, text in more.items()}}, settings)


def target(of: Stack, name: str) -> Target:
    """One target."""
    return of.target(TargetName(name))


def finding(of: Stack, code: str) -> Finding:
    """The one finding of this code."""
    (found,) = (one for one in of.findings if one.code == code)
    return found


def test_arguments_come_in_their_order(tmp_path: Path) -> None:
    """Those of the version as they stand, then the base, then what every image gets."""
    settings = Settings(LINUX, build_args=(GivenArgument(None, "DAGSTER_VERSION", "0+dev"),))
    made = pair(tmp_path, settings=settings)

    assert target(made, "base/3.11").args == (
        ("BASE_IMAGE", "python:3.11-slim"),
        ("ZED", "z"),
        ("ABC", "a"),
        ("DAGSTER_VERSION", "0+dev"),
    )
    assert [name for name, _ in target(made, "app/3.11").args] == ["X", "BASE_IMAGE", "DAGSTER_VERSION"]


@pytest.mark.parametrize(
    ("source", "name"),
    [("aws", "ACCOUNT.dkr.ecr.us-west-2.amazonaws.com/base"), ("local", "dagster/base")],
)
def test_a_base_image_is_a_parent_at_the_same_version(tmp_path: Path, source: str, name: str) -> None:
    """Its argument names it by its source and this run's stamp; what counts is the parent, not its name."""
    app = target(pair(tmp_path, source), "app/3.11")

    assert dict(app.args)["BASE_IMAGE"] == f"{name}:py3.11-{STAMP}"
    assert app.parent_names == ("base/3.11",)
    assert app.foundation == "base/3.11"
    assert app.inputs.args == ()
    assert app.bases == ()


def test_a_stage_that_declares_its_base_again_sees_the_parent(tmp_path: Path) -> None:
    """Account, region and stamp are in its text, and change no fingerprint."""
    again = HEAD + "ARG BASE_IMAGE\nRUN echo ${BASE_IMAGE}\n"
    here = target(pair(tmp_path, app__Dockerfile=again), "app/3.11")
    settings = Settings(LINUX, account="123456789012", region="eu-west-1")
    there = target(pair(tmp_path, settings=settings, app__Dockerfile=again), "app/3.11")

    assert here.args != there.args
    assert here.inputs == there.inputs
    assert here.inputs.args == (("BASE_IMAGE", "base/3.11"),)


def test_a_version_that_the_base_has_not_is_named_with_the_nearest(tmp_path: Path) -> None:
    """Image, key, base, and what is there."""
    found = finding(
        stack(
            tmp_path,
            {
                "base/Dockerfile": HEAD,
                "base/versions.yaml": '"3.8.12": {docker_args: {BASE_IMAGE: "python:3.8.12"}}\n',
                "app/Dockerfile": HEAD,
                "app/versions.yaml": '"3.8.13":\n  base_image: {name: base, source: aws}\n',
            },
        ),
        "missing-version",
    )

    assert (found.level, found.path, found.line) == ("error", "images/app/versions.yaml", 2)
    for word in ("'app'", "'3.8.13'", "'base'", "3.8.12"):
        assert word in found.sentence
    assert found.hint == "the nearest that 'base' has is '3.8.12'"


def test_a_base_that_is_no_image(tmp_path: Path) -> None:
    """With what was meant, most likely."""
    found = finding(
        pair(tmp_path, **{"app__versions.yaml": CHILD.replace("base,", "bass,").replace("SOURCE", "aws")}),
        "unknown-base",
    )
    assert found.level == "error"
    assert found.hint == "did you mean 'base'?"


def test_one_bad_file_hides_no_other(tmp_path: Path) -> None:
    """Its image has an error, and is no target; the others are."""
    made = pair(tmp_path, **{"odd__Dockerfile": "FROM x\n", "odd__versions.yaml": "- 3.11\n"})

    assert [str(one.name) for one in made.targets] == ["app/3.11", "base/3.11"]
    assert finding(made, "versions").path == "images/odd/versions.yaml"


def test_the_older_form_holds_versions_and_stamps(tmp_path: Path) -> None:
    """info.yaml is read as versions.yaml is; nothing writes stamps beside it."""
    text = "versions:\n  3.7.8:\n    docker_args: {BASE_IMAGE: 'python:3.7.8'}\n    last_updated: 2020-07-14T050401\n"
    made = stack(tmp_path, {"old/Dockerfile": HEAD, "old/info.yaml": text})

    assert [str(one.name) for one in made.targets] == ["old/3.7.8"]
    assert made.stamp_files == ()


def test_both_conventions_are_one_stack(tmp_path: Path) -> None:
    """A spec with an image of its own versions, one with a file of versions, and one of plans."""
    spec = """
ecr: {account: '012345678901', region: eu-central-1}
build_args: {ALL: everywhere}
tag: {prefix: p, moving: ["{version}-{branch}", "{branch}"]}
images:
  base:
  inner:
    build_args: {ALL: own}
    versions:
      "3.11": {base_image: {name: base, source: aws}}
  plain:
"""
    made = stack(
        tmp_path,
        {
            "spec.yml": spec,
            "base/Dockerfile": HEAD,
            "base/versions.yaml": PYTHON,
            "inner/Dockerfile": HEAD,
            "plain/Dockerfile": "FROM busybox\n",
        },
    )
    inner = target(made, "inner/3.11")

    assert [one for one in made.findings if one.level != "notice"] == []
    assert inner.repository == "012345678901.dkr.ecr.eu-central-1.amazonaws.com/inner"
    assert [name for name, _ in inner.args] == ["ALL", "BASE_IMAGE"]
    assert dict(inner.args)["ALL"] == "own"
    assert dict(target(made, "plain").args) == {"ALL": "everywhere"}
    assert inner.templates.fixed == ("py{version}-{stamp}",)
    assert inner.templates.moving == ("{version}-{branch}",)
    assert made.has_registry


def test_versions_that_are_only_names(tmp_path: Path) -> None:
    """A list in the spec, as written; what differs comes of `{version}`."""
    spec = "images:\n  base:\n    versions: [3.10, '3.12']\n    build_args: {BASE_IMAGE: 'python:{version}'}\n"
    made = stack(tmp_path, {"spec.yml": spec, "base/Dockerfile": HEAD})
    assert {str(each.name): str(each.bases[0]) for each in made.targets} == {
        "base/3.10": "python:3.10",
        "base/3.12": "python:3.12",
    }
    for wrong, said in (("[a, a]", "'a' is here twice"), ("[a, [b]]", "should be text"), ("[a, b/c]", "not a valid")):
        text = f"images:\n  base:\n    versions: {wrong}\n"
        assert said in finding(stack(tmp_path, {"spec.yml": text, "base/Dockerfile": HEAD}), "wrong-value").sentence


def test_versions_in_two_places_are_an_error(tmp_path: Path) -> None:
    """Nobody can say which ones count."""
    spec = "images:\n  base:\n    versions: {'3.9': {docker_args: {BASE_IMAGE: 'python:3.9'}}}\n"
    made = stack(tmp_path, {"spec.yml": spec, "base/Dockerfile": HEAD, "base/versions.yaml": PYTHON})
    assert finding(made, "versions-twice").level == "error"


def test_plans_and_versions_do_not_multiply(tmp_path: Path) -> None:
    """An image's own versions win, and it is said."""
    made = stack(
        tmp_path,
        {"spec.yml": "plans: {A: , B: }\nimages: {base: }\n", "base/Dockerfile": HEAD, "base/versions.yaml": PYTHON},
    )
    assert [str(one.name) for one in made.targets] == ["base/3.11"]
    assert finding(made, "versions-and-plans").level == "warning"


def test_a_dirty_tree_is_stamped_all_the_same(tmp_path: Path) -> None:
    """A stamp is a run's, no commit's: writing last_updated.yaml makes the tree dirty."""
    pair(tmp_path)
    dirty = stack(tmp_path, {}, revision=Revision("a" * 40, "main", is_dirty=True, stamp=STAMP))
    plan = compare(dirty, NOTHING_KNOWN, select(dirty, ()), Presence(), Need())
    assert {tag for step in plan.steps for tag in step.tags} == {f"py3.11-{STAMP}"}


def test_what_writes_itself_does_not_count(tmp_path: Path) -> None:
    """Stamps never; versions.yaml where the Dockerfile copies it."""
    more = {"base__last_updated.yaml": "'3.11': x\n", "base__note": "n"}
    assert [e.path for e in target(pair(tmp_path, **more), "base/3.11").inputs.context] == ["note"]
    more["base__Dockerfile"] = HEAD + "COPY . /\n"
    counted = [e.path for e in target(pair(tmp_path, **more), "base/3.11").inputs.context]
    assert counted == ["Dockerfile", "note", "versions.yaml"]


def test_windows_is_planned_and_not_built_here(tmp_path: Path) -> None:
    """By the base in its version, or by the one in its Dockerfile; what builds on it is left out with it."""
    windows = '"3.9": {docker_args: {BASE_IMAGE: "python:3.9-windowsservercore-1809"}}\n'
    files = {
        "win/Dockerfile": HEAD,
        "win/versions.yaml": windows,
        "nano/Dockerfile": "FROM mcr.microsoft.com/windows/nanoserver:1809\n",
    }
    made = stack(tmp_path, files)
    plan = compare(made, NOTHING_KNOWN, select(made, ()), Presence(), Need())

    assert {(step.action, *map(str, step.reasons)) for step in plan.steps} == {
        ("skip", "not buildable here: needs Windows")
    }
    there = stack(tmp_path, {}, Settings(Platform("windows/amd64")))
    assert [one.needs for one in there.targets] == [None, None]


def test_arguments_of_the_caller_win_and_have_their_place(tmp_path: Path) -> None:
    """For all images, one image, one version; an image that there is not is an error."""
    given = (GivenArgument(None, "X", "all"), GivenArgument("app", "X", "app"), GivenArgument("base/3.11", "X", "one"))
    made = pair(tmp_path, settings=Settings(LINUX, build_args=given))

    assert [dict(target(made, name).args)["X"] for name in ("app/3.11", "base/3.11")] == ["app", "one"]
    (everywhere,) = (each.args for each in pair(tmp_path, settings=Settings(LINUX, build_args=given[:1])).targets[1:])
    assert dict(everywhere)["X"] == "all"
    for word in ("apt", "app/3.13", "z*"):
        with pytest.raises(UnknownName, match="no image"):
            pair(tmp_path, settings=Settings(LINUX, build_args=(GivenArgument(word, "X", "1"),)))


def test_stale_and_mixed_stamps_are_found(tmp_path: Path) -> None:
    """Beside the versions that there are."""
    made = pair(tmp_path, **{"base__last_updated.yaml": "'3.11': a\n'3.9': b\n"})
    assert {one.code for one in made.findings} >= {"stale-stamp", "mixed-stamps"}
