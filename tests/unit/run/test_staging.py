# SPDX-License-Identifier: MIT
"""Builds whose build context is put together from several places: what the engine sees, and what is left of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.edges.engine import BuildRequest, BuildResult, BuildStep
from stackyard.edges.staging import staged as staged_context
from stackyard.model.progress import JobStarted, Progress
from tests.unit.run.test_run import SPEC, Bench, outcome

FILES = SPEC.replace("left: {", "left: {files: [{from: lib, to: cache/lib}], ")


@pytest.fixture
def staged(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """`left` gets files from outside the images folder; temporary files have a folder of their own."""
    bench = Bench(tmp_path / "stack")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))
    bench.write("images/spec.yml", FILES)
    bench.write("lib/run.sh", "run")
    (bench.root / "lib/run.sh").chmod(0o755)
    (bench.root / "lib/link").symlink_to("run.sh")
    bench.commit()
    return bench


def contexts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The build context of each image that is built from now on, in a copy that lasts."""
    seen: dict[str, Path] = {}
    real = bench.engine.build

    def build(request: BuildRequest, log: Path, watch: Callable[[BuildStep], None]) -> BuildResult:
        name = request.tag.repository.rpartition("/")[2]
        seen[name] = shutil.copytree(
            request.context, bench.root.parent / f"kept-{len(bench.engine.calls)}-{name}", symlinks=True
        )
        return real(request, log, watch)

    monkeypatch.setattr(bench.engine, "build", build)
    return seen


def leftovers() -> list[str]:
    """What is left of build contexts where temporary files are."""
    return [name for name in os.listdir(tempfile.gettempdir()) if name.startswith("sy-building-")]


def test_an_engine_gets_files_from_elsewhere(staged: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the folder's own, with their modes, links as links; afterwards nothing of it is left."""
    seen = contexts(staged, monkeypatch)
    assert staged.build("left").is_good
    context = seen["left"]
    found = sorted(str(path.relative_to(context)) for path in context.rglob("*") if not path.is_dir())
    assert found == ["Dockerfile", "cache/lib/link", "cache/lib/run.sh", "note"]
    assert os.readlink(context / "cache/lib/link") == "run.sh"
    assert (context / "cache/lib/run.sh").stat().st_mode & 0o777 == 0o755
    assert (context / "cache/lib").stat().st_mode & 0o777 == 0o755
    assert leftovers() == []
    assert not (staged.root / "images/left/cache").exists()
    assert staged.statuses(staged.build("left"))["left"] == "reused"
    staged.write("lib/run.sh", "another")
    assert staged.yard().stack.revision.is_dirty
    assert staged.statuses(staged.build("left"))["left"] == "built"


def test_a_failed_build_leaves_no_files_behind(staged: Bench) -> None:
    """Nor does an engine that gives up; the next run builds."""
    staged.engine.failing["registry.example/lab/left"] = "no"
    assert staged.statuses(staged.build("left"))["left"] == "failed"
    assert leftovers() == []
    staged.engine.failing.clear()
    assert staged.statuses(staged.build("left"))["left"] == "built"


def test_files_from_elsewhere_that_changed_meanwhile_are_not_kept(staged: Bench) -> None:
    """An edit after the plan, and a folder that became a link out of the repository: the build fails."""

    def failure(change: Callable[[], object]) -> str:
        def edit(progress: Progress) -> None:
            if isinstance(progress, JobStarted) and (progress.target, progress.job) == ("left", "build"):
                change()

        yard = staged.yard()
        return outcome(verbs.run(yard, verbs.prepare(yard, ["left"]), watch=edit), "left").failure or ""

    assert ": lib/run.sh changed" in failure(lambda: staged.write("lib/run.sh", "edited"))
    away = staged.root.parent / "away"
    shutil.copytree(staged.root / "lib", away, symlinks=True)

    def swap() -> None:
        shutil.rmtree(staged.root / "lib")
        (staged.root / "lib").symlink_to(away)

    assert "through a link" in failure(swap)
    assert leftovers() == []


def test_two_builds_at_once_share_no_folder(tmp_path: Path) -> None:
    """Each is whole while the other lasts, and goes alone."""
    (tmp_path / "a").write_text("a")
    with staged_context(tmp_path, [("a", "x/a")], 0) as first:
        with staged_context(tmp_path, [("a", "x/a")], 0) as second:
            assert first != second
            assert (second / "x/a").read_text() == "a"
        assert not second.exists()
        assert (first / "x/a").read_text() == "a"
    assert not first.exists()
