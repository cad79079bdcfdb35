# SPDX-License-Identifier: MIT
"""A stack that makes every mistake a Dockerfile stack makes, and what `check` says of it: exactly that."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.verbs import Options
from tests.conftest import GitStack
from tests.repositories import git

CAMPUS = Path(__file__).parents[3] / "examples" / "campus"

Said = list[tuple[str, str, int | None, int | None, str]]

SPEC = """\
images:
  base-lab:
    image_name: ghcr.io/campus/base-lab
    build_args:
      PY_VER_SHORT: "311"
      JUPYTERHUB_VERSION: "4.1"
  stats-lab:
    image_name: ghcr.io/campus/stats-lab
    depend_on: base-lab
  gpu-lab:
    image_name: ghcr.io/campus/gpu-lab
    depend_on: base-lab
    build_args:
      TORCH_VERSON: "2.4"
"""

MISTAKES = {
    "images/spec.yml": SPEC,
    "images/tests_common/test_all.py": "",
    "images/base-lab/Dockerfile": """\
# The base of all labs.
ARG PYTHON_VERSION=python-3.11.9
ARG JUPYTERHUB_VERSION=4.1 PY_VER_SHORT=311
FROM quay.io/jupyter/datascience-notebook:$PYTHON_VERSION

USER root
RUN pip install \\
    jupyterhub==${JUPYTERHUB_VERSION}

USER $NB_UID:$NB_GID
""",
    "images/stats-lab/Dockerfile": """\
ARG BASE_TAG=latest
FROM ghcr.io/campus/base-lab:2024.4-stable
COPY scripts /usr/share/scripts
""",
    "images/stats-lab/scripts/run.sh": "",
    "images/stats-lab/rebuild_trigger.txt": "7\n",
    "images/stats-lab/README.md": "About this lab.\n",
    "images/gpu-lab/Dockerfile": """\
ARG BASE_TAG=latest
FROM ghcr.io/campus/base-lab:${BASE_TAG}
ARG NUMEXPR_VERSION=2.10 TORCH_VERSION=2.4
RUN for each in numpy scipy; do pip install $each; done \\
 # a comment with $NUMEXPR_VESION in it
 && VER=$(cat /v) && echo "$VER" '$HOME' && \\
 pip install numexpr==$NUMEXPR_VESION torch==$TORCH_VERSION
USER $NB_USER
ENV PATH=/opt/lab/bin:$PATH
""",
}


def said(root: Path) -> Said:
    """Code, file, line, column and sentence of each finding."""
    found = verbs.check(verbs.load(root, Options()))
    return [(each.code, each.path, each.line, each.column, each.sentence) for each in found]


def codes(git_stack: GitStack, **dockerfiles: str) -> list[tuple[str, int | None, str | None]]:
    """Code, line and hint of each finding but for missing tests, of images with no file but a Dockerfile."""
    root = git_stack({f"images/{name}/Dockerfile": text for name, text in dockerfiles.items()})
    found = verbs.check(verbs.load(root, Options()))
    return [(each.code, each.line, each.hint) for each in found if each.code != "not-tested"]


def test_every_mistake_is_found_and_nothing_else(git_stack: GitStack) -> None:
    """Each with its place; names of the base image's own environment are left alone."""
    base, gpu, stats = (f"images/{name}-lab/Dockerfile" for name in ("base", "gpu", "stats"))
    assert said(git_stack(MISTAKES)) == [
        (
            "unused-arg",
            base,
            3,
            28,
            "ARG PY_VER_SHORT stands before FROM, and no FROM reads it, though it is passed",
        ),
        (
            "arg-before-from",
            base,
            8,
            17,
            "$JUPYTERHUB_VERSION is read after FROM and has no value there: its ARG stands before FROM only",
        ),
        (
            "undefined-variable",
            gpu,
            7,
            23,
            "$NUMEXPR_VESION has no value: no ARG and no ENV defines it",
        ),
        (
            "unused-arg",
            "images/spec.yml",
            14,
            7,
            "image 'gpu-lab' is passed the build argument TORCH_VERSON, and no ARG of its Dockerfile declares it",
        ),
        (
            "pinned-parent",
            stats,
            2,
            6,
            "FROM names image 'base-lab' as ghcr.io/campus/base-lab:2024.4-stable, whatever BASE_TAG says",
        ),
        (
            "unread-files",
            stats,
            None,
            None,
            "1 file of the build context images/stats-lab (2 bytes) no instruction reads: rebuild_trigger.txt",
        ),
    ]


def test_the_example_has_nothing_to_say(git_stack: GitStack, tmp_path: Path) -> None:
    """Four images, variables of the base, tests that nothing copies."""
    files = {str(path.relative_to(CAMPUS)): path.read_text() for path in CAMPUS.rglob("*") if path.is_file()}
    assert said(git_stack({path: text for path, text in files.items() if "__pycache__" not in path})) == []


CLEAN = [
    "FROM x\nUSER $NB_UID:$NB_GID\nENV PATH=$HOME/bin:$PATH\n",
    "FROM x\nARG NB_UID=1\nRUN echo $NB_GID\n",
    "FROM x\nARG CUDA_11=1\nRUN echo ${CUDA_12}\n",
    "FROM x\nARG PACKAGE=1\nRUN for PACKAGES in a; do echo $PACKAGES; done\n",
    "FROM x\nARG PYTHON_VERSION=3\nRUN CYTHON_VERSION=1 && echo $CYTHON_VERSION\n",
    "ARG VERSION=3\nFROM x:$VERSION\nRUN . /etc/os-release && echo $VERSION\n",
    "ARG VERSION=3\nFROM x:$VERSION\nRUN read VERSION < /v; echo $VERSION\n",
    "ARG VERSION=3\nFROM x:$VERSION\nENV V='$VERSION' W=\\$VERSION\nENV X=${VERSION:-none}\n",
    "ARG VERSION=3\nFROM x:$VERSION\n# $VERSION\nRUN true \\\n # $VERSION\n && false\n",
    "ARG VERSION=3\nFROM x:$VERSION\nRUN <<EOF\necho $VERSION\nEOF\n",
    "ARG VERSION=3\nFROM x:$VERSION\nARG VERSION\nRUN echo $VERSION\n",
    "ARG VERSION=3\nFROM x:$VERSION AS a\nENV VERSION=4\nFROM a\nRUN echo $VERSION\n",
    "ARG A=a\nFROM x AS a\nARG VERSION=4\nFROM ${A}\nENV V=$VERSION\n",
    "FROM --platform=$BUILDPLATFORM x\nARG TARGETARCH\nRUN echo $TARGETARCH $HTTP_PROXY\n",
    "FROM x\nARG CACHEBUST=1\nRUN ./install.sh\n",
    "FROM scratch\nARG DIR=/a\nENV PATH=/bin:$PATH\nWORKDIR $DIR\n",
    "# escape=`\nARG VERSION=3\nFROM x:$VERSION\nRUN echo $VERSION $env:VERSION\n",
    "FROM x\nARG TOKEN_NAME=a\nONBUILD RUN echo $TOKEN_NAMES\n",
    "FROM x\nENV A=$NOTHING\nWORKDIR $HOME\nUSER $NB_UID\n",
    "FROM scratch\nENV A=$HOME\nENV B=${NOTHING:-1} C=\\$NOTHING\nCMD echo $NOTHING\n",
]


@pytest.mark.parametrize("text", CLEAN)
def test_what_may_be_right_is_left_alone(git_stack: GitStack, text: str) -> None:
    """No false alarm: what the base, the shell, a sourced file or a default may give a value to."""
    assert codes(git_stack, lab=text) == []


@pytest.mark.parametrize(
    ("text", "code", "line", "hint"),
    [
        ("ARG VERSION=3\nFROM x:$VERSON\n", "undefined-variable", 2, "did you mean $VERSION?"),
        ("FROM x:1$NOTHING\n", "undefined-variable", 1, "add `ARG NOTHING` above, or take it out"),
        ("FROM scratch\nENV A=$NOTHING\n", "undefined-variable", 2, "add `ARG NOTHING` above, or take it out"),
        ("FROM x\nENV PATH=/bin:$PAHT\n", "undefined-variable", 2, "did you mean $PATH?"),
        ("ARG B=scratch\nFROM $B\nLABEL a=$NOTHING\n", "undefined-variable", 3, None),
        ("FROM scratch AS one\nFROM one\nCOPY a $NOTHING\n", "undefined-variable", 3, None),
        ("FROM x\nENV CONDA_DIR=/c\nWORKDIR $CODNA_DIR\n", "undefined-variable", 3, "did you mean $CONDA_DIR?"),
        ("FROM x\nARG ARROW_VERSION=1\nRUN $ARROW_VORSION\n", "undefined-variable", 3, "did you mean $ARROW_VERSION?"),
        ("FROM x\nRUN echo $TARGETARCH\n", "arg-before-from", 2, None),
        ("ARG V=1\nFROM x:$V\nFROM y\nARG V\nFROM z\nLABEL v=$V\n", "arg-before-from", 6, None),
        ("FROM x\nARG DIR=/a\n", "unused-arg", 2, "take it out, or read it: ${DIR}"),
        ("ARG OLD=1\nFROM x\n", "unused-arg", 1, "take it out, or read it: ${OLD}"),
    ],
)  # fmt: skip
def test_one_mistake(git_stack: GitStack, text: str, code: str, line: int, hint: str | None) -> None:
    """Told once, at its line."""
    found = [each for each in codes(git_stack, lab=text) if each[0] == code]
    assert [each[:2] for each in found] == [(code, line)]
    assert hint is None or found[0][2] == hint


def test_an_environment_comes_from_parents(git_stack: GitStack) -> None:
    """ENV of an image of the stack has its value in the images that build on it, however far below."""
    up = "ARG VERSION=1\nFROM x:$VERSION\nENV VERSION=1 LAB_FOLDER=/lab\n"
    leaf = "ARG VERSION=2\nFROM mid\nLABEL v=$VERSION f=$LAB_FODLER\n"
    assert (
        codes(git_stack, up=up, mid="FROM up\n", leaf=leaf)
        == [
            ("unused-arg", 1, "take it out, or read it: ${VERSION}"),
            ("undefined-variable", 3, "did you mean $LAB_FOLDER?"),
        ][1:]
    )


def test_below_scratch_every_environment_is_known(git_stack: GitStack) -> None:
    """A chain of images down to nothing has the variables that their files set, and no other: a RUN may have more.

    What `ONBUILD` sets stays, what it declares is gone with the image that it acted in.
    """
    up = "FROM scratch\nENV LAB=/lab\nONBUILD ARG GONE\nONBUILD ENV STAYS=1\n"
    mid = "FROM up\nRUN x\nONBUILD ARG MADE\n"
    leaf = (
        "FROM mid AS one\nENV A=$LAB B=$NOTHING\nRUN echo $NOTHING\nLABEL a=$STAYS b=$GONE\n"
        "FROM mid\nWORKDIR $MADE\nUSER $NOBODY\n"
    )
    found = codes(git_stack, up=up, mid=mid, leaf=leaf)

    assert [each[:2] for each in found] == [("undefined-variable", line) for line in (2, 4, 7)]
    assert codes(git_stack, up=up.replace("scratch", "debian:12"), mid=mid, leaf=leaf) == []


def test_an_environment_is_known_where_it_is_in_every_version(git_stack: GitStack) -> None:
    """A file that stands on nothing in one version and on something in another is let be."""
    files = {
        "images/spec.yml": "images:\n  lab: {versions: {'1': {docker_args: {BASE: scratch}}, '2': {docker_args: "
        "{BASE: 'debian:12'}}}}\n",
        "images/lab/Dockerfile": "ARG BASE\nFROM $BASE\nLABEL a=$NOTHING\n",
    }
    found = verbs.check(verbs.load(git_stack(files), Options()))

    assert "undefined-variable" not in [each.code for each in found]


def test_arguments_that_a_parent_declares_on_build(git_stack: GitStack) -> None:
    """`ONBUILD ARG` takes what is passed, and the default before FROM: neither is for nothing, and ENV may read it."""
    files = {
        "images/spec.yml": "images:\n  up:\n  lab: {build_args: {OBARG: x, LOST: y}}\n"
        "  other: {build_args: {OBARG: x}}\n",
        "images/up/Dockerfile": "FROM x\nONBUILD ARG OBARG\nONBUILD RUN echo $OBARG\n",
        "images/lab/Dockerfile": "ARG OBARG=1\nFROM up\nENV V=$OBARG\n",
        "images/other/Dockerfile": "FROM x AS one\nONBUILD ARG OBARG\nFROM one\n",
    }
    found = verbs.check(verbs.load(git_stack(files), Options()))

    assert [each.sentence for each in found if each.code != "not-tested"] == [
        "image 'lab' is passed the build argument LOST, and no ARG of its Dockerfile declares it"
    ]


def test_two_versions_under_one_tag(git_stack: GitStack) -> None:
    """Plans of the same prefix would overwrite each other; an image that only one of them builds is fine."""
    spec = "plans: {a: {tag_prefix: v1}, b: {tag_prefix: v1}}\nimages:\n  lab:\n  one: {skip_plans: [b]}\n"
    root = git_stack(
        {"images/spec.yml": spec, "images/lab/Dockerfile": "FROM x\n", "images/one/Dockerfile": "FROM x\n"}
    )
    found = [each for each in verbs.check(verbs.load(root, Options())) if each.level == "error"]

    assert [(each.code, each.path, each.line) for each in found] == [("same-tag", "images/spec.yml", 3)]
    assert found[0].sentence.startswith("'lab/a' and 'lab/b' are both tagged v1-")


@pytest.mark.processes
def test_branches_that_share_their_tags(git_stack: GitStack) -> None:
    """Only those that clash with the branch the files are on."""
    root = git_stack({"images/lab/Dockerfile": "FROM x\n"})
    git(root, "branch", "feature/x")
    git(root, "branch", "other/y")
    git(root, "branch", "other-y")
    git(root, "checkout", "-q", "-b", "feature-x")

    found = [each for each in verbs.check(verbs.load(root, Options())) if each.level == "warning"]
    assert [(each.code, each.sentence) for each in found] == [
        ("branch-clash", "branches 'feature-x' and 'feature/x' give the same tags: both become feature-x")
    ]


def test_files_that_nothing_reads(git_stack: GitStack) -> None:
    """One notice per image; documents count where they are large, ignored files and copied folders never."""
    root = git_stack(
        {
            "images/all/Dockerfile": "FROM x\nCOPY . /a\n",
            "images/all/data.csv": "1",
            "images/some/Dockerfile": "FROM x\nCOPY src /a\nRUN --mount=type=bind,source=build.sh,target=/b sh /b\n",
            "images/some/src/a": "1",
            "images/some/build.sh": "1",
            "images/some/.dockerignore": "secret",
            "images/some/secret": "1",
            "images/some/README.md": "1",
            "images/big/Dockerfile": "FROM x\n",
            "images/big/README.md": "1" * (1 << 20),
            "images/many/Dockerfile": "FROM x\n",
            **{f"images/many/{name}.txt": name for name in "abcd"},
        }
    )
    found = [each for each in verbs.check(verbs.load(root, Options())) if each.code != "not-tested"]
    assert [(each.path, each.sentence) for each in found] == [
        ("images/big/Dockerfile", "1 file of the build context images/big (1 MB) no instruction reads: README.md"),
        (
            "images/many/Dockerfile",
            "4 files of the build context images/many (4 bytes) no instruction reads: a.txt, b.txt, c.txt, …",
        ),
    ]


def test_what_every_image_is_passed_is_configuration(git_stack: GitStack) -> None:
    """No image has to use it; what one image is passed alone, it should."""
    spec = "images:\n  a: {build_args: {ALL: 1, ONE: 1}}\n  b: {build_args: {ALL: 2}}\n"
    root = git_stack({"images/spec.yml": spec, "images/a/Dockerfile": "FROM x\n", "images/b/Dockerfile": "FROM x\n"})
    found = [each.sentence for each in verbs.check(verbs.load(root, Options())) if each.level == "warning"]
    assert found == ["image 'a' is passed the build argument ONE, and no ARG of its Dockerfile declares it"]


def test_a_name_in_braces_that_is_nearly_one_with_a_value(git_stack: GitStack) -> None:
    """It is told once; braces that are no name of the stack's are left to what reads them."""
    spec = """\
vars: {cuda: "12"}
images:
  lab:
    build_args: {A: "{cudda}", B: "{cuda}", C: "{json}"}
"""
    dockerfile = "FROM debian:12\nARG A\nARG B\nARG C\nRUN echo $A $B $C\n"
    root = git_stack({"images/spec.yml": spec, "images/lab/Dockerfile": dockerfile})

    found = [each for each in verbs.check(verbs.load(root, Options())) if each.code == "unknown-variable"]
    assert [(each.path, each.line, each.hint) for each in found] == [("images/spec.yml", 4, "did you mean {cuda}?")]
