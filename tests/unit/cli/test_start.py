# SPDX-License-Identifier: MIT
"""`init`: an empty repository, one that is a stack already, one that builds images in other ways."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.load.begin.compose import UNKNOWN, interpolated
from stackyard.load.begin.workflows import read_workflow
from stackyard.load.spec.read import read_spec
from tests.cases import each_of
from tests.conftest import GitStack
from tests.repositories import commit, git
from tests.unit.cli.conftest import Shell
from tests.unit.cli.shop import FILES, PARENTS


def files_of(root: Path) -> dict[str, str]:
    """What is in a folder, but for git's own."""
    paths = (path for path in root.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_text() for path in paths}


@pytest.fixture
def shop(bare_shell: Shell, git_stack: GitStack) -> Shell:
    """A shell in the shop's repository, which was cloned from GitHub."""
    bare_shell.root = git_stack(FILES, bare_shell.root / "shop")
    git(bare_shell.root, "remote", "add", "origin", "https://github.com/acme/shop.git")
    for base in ("debian:trixie-slim", "nginx:1.27"):
        bare_shell.engine.add(base)
    return bare_shell


def repository(shell: Shell, git_stack: GitStack, files: Mapping[str, str]) -> None:
    """Put a committed repository where the shell is."""
    shell.root = git_stack(files, shell.root / "repository")


# A repository that builds images in other ways.


@pytest.mark.processes
def test_twelve_dockerfiles_become_a_right_plan_with_no_edit(shop: Shell) -> None:
    """Targets, parents and order, repositories and build arguments come of what the repository says."""
    assert shop("init", "--yes").code == 0
    planned = shop.planned()

    assert {str(step.target): [str(parent.target) for parent in step.parents] for step in planned.steps} == PARENTS
    order = [str(step.target) for step in planned.steps]
    assert all(order.index(parent) < order.index(child) for child, parents in PARENTS.items() for parent in parents)
    assert {str(step.target): dict(step.build_args) for step in planned.steps if step.build_args} == {
        name: {"MODE": "production"} for name in ("api", "worker", "web", "shop-admin")
    }
    published = ("base", "python", "api", "worker", "node", "web", "admin", "tools")
    assert {str(step.repository) for step in planned.steps} == {
        *(f"ghcr.io/acme/shop-{name}" for name in published),
        *(f"ghcr.io/acme/{name}" for name in ("export", "report", "proxy", "migrations")),
    }
    assert [finding.code for finding in planned.findings if finding.level == "error"] == []


@pytest.mark.processes
def test_an_edited_source_rebuilds_the_images_that_copy_it(shop: Shell) -> None:
    """Exactly those; their children follow if they become something else."""
    shop("init", "--yes")
    commit(shop.root)
    assert shop("build").code == 0
    for path, rebuilt, follow in (
        ("services/worker/src/main.txt", {"worker"}, {"export", "report"}),
        ("libs/common/log.txt", {"api", "worker", "web", "shop-admin"}, {"migrations", "export", "report"}),
        ("docker/tools.txt", {"shop-tools"}, {"export"}),
        ("jobs/export/run.txt", {"export"}, set[str]()),
        ("README.md", set[str](), set[str]()),
    ):
        before = (shop.root / path).read_bytes()
        (shop.root / path).write_text("edited\n")

        actions = {step["target"]: step["action"] for step in shop("plan", "--json").json["steps"]}

        assert {name for name, action in actions.items() if action == "build"} == rebuilt, path
        assert {name for name, action in actions.items() if action == "decide-later"} == follow, path
        (shop.root / path).write_bytes(before)


@pytest.mark.processes
def test_the_preview_comes_first_and_writes_nothing(shop: Shell) -> None:
    """With --dry-run; with nobody to ask; with a no in a terminal."""
    before = files_of(shop.root)

    dry, unasked, refused = shop("init", "--dry-run"), shop("init"), shop.in_terminal("init", answers=["n"])

    assert (dry.code, unasked.code, refused.code) == (0, 2, 1)
    assert "+ stackyard.yml" in dry.out
    assert "hint: look at the preview (--dry-run), then add --yes" in unasked.err
    assert files_of(shop.root) == before
    assert shop.in_terminal("init", answers=["y"]).code == 0
    assert {*files_of(shop.root)} - {*before} == {"stackyard.yml"}


@pytest.mark.processes
def test_what_cannot_be_taken_over_is_said(shop: Shell) -> None:
    """Arguments from outside, arguments of a laptop, platforms, images that nothing publishes."""
    notes = "\n".join(shop("init", "--dry-run", "--json").json["notes"])

    assert "service 'api' takes the build argument API_TOKEN from outside" in notes
    assert "takes the build argument COMMIT from outside" in notes
    assert "'api' passes other build arguments than what publishes it: MODE" in notes
    assert ".github/workflows/images.yml builds for linux/amd64, linux/arm64" in notes
    assert "they would go where the others are: shop-tools, export, report, proxy, migrations" in notes


@pytest.mark.processes
def test_the_file_is_read_as_it_was_meant(shop: Shell) -> None:
    """Without a finding, each image with its Dockerfile, build context and where it came from."""
    shop("init", "--yes")
    text = (shop.root / "stackyard.yml").read_text()
    spec, findings = read_spec(text.encode(), "stackyard.yml")

    assert findings == ()
    assert {image.dockerfile for image in spec.images} == {
        path for path in FILES if path.endswith("Dockerfile") and path != "tests/Dockerfile"
    }
    assert {image.context for image in spec.images} == {".", "jobs/export", "services/api/migrations"}
    assert "  shop-base:  # from compose.yaml, .github/workflows/images.yml\n" in text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "docker-bake.hcl",
            'variable "REPO" { default = "ghcr.io/acme" }\n'
            'target "_all" { context = "." }\n'
            'target "base" {\n  inherits = ["_all"]\n  dockerfile = "build/a"\n  tags = ["${REPO}/base:1"]\n'
            '  args = { PY = "3.10" }\n}\n'
            'target "app" {\n  inherits = ["_all"]\n  dockerfile = "build/b"\n'
            '  contexts = { under = "target:base" }\n}\n',
        ),
        (
            "docker-bake.json",
            '{"target": {"base": {"dockerfile": "build/a", "tags": ["ghcr.io/acme/base:1"], "args": {"PY": "3.10"}},'
            ' "app": {"context": ".", "dockerfile": "build/b", "contexts": {"under": "target:base"}}}}',
        ),
    ],
)
def test_bake_files_are_read(name: str, text: str, bare_shell: Shell, git_stack: GitStack) -> None:
    """Both spellings; a parent is known by the name of a context, too."""
    repository(bare_shell, git_stack, {name: text, "build/a": "ARG PY\nFROM python:${PY}\n", "build/b": "FROM under\n"})
    assert bare_shell("init", "--yes").code == 0
    planned = bare_shell.planned()

    assert [(str(step.target), str(step.repository), dict(step.build_args)) for step in planned.steps] == [
        ("under", "ghcr.io/acme/base", {"PY": "3.10"}),
        ("app", "ghcr.io/acme/app", {}),
    ]
    assert [str(parent.target) for parent in planned.steps[1].parents] == ["under"]


@pytest.mark.parametrize(
    ("name", "text", "note"),
    [
        ("compose.yaml", "services: [", "not valid YAML"),
        ("compose.yaml", "services: {a: {build: {context: [1]}}}", "should be text"),
        ("compose.yaml", "services: {a: {build: ../other}}", "builds from outside this repository"),
        ("compose.yaml", "services: {a: {build: 'https://github.com/a/b.git'}}", "builds from outside"),
        ("compose.yaml", "services: {a: {build: missing}}", "there is no such Dockerfile"),
        ("compose.yaml", "services: {a: {build: {dockerfile_inline: FROM x}}}", "inline"),
        ("compose.yaml", "services: {a: {build: app/main/link}}", "leads out of this repository"),
        ("docker-bake.json", "{", "not valid JSON"),
        ("docker-bake.hcl", 'target "a" {', "the file ends too early"),
        ("compose.yaml", "services: {a: {build: '${WHERE}/a'}}", "builds from what this file does not say"),
        ("docker-bake.hcl", 'target "a" { dockerfile = upper("x") }', "builds from what this file does not say"),
        ("docker-bake.hcl", 'target "a" { context = join("/", ["a"]) }', "builds from what this file does not say"),
        ("docker-bake.hcl", 'target "a" { matrix = { x = [1] } }', "has a matrix"),
        ("docker-bake.hcl", "[" * 5000, "not valid HCL"),
        ("docker-bake.hcl", "a = " + "[" * 5000, "levels deep"),
        (
            ".github/workflows/a.yml",
            "jobs: {a: {steps: [{uses: docker/build-push-action@v6, with: {file: '${{ inputs.x }}'}}]}}",
            "does not say",
        ),
        (
            ".github/workflows/a.yml",
            "jobs: {a: {strategy: {matrix: '${{ fromJSON(x) }}'}, steps: [{uses: docker/build-push-action@v6}]}}",
            "only a run knows",
        ),
    ],
)
def test_a_file_that_cannot_be_taken_is_a_note(
    name: str, text: str, note: str, bare_shell: Shell, git_stack: GitStack
) -> None:
    """It never keeps the rest from being listed, and is never a traceback."""
    repository(bare_shell, git_stack, {name: text, "app/main/Dockerfile": "FROM busybox\n"})
    outside = bare_shell.root.parent / "outside"
    outside.mkdir()
    (outside / "Dockerfile").write_text("FROM busybox\n")
    os.symlink(outside, bare_shell.root / "app" / "main" / "link")

    said = bare_shell("init", "--dry-run", "--json")

    assert said.code == 0
    assert any(note in text for text in said.json["notes"]), said.json["notes"]
    assert "app/main/Dockerfile" in said.json["files"][0]["text"]


TWICE = """\
jobs:
  a:
    strategy: {matrix: {py: ["3.10", "3.12"]}}
    steps:
      - uses: docker/build-push-action@v6
        with:
          tags: ghcr.io/acme/app:py${{ matrix.py }}
          build-args: PY=${{ matrix.py }}
"""


def test_one_dockerfile_with_two_sets_of_arguments_is_two_images(bare_shell: Shell, git_stack: GitStack) -> None:
    """Each in a repository of its own, said in a note: tags tell commits apart, not images."""
    files = {".github/workflows/a.yml": TWICE, "Dockerfile": "ARG PY\nFROM python:${PY}\n"}
    repository(bare_shell, git_stack, files)

    said = bare_shell("init", "--yes", "--json")
    planned = bare_shell.planned()

    assert "both go to ghcr.io/acme/app" in said.json["notes"][0]
    assert [dict(step.build_args) for step in planned.steps] == [{"PY": "3.10"}, {"PY": "3.12"}]
    assert len({step.repository for step in planned.steps}) == 2


def test_two_stages_of_one_dockerfile_are_two_images(bare_shell: Shell, git_stack: GitStack) -> None:
    """Each with its `target`, but for the last stage; one that is not there is a note."""
    compose = """\
services:
  dev: {build: {context: ., target: Dev}, image: acme/dev}
  prod: {build: {context: ., target: prod}, image: acme/prod}
  lost: {build: {context: other, target: none}, image: acme/lost}
"""
    dockerfile = "FROM busybox AS dev\nFROM dev AS prod\n"
    files = {"compose.yaml": compose, "Dockerfile": dockerfile, "other/Dockerfile": dockerfile}
    repository(bare_shell, git_stack, files)

    said = bare_shell("init", "--yes", "--json")
    stack = verbs.load(bare_shell.root).stack

    stages = {str(target.name): target.inputs.stage for target in stack.targets}
    assert stages == {"dev": "dev", "prod": "prod", "lost": "prod"}
    assert (bare_shell.root / "stackyard.yml").read_text().count("target: ") == 1
    assert "builds the stage 'none', which other/Dockerfile does not have" in " ".join(said.json["notes"])


def test_a_matrix_is_combined_as_github_does() -> None:
    """Axes by product, less `exclude`; `include` adds to entries that fit, or is one of its own."""
    text = """\
jobs:
  a:
    strategy:
      matrix:
        image: [x, y]
        py: ["3.10", "3.12"]
        exclude: [{image: y, py: "3.10"}]
        include: [{image: x, more: m}, {image: z, py: "4"}]
    steps:
      - uses: docker/build-push-action@v6
        with: {file: "${{ matrix.image }}", build-args: "PY=${{ matrix.py }}${{ matrix.more }}"}
"""
    builds, _ = read_workflow(text.encode(), "a.yml", None)
    assert [(build.dockerfile, *build.args) for build in builds] == [
        ("x", ("PY", "3.10m")),
        ("x", ("PY", "3.12m")),
        ("y", ("PY", "3.12")),
        ("z", ("PY", "4")),
    ]


@each_of(
    ("text", "value"),
    [
        ("a", "a"),
        ("$$a", "$a"),
        ("${A:-b}c", "bc"),
        ("${A-}", ""),
        ("${A:+x}", ""),
        ("$A", UNKNOWN),
        ("${A:?needed}", UNKNOWN),
    ],
)
def test_compose_variables_have_their_defaults(text: str, value: str) -> None:
    """What only a shell knows is not known."""
    assert interpolated(text) == value


# An empty repository.


def test_an_empty_repository_gets_a_commented_starter(bare_shell: Shell, git_stack: GitStack) -> None:
    """One image, its test and the spec; it is a stack at once, and building it works."""
    repository(bare_shell, git_stack, {"README.md": "# mine\n"})
    bare_shell.engine.add("debian:bookworm-slim")

    said = bare_shell("init", "--yes")

    made = files_of(bare_shell.root)
    assert said.code == 0
    assert {*made} == {"README.md", "images/spec.yml", "images/base/Dockerfile", "images/base/test/test_base.py"}
    assert read_spec(made["images/spec.yml"].encode(), "images/spec.yml")[1] == ()
    compile(made["images/base/test/test_base.py"], "test_base.py", "exec")
    (step,) = bare_shell.planned().steps
    assert (step.target, step.action) == ("base", "build")
    assert bare_shell("check", "--strict").code == 0


def test_a_folder_without_git_gets_a_starter_too(bare_shell: Shell) -> None:
    """What follows says that git is needed."""
    said = bare_shell("init", "--yes")
    assert said.code == 0
    assert "git" in said.out
    assert (bare_shell.root / "images" / "spec.yml").is_file()


def test_nothing_is_written_over(bare_shell: Shell, git_stack: GitStack) -> None:
    """A file in the way: refused, and nothing else is written either."""
    repository(bare_shell, git_stack, {"images/base/test/test_base.py": "mine\n"})
    said = bare_shell("init", "--yes")
    assert said.code == 2
    assert "images/base/test/test_base.py exists already" in said.err
    assert files_of(bare_shell.root) == {"images/base/test/test_base.py": "mine\n"}


def test_an_images_folder_that_is_a_link_out_of_the_repository_is_refused(
    bare_shell: Shell, git_stack: GitStack
) -> None:
    """Nothing is written where a link leads."""
    repository(bare_shell, git_stack, {"README.md": "x"})
    outside = bare_shell.root.parent / "outside"
    outside.mkdir()
    os.symlink(outside, bare_shell.root / "images")
    assert bare_shell("init", "--yes").code == 2
    assert list(outside.iterdir()) == []


# A stack.


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (
            {"images/spec.yml": "images:\n  a:\n", "images/a/Dockerfile": "FROM b\n"},
            "images/spec.yml describes a stack",
        ),
        ({"stackyard.yml": "images_dir: i\n", "i/a/Dockerfile": "FROM b\n"}, "stackyard.yml describes a stack already"),
        (
            {"images/a/versions.yaml": "'3.12': {}\n", "images/a/Dockerfile": "FROM b\n", "images/a/x": ""},
            "images is a stack already: a folder with versions.yaml files",
        ),
        (
            {"images/a/Dockerfile": "FROM b\n", "compose.yml": "services: {a: {build: images/a}}"},
            "images is a stack already: a folder with Dockerfiles",
        ),
        ({"a/Dockerfile": "FROM b\n", "Dockerfile.c": "FROM d\n"}, "is a stack already: a folder with Dockerfiles"),
    ],
)
def test_a_stack_is_recognised(files: dict[str, str], found: str, bare_shell: Shell, git_stack: GitStack) -> None:
    """It says what it found, lists the images, and writes nothing."""
    repository(bare_shell, git_stack, files)
    said = bare_shell("init", "--yes")
    assert said.code == 0
    assert found in said.out
    assert "Nothing to write." in said.out
    assert files_of(bare_shell.root) == files


@pytest.mark.parametrize(
    ("files", "found", "targets"),
    [
        (
            {"py/auto/images/a/versions.yaml": "'3.12': {docker_args: {V: '1'}}\n'3.13':\n"},
            "py/auto/images is a folder of images with their versions",
            ["a/3.12", "a/3.13", "b"],
        ),
        ({"py/auto/images/spec.yml": "images:\n  a:\n"}, "py/auto/images/spec.yml describes a stack", ["a"]),
    ],
)
def test_a_stack_that_lies_deep_is_recognised(
    files: dict[str, str], found: str, targets: list[str], bare_shell: Shell, git_stack: GitStack
) -> None:
    """Its folder is all that a stackyard.yml has to say; Dockerfiles elsewhere are told and left alone."""
    images = {f"py/auto/images/{name}/Dockerfile": "FROM debian\n" for name in "ab"}
    other = {"example/web/Dockerfile": "FROM debian\n", "old/images/c/Dockerfile": "FROM x\n"}
    compose = {"example/compose.yml": "services: {web: {build: web}}\n", "old/images/c/info.yaml": "versions: {}\n"}
    other["example/spec.yml"] = "openapi: 3.1.0\n"
    repository(bare_shell, git_stack, {**images, **other, **compose, **files})

    said = bare_shell("init", "--yes")

    assert said.out.startswith(f"{found}.\n")
    assert "note: old/images is a folder of images, too, and `images_dir` names one\n" in said.out
    assert "note: 1 Dockerfile lies elsewhere and is left out: example/web/Dockerfile\n" in said.out
    assert (bare_shell.root / "stackyard.yml").read_text().endswith("\nimages_dir: py/auto/images\n")
    assert [step["target"] for step in bare_shell("plan", "--json").json["steps"]] == targets
