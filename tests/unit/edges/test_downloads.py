# SPDX-License-Identifier: MIT
"""What addresses give, asked of a site and of git repositories on this machine."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackyard.edges.downloads import Content, Downloads
from stackyard.edges.patience import Patience
from stackyard.errors import WorldError
from stackyard.model.accepted import Seen
from stackyard.model.downloads import Download, digest_of_commit
from stackyard.model.names import Digest
from tests.conftest import GitStack
from tests.repositories import git
from tests.site import Site, serving

AT = "2026-01-01T00:00:00Z"


@pytest.fixture
def site() -> Iterator[Site]:
    """A site with one file."""
    with serving() as site:
        site.files["/a.tgz"] = b"first"
        yield site


def sha256(data: bytes) -> Digest:
    """What a file is known by."""
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")


def look(site: Site, path: str, last: Seen | None = None) -> Content | None:
    """What is at a path."""
    return Downloads({}).look(Download(site.at(path)), last)


# Files.


def test_a_file_is_known_by_its_bytes(site: Site) -> None:
    """Other bytes, another digest; the part of an address behind # is not sent."""
    first = look(site, "/a.tgz#x")
    site.files["/a.tgz"] = b"second"

    assert first == Content(sha256(b"first"))
    assert look(site, "/a.tgz") == Content(sha256(b"second"))
    assert site.asked == ["/a.tgz", "/a.tgz"]


def test_an_etag_that_holds_costs_no_download(site: Site) -> None:
    """The server is asked whether it still holds; where it does not, or what was there is not known, all is read."""
    site.etags["/a.tgz"] = '"one"'
    first = look(site, "/a.tgz")
    assert first == Content(sha256(b"first"), '"one"')
    sent = site.sent_bytes
    last = Seen(site.at("/a.tgz"), first.digest, AT, first.mark)

    assert look(site, "/a.tgz", last) == first
    assert site.sent_bytes == sent

    site.files["/a.tgz"], site.etags["/a.tgz"] = b"second", '"two"'
    assert look(site, "/a.tgz", last) == Content(sha256(b"second"), '"two"')
    assert look(site, "/a.tgz", Seen(last.reference, None, AT, '"two"')) == Content(sha256(b"second"), '"two"')


def test_redirects_are_followed_to_a_file(site: Site) -> None:
    """As far as an engine does, relative ones too; to no other kind of address, and not in a ring."""
    site.redirects |= {"/latest": "/v2", "/v2": site.at("/a.tgz"), "/ring": "/ring", "/out": "file:///etc/passwd"}

    assert look(site, "/latest") == Content(sha256(b"first"))
    with pytest.raises(WorldError, match="redirects more than 10 times"):
        look(site, "/ring")
    with pytest.raises(WorldError, match="redirects to file:///etc/passwd, which is no address of HTTP"):
        look(site, "/out")


def test_nothing_there_is_an_answer(site: Site) -> None:
    """404 and 410 say that there is none; any other refusal says that nobody can tell."""
    site.statuses |= {"/gone": 410, "/closed": 403, "/ill": 500}

    assert look(site, "/absent") is None
    assert look(site, "/gone") is None
    for path, words in (("/closed", "answers 403 Forbidden"), ("/ill", "answers 500")):
        with pytest.raises(WorldError, match=words):
            look(site, path)


def test_a_file_without_end_is_left(site: Site) -> None:
    """One that is larger than the limit, or takes longer, is not read to its end, and the hint says what to do."""
    site.files["/a.tgz"] = b"x" * 3_000_000
    large = Downloads({}, largest_bytes=1_000_000)
    with pytest.raises(WorldError, match="gives more than 1,000,000 bytes") as caught:
        large.look(Download(site.at("/a.tgz")))
    assert "ADD --checksum" in str(caught.value.hint)

    ticks = iter(range(0, 10_000, 60))
    slow = Downloads({}, Patience(clock=lambda: float(next(ticks))), longest_s=100)
    with pytest.raises(WorldError, match="takes longer than 100 s"):
        slow.look(Download(site.at("/a.tgz")))


def test_a_site_that_is_not_there() -> None:
    """The host and why; no registry is spoken of."""
    with pytest.raises(WorldError, match=r"^cannot reach 127.0.0.1:1: Connection refused$"):
        Downloads({}).look(Download("http://127.0.0.1:1/a.tgz"))


# git.


@pytest.fixture
def repository(site: Site, git_stack: GitStack) -> Path:
    """A repository that the site serves as lab.git, read only."""
    root = git_stack({"a": "1"})
    publish(site, root)
    return root


def publish(site: Site, root: Path) -> str:
    """Serve the repository as it is now; its newest commit."""
    git(root, "update-server-info")
    folder = root / ".git"
    site.files |= {
        f"/lab.git/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    return commit_of(root, "HEAD")


def commit_of(root: Path, name: str) -> str:
    """The commit that a name leads to."""
    done = subprocess.run(
        ["git", "-C", str(root), "rev-parse", f"{name}^{{commit}}"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.processes
def test_a_name_of_a_repository_is_known_by_its_commit(site: Site, repository: Path, git_stack: GitStack) -> None:
    """A branch, a tag with a message of its own, HEAD where none is named; a folder of it says nothing."""
    first = commit_of(repository, "HEAD")
    git(repository, "tag", "-a", "v1", "-m", "one")
    second = publish(site, git_stack({"a": "2"}, repository))

    assert first != second
    assert look(site, "/lab.git#main") == Content(digest_of_commit(second))
    assert look(site, "/lab.git#main:docs") == Content(digest_of_commit(second))
    assert look(site, "/lab.git") == Content(digest_of_commit(second))
    assert look(site, "/lab.git#v1") == Content(digest_of_commit(first))
    assert look(site, "/lab.git?tag=v1&subdir=docs") == Content(digest_of_commit(first))
    assert look(site, "/lab.git#refs/heads/main") == Content(digest_of_commit(second))


@pytest.mark.processes
def test_a_branch_wins_over_a_tag_and_a_longer_name(site: Site, repository: Path, git_stack: GitStack) -> None:
    """`main` is the branch, whatever else ends in it."""
    git(repository, "tag", "main")
    git(repository, "branch", "a/main", "HEAD")
    second = publish(site, git_stack({"a": "2"}, repository))

    assert look(site, "/lab.git#main") == Content(digest_of_commit(second))


@pytest.mark.processes
def test_a_name_or_a_repository_that_is_not_there(site: Site, repository: Path) -> None:
    """A missing name is an answer; a missing repository is told in git's words, and nobody is asked for a password."""
    site.statuses["/private.git/info/refs"] = 401

    assert look(site, "/lab.git#absent") is None
    with pytest.raises(WorldError, match=r"git cannot ask http://127.0.0.1:\d+/none.git: repository .* not found"):
        look(site, "/none.git")
    with pytest.raises(WorldError, match=r"git cannot ask http://127.0.0.1:\d+/private.git: "):
        look(site, "/private.git#main")
