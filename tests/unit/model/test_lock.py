# SPDX-License-Identifier: MIT
"""Times and lock files: read, printed, and read again."""

from __future__ import annotations

import pytest

from stackyard.errors import InvalidValue
from stackyard.model.conda import bounds_of
from stackyard.model.lock import LockTime
from stackyard.model.lockfile import LockFile, Pin


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2020-12-11T190936", "2020-12-11T19:09:36Z"),
        ("2020-12-11T190936Z", "2020-12-11T19:09:36Z"),
        ("2020-12-11T19:09:36Z", "2020-12-11T19:09:36Z"),
        ("2020-12-12T00:54:36+05:45", "2020-12-11T19:09:36Z"),
        ("2020-12-11T10:09:36-09:00", "2020-12-11T19:09:36Z"),
    ],
)
def test_a_time_is_one_instant(text: str, time: str) -> None:
    """Whatever its zone; a stamp, which has none, is UTC."""
    assert LockTime.parse(text) == time


@pytest.mark.parametrize(
    "text", ["2020-12-11", "2020-12-11T19:09:36", "2020-13-11T19:09:36Z", "now", "2020-12-11T256161"]
)
def test_a_time_without_a_zone_is_none(text: str) -> None:
    """It would be another instant on each machine."""
    with pytest.raises(InvalidValue, match="not a valid time of a lock"):
        LockTime.parse(text)


def test_a_lock_reads_what_it_printed() -> None:
    """Sorted, with its header, markers, hashes and upload times."""
    pins = (
        Pin("beta", "2", "platform_machine == 'x86_64'", ("sha256:b", "sha256:a"), "2020-01-02T00:00:00Z"),
        Pin("alpha", "1", "", ("sha256:c",), "2020-01-01T00:00:00Z"),
    )
    lock = LockFile(pins, "unit", "1" * 40, "2020-12-11T19:09:36Z", "Python 3.8", "uv 1", "stackyard lock unit")
    text = str(lock)
    read = LockFile.of(text)

    assert read.digest == read.body_digest == lock.body_digest
    assert str(read) == text
    assert [pin.name for pin in read.pins] == ["alpha", "beta"]
    assert text.endswith(
        "alpha==1 \\\n    --hash=sha256:c\n    # uploaded 2020-01-01T00:00:00Z\n"
        "beta==2 ; platform_machine == 'x86_64' \\\n    --hash=sha256:a \\\n    --hash=sha256:b\n"
        "    # uploaded 2020-01-02T00:00:00Z\n"
    )


def test_an_explicit_list_reads_what_it_printed() -> None:
    """In its order; of others too, who write other hashes or none; what pip has no version for bounds nothing."""
    pins = (
        Pin(
            "b",
            "1!2.0=py_0",
            "",
            ("sha256:" + "a" * 64,),
            "2020-01-02T00:00:00Z",
            "https://h/c/noarch/b-1!2.0-py_0.conda",
        ),
        Pin("a-b", "9e=h_1", "", ("md5:" + "b" * 32,), "", "https://h/c/linux-64/a-b-9e-h_1.tar.bz2"),
    )
    text = str(LockFile(pins, kind="conda", platform="linux-64", at="1" * 40, again="x", time="2020-12-11T19:09:36Z"))
    read = LockFile.of(text)

    assert (read.pins, read.platform, str(read)) == (pins, "linux-64", text)
    assert text.endswith(f"_0.conda#sha256:{'a' * 64}\nhttps://h/c/linux-64/a-b-9e-h_1.tar.bz2#{'b' * 32}\n")
    theirs = LockFile.of(f"# platform: linux-64\n@EXPLICIT\nhttps://h/x-1-0.conda#{'c' * 64}\nhttps://h/y-2-0.conda\n")
    assert (theirs.kind, theirs.is_ours) == ("conda", False)
    assert [pin.hashes for pin in theirs.pins] == [("sha256:" + "c" * 64,), ()]
    assert bounds_of(text) == "b==1!2.0\n"


def test_lists_of_others_are_read_too() -> None:
    """As `pip freeze` and other resolvers write them; they do not say how they were made."""
    lock = LockFile.of(
        "# at: home\nDjango==3.1\nboto3[crt]==1.16.34 --hash=sha256:aa  # via x\n-e ./x\nsix==1;a=='b'\n"
    )

    assert not lock.is_ours
    assert lock.versions == {("django", ""): "3.1", ("boto3", ""): "1.16.34", ("six", "a=='b'"): "1"}
