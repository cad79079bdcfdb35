# SPDX-License-Identifier: MIT
"""Runs that are killed or interrupted, for real: the next one goes on, and nothing of the first is left.

Where they are struck is random; the seed is printed with a failure, and STACKYARD_SEED repeats it.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from stackyard.edges.orphans import end_orphans
from stackyard.edges.registry import Registry
from stackyard.edges.traces import LABEL, VARIABLE
from stackyard.model.names import Tag
from stackyard.model.record import Record
from tests.live.conftest import ENVIRON, LiveStack

pytestmark = pytest.mark.live

IS_LONG = bool(os.environ.get("STACKYARD_LONG"))
POINTS = 20 if IS_LONG else 6
ENOUGH_S, FEWEST = (3600, POINTS) if IS_LONG else (50, 3)
"""After so long no further point is tried, so that a slow machine is not kept for minutes; but so many are."""
ROOT = Path(__file__).parents[2]
NAMES = ("base", "left", "right", "leaf")
SPEC = """
root: base
images:
  base: {{image_name: {prefix}/base, info_cmds: [WHO]}}
  left: {{image_name: {prefix}/left, depend_on: base, files: [{{from: lib, to: lib}}]}}
  right: {{image_name: {prefix}/right, depend_on: base}}
  leaf: {{image_name: {prefix}/leaf, depend_on: left}}
tag: {{prefix: "1"}}
all_info_cmds:
  WHO: {{description: Who, command: cat /who}}
"""
TEST = """
import os
import docker

def test_who():
    client = docker.from_env()
    mine = {"stackyard.run": os.environ["STACKYARD_RUN"]}
    said = client.containers.run(os.environ["TEST_IMAGE"], ["cat", "/who"], remove=True, labels=mine)
    assert said == b"right"
    client.close()
"""


class Struck:
    """A stack whose runs are processes, with a place of their own for temporary files."""

    def __init__(self, stack: LiveStack, folder: Path) -> None:
        self.stack = stack
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self.processes: list[subprocess.Popen[str]] = []
        prefix = stack.prefix
        stack.write("images/spec.yml", SPEC.format(prefix=prefix))
        stack.write("images/base/Dockerfile", "FROM busybox:1.36\nCOPY nonce /\nRUN sleep 0.3; printf base > /who\n")
        for name, parent in (("left", "base"), ("right", "base"), ("leaf", "left")):
            lines = f"ARG BASE_TAG=latest\nFROM {prefix}/{parent}:${{BASE_TAG}}\nRUN printf {name} > /who\n"
            stack.write(f"images/{name}/Dockerfile", lines + ("COPY lib /lib2\n" if name == "left" else ""))
        stack.write("lib/a", "a")
        stack.write("images/right/test/test_who.py", TEST)

    def change(self) -> str:
        """Another stack, as far as anybody can tell; the commit."""
        self.stack.write("images/base/nonce", secrets.token_hex(8))
        return self.stack.commit()

    def start(self, *words: str) -> subprocess.Popen[str]:
        """`stackyard build --push`."""
        environ = {
            **ENVIRON,
            "PYTHONPATH": str(ROOT / "src"),
            "TMPDIR": str(self.temporary),
            "STACKYARD_REGISTRY": self.stack.registry,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "stackyard", "build", "--push", *words],
            cwd=self.stack.root,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def end(self) -> None:
        """Nothing is left, whatever a test came to."""
        for process in self.processes:
            with process:
                process.kill()
        signs = self.stack.root / ".stackyard/alive"
        for token in os.listdir(signs) if signs.exists() else ():
            end_orphans(token)
            self.stack.engine.clear(token)

    def build(self) -> tuple[dict[str, str], Any]:
        """A whole run: status of each image, and all it said."""
        process = self.start("--json")
        out, err = process.communicate(timeout=300)
        told = json.loads(out) if out else {"outcomes": ()}
        why = [(each["target"], each.get("failure"), each.get("details")) for each in told["outcomes"]]
        assert process.returncode == 0, f"{why}\n{err}"
        return {outcome["target"]: outcome["status"] for outcome in told["outcomes"]}, told

    def newest(self, run: int | None = None) -> dict[str, Record]:
        """The newest record of each image; of one run."""
        known = self.stack.yard().records.known().records
        found = {}
        for name, records in known.items():
            mine = [record for record in records if run is None or record.run == run]
            if mine:
                found[str(name)] = mine[0]
        return found

    def last_run(self) -> int:
        """How many runs have begun."""
        folders = self.stack.root / ".stackyard/runs"
        return max((int(each.name) for each in folders.iterdir()), default=0) if folders.exists() else 0

    # What has to be so.

    def refuse_untested(self, commit: str) -> None:
        """Whatever of this commit is public has a record that says that it passed, and so has what it stands on."""
        yard = self.stack.yard()
        registry: Registry = yard.registry
        newest, stands_on = self.newest(), {"left": "base", "right": "base", "leaf": "left"}
        for name in NAMES:
            target = yard.stack.target(next(each.name for each in yard.stack.targets if str(each.name) == name))
            if registry.resolve(self.stack.repository(name), Tag(f"1-{commit}")) is None:
                continue
            for above in (name, stands_on.get(name), stands_on.get(stands_on.get(name, ""))):
                if above is not None:
                    suites = next(each.suites for each in yard.stack.targets if str(each.name) == above)
                    assert newest[above].passed(suites), f"{name} is public, {above} was not tested"
            pushed = newest[name].pushed(target.repository)
            if pushed is not None:
                assert registry.resolve(self.stack.repository(name), pushed.image.digest)

    def refuse_unfinished(self, commit: str) -> None:
        """All images of the commit are published as the records say, in one piece, and in the engine."""
        yard, newest = self.stack.yard(), self.newest()
        for target in yard.stack.targets:
            record = newest[str(target.name)]
            assert record.built is not None
            assert record.passed(target.suites)
            assert yard.engine.inspect(record.built.image.id) is not None
            pushed = record.pushed(target.repository)
            assert pushed is not None
            for tag in (f"1-{commit}", "1-main", pushed.tag):
                assert yard.registry.resolve(target.repository, Tag(tag)) == pushed.image.digest
        assert not yard.records.move_sets(state="intended")

    def left(self) -> list[str]:
        """All that is left of any run of this stack, wherever."""
        token = self.stack.yard().token[:8]
        api = self.stack.engine._api
        found = [f"folder {name}" for name in os.listdir(self.temporary) if "stackyard" in name or "sy-" in name]
        found += [f"sign of {name}" for name in os.listdir(self.stack.root / ".stackyard/alive")]
        for told in api.must("/containers/json", {"all": "1", "filters": json.dumps({"label": [LABEL]})}):
            if told["Labels"][LABEL].startswith(token):
                found.append(f"container {told['Names']}")
        for image in api.must("/images/json"):
            found += [f"name {name}" for name in image.get("RepoTags") or () if f":sy-building-{token}" in name]
        return found + [f"process {words}" for words in programs(token)]


def programs(token: str) -> Iterator[str]:
    """Command lines of processes that belong to runs whose tokens begin so."""
    wanted = f"{VARIABLE}={token}".encode()
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and any(
                each.startswith(wanted) for each in (folder / "environ").read_bytes().split(b"\0")
            ):
                yield (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue


@pytest.fixture
def struck(live_stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Struck]:
    """Four images with an inventory, a suite, and a build context of several places; committed."""
    made = Struck(live_stack, tmp_path_factory.mktemp("struck"))
    yield made
    made.end()


def seed() -> int:
    """What this time's places are made from."""
    found = int(ENVIRON.get("STACKYARD_SEED") or secrets.randbelow(10**6))
    print(f"STACKYARD_SEED={found}")
    return found


def test_killed_anywhere_continued_anywhere(struck: Struck) -> None:
    """kill -9 at random points of a run: the next one ends well, builds nothing twice, and clears all up."""
    random = Random(seed())
    struck.change()
    begun = time.monotonic()
    assert set(struck.build()[0].values()) == {"built"}
    whole_s = time.monotonic() - begun
    assert struck.left() == []
    seen: dict[str, int] = {}
    begun = time.monotonic()
    for number, point in enumerate(random.sample(range(POINTS), POINTS)):
        if number >= FEWEST and time.monotonic() - begun > ENOUGH_S:
            break
        commit, before = struck.change(), struck.last_run()
        after_s = (point + random.random()) * whole_s / POINTS
        process = struck.start()
        time.sleep(after_s)
        process.kill()
        out, err = process.communicate()
        where = f"killed after {after_s:.2f} of {whole_s:.2f} s:\n{out[-2000:]}{err}"
        print(where)
        struck.refuse_untested(commit)
        finished = struck.newest(before + 1)

        statuses, _ = struck.build()

        assert not {name for name, status in statuses.items() if status == "built"} & finished.keys(), where
        struck.refuse_unfinished(commit)
        assert struck.left() == [], where
        for status in statuses.values():
            seen[status] = seen.get(status, 0) + 1
    print(seen)
    assert len(seen) > 1 or not IS_LONG  # somewhere in the middle, too


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_end(struck: Struck, number: signal.Signals) -> None:
    """In the middle of a build and of a suite: 130, a summary, nothing left at once, and a second run goes on."""
    struck.change()
    struck.stack.write("images/leaf/Dockerfile", f"FROM {struck.stack.prefix}/left\nRUN sleep 300\n")
    struck.stack.write("images/right/test/test_who.py", TEST.replace("cat", "sleep").replace("/who", "300"))
    commit = struck.stack.commit()
    process = struck.start("--progress", "plain")
    assert process.stdout is not None
    waiting = {"RUN sleep 300", "right: testing"}
    for line in process.stdout:
        waiting = {each for each in waiting if each not in line}
        if not waiting:
            break
    assert not waiting
    wait_for_container(struck)
    begun = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=200)

    assert process.returncode == 130, (out, err)
    assert time.monotonic() - begun < 150  # half of what it would have waited
    assert "Interrupted. Run 1:" in out
    assert struck.left() == []
    assert {"base", "left", "right"} == struck.newest().keys()
    struck.refuse_untested(commit)
    struck.stack.write("images/leaf/Dockerfile", f"FROM {struck.stack.prefix}/left\nRUN true\n")
    struck.stack.write("images/right/test/test_who.py", TEST)
    commit = struck.stack.commit()
    statuses, _ = struck.build()
    assert statuses["base"] != "built"
    assert statuses["leaf"] == "built"
    struck.refuse_unfinished(commit)


def wait_for_container(struck: Struck) -> None:
    """Until the suite has started its container."""
    filters: Mapping[str, list[str]] = {"label": [LABEL]}
    token = struck.stack.yard().token[:8]
    until = time.monotonic() + 120
    while time.monotonic() < until:
        found = struck.stack.engine._api.must("/containers/json", {"filters": json.dumps(filters)})
        if any(told["Labels"][LABEL].startswith(token) and "sleep" in told["Command"] for told in found):
            return
        time.sleep(0.1)
    raise AssertionError("the suite has started no container")
