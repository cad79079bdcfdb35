# SPDX-License-Identifier: MIT
"""Names: which texts each kind takes, and what they say of themselves."""

from __future__ import annotations

import pytest

from stackyard.errors import InvalidValue
from stackyard.model.names import Digest, ImageName, Name, Tag, TargetName, VersionName, nearest
from tests.cases import each_of

HEX = "0123456789abcdef" * 4


@each_of(
    ("kind", "text"),
    [
        (Digest, f"sha256:{HEX}"),
        (Digest, f"sha512:{HEX}{HEX}"),
        (Tag, "2026.3-main"),
        (Tag, "_x"),
        (Tag, "a" * 128),
        (ImageName, "rstudio-notebook"),
        (ImageName, "my image"),
        (VersionName, "3.12"),
        (VersionName, "PLAN_0"),
        (TargetName, "lab"),
        (TargetName, "lab/3.12"),
    ],
)
def test_a_name_is_its_text(kind: type[Name], text: str) -> None:
    """A parsed name compares and prints as the text it came from."""
    assert kind.parse(text) == text
    assert str(kind.parse(text)) == text


@each_of(
    ("kind", "text"),
    [
        (Digest, ""),
        (Digest, HEX),
        (Digest, f"sha256:{HEX.upper()}"),
        (Digest, f"sha256:{HEX}\n"),
        (Digest, f"sha256:{HEX[1:]}"),
        (Digest, f"md5:{HEX[:32]}"),
        (Tag, ""),
        (Tag, "-x"),
        (Tag, ".x"),
        (Tag, "a b"),
        (Tag, "a/b"),
        (Tag, "a\n"),
        (Tag, "ü"),
        (Tag, "a" * 129),
        (ImageName, ""),
        (ImageName, "a/b"),
        (ImageName, "a@b"),
        (ImageName, "a:b"),
        (ImageName, " a"),
        (VersionName, "3/12"),
        (VersionName, ""),
        (TargetName, "lab@3.12"),
        (TargetName, "lab/3/12"),
        (TargetName, "lab/"),
        (TargetName, "/3"),
    ],
)
def test_a_text_of_another_form_is_refused(kind: type[Name], text: str) -> None:
    """InvalidValue names the kind and the text, and says what the form is."""
    with pytest.raises(InvalidValue, match="is not a valid") as caught:
        kind.parse(text)
    assert (caught.value.kind, caught.value.text) == (kind.kind, text)
    assert caught.value.hint


def test_a_target_has_an_image_and_maybe_a_version() -> None:
    """`image/version` is taken apart and put together again; a bare image has no version."""
    lab = TargetName.of(ImageName("lab"), VersionName("3.10"))

    assert (lab, lab.image, lab.version) == ("lab/3.10", "lab", "3.10")
    assert TargetName.of(ImageName("lab")).version is None
    assert "/" not in lab.file_safe


def test_a_short_digest_is_for_people() -> None:
    """Twelve digits, with the algorithm."""
    assert Digest(f"sha256:{HEX}").short == "sha256:0123456789ab"
    assert Digest(f"sha256:{HEX}").hex == HEX


def test_the_nearest_name_is_the_one_meant() -> None:
    """A typing error finds its name; something quite different finds none."""
    names = ["base-notebook", "rstudio-notebook"]

    assert nearest("base-notbook", names) == "base-notebook"
    assert nearest("zzz", names) is None
