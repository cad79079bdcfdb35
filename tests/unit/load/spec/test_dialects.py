# SPDX-License-Identifier: MIT
"""Every dialect spec.yml ever had, in our own fixtures; and the real files, where they lie, as a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard.errors import FileProblem
from stackyard.load.spec.read import read_spec
from stackyard.load.spec.values import Spec
from stackyard.model.stack import TagTemplates
from tests.cases import each_of

SAMPLES = Path(__file__).parents[5] / "shared" / "data" / "datahub-specs"


def spec(text: str) -> Spec:
    """The spec of a text that has no findings."""
    read, findings = read_spec(text.encode(), "spec.yml")
    assert findings == ()
    return read


def found(text: str) -> list[tuple[str, str, int | None]]:
    """Level, code and line of each finding."""
    return [(finding.level, finding.code, finding.line) for finding in read_spec(text.encode(), "spec.yml")[1]]


V1 = """
images:
  base:
    image_name: lab/base
    dbuild_env:
      common: {FLAVOUR: plain}
      OLD: {PY: 3.8}
      NEW: {PY: 3.10, FLAVOUR: fancy}
  child:
    depend_on: base
tags:
  - OLD: {tag_prefix: 2021.2, tag_stable_postfix: -stable}
  - NEW: {tag_prefix: 2021.3, tag_stable_postfix: .final}
"""


def test_plans_as_a_list_under_tags() -> None:
    """The oldest form: a list of one-key maps; scalars stay as they are written."""
    read = spec(V1)

    assert [(p.name, p.prefix, p.stable) for p in read.plans] == [
        ("OLD", "2021.2", "-stable"),
        ("NEW", "2021.3", ".final"),
    ]
    old, new = read.plans
    assert read.images[0].args_for(old) == (("FLAVOUR", "plain"), ("PY", "3.8"))
    assert read.images[0].args_for(new) == (("FLAVOUR", "fancy"), ("PY", "3.10"))


@pytest.mark.parametrize("key", ["tags", "plans"])
def test_plans_as_a_map(key: str) -> None:
    """The same plans as a map, under either name, are the same plans."""
    text = V1.replace("tags:", f"{key}:").replace("  - OLD", "  OLD").replace("  - NEW", "  NEW")

    assert spec(text).plans[0].name == spec(V1).plans[0].name
    assert [p.prefix for p in spec(text).plans] == ["2021.2", "2021.3"]


def test_a_plan_without_a_prefix_is_tagged_latest() -> None:
    """A null plan, and one with a stable postfix only; both have no prefix."""
    read = spec("images: {a: {}}\nplans:\n  ONE:\n  TWO: {tag_stable_postfix: -s}\n")

    assert [(p.prefix, p.stable) for p in read.plans] == [(None, "-stable"), (None, "-s")]
    assert {p.templates for p in read.plans} == {TagTemplates((), ("latest",))}


def test_what_tag_says_is_for_all_plans() -> None:
    """Templates in the place of each plan's usual ones, and a prefix for those that have none; else all is as usual."""
    plans = "images: {a: {}}\nplans: {ONE: {tag_prefix: 1}, TWO: {}}\n"
    fixed = spec(plans + "tag: {fixed: '{version}-{commit}'}\n")
    moving = spec(plans + "tag: {prefix: 2, moving: '{prefix}-{version}'}\n")

    assert [plan.templates for plan in fixed.plans] == [
        TagTemplates(("{version}-{commit}",), ("{prefix}-{branch}",)),
        TagTemplates(("{version}-{commit}",), ("latest",)),
    ]
    assert [plan.prefix for plan in moving.plans] == ["1", "2"]
    assert {plan.templates for plan in moving.plans} == {TagTemplates(("{prefix}-{commit}",), ("{prefix}-{version}",))}


def test_plans_that_the_file_does_not_have_are_warnings() -> None:
    """A plan that was commented out may still be named by images."""
    text = """
images:
  a:
    dbuild_env: {GONE: {X: 1}}
    skip_plans: [GONE]
plans:
  LEFT: {tag_prefix: "1.0"}
"""
    assert found(text) == [("warning", "unknown-plan", 5), ("warning", "unknown-plan", 4)]


def test_manifests_stand_in_two_places() -> None:
    """At the top the table of commands, in an image the names of its commands; an empty list is none."""
    read = spec(
        "images:\n  a: {manifests: [OS]}\n  b: {manifests: []}\n  c:\n"
        "manifests:\n  OS: {description: System, command: uname -o}\n"
    )

    assert [(c.name, c.description, c.command) for c in read.commands] == [("OS", "System", "uname -o")]
    assert [image.info_cmds for image in read.images] == [("OS",), (), ()]


def test_the_younger_dialect_has_one_unnamed_plan() -> None:
    """`tag.prefix`, `build_args`, `info_cmds`, `all_info_cmds`, `root` as text or list or absent."""
    body = (
        "images:\n  a: {build_args: {V: 1.10}, info_cmds: [PY], integration_tests: true, prune: true, prepull: false}\n"
        "tag: {prefix: 2026.3}\nall_info_cmds: {PY: {command: python --version}}\n"
    )
    for head in ("root: a\n", "root: [a]\n", ""):
        read = spec(head + body)
        assert [(p.name, p.prefix) for p in read.plans] == [(None, "2026.3")]
        assert read.images[0].args == (("V", "1.10"),)
        assert read.images[0].integration_tests
        assert read.commands[0].description == "PY"


def test_a_boolean_with_another_type_is_an_error_with_its_line() -> None:
    """A name where true or false belongs, and a comment sign that was forgotten: never a guess."""
    text = "images:\n  a:\n    integration_tests: SOME_NAME\n  b:\n    prepull: false -- until fixed\n"
    findings = read_spec(text.encode(), "spec.yml")[1]

    assert [(f.level, f.code, f.line) for f in findings] == [("error", "wrong-value", 3), ("error", "wrong-value", 5)]
    assert "comment" in (findings[1].hint or "")


def test_one_wrong_image_hides_no_other() -> None:
    """The entry is an error, and the images after it are read."""
    read, findings = read_spec(b"images:\n  a: [1]\n  b: {depend_on: a}\n  c/d: {}\n", "spec.yml")

    assert [(f.level, f.line) for f in findings] == [("error", 2), ("error", 4)]
    assert [image.name for image in read.images] == ["a", "b"]


def test_unknown_keys_and_roots_are_warnings_with_what_was_meant() -> None:
    """Keys of one's own start with x-."""
    text = "root: b\nx-mine: 1\nimages:\n  a: {depends_on: b}\ntag: {prefx: 1}\n"
    findings = read_spec(text.encode(), "spec.yml")[1]

    assert [(f.code, f.hint) for f in findings] == [
        ("unknown-key", "did you mean 'prefix'?"),
        ("unknown-key", "did you mean 'depend_on'?"),
        ("unknown-root", "`root` is for readers of older files: it may be taken out"),
    ]


def test_anchors_and_merges_are_read() -> None:
    """What several images share may be written once."""
    read = spec("x-common: &common {info_cmds: [A]}\nimages:\n  a: {<<: *common}\n  b: {<<: *common, info_cmds: [B]}\n")

    assert [image.info_cmds for image in read.images] == [("A",), ("B",)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<<<<<<< HEAD\nimages: {}\n=======\n", 1),
        ("images:\n  a: {prefix: '2023.1's}\n", 2),
        ("- images\n", 1),
    ],
)
def test_what_cannot_be_read_at_all_says_where(text: str, line: int) -> None:
    """Conflict markers, a stray quote, not a mapping."""
    with pytest.raises(FileProblem) as caught:
        read_spec(text.encode(), "spec.yml")
    assert caught.value.line == line


# The real files: what reference/datahub.md section 2 says of each variant.

EXPECTED: dict[str, tuple[int, int, list[str]]] = {
    # start of the file's name -> number of plans, of images, codes of findings
    "2021-06-21-a22f8d0": (2, 2, []),
    "2021-06-24-e03cae9": (2, 3, []),
    "2021-06-29-e771fbc": (2, 3, []),
    "2021-07-12-71c7cf1": (2, 3, []),
    "2021-08-22-56b066a-2cfad6": (1, 3, []),
    "2021-08-22-56b066a-2f69b1": (2, 3, []),
    "2021-08-22-56b066a-3cccc2": (1, 3, []),
    "2021-08-22-56b066a-70df2c": (1, 6, []),
    "2021-08-22-56b066a-97a7e0": (1, 3, []),
    "2021-08-22-56b066a-a28b10": (1, 6, []),
    "2021-08-30-cc1a7e0": (2, 3, []),
    "2021-09-01-75aac78": (1, 3, ["unknown-plan"] * 3),
    "2022-03-09-0975c69": (1, 3, []),
    "2022-05-04-3226be4": (1, 3, []),
    "2023-02-28-1d01fc1": (1, 4, ["unknown-plan"] * 3),
    "2023-03-01-3ec2627": (1, 4, ["wrong-value"]),
    "2023-03-01-9a0f374": (1, 4, []),
    "2023-03-03-6b5aaad": (1, 4, []),
    "2023-03-07-74e3467": (1, 4, []),
    "2023-04-25-3327230": (1, 5, []),
    "2023-05-03-c9c5f92-63d8aa": (1, 5, []),
    "2023-05-03-c9c5f92-671f87": (1, 3, []),
    "2023-05-11-63e97b5": (1, 4, []),
    "2023-06-30-b68cc58": (1, 5, []),
    "2023-08-17-0ea2d27": (1, 3, []),
    "2023-08-18-21ac4f1": (1, 3, ["wrong-value"]),
    "2023-10-11-a8fb6ac": (1, 1, ["unknown-root"]),
    "2023-11-30-9ca9d50": (1, 1, []),
    "2026-05-15-2035e52": (1, 3, []),
}
BROKEN = {"2023-03-01-acb9b75": 28}


def sample_of(start: str) -> Path:
    """The one file whose name starts so."""
    if not SAMPLES.is_dir():
        pytest.skip("the real spec files are not beside this checkout")
    (path,) = SAMPLES.glob(f"{start}*")
    return path


@each_of("start", EXPECTED)
def test_a_real_file_loads_as_it_is(start: str) -> None:
    """Plans, images and findings of each real file, with every error naming its line."""
    read, findings = read_spec(sample_of(start).read_bytes(), "spec.yml")

    codes = [finding.code for finding in findings]
    assert (len(read.plans), len(read.images), codes) == EXPECTED[start]
    assert all(finding.line for finding in findings)


@pytest.mark.parametrize("start", BROKEN)
def test_a_broken_real_file_fails_at_its_line(start: str) -> None:
    """Not YAML: one sentence with the line."""
    with pytest.raises(FileProblem) as caught:
        read_spec(sample_of(start).read_bytes(), "spec.yml")
    assert caught.value.line == BROKEN[start]


def test_the_table_knows_every_real_file() -> None:
    """A file that comes to the samples comes to the table."""
    sample_of("2026-05-15")
    known = {*EXPECTED, *BROKEN}
    names = {path.name for path in SAMPLES.iterdir() if path.suffix in (".yml", ".yaml")}
    assert all(any(name.startswith(start) for start in known) for name in names)
    assert len(names) == len(known)
