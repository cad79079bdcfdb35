# SPDX-License-Identifier: MIT
"""What counts of a Dockerfile, its arguments and its build context, however it comes to be content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from stackyard.load.stack import Settings, load_stack
from stackyard.load.tree.place import find
from stackyard.model.inputs import Inputs, Places, differences
from stackyard.model.names import TargetName
from stackyard.model.reference import Platform
from stackyard.model.stack import Stack
from tests.unit.plan.made import MAIN


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Nothing yet, in a repository."""
    (tmp_path / ".git").mkdir()
    return tmp_path


def load(root: Path, dockerfile: str = "FROM a\n", files: Mapping[str, str] | None = None, spec: str = "{}") -> Stack:
    """A stack of `up` and `lab`; the latter has this Dockerfile, these files and this entry."""
    written = {
        "images/spec.yml": f"images: {{up: {{}}, lab: {spec}}}",
        "images/up/Dockerfile": "FROM a\n",
        "images/lab/Dockerfile": dockerfile,
        **{f"images/lab/{path}": text for path, text in (files or {}).items()},
    }
    for path, text in written.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return load_stack(find(root), MAIN, Settings(Platform("linux/amd64")))


def inputs(
    root: Path, dockerfile: str = "FROM a\n", files: Mapping[str, str] | None = None, spec: str = "{}"
) -> Inputs:
    """Of `lab`."""
    stack = load(root, dockerfile, files, spec)
    assert [str(finding) for finding in stack.findings if finding.level == "error"] == []
    return stack.target(TargetName("lab")).inputs


def paths(of: Inputs) -> list[str]:
    """What counts of the build context."""
    return [entry.path for entry in of.context]


def with_args(**args: str) -> str:
    """An entry that passes arguments."""
    return json.dumps({"build_args": args})


LIBRARY = "docker.io/library/"

# The Dockerfile.


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FROM a\nRUN x\n", "# licence\n\nFROM a\n  # why\nRUN x\n\n#\n"),
        ("FROM a\nRUN x \\\n  y\n", "FROM a\nRUN x \\\n# between\n\n  y\n"),
        ("# escape=`\nFROM a\n", "# escape=`\n# not a directive\nFROM a\n"),
        ("FROM a\nRUN <<E\nx\nE\n", "FROM a\nRUN <<E\nx\nE\n# after\n"),
    ],
)
def test_comments_of_a_dockerfile_say_nothing(root: Path, before: str, after: str) -> None:
    """Nor do empty lines, between instructions or within one."""
    assert inputs(root, before) == inputs(root, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FROM a\nRUN <<E\nx\nE\n", "FROM a\nRUN <<E\n# a line of a script\nx\nE\n"),
        ("FROM a\nRUN <<E\nx\nE\n", "FROM a\nRUN <<E\nx\n\nE\n"),
        ("FROM a\nRUN echo '# x'\n", "FROM a\nRUN echo '# y'\n"),
        ("FROM a\nRUN x \\\n  # y\n  z\n", "FROM a\nRUN x \\\n  y \\\n  z\n"),
        ("FROM a\nRUN x\n", "# escape=`\nFROM a\nRUN x\n"),
        ("FROM a\n", "# syntax=docker/dockerfile:1\nFROM a\n"),
        ("# syntax=some/thing:1\nFROM a\n", "# syntax=some/thing:1\n# heard by its frontend\nFROM a\n"),
        ("FROM a\nCOPY . /\n", "FROM a\n# copied with the rest\nCOPY . /\n"),
        ("FROM a\nCOPY D?ckerfile /\n", "FROM a\n# copied\nCOPY D?ckerfile /\n"),
    ],
)
def test_what_looks_like_a_comment_and_says_something_counts(root: Path, before: str, after: str) -> None:
    """Lines of a heredoc, directives, and every byte where the file itself is copied or a frontend may read it."""
    assert inputs(root, before) != inputs(root, after)


def test_the_mode_of_a_dockerfile_counts_where_it_is_copied(root: Path) -> None:
    """It is in the image then, with its mode."""
    for dockerfile, counts in (("FROM a\nCOPY note /\n", False), ("FROM a\nCOPY . /\n", True)):
        (root / "images/lab/Dockerfile").unlink(missing_ok=True)
        before = inputs(root, dockerfile, {"note": "n"})
        (root / "images/lab/Dockerfile").chmod(0o755)
        after = inputs(root, dockerfile)
        assert [str(each) for each in differences(after, before, Places())] == (
            ["Dockerfile has another mode"] if counts else []
        )


# Arguments.


@pytest.mark.parametrize(
    ("dockerfile", "passed", "counted"),
    [
        ("FROM a\nARG A\n", {"A": "x"}, "A"),
        ("FROM a\n", {"A": "x"}, ""),
        ("ARG A\nFROM a:$A\n", {"A": "x"}, ""),
        ("ARG A\nARG B=x-$A\nFROM a\nARG B\n", {"A": "x"}, "A"),
        ("ARG A\nARG B=${A:-$C}\nARG C\nFROM a\nARG B\n", {"A": "x", "C": "y"}, "AC"),
        ("ARG A\nARG B=$A\nFROM a:$B\n", {"A": "x"}, ""),
        ("ARG A\nFROM --platform=$A a\n", {"A": "linux/amd64"}, "A"),
        ("ARG A\nARG B=linux/$A\nFROM --platform=${B} a\n", {"A": "amd64"}, "A"),
        ("FROM a AS x\nONBUILD ARG A\nFROM x\nRUN echo $A\n", {"A": "x"}, "A"),
        ("FROM a\nONBUILD ARG A\n", {"A": "x"}, ""),
        ("ARG A=a\nFROM $A\n", {"A": "up"}, ""),
        ("ARG A=a\nFROM $A\nARG A\n", {"A": "up"}, ""),
        ("ARG A=a\nFROM $A\nARG A\nENV X=$A\n", {"A": "up"}, "A"),
        ("ARG A=a\nFROM $A\nARG A\nRUN true\n", {"A": "up"}, "A"),
        ("ARG A=a\nFROM $A\nRUN true\nARG A\n", {"A": "up"}, ""),
        ("ARG A=1\nARG B=up:$A\nFROM $B\nARG B\nRUN true\n", {"A": "2"}, "A"),
    ],
)
def test_an_argument_counts_where_it_can_become_content(
    root: Path, dockerfile: str, passed: dict[str, str], counted: str
) -> None:
    """On whatever way: through the default of another, the platform of a FROM, an ONBUILD; not as a parent's name."""
    assert "".join(name for name, _ in inputs(root, dockerfile, spec=with_args(**passed)).args) == counted


@pytest.mark.parametrize(
    ("rest", "counted"),
    [
        ("COPY <<EOF /motd\n# built on ${A}\nEOF\n", True),
        ("COPY a b <<ONE <<-TWO /\n\n  #x\nONE\n# $A\n\tTWO\n", True),
        ("ONBUILD COPY <<EOF /motd\n# $A\nEOF\n", True),
        ("COPY <<EOF /motd\ntext\nEOF\n# built on ${A}\n", False),
        ("COPY \\\n# $A\n <<EOF /motd\ntext\nEOF\n", False),
        ("COPY <<'EOF' /motd\n# built on ${A}\n${A}\nEOF\n", False),
        ('ADD <<"EOF" /motd\n${A}\nEOF\n', False),
        ("COPY <<'ONE' <<TWO /\n${A}\nONE\n#\nTWO\n", False),
        ("COPY <<'ONE' <<TWO /\nONE\n#${A}\nTWO\n", True),
        ("RUN <<EOF\n# $A\nEOF\n", True),
    ],
)
def test_every_line_of_a_heredoc_is_text(root: Path, rest: str, counted: bool) -> None:
    """One that begins with `#` too: COPY and ADD write it with its variables replaced, unless the name is quoted."""
    stack = load(root, f"ARG A=a\nFROM $A\nARG A\n{rest}", {"a": "", "b": ""}, with_args(A="up"))

    assert stack.target(TargetName("lab")).inputs.args == ((("A", "up"),) if counted else ())
    assert [finding.code for finding in stack.findings] == (["tag-is-content"] if counted else [])


def test_arguments_of_a_parents_onbuild_count(root: Path) -> None:
    """They are declared in the parent's file, and act in this build."""
    (root / "images/up").mkdir(parents=True)
    load(root)
    (root / "images/up/Dockerfile").write_text("FROM a\nONBUILD ARG A\nONBUILD RUN echo $A\n")
    (root / "images/lab/Dockerfile").write_text("FROM up\n")
    (root / "images/spec.yml").write_text("images: {up: {}, lab: {build_args: {A: x}}}")
    stack = load_stack(find(root), MAIN, Settings(Platform("linux/amd64")))

    assert stack.target(TargetName("lab")).inputs.args == (("A", "x"),)


@pytest.mark.parametrize(
    ("dockerfile", "one", "other", "reasons"),
    [
        (
            "ARG A=a\nARG B=b\nFROM $A AS x\nFROM $B\n",
            {"A": "b", "B": "a"},
            {},
            (
                ["A removed", "B removed"],
                [f"{LIBRARY}a:latest, was {LIBRARY}b:latest", f"{LIBRARY}b:latest, was {LIBRARY}a:latest"],
            ),
        ),
        (
            "ARG V=one\nFROM a AS one\nFROM a AS two\nFROM $V\n",
            {"V": "two"},
            {"V": "one"},
            (["V changed from two to one"], ["stage one, was stage two"]),
        ),
        (
            "ARG V=one\nFROM a AS one\nFROM $V\n",
            {"V": "scratch"},
            {"V": "one"},
            (["V changed from scratch to one"], ["stage one, was stage scratch"]),
        ),
    ],
)
def test_which_base_stands_where_counts(
    root: Path, dockerfile: str, one: dict[str, str], other: dict[str, str], reasons: tuple[list[str], list[str]]
) -> None:
    """Two bases that change places, or another stage, are the same set of bases and another image."""
    before, after = inputs(root, dockerfile, spec=with_args(**one)), inputs(root, dockerfile, spec=with_args(**other))

    assert before.bases == after.bases
    said = [str(each) for each in differences(after, before, Places())]
    assert said == [
        *(f"build argument {reason}" for reason in reasons[0]),
        *(f"builds on {uses}" for uses in reasons[1]),
    ]


# Stage, network, secrets.

STAGES = "FROM a AS one\nARG A\nFROM b AS Two\nONBUILD COPY . /x\nFROM c\nLABEL x=1\n"


def test_a_target_stage_is_the_image(root: Path) -> None:
    """What stands behind it is no part of it: no base, no argument; the last stage by name is no other image."""
    whole = inputs(root, STAGES, spec=with_args(A="x"))
    two = inputs(root, STAGES, spec='{"target": "two", "build_args": {"A": "x"}}')
    one = inputs(root, "FROM a AS one\nARG A\nFROM b\n", spec='{"target": "ONE", "build_args": {"A": "x"}}')

    assert (whole.stage, len(whole.bases), whole.args) == ("", 3, (("A", "x"),))
    assert (two.stage, len(two.bases)) == ("two", 2)
    assert (one.stage, len(one.bases), one.args) == ("one", 1, (("A", "x"),))
    assert inputs(root, "FROM a AS x\n", spec="{target: x}") == inputs(root, "FROM a AS x\n")


@pytest.mark.parametrize(
    ("file", "spec"),
    [
        ("FROM a AS one\nRUN x\n", "{}"),
        ("FROM a AS one\nRUN x\nFROM b AS test\nRUN y\n", "{target: one}"),
        ("FROM a AS one\nRUN x\n\n# tests\nFROM c\nCOPY <<E /\n# z\nE\nFROM one\n", "{target: one}"),
    ],
)
def test_what_stands_behind_the_stage_does_not_count(root: Path, file: str, spec: str) -> None:
    """No engine gets there: neither an edit nor a first stage behind it builds anything."""
    assert inputs(root, file, spec=spec) == inputs(root, "FROM a AS one\nRUN x\n", spec="{target: one}")


@pytest.mark.parametrize(
    "file",
    [
        "ARG A=1\nFROM a AS one\nRUN x\nFROM b\n",
        "# escape=`\nFROM a AS one\nRUN x\nFROM b\n",
        "FROM a AS one\nRUN y\nFROM b\n",
        "FROM c AS zero\nFROM a AS one\nRUN x\nFROM b\n",
    ],
)
def test_what_stands_before_the_stage_counts(root: Path, file: str) -> None:
    """Directives, arguments for FROM, earlier stages and its own lines."""
    assert inputs(root, file, spec="{target: one}") != inputs(
        root, "FROM a AS one\nRUN x\nFROM b\n", spec="{target: one}"
    )


def test_everything_counts_where_a_frontend_is_nobodys(root: Path) -> None:
    """Nobody can tell what it reads of what stands behind."""
    file = "# syntax=some/thing:1\nFROM a AS one\nFROM b\n"
    assert inputs(root, file, spec="{target: one}") != inputs(root, f"{file}RUN x\n", spec="{target: one}")


def test_another_stage_is_the_reason(root: Path) -> None:
    """Not the Dockerfile, of which nothing was edited."""
    one, two = (inputs(root, STAGES, spec=f"{{target: {stage}}}") for stage in ("one", "two"))
    said = [str(each) for each in differences(two, one, Places())]
    assert said[0] == "stage changed from one to two"
    assert "Dockerfile changed" not in said


# What people are told.


def ignoring(root: Path, *paths: str) -> None:
    """The stack's owner says that these never count."""
    (root / "images").mkdir(exist_ok=True)
    (root / "images/change_ignore.json").write_text(json.dumps({"BuildAll": [], "ChangeIgnore": paths}))


def test_a_file_that_counts_no_more_was_not_removed(root: Path) -> None:
    """Neither by ChangeIgnore nor by granularity, and what counts again was not added."""
    before = inputs(root, files={"b.txt": "b"})
    ignoring(root, "lab")
    ignored = inputs(root)
    ignoring(root)
    copied = inputs(root, spec="{granularity: copied}")

    assert [str(each) for each in differences(ignored, before, Places())] == [
        "ChangeIgnore changed from nothing to lab",
        "b.txt counts no more",
    ]
    assert [str(each) for each in differences(before, copied, Places())] == [
        "granularity changed from copied to folder",
        "b.txt counts now",
    ]


def test_a_file_that_becomes_a_link_is_told_first(root: Path) -> None:
    """That everything counts then, the Dockerfile too, is what follows."""
    before = inputs(root, "FROM a\nCOPY b.txt /\n", {"a.txt": "a", "b.txt": "b"})
    (root / "images/lab/b.txt").unlink()
    (root / "images/lab/b.txt").symlink_to("a.txt")

    said = [str(each) for each in differences(inputs(root, "FROM a\nCOPY b.txt /\n"), before, Places())]
    assert said == ["b.txt is a link now", "Dockerfile counts now"]


def test_a_parents_tag_explains_nothing(root: Path) -> None:
    """It is another one on every branch, and names the same parent."""
    args = with_args(BASE_TAG="x", WHICH="up", OTHER="z")
    assert inputs(root, "ARG BASE_TAG\nARG WHICH\nFROM $WHICH:$BASE_TAG\n", spec=args).aside == (("ARG WHICH", "up"),)


def test_a_stage_that_there_is_not(root: Path) -> None:
    """An error, with the stage that was meant; a number is no name, to BuildKit either."""
    assert [each.code for each in load(root, STAGES, spec='{target: "0"}').findings if each.level == "error"] == [
        "unknown-stage"
    ]
    (found,) = (each for each in load(root, STAGES, spec="{target: tow}").findings if each.level == "error")

    assert (found.code, found.path, found.hint) == ("unknown-stage", "images/spec.yml", "did you mean 'two'?")


def test_the_foundation_is_that_of_the_stage(root: Path) -> None:
    """The layers below are those that the wanted stage stands on."""
    stack = load(root, "FROM up AS one\nFROM b\n", spec="{target: one}")

    assert stack.target(TargetName("lab")).foundation == "up"
    assert load(root, "FROM up AS one\nFROM b\n").target(TargetName("lab")).foundation is None


def test_the_network_counts(root: Path) -> None:
    """Another one may bring other content; the engine's default is no other than none said; an image's own wins."""
    assert inputs(root, spec="{network: none}").network == "none"
    assert inputs(root, spec="{network: default}") == inputs(root)
    load(root, spec="{network: default}")
    (root / "images/spec.yml").write_text("network: none\nimages: {up: {}, lab: {network: default}}")
    stack = load_stack(find(root), MAIN, Settings(Platform("linux/amd64")))
    assert [target.inputs.network for target in stack.targets] == ["none", ""]


def test_another_network_is_an_error(root: Path) -> None:
    """With what there is to choose from."""
    (found,) = (each for each in load(root, spec="{network: bridge}").findings if each.level == "error")

    assert (found.code, found.hint) == ("wrong-value", "it may be `default`, `none` or `host`")


def test_ids_of_secrets_count_and_no_value(root: Path) -> None:
    """By their id, or by the file that they are mounted as."""
    mounts = "RUN --mount=type=secret,id=pip --mount=type=secret,target=/run/secrets/npm x\n"

    assert inputs(root, f"FROM a\n{mounts}").secrets == ("npm", "pip")


# Granularity.

FILES = {"src/a.py": "a", "rebuild_trigger.txt": "1", "test/test_a.py": "t", "tests_common/x.py": "t"}
COPIES = "FROM a\nCOPY src /src\n"


def test_every_file_of_the_folder_counts(root: Path) -> None:
    """So that a trigger file does what people keep it for; test folders that nothing copies do not."""
    assert paths(inputs(root, COPIES, FILES)) == ["rebuild_trigger.txt", "src/a.py"]
    assert paths(inputs(root, COPIES, FILES, "{granularity: folder}")) == ["rebuild_trigger.txt", "src/a.py"]


def test_only_what_is_copied_counts_on_request(root: Path) -> None:
    """For one image, or for the whole stack but one."""
    assert paths(inputs(root, COPIES, FILES, "{granularity: copied}")) == ["src/a.py"]
    assert paths(inputs(root, "FROM a\nCOPY test/ /t\n", FILES, "{granularity: copied}")) == ["test/test_a.py"]
    (root / "images/spec.yml").write_text("granularity: copied\nimages: {up: {granularity: folder}, lab: {}}")
    (root / "images/up/note").write_text("n")
    stack = load_stack(find(root), MAIN, Settings(Platform("linux/amd64")))
    assert [paths(target.inputs) for target in stack.targets] == [["note"], ["test/test_a.py"]]


def test_a_base_that_copies_on_build_reaches_everything(root: Path) -> None:
    """What it copies is not in this Dockerfile; an external one is known by its tag alone."""
    spec = "{granularity: copied}"

    assert len(paths(inputs(root, "FROM node:20-onbuild\n", FILES, spec))) == 5
    assert paths(inputs(root, "FROM node:20\n", FILES, spec)) == []


def test_a_shared_context_counts_by_what_is_copied_and_by_the_images_own_folder(root: Path) -> None:
    """A trigger file beside the Dockerfile works there too; the rest of the repository does not count, unless asked."""
    (root / "lib").mkdir()
    for name in ("a", "b"):
        (root / "lib" / name).write_text(name)
    files = {**FILES, "test/test_a.py": "t"}
    spec = "{context: ., dockerfile: images/lab/Dockerfile%s}"
    found = paths(inputs(root, "FROM a\nCOPY lib/a /\n", files, spec % ""))

    assert found == ["images/lab/rebuild_trigger.txt", "images/lab/src/a.py", "lib/a"]
    assert paths(inputs(root, "FROM a\nCOPY lib/a /\n", files, spec % ", granularity: copied")) == ["lib/a"]
    whole = paths(inputs(root, "FROM a\nCOPY lib/a /\n", files, spec % ", granularity: folder"))
    assert {"lib/b", "images/spec.yml", "images/up/Dockerfile"} < set(whole)
    assert "images/lab/test/test_a.py" not in whole
