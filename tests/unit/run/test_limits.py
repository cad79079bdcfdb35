# SPDX-License-Identifier: MIT
"""How many jobs run at once: by the machine, and by --jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard.edges import machine
from stackyard.edges.machine import Size
from stackyard.errors import InvalidValue
from stackyard.run.events import Limits
from stackyard.run.limits import limits_of, usual
from tests.cases import each_of

GB = 10**9


@each_of(
    ("size", "builds"),
    [
        (Size(8), 8),
        (Size(8, 64 << 30, 500 * GB), 8),
        (Size(8, 7 << 30, 500 * GB), 3),
        (Size(8, 64 << 30, 12 * GB), 2),
        (Size(4, 1 << 30, 1 * GB), 1),
        (Size(256, 999 << 30, 9999 * GB), 64),
    ],
)
def test_builds_are_as_many_as_cores_memory_and_disk_carry(size: Size, builds: int) -> None:
    """The scarcest decides, and one build there is always; what is not known limits nothing."""
    assert usual(size).builds == builds


def test_a_few_suites_of_tests_run_at_once() -> None:
    """Those that may publish fixed ports of the host wait for each other by themselves."""
    assert [usual(Size(cores, 512 << 30, 999 * GB)).tests for cores in (1, 2, 64)] == [1, 2, 4]


def test_the_machine_can_be_asked(tmp_path: Path) -> None:
    """Cores and memory of this one, the disk as the engine says it; no disk where a folder is none."""
    size = machine.size(5)

    assert size.cores >= 1
    assert size.memory_bytes
    assert size.memory_bytes > 1 << 20
    assert size.free_bytes == 5
    assert machine.free_bytes(str(tmp_path))
    assert machine.free_bytes(str(tmp_path / "none")) is None


@each_of(
    ("text", "limits"),
    [
        ("3", Limits(3, 1, 4)),
        ("test=2", Limits(8, 2, 4)),
        ("build=2,test=1,push=9", Limits(2, 1, 9)),
        (" push = 1 , build = 1 ", Limits(1, 1, 1)),
    ],
)
def test_jobs_are_builds_or_named_by_kind(text: str, limits: Limits) -> None:
    """Kinds that are not named stay as they are by default."""
    assert limits_of(text, Limits(builds=8)) == limits


@each_of(
    ("text", "sentence"),
    [
        ("0", "--jobs: '0' is not a number from 1 to 64"),
        ("-1", "--jobs: '-1' is not a number from 1 to 64"),
        ("many", "--jobs: 'many' is not a number from 1 to 64"),
        ("", "--jobs: '' is not a number from 1 to 64"),
        ("65", "--jobs: '65' is not a number from 1 to 64"),
        ("\u0664", "--jobs: '\u0664' is not a number from 1 to 64"),
        ("build=", "--jobs: '' is not a number from 1 to 64"),
        ("build=2,build=3", "--jobs names 'build' twice"),
        ("build=2,", "--jobs: '' is not a kind of job and a number"),
        ("builds=2", "--jobs: 'builds=2' is not a kind of job and a number"),
    ],
)
def test_another_text_is_refused_with_a_hint(text: str, sentence: str) -> None:
    """It names what is wrong with it."""
    with pytest.raises(InvalidValue) as caught:
        limits_of(text, Limits())

    assert str(caught.value) == sentence
    assert caught.value.hint


def test_a_kind_that_is_nearly_one_is_proposed() -> None:
    """`builds` is `build`."""
    with pytest.raises(InvalidValue) as caught:
        limits_of("builds=2", Limits())

    assert caught.value.hint == "did you mean 'build'?"
