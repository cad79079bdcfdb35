# SPDX-License-Identifier: MIT
"""A stack without a conftest.py on a real engine: our fixtures, labels on everybody's containers, nothing left."""

from __future__ import annotations

import pytest

from stackyard.edges.docker import DockerEngine
from stackyard.edges.traces import LABEL
from tests.live.conftest import LiveStack

pytestmark = pytest.mark.live

OURS = """
def test_a_server_on_a_free_port(container, http_client):
    url = container.serve(8080)
    assert http_client.get(f"{url}/index.html").text == "hello\\n"
    assert container.serve(8080) != ""
def test_a_look_inside(inside, image_name):
    assert inside.sh("cat /www/index.html") == "hello"
    assert ":sy-" in image_name
"""
OLD = """
import docker, os
def test_started_by_hand(docker_client):
    started = docker_client.containers.run(os.environ["TEST_IMAGE"], detach=True)
    assert started.labels["stackyard.run"] == os.environ["STACKYARD_RUN"]
    assert False, "and left behind"
"""


def test_a_stack_without_a_conftest(live_stack: LiveStack, docker: DockerEngine) -> None:
    """What our fixtures start is gone when a suite is over; what a failing test left is removed when the run is.

    Tests that are inherited run on what is built on their image, which has none of its own.
    """
    pytest.importorskip("docker")
    stack = live_stack
    lab = f"{{image_name: {stack.prefix}/lab, tests: {{inherit: true}}}}"
    top = f"{{image_name: {stack.prefix}/top, depend_on: lab}}"
    stack.write("images/spec.yml", f"images:\n  lab: {lab}\n  top: {top}\n")
    stack.write("images/top/Dockerfile", f"ARG BASE_TAG=latest\nFROM {stack.prefix}/lab:${{BASE_TAG}}\nUSER 1000\n")
    text = "FROM busybox:1.36\nRUN mkdir /www && echo hello > /www/index.html\n"
    text += 'CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]\n'
    stack.write("images/lab/Dockerfile", text)
    stack.write("images/lab/test/test_lab.py", OURS)
    stack.commit()
    summary = stack.build(publish=False)
    for each in summary.outcomes:
        assert each.failure is None, each.details
        assert [case.result for case in each.tests[0].cases] == ["passed", "passed"]
    assert [str(each.target) for each in summary.outcomes] == ["lab", "top"]
    assert left(docker, summary.outcomes[0].published.reference) == []  # type: ignore[union-attr]

    stack.write("images/lab/test/test_lab.py", OLD)
    summary = stack.build(publish=False)
    assert summary.outcomes[0].tests[0].failures == ("test_lab::test_started_by_hand: AssertionError: and left behind",)
    assert left(docker, f"{stack.registry}/{stack.prefix}/lab") == []


def left(docker: DockerEngine, image: object) -> list[str]:
    """Containers of a run that are still there, of an image."""
    told = docker._api.must("/containers/json", {"all": "1"})
    return [each["Id"] for each in told if LABEL in each["Labels"] and str(image) in each["Image"]]
