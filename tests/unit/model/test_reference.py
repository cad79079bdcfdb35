# SPDX-License-Identifier: MIT
"""References as FROM and `docker run` take them, in all their spellings."""

from __future__ import annotations

import pytest

from stackyard.errors import InvalidValue
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import LocalImage, Platform, PublishedImage, Reference, Repository, content_tag
from tests.cases import each_of

HEX = "0123456789abcdef" * 4
DIGEST = f"sha256:{HEX}"


@each_of(
    ("text", "repository", "tag", "digest"),
    [
        ("debian", "debian", None, None),
        ("debian:bookworm-slim", "debian", "bookworm-slim", None),
        ("ghcr.io/acme/lab:1", "ghcr.io/acme/lab", "1", None),
        ("127.0.0.1:5000/lab", "127.0.0.1:5000/lab", None, None),
        ("127.0.0.1:5000/lab:1", "127.0.0.1:5000/lab", "1", None),
        ("[::1]:5000/lab:1", "[::1]:5000/lab", "1", None),
        ("localhost/a__b/c-d.e:1", "localhost/a__b/c-d.e", "1", None),
        (f"lab@{DIGEST}", "lab", None, DIGEST),
        (f"lab:1@{DIGEST}", "lab", "1", DIGEST),
        ("localhost:5000", "localhost", "5000", None),
    ],
)
def test_a_reference_is_taken_apart(text: str, repository: str, tag: str | None, digest: str | None) -> None:
    """Repository, tag and digest; printing puts them together as they were written."""
    reference = Reference.parse(text)

    assert (reference.repository, reference.tag, reference.digest) == (repository, tag, digest)
    assert str(reference) == text


@each_of(
    "text",
    ["", ":1", "Debian", "ghcr.io/Acme/lab", "lab:", "lab:a b", "lab@", f"@{DIGEST}", "lab@sha256:12", "a//b", "a/",
     "/a", f"lab:@{DIGEST}", "https://ghcr.io/lab", "lab:-x", "a..b", "a/-b", "lab:1:2", "lab\n"],
)  # fmt: skip
def test_what_is_no_reference_is_refused(text: str) -> None:
    """InvalidValue, whatever part of it is wrong."""
    with pytest.raises(InvalidValue):
        Reference.parse(text)


@each_of(
    ("spellings", "host", "path"),
    [
        (("debian", "docker.io/debian", "index.docker.io/library/debian"), "docker.io", "library/debian"),
        (("library/debian",), "docker.io", "library/debian"),
        (("acme/lab", "docker.io/acme/lab"), "docker.io", "acme/lab"),
        (("ghcr.io/acme/lab",), "ghcr.io", "acme/lab"),
        (("localhost/lab",), "localhost", "lab"),
        (("lab.example/lab",), "lab.example", "lab"),
        (("127.0.0.1:5000/lab",), "127.0.0.1:5000", "lab"),
        (("Acme/lab",), "Acme", "lab"),
    ],
)  # fmt: skip
def test_spellings_of_one_repository_are_one(spellings: tuple[str, ...], host: str, path: str) -> None:
    """Docker's short names: the registry is written where the first part has a dot, colon, capital or is localhost."""
    for text in spellings:
        repository = Repository.parse(text)
        assert (repository.host, repository.path, repository.canonical) == (host, path, f"{host}/{path}")


def test_a_reference_without_a_tag_means_latest() -> None:
    """The canonical form has the tag that everybody means; with a digest there is nothing to add."""
    assert Reference.parse("debian").canonical == "docker.io/library/debian:latest"
    assert Reference.parse("debian").canonical == Reference.parse("docker.io/debian:latest").canonical
    assert Reference.parse(f"debian@{DIGEST}").canonical == f"docker.io/library/debian@{DIGEST}"
    assert Reference.parse(f"debian:1@{DIGEST}").canonical == f"docker.io/library/debian:1@{DIGEST}"


def test_a_content_tag_is_made_from_the_image() -> None:
    """`sy-` and the start of the id: a valid tag, another one for another image."""
    tag = content_tag(LocalImage(Digest(DIGEST)))

    assert tag == f"sy-{HEX[:32]}"
    assert Tag.parse(tag) == tag


def test_a_published_image_prints_as_a_pull_takes_it() -> None:
    """Repository and digest."""
    assert str(PublishedImage(Repository("ghcr.io/a/b"), Digest(DIGEST))) == f"ghcr.io/a/b@{DIGEST}"


@pytest.mark.parametrize("text", ["linux/amd64", "linux/arm64/v8", "windows/amd64"])
def test_platforms(text: str) -> None:
    """Two or three lower-case parts."""
    assert Platform.parse(text) == text
    for bad in (text.upper(), text.partition("/")[0], f"{text}/x/y"):
        with pytest.raises(InvalidValue):
            Platform.parse(bad)
