# SPDX-License-Identifier: MIT
"""A replay against the machine's package index: a lock that a team froze in a container in 2020, made from H and T.

The releases of twelve packages that were uploaded that day stand in for H; what they need is in old source packages,
too, whose code runs. Where no index answers, or one that tells no upload times, it skips, and has failed where CI is
true (tests/conftest.py).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.model.lock import normal_name
from stackyard.model.lockfile import LockFile
from stackyard.model.reference import Platform
from stackyard.verbs import Options
from stackyard.verbs.locking import Wish, make
from stackyard.verbs.locks import verify
from tests.repositories import commit, init

pytestmark = pytest.mark.live

OWN = ("", "-airflow", "-aws", "-celery", "-celery-k8s", "-cron", "-gcp", "-graphql", "-k8s", "-pandas", "-postgres")
PACKAGES = [*(f"dagster{name}" for name in OWN), "dagit"]
EXTRAS = {"dagster-celery": "[flower,redis,kubernetes]"}
BUILT = "click-didyoumean docstring-parser flask-graphql future graphql-server-core grpcio-health-checking"
BUILT += " pandocfilters promise proto-plus pyrsistent python-crontab tzlocal watchdog"
T = "2020-12-11T190936"
FROZEN = "898276012f8bce2bfa6545e456efb06e2921ef801e01c1f3017c379a3dfbd506"
"""Over the 126 pins that were frozen that day, but kubernetes: 12.0.1 was frozen although a package of the twelve
says `<=11.0.0`, which the resolver of that time ignored."""
SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "dagster" / "snapshot-reqs-3.7.8.txt"


def shown(lock: LockFile) -> str:
    """The pins as lines that two resolvers write alike."""
    return "\n".join(sorted(f"{normal_name(pin.name)}=={pin.version}" for pin in lock.pins))


def test_a_lock_of_2020_is_made_again(tmp_path: Path) -> None:
    """Every pin is what was frozen, but for the one that was frozen wrongly; the lock proves its T, and made again
    without a network it is the same file.
    """
    (tmp_path / "images" / "unit").mkdir(parents=True)
    (tmp_path / "images" / "unit" / "Dockerfile").write_text("FROM python:3.7-slim\n")
    lines = [f"{name}{EXTRAS.get(name, '')}==0.9.22.post0\n" for name in PACKAGES]
    (tmp_path / "dev.in").write_text("".join(lines))
    (tmp_path / "images" / "spec.yml").write_text(
        "images: {unit: }\nlocks:\n  unit:\n    requirements: dev.in\n    versions: [3.7.8]\n"
        "    output: snapshot-reqs-{version}.txt\n    platforms: linux/amd64\n"
        f"    leave_out: [setuptools, {', '.join(PACKAGES)}]\n    allow_build: [{', '.join(BUILT.split())}]\n"
    )
    init(tmp_path)
    commit(tmp_path)
    environ = {**os.environ, "UV_CACHE_DIR": str(tmp_path / "uv"), "UV_SYSTEM_CERTS": "1"}
    yard = verbs.load(tmp_path, Options(platform=Platform("linux/amd64"), environ=environ))

    (outcome,) = make(yard, Wish(time=T)).outcomes

    if outcome.state == "failed" and any(word in (outcome.hint or "") for word in ("upload times", "nobody answers")):
        pytest.skip(f"{outcome.hint}")
    assert outcome.state == "written", outcome.words
    path = tmp_path / "images" / "unit" / "snapshot-reqs-3.7.8.txt"
    lock = LockFile.of(path.read_text())
    if SAMPLE.exists():
        frozen = LockFile.of(SAMPLE.read_text())
        assert shown(lock) == shown(frozen).replace("kubernetes==12.0.1", "kubernetes==11.0.0")
    assert len(lock.pins) == 126
    assert hashlib.sha256(shown(lock).encode()).hexdigest() == FROZEN, shown(lock)
    assert verify(yard)[0].doubts == ()

    environ["UV_OFFLINE"] = "1"
    assert make(yard, Wish(check=True)).is_good
