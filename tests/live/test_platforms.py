# SPDX-License-Identifier: MIT
"""Several platforms on real engines: each built and run for itself, joined in a real registry, pulled by docker."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
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
TOOLS = f"FROM --platform=$BUILDPLATFORM {BASE} AS tools\nFROM scratch\nCOPY --from=tools /bin/busybox /bin/sh\n"
BASE_FILE = f"{TOOLS}COPY --from=tools /bin/busybox /bin/cat\nARG TARGETPLATFORM\nRUN echo $TARGETPLATFORM > /which\n"
LEAF = "ARG BASE_TAG=latest\nFROM {prefix}/base:${{BASE_TAG}}\nRUN cat /which > /seen\n"
NATIVE, OTHER = Platform("linux/amd64"), Platform("linux/386")


@contextlib.contextmanager
def engine_with(store: str, docker: DockerEngine) -> Iterator[dict[str, str]]:
    """The environment of an engine with this store: the one that answers, or one of the test's own."""
    if docker.about().store == store:
        yield dict(ENVIRON)
    else:
        with own_engine(docker, "800m", is_classic=store == "classic") as own:
            yield dict(own.environ)


@pytest.fixture(params=["containerd", "classic"])
def stack(
    request: pytest.FixtureRequest, tmp_path: Path, docker: DockerEngine, registry_address: str
) -> Iterator[LiveStack]:
    """A parent and its child for two platforms that run here, two images for one that does not."""
    with engine_with(request.param, docker) as environ:
        stack = LiveStack(tmp_path, DockerEngine(environ), registry_address)
        for path, text in {
            "images/spec.yml": SPEC.format(prefix=stack.prefix),
            "images/base/Dockerfile": BASE_FILE,
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


def build(stack: LiveStack, *images: str) -> RunSummary:
    """Prepare and run on the stack's own engine."""
    options = Options(platform=NATIVE, registry=stack.registry, environ=ENVIRON)
    yard = verbs.load(stack.root, options, make_engine=lambda _: stack.engine)
    return verbs.run(yard, verbs.prepare(yard, images, publish=True))


def test_two_platforms_are_built_tested_joined_and_pulled(stack: LiveStack) -> None:
    """Each platform is what it should be, in the image and in the index; what nothing here runs is not published."""
    runs_it = any(each.fits("linux/s390x") for each in stack.engine.platforms())
    summary = build(stack)
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
        image = stack.engine.pull(Reference(leaf, None, entry.digest), on)
        facts = stack.engine.inspect(str(image.id))
        assert facts is not None
        assert facts.platform == on
    pulled = stack.engine.pull(Reference(leaf, Tag("2026.3-main")), NATIVE)  # as anybody would
    assert stack.engine.run(pulled, ["/bin/sh", "-c", "cat /seen"], 60).output == f"{NATIVE}\n"

    again = build(stack, "leaf", "data")
    assert {each.status for each in again.outcomes if each.status != "skipped"} == {"reused"}
    assert again.is_good
