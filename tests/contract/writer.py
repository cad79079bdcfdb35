# SPDX-License-Identifier: MIT
"""A process that writes records: `python -m tests.contract.writer FILE NAME COUNT`; what it writes is for tests to use.

It begins when a line comes in, and says each fact that was recorded. It imports no pytest: it is started often.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stackyard.model.record import Fact, Inventoried, Record
from stackyard.record.sqlite import SqliteRecords
from stackyard.record.store import Records
from tests.unit.plan.made import AT, BASE, built, pushed, result, sha, suite, tagged, target

LAB = target("lab", "up", files={"a": "1"}, bases=(BASE,))
FACTS: tuple[Fact, ...] = (
    result(suite(), False),
    Inventoried(AT, "pip list", "Python packages", 0, "näive 1.0\n", 0.5),
    result(suite()),
    pushed(LAB, "lab"),
    tagged(LAB, "v1", "registry"),
)


def opened(records: Records, content: str = "lab", run: int = 1) -> Record:
    """A new record of the lab."""
    return records.open_record(LAB.name, sha("source"), sha(["build", content]), LAB.inputs, run, built(content))


def main(path: Path, name: str, count: int) -> None:
    """Write `count` records, with the file opened anew for every fifth."""
    print("ready", flush=True)
    sys.stdin.readline()
    records = SqliteRecords(path)
    for number in range(count):
        if number % 5 == 0:
            records = SqliteRecords(path)
        run = records.begin_run("build", "2026-01-01T00:00:00Z")
        record = opened(records, f"{name}-{number}", run)
        print("record", record.id, flush=True)
        for fact in FACTS:
            records.append(record, fact)
            print("fact", record.id, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
