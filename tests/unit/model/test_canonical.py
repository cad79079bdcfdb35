# SPDX-License-Identifier: MIT
"""One text for one value."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from stackyard.model import canonical
from stackyard.model.names import Digest, Tag
from stackyard.model.reason import FileChanged, Reason
from stackyard.model.record import Fact
from stackyard.model.reference import Reference, Repository
from tests.cases import each_of
from tests.examples import examples
from tests.unit.plan.made import built, result, suite

PLAIN: Any = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | some.text(),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=examples(), deadline=None, derandomize=True, database=None)
@given(value=PLAIN)
def test_what_is_written_is_read_again(value: Any) -> None:
    """Any plain value survives, and equal values have equal bytes, whatever the order of their keys."""
    data = canonical.encode(value)

    assert msgspec.json.decode(data) == value
    if isinstance(value, dict):
        assert canonical.encode(dict(reversed(value.items()))) == data


@pytest.mark.parametrize("fact", [built("a"), result(suite())], ids=["built", "tested"])
def test_facts_survive(fact: Fact) -> None:
    """A fact that was stored is the fact that is read, names of their own types included."""
    again: Fact = canonical.decode(canonical.encode(fact), Fact)  # type: ignore[arg-type]

    assert again == fact
    assert type(again) is type(fact)


def test_names_come_back_as_names() -> None:
    """A tag is a tag again, so that it can be asked what tags are asked."""
    reference = Reference(Repository("debian"), Tag("12"))

    again = canonical.decode(canonical.encode(reference), Reference)

    assert again.canonical == "docker.io/library/debian:12"
    assert type(again.tag) is Tag


def test_the_bytes_never_change() -> None:
    """The digest of a known value: a change here would rebuild everybody's world."""
    assert canonical.encode({"b": (1, None), "a": FileChanged("ü", "added")}) == (
        '{"a":{"change":"added","kind":"file-changed","path":"ü"},"b":[1,null]}'.encode()
    )
    assert canonical.digest({"a": [1, "x"]}) == Digest(
        "sha256:5e49f471d8b615a8ae0ecf0a53dbe2f5f617abb2dfe6246974aa6e4bdeb89725"
    )


@each_of("data", [b"", b"{", b'{"kind":"nonsense"}', b'{"kind":"file-changed","path":1}', b"\xff"])
def test_what_is_no_value_is_refused(data: bytes) -> None:
    """Damage and facts of a newer Stackyard are msgspec's error, which the record store translates."""
    with pytest.raises(msgspec.MsgspecError):
        canonical.decode(data, Reason)  # type: ignore[arg-type]


MANY_FIRST_READERS = """
import sys, threading, types
from concurrent.futures import ThreadPoolExecutor
from stackyard.model import canonical

sys.setswitchinterval(1e-6)
data = b'{"d":[{"c":{"d":[{"a":1}]}}],"c":{"d":[{"a":1}]}}'
for number in range(60):
    module = types.ModuleType(f"family{number}")
    sys.modules[module.__name__] = module
    lines = ["from __future__ import annotations", "import msgspec"]
    for k in range(6):
        lines += [f"class C{k}(msgspec.Struct, frozen=True):", "    a: int = 0"]
        lines += [f"    c: C{k - 1} | None = None", f"    d: tuple[C{k - 1}, ...] = ()"] if k else []
    exec("\\n".join(lines), module.__dict__)
    barrier = threading.Barrier(4)

    def read(_):
        barrier.wait(60)
        return canonical.decode(data, module.C5)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(read, range(4)))) == 1
"""


@pytest.mark.processes
def test_several_threads_may_be_the_first_to_read_a_type() -> None:
    """msgspec itself ends the process then, so it is looked at in another one."""
    done = subprocess.run([sys.executable, "-c", MANY_FIRST_READERS], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
