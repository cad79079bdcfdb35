# SPDX-License-Identifier: MIT
"""A stack from disk: what counts in a fingerprint and what does not, parents and bases, suites, findings."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stackyard.errors import InvalidValue
from stackyard.load.stack import Rereader, Settings, load_stack
from stackyard.load.tree.place import find
from stackyard.model import canonical
from stackyard.model.inputs import Places, build_fingerprint, differences, source_fingerprint
from stackyard.model.names import Digest, TargetName
from stackyard.model.reference import Platform, Repository
from stackyard.model.stack import Stack, Target
from stackyard.plan.graph import build_order, graph_of
from tests.unit.plan.made import MAIN, sha

SPEC = """\
registry: ghcr.io/acme
images:
  base: {}
  lab:
    depend_on: base
    build_args: {DECLARED: '1', UNDECLARED: '1', VERSION: '12'}
tag: {prefix: '2026.3'}
"""
LAB = """\
ARG BASE_TAG=latest
ARG VERSION=11
FROM node:${VERSION} AS tool
FROM ghcr.io/acme/base:${BASE_TAG}
ARG DECLARED
COPY src /src
COPY --from=tool /bin/node /bin/node
COPY --from=docker.io/library/redis:7 /x /x
"""
FILES = {
    "images/spec.yml": SPEC,
    "images/base/Dockerfile": "FROM debian:12\nCOPY . /base\n",
    "images/base/a.txt": "a",
    "images/base/test/test_base.py": "base",
    "images/lab/Dockerfile": LAB,
    "images/lab/.dockerignore": "*.log\n",
    "images/lab/src/a.py": "a",
    "images/lab/src/b.py": "b",
    "images/lab/test/test_a.py": "a",
    "images/lab/build.log": "noise",
    "images/conftest.py": "",
}


def write(root: Path, files: Mapping[str, str | None]) -> Path:
    """Write files (None: remove it)."""
    for path, text in files.items():
        full = root / path
        if text is None:
            full.unlink()
            continue
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(text)
    return root


def load(root: Path, registry: str | None = None, platform: str = "linux/amd64") -> Stack:
    """The stack as it is on disk."""
    return load_stack(find(root), MAIN, Settings(Platform(platform), registry))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The stack of FILES."""
    return write(tmp_path / "stack", FILES)


def fingerprints(stack: Stack) -> dict[str, tuple[Digest, Digest]]:
    """Source and build fingerprint of each target, on parents and bases that stand still."""
    sources: dict[TargetName, Digest] = {}
    found = {}
    for name in build_order(graph_of(stack)):
        inputs = stack.target(name).inputs
        sources[name] = source_fingerprint(inputs, sources)
        parents = {parent: sha(parent) for parent in inputs.parents}
        found[str(name)] = (
            sources[name],
            build_fingerprint(inputs, parents, {base: sha(base) for base in inputs.bases}),
        )
    return found


def target(stack: Stack, name: str) -> Target:
    """One target."""
    return stack.target(TargetName(name))


def clean(root: Path) -> Stack:
    """The stack, which has no findings."""
    stack = load(root)
    assert stack.findings == ()
    return stack


Edit = Callable[[Path], object]


def at(path: str, do: Callable[[Path], object]) -> Edit:
    """An edit of one path."""
    return lambda root: do(root / path)


def link(to: str) -> Edit:
    """An edit that makes (or remakes) a symbolic link."""

    def do(root: Path) -> None:
        path = root / "images/lab/src/link"
        path.unlink(missing_ok=True)
        path.symlink_to(to)

    return do


@pytest.mark.parametrize(
    ("change", "clauses"),
    [
        (at("images/lab/src/a.py", lambda p: p.write_text("A")), ["src/a.py changed"]),
        (at("images/lab/src/a.py", lambda p: p.chmod(0o755)), ["src/a.py has another mode"]),
        (at("images/lab/src/c.py", lambda p: p.write_text("c")), ["src/c.py added"]),
        (at("images/lab/src/a.py", lambda p: p.unlink()), ["src/a.py removed"]),
        (at("images/lab/src/a.py", lambda p: p.rename(p.with_name("c.py"))), ["src/c.py added", "src/a.py removed"]),
        (at("images/lab/src/empty", lambda p: p.mkdir()), ["src/empty added"]),
        (link("a.py"), ["src/link added"]),
        (at("images/lab/README.md", lambda p: p.write_text("x")), ["README.md added"]),
        (at("images/lab/Dockerfile", lambda p: p.write_text(LAB + "USER x\n")), ["Dockerfile changed"]),
        (at("images/spec.yml", lambda p: p.write_text(SPEC.replace("DECLARED: '1', U", "DECLARED: '2', U"))),
         ["build argument DECLARED changed from 1 to 2"]),
        (at("images/spec.yml", lambda p: p.write_text(SPEC.replace("'12'", "13"))),
         ["build argument VERSION changed from 12 to 13", "base docker.io/library/node:12 removed",
          "base docker.io/library/node:13 added"]),
    ],
)  # fmt: skip
def test_what_counts(root: Path, change: Edit, clauses: list[str]) -> None:
    """Content, mode, name, link, an empty folder, the Dockerfile, declared arguments, references: of this image."""
    before = clean(root)
    change(root)
    after = clean(root)

    changed = [name for name, both in fingerprints(after).items() if both[1] != fingerprints(before)[name][1]]
    assert changed == ["lab"]
    assert fingerprints(after)["lab"][0] != fingerprints(before)["lab"][0]
    assert [str(r) for r in differences(target(after, "lab").inputs, target(before, "lab").inputs, Places())] == clauses


@pytest.mark.parametrize(
    "change",
    [
        at("images/lab/src/a.py", lambda p: os.utime(p, (1, 1))),
        at("images/lab/src/a.py", lambda p: p.chmod(0o600)),
        at("images/lab/src", lambda p: p.chmod(0o700)),
        at("images/lab/build.log", lambda p: p.write_text("more noise")),
        at("images/lab/new.log", lambda p: p.write_text("noise")),
        at("images/lab/Dockerfile", lambda p: p.write_text(f"# why\n\n{LAB}\n# x\n")),
        at("images/lab/Dockerfile", lambda p: p.chmod(0o755)),
        at("images/lab/test/test_a.py", lambda p: p.write_text("other")),
        at("images/lab/test/test_b.py", lambda p: p.write_text("new")),
        at("images/conftest.py", lambda p: p.write_text("x = 1")),
        at("images/README.md", lambda p: p.write_text("x")),
        at("docs/README.md", lambda p: write(p.parent, {"README.md": "x"})),
        at("images/spec.yml", lambda p: p.write_text(SPEC.replace("UNDECLARED: '1'", "UNDECLARED: '2'"))),
        at("images/spec.yml", lambda p: p.write_text(SPEC.replace("2026.3", "2026.4"))),
        at("images/spec.yml", lambda p: p.write_text(SPEC + "# a comment\n")),
        at("images/lab/.git/HEAD", lambda p: write(p.parent, {"HEAD": "x"})),
    ],
)
def test_what_does_not_count(root: Path, change: Edit) -> None:
    """Times, owners' bits, what is ignored, tests that nothing copies, undeclared arguments, BASE_TAG before FROM."""
    before = fingerprints(clean(root))
    change(root)

    assert fingerprints(clean(root)) == before


def test_owners_checkout_paths_and_the_order_of_files_do_not_count(root: Path, tmp_path: Path) -> None:
    """The same files, written in another order to another place by somebody else."""
    elsewhere = write(tmp_path / "else" / "where", dict(reversed(FILES.items())))
    if os.geteuid() == 0:
        for path in elsewhere.rglob("*"):
            os.chown(path, 1234, 1234)

    assert fingerprints(clean(elsewhere)) == fingerprints(clean(root))


def test_a_links_target_counts_and_what_it_points_at_does_not(root: Path) -> None:
    """A link is its text."""
    link("a.py")(root)
    first = fingerprints(clean(root))
    write(root, {"outside": "1"})
    link("../../../outside")(root)
    second = fingerprints(clean(root))
    write(root, {"outside": "2"})

    assert first["lab"] != second["lab"]
    assert fingerprints(clean(root)) == second


def test_a_parents_change_is_in_the_childs_source_fingerprint_alone(root: Path) -> None:
    """Whether the child is built again is decided by what comes out of the parent."""
    before = fingerprints(clean(root))
    write(root, {"images/base/a.txt": "b"})
    after = fingerprints(clean(root))

    assert after["lab"][0] != before["lab"][0]
    assert after["lab"][1] == before["lab"][1]
    inputs = target(clean(root), "lab").inputs
    bases = {base: sha(base) for base in inputs.bases}
    assert build_fingerprint(inputs, {TargetName("base"): sha("1")}, bases) != build_fingerprint(
        inputs, {TargetName("base"): sha("2")}, bases
    )


def test_parents_and_bases_are_read_from_the_dockerfile(root: Path) -> None:
    """Every stage and COPY --from: what the stack defines is a parent, the rest an external base."""
    base, lab = clean(root).targets

    assert (base.parent_names, [str(b) for b in base.bases]) == ((), ["debian:12"])
    assert lab.parent_names == ("base",)
    assert [str(reference) for reference in lab.parents[0].references] == ["ghcr.io/acme/base:2026.3-main"]
    assert lab.foundation == "base"
    assert lab.inputs.bases == ("docker.io/library/node:12", "docker.io/library/redis:7")


def test_base_tag_counts_where_a_stage_declares_it(root: Path) -> None:
    """Its value can become content then, so that another branch is another image."""
    declared = LAB + "ARG BASE_TAG\n"

    assert "BASE_TAG" not in dict(target(clean(root), "lab").inputs.args)
    assert dict(target(clean(root), "lab").args)["BASE_TAG"] == "2026.3-main"
    write(root, {"images/lab/Dockerfile": declared})
    assert "BASE_TAG" not in dict(target(clean(root), "lab").inputs.args)  # nothing reads it there
    for reading in ("RUN true\n", "LABEL tag=$BASE_TAG\n", "ARG FULL=x-${BASE_TAG}\nENV F=$FULL\n"):
        write(root, {"images/lab/Dockerfile": declared + reading})
        stack = load(root)
        assert dict(target(stack, "lab").inputs.args)["BASE_TAG"] == "2026.3-main"
        assert [(each.code, each.level, each.line) for each in stack.findings] == [("tag-is-content", "warning", 9)]


def test_a_test_folder_that_is_copied_counts(root: Path) -> None:
    """All of it, once an instruction reaches any of it; copying everything reaches it too, as the base does."""
    write(root, {"images/lab/Dockerfile": LAB + "COPY test/data /data\n", "images/lab/test/data/x": "1"})
    before = fingerprints(clean(root))
    write(root, {"images/lab/test/test_a.py": "other"})
    assert fingerprints(clean(root))["lab"] != before["lab"]

    write(root, {"images/base/test/test_base.py": "other"})
    assert fingerprints(clean(root))["base"] != before["base"]


def test_a_parent_that_copies_on_build_reaches_the_tests_of_its_children(root: Path) -> None:
    """`ONBUILD COPY . /x` of the parent puts them into the image, whatever the child's own Dockerfile says."""
    write(root, {"images/lab/src/a.py": "a"})
    assert not [entry for entry in target(load(root), "lab").inputs.context if entry.path.startswith("test/")]
    write(root, {"images/base/Dockerfile": "FROM debian:12\nONBUILD COPY . /base\n"})

    assert [entry.path for entry in target(load(root), "lab").inputs.context if entry.path.startswith("test/")]


@pytest.mark.parametrize(
    ("path", "text", "counts"),
    [
        ("conftest.py", "x = 1", True),
        ("images/conftest.py", "x = 1", True),
        ("images/lab/conftest.py", "x = 1", True),
        ("images/pytest.ini", "[pytest]", True),
        ("pyproject.toml", "[tool.pytest.ini_options]", True),
        ("pyproject.toml", "[project]", False),
        ("images/base/conftest.py", "x = 1", False),
    ],
)
def test_what_pytest_reads_above_tests_counts(root: Path, path: str, text: str, counts: bool) -> None:
    """An edit of it can turn a result round, so the result is asked for again; another image's does not."""
    before = target(load(root), "lab").suites
    write(root, {path: text})

    assert (target(load(root), "lab").suites != before) is counts


def test_tests_are_known_by_their_code(root: Path) -> None:
    """A changed test, or what pytest picks up above it, is another suite: tested again, and not built again."""
    before = clean(root)
    suites = [suite.digest for suite in target(before, "lab").suites]
    for path in ("images/lab/test/test_a.py", "images/conftest.py"):
        write(root, {path: f"# {path}"})
        after = [suite.digest for suite in target(clean(root), "lab").suites]
        assert after != suites
        suites = after
    write(root, {"images/lab/test/__pycache__/a.pyc": "x", "images/lab/src/a.py": "A"})
    assert [suite.digest for suite in target(clean(root), "lab").suites] == suites


def test_build_all_rebuilds_everything_and_a_revert_gives_it_back(root: Path) -> None:
    """What the stack's owner named there counts for every image; with the old bytes the old fingerprints are back."""
    rules = {"images/change_ignore.json": '{"BuildAll": ["conftest.py", "tests_common"], "ChangeIgnore": []}'}
    before = fingerprints(clean(write(root, rules)))
    for path in ("images/conftest.py", "images/tests_common/deep/test_x.py"):
        write(root, {path: "x = 1"})
        changed = fingerprints(clean(root))
        assert all(changed[name][1] != before[name][1] for name in ("base", "lab"))
    write(root, {"images/conftest.py": ""})
    shutil.rmtree(root / "images/tests_common")

    assert fingerprints(clean(root)) == before


def test_an_image_in_change_ignore_is_its_dockerfile(root: Path) -> None:
    """Nothing else in its folder counts."""
    before = fingerprints(clean(write(root, {"images/change_ignore.json": '{"ChangeIgnore": ["lab"]}'})))
    write(root, {"images/lab/src/a.py": "other"})
    assert fingerprints(clean(root)) == before

    write(root, {"images/lab/Dockerfile": LAB + "RUN x\n"})
    assert fingerprints(clean(root))["lab"] != before["lab"]


def test_the_platform_is_part_of_a_build(root: Path) -> None:
    """One Dockerfile is another image on another platform; references may name the platform."""
    write(root, {"images/base/Dockerfile": "FROM debian:12-$TARGETARCH\n"})

    assert fingerprints(load(root))["base"] != fingerprints(load(root, platform="linux/arm64"))["base"]
    assert target(load(root, platform="linux/arm64"), "base").inputs.bases == ("docker.io/library/debian:12-arm64",)


def test_secrets_are_in_no_inputs(root: Path) -> None:
    """A declared argument that looks like a credential is compared by its hash; the build still gets its value."""
    write(root, {
        "images/spec.yml": SPEC.replace("DECLARED: '1', U", "API_TOKEN: hush-hush, U"),
        "images/lab/Dockerfile": LAB.replace("DECLARED", "API_TOKEN"),
    })  # fmt: skip
    lab = target(clean(root), "lab")

    assert dict(lab.args)["API_TOKEN"] == "hush-hush"
    assert dict(lab.inputs.args)["API_TOKEN"].startswith("hidden:")
    assert b"hush-hush" not in canonical.encode(lab.inputs)
    write(root, {"images/spec.yml": SPEC.replace("DECLARED: '1', U", "API_TOKEN: other, U")})
    assert target(clean(root), "lab").inputs != lab.inputs


def test_a_secret_in_a_reference_is_not_printed(root: Path) -> None:
    """Where an argument makes a reference invalid, the finding shows the reference without its value."""
    write(root, {
        "images/spec.yml": SPEC.replace("VERSION: '12'", "TOKEN: Hush-Hush"),
        "images/lab/Dockerfile": "ARG TOKEN\nFROM x/${TOKEN}\n",
    })  # fmt: skip
    found = next(finding for finding in load(root).findings if finding.code == "bad-reference")

    assert "(hidden)" in found.sentence
    assert "Hush" not in found.sentence


def test_what_makes_no_reference_is_named(root: Path) -> None:
    """The variable, where it is its value; what stands beside it, where no value would help."""
    hints = []
    for line in ("FROM x:${V}", "FROM x/Y:${V}"):
        write(root, {"images/lab/Dockerfile": f"ARG V=/\n{line}\n"})
        hints += [each.hint for each in load(root).findings if each.code == "bad-reference"]

    assert hints == ["look at V: the name it gives is no repository's", Repository.hint]


def test_where_images_are_published(root: Path) -> None:
    """The registry and the name; `image_name` with a registry of its own wins; the caller's registry wins over all."""
    spec = SPEC.replace("base: {}", "base: {image_name: quay.io/other/base-notebook}")
    write(root, {"images/spec.yml": spec, "images/lab/Dockerfile": "FROM quay.io/other/base-notebook:x\n"})

    assert [str(t.repository) for t in clean(root).targets] == ["quay.io/other/base-notebook", "ghcr.io/acme/lab"]
    assert clean(root).targets[1].parent_names == ("base",)
    overridden = load(root, "127.0.0.1:5000/x/")
    assert [str(t.repository) for t in overridden.targets] == [
        "127.0.0.1:5000/x/other/base-notebook",
        "127.0.0.1:5000/x/lab",
    ]
    assert overridden.targets[1].parent_names == ("base",)
    assert overridden.has_registry


def test_a_folder_of_dockerfiles_is_a_stack(tmp_path: Path) -> None:
    """Parents are read from the Dockerfiles; there is no registry until somebody names one."""
    stack = clean(write(tmp_path, {"images/b/Dockerfile": "FROM a\n", "images/a/Dockerfile": "FROM debian\n"}))

    assert [(str(t.name), t.parent_names) for t in stack.targets] == [("a", ()), ("b", ("a",))]
    assert not stack.has_registry
    assert stack.stable == "stable"


def test_gates_of_an_image(root: Path) -> None:
    """Common and own tests are one suite, integration tests another, declared commands the inventory."""
    write(root, {
        "images/spec.yml": SPEC.replace("base\n", "base\n    integration_tests: true\n    info_cmds: [P]\n")
        + "all_info_cmds:\n  P: {command: python --version}\n",
        "images/tests_common/test_all.py": "",
        "images/lab/integration_tests/test_server.py": "",
    })  # fmt: skip
    base, lab = clean(root).targets

    assert [(s.kind, s.folders) for s in base.suites] == [("basic", ("images/tests_common", "images/base/test"))]
    assert [(s.kind, s.folders) for s in lab.suites] == [
        ("basic", ("images/tests_common", "images/lab/test")),
        ("integration", ("images/lab/integration_tests",)),
        ("inventory", ()),
    ]


def test_what_own_tests_share_is_theirs(root: Path) -> None:
    """An edit of `IMAGE/tests_common`, which no Dockerfile reaches, tests that image again and builds nothing."""
    write(root, {"images/lab/test/test_lab.py": "", "images/lab/tests_common/helpers.py": "one"})
    before = clean(root).targets
    write(root, {"images/lab/tests_common/helpers.py": "two"})
    after = clean(root).targets

    assert [now.inputs == was.inputs for was, now in zip(before, after, strict=True)] == [True, True]
    assert [now.suites == was.suites for was, now in zip(before, after, strict=True)] == [True, False]
    assert after[1].suites[0].folders == ("images/lab/test",)


@pytest.mark.parametrize(
    ("files", "code", "level", "where", "said"),
    [
        ({"images/spec.yml": SPEC + "  \nimages2: 1\n"}, "unknown-key", "warning", "images/spec.yml:9:1", "images2"),
        ({"images/spec.yml": SPEC.replace("base: {}", "base: {}\n  gone: {}")}, "missing-folder", "error",
         "images/spec.yml:4:3", "image 'gone' has no folder images/gone"),
        ({"images/spec.yml": SPEC.replace("base: {}", "base: {}\n  bare: {}"), "images/bare/x": ""},
         "missing-dockerfile", "error", "images/spec.yml:4:3", "folder images/bare has no Dockerfile"),
        ({"images/extra/Dockerfile": "FROM x\n"}, "folder-without-entry", "warning", "images/extra/Dockerfile",
         "no entry under `images:`"),
        ({"images/spec.yml": SPEC.replace("depend_on: base", "depend_on: bsae")}, "unknown-parent", "warning",
         "images/spec.yml:5:16", "depends on 'bsae'"),
        ({"images/lab/Dockerfile": "FROM debian:12\n"}, "parent-not-used", "warning", "images/lab/Dockerfile:1:6",
         "depends on 'base', and no instruction"),
        ({"images/spec.yml": SPEC.replace("VERSION: '12'", "BASE_TAG: old")}, "base-tag-set", "warning",
         "images/spec.yml:6:50", "sets BASE_TAG itself"),
        ({"images/lab/Dockerfile": "ARG T\nFROM ghcr.io/acme/base:${T}\n"}, "bad-reference", "error",
         "images/lab/Dockerfile:2:6", "'ghcr.io/acme/base:'"),
        ({"images/lab/Dockerfile": "FROM a\nNONSENSE x\n"}, "dockerfile", "error", "images/lab/Dockerfile:2:1",
         "NONSENSE"),
        ({"images/spec.yml": SPEC.replace("depend_on: base", "depend_on: base\n    info_cmds: [P]")}, "unknown-command",
         "error", "images/spec.yml:6:17", "command 'P'"),
        ({"images/spec.yml": SPEC.replace("depend_on: base", "depend_on: base\n    integration_tests: true")},
         "missing-tests", "error", "images/spec.yml:6:24", "no folder images/lab/integration_tests"),
        ({"images/spec.yml": "images:\n"}, "no-images", "error", "images/spec.yml:1:1", "there is no image"),
    ],
)  # fmt: skip
def test_each_finding(root: Path, files: dict[str, str], code: str, level: str, where: str, said: str) -> None:
    """What is odd, where it is, how bad, and what to do."""
    stack = load(write(root, files))
    finding = next((finding for finding in stack.findings if finding.code == code), None)

    assert finding is not None, stack.findings
    assert finding.level == level
    assert str(finding).startswith(f"{where}: ")
    assert said in finding.sentence


def test_all_errors_of_a_dockerfile_are_told_up_to_twenty(root: Path) -> None:
    """One by one, then as a number; they are in the order of the file."""
    stack = load(write(root, {"images/lab/Dockerfile": "FROM a\n" + "COPY x\n" * 30}))

    assert [finding.line for finding in stack.findings] == list(range(2, 23))
    assert {finding.sentence for finding in stack.findings[:20]} == {"COPY needs a source and a destination"}
    assert stack.findings[20].sentence == "10 more instructions cannot be read"


def test_what_is_wrong_in_one_image_does_not_hide_another(root: Path) -> None:
    """The other targets are there, and every error is told at once."""
    write(root, {"images/base/Dockerfile": "NONSENSE\n", "images/lab/Dockerfile": "ALSO NONSENSE\n"})
    stack = load(root)
    assert [finding.path for finding in stack.findings] == ["images/base/Dockerfile", "images/lab/Dockerfile"]

    write(root, {"images/lab/Dockerfile": LAB})
    assert [str(each.name) for each in load(root).targets] == ["lab"]


def test_an_empty_folder_of_images(tmp_path: Path) -> None:
    """No image, no spec: an error of the stack, not a plan that has nothing to do."""
    (tmp_path / "images").mkdir()
    (finding,) = load(tmp_path).findings

    assert (finding.code, finding.level, finding.path) == ("no-images", "error", "images")


@pytest.mark.parametrize(
    ("old", "new", "where", "near"),
    [
        ("base: {}", "base: {image_name: ghcr.io/Acme/Base}", "images/spec.yml:3:22", "ghcr.io/acme/base"),
        ("lab:", "Lab:", "images/spec.yml:4:3", "lab"),
        ("base: {}", "base: {image_name: 日本}", "images/spec.yml:3:22", None),
    ],
)
def test_a_name_that_no_registry_takes(root: Path, old: str, new: str, where: str, near: str | None) -> None:
    """Capitals in a repository's name: an error where it stands, with the nearest name; others are told beside it."""
    write(root, {"images/spec.yml": SPEC.replace(old, new) + "root: nobody\n"})
    wrong, *others = [finding for finding in load(root).findings if finding.code in ("wrong-value", "unknown-root")]
    if others and wrong.code == "unknown-root":
        wrong, others = others[0], [wrong]

    assert str(wrong).startswith(f"{where}: ")
    assert (wrong.level, "is not a valid repository" in wrong.sentence) == ("error", True)
    assert near is None or wrong.wanted == near
    assert [finding.code for finding in others] == ["unknown-root"]


def test_a_registry_of_the_caller_that_is_none(root: Path) -> None:
    """The caller's mistake is not blamed on a file."""
    with pytest.raises(InvalidValue):
        load(root, "https://ghcr.io")


def test_a_parent_outside_the_stack_is_an_external_base(root: Path) -> None:
    """A file that lists one child only still loads: its parent is what its registry has."""
    write(root, {"images/spec.yml": SPEC.replace("  base: {}\n", "")})
    stack = load(root)

    assert [str(t.name) for t in stack.targets] == ["lab"]
    assert stack.targets[0].parent_names == ()
    assert "ghcr.io/acme/base:latest" in stack.targets[0].inputs.bases


def test_a_suite_without_a_test_is_noted(root: Path) -> None:
    """A folder whose files pytest takes nothing from counts as a pass: the stack's owner is told."""
    write(root, {"images/base/test/test_base.py": None, "images/base/test/leaf.py": "def test_it(): assert False"})
    found = [finding for finding in load(root).findings if finding.code == "empty-suite"]

    assert [(finding.level, finding.path) for finding in found] == [("warning", "images/base/test/leaf.py")]


def test_a_declared_source_is_a_label_of_every_image(root: Path) -> None:
    """Labels are functions of the stack: the address counts in the fingerprint, and nothing is guessed from git."""
    spec = (root / "images/spec.yml").read_text()
    before = clean(root)
    after = clean(write(root, {"images/spec.yml": f"source: https://git.example/lab\n{spec}"}))

    assert all("org.opencontainers.image.source" not in dict(target.inputs.labels) for target in before.targets)
    assert {dict(target.inputs.labels)["org.opencontainers.image.source"] for target in after.targets} == {
        "https://git.example/lab"
    }


def test_a_target_is_read_again_as_its_own_files_are_then(tmp_path: Path) -> None:
    """What is said of all images is read once; a build context each time; a folder that is gone gives nothing."""
    place = find(write(tmp_path, FILES))
    settings = Settings(Platform("linux/amd64"))
    reread = Rereader(place, MAIN, settings)
    name = TargetName("lab")
    first = reread(name)

    assert first is not None
    assert first.inputs == load_stack(place, MAIN, settings).target(name).inputs

    write(tmp_path, {"images/spec.yml": "images: [", "images/lab/src/a.py": "b"})
    second = reread(name)

    assert second is not None
    assert second.inputs.context != first.inputs.context
    write(tmp_path, {"images/lab/Dockerfile": None})
    assert reread(name) is None
    assert reread(TargetName("other")) is None
