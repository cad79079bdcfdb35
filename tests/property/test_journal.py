# SPDX-License-Identifier: MIT
"""The journal of moving tags as a state machine: commands of several machines, faults and kills at any step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from stackyard.model.moves import MoveSet
from stackyard.model.shared import Intent, Listed
from stackyard.record.intents import SharedJournal
from tests.examples import IS_LONG, examples
from tests.property.channel import MACHINES, Broken, Channel

ROUNDS = 3
FIRST, ENOUGH = 20, 100
"""Seeds within which a bug must have shown: each does in one of three to twenty, and soon after the first of these."""


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    """A fresh folder for each past."""
    return (tmp_path / str(number) for number in range(10**6))


def play(channel: Channel) -> None:
    """A few rounds: up to three promotions at once, then the next command; and what has to be so."""
    random = channel.random
    try:
        for _ in range(ROUNDS):
            if random.random() < 0.3:
                channel.stranger()
            machines = random.sample(range(MACHINES), random.choice([1, 2, 2, 3, 3]))
            channel.play([channel.promotion(machine) for machine in machines])
            channel.check()
        last = channel.promotion(0, may_fail=False)
        channel.play([last])
        if last.error is not None:
            raise Broken(f"nothing is wrong, and nothing can be promoted: {last.error}")
        channel.check()
    except AssertionError as error:
        error.add_note("\n".join(channel.log))
        raise


@settings(
    max_examples=examples(6, 3000),
    deadline=None,
    derandomize=not IS_LONG,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(seed=some.integers(0, 2**32))
def test_a_channel_is_entirely_old_or_entirely_new(folders: Iterator[Path], seed: int) -> None:
    """After the next command on any machine; two never move tags at once; no stranger's tag is overwritten by whoever
    did not see it; every history says what happened."""
    play(Channel(next(folders), Random(seed)))


# Bugs, to know that it would find them.


class Blind(SharedJournal):
    """Nobody looks whose intents are open."""

    def _living(self, there: Listed) -> frozenset[str]:
        return frozenset()


class Secretive(SharedJournal):
    """Which tags are about to be moved is not left for others."""

    def _leave(self, intent: Intent) -> None:
        super()._leave(Intent(None, intent.beat))


class Tidy(SharedJournal):
    """An intent is taken away though its set has no end."""

    def intend(self, moves: MoveSet) -> MoveSet:
        written = super().intend(moves)
        self._intent = Intent()
        return written


@pytest.mark.long
@pytest.mark.parametrize("bug", [Blind, Secretive, Tidy])
def test_a_bug_would_be_found(folders: Iterator[Path], bug: type[SharedJournal]) -> None:
    """Each of these journals leaves a mix, or lets two move tags at once, within so many pasts."""

    def is_found(seed: int) -> bool:
        try:
            play(Channel(next(folders), Random(seed), bug))
        except Broken:
            return True
        return False

    assert any(is_found(seed) for seed in range(FIRST, FIRST + ENOUGH))
