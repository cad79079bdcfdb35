# SPDX-License-Identifier: MIT
"""A dated archive over HTTP, and who signed it."""

from __future__ import annotations

import shutil

import pytest

from stackyard.edges.debian_archive import DebianArchive
from stackyard.edges.patience import Patience
from stackyard.errors import ToolMissing, WorldError
from tests.debian_archive import IN_RELEASE, KEYRING, OTHER_KEYRING, SIGNED, TinyArchive

RELEASE = "dists/bookworm/Release"


def test_a_time_leads_on_to_the_state_before_it() -> None:
    """What is not there is told with its address, and so is what is larger than it may be."""
    archive = TinyArchive.signed_one()
    real = DebianArchive({}, Patience(attempts=1))
    with archive.served() as address:
        late = f"{address}/20201231T000000Z/{RELEASE}"
        assert real.get(late, 10**6) == archive.states[SIGNED[0]][RELEASE]
        early = f"{address}/20200101T000000Z/{RELEASE}"
        with pytest.raises(WorldError) as caught:
            real.get(early, 10**6)
        assert str(caught.value) == f"there is nothing at {early}"
        with pytest.raises(WorldError, match="gives more than 100 bytes"):
            real.get(late, 100)
    with pytest.raises(WorldError, match=rf"cannot reach {address.split('/')[2]}"):
        real.get(late, 10**6)


@pytest.mark.processes
@pytest.mark.skipif(shutil.which("gpgv") is None, reason="no gpgv is installed")
def test_a_signature_counts_if_a_key_of_the_ring_made_it_for_these_bytes() -> None:
    """One of several keys is enough, since an archive is signed with more than one; no key of this machine counts.

    What stands outside of the signature is no part of the text.
    """
    data = TinyArchive.signed_one().states[SIGNED[0]][RELEASE]
    real = DebianArchive({"PATH": "/usr/bin:/bin"})

    assert real.verifier().startswith("gpgv ")
    assert real.signed(IN_RELEASE, KEYRING, "bookworm") == data
    assert real.signed(IN_RELEASE, OTHER_KEYRING + KEYRING, "bookworm") == data
    assert real.signed(b"Suite: other\n\n" + IN_RELEASE, KEYRING, "bookworm") == data
    for changed, ring in (
        (IN_RELEASE.replace(b"amd64", b"arm64"), KEYRING),
        (IN_RELEASE, OTHER_KEYRING),
        (data, KEYRING),
        (IN_RELEASE, b""),
    ):
        with pytest.raises(WorldError, match="bookworm is signed by no key of the keyring"):
            real.signed(changed, ring, "bookworm")


def test_where_nobody_can_check_a_signature_that_is_said() -> None:
    """And not taken for a good one."""
    with pytest.raises(ToolMissing, match="gpgv is not installed"):
        DebianArchive({"PATH": "/nowhere"}).signed(b"", b"", "bookworm")
