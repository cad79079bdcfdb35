# SPDX-License-Identifier: MIT
"""What Stackyard adds to pytest: one target's tests, beside bare pytest on the same folder.

In:   --runs N (7), --json, --check
Out:  a table, or one JSON object; exit code 1 if the bound is missed and --check is given
May touch: a temporary folder; starts pytest, and no engine
How:  README.md beside this file

Both do the same thirty tests, which ask nothing of an image: what is measured is the process that is started for
them, the plugin in it, and what becomes of its results. Seconds of a processor count: by the clock,
whatever else runs on the machine is measured, too.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from stackyard.edges.process import Processes
from stackyard.edges.pytest_process import PytestRunner
from stackyard.inside.suites import Suites
from stackyard.model.inputs import BlobId, Inputs
from stackyard.model.names import Digest, TargetName
from stackyard.model.record import Built
from stackyard.model.reference import Reference, Repository
from stackyard.model.stack import Suite, Target
from stackyard.testing import FakeEngine, FixedClock

BOUND_MS = 300
TEST = "import pytest\n@pytest.mark.parametrize('n', range(30))\ndef test_it(n):\n    print(n)\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    bare, ours = [], []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "test").mkdir()
        (root / "test" / "test_it.py").write_text(TEST)
        run = _suite(root)
        for _ in range(asked.runs):
            begun = _spent()
            words = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test"]
            subprocess.run(words, cwd=root, check=True, stdout=subprocess.DEVNULL)
            bare.append(_spent() - begun)
            begun = _spent()
            run()
            ours.append(_spent() - begun)
    added = statistics.median(mine - theirs for mine, theirs in zip(ours, bare, strict=True)) * 1000
    found = {"pytest_ms": _ms(bare), "stackyard_ms": _ms(ours), "added_ms": round(added), "bound_ms": BOUND_MS}
    if asked.json:
        print(json.dumps(found))
    else:
        print(
            f"bare pytest {found['pytest_ms']} ms, by Stackyard {found['stackyard_ms']} ms: {found['added_ms']} ms more"
        )
    return int(asked.check and added > BOUND_MS)


def _spent() -> float:
    """Seconds of a processor, of this process and of those it started."""
    return sum(os.times()[:4])


def _ms(times: list[float]) -> int:
    return round(statistics.median(times) * 1000)


def _suite(root: Path):
    engine, target = FakeEngine(), _target()
    runner = PytestRunner(Processes(os.environ))
    suites = Suites(root, engine, engine.about(), runner, FixedClock(), lambda _: None, root)
    local = Reference.parse("bench/lab:1")
    built = Built("T", engine.add(str(local)), Digest("sha256:2"), local, (), (), 0.0, 0, "", "")
    folder = root / "run"
    folder.mkdir()
    suite = Suite("basic", ("test",), Digest("sha256:1"))

    def run() -> None:
        ended = suites(target, suite, built, folder, lambda *_: None)
        assert ended.result.passed, ended.result.failures
        assert len(ended.result.cases) == 30

    return run


def _target() -> Target:
    inputs = Inputs(BlobId("sha1:1"), (), platform="linux/amd64")
    return Target(TargetName("lab"), Repository("bench/lab"), "lab", "lab/Dockerfile", inputs)


if __name__ == "__main__":
    sys.exit(main())
