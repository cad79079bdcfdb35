# SPDX-License-Identifier: MIT
"""What is asked of buildah, and what its lines mean; the contract test runs the real one."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest

from stackyard.edges.buildah import _ended, _named, settled
from stackyard.edges.buildah_build import STEERS, BuildahValues, argv
from stackyard.edges.buildx import refusal
from stackyard.edges.engine import BuildRequest, BuildStep
from stackyard.edges.engines import kind_of
from stackyard.edges.pins import Pinned
from stackyard.edges.rawjson import Progress
from stackyard.model.names import Digest
from stackyard.model.reference import Platform, Reference

ID = Digest("sha256:" + "8" * 64)


def request_for(folder: Path) -> BuildRequest:
    """A request for an image in this folder."""
    (folder / "Dockerfile").write_text("FROM base\n")
    return BuildRequest(
        folder, folder / "Dockerfile", Reference.parse("lab/base:1"), (("TOKEN", "s3cret"),), (("a", "b"),), {}, 1
    )


class TestArgv:
    """The command line."""

    def test_nothing_is_fetched_and_no_value_shown(self, tmp_path: Path) -> None:
        """No pull, docker's format, no label of buildah's own; the name is complete."""
        words = argv(request_for(tmp_path), Pinned(tmp_path / "Dockerfile", ()), tmp_path)

        assert {"--pull=never", "--format=docker", "--identity-label=false", "--force-rm"} <= set(words)
        assert words[words.index("--tag") + 1] == "docker.io/lab/base:1"
        assert words[words.index("--build-arg") + 1] == "TOKEN"
        assert "s3cret" not in " ".join(words)

    @pytest.mark.parametrize("name", ["Dockerfile.dockerignore", ".dockerignore", None])
    def test_the_ignore_file_is_the_one_that_counts(self, tmp_path: Path, name: str | None) -> None:
        """The Dockerfile's own, else the context's, else none: never a `.containerignore`."""
        for path in (".containerignore", *([name] if name else [])):
            (tmp_path / path).write_text("x\n")
        folder = tmp_path / "of-the-build"
        folder.mkdir()
        words = argv(request_for(tmp_path), Pinned(folder / "Dockerfile", ()), folder)
        ignore = Path(words[words.index("--ignorefile") + 1])

        assert ignore == (tmp_path / name if name else folder / "nothing")
        assert ignore.exists()

    def test_only_what_is_asked_for(self, tmp_path: Path) -> None:
        """Platform, stage, network and cache are buildah's own choice otherwise."""
        request, pins = request_for(tmp_path), Pinned(tmp_path / "Dockerfile", ())
        asked = msgspec.structs.replace(
            request, platform=Platform("linux/arm64"), stage="two", network="none", use_cache=False
        )

        assert not {"--platform", "--target", "--network", "--no-cache"} & set(argv(request, pins, tmp_path))
        assert argv(asked, pins, tmp_path)[-8:-1] == [
            *("--platform", "linux/arm64", "--target", "two", "--network", "none", "--no-cache")
        ]


@pytest.mark.parametrize("name", ["PATH", "BUILDAH_ISOLATION", "CONTAINERS_STORAGE_CONF", "XDG_RUNTIME_DIR"])
def test_arguments_that_would_steer_it_are_refused(tmp_path: Path, name: str) -> None:
    """Values travel through its environment."""
    request = msgspec.structs.replace(request_for(tmp_path), args=((name, "1"),))
    assert "steers the buildah client" in (refusal(request, STEERS, "buildah") or "")


class TestLines:
    """What buildah prints, as steps."""

    def followed(self, *lines: str) -> tuple[Progress, list[BuildStep], str]:
        """A build that printed these lines."""
        steps: list[BuildStep] = []
        log, ticks = io.StringIO(), iter(range(100))
        values = BuildahValues({"base": ID}, lambda: float(next(ticks)))
        progress = Progress(log, steps.append, lambda _: None, lambda text: text, values)
        for line in lines:
            progress.take(line)
        progress.end()
        return progress, steps, log.getvalue()

    def test_steps_begin_and_end(self) -> None:
        """Each ends where the next begins; what came from the cache is said; a base has the name it is known by."""
        _, steps, log = self.followed(
            f"STEP 1/3: FROM {ID}",
            "STEP 2/3: ARG A",
            f"--> Using cache {'1' * 64}",
            "STEP 3/3: RUN make",
            "making",
            "COMMIT docker.io/lab/base:1",
            f"--> {'2' * 11}",
            "Successfully tagged docker.io/lab/base:1",
        )

        assert [(step.name, step.state) for step in steps] == [
            ("[1/3] FROM base", "started"),
            ("[1/3] FROM base", "done"),
            ("[2/3] ARG A", "started"),
            ("[2/3] ARG A", "cached"),
            ("[3/3] RUN make", "started"),
            ("[3/3] RUN make", "done"),
        ]
        assert steps[-1].duration_s == 1
        assert "making" in log

    def test_output_without_a_line_break(self) -> None:
        """The next step stands on the same line as the end of what was printed before it."""
        progress, steps, log = self.followed("[1/2] STEP 1/2: RUN printf x", "x[2/2] STEP 1/1: FROM scratch")
        assert [step.name for step in steps if step.state == "started"] == [
            "[1/2 1/2] RUN printf x",
            "[2/2 1/1] FROM scratch",
        ]
        assert "#1 x" in log
        assert progress.unfinished()[0] == "it was at [2/2 1/1] FROM scratch"

    def test_a_step_that_fails(self) -> None:
        """The step, its exit code, and the end of its output without buildah's own words."""
        progress, steps, _ = self.followed(
            "STEP 2/2: RUN echo two; exit 3",
            "two",
            "subprocess exited with status 3",
            'Error: building at STEP "RUN echo two; exit 3": while running runtime: exit status 3',
        )
        assert progress.failure() == ("[2/2] RUN echo two; exit 3: exit code: 3", ("two",))
        assert steps[-1].state == "failed"

    def test_a_step_that_is_ended(self) -> None:
        """What buildah says when its own programs die under it is no word of the step's."""
        progress, _, _ = self.followed(
            "STEP 2/2: RUN echo two; sleep 300",
            "two",
            'error running container: reading container state from /usr/bin/runc (got output: ""): signal: terminated',
        )
        assert progress.unfinished() == ("it was at [2/2] RUN echo two; sleep 300", ("two",))


def test_a_commands_own_output() -> None:
    """What buildah says about a command that failed is not the command's; one that is not there is 127."""
    assert _ended("sh", 125, ["err", "Error: while running runtime: exit status 125"], 1.0).output == "err\n"
    missing = _ended(
        "nope",
        1,
        [
            'process failed to start with error: exec: "nope": executable file not found in $PATHprocess exited',
            "Error: exit status 1",
        ],
        1.0,
    )
    assert missing.exit_code == 127
    assert "nope" in missing.output
    assert _ended("sh", 0, ["Error: while running runtime: exit status 3"], 1.0).output  # the command's own words


def test_names_of_the_store() -> None:
    """A complete name; `localhost/` where none was given; a digest where the name was pulled with a tag."""
    image = {"id": str(ID), "names": ["localhost/lab:1", "docker.io/library/debian:12"], "digest": str(ID)}

    assert _named([image], Reference.parse("debian:12")) is image
    assert _named([image], Reference.parse("lab:1")) is image
    assert _named([image], Reference.parse(f"debian@{ID}")) is image
    assert _named([image], Reference.parse("ghcr.io/lab:1")) is None
    assert _named([image], Reference.parse(f"other@{ID}")) is None


def test_a_folder_without_logins_is_not_named(tmp_path: Path) -> None:
    """Buildah would fail at a DOCKER_CONFIG in which there is no file; docker makes one when it needs it."""
    assert settled({"DOCKER_CONFIG": str(tmp_path)}) == {}
    (tmp_path / "config.json").write_text("{}")
    assert settled({"DOCKER_CONFIG": str(tmp_path)}) == {"DOCKER_CONFIG": str(tmp_path)}


def test_which_engine(tmp_path: Path) -> None:
    """What was asked for; else docker, where it is installed or named; buildah where it is alone."""
    only, both = tmp_path / "only", tmp_path / "both"
    for folder, names in ((only, ["buildah"]), (both, ["buildah", "docker"])):
        folder.mkdir()
        for name in names:
            (folder / name).touch(0o755)

    assert kind_of({"PATH": str(both)}) == "docker"
    assert kind_of({"PATH": str(both)}, "buildah") == "buildah"
    assert kind_of({"PATH": str(only)}) == "buildah"
    assert kind_of({"PATH": str(only), "DOCKER_HOST": "ssh://lab"}) == "docker"
    assert kind_of({"PATH": str(tmp_path)}) == "docker"  # whose error says what to install
