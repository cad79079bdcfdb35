# SPDX-License-Identifier: MIT
"""Several platforms on real engines: each built and run for itself, joined in a real registry, pulled by docker."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.edges.docker import DockerEngine
from stackyard.model.names import Tag
from stackyard.model.outcome import RunSummary
from stackyard.model.reference import Platform, Reference
from stackyard.verbs import Options
from tests.live.conftest import BASE, ENVIRON, LiveStack
from tests.live.own_engine import own_engine

pytestmark = pytest.mark.live

SPEC = """
platforms: [linux/amd64, linux/386]
images:
  base: {{image_name: {prefix}/base, info_cmds: [WHICH]}}
  leaf: {{image_name: {prefix}/leaf, depend_on: base, info_cmds: [WHICH]}}
  data: {{image_name: {prefix}/data, platforms: [linux/amd64, linux/s390x]}}
  told: {{image_name: {prefix}/told, platforms: [linux/amd64, linux/s390x], info_cmds: [WHICH]}}
tag: {{prefix: "2026.3"}}
all_info_cmds:
  WHICH: {{description: Which platform, command: "/bin/sh -c 'cat /which'"}}
"""
BASE_FILE = """
FROM --platform=$BUILDPLATFORM {tools} AS tools
FROM scratch
COPY --from=tools /bin/busybox /bin/sh
COPY --from=tools /bin/busybox /bin/cat
ARG TARGETPLATFORM
RUN echo $TARGETPLATFORM > /which
"""
LEAF = "ARG BASE_TAG=latest\nFROM {prefix}/base:${{BASE_TAG}}\nRUN cat /which > /seen\n"
NATIVE, OTHER = Platform("linux/amd64"), Platform("linux/386")


class Stack(LiveStack):
    """A stack on engines of its own choice."""

    def __init__(self, root: Path, environ: Mapping[str, str], other: Mapping[str, str], registry: str) -> None:
        super().__init__(root, DockerEngine(environ), registry)
        self.environ, self.other = environ, DockerEngine(other)

    def build(self, *images: str, publish: bool = True, **options: object) -> RunSummary:
        """Prepare and run."""
        chosen = Options(platform=NATIVE, registry=self.registry, environ=self.environ)
        yard = verbs.load(self.root, chosen)
        return verbs.run(yard, verbs.prepare(yard, images, publish, **options))  # type: ignore[arg-type]


@contextlib.contextmanager
def engines(how: str, docker: DockerEngine) -> Iterator[tuple[Mapping[str, str], Mapping[str, str]]]:
    """Environments of the engine, and of the one for the other platform: both with one store, or a classic other."""
    is_there = docker.about().store == how
    with contextlib.ExitStack() as stack:
        own = None if is_there else stack.enter_context(own_engine(docker, "800m", is_classic=how != "containerd"))
        other = own.environ if own else ENVIRON
        yield (ENVIRON if how == "two" else other), other


@pytest.fixture(params=["containerd", "two", pytest.param("classic", marks=pytest.mark.long)])
def stack(
    request: pytest.FixtureRequest, tmp_path: Path, docker: DockerEngine, registry_address: str
) -> Iterator[Stack]:
    """A parent and its child for two platforms that run here, two images for one that does not."""
    with engines(request.param, docker) as (environ, other):
        stack = Stack(tmp_path, environ, other, registry_address)
        spec = SPEC.format(prefix=stack.prefix)
        tools = Reference(stack.repository("tools"), Tag("1"))  # as bases are: in a registry
        facts = docker.inspect(BASE)
        assert facts is not None
        docker.tag(facts.image, tools)
        docker.push(tools, tmp_path / "tools.log")
        docker.untag(tools)
        if request.param == "two":
            spec = f"engines: {{linux/386: '{other['DOCKER_HOST']}'}}\n{spec}"
        for path, text in {
            "images/spec.yml": spec,
            "images/base/Dockerfile": BASE_FILE.format(tools=tools),
            "images/leaf/Dockerfile": LEAF.format(prefix=stack.prefix),
            "images/data/Dockerfile": "FROM scratch\nCOPY which /which\n",
            "images/data/which": "data\n",
            "images/told/Dockerfile": "FROM scratch\nCOPY which /which\n",
            "images/told/which": "told\n",
        }.items():
            stack.write(path, text)
        stack.commit()
        yield stack
        stack.clean()


def test_two_platforms_are_built_tested_joined_and_pulled(stack: Stack) -> None:
    """Each platform is what it should be, in the image and in the index; what nothing here runs is not published."""
    runs_it = any(each.fits("linux/s390x") for each in stack.engine.platforms())
    summary = stack.build()
    found = {str(each.target): each for each in summary.outcomes}

    assert {name: outcome.status for name, outcome in found.items()} == {
        **dict.fromkeys([f"{name}+{on}" for name in ("base", "leaf") for on in (NATIVE, OTHER)], "built"),
        **dict.fromkeys(["data+linux/amd64", "data+linux/s390x"], "built"),
        **dict.fromkeys(["base", "leaf", "data"], "joined"),
        "told+linux/amd64": "failed",  # no shell is in it: what is not there fails, and is not untested
        "told+linux/s390x": "failed" if runs_it else "untested",
        "told": "skipped",
    }
    for on in (NATIVE, OTHER):
        assert [each.output for each in found[f"leaf+{on}"].inventory] == [f"{on}\n"]
    assert stack.at("told", "2026.3-main") is None

    leaf = stack.repository("leaf")
    index = stack.yard().registry.manifest(leaf, Tag("2026.3-main"))
    assert index is not None
    for on, entry in zip((NATIVE, OTHER), index.children, strict=True):
        published = found[f"leaf+{on}"].published
        assert entry.is_for(on)
        assert published is not None
        assert published.reference.digest == entry.digest
        engine = stack.engine if on == NATIVE else stack.other
        image = engine.pull(Reference(leaf, None, entry.digest), on)
        facts = engine.inspect(str(image.id))
        assert facts is not None
        assert facts.platform == on
    pulled = stack.engine.pull(Reference(leaf, Tag("2026.3-main")), NATIVE)  # as anybody would
    assert stack.engine.run(pulled, ["/bin/sh", "-c", "cat /seen"], 60).output == f"{NATIVE}\n"

    again = stack.build("leaf", "data")
    assert {each.status for each in again.outcomes if each.status != "skipped"} == {"reused"}
    assert again.is_good
