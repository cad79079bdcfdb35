# SPDX-License-Identifier: MIT
"""Names of the Dagster convention: computed, never asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackyard.errors import InvalidValue
from stackyard.model.ecr import (
    Account,
    Region,
    Stamp,
    ecr_repository,
    lacks_account,
    local_repository,
    version_tag,
)
from stackyard.model.names import ImageName
from tests.cases import each_of

LAB = ImageName("lab-base")
WEST = Region("us-west-2")


def test_private_repository() -> None:
    """Account, region and folder make the name; its host is a registry and its path the image."""
    name = ecr_repository(Account.parse("012345678901"), WEST, LAB)
    assert name == "012345678901.dkr.ecr.us-west-2.amazonaws.com/lab-base"
    assert (name.host, name.path) == ("012345678901.dkr.ecr.us-west-2.amazonaws.com", "lab-base")
    assert not lacks_account(name)


def test_no_account_is_needed_to_plan() -> None:
    """Without an account the name is still a valid one, and says that it can reach nothing."""
    name = ecr_repository(None, WEST, LAB)
    assert name == "ACCOUNT.dkr.ecr.us-west-2.amazonaws.com/lab-base"
    assert name.declared_host == "ACCOUNT.dkr.ecr.us-west-2.amazonaws.com"
    assert lacks_account(name)
    assert not lacks_account(local_repository(LAB))


def test_regions_in_china_have_a_domain_of_their_own() -> None:
    """Registries in China are under another domain."""
    name = ecr_repository(Account("012345678901"), Region.parse("cn-north-1"), LAB)
    assert name == "012345678901.dkr.ecr.cn-north-1.amazonaws.com.cn/lab-base"


def test_an_image_no_registry_takes() -> None:
    """A folder in capitals gives no repository, and is refused, not changed."""
    with pytest.raises(InvalidValue):
        ecr_repository(None, WEST, ImageName("Lab"))


@each_of("text", ["", "12345678901", "0123456789012", "acme", "12345678901a"])
def test_bad_account(text: str) -> None:
    """An account is twelve digits, as text: a leading zero counts."""
    with pytest.raises(InvalidValue, match="AWS account"):
        Account.parse(text)


@each_of("text", ["", "us", "us-west", "us-west-2a/", "US-WEST-2", "us_west_2"])
def test_bad_region(text: str) -> None:
    """A region has its usual form."""
    with pytest.raises(InvalidValue, match="AWS region"):
        Region.parse(text)


@each_of("text", ["us-west-2", "eu-central-1", "us-gov-west-1", "ap-southeast-4", "us-isob-east-1"])
def test_good_region(text: str) -> None:
    """All partitions' regions are taken."""
    assert Region.parse(text) == text


def test_local_name_and_tag() -> None:
    """On the machine an image is `dagster/IMAGE:pyVERSION-STAMP`."""
    assert local_repository(LAB) == "dagster/lab-base"
    assert version_tag("3.8.3", "2020-12-11T190936") == "py3.8.3-2020-12-11T190936"


def test_tag_with_an_opaque_stamp() -> None:
    """The stamp is any suffix that a tag can have."""
    assert version_tag("3.10", "local-build") == "py3.10-local-build"


@each_of("stamp", ["", "2021-08-31T19:51:48", "two words", "a/b", "x" * 128])
def test_tag_that_is_none(stamp: str) -> None:
    """A stamp that no tag can hold is refused here, not by a registry after the build."""
    with pytest.raises(InvalidValue) as caught:
        version_tag("3.10", stamp)
    assert caught.value.kind == "tag"


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))
def test_stamp_prints_and_parses(instant: datetime) -> None:
    """Any instant becomes a stamp that reads back as the same second, and is part of a tag."""
    stamp = Stamp.at(instant)
    assert Stamp.parse(str(stamp)).instant == instant.replace(microsecond=0)
    assert version_tag("3.10", stamp).endswith(stamp)


def test_stamp_is_utc() -> None:
    """A time of another zone is turned into UTC first; a time without a zone is refused."""
    assert Stamp.at(datetime(2025, 7, 1, 20, 45, 45, tzinfo=timezone(timedelta(hours=2)))) == "2025-07-01T184545"
    with pytest.raises(ValueError, match="zone"):
        Stamp.at(datetime(2025, 7, 1))


@each_of(
    "text",
    [
        "local-build",
        "2025-07-01",
        "2025-07-01T18:45:45",
        "2025-07-01T184545Z",
        "2025-02-30T000000",
        "2025-07-01T246000",
    ],
)
def test_no_stamp(text: str) -> None:
    """Neither another form nor a day that never was is a stamp."""
    with pytest.raises(InvalidValue, match="stamp"):
        Stamp.parse(text)
