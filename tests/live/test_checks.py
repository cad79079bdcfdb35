# SPDX-License-Identifier: MIT
"""Checks on a real engine: an image as it should be, one that is not, one without a shell; tests in an image itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stackyard.edges.clock import SystemClock
from stackyard.edges.docker import DockerEngine
from stackyard.edges.engine import BuildRequest
from stackyard.inside.checks import Checker
from stackyard.model.checks import (
    Check,
    CommandCheck,
    FileCheck,
    GenericCheck,
    PortCheck,
    WritableCheck,
)
from stackyard.model.reference import LocalImage, Reference
from stackyard.verbs import testing
from tests.live.conftest import BASE, LiveStack

pytestmark = pytest.mark.live

GOOD = """\
FROM busybox:1.36
RUN echo student:x:1000:100::/home/student:/bin/sh >> /etc/passwd && echo users:x:100: >> /etc/group
RUN mkdir -p /opt/conda /home/student && chown 1000:100 /opt/conda \
 && chmod 2775 /opt/conda && chmod 755 /home && mkdir -p /www && echo hello > /www/index.html
USER student
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
"""
BAD = """\
FROM busybox:1.36
RUN mkdir -p /srv/shared /root/.cache/pip /usr/lib/python3/dist-packages/six-1.dist-info \
 && touch /srv/shared/file /root/.cache/pip/wheel && chmod 777 /srv/shared /usr && chmod 666 /srv/shared/file \
 && echo pip > /usr/lib/python3/dist-packages/six-1.dist-info/INSTALLER
CMD ["true"]
"""
BARE = (
    "FROM busybox:1.36 AS b\nFROM scratch\nCOPY --from=b /bin/busybox /bin/busybox\nCOPY --from=b /etc/passwd /etc/\n"
)
GENERIC = (
    "nothing-world-writable",
    "no-package-caches",
    "user-is-not-root",
    "system-is-locked",
    "system-python-is-clean",
)


class Images:
    """Images of this file, by name."""

    def __init__(self, engine: DockerEngine, folder: Path, prefix: str) -> None:
        self.engine = engine
        self._folder = folder
        self._prefix = prefix
        self._made: dict[str, LocalImage] = {}

    def __call__(self, name: str, text: str) -> LocalImage:
        """Build it, once."""
        if name not in self._made:
            context = self._folder / name
            context.mkdir()
            (context / "Dockerfile").write_text(text)
            tag = Reference.parse(f"{self._prefix}/{name}:1")
            base = self.engine.inspect(BASE)
            assert base is not None
            request = BuildRequest(context, context / "Dockerfile", tag, (), (), {BASE: base.image}, 0)
            built = self.engine.build(request, self._folder / "log", lambda _: None)
            assert built.image is not None, built.failure
            self._made[name] = built.image
        return self._made[name]

    def clean(self) -> None:
        """Take their names away."""
        self.engine.unpin()
        for name in self._made:
            self.engine.untag(Reference.parse(f"{self._prefix}/{name}:1"))


@pytest.fixture(scope="module")
def images(docker: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    """Built when they are asked for."""
    folder = tmp_path_factory.mktemp("images")
    made = Images(docker, folder, f"live-checks/{folder.name.lower()}")
    yield made
    made.clean()


def problems(images: Images, image: LocalImage, *asked: Check) -> dict[str, str]:
    """What is wrong, by check."""
    checker = Checker(images.engine, SystemClock(), image, lambda: None, 60.0)
    return {case.name: case.output for case in checker.run(asked, lambda *_: None) if case.result == "failed"}


def test_an_image_as_it_should_be(images: Images) -> None:
    """Every kind of check passes; its server answers, over HTTP and at all."""
    found = problems(
        images,
        images("good", GOOD),
        *(GenericCheck(name) for name in GENERIC if name != "nothing-world-writable"),
        CommandCheck("id", ("id", "-un"), output=("^student$",)),
        CommandCheck("root", ("id", "-u"), output=("^0$",), user="0", env=(("A", "b"),)),
        FileCheck("conda", "/opt/conda", mode="2775", owner="student", group="users", executable_by="other"),
        WritableCheck("conda by users", ("/opt/conda",), True, group="100"),
        WritableCheck("not by others", ("/opt/conda", "/usr"), False, user="65534:65534"),
        PortCheck("web", 8080, "/index.html", 200, ("^hello$",)),
        PortCheck("listens", 8080),
    )

    assert found == {}


def test_an_image_that_is_not(images: Images) -> None:
    """Each check says what it found, by its path."""
    image = images("bad", BAD)
    found = problems(
        images,
        image,
        *(GenericCheck(name) for name in GENERIC),
        WritableCheck("locked", ("/usr",), False, user="65534:65534"),
        GenericCheck("packages-import"),
        PortCheck("web", 80, within_s=20),
    )

    assert {"/srv/shared", "/srv/shared/file", "/usr"} <= set(found["nothing-world-writable"].splitlines())
    assert found["no-package-caches"] == "/root/.cache/pip"
    assert "no user" in found["user-is-not-root"]
    assert "/usr can be written" in found["system-is-locked"].splitlines()
    assert found["system-python-is-clean"] == "six-1 (by pip)"
    assert found["locked"] == "/usr can be written"
    assert found["packages-import"].startswith("the image has no shell, or no Python")
    assert found["web"].startswith("the container ended before anybody answered")
    except_for = problems(images, image, GenericCheck("nothing-world-writable", ("/srv", "/usr")))
    assert "/srv" not in str(except_for)


def test_an_image_without_a_shell(images: Images) -> None:
    """Its files and its own programs can be checked; what would need a shell says so."""
    found = problems(
        images,
        images("bare", BARE),
        CommandCheck("own", ("/bin/busybox", "echo", "hi"), output=("hi",)),
        FileCheck("passwd", "/etc/passwd", mode="0644", owner="root", contains=("^root:",)),
        GenericCheck("nothing-world-writable"),
    )

    assert list(found) == ["nothing-world-writable"]
    assert found["nothing-world-writable"].startswith("the image has no shell")


PYTHON = """\
FROM busybox:1.36
RUN printf '%s\\n' '#!/bin/sh' 'for w; do case $w in --junitxml=*) out=${w#*=};; esac; done' 'last=$w' \
 'case $(cat $last/test_gpu.py) in *fail*) bad="<failure message=\\"no GPU\\"/>";; esac' \
 'echo "<testsuite><testcase name=\\"gpu\\">$bad</testcase></testsuite>" > $out' '[ -z "$bad" ]' > /bin/python3 \
 && chmod +x /bin/python3
"""
"""What stands for pytest in the image: it fails if the test says so, and leaves a file of results."""


def test_workflow_tests_run_in_the_image(live_stack: LiveStack) -> None:
    """By `stackyard test` alone, on the tests as they are in the repository; the result is recorded."""
    stack = live_stack
    stack.write("images/spec.yml", f"images:\n  lab: {{image_name: {stack.prefix}/lab}}\n")
    stack.write("images/lab/Dockerfile", PYTHON)
    stack.write("images/lab/workflow_tests/test_gpu.py", "pass\n")
    stack.commit()
    assert stack.build(publish=False).is_good
    outcomes = []
    for text in ("pass\n", "fail\n"):
        stack.write("images/lab/workflow_tests/test_gpu.py", text)
        summary = testing.run(yard := stack.yard(), testing.prepare(yard, ["lab"], ["workflow"]))
        outcomes.append(summary.outcomes[0])

    assert [(o.status, o.tests[0].total, o.tests[0].failures) for o in outcomes] == [
        ("tested", 1, ()),
        ("failed", 1, ("gpu: no GPU",)),
    ]
    assert [(case.name, case.result) for o in outcomes for case in o.tests[0].cases] == [
        ("gpu", "passed"),
        ("gpu", "failed"),
    ]
