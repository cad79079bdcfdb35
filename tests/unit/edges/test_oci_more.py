# SPDX-License-Identifier: MIT
"""What else a registry can: bring and mount blobs, list tags and referrers, and say that it has had enough."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from stackyard.edges.credentials import Credential
from stackyard.edges.oci_lists import fallback_tag
from stackyard.edges.registry import OCI_INDEX, OCI_MANIFEST, Manifest
from stackyard.errors import DigestMismatch, RegistryProblem, RegistryRefused
from stackyard.model import canonical
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import Repository
from stackyard.testing.registry import sha256
from tests.unit.edges.servers import MANIFEST, Answer, Asked, Connect, Server, World, error, found

DATA = b"facts"
DIGEST = sha256(DATA)


def listed(*names: str, **headers: str) -> Answer:
    """A page of tags."""
    return Answer(200, headers, json.dumps({"name": "acme/lab", "tags": list(names)}).encode())


def about(subject: Digest) -> Manifest:
    """An artifact about an image."""
    body = canonical.encode(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": "application/vnd.example.sbom",
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": sha256(b"{}"), "size": 2},
            "subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 7},
        }
    )
    return Manifest(sha256(body), OCI_MANIFEST, body)


class TestBringing:
    def test_what_is_there_is_not_brought(self, server: Server, connect: Connect) -> None:
        """One HEAD, and no byte travels."""
        server.answers(Answer(200, {}))

        assert connect().upload(server.repository, DATA) == DIGEST
        assert server.methods == ["HEAD"]

    @pytest.mark.parametrize(
        "place",
        ["/v2/acme/lab/blobs/uploads/7?state=x", "http://{host}/v2/acme/lab/blobs/uploads/7?state=x"],
        ids=["relative", "absolute"],
    )
    def test_bytes_go_where_the_registry_says(self, server: Server, connect: Connect, place: str) -> None:
        """POST begins, PUT brings the bytes to the address in Location, with their digest behind its parameters."""
        server.answers(Answer(404, {}), Answer(202, {"Location": place.format(host=server.host)}), Answer(201, {}))

        connect().upload(server.repository, DATA)

        put = server.asked[-1]
        assert server.methods == ["HEAD", "POST", "PUT"]
        assert (put.path, put.body) == (f"/v2/acme/lab/blobs/uploads/7?state=x&digest={DIGEST}", DATA)

    def test_an_upload_that_was_forgotten_is_begun_again(self, server: Server, connect: Connect) -> None:
        """Once; then the refusal is told."""
        begun, gone = Answer(202, {"Location": "/up"}), error(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
        server.answers(Answer(404, {}), begun, gone, begun, Answer(201, {}), Answer(404, {}), begun, gone, begun, gone)

        assert connect().upload(server.repository, DATA) == DIGEST
        with pytest.raises(RegistryRefused, match="BLOB_UPLOAD_UNKNOWN"):
            connect().upload(server.repository, DATA)

    def test_an_upload_without_a_place(self, server: Server, connect: Connect) -> None:
        """A registry that says yes and not where is a sentence."""
        server.answers(Answer(404, {}), Answer(202, {}))

        with pytest.raises(RegistryProblem, match="does not say where"):
            connect().upload(server.repository, DATA)

    def test_a_repository_that_must_be_made_first(self, server: Server, connect: Connect) -> None:
        """As ECR says it: the hint names what to create."""
        server.answers(Answer(404, {}), error(404, "NAME_UNKNOWN", "no such repository"))

        with pytest.raises(RegistryRefused) as caught:
            connect().upload(server.repository, DATA)
        assert caught.value.hint == f"create the repository acme/lab at {server.host} first"


class TestMounting:
    def test_a_mount_names_its_source_and_is_let_into_both(self, server: Server, connect: Connect) -> None:
        """One POST; the token is asked for both repositories at once, to write here and to read there."""
        asks = f'Bearer realm="http://{server.host}/token",service="s",scope="repository:acme/lab:pull,push"'
        tokens: list[Asked] = []

        def script(asked: Asked) -> Answer:
            if asked.path.startswith("/token"):
                tokens.append(asked)
                return Answer(200, {}, b'{"token":"t"}')
            if not asked.headers.get("Authorization"):
                return error(401, WWW_Authenticate=asks)
            return Answer(201, {})

        server.script = script
        assert connect().mount(server.repository, DIGEST, Repository(f"{server.host}/acme/parent"))

        assert server.asked[-1].path == f"/v2/acme/lab/blobs/uploads/?mount={DIGEST}&from=acme/parent"
        assert tokens[0].query["scope"] == ["repository:acme/lab:pull,push", "repository:acme/parent:pull"]

    def test_a_registry_that_wants_the_bytes(self, server: Server, connect: Connect) -> None:
        """A 202 begins an upload instead: it is called off, and the answer is no."""
        server.answers(Answer(202, {"Location": "/v2/acme/lab/blobs/uploads/7?state=x"}), Answer(204, {}))

        assert not connect().mount(server.repository, DIGEST, Repository(f"{server.host}/acme/parent"))
        assert (server.methods, server.asked[-1].path) == (["POST", "DELETE"], "/v2/acme/lab/blobs/uploads/7?state=x")


class TestLists:
    def test_pages_are_followed(self, server: Server, connect: Connect) -> None:
        """Relative or whole, as Link gives them, until there is none; a null list is an empty one."""
        second = "/v2/acme/lab/tags/list?last=b&n=1000"
        server.answers(
            listed("a", "b", Link=f'<{second}>; rel="next"'),
            listed("c", Link=f"<http://{server.host}{second}2>; rel=next"),
            Answer(200, {}, b'{"name":"acme/lab","tags":null}'),
        )

        assert connect().list_tags(server.repository) == ("a", "b", "c")
        assert [asked.path for asked in server.asked] == ["/v2/acme/lab/tags/list?n=1000", second, second + "2"]

    def test_a_circle_is_left(self, server: Server, connect: Connect) -> None:
        """A registry whose next page is the page itself is asked once."""
        server.script = lambda asked: listed("a", Link=f'<{asked.path}>; rel="next"')

        assert connect().list_tags(server.repository) == ("a",)
        assert len(server.asked) <= 2

    def test_another_host_does_not_learn_who_we_are(self, server: Server, connect: Connect) -> None:
        """A page that lies elsewhere is asked for without the login."""
        seen: list[str | None] = []

        def script(asked: Asked) -> Answer:
            seen.append(asked.headers.get("Authorization"))
            if asked.headers.get("Host", "").startswith("localhost"):
                return listed("b")
            if seen[-1] is None:
                return error(401, WWW_Authenticate='Basic realm="r"')
            return listed("a", Link=f'<http://localhost:{server.server_port}/next>; rel="next"')

        server.script = script
        assert connect(Credential("ann", "secret")).list_tags(server.repository) == ("a", "b")
        assert seen[-1] is None
        assert seen[1] is not None

    @pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"tags": 7}'])
    def test_a_list_that_is_none(self, server: Server, connect: Connect, body: bytes) -> None:
        """A page of another kind is a sentence."""
        server.answers(Answer(200, {}, body))

        with pytest.raises(RegistryProblem, match="cannot be read"):
            connect().list_tags(server.repository)

    def test_a_refusal_keeps_its_words(self, server: Server, connect: Connect) -> None:
        """Listing may be forbidden where reading is not."""
        server.answers(error(403, "DENIED", "no listing"))

        with pytest.raises(RegistryRefused, match=r"list the tags of .*acme/lab: 403 DENIED: no listing"):
            connect().list_tags(server.repository)


class TestReferrers:
    def test_a_list_is_asked_first(self, server: Server, connect: Connect) -> None:
        """One GET where the registry keeps one; it may leave the choice of a type to us."""
        made = about(MANIFEST.digest).descriptor
        body = canonical.encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [made]})
        server.script = lambda asked: Answer(200, {"Content-Type": OCI_INDEX}, body)
        registry = connect()

        assert registry.referrers(server.repository, MANIFEST.digest) == (made,)
        assert registry.referrers(server.repository, MANIFEST.digest, "application/vnd.other") == ()
        assert {asked.path for asked in server.asked} == {f"/v2/acme/lab/referrers/{MANIFEST.digest}"}

    def test_a_registry_that_lists_them_needs_no_tag(self, server: Server, connect: Connect) -> None:
        """It says so in its answer to the PUT, and nothing more is written."""
        made = about(MANIFEST.digest)
        server.answers(Answer(201, {"OCI-Subject": MANIFEST.digest}), found(made))

        connect().put(server.repository, made.digest, made)

        assert server.methods == ["PUT", "HEAD"]

    def test_without_a_list_there_is_a_tag(self, server: Server, connect: Connect) -> None:
        """An index under sha256-HEX; a second PUT of the same leaves it alone."""
        kept: dict[str, Manifest] = {}

        def script(asked: Asked) -> Answer:
            name = asked.path.rpartition("/")[2]
            if "/referrers/" in asked.path or (asked.method != "PUT" and name not in kept):
                return error(404)
            if asked.method == "PUT":
                kept[name] = Manifest(sha256(asked.body), asked.headers["Content-Type"], asked.body)
                return Answer(201, {})
            return found(kept[name])

        server.script = script
        made, registry = about(MANIFEST.digest), connect()
        registry.put(server.repository, made.digest, made)
        registry.put(server.repository, made.digest, made)

        tag = fallback_tag(MANIFEST.digest)
        assert tag == MANIFEST.digest.replace(":", "-")
        assert [asked.path for asked in server.asked if asked.method == "PUT"].count(
            f"/v2/acme/lab/manifests/{tag}"
        ) == 1
        (there,) = registry.referrers(server.repository, MANIFEST.digest)
        assert (there.digest, there.artifact_type) == (made.digest, "application/vnd.example.sbom")

    def test_a_digest_that_is_none_goes_into_no_address(self, server: Server, connect: Connect) -> None:
        """What a registry names is checked before it is asked for."""
        body = b'{"manifests":[{"mediaType":"m","digest":"../../other/manifests/x","size":1}]}'
        server.answers(Answer(200, {"Content-Type": OCI_INDEX}, body))

        with pytest.raises(RegistryProblem, match="cannot be read"):
            connect().referrers(server.repository, MANIFEST.digest)


class TestDeleting:
    @pytest.mark.parametrize(
        ("answer", "is_gone"),
        [
            (Answer(202, {}), True),
            (error(404), True),
            (error(405, "UNSUPPORTED"), False),
            (error(400, "UNSUPPORTED"), False),
        ],
    )
    def test_delete(self, server: Server, connect: Connect, answer: Answer, is_gone: bool) -> None:
        """One DELETE by digest; no where the registry deletes nothing."""
        server.answers(answer)

        assert connect().delete(server.repository, MANIFEST.digest) is is_gone
        assert server.asked[0].path == f"/v2/acme/lab/manifests/{MANIFEST.digest}"

    def test_a_refused_delete(self, server: Server, connect: Connect) -> None:
        """Rights that are missing are told."""
        server.answers(error(403, "DENIED", "not yours"))

        with pytest.raises(RegistryRefused, match=r"refused to delete .* 403 DENIED"):
            connect().delete(server.repository, MANIFEST.digest)


class TestLimits:
    def test_a_limit_that_is_used_up_is_waited_for(self, server: Server, connect: Connect, world: World) -> None:
        """RateLimit-Remaining: 0 with a reset: the next request comes after it, though nothing was refused."""
        server.answers(found(RateLimit_Remaining="0", RateLimit_Reset="7"), found(), found())
        registry = connect()

        for _ in range(3):
            registry.resolve(server.repository, Tag("stable"))

        assert world.slept == [7.0]

    def test_a_limit_without_a_reset_holds_nobody(self, server: Server, connect: Connect, world: World) -> None:
        """As Docker Hub says it, with a window of hours: the next answer tells whether there is anything left."""
        server.answers(found(RateLimit_Remaining="0;w=21600"), found())
        registry = connect()

        for _ in range(2):
            registry.resolve(server.repository, Tag("stable"))

        assert world.slept == []

    def test_one_thread_that_is_sent_away_holds_the_others(
        self, server: Server, connect: Connect, world: World
    ) -> None:
        """After a 429 with Retry-After no thread asks that host before its time."""
        server.answers(error(429, Retry_After="5"), *[found()] * 4)
        registry = connect()
        registry.resolve(server.repository, Tag("stable"))
        assert world.slept == [5.0]

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda _: registry.resolve(server.repository, Tag("stable")), range(3)))

        assert sum(world.slept) == 5.0

    def test_a_lie_about_a_digest_is_found(self, server: Server, connect: Connect) -> None:
        """Bytes of a blob that are not what was asked for are never given to anybody."""
        server.answers(Answer(200, {}, b"other"))

        with pytest.raises(DigestMismatch):
            connect().blob(server.repository, DIGEST)
