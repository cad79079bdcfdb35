# SPDX-License-Identifier: MIT
"""The pure parts of the Docker edge: command lines, pins, the progress stream, where the engine is."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from pathlib import Path

import pytest

from stackyard.edges.buildx import argv, environment, lost_by_engine, masker, refusal
from stackyard.edges.built_in import PlainValues
from stackyard.edges.docker import DockerEngine, _facts, _store, _unmistakable
from stackyard.edges.docker_context import locate
from stackyard.edges.engine import BuildRequest, BuildStep
from stackyard.edges.pins import Pinned, apart, match_name
from stackyard.edges.rawjson import Progress, Values
from stackyard.errors import EngineUnavailable
from stackyard.model.building import Way
from stackyard.model.reference import Platform, Reference
from tests.cases import each_of

ID = "sha256:" + "a" * 64


def request_of(folder: Path, **changed: object) -> BuildRequest:
    """A request with one of everything."""
    values: dict[str, object] = {
        "context": folder,
        "dockerfile": folder / "Dockerfile",
        "tag": Reference.parse("campus/lab:sy-1"),
        "args": (("TOKEN", "secret value"), ("EMPTY", "")),
        "labels": (("title", "Lab, the = one"),),
        "pins": {},
        "epoch": 7,
    }
    return BuildRequest(**{**values, **changed})  # type: ignore[arg-type]


class TestArgv:
    """What `docker buildx build` is called with."""

    def test_values_of_arguments_are_not_on_it(self, tmp_path: Path):
        """Names only: the values travel through the environment."""
        request = request_of(tmp_path)
        words = argv(request, Pinned(request.dockerfile, ()), tmp_path / "m.json")

        assert not any("secret value" in word for word in words)
        assert words.count("--build-arg") == 2
        assert "TOKEN" in words
        assert environment(request)["TOKEN"] == "secret value"
        assert environment(request)["EMPTY"] == ""

    def test_pins_become_contexts(self, tmp_path: Path):
        """The name that the Dockerfile uses, and the image to take for it."""
        request = request_of(tmp_path)
        pins = Pinned(request.dockerfile, (("campus/base:2026", Reference.parse("campus/base:sy-abc")),))
        words = argv(request, pins, tmp_path / "m.json")

        assert words[words.index("--build-context") + 1] == "campus/base:2026=docker-image://campus/base:sy-abc"
        assert words[-1] == str(tmp_path)

    def test_what_varies_by_itself_is_off(self, tmp_path: Path):
        """No attestations, no labels from git, one epoch, the engine's own builder."""
        request = request_of(tmp_path)
        words = argv(request, Pinned(request.dockerfile, ()), tmp_path / "m.json")
        given = environment(request)

        assert {"--provenance=false", "--sbom=false"} <= set(words)
        assert words[words.index("--builder") + 1] == "default"
        assert given["SOURCE_DATE_EPOCH"] == "7"
        assert given["BUILDX_GIT_LABELS"] == "0"

    def test_what_is_attested_is_what_was_asked_for(self, tmp_path: Path):
        """The one, and the other stays off; in a form that every registry takes."""
        request = request_of(tmp_path, attestations=("type=sbom,generator=x",))
        words = argv(request, Pinned(request.dockerfile, ()), tmp_path / "m.json")

        assert "--attest=type=sbom,generator=x" in words
        assert "--provenance=false" in words
        assert "--sbom=false" not in words
        assert environment(request)["BUILDX_NO_DEFAULT_OCI_ARTIFACT"] == "1"

    def test_a_stage_and_a_network_only_where_asked_for(self, tmp_path: Path):
        """Absent, they are absent: the last stage, and the engine's network."""
        request = request_of(tmp_path)
        plain = argv(request, Pinned(request.dockerfile, ()), tmp_path / "m.json")
        other = request_of(tmp_path, stage="test", network="none")
        asked = argv(other, Pinned(request.dockerfile, ()), tmp_path / "m.json")

        assert not {"--target", "--network"} & set(plain)
        assert asked[asked.index("--target") + 1] == "test"
        assert asked[asked.index("--network") + 1] == "none"

    def test_platform_and_no_cache_only_where_asked_for(self, tmp_path: Path):
        """Absent, they are absent: the engine's platform, and its cache."""
        request = request_of(tmp_path)
        plain = argv(request, Pinned(request.dockerfile, ()), tmp_path / "m.json")
        other = request_of(tmp_path, platform=Platform("linux/arm64"), use_cache=False)
        asked = argv(other, Pinned(request.dockerfile, ()), tmp_path / "m.json")

        assert "--platform" not in plain
        assert "--no-cache" not in plain
        assert asked[asked.index("--platform") + 1] == "linux/arm64"
        assert "--no-cache" in asked

    @pytest.mark.parametrize("name", ["PATH", "HOME", "DOCKER_HOST", "BUILDX_BUILDER", "LD_PRELOAD"])
    def test_arguments_that_would_steer_the_client_are_refused(self, tmp_path: Path, name: str):
        """They would be read by docker itself, and send the build elsewhere."""
        found = refusal(request_of(tmp_path, args=((name, "x"),)))

        assert found is not None
        assert name in found

    def test_others_are_not(self, tmp_path: Path):
        """SOURCE_DATE_EPOCH and BUILDKIT_... are arguments like any other."""
        args = (("SOURCE_DATE_EPOCH", "1"), ("BUILDKIT_INLINE_CACHE", "1"), ("PYTHON_VERSION", "3.10"))

        assert refusal(request_of(tmp_path, args=args)) is None
        assert environment(request_of(tmp_path, args=args))["SOURCE_DATE_EPOCH"] == "1"


def test_a_docker_with_buildkit_built_in(tmp_path: Path):
    """No buildx, no attestations to switch off; the id comes in a file."""
    request = request_of(tmp_path)
    way = Way("docker build", has_contexts=False)
    words = argv(request, Pinned(request.dockerfile, ()), tmp_path / "id", way)

    assert words[:2] == ["docker", "build"]
    assert words[words.index("--iidfile") + 1] == str(tmp_path / "id")
    assert not {"--builder", "--provenance=false"} & set(words)
    assert environment(request)["DOCKER_BUILDKIT"] == "1"


def test_lines_for_people_tell_the_same():
    """What docker 20.10 prints becomes steps, output and the failing instruction; names come once."""
    lines = """#1 [internal] load metadata for docker.io/library/debian:12
#1 sha256:447338529203f52ddb4c00a4cf40ab6c2399a5d78a019c1f53dcaa57bf37c1d7
#1 DONE 0.0s

#2 [1/3] FROM docker.io/library/debian:12
#2 CACHED
#3 [2/3] RUN echo one
#3 0.509 one
#3 ...
#4 [other 2/2] RUN sleep 9
#4 CANCELED
#3 [2/3] RUN echo one
#3 DONE 1.6s
#5 [3/3] RUN echo two; exit 3
#5 0.752 two
#5 ERROR: executor failed running [/bin/sh -c exit 3]: exit code: 3
------
executor failed running [/bin/sh -c exit 3]: exit code: 3""".splitlines()
    steps: list[BuildStep] = []
    needed: list[str] = []
    log = io.StringIO()
    progress = Progress(log, steps.append, needed.append, lambda text: text, PlainValues())
    for line in lines:
        progress.take(line)
    progress.end()

    assert needed == ["docker.io/library/debian:12"]
    assert [(step.name[:5], step.state) for step in steps if "other" not in step.name] == [
        ("[1/3]", "started"),
        ("[1/3]", "cached"),
        ("[2/3]", "started"),
        ("[2/3]", "done"),
        ("[3/3]", "started"),
        ("[3/3]", "failed"),
    ]
    failure = "[3/3] RUN echo two; exit 3: exit code: 3"
    assert progress.failure() == (failure, ("two",))
    assert "#3 done in 1.6 s" in log.getvalue()


def test_a_result_that_the_engine_lost():
    """A snapshot that was to be committed, the network of a RUN that never began; what one fails with is its own."""
    said = "exporting to image: failed to commit a1 to b2 during finalize: failed to stat active key during commit: "

    assert lost_by_engine(f"{said}snapshot a1 does not exist: not found")
    endpoint = "failed to create endpoint 217mfle0u35l on network bridge: adding interface veth4 to bridge lab failed"
    assert lost_by_engine(f'RUN x: process "x" did not complete successfully: {endpoint}: Device does not exist')
    assert not lost_by_engine(f'RUN echo {endpoint}: process "x" did not complete successfully: exit code: 1')
    assert not lost_by_engine('RUN x: process "/bin/sh -c x" did not complete successfully: exit code: 1')
    assert not lost_by_engine("COPY a /: failed to compute cache key: a does not exist: not found")


def test_secrets_are_masked():
    """Values of arguments that look secret go, whole or as the password in an address; others stay."""
    mask = masker((("NPM_TOKEN", "abcd1234"), ("INDEX", "https://me:pass-word@pypi.example/"), ("VERSION", "3.10")))

    assert mask("RUN login abcd1234 on 3.10") == "RUN login *** on 3.10"
    assert "pass-word" not in mask("fetching me:pass-word from https://me:pass-word@pypi.example/")


class TestApart:
    """Pins whose name is also a stage's."""

    PRIVATE = Reference.parse("127.0.0.1:0/stackyard/pin:a-1")

    def written(self, folder: Path, text: str, keys: list[str], args: dict[str, str] | None = None) -> Pinned:
        images = folder / "images"
        images.mkdir()
        (images / "Dockerfile").write_text(text)
        copies = folder / "copies"
        copies.mkdir()
        return apart(images / "Dockerfile", [(key, self.PRIVATE) for key in keys], args or {}, copies)

    def test_nothing_in_common_nothing_done(self, tmp_path: Path):
        """Nearly always: the user's own Dockerfile is used."""
        made = self.written(tmp_path, "FROM debian:12 AS debian\nFROM base\n", ["debian:12", "base"])

        assert made.dockerfile == tmp_path / "images" / "Dockerfile"
        assert len(made.contexts) == 2

    def test_an_engine_without_contexts_gets_a_copy(self, tmp_path: Path):
        """FROM, COPY --from and mounts name the pin; stages, other images and the words of a command stay."""
        text = (
            "FROM base AS one\n"
            "COPY --chown=1 --from=tools:1 /a /b\n"
            "RUN --mount=type=bind,from=tools:1,target=/t cp --from=tools:1 /t\n"
            "FROM other\n"
            "COPY --from=one /who /who\n"
            "COPY --from=0 /x /x\n"
        )
        images = tmp_path / "images"
        images.mkdir()
        (images / "Dockerfile").write_text(text)
        contexts = [(key, self.PRIVATE) for key in ("base", "tools:1", "one")]
        made = apart(images / "Dockerfile", contexts, {}, tmp_path, has_contexts=False)

        assert made.contexts == ()
        assert made.covers("base")
        assert made.dockerfile.read_text() == (
            f"FROM {self.PRIVATE} AS one\n"
            f"COPY --chown=1 --from={self.PRIVATE} /a /b\n"
            f"RUN --mount=type=bind,from={self.PRIVATE},target=/t cp --from=tools:1 /t\n"
            "FROM other\n"
            "COPY --from=one /who /who\n"
            "COPY --from=0 /x /x\n"
        )

    @pytest.mark.parametrize("key", ["base", "base:latest", "docker.io/library/base"])
    def test_a_stage_of_the_same_name(self, tmp_path: Path, key: str):
        """Only the reference changes, only up to the stage that takes the name over."""
        text = "FROM base as other\nRUN a\n\nFROM --platform=linux/amd64 base AS Base\nRUN b\nFROM base\n"
        made = self.written(tmp_path, text, [key, "debian:12"])

        assert made.dockerfile.read_text() == text.replace("FROM base as", f"FROM {self.PRIVATE} as").replace(
            "amd64 base AS", f"amd64 {self.PRIVATE} AS"
        )
        assert [name for name, _ in made.contexts] == ["debian:12"]
        assert made.covers("docker.io/library/base:latest")
        assert not made.covers("docker.io/library/other:latest")

    def test_through_a_variable(self, tmp_path: Path):
        """The name may stand in an argument, and lines may be continued."""
        text = "ARG BASE=x\nARG FULL=${BASE}\nFROM $FULL \\\n  AS base\nFROM base\n"
        made = self.written(tmp_path, text, ["base"], {"BASE": "base"})

        assert f"FROM {self.PRIVATE} \\\n  AS base\nFROM base\n" in made.dockerfile.read_text()

    def test_the_ignore_file_comes_along(self, tmp_path: Path):
        """BuildKit looks for it beside the Dockerfile it was given."""
        (tmp_path / "images").mkdir()
        (tmp_path / "images" / "Dockerfile.dockerignore").write_text("secret\n")
        (tmp_path / "images" / "Dockerfile").write_text("FROM base AS base\n")
        made = apart(tmp_path / "images" / "Dockerfile", [("base", self.PRIVATE)], {}, tmp_path)

        assert made.dockerfile.with_name("Dockerfile.dockerignore").read_text() == "secret\n"


@each_of(
    ("one", "other"),
    [
        ("debian", "docker.io/library/debian:latest"),
        ("debian:12", "library/debian:12"),
        ("campus/base:1", "docker.io/campus/base:1"),
        ("GHCR.io/acme/lab", "ghcr.io/acme/lab:latest"),
        (f"debian:12@{ID}", f"docker.io/library/debian:12@{ID}"),
    ],
)
def test_spellings_of_one_name(one: str, other: str):
    """What BuildKit takes for the same name, we do too."""
    assert match_name(one) == match_name(other)


@pytest.mark.parametrize(("one", "other"), [("debian", "debian:12"), ("a/b", "ghcr.io/a/b"), (f"a@{ID}", "a")])
def test_names_that_differ(one: str, other: str):
    """And no others."""
    assert match_name(one) != match_name(other)


STATUS = {"vertexes": [{"digest": "sha256:1", "name": 'a "}" {', "started": "2026-01-01T00:00:00.123456789Z"}]}


class TestValues:
    """JSON objects out of the stream."""

    @pytest.mark.parametrize("indent", [None, 2], ids=["one on a line", "indented"])
    def test_both_ways_of_writing(self, indent: int | None):
        """Old buildx indents, newer ones write one object on a line; words may stand between."""
        text = f"WARNING: a word\n{json.dumps(STATUS, indent=indent)}\n{json.dumps(STATUS, indent=indent)}\nERROR: x\n"
        values = Values()

        found = [value for line in text.splitlines() for value in values.take(line)]

        assert found == ["WARNING: a word", STATUS, STATUS, "ERROR: x"]
        assert values.rest() == ""

    def test_two_on_one_line(self):
        """Nothing says that a value ends with a line."""
        values = Values()

        assert list(values.take('{"a": 1} {"b": 2}')) == [{"a": 1}, {"b": 2}]

    def test_a_stream_that_breaks_off(self):
        """What is left is kept for the log."""
        values = Values()

        assert list(values.take("{")) == []
        assert list(values.take('  "a":')) == []
        assert values.rest() == '{\n  "a":'


class TestProgress:
    """The stream as a person and a run see it."""

    def follow(self, *statuses: dict[str, object], words: str = "") -> tuple[Progress, str, list[BuildStep], list[str]]:
        log, steps, needed = io.StringIO(), [], []
        progress = Progress(log, steps.append, needed.append, lambda text: text.replace("hunter2", "***"))
        for status in statuses:
            progress.take(json.dumps(status))
        for word in words.splitlines():
            progress.take(word)
        progress.end()
        return progress, log.getvalue(), steps, needed

    @staticmethod
    def vertex(name: str, **more: object) -> dict[str, object]:
        return {"vertexes": [{"digest": name, "name": name, "started": "2026-01-01T00:00:00.5Z", **more}]}

    @staticmethod
    def output(name: str, text: str) -> dict[str, object]:
        return {"logs": [{"vertex": name, "stream": 1, "data": base64.b64encode(text.encode()).decode()}]}

    def test_a_command_is_told_once(self):
        """BuildKit says the whole of it before its exit code, forty lines or not: the step's name is enough."""
        command = "set -e\n" + "".join(f"step {number}\n" for number in range(40))
        error = f'process "/bin/sh -c {command}" did not complete successfully: exit code: 7'
        done = "2026-01-01T00:00:02Z"
        progress, log, _, _ = self.follow(self.vertex("[2/2] RUN <<EOF (set -e...)", completed=done, error=error))

        assert progress.failure() == ("[2/2] RUN <<EOF (set -e...): exit code: 7", ())
        assert "step 39" in log

    def test_a_step_its_output_and_its_time(self):
        """Name once, each line of output, duration."""
        name = "[2/2] RUN make"
        done = self.vertex(name, completed="2026-01-01T00:00:02.000000001Z")

        _, log, steps, _ = self.follow(
            self.vertex(name), self.output(name, "one\ntw"), self.output(name, "o\n10%\r100%\nend"), done, done
        )

        assert log.splitlines() == [
            f"#1 {name}",
            "#1 one",
            "#1 two",
            "#1 100%",
            "#1 end",
            "#1 done in 1.5 s",
            "",
            "Steps of the Dockerfile:",
            f"     1.5 s  {name}",
        ]
        assert steps == [BuildStep(name, "started"), BuildStep(name, "done", 1.5)]

    def test_times_are_in_the_dockerfiles_order(self):
        """Stage by stage, whatever BuildKit tells first, and how it counts what it knows of by then."""
        told = ("[1/11] RUN b", "[tools 1/1] FROM t", "[11/11] RUN c", "[internal] load x", "[1/11] FROM a")
        _, log, _, _ = self.follow(*(self.vertex(name, completed="2026-01-01T00:00:01.5Z") for name in told))

        assert [line.partition("s  ")[2] for line in log.splitlines()[-4:]] == [
            "[1/11] FROM a",
            "[1/11] RUN b",
            "[11/11] RUN c",
            "[tools 1/1] FROM t",
        ]

    def test_cached_steps(self):
        """A step that comes out of the cache is told as that."""
        _, _, steps, _ = self.follow(self.vertex("[a 1/2] RUN x", completed="2026-01-01T00:00:01Z", cached=True))

        assert steps == [BuildStep("[a 1/2] RUN x", "cached")]

    def test_the_step_that_failed_not_those_it_took_along(self):
        """Steps that are cancelled because another failed are not what went wrong."""
        end = "2026-01-01T00:00:01Z"
        progress, _, steps, _ = self.follow(
            self.vertex("[1/2] RUN a", completed=end, error="context canceled"),
            self.output("[2/2] RUN b", "why\nit failed hunter2\n"),
            self.vertex("[2/2] RUN b", completed=end, error="process\ndid not\ncomplete hunter2"),
        )

        assert progress.failure() == ("[2/2] RUN b: process did not complete ***", ("why", "it failed ***"))
        assert steps[-1] == BuildStep("[2/2] RUN b", "failed")

    def test_the_line_that_failed(self):
        """buildx shows it at the end, above a rule; an instruction may be longer than the words that are kept."""
        shown = "Dockerfile:7\n----------\n" + "   7 | >>> RUN x \\\n" * 50 + "----------\nERROR: no\n"
        failed, _, _, _ = self.follow(words=shown)
        other, _, _, _ = self.follow(words="Dockerfile:7\nnot a rule\n----------\n")

        assert (failed.line, other.line) == (7, None)

    def test_images_that_the_engine_looks_up_by_itself(self):
        """Those of the Dockerfile's own words; not those of a pin."""
        _, _, _, needed = self.follow(
            self.vertex("[internal] load metadata for docker.io/library/debian:12"),
            self.vertex("[linux/arm64 internal] load metadata for ghcr.io/a/b:1"),
            self.vertex("[context base] load metadata for 127.0.0.1:0/stackyard/pin:1"),
        )

        assert needed == ["docker.io/library/debian:12", "ghcr.io/a/b:1"]

    def test_words_without_steps(self):
        """What the client says by itself is kept: it is all there is when no engine worked."""
        progress, log, _, _ = self.follow(words="ERROR: Cannot connect\n")

        assert list(progress.words) == ["ERROR: Cannot connect"]
        assert not progress.saw_steps
        assert progress.failure() is None
        assert "Cannot connect" in log


class TestLocate:
    """The engine that the docker client would talk to."""

    def context(self, folder: Path, name: str, endpoint: dict[str, object], *, tls: bool = False) -> None:
        key = hashlib.sha256(name.encode()).hexdigest()
        meta = folder / "contexts" / "meta" / key
        meta.mkdir(parents=True)
        (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
        if tls:
            (folder / "contexts" / "tls" / key / "docker").mkdir(parents=True)

    def test_docker_host_is_first(self, tmp_path: Path):
        """It wins over every context, as in the client."""
        environ = {"DOCKER_HOST": "tcp://h:2375", "DOCKER_CONTEXT": "x", "DOCKER_CONFIG": str(tmp_path)}

        assert locate(environ).address == "tcp://h:2375"

    def test_the_current_context(self, tmp_path: Path):
        """Named in config.json, kept under the digest of its name."""
        (tmp_path / "config.json").write_text('{"currentContext": "colima"}')
        self.context(tmp_path, "colima", {"Host": "unix:///c/docker.sock", "SkipTLSVerify": False})

        assert locate({"DOCKER_CONFIG": str(tmp_path)}).address == "unix:///c/docker.sock"

    def test_docker_context_wins_over_the_current_one(self, tmp_path: Path):
        """And HOME is where the folder is, if nobody says otherwise."""
        folder = tmp_path / ".docker"
        folder.mkdir()
        (folder / "config.json").write_text('{"currentContext": "gone"}')
        self.context(folder, "far", {"Host": "ssh://far"})

        assert locate({"HOME": str(tmp_path), "DOCKER_CONTEXT": "far"}).address == "ssh://far"

    def test_a_context_with_keys(self, tmp_path: Path):
        """Its keys are given to the client by their folder."""
        self.context(tmp_path, "tls", {"Host": "tcp://h:2376"}, tls=True)
        found = locate({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "tls"})

        assert found.is_tls
        assert dict(found.environ)["DOCKER_TLS_VERIFY"] == "1"
        assert dict(found.environ)["DOCKER_CERT_PATH"].endswith("/docker")

    @pytest.mark.parametrize("config", [None, "{}", "no json", '{"currentContext": "default"}'])
    def test_otherwise_the_usual_socket(self, tmp_path: Path, config: str | None):
        """With no config, an empty one, a broken one, or the default context."""
        if config is not None:
            (tmp_path / "config.json").write_text(config)

        assert locate({"DOCKER_CONFIG": str(tmp_path)}).address == "unix:///var/run/docker.sock"

    def test_a_context_nobody_made(self, tmp_path: Path):
        """Named, with a way out."""
        with pytest.raises(EngineUnavailable, match="'lost' names no engine") as caught:
            locate({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "lost"})

        assert "docker context ls" in str(caught.value.hint)

    @pytest.mark.parametrize("address", ["npipe:////./pipe/docker", "tcp://", "nonsense"])
    def test_addresses_we_cannot_reach(self, address: str):
        """Said so at the first request."""
        with pytest.raises(EngineUnavailable, match="no address of an engine"):
            DockerEngine({"DOCKER_HOST": address}).about()


def test_the_kind_of_store():
    """moby tells it in /info, in a list of pairs."""
    assert _store({"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}) == "containerd"
    assert _store({"DriverStatus": [["Backing Filesystem", "extfs"]]}) == "classic"
    assert _store({"DriverStatus": None}) == "classic"


def test_facts_of_an_image():
    """An answer with everything, and one with as little as an empty image has."""
    full = _facts(
        {
            "Id": ID,
            "Os": "linux",
            "Architecture": "arm",
            "Variant": "v7",
            "RootFS": {"Type": "layers", "Layers": [ID]},
            "Config": {"Cmd": ["sh"]},
            "Size": 3,
            "RepoDigests": ["a@" + ID],
        }
    )
    bare = _facts({"Id": ID, "Os": "linux", "Architecture": "amd64", "RootFS": {"Type": "layers"}, "Config": None})

    assert (full.platform, full.layers, full.config) == ("linux/arm/v7", (ID,), {"Cmd": ["sh"]})
    assert (bare.layers, bare.config, bare.repository_digests) == ((), {}, ())


@each_of(("name", "asked"), [("cafe", "cafe:latest"), ("a/b:1", "a/b:1"), (ID, ID), (f"a@{ID}", f"a@{ID}")])
def test_names_an_engine_cannot_mistake(name: str, asked: str):
    """`cafe` alone would also find an image whose id begins with it."""
    assert _unmistakable(name) == asked
