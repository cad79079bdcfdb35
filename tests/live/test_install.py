# SPDX-License-Identifier: MIT
"""From a wheel to a plan: what someone gets who installs Stackyard and has no engine.

Needs a package index, for what builds the wheel and what Stackyard depends on; nothing else. Where there is
none it skips, and has failed where CI is true (tests/conftest.py).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from stackyard import __version__
from tests.repositories import git

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "campus"
INSTALLERS = ["pip", *(["uv"] if shutil.which("uv") else [])]


def done(*argv: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a program that has to succeed; what it printed."""
    found = subprocess.run(
        [str(word) for word in argv], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=600
    )
    assert found.returncode == 0, f"{argv} ended with {found.returncode}:\n{found.stdout}\n{found.stderr}"
    return found.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources as `python -m build` does it: in an environment of its own."""
    try:
        import build  # noqa: F401
    except ImportError:
        pytest.skip("the package `build` is not installed: pip install -e '.[dev]'")
    folder = tmp_path_factory.mktemp("wheel")
    asked = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(folder / "probe"),
        "hatchling",
    ]
    probe = subprocess.run(asked, capture_output=True, text=True, check=False)
    if probe.returncode:
        pytest.skip(f"pip finds no index to build the wheel with: {probe.stderr.strip().splitlines()[-1]}")
    sources = folder / "sources"
    sources.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    shutil.copytree(ROOT / "src", sources / "src", ignore=shutil.ignore_patterns("__pycache__"))
    done(sys.executable, "-m", "build", "--wheel", "--outdir", folder, sources)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module", params=INSTALLERS)
def command(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed from the wheel into an environment that has nothing else."""
    folder = tmp_path_factory.mktemp(f"installed-by-{request.param}")
    if request.param == "uv":
        places = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
        done("uv", "tool", "install", "--python", sys.executable, wheel, env={**os.environ, **places})
        return folder / "bin" / "stackyard"
    done(sys.executable, "-m", "venv", folder / "venv")
    done(folder / "venv" / "bin" / "pip", "install", "--quiet", wheel)
    return folder / "venv" / "bin" / "stackyard"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example, committed in a repository of its own."""
    root = tmp_path / "campus"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("__pycache__", ".stackyard"))
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "The example")
    return root


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """git and nothing else: no engine on PATH and none at the address."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git") or "git")
    return {"PATH": str(programs), "HOME": str(tmp_path), "DOCKER_HOST": "unix:///nowhere.sock", "LANG": "C.UTF-8"}


def test_the_wheel_holds_the_package_and_its_types(wheel: Path) -> None:
    """Typed, licensed, without tests; the command is its only entry point."""
    names = zipfile.ZipFile(wheel).namelist()
    entry = next(name for name in names if name.endswith("entry_points.txt"))

    assert "stackyard/py.typed" in names
    assert any(name.endswith("/LICENSE") for name in names)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"stackyard"}
    assert zipfile.ZipFile(wheel).read(entry).decode().split() == [
        "[console_scripts]",
        "stackyard",
        "=",
        "stackyard.__main__:main",
    ]


def test_version_and_help(command: Path, environ: dict[str, str]) -> None:
    """The command runs from its own environment, as a script and as a module."""
    assert done(command, "--version", env=environ) == f"stackyard {__version__}\n"
    assert "Every day:" in done(command, "--help", env=environ)
    if (python := command.with_name("python")).exists():
        assert done(python, "-m", "stackyard", "--version", env=environ) == f"stackyard {__version__}\n"


def test_a_plan_of_the_example(command: Path, example: Path, environ: dict[str, str]) -> None:
    """Nothing is known yet, so all four images would be built; no engine is asked."""
    shown = done(command, "plan", cwd=example, env=environ)
    told = json.loads(done(command, "plan", "--json", cwd=example, env=environ))

    assert "4 to build." in shown
    assert [step["action"] for step in told["steps"]] == ["build"] * 4
    assert "No errors" in done(command, "check", cwd=example, env=environ)
    assert not (example / ".stackyard").exists()


def test_a_build_without_an_engine_says_so(command: Path, example: Path, environ: dict[str, str]) -> None:
    """What needs an engine names the address at which there is none."""
    found = subprocess.run(
        [command, "build"], cwd=example, env=environ, capture_output=True, text=True, check=False, timeout=60
    )

    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr.startswith("error: no engine answers at unix:///nowhere.sock")
    assert "Traceback" not in found.stderr
