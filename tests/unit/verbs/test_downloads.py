# SPDX-License-Identifier: MIT
"""What ADD fetches without a checksum, over a site on this machine: looked at, accepted, and built because of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from stackyard import verbs
from stackyard.errors import InvalidValue, UnknownName, WorldError
from stackyard.model.bases import Base
from stackyard.model.inputs import build_fingerprint, identity
from stackyard.model.names import Digest, TargetName
from stackyard.model.record import Built
from stackyard.verbs.bases import accept, bases, refresh
from tests.site import Site, serving
from tests.unit.run.test_run import Bench

SPEC = """
registry: registry.example/lab
images:
  base:
  left: {depend_on: base}
  right: {depend_on: base}
tag: {prefix: "2026.3"}
"""


class Fetching(Bench):
    """Three images; `left` and `right` fetch the same file."""

    def __init__(self, root: Path, site: Site) -> None:
        super().__init__(root)
        self.site = site
        self.site.files["/a.tgz"] = b"first"
        self.address = site.at("/a.tgz")
        self.write("images/spec.yml", SPEC)
        for name in ("left", "right"):
            self.write(f"images/{name}/Dockerfile", f"FROM registry.example/lab/base\nADD {self.address} /\n")
        self.commit()

    def plan(self) -> dict[str, str]:
        """Target -> what would be done."""
        return {str(step.target): step.action for step in verbs.plan(self.yard()).steps}

    def reasons(self, name: str) -> list[str]:
        """Why, of one target."""
        return [str(reason) for reason in verbs.plan(self.yard()).step(TargetName(name)).reasons]

    def looked_at(self, *words: str, offline: bool = False) -> Base:
        """What is known of the file now."""
        (found,) = (each for each in bases(self.yard(), words, offline) if each.of.what == "download")
        return found

    def last_built(self, name: str) -> Built:
        """The newest build of a target."""
        record = self.yard().records.known().records[TargetName(name)][0]
        assert record.built is not None
        return record.built


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Fetching]:
    """A committed stack with a site, nothing built."""
    with serving() as site:
        yield Fetching(tmp_path, site)


def sha256(data: bytes) -> Digest:
    """What a file is known by."""
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")


# Looking.


def test_a_download_is_shown_with_the_bases(stack: Fetching) -> None:
    """Its address, who fetches it and where; new, then current, then moved, then gone."""
    before = stack.looked_at()
    stack.build()
    then = stack.looked_at()
    stack.site.files["/a.tgz"] = b"second"
    now = stack.looked_at()
    del stack.site.files["/a.tgz"]

    assert (str(before.of.reference), before.state, before.of.targets) == (stack.address, "new", ("left", "right"))
    assert [(place.how, place.path, place.line) for place in before.of.places] == [
        ("add", "images/left/Dockerfile", 2),
        ("add", "images/right/Dockerfile", 2),
    ]
    assert (then.state, then.accepted, then.current) == ("current", sha256(b"first"), sha256(b"first"))
    assert (now.state, now.accepted, now.current) == ("moved", sha256(b"first"), sha256(b"second"))
    assert [each.by for each in now.history] == ["first"]
    assert stack.looked_at().state == "gone"


def test_words_are_images_or_the_address(stack: Fetching) -> None:
    """An image means all that it builds on, with what it fetches itself; another address is nobody's."""
    assert stack.looked_at("left").state == "new"
    assert [str(each.of.reference) for each in bases(stack.yard(), ["left"])] == ["debian:12", stack.address]
    assert [str(each.of.reference) for each in bases(stack.yard(), [stack.address])] == [stack.address]
    assert [str(each.of.reference) for each in bases(stack.yard(), ["base"])] == ["debian:12"]
    with pytest.raises(UnknownName, match="neither an image nor an external base"):
        bases(stack.yard(), [f"{stack.address}2"])


def test_who_is_not_asked_or_does_not_answer_is_not_checked(stack: Fetching) -> None:
    """Offline nobody is asked; a site that refuses is told, with what it gave last."""
    stack.build()
    asked = len(stack.site.asked)
    assert stack.looked_at(offline=True).state == "not checked"
    assert len(stack.site.asked) == asked

    stack.site.statuses["/a.tgz"] = 503
    found = stack.looked_at()
    assert (found.state, found.current) == ("not checked", sha256(b"first"))
    assert "answers 503" in str(found.problem)


def test_what_says_what_must_come_is_not_looked_at(stack: Fetching) -> None:
    """A checksum, a commit id: pinned. A login, a secret, an unknown variable: nobody asks, and nothing is recorded."""
    lines = (
        f"ADD --checksum={sha256(b'first')} {stack.address} /",
        f"ADD {stack.site.at('/lab.git')}#{'1f' * 20} /src",
        "ADD http://me:word@127.0.0.1:1/a /",
        "ADD http://word@127.0.0.1:1/a /",
        "ARG API_TOKEN\nADD http://127.0.0.1:1/a?key=${API_TOKEN} /",
        "ADD http://127.0.0.1:1/$NOWHERE /",
    )
    stack.write("images/spec.yml", SPEC.replace("base}\n  right", "base, build_args: {API_TOKEN: hush}}\n  right"))
    stack.write("images/right/Dockerfile", "FROM registry.example/lab/base\n")
    stack.write("images/left/Dockerfile", "\n".join(("FROM registry.example/lab/base", *lines, "")))

    assert [str(each.of.reference) for each in bases(stack.yard())] == ["debian:12"]
    assert stack.site.asked == []


# Building.


def test_a_move_builds_nothing_until_it_is_accepted(stack: Fetching) -> None:
    """As for bases: a notice in the plan once it was seen, and who fetches it is built once it was accepted."""
    stack.build()
    stack.site.files["/a.tgz"] = b"second"
    stack.looked_at()

    notices = [finding for finding in verbs.plan(stack.yard()).findings if finding.code == "base-moved"]
    assert [(each.path, each.line) for each in notices] == [("images/left/Dockerfile", 2)]
    assert f"download {stack.address} has moved from the accepted" in notices[0].sentence
    assert stack.plan() == {"base": "reuse", "left": "reuse", "right": "reuse"}

    done = refresh(stack.yard(), [stack.address])

    change = f"from {sha256(b'first').short} to {sha256(b'second').short}"
    assert (done.following.builds, done.following.waits) == (("left", "right"), ())
    assert stack.plan() == {"base": "reuse", "left": "build", "right": "build"}
    assert stack.reasons("left") == [f"download {stack.address} changed {change}"]
    assert stack.statuses(stack.build()) == {"base": "reused", "left": "built", "right": "built"}
    assert stack.last_built("left").downloads == ((stack.address, sha256(b"second")),)
    assert stack.plan() == {"base": "reuse", "left": "reuse", "right": "reuse"}


def test_what_is_built_for_another_reason_gets_what_is_there_now(stack: Fetching) -> None:
    """No engine can fetch what was there before, so it is accepted first; who fetches the same follows in that run."""
    stack.build()
    stack.site.files["/a.tgz"] = b"second"
    stack.write("images/left/note", "other")
    assert stack.plan() == {"base": "reuse", "left": "build", "right": "reuse"}

    done = stack.build()

    assert stack.statuses(done) == {"base": "reused", "left": "built", "right": "built"}
    assert stack.last_built("right").downloads == ((stack.address, sha256(b"second")),)
    assert [each.by for each in stack.looked_at().history] == ["build", "first"]
    assert stack.plan() == {"base": "reuse", "left": "reuse", "right": "reuse"}


def test_a_run_asks_once_for_each(stack: Fetching) -> None:
    """However many images fetch it, with --refresh too; and a run that builds nothing asks nobody."""
    stack.build()
    assert stack.site.asked == ["/a.tgz"]
    stack.build()
    assert stack.site.asked == ["/a.tgz"]
    stack.site.files["/a.tgz"] = b"second"
    assert stack.statuses(stack.build(refresh=True)) == {"base": "reused", "left": "built", "right": "built"}
    assert stack.site.asked == ["/a.tgz"] * 2


def test_a_build_goes_on_where_nobody_can_tell(stack: Fetching) -> None:
    """The engine may still get there: a notice, no fact; and once it can be told and was accepted, it is built."""
    stack.site.statuses["/a.tgz"] = 503
    plan = verbs.prepare(stack.yard())
    assert [(each.code, each.path) for each in plan.findings] == [("base-not-checked", "images/left/Dockerfile")]
    stack.build()
    assert stack.last_built("left").downloads == ()
    assert stack.plan() == {"base": "reuse", "left": "reuse", "right": "reuse"}

    del stack.site.statuses["/a.tgz"]
    assert stack.plan() == {"base": "reuse", "left": "reuse", "right": "reuse"}
    refresh(stack.yard())
    assert stack.reasons("left") == [f"download {stack.address} accepted as {sha256(b'first').short}"]


def test_a_refresh_is_all_or_none(stack: Fetching) -> None:
    """A download that nobody can tell of keeps the bases as they were."""
    stack.build()
    before = stack.yard().records.known().accepted
    stack.engine.add("debian:12", "second")
    del stack.site.files["/a.tgz"]

    with pytest.raises(WorldError, match=f"nothing was accepted, because what .*{stack.address} is now cannot be told"):
        refresh(stack.yard())
    assert stack.yard().records.known().accepted == before


def test_a_digest_can_be_named_only_while_it_is_there(stack: Fetching) -> None:
    """What an address gave before is not to be had: accepting it is refused with both digests."""
    stack.build()
    stack.site.files["/a.tgz"] = b"second"

    done = accept(stack.yard(), [f"{stack.address}={sha256(b'second')}"])
    assert [(str(change.reference), change.was, change.now) for change in done.changes] == [
        (stack.address, sha256(b"first"), sha256(b"second"))
    ]
    with pytest.raises(WorldError, match=f"gives {sha256(b'second')} now, and not {sha256(b'first')}"):
        accept(stack.yard(), [f"{stack.address}={sha256(b'first')}"])
    with pytest.raises(InvalidValue):
        accept(stack.yard(), [f"{stack.address}=latest"])


def test_fingerprints_without_a_known_download_are_as_if_there_were_none(stack: Fetching) -> None:
    """What was built before anybody looked is not built again for that alone."""
    (left,) = (target for target in stack.yard().stack.targets if target.name == "left")
    parents, accepted = {TargetName("base"): sha256(b"")}, {"docker.io/library/debian:12": sha256(b"1")}
    bare = msgspec.structs.replace(left.inputs, downloads=())
    assert identity(left.inputs) == identity(bare)
    assert build_fingerprint(left.inputs, parents, accepted) == build_fingerprint(bare, parents, accepted)
    known = accepted | {stack.address: sha256(b"first")}
    assert build_fingerprint(left.inputs, parents, known) != build_fingerprint(bare, parents, known)
