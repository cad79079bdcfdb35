# SPDX-License-Identifier: MIT
"""Tests of many cases that take no time: one test that tries each of them.

Where a case takes microseconds, what pytest does for a test of its own costs a hundred times as much, and the
fast suite would be half of that. Whatever touches disk, environment or clock is `pytest.mark.parametrize`d.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

Test = Callable[..., None]


def each_of(names: str | Sequence[str], rows: Iterable[Any], ids: Callable[[Any], object] | None = None) -> Any:
    """What `pytest.mark.parametrize` does, in one test: all cases are tried, and each that fails is told with its own
    traceback and values.

    Args:
        ids: how a row is called, where its values are long.
    """
    wanted = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    cases = [dict(zip(wanted, row if len(wanted) > 1 else (row,), strict=True)) for row in rows]
    assert cases, "no case is no test"

    def decorated(test: Test) -> Test:
        def tries_each(*of: object) -> None:
            failed = list[BaseException]()
            for number, case in enumerate(cases, 1):
                try:
                    test(*of, **case)
                except (Exception, pytest.fail.Exception) as problem:
                    called = [ids(value) for value in case.values()] if ids else case
                    problem.add_note(f"case {number} of {len(cases)}: {called}")
                    failed.append(problem)
            if failed:
                raise BaseExceptionGroup(f"{len(failed)} of {len(cases)} cases", failed)

        tries_each.__name__, tries_each.__doc__, tries_each.__module__ = test.__name__, test.__doc__, test.__module__
        return tries_each

    return decorated
