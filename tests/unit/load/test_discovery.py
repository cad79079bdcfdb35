# SPDX-License-Identifier: MIT
"""Stacks that no file lists, stacks with a file at the root, images that are not in images/."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from stackyard.errors import FileProblem, NotAStack
from stackyard.load.stack import Settings, load_stack
from stackyard.load.tree.place import Place, discovered, find
from stackyard.model.names import TargetName
from stackyard.model.reference import Platform
from stackyard.model.stack import Revision, Stack, TagTemplates
from stackyard.model.tags import tags_of

REVISION = Revision("a" * 40, "main", is_dirty=False, is_default=True)


def write(root: Path, *paths: str, text: str = "FROM busybox:1\n") -> None:
    """Files of the same text."""
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def loaded(root: Path, remote: str | None = None) -> Stack:
    """The stack at `root`."""
    return load_stack(find(root), REVISION, Settings(Platform("linux/amd64"), find_remote=lambda: remote))


def codes(stack: Stack) -> list[str]:
    """Codes of the findings."""
    return [finding.code for finding in stack.findings]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The top of a repository."""
    (tmp_path / ".git").mkdir()
    return tmp_path


def test_every_spelling_of_a_dockerfile_is_found(root: Path) -> None:
    """A folder's own, variants beside it, variants at the top; ignore files and templates are none."""
    write(root, "web/Dockerfile", "web/Dockerfile.dev", "Dockerfile.api", "job.Dockerfile")
    write(root, "Dockerfile.api.dockerignore", "web/Dockerfile.template", ".hidden/Dockerfile", text="")

    found = {image.name: (image.dockerfile, image.context) for image in discovered(Place(root, ".", None))}

    assert found == {
        "api": ("Dockerfile.api", "."),
        "job": ("job.Dockerfile", "."),
        "web": ("web/Dockerfile", "web"),
        "web-dev": ("web/Dockerfile.dev", "web"),
    }
    stack = loaded(root)
    assert [target.name for target in stack.targets] == ["api", "job", "web", "web-dev"]
    assert codes(stack) == ["template"]


def test_a_folder_of_images_comes_before_what_lies_at_the_top(root: Path) -> None:
    """With an images folder nothing else is looked for."""
    write(root, "images/a/Dockerfile", "b/Dockerfile")

    assert [target.name for target in loaded(root).targets] == ["a"]


def test_a_folder_outside_is_left_out_with_a_word(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A link in the images folder that leads out of the repository; what lies there is not looked at."""
    write(root, "images/a/Dockerfile")
    there = tmp_path_factory.mktemp("elsewhere")
    write(there, "Dockerfile")
    (root / "images/b").symlink_to(there)
    stack = loaded(root)

    assert [target.name for target in stack.targets] == ["a"]
    (found,) = [each for each in stack.findings if each.code == "left-out"]
    assert (found.path, found.level) == ("images/b", "warning")


def test_what_lies_outside_is_not_read(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Versions, stamps and a template, by links that lead out of the repository: none of their words is shown."""
    there = tmp_path_factory.mktemp("elsewhere")
    write(there, "hidden", text="{{ HIDDEN }}: 1\n")
    write(root, "images/a/Dockerfile", "images/b/Dockerfile", text="FROM debian\n")
    write(root, "images/b/versions.yaml", text="'3.12': {}\n")
    for name in ("a/versions.yaml", "b/last_updated.yaml", "b/Dockerfile.j2"):
        (root / "images" / name).symlink_to(there / "hidden")
    (root / "images/a/Dockerfile.j2").symlink_to("nowhere")

    findings = loaded(root).findings

    led_out = [
        each.path for each in findings if each.level == "error" and "leads out of the repository" in each.sentence
    ]
    assert led_out == ["images/a/versions.yaml", "images/b/last_updated.yaml"]
    templates = [each.path for each in findings if each.code == "template"]
    assert sorted(templates) == ["images/a/Dockerfile.j2", "images/b/Dockerfile.j2"]
    assert "HIDDEN" not in repr(findings)


def test_a_repository_without_a_dockerfile_is_no_stack(root: Path) -> None:
    """One sentence and what a stack looks like."""
    write(root, "a/b/c/Dockerfile")
    with pytest.raises(NotAStack, match="no images/ folder"):
        find(root)


def test_a_named_images_folder_lies_deep(root: Path) -> None:
    """The root is the top of its repository, whatever lies between."""
    write(root, "python/automation/images/a/Dockerfile")

    place = find(root / "python", "automation/images")

    assert (place.root, place.images, place.spec) == (root, "python/automation/images", None)
    with pytest.raises(NotAStack, match="there is no folder"):
        find(root, "nowhere")


def test_a_file_at_the_root_says_where_the_images_are(root: Path) -> None:
    """`images_dir` of stackyard.yml; the images need not be listed."""
    write(root, "deep/images/a/Dockerfile")
    write(root, "stackyard.yml", text="images_dir: deep/images\nregistry: registry.example/lab\n")
    (target,) = loaded(root).targets

    assert (target.context, target.repository) == ("deep/images/a", "registry.example/lab/a")
    write(root, "stackyard.yml", text="name: x\nimages_dir: ../elsewhere\n")
    with pytest.raises(FileProblem, match=r"stackyard\.yml:2"):
        find(root)


def test_a_pointer_leaves_the_rest_to_the_file_it_points_at(root: Path) -> None:
    """`images_dir` alone; with more in it both describe the stack, which is an error and no silent choice."""
    write(root, "deep/images/a/Dockerfile")
    write(root, "deep/images/spec.yml", text="images: {a: {image_name: campus/lab}}\n")
    write(root, "stackyard.yml", text="images_dir: deep/images\n")
    assert [target.repository for target in loaded(root).targets] == ["campus/lab"]

    write(root, "stackyard.yml", text="images_dir: deep/images\nregistry: registry.example/lab\n")
    (found,) = [each for each in loaded(root).findings if each.code == "two-specs"]
    assert (found.path, found.level) == ("deep/images/spec.yml", "error")


def test_one_file_describes_a_stack(root: Path) -> None:
    """Another one beside it is an error: who wrote it waits for something."""
    write(root, "images/a/Dockerfile")
    write(root, "images/spec.yml", "images/spec.yaml", text="images: {a: {}}\n")

    assert [each.path for each in loaded(root).findings if each.code == "two-specs"] == ["images/spec.yaml"]


@pytest.mark.parametrize("name", ["images/spec.yml", "stackyard.yml"])
def test_a_file_that_is_none_is_not_passed_over(root: Path, name: str) -> None:
    """A link that leads nowhere, say: its owner thinks that it is read."""
    write(root, "images/a/Dockerfile")
    (root / name).symlink_to("nowhere")

    with pytest.raises(FileProblem, match="leads to no file"):
        find(root)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("FROM x\nRUN a {{ version }}\n", "ARG VERSION=default"),
        ("FROM x:%%TAG%%\n", "ARG TAG=default"),
        ("FROM @BASE@\n", "ARG BASE=default"),
        ("FROM x\n", "ARG NAME=default"),
    ],
)
def test_a_template_shows_the_form_that_needs_none(root: Path, text: str, form: str) -> None:
    """With the name that the template fills in, where one is seen."""
    write(root, "images/a/Dockerfile")
    write(root, "images/a/Dockerfile.j2", text=text)
    stack = loaded(root)

    (found,) = [each for each in stack.findings if each.code == "template"]
    assert form in (found.hint or "")
    assert [target.name for target in stack.targets] == ["a"]


@pytest.mark.parametrize(
    ("spec", "tags"),
    [
        ("images: {a: {}}\n", ("latest",)),
        ("tag: {fixed: '{commit}'}\nimages: {a: {}}\n", ("latest",)),
        ("tag: {moving: '{branch}'}\nimages: {a: {}}\n", ()),
        ("tag: {prefix: '2026.3'}\nimages: {a: {}}\n", ()),
    ],
)
def test_latest_stays_until_a_file_says_otherwise(root: Path, spec: str, tags: tuple[str, ...]) -> None:
    """A spec that says nothing of moving tags takes none away; one with a prefix never had it."""
    write(root, "images/a/Dockerfile")
    write(root, "images/spec.yml", text=spec)

    assert loaded(root).targets[0].templates.default_branch == tags


def test_a_shared_context_counts_what_is_copied(root: Path) -> None:
    """Two images with the root as build context: a file counts for the one that copies it."""
    spec = (
        "images:\n"
        "  api: {dockerfile: docker/api.Dockerfile, context: .}\n"
        "  job: {dockerfile: docker/job.Dockerfile, context: .}\n"
    )
    write(root, "stackyard.yml", text=spec)
    write(root, "docker/api.Dockerfile", text="FROM busybox:1\nCOPY src/api /api\n")
    write(root, "docker/job.Dockerfile", text="FROM busybox:1\nCOPY src/job /job\n")
    write(root, "src/api/main.py", "src/job/main.py", "README.md", text="x")

    counted = {t.image: [entry.path for entry in t.inputs.context] for t in loaded(root).targets}

    assert counted == {"api": ["src/api/main.py"], "job": ["src/job/main.py"]}


def test_a_path_out_of_the_repository_is_refused(root: Path) -> None:
    """Neither a Dockerfile nor a build context may lie outside."""
    write(root, "stackyard.yml", text="images:\n  a: {context: ../other}\n")

    (finding,) = [f for f in loaded(root).findings if f.code == "wrong-value"]
    assert (finding.line, finding.level) == (2, "error")


def test_parents_are_found_by_folder_name(root: Path) -> None:
    """A stack without a file is a graph all the same."""
    write(root, "images/base/Dockerfile")
    write(root, "images/app/Dockerfile", text="FROM base\n")

    parents = {t.name: t.parent_names for t in loaded(root).targets}

    assert parents == {"app": ("base",), "base": ()}


@pytest.mark.parametrize(
    ("remote", "repository"),
    [
        ("git@github.com:Acme/Lab.git", "ghcr.io/acme/lab/a"),
        ("https://github.com/acme/lab", "ghcr.io/acme/lab/a"),
        ("https://git.example/acme/lab", "a"),
        (None, "a"),
    ],
)
def test_a_clone_from_github_has_a_registry(root: Path, remote: str | None, repository: str) -> None:
    """GitHub's own, below owner and repository; elsewhere none."""
    write(root, "images/a/Dockerfile")
    stack = loaded(root, remote)

    assert stack.targets[0].repository == repository
    assert stack.has_registry == (repository != "a")


def test_latest_is_for_the_default_branch() -> None:
    """A stack without a file gets it there only."""
    templates = TagTemplates(("{commit}",), ("{branch}",), ("latest",))
    other = Revision("a" * 40, "topic", is_dirty=False)

    assert tags_of(templates, REVISION, {})[1] == ("main", "latest")
    assert tags_of(templates, other, {})[1] == ("topic",)


def test_variables_fill_arguments_tags_and_commands(root: Path) -> None:
    """The stack's, the image's and the plan's, the nearer one winning; other braces stay."""
    spec = (
        "vars: {cuda: '11', base: plain}\n"
        "images:\n"
        "  a: {vars: {base: fancy}, build_args: {CUDA: 'cu{cuda}', BASE: '{base}', JSON: '{x}'}, info_cmds: [V]}\n"
        "plans:\n"
        "  NEW: {tag_prefix: '1', vars: {cuda: '12'}}\n"
        "all_info_cmds: {V: {command: 'show {cuda} {image} {version}'}}\n"
    )
    write(root, "images/a/Dockerfile")
    write(root, "images/spec.yml", text=spec)
    (target,) = loaded(root).targets

    assert dict(target.args) == {"CUDA": "cu12", "BASE": "fancy", "JSON": "{x}"}
    assert target.commands[0].command == "show 12 a NEW"


def test_variables_may_be_part_of_tags(root: Path) -> None:
    """A name of `vars`, in any case; an image without it is told, since one template stands for all."""
    spec = "vars: {CUDA: 12.6}\nimages: {a: }\ntag: {fixed: 'cuda{CUDA}-{commit:12}', moving: []}\n"
    write(root, "images/a/Dockerfile")
    write(root, "images/spec.yml", text=spec)
    (target,) = loaded(root).targets

    assert tags_of(target.templates, REVISION, dict(target.variables)) == (("cuda12.6-" + REVISION.commit[:12],), ())


@pytest.mark.parametrize(("prefix", "base_tag"), [("2026.3", "2026.3-xxx"), ("p" * 127, "latest")])
def test_a_long_branch_stops_no_image_with_a_parent(root: Path, prefix: str, base_tag: str) -> None:
    """BASE_TAG is the parent's tag, cut as that is; where there is no tag at all, `check` says so, and load goes on."""
    spec = f"images: {{base: , lab: {{depend_on: base}}}}\ntag: {{prefix: '{prefix}'}}\n"
    write(root, "images/spec.yml", text=spec)
    write(root, "images/base/Dockerfile")
    write(root, "images/lab/Dockerfile", text="ARG BASE_TAG\nFROM base:$BASE_TAG\n")
    found = load_stack(
        find(root), msgspec.structs.replace(REVISION, branch="x" * 300), Settings(Platform("linux/amd64"))
    )

    assert dict(found.target(TargetName("lab")).args)["BASE_TAG"].startswith(base_tag)


def test_plans_make_targets_of_one_image(root: Path) -> None:
    """Each image once per plan, left alone in one that it skips; a child stands on its parent of the same plan."""
    spec = (
        "images:\n  base: {dbuild_env: {OLD: {V: 1}, NEW: {V: 2}}}\n  lab: {depend_on: base}\n"
        "  new: {depend_on: base, skip_plans: [OLD]}\n"
        "plans:\n  OLD: {tag_prefix: '2021.2'}\n  NEW: {tag_prefix: '2021.3'}\n"
    )
    write(root, "images/spec.yml", text=spec)
    write(root, "images/base/Dockerfile")
    write(root, "images/lab/Dockerfile", "images/new/Dockerfile", text="ARG BASE_TAG\nFROM base:$BASE_TAG\n")
    stack = loaded(root)

    assert [t.name for t in stack.targets] == ["base/OLD", "base/NEW", "lab/OLD", "lab/NEW", "new/OLD", "new/NEW"]
    assert [t.skip for t in stack.targets if t.skip] == ["`skip_plans` names OLD"]
    lab = stack.targets[2]
    assert lab.parent_names == ("base/OLD",)
    assert dict(lab.args)["BASE_TAG"] == "2021.2-main"
    assert str(lab.parents[0].references[0]) == "base:2021.2-main"


def test_a_parent_that_skips_the_plan_is_an_error(root: Path) -> None:
    """The image, its plan, the parent and where it is made."""
    spec = "images:\n  base: {skip_plans: [P]}\n  lab: {depend_on: base}\nplans:\n  P: {}\n  Q: {}\n"
    write(root, "images/spec.yml", text=spec)
    write(root, "images/base/Dockerfile")
    write(root, "images/lab/Dockerfile", text="ARG BASE_TAG\nFROM base:$BASE_TAG\n")

    (finding,) = [f for f in loaded(root).findings if f.code == "missing-version"]
    assert "'lab' at version 'P'" in finding.sentence
    assert finding.line == 3
