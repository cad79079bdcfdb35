# SPDX-License-Identifier: MIT
"""Where images live: repository, reference, platform; and the two kinds of image.

Names follow Docker's rules for short names: `debian` is `docker.io/library/debian`,
and a first component is a registry only if it has a dot, a colon or a capital, or is `localhost`
(distribution/reference, "familiar names", splitDockerDomain).
"""

from __future__ import annotations

import functools
import re

import msgspec

from stackyard.errors import InvalidValue
from stackyard.model.names import PLATFORM, Digest, Name, Tag

DOCKER_HUB = "docker.io"

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_WINDOWS = re.compile(r"windowsservercore|nanoserver|servercore|(^|/)mcr\.microsoft\.com/windows[/:@]", re.I)


class Repository(Name):
    """A repository, printed as a person wrote it: `debian`, `ghcr.io/acme/lab`, `127.0.0.1:5000/lab`.

    >>> Repository.parse("debian").path
    'library/debian'
    """

    __slots__ = ()
    kind = "repository"
    form = re.compile(rf"(?:(?:[A-Za-z0-9.-]+(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?)/)?{_COMPONENT}(?:/{_COMPONENT})*")
    hint = "a repository is lower case: [registry/]path/name"

    @property
    def declared_host(self) -> str | None:
        """The registry that is written in the name, or None where Docker Hub is meant."""
        first, slash, _ = self.partition("/")
        is_host = slash and ("." in first or ":" in first or first == "localhost" or first != first.lower())
        return first if is_host else None

    @property
    def host(self) -> str:
        """The registry, Docker Hub where none is written, or its name of old."""
        return self._parts[0]

    @property
    def path(self) -> str:
        """The repository's name within its registry, `library/` added for official images."""
        return self._parts[1]

    @property
    def canonical(self) -> str:
        """Registry and full path: equal for all spellings of one repository."""
        return "/".join(self._parts)

    @property
    def _parts(self) -> tuple[str, str]:
        return _parts_of(self)


@functools.lru_cache(maxsize=1 << 15)  # each of a stack is asked for again and again
def _parts_of(repository: Repository) -> tuple[str, str]:
    declared = repository.declared_host
    path = repository[len(declared) + 1 :] if declared else str(repository)
    host = DOCKER_HUB if declared is None or declared == "index.docker.io" else declared
    return host, f"library/{path}" if "/" not in path and host == DOCKER_HUB else path


def nearest_repository(text: str) -> Repository | None:
    """The repository that a name is most like: lower case, without accents, with dashes for what it cannot have.

    >>> nearest_repository("Campus/Café Lab"), nearest_repository("日本")
    ('campus/cafe-lab', None)
    """
    first, slash, rest = text.partition("/")
    host = f"{first}/" if slash and ("." in first or ":" in first) else ""
    parts = (rest if host else text).split("/")
    found = f"{host}{'/'.join(_plain(part) for part in parts)}"
    return Repository(found) if Repository.form.fullmatch(found) else None


def _plain(part: str) -> str:
    text = part.lower()
    if not text.isascii():
        from unicodedata import combining, normalize  # a large table, for few

        text = "".join(sign for sign in normalize("NFKD", text) if not combining(sign))
    if re.fullmatch(_COMPONENT, text):
        return text
    return re.sub(r"[^a-z0-9]*[^a-z0-9._-][^a-z0-9]*|[._-]{2,}", "-", text).strip("._-")


class Reference(msgspec.Struct, frozen=True, order=True):
    """A repository with a tag, a digest, or both: what `FROM` and `docker run` take.

    >>> str(Reference.parse("debian:bookworm-slim"))
    'debian:bookworm-slim'
    """

    repository: Repository
    tag: Tag | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read `[host/]path[:tag][@digest]`; InvalidValue if it is none."""
        rest, at, digest = text.partition("@")
        name, colon, tag = rest.rpartition(":")
        if not colon or "/" in tag:
            name, tag = rest, ""
        if not name or rest.endswith(":") or (at and not digest):  # a variable without a value leaves such holes
            raise InvalidValue(f"{text!r} is not an image reference", kind="reference", text=text)
        return cls(
            Repository.parse(name),
            Tag.parse(tag) if tag else None,
            Digest.parse(digest) if digest else None,
        )

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"

    @property
    def canonical(self) -> str:
        """Equal for all spellings of one reference; a missing tag is `latest`, as everywhere."""
        tag = self.tag or (None if self.digest else "latest")
        return str(Reference(Repository(self.repository.canonical), Tag(tag) if tag else None, self.digest))


def is_windows(reference: str) -> bool:
    """Whether an image is one of Windows, by its name."""
    return bool(_WINDOWS.search(reference))


class Platform(Name):
    """`os/architecture[/variant]`, as in an image index."""

    __slots__ = ()
    kind = "platform"
    form = re.compile(PLATFORM)
    hint = "a platform looks like linux/amd64 or linux/arm64/v8"

    def fits(self, wanted: str) -> bool:
        """Whether an image for it is what is wanted: a variant counts where both name one.

        >>> Platform("linux/arm64/v8").fits("linux/arm64"), Platform("linux/arm64").fits("linux/arm")
        (True, False)
        """
        longer, shorter = sorted((self, wanted), key=len, reverse=True)
        return f"{longer}/".startswith(f"{shorter}/")


class LocalImage(msgspec.Struct, frozen=True):
    """An image in one engine's own store: known by its id there, good for nothing elsewhere.

    On a classic store the id is the digest of the config, on a containerd store
    that of the manifest or index.
    """

    id: Digest


class PublishedImage(msgspec.Struct, frozen=True, order=True):
    """An image in a repository, by digest: the same for everyone who can read there."""

    repository: Repository
    digest: Digest

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}"


_CONTENT_TAG = re.compile(r"sy-[0-9a-f]{32}")


def content_tag(image: LocalImage) -> Tag:
    """The permanent tag of one built image: `sy-` and the start of its id.

    Made from the id, not the fingerprint: two builds of one fingerprint are both
    valid and must never fight for a name.
    """
    return Tag(f"sy-{image.id.hex[:32]}")


def is_content_tag(tag: Tag) -> bool:
    """Whether it is one that nothing else is ever put under.

    >>> is_content_tag(Tag("sy-" + 32 * "a")), is_content_tag(Tag("sy-r-" + 30 * "a"))
    (True, False)
    """
    return bool(_CONTENT_TAG.fullmatch(tag))
