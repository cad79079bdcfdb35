# SPDX-License-Identifier: MIT
"""The names of the Dagster convention: private ECR, the local name, `py{version}-{stamp}`, and the stamp itself.

Pure: account and region are given, nothing reads the environment or a clock. A plan needs no account:
without one, names hold a placeholder that no registry answers to.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Self

from stackyard.errors import InvalidValue
from stackyard.model.names import ImageName, Name, Tag
from stackyard.model.reference import Repository

DEFAULT_REGION = "us-west-2"
"""Where images are if nobody says otherwise."""

PLACEHOLDER = "ACCOUNT"
"""Stands where the account's number belongs as long as nobody gave one."""

LOCAL_NAMESPACE = "dagster"


class Stamp(Name):
    """When a run began, as part of a tag: UTC, `%Y-%m-%dT%H%M%S`, no colons and no zone.

    Text from `last_updated.yaml` need not be one (`local-build` is a legal suffix of a tag), so readers
    keep plain text, and only who needs the instant parses it.

    >>> Stamp.parse("2020-12-11T190936").instant.isoformat()
    '2020-12-11T19:09:36+00:00'
    """

    __slots__ = ()
    kind = "stamp"
    form = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})")
    hint = "a stamp is a time in UTC, written like 2020-12-11T190936"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a stamp; InvalidValue if it has not the form, or is no day or time that ever was."""
        stamp = super().parse(text)
        try:
            stamp.instant  # noqa: B018 - a 31st of February shows here
        except ValueError:
            raise InvalidValue(f"{text!r} is not a valid {cls.kind}", hint=cls.hint, kind=cls.kind, text=text) from None
        return stamp

    @classmethod
    def at(cls, instant: datetime) -> Self:
        """The stamp of `instant`, seconds cut off; ValueError for a time without a zone, which could be any."""
        if instant.tzinfo is None:
            raise ValueError("a stamp is made from a time with a zone")
        return cls(instant.astimezone(UTC).strftime("%Y-%m-%dT%H%M%S"))

    @property
    def instant(self) -> datetime:
        """The moment it names."""
        found = self.form.fullmatch(self)
        if found is None:
            raise ValueError(f"{self!r} was never parsed")
        year, month, day, hour, minute, second = map(int, found.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


class Account(Name):
    """An AWS account."""

    __slots__ = ()
    kind = "AWS account"
    form = re.compile(r"[0-9]{12}")
    hint = "an account is twelve digits; in YAML, quote it if it begins with 0"


class Region(Name):
    """An AWS region."""

    __slots__ = ()
    kind = "AWS region"
    form = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")
    hint = "a region looks like us-west-2"


def ecr_repository(account: Account | None, region: Region, image: ImageName) -> Repository:
    """The private repository of `image`, computed without asking AWS; a placeholder where no account is known.

    >>> ecr_repository(Account("123456789012"), Region("us-west-2"), ImageName("lab"))
    '123456789012.dkr.ecr.us-west-2.amazonaws.com/lab'
    """
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return Repository.parse(f"{account or PLACEHOLDER}.dkr.ecr.{region}.{domain}/{image}")


def lacks_account(repository: Repository) -> bool:
    """Whether the name was computed without an account, so that nothing can be pushed or pulled by it."""
    return repository.startswith(f"{PLACEHOLDER}.dkr.ecr.")


def local_repository(image: ImageName) -> Repository:
    """What `image` is called in an engine's own store: `dagster/IMAGE`."""
    return Repository.parse(f"{LOCAL_NAMESPACE}/{image}")


def version_tag(version: str, stamp: str) -> Tag:
    """`py{version}-{stamp}`; InvalidValue where that is no tag: a stamp that is empty, or has colons.

    >>> version_tag("3.12", "2025-07-01T184545")
    'py3.12-2025-07-01T184545'
    """
    if not version or not stamp:
        raise InvalidValue(
            f"'py{version}-{stamp}' lacks a part",
            hint="a tag is py, a version, '-' and a stamp",
            kind="tag",
            text=f"py{version}-{stamp}",
        )
    return Tag.parse(f"py{version}-{stamp}")
