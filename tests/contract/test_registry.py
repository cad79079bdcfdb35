# SPDX-License-Identifier: MIT
"""What every registry promises: the one in memory, and a real one over HTTP.

The live half needs a registry at STACKYARD_TEST_REGISTRY=127.0.0.1:PORT (script/dev up); repositories are its own.
"""

from __future__ import annotations

import io
import os
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
import urllib3

from stackyard.edges.copying import copy_image
from stackyard.edges.credentials import Credential
from stackyard.edges.oci import OciRegistry
from stackyard.edges.patience import Patience, Retries, counted
from stackyard.edges.registry import OCI_INDEX, OCI_MANIFEST, Manifest, Registry
from stackyard.errors import DigestMismatch, RegistryRefused
from stackyard.model import canonical
from stackyard.model.elsewhere import Travelled
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import Platform, Repository
from stackyard.testing.registry import MadeImage, MemoryRegistry, make_image, make_index, sha256
from tests.live.faulty import FaultyRegistry, faulty
from tests.live.own_registry import LOGIN, registry_with_login

ABSENT = Digest("sha256:" + "0" * 64)
V1, V2, STABLE = Tag("v1"), Tag("v2"), Tag("stable")


def about(blob: Digest, size: int, subject: Manifest | None = None, kind: str = "application/vnd.example") -> Manifest:
    """An artifact that is no image, as the image-spec wants those."""
    empty = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": blob, "size": size}
    body = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": kind, "config": empty, "layers": [empty]}
    more = {"subject": subject.descriptor} if subject else {}
    made = canonical.encode({**body, **more, "annotations": {"number": "7"}})
    return Manifest(sha256(made), OCI_MANIFEST, made)


class Yard(ABC):
    """A registry, a repository nobody else uses, and an engine's way to put images there."""

    registry: Registry
    repository: Repository

    @abstractmethod
    def upload(self, image: MadeImage) -> Manifest:
        """Bring an image's blobs; the manifest is left to the test."""

    @abstractmethod
    def elsewhere(self, repository: Repository) -> str:
        """The same path in another registry."""

    @abstractmethod
    def be_busy(self, times: int) -> None:
        """Answer the next so many requests with a 503."""

    def publish(self, tag: Tag, content: str, *, docker: bool = False) -> Manifest:
        manifest = self.upload(make_image(content, docker=docker))
        self.registry.put(self.repository, tag, manifest)
        return manifest


class MemoryYard(Yard):
    def __init__(self, *, can_untag: bool) -> None:
        self.registry: MemoryRegistry = MemoryRegistry(can_untag=can_untag)
        self.repository = Repository("registry.example/lab")

    def elsewhere(self, repository: Repository) -> str:
        return f"other.example/{repository.path}"

    def be_busy(self, times: int) -> None:
        self.registry.busy = times

    def upload(self, image: MadeImage) -> Manifest:
        self.registry.add_blobs(self.repository, image.manifest, image.blobs)
        return image.manifest


class LiveYard(Yard):
    def __init__(self, front: FaultyRegistry, login: Credential | None = None) -> None:
        patience = Patience(sleep=lambda _: None)
        self.registry: OciRegistry = OciRegistry({}, credentials=lambda _: login, patience=patience)
        self.headers = {"Authorization": f"Basic {login.packed}"} if login else {}
        self.front = front
        self.repository = Repository(f"{front.host}/contract/{uuid.uuid4().hex}")
        self.http = urllib3.PoolManager(timeout=10, retries=False)

    def upload(self, image: MadeImage) -> Manifest:
        base = f"http://{self.repository.host}"
        for blob in image.blobs:
            begun = self.http.request("POST", f"{base}/v2/{self.repository.path}/blobs/uploads/", headers=self.headers)
            place = begun.headers["Location"]
            place = (base + place if place.startswith("/") else place) + ("&" if "?" in place else "?")
            headers = {"Content-Type": "application/octet-stream", **self.headers}
            done = self.http.request("PUT", f"{place}digest={sha256(blob)}", body=blob, headers=headers)
            assert done.status == 201
        return image.manifest

    def elsewhere(self, repository: Repository) -> str:
        return f"localhost:{self.front.server_port}/{repository.path}"

    def be_busy(self, times: int) -> None:
        self.front.plan("503", times)

    def close(self) -> None:
        self.registry.close()
        self.http.clear()


@pytest.fixture(scope="session")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real registry that wants a login."""
    with registry_with_login(tmp_path_factory.mktemp("locked")) as address:
        yield address


LIVE = [pytest.param(name, marks=pytest.mark.live) for name in ("live", "live with a login")]


@pytest.fixture(params=["memory", "memory without untag", *LIVE])
def yard(request: pytest.FixtureRequest) -> Iterator[Yard]:
    """A fresh yard of each kind."""
    if not request.param.startswith("live"):
        yield MemoryYard(can_untag=request.param == "memory")
        return
    if request.param == "live with a login":
        with faulty(request.getfixturevalue("locked")) as front:
            with_login = LiveYard(front, LOGIN)
            yield with_login
            with_login.close()
        return
    host = os.environ.get("STACKYARD_TEST_REGISTRY")
    if not host:
        reason = "no registry: STACKYARD_TEST_REGISTRY=127.0.0.1:PORT names one (script/dev up)"
        if os.environ.get("CI", "").lower() in ("true", "1"):
            pytest.fail(reason)
        pytest.skip(reason)
    with faulty(host) as front:
        live = LiveYard(front)
        yield live
        live.close()


def test_the_bytes_of_a_config_can_be_read(yard: Yard) -> None:
    """As they were brought, by the digest in the manifest; nothing where there are none."""
    made = make_image("lab")
    config = yard.upload(made).config

    assert config is not None
    assert yard.registry.blob(yard.repository, config) == made.blobs[0]
    assert yard.registry.blob(yard.repository, ABSENT) is None
    assert yard.registry.blob(Repository(f"{yard.repository}/other"), config) is None


def test_what_nobody_put_is_none(yard: Yard) -> None:
    """A missing tag, digest or whole repository is None, not an error."""
    yard.publish(V1, "one")
    nowhere = Repository(f"{yard.repository}/nowhere")
    for repository in (yard.repository, nowhere):
        for tag in (V2, ABSENT):
            assert yard.registry.resolve(repository, tag) is None
            assert yard.registry.manifest(repository, tag) is None


def test_a_tag_resolves_to_the_digest_of_its_bytes(yard: Yard) -> None:
    """resolve gives the sha256 of what was put, and a digest that is there resolves to itself."""
    manifest = yard.publish(V1, "one")

    assert yard.registry.resolve(yard.repository, V1) == sha256(manifest.body)
    assert yard.registry.resolve(yard.repository, manifest.digest) == manifest.digest


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
def test_a_manifest_comes_back_byte_for_byte(yard: Yard, docker: bool) -> None:
    """By tag and by digest, bytes, digest and media type are those that were put, in Docker's format and in OCI's."""
    manifest = yard.publish(V1, "one", docker=docker)

    assert yard.registry.manifest(yard.repository, V1) == manifest
    assert yard.registry.manifest(yard.repository, manifest.digest) == manifest
    assert manifest.config == sha256(make_image("one", docker=docker).blobs[0])


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
def test_an_index_comes_back_byte_for_byte(yard: Yard, docker: bool) -> None:
    """An index over two platforms is kept as it is, and has no config."""
    children = {
        Platform("linux/amd64"): yard.publish(V1, "amd64", docker=docker),
        Platform("linux/arm64/v8"): yard.publish(V2, "arm64", docker=docker),
    }
    index = make_index(children, docker=docker)

    yard.registry.put(yard.repository, STABLE, index)

    assert yard.registry.manifest(yard.repository, STABLE) == index
    assert index.config is None


def test_an_index_without_children_needs_no_blob(yard: Yard) -> None:
    """A list of no manifests can be put into a repository that holds nothing: facts can travel in its annotations."""
    body = b'{"schemaVersion":2,"mediaType":"%s","manifests":[],"annotations":{"a":"b"}}' % OCI_INDEX.encode()
    index = Manifest(sha256(body), OCI_INDEX, body)

    yard.registry.put(yard.repository, V1, index)

    assert yard.registry.manifest(yard.repository, V1) == index


def test_a_second_tag_leaves_the_first(yard: Yard) -> None:
    """put under another tag makes both names mean the same image."""
    manifest = yard.publish(V1, "one")

    yard.registry.put(yard.repository, STABLE, manifest)

    assert yard.registry.resolve(yard.repository, STABLE) == manifest.digest
    assert yard.registry.resolve(yard.repository, V1) == manifest.digest


def test_a_tag_moves_and_moves_back(yard: Yard) -> None:
    """put moves a tag; what it meant before stays there by digest, and the tag can return."""
    old, new = yard.publish(STABLE, "old"), yard.publish(STABLE, "new")

    assert yard.registry.resolve(yard.repository, STABLE) == new.digest
    yard.registry.put(yard.repository, STABLE, old)
    assert yard.registry.resolve(yard.repository, STABLE) == old.digest
    assert yard.registry.resolve(yard.repository, new.digest) == new.digest


def test_putting_twice_is_putting_once(yard: Yard) -> None:
    """A put that is repeated, as after a kill, changes nothing."""
    manifest = yard.publish(V1, "one")

    yard.registry.put(yard.repository, V1, manifest)

    assert yard.registry.manifest(yard.repository, V1) == manifest


def test_a_manifest_without_its_blobs_is_refused(yard: Yard) -> None:
    """Blobs or children that are not in the repository: a refusal with its status, and no tag."""
    image = make_image("never uploaded").manifest
    for manifest in (image, make_index({Platform("linux/amd64"): image})):
        with pytest.raises(RegistryRefused) as caught:
            yard.registry.put(yard.repository, V1, manifest)

        assert caught.value.status in (400, 404)
        assert caught.value.address == yard.repository.host
        assert "MANIFEST_BLOB_UNKNOWN" in str(caught.value.words)
        assert caught.value.hint == "push the image's layers to this repository first"
        assert yard.registry.resolve(yard.repository, V1) is None


def test_bytes_that_are_not_their_digest_are_not_sent(yard: Yard) -> None:
    """A manifest whose digest is another's is a DigestMismatch with both digests, and no tag."""
    manifest = yard.upload(make_image("one"))
    with pytest.raises(DigestMismatch) as caught:
        yard.registry.put(yard.repository, V1, Manifest(ABSENT, manifest.media_type, manifest.body))

    assert (caught.value.expected, caught.value.found) == (ABSENT, manifest.digest)
    assert yard.registry.resolve(yard.repository, V1) is None


def test_untag_says_whether_the_tag_is_gone(yard: Yard) -> None:
    """True means that the tag is gone, False that it is still there; the image and its other tags stay."""
    manifest = yard.publish(V1, "one")
    yard.registry.put(yard.repository, V2, manifest)

    is_gone = yard.registry.untag(yard.repository, V1)

    assert (yard.registry.resolve(yard.repository, V1) is None) == is_gone
    assert yard.registry.resolve(yard.repository, V2) == manifest.digest
    assert yard.registry.resolve(yard.repository, manifest.digest) == manifest.digest


def test_what_was_brought_can_be_read(yard: Yard) -> None:
    """upload leaves bytes where blob finds them, once or twice; a manifest may name them then."""
    data = b"facts"
    assert yard.registry.upload(yard.repository, data) == yard.registry.upload(yard.repository, data) == sha256(data)

    assert yard.registry.blob(yard.repository, sha256(data)) == data
    into = io.BytesIO(b"what was there before")
    assert yard.registry.fetch(yard.repository, sha256(data), into)
    assert into.getvalue() == data
    assert not yard.registry.fetch(yard.repository, sha256(b"nobody's"), into)
    manifest = about(sha256(data), len(data))
    yard.registry.put(yard.repository, V1, manifest)
    assert yard.registry.manifest(yard.repository, V1) == manifest


def test_a_blob_comes_from_another_repository(yard: Yard) -> None:
    """There already, taken over within the registry, or sent from one registry to another; else the registry's no."""
    made = make_image("lab")
    yard.upload(made)
    layer = made.manifest.blobs[1]
    near = Repository(f"{yard.repository}/near")
    far = Repository(yard.elsewhere(near))

    assert yard.registry.bring(near, layer, yard.repository) == "mounted"
    assert yard.registry.bring(near, layer, yard.repository) == "there"
    far = Repository(f"{far}/far")
    assert yard.registry.bring(far, layer, yard.repository) == "sent"
    assert yard.registry.blob(far, layer.digest) == made.blobs[1]
    with pytest.raises(RegistryRefused):
        yard.registry.bring(far, msgspec.structs.replace(layer, digest=ABSENT), yard.repository)


def test_an_image_is_copied_whole(yard: Yard) -> None:
    """An index with its children, their blobs, and what refers to any of them; a second time there is nothing to do."""
    children = [yard.upload(make_image(name)) for name in ("amd", "arm")]
    for child in children:
        yard.registry.put(yard.repository, child.digest, child)
    index = make_index({Platform("linux/amd64"): children[0], Platform("linux/arm64"): children[1]})
    yard.registry.put(yard.repository, V1, index)
    empty = yard.registry.upload(yard.repository, b"{}")
    note = about(empty, 2, subject=children[0])
    yard.registry.put(yard.repository, note.digest, note)
    far = Repository(f"{yard.elsewhere(yard.repository)}/copied")

    done = copy_image(yard.registry, yard.repository, index.digest, far)
    again = copy_image(yard.registry, yard.repository, index.digest, far)

    assert (done.manifests, done.mounted, done.sent) == (4, 0, 5)
    assert again == Travelled()
    assert yard.registry.resolve(far, index.digest) == index.digest
    assert [each.digest for each in yard.registry.referrers(far, children[0].digest)] == [note.digest]


def test_a_blob_is_taken_over_from_another_repository(yard: Yard) -> None:
    """mount brings it without its bytes, and says so; where it says no, it is not there."""
    source = Repository(f"{yard.repository}/parent")
    digest = yard.registry.upload(source, b"layer")

    assert yard.registry.mount(yard.repository, digest, source)
    assert yard.registry.blob(yard.repository, digest) == b"layer"
    assert not yard.registry.mount(yard.repository, ABSENT, source)
    assert yard.registry.blob(yard.repository, ABSENT) is None


def test_all_tags_are_listed(yard: Yard) -> None:
    """Every tag once; none for a repository that is not there."""
    manifest = yard.publish(V1, "one")
    yard.registry.put(yard.repository, STABLE, manifest)

    assert sorted(yard.registry.list_tags(yard.repository)) == [STABLE, V1]
    assert yard.registry.list_tags(Repository(f"{yard.repository}/nowhere")) == ()


def test_a_manifest_may_be_there_without_a_tag(yard: Yard) -> None:
    """Put by its digest it can be read by that, and adds no tag."""
    manifest = yard.upload(make_image("child"))

    yard.registry.put(yard.repository, manifest.digest, manifest)

    assert yard.registry.manifest(yard.repository, manifest.digest) == manifest
    assert yard.registry.list_tags(yard.repository) == ()


def test_a_deleted_manifest_takes_its_tags_along(yard: Yard) -> None:
    """delete leaves neither it nor a tag of it, and others alone; deleting what is not there is no fault."""
    one, two = yard.publish(V1, "one"), yard.publish(V2, "two")
    yard.registry.put(yard.repository, STABLE, one)

    assert yard.registry.delete(yard.repository, one.digest)
    assert yard.registry.delete(yard.repository, one.digest)

    assert [yard.registry.resolve(yard.repository, tag) for tag in (V1, STABLE, V2)] == [None, None, two.digest]
    assert yard.registry.manifest(yard.repository, one.digest) is None


def test_what_refers_to_an_image_is_listed(yard: Yard) -> None:
    """Each with its type and facts, whatever tag it has; nothing for another image, or of another type."""
    image, other = yard.publish(V1, "one"), yard.publish(V2, "two")
    empty = yard.registry.upload(yard.repository, b"{}")
    made = [about(empty, 2, image, kind=f"application/vnd.example.{kind}") for kind in ("sbom", "test")]
    for each in made:
        yard.registry.put(yard.repository, each.digest, each)

    found = yard.registry.referrers(yard.repository, image.digest)
    assert {each.digest for each in found} == {each.digest for each in made}
    (test,) = yard.registry.referrers(yard.repository, image.digest, "application/vnd.example.test")
    assert (test.digest, test.size, test.annotations) == (made[1].digest, len(made[1].body), {"number": "7"})
    assert yard.registry.referrers(yard.repository, other.digest) == ()


def test_writers_of_referrers_at_once_lose_none(yard: Yard) -> None:
    """Four threads write about one image at the same time: all are listed."""
    image = yard.publish(V1, "one")
    empty = yard.registry.upload(yard.repository, b"{}")
    made = [about(empty, 2, image, kind=f"application/vnd.example.{number}") for number in range(4)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: yard.registry.put(yard.repository, each.digest, each), made))

    found = yard.registry.referrers(yard.repository, image.digest)
    assert {each.digest for each in found} == {each.digest for each in made}


def test_repositories_share_no_tags(yard: Yard) -> None:
    """A tag of one repository means nothing in another."""
    yard.publish(V1, "one")

    assert yard.registry.resolve(Repository(f"{yard.repository}-2"), V1) is None


def test_a_fault_that_passes_is_asked_again(yard: Yard) -> None:
    """Three 503s in a row, reading or writing: the answer comes all the same, and each is counted and told."""
    manifest = yard.publish(V1, "one")
    told: list[str] = []
    with counted(Retries(told.append)) as retries:
        yard.be_busy(3)
        assert yard.registry.resolve(yard.repository, V1) == manifest.digest
        yard.be_busy(1)
        yard.registry.put(yard.repository, V2, manifest)

    assert retries.count == len(told) == 4
    assert all("answers 503" in words for words in told)
    assert yard.registry.resolve(yard.repository, V2) == manifest.digest


def test_a_fault_that_stays_is_told(yard: Yard) -> None:
    """After four attempts the refusal comes with its status; the next request is a new one."""
    manifest = yard.publish(V1, "one")
    with counted(Retries()) as retries:
        yard.be_busy(4)
        with pytest.raises(RegistryRefused) as caught:
            yard.registry.resolve(yard.repository, V1)

    assert (caught.value.status, retries.count) == (503, 3)
    assert yard.registry.resolve(yard.repository, V1) == manifest.digest


def test_many_threads_may_call(yard: Yard) -> None:
    """Eight threads put and resolve at once, each its own tag."""
    manifest = yard.publish(STABLE, "one")

    def work(number: int) -> Digest | None:
        yard.registry.put(yard.repository, Tag(f"t{number}"), manifest)
        return yard.registry.resolve(yard.repository, Tag(f"t{number}"))

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(8))) == {manifest.digest}


def test_who_may_write_is_not_refused(yard: Yard) -> None:
    """It is asked without anything being written: there is no such repository afterwards, nor a tag more."""
    yard.registry.refuse_reader(yard.repository)

    assert yard.registry.list_tags(yard.repository) == ()


def test_what_is_not_read_back_is_put_all_the_same(yard: Yard) -> None:
    """For whoever looks at all of it at the end."""
    manifest = yard.publish(V1, "one")
    yard.registry.put(yard.repository, STABLE, manifest, is_read_back=False)

    assert yard.registry.resolve(yard.repository, STABLE) == manifest.digest
