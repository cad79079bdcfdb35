# SPDX-License-Identifier: MIT
"""What a set locks, gathered from files: requirement files as pip reads them, pyproject.toml, packages by path."""

from __future__ import annotations

import pytest

from stackyard.errors import FileProblem
from stackyard.lock.asking import requirements_of
from stackyard.lock.inputs import Gathered, Local, gather
from stackyard.model.lock import LocalPackage, LockSet, Project
from stackyard.model.spot import Spot


class Tree(dict[str, str]):
    """Files by path."""

    def read(self, path: str) -> bytes | None:
        return self[path].encode() if path in self else None

    def is_folder(self, path: str) -> bool:
        return path == "." or any(name.startswith(f"{path}/") for name in self)


def gathered(files: dict[str, str], **declared: object) -> Gathered:
    """What a set of these facts asks for."""
    lock = LockSet("unit", Spot("images/spec.yml", 7), **({"requirements": ("a/r.in",)} | declared))  # type: ignore[arg-type]
    return gather(lock, Tree(files))


def test_requirement_files_are_one_flat_list() -> None:
    """Includes relative to the file that has them, each once; comments, continued lines, hashes; local folders."""
    files = {
        "a/r.in": "\ufeffalpha>=1 # why\n\n-r more.in\n-c ../c.txt\n-e ./libs/own[x]\n"
        "beta[z] ; python_version < '3.9'\n",
        "a/more.in": "gamma==1 \\\n  --hash=sha256:00 \\\n  --hash=sha256:11\n-r r.in\n--requirement=../b.in\n",
        "b.in": "delta\n./libs/own[y]\n",
        "c.txt": "beta<3\n",
        "libs/own/setup.py": "import setuptools\nsetuptools.setup(name='Own_Thing', version=v())\n",
    }
    found = gathered(files)

    assert found.requirements == ("alpha>=1", "gamma==1", "delta", "beta[z] ; python_version < '3.9'")
    assert found.constraints == ("beta<3",)
    assert found.locals == (Local("own-thing", "libs/own", ("x", "y"), runs_code=True),)
    assert found.files == ("a/r.in", "a/more.in", "b.in", "libs/own", "c.txt")
    assert requirements_of(found)[-1] == "own-thing[x,y] @ file://${PROJECT_ROOT}/tree/libs/own"


def test_a_pyproject_gives_its_dependencies_extras_and_groups() -> None:
    """Extras that name others of the same project, groups that include groups; the project itself is not there."""
    text = """[project]
name = "Me"
version = "1"
dependencies = ["alpha"]
[project.optional-dependencies]
all = ["me[Small_One]", "beta"]
small-one = ["gamma"]
[dependency-groups]
dev = [{include-group = "lint"}, "delta"]
lint = ["epsilon"]
"""
    wanted = (Project("pyproject.toml", ("all",), ("dev",)),)
    found = gathered({"pyproject.toml": text}, requirements=(), projects=wanted)

    assert found.requirements == ("alpha", "gamma", "beta", "epsilon", "delta")


@pytest.mark.parametrize(
    ("files", "name", "runs"),
    [
        ({"p/pyproject.toml": '[project]\nname = "x"\nversion = "1"\n'}, "x", False),
        ({"p/pyproject.toml": '[project]\nname = "x"\ndynamic = ["version"]\n'}, "x", True),
        ({"p/setup.cfg": "[metadata]\nname = x.y\n", "p/setup.py": "setup()"}, "x-y", True),
    ],
)
def test_packages_are_known_by_name(files: dict[str, str], name: str, runs: bool) -> None:
    """Wherever it stands; code runs only where facts are not written down."""
    found = gathered(files, requirements=(), packages=(LocalPackage("p"),))

    assert found.locals == (Local(name, "p", (), runs),)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-r gone.in", r"a/r\.in:2: there is no a/gone\.in at that commit"),
        ("--index-url https://x", r"a/r\.in:2: a lock takes no option '--index-url'"),
        ("thing @ git+https://example.org/x", r"a/r\.in:2: thing comes from an address"),
        ("./gone", r"a/r\.in:2: there is no folder \./gone"),
        ("./nameless", r"a/r\.in:2: the name of the package nameless cannot be read"),
    ],
)
def test_what_cannot_be_locked_is_told_with_its_line(line: str, said: str) -> None:
    """In the file that says it."""
    with pytest.raises(FileProblem, match=said):
        gathered({"a/r.in": f"alpha\n{line}\n", "nameless/setup.py": "setup(name=NAME)"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[project", "is no TOML"),
        ('[project]\nname = "x"\ndynamic = ["dependencies"]\n', "its dependencies are dynamic"),
        ('[project]\nname = "x"\n', "there is no extra 'dev'"),
    ],
)
def test_a_pyproject_that_cannot_be_locked_is_told(text: str, said: str) -> None:
    """With the file's name."""
    with pytest.raises(FileProblem, match=rf"pyproject\.toml: {said}"):
        gathered({"pyproject.toml": text}, requirements=(), projects=(Project("pyproject.toml", ("dev",)),))
