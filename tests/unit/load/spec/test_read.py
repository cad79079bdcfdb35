# SPDX-License-Identifier: MIT
"""spec.yml: what it says, and each thing that is odd or wrong, with its line."""

from __future__ import annotations

from textwrap import dedent
from typing import cast

import pytest

from stackyard.errors import FileProblem
from stackyard.load.spec.policy import USUAL, settled
from stackyard.load.spec.read import read_spec
from stackyard.load.spec.values import Spec
from stackyard.model.stack import Command, Finding, Policy, Secret, Words
from tests.cases import each_of

WHOLE = """\
name: campus
registry: ghcr.io/acme
root: base
images:
  base:
    build_args: {PY_VER: 3.10, EMPTY: ''}
    info_cmds: [PIP]
    prune: false
  lab:
    image_name: ghcr.io/other/lab
    depend_on: base
    integration_tests: yes
    prepull: true
    x-note: ours
tag:
  prefix: 2026.3
all_info_cmds:
  PIP: {description: Packages, command: pip list}
  BARE: {command: python --version}
  WORDS: {command: [echo, "a b", 1], optional: yes}
"""


def spec(text: str) -> Spec:
    """The spec of a text, which has no findings."""
    found, findings = read_spec(dedent(text).encode(), "images/spec.yml")
    assert findings == ()
    return found


def findings(text: str) -> list[Finding]:
    """What is odd in a text."""
    return list(read_spec(dedent(text).encode(), "images/spec.yml")[1])


def problem(text: str) -> tuple[int | None, str]:
    """What is wrong with a text: the line and the sentence, be it of the whole file or of one place in it."""
    try:
        found = [finding for finding in findings(text) if finding.level == "error"]
    except FileProblem as error:
        return cast("int | None", error.line), str(error).removeprefix("images/spec.yml")
    (only,) = found
    return only.line, str(only)


def test_a_whole_file() -> None:
    """Everything that can stand in it, scalars as they are written."""
    whole = spec(WHOLE)
    base, lab = whole.images

    assert (whole.name, whole.registry) == ("campus", "ghcr.io/acme")
    assert [(plan.name, plan.prefix, plan.stable) for plan in whole.plans] == [(None, "2026.3", "-stable")]
    assert (base.name, base.line, base.args) == ("base", 5, (("PY_VER", "3.10"), ("EMPTY", "")))
    assert (base.info_cmds, base.depend_on, base.integration_tests) == (("PIP",), (), False)
    assert (lab.name, lab.line, lab.image_name) == ("lab", 9, "ghcr.io/other/lab")
    assert (lab.depend_on, lab.integration_tests) == (("base",), True)
    assert whole.commands == (
        Command("PIP", "Packages", "pip list"),
        Command("BARE", "BARE", "python --version"),
        Command("WORDS", "WORDS", "echo 'a b' 1", True),
    )


@each_of(
    ("tag", "fixed", "moving"),
    [
        ("", ("{commit}",), ("{branch}",)),
        ("tag:\n", ("{commit}",), ("{branch}",)),
        ("tag: {prefix: '2026.3'}", ("{prefix}-{commit}",), ("{prefix}-{branch}",)),
        ("tag: {prefix: ''}", ("{commit}",), ("{branch}",)),
        ("tag: {prefix: '1', fixed: [], moving: 'v{prefix}'}", (), ("v{prefix}",)),
        ("tag: {fixed: ['{commit}', '{version}-{image}']}", ("{commit}", "{version}-{image}"), ("{branch}",)),
    ],
)
def test_both_kinds_of_tags_from_day_one(tag: str, fixed: tuple[str, ...], moving: tuple[str, ...]) -> None:
    """A fixed and a moving one where the file says nothing else; an empty list says none."""
    templates = spec(f"images: {{a: }}\n{tag}").plans[0].templates

    assert (templates.fixed, templates.moving) == (fixed, moving)


@each_of(
    ("text", "words"),
    [
        ("", None),
        ("words: on", USUAL),
        ("words: false", Words()),
        ("words:", USUAL),
        ("words: {skip: []}", Words(("full rebuild",), (), ("skip push",))),
        ("words: {rebuild: all anew, skip: [wip, skip ci]}", Words(("all anew",), ("wip", "skip ci"), ("skip push",))),
    ],
)
def test_words_that_messages_may_say(text: str, words: Words | None) -> None:
    """All usual ones, none, or one's own for an action; who says nothing leaves it to the convention."""
    policy = spec(f"images: {{a: }}\n{text}").policy

    assert policy.words == words
    assert settled(policy, is_datahub=False).words == (words or Words())
    assert settled(policy, is_datahub=True).words == (USUAL if words is None else words)


def test_which_runs_publish() -> None:
    """Lists and flags as they stand; `main` is planned whole in the DataHub convention."""
    text = "publish: {branches: [main, 'release/*'], pull_requests: yes}\nplan_all: trunk\nrebuild_all: [main]\n"
    policy = settled(spec(f"images: {{a: }}\n{text}").policy, is_datahub=True)

    assert (policy.branches, policy.pull_requests) == (("main", "release/*"), True)
    assert (policy.plan_all, policy.rebuild_all) == (("trunk",), ("main",))
    assert settled(spec("images: {a: }").policy, is_datahub=True).plan_all == ("main",)
    assert settled(spec("images: {a: }").policy, is_datahub=False) == Policy()
    every = spec("images: {a: }\npublish: {branches: true}\nplan_all: true\nrebuild_all: yes\n").policy
    assert (every.branches, every.plan_all, every.rebuild_all) == (None, ("*",), ("*",))
    none = spec("images: {a: }\npublish: {branches: no}\nplan_all: false\nrebuild_all: false\n").policy
    assert (none.branches, none.plan_all, none.rebuild_all) == ((), (), ())


def test_images_may_be_empty() -> None:
    """An image without a word is an image; no image at all is for the whole stack to say."""
    assert [image.name for image in spec("images:\n  a:\n  b: {}\n").images] == ["a", "b"]
    assert spec("images:\n").images == ()


@each_of(
    ("text", "line", "said", "hint"),
    [
        ("root: a\nimage: {a: }\nimages: {a: }", 2, "the file has a key 'image'", "did you mean 'images'?"),
        ("images:\n  a:\n    depends_on: b\n", 3, "image 'a' has a key 'depends_on'", "did you mean 'depend_on'?"),
        ("images:\n  a:\n    qqqq: b\n", 3, "image 'a' has a key 'qqqq'", "'x-'"),
        ("images: {a: }\ntag:\n  prefx: '1'\n", 3, "`tag` has a key 'prefx'", "did you mean 'prefix'?"),
        ("images: {a: }\nall_info_cmds:\n  P:\n    command: p\n    descr: q\n", 5, "command 'P' has a key 'descr'",
         "did you mean 'description'?"),
    ],
)  # fmt: skip
def test_a_key_that_nothing_reads_is_noted(text: str, line: int, said: str, hint: str) -> None:
    """A warning with the line of the key, and the key that was most likely meant."""
    (found,) = findings(text)

    assert (found.code, found.level, found.path, found.line) == ("unknown-key", "warning", "images/spec.yml", line)
    assert said in found.sentence
    assert hint in (found.hint or "")


def test_keys_without_end_are_counted() -> None:
    """Of thousands of keys that nothing reads, a hundred are told one by one, and the rest as one number."""
    found = findings("images: {a: }\n" + "".join(f"imagess{n}: 1\n" for n in range(5_000)))

    assert [finding.line for finding in found] == list(range(2, 103))
    assert "has 4900 more keys that nothing reads" in found[-1].sentence


@each_of(
    ("text", "line", "said"),
    [
        ("- a\n", 1, "the file should be a mapping"),
        ("", 1, "there is no `images:`"),
        ("root: a\n", 1, "there is no `images:`"),
        ("\nimages: [a]\n", 2, "`images` should be a mapping"),
        ("images:\n  a: text\n", 2, "image 'a' should be a mapping"),
        ("images:\n  a/b:\n    prune: true\n", 2, "'a/b' is not a valid image name"),
        ("images:\n  a:\n    image_name: [x]\n", 3, "`image_name` of image 'a' should be text"),
        ("images:\n  a:\n    build_args: [x]\n", 3, "`build_args` of image 'a' should be a mapping"),
        (
            "images:\n  a:\n    build_args:\n      X: [1]\n",
            4,
            "argument 'X' in `build_args` of image 'a' should be text, not a list",
        ),
        (
            "images:\n  a:\n    build_args:\n      X:\n",
            4,
            "argument 'X' in `build_args` of image 'a' should be text, not nothing",
        ),
        ("images:\n  a:\n    depend_on: {b: c}\n", 3, "`depend_on` of image 'a' should be text"),
        ("images:\n  a:\n    info_cmds: [[P]]\n", 3, "each entry of the commands"),
        ("images:\n  a:\n    integration_tests: SOON\n", 3, "`integration_tests` of image 'a' should be true or false"),
        ("images:\n  a:\n    prune: 1\n", 3, "`prune` of image 'a' should be true or false"),
        ("images:\n  a:\n    prepull: 'false'\n", 3, "`prepull` of image 'a' should be true or false"),
        ("name: [a]\nimages: {a: }\n", 1, "`name` should be text"),
        ("registry: Ghcr.io/Acme\nimages: {a: }\n", 1, "'Ghcr.io/Acme' is not a valid registry"),
        ("registry: https://ghcr.io\nimages: {a: }\n", 1, "is not a valid registry"),
        ("images: {a: }\nplans:\n  P: {tag_prefix: 1 2}\n", 3, "cannot begin a tag"),
        ("images: {a: }\nplans: [1]\n", 2, "a plan should be a mapping"),
        ("images: {a: }\nplans:\n  a/b: {}\n", 3, "is not a valid plan name"),
        ("images: {a: }\ntag: v1\n", 2, "`tag` should be a mapping"),
        ("images: {a: }\ntag:\n  prefix: [1]\n", 3, "`tag.prefix` should be text"),
        ("images: {a: }\ntag:\n  prefix: 2026 3\n", 3, "`tag.prefix` '2026 3' cannot begin a tag"),
        ("images: {a: }\ntag:\n  prefix: '-x'\n", 3, "cannot begin a tag"),
        ("images: {a: }\ntag:\n  fixed:\n    - ok\n    - '{comit}'\n", 5, "{comit}, which is none of branch, commit"),
        ("images: {a: }\ntag:\n  moving: 'a/{branch}'\n", 3, "is not a valid tag"),
        ("images: {a: }\npublish: main\n", 2, "`publish` should be a mapping"),
        ("images: {a: }\npublish: {pull_requests: maybe}\n", 2, "`pull_requests` of `publish` should be true or false"),
        ("images: {a: }\npublish: {branches: {a: }}\n", 2, "`publish.branches` should be"),
        ("images: {a: }\nwords: [skip ci]\n", 2, "`words` should be a mapping"),
        ("images: {a: }\nall_info_cmds: [P]\n", 2, "`all_info_cmds` should be a mapping"),
        ("images: {a: }\nall_info_cmds:\n  P:\n    description: d\n", 4, "command 'P' has no `command`"),
        ("images: {a: }\nall_info_cmds:\n  P:\n    command: {a: b}\n", 4, "`command` of command 'P' should be text"),
        (
            "images: {a: }\nall_info_cmds:\n  P:\n    command: it's\n",
            4,
            "`command` of command 'P' is no command: No",
        ),
        ("images: {a: }\nall_info_cmds:\n  P: {command: []}\n", 3, "`command` of command 'P' is empty"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, said: str) -> None:
    """A wrong type is an error where it stands, not a guess."""
    where, sentence = problem(text)

    assert where == line
    assert said in sentence


def test_members_of_a_group_may_be_versions_and_patterns() -> None:
    """What fits no image is told of, as a name that is none is."""
    text = "images: {lab: , web: }\ngroups: {a: [lab/3.12, 'l*', '*/3.12', 'x*', wbe]}\n"
    found, findings = read_spec(text.encode(), "spec.yml")

    assert found.groups == (("a", ("lab/3.12", "l*", "*/3.12", "x*", "wbe")),)
    assert [(finding.code, finding.found) for finding in findings] == [
        ("unknown-member", "x*"),
        ("unknown-member", "wbe"),
    ]


def test_timeouts_and_retries() -> None:
    """Of the stack and of an image; `never` is no limit."""
    found = spec("timeout: 30m\nimages:\n  a: {timeout: never, retries: 2}\n  b: {}\n")

    assert (found.timeout, found.timeout and found.timeout.seconds) == ("30m", 1800)
    assert [(image.timeout, image.retries) for image in found.images] == [("never", 2), (None, 0)]


@each_of("entry", ["timeout: 30", "timeout: 1d", "timeout: soon", "retries: 10", "retries: -1", "retries: often"])
def test_wrong_timeouts_and_retries(entry: str) -> None:
    """Each is an error at its place, with what it may be."""
    (found,) = findings(f"images:\n  a: {{{entry}}}\n")

    assert (found.level, found.line) == ("error", 2)
    assert found.hint


def test_what_may_fail_and_where_an_image_is_built() -> None:
    """One platform or several; neither by default."""
    found = spec(
        "images:\n  a: {allowed_to_fail: true, only_on: linux/arm64}\n  b: {only_on: [linux/amd64, linux/arm/v7]}\n"
    )

    assert [(image.may_fail, image.only_on) for image in found.images] == [
        (True, ("linux/arm64",)),
        (False, ("linux/amd64", "linux/arm/v7")),
    ]


@pytest.mark.parametrize("entry", ["only_on: arm64", "only_on: [linux/amd64, Linux]", "allowed_to_fail: sometimes"])
def test_wrong_words_of_what_may_fail_and_where(entry: str) -> None:
    """Each is an error at its place, with what it may be."""
    (found,) = findings(f"images:\n  a: {{{entry}}}\n")

    assert (found.code, found.level, found.line) == ("wrong-value", "error", 2)
    assert found.hint


def test_secrets_are_named() -> None:
    """Of the stack and of an image, by id: from the environment or a file."""
    found = spec(
        "secrets:\n  token: {env: TOKEN}\nssh: {default: {env: SSH_AUTH_SOCK}}\n"
        "images:\n  a:\n    secrets: {netrc: {file: ~/.netrc}}\n  b: {}\n"
    )

    assert found.secrets == (Secret("token", env="TOKEN"),)
    assert found.ssh == (Secret("default", env="SSH_AUTH_SOCK"),)
    assert [image.secrets for image in found.images] == [(Secret("netrc", file="~/.netrc"),), ()]


@each_of(
    "entry", ["x: hunter2", "x: {}", "x: {env: A, file: b}", '"a,b": {env: A}', "x: {file: 'a,b'}", "x: {value: y}"]
)
def test_wrong_secrets(entry: str) -> None:
    """Each is an error at its place; a secret itself is never repeated in what is hinted."""
    found = findings(f"images:\n  a:\n    secrets:\n      {entry}\n")

    assert [each.line for each in found if each.level == "error"] == [4]
    assert "hunter2" not in str(found)


def test_what_is_attested() -> None:
    """Asked for by kind; the scanner by digest, which is an error where it lacks one; nothing is asked for by none."""
    text = "attestations:\n  provenance: true\n  sbom: %s\nimages: {a: {}}\n"
    scanner = f"docker/buildkit-syft-scanner@sha256:{'a' * 64}"
    found = spec(text % scanner).attesting

    assert found is not None
    assert found.words == ("type=provenance,mode=min", f"type=sbom,generator={scanner}")
    (wrong,) = findings(text % "docker/buildkit-syft-scanner:1")
    assert (wrong.level, wrong.line, wrong.found) == ("error", 3, "docker/buildkit-syft-scanner:1")
    assert "by digest" in (wrong.hint or "") or "@sha256:" in (wrong.hint or "")
    assert spec("attestations: {provenance: false}\nimages: {a: {}}\n").attesting is None


def test_places_of_caches() -> None:
    """A text or a list; a wrong one is an error, and the others count."""
    text = "cache:\n  from: type=gha\n  to: ['type=registry,ref=ghcr.io/lab/cache'%s]\nimages: {a: {}}\n"
    found = spec(text % "").caching

    assert found is not None
    assert ([each.kind for each in found.imports], [each.kind for each in found.exports]) == (["gha"], ["registry"])
    (wrong,) = findings(text % ", type=s3")
    assert (wrong.level, wrong.found) == ("error", "type=s3")
    assert spec("images: {a: {}}\n").caching is None
