# SPDX-License-Identifier: MIT
"""The HTTP registry against a small server of our own: what it sends, and what it makes of each answer."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

import pytest

from stackyard.edges.auth import PLAIN_HTTP, basic, challenges, merged
from stackyard.edges.credentials import Credential
from stackyard.edges.oci import OciRegistry
from stackyard.edges.patience import Patience
from stackyard.edges.registry import MANIFEST_TYPES, OCI_MANIFEST
from stackyard.errors import ConfigError, DigestMismatch, RegistryProblem, RegistryRefused, RegistryUnreachable
from stackyard.model.names import Digest, Tag
from stackyard.model.reference import Repository
from stackyard.testing.registry import make_image, sha256
from tests.loopback import served
from tests.unit.edges.servers import MANIFEST, RESET, Answer, Asked, Connect, Server, World, error, found

OTHER = make_image("other").manifest
TAG = Tag("stable")
SECRET = "pa55:word"
ANN = Credential("ann", SECRET)


class TestReading:
    def test_a_resolve_is_one_head(self, server: Server, connect: Connect) -> None:
        """One HEAD, all four types in Accept, the digest from its header."""
        server.answers(found())

        assert connect().resolve(server.repository, TAG) == MANIFEST.digest
        (asked,) = server.asked
        assert (asked.method, asked.path) == ("HEAD", "/v2/acme/lab/manifests/stable")
        assert asked.headers["Accept"].split(", ") == list(MANIFEST_TYPES)
        assert "Authorization" not in asked.headers

    def test_a_schema1_registry_is_never_given_the_choice(self, server: Server, connect: Connect) -> None:
        """A registry that converts for clients which do not accept all types has no reason to convert for us."""
        old = Answer(200, {"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws"}, b"{}")
        server.script = lambda asked: found() if all(t in asked.headers["Accept"] for t in MANIFEST_TYPES) else old

        assert connect().manifest(server.repository, TAG) == MANIFEST
        assert connect().resolve(server.repository, TAG) == MANIFEST.digest

    def test_schema1_is_no_manifest(self, server: Server, connect: Connect) -> None:
        """An image that exists only in Docker's old format is told so, not taken under a digest that changes."""
        old = make_image("old").manifest
        answer = Answer(
            200,
            {
                "Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws",
                "Docker-Content-Digest": old.digest,
            },
            b'{"schemaVersion":1}',
        )
        server.script = lambda asked: answer
        for ask in (connect().resolve, connect().manifest):
            with pytest.raises(RegistryProblem, match=r"only as application/vnd\.docker\.distribution\.manifest\.v1"):
                ask(server.repository, TAG)

    def test_a_head_without_digest_falls_back_to_get(self, server: Server, connect: Connect) -> None:
        """Where the header is missing the bytes are fetched and hashed."""
        server.answers(Answer(200, {"Content-Type": OCI_MANIFEST}), Answer(200, found().headers, MANIFEST.body))
        assert connect().resolve(server.repository, TAG) == MANIFEST.digest

        server.answers(Answer(200, {"Content-Type": OCI_MANIFEST}), error(404))
        assert connect().resolve(server.repository, TAG) is None
        assert server.methods == ["HEAD", "GET", "HEAD", "GET"]

    def test_a_type_may_stand_in_the_bytes_alone(self, server: Server, connect: Connect) -> None:
        """A mirror that serves files as application/json is understood by the mediaType field."""
        server.answers(Answer(200, {"Content-Type": "application/json; charset=utf-8"}, MANIFEST.body))
        assert connect().manifest(server.repository, TAG) == MANIFEST

    @pytest.mark.parametrize("tag", [TAG, MANIFEST.digest])
    def test_bytes_that_are_not_their_digest(self, server: Server, connect: Connect, tag: Tag | Digest) -> None:
        """Bytes that hash to something else than header or request say are a DigestMismatch with both."""
        server.answers(Answer(200, found().headers, OTHER.body))
        with pytest.raises(DigestMismatch) as caught:
            connect().manifest(server.repository, tag)

        assert (caught.value.expected, caught.value.found) == (MANIFEST.digest, OTHER.digest)

    def test_another_manifest_than_asked_for(self, server: Server, connect: Connect) -> None:
        """Asked for a digest, a registry that answers with another image is found out, by HEAD too."""
        server.script = lambda asked: found(OTHER)
        for ask in (connect().manifest, connect().resolve):
            with pytest.raises(DigestMismatch) as caught:
                ask(server.repository, MANIFEST.digest)
            assert (caught.value.expected, caught.value.found) == (MANIFEST.digest, OTHER.digest)

    def test_a_refused_head_is_repeated_for_its_words(self, server: Server, connect: Connect) -> None:
        """HEAD has no body: a GET brings the registry's own words, or even the answer."""
        server.answers(error(403), error(403, "DENIED", "not for you"))
        with pytest.raises(RegistryRefused) as caught:
            connect().resolve(server.repository, TAG)
        assert (caught.value.status, caught.value.words) == (403, "DENIED: not for you")

        server.answers(error(405), found())
        assert connect().resolve(server.repository, TAG) == MANIFEST.digest


CONFIG = b'{"os": "linux"}'


class TestBlobs:
    def test_a_blob_is_one_get_and_verified(self, server: Server, connect: Connect) -> None:
        """Its bytes are what its digest says, or nobody gets them."""
        server.answers(Answer(200, {}, CONFIG), Answer(200, {}, b"something else"))
        digest = sha256(CONFIG)

        assert connect().blob(server.repository, digest) == CONFIG
        assert [(asked.method, asked.path) for asked in server.asked] == [("GET", f"/v2/acme/lab/blobs/{digest}")]
        with pytest.raises(DigestMismatch, match=r"the blob .* should be"):
            connect().blob(server.repository, digest)

    def test_a_blob_that_lies_elsewhere(self, server: Server, connect: Connect) -> None:
        """Registries keep blobs in a storage of another host: it is followed, and gets no login."""
        with served(Server()) as storage:
            storage.script = lambda _: Answer(200, {}, CONFIG)
            place = f"http://localhost:{storage.server_port}/there"
            server.script = lambda asked: (
                Answer(307, {"Location": place})
                if asked.headers.get("Authorization")
                else error(401, WWW_Authenticate='Basic realm="lab"')
            )
            found = connect(ANN).blob(server.repository, sha256(CONFIG))

        assert found == CONFIG
        assert [asked.headers.get("Authorization") for asked in storage.asked] == [None]

    def test_a_blob_that_is_not_there_or_refused(self, server: Server, connect: Connect) -> None:
        """Nothing, or the registry's words."""
        server.answers(error(404, "BLOB_UNKNOWN"), error(403, "DENIED", "not yours"))

        assert connect().blob(server.repository, sha256(CONFIG)) is None
        with pytest.raises(RegistryRefused, match="not yours"):
            connect().blob(server.repository, sha256(CONFIG))


class TestWriting:
    def test_put_sends_the_bytes_and_reads_back(self, server: Server, connect: Connect) -> None:
        """The exact bytes with their type, then a HEAD of the tag."""
        server.answers(Answer(201, {}), found())
        connect().put(server.repository, TAG, MANIFEST)

        put, head = server.asked
        assert (put.method, put.path, put.body) == ("PUT", "/v2/acme/lab/manifests/stable", MANIFEST.body)
        assert put.headers["Content-Type"] == OCI_MANIFEST
        assert (head.method, head.path) == ("HEAD", "/v2/acme/lab/manifests/stable")

    @pytest.mark.parametrize(("after", "is_at"), [(found(OTHER), OTHER.digest), (error(404), None)])
    def test_put_that_reads_back_wrong(
        self, server: Server, connect: Connect, after: Answer, is_at: Digest | None
    ) -> None:
        """A registry that says yes and did something else is found out, with both digests."""
        server.answers(Answer(201, {}), after)
        with pytest.raises(DigestMismatch) as caught:
            connect().put(server.repository, TAG, MANIFEST)

        assert (caught.value.expected, caught.value.found) == (MANIFEST.digest, is_at)

    @pytest.mark.parametrize(
        ("answer", "hint"),
        [
            (error(404, "NAME_UNKNOWN", "no such repository"), "create the repository acme/lab at {host} first"),
            (error(400, "MANIFEST_BLOB_UNKNOWN", "x"), "push the image's layers to this repository first"),
            (error(409, "TAG_IMMUTABLE", "x"), "the registry holds this tag fast (immutable tags); "),
            (error(403, "DENIED", "x"), "log in first: docker login {host}"),
            (error(413, "SIZE_INVALID", "x"), ""),
        ],
    )
    def test_a_refused_put_says_what_to_do(self, server: Server, connect: Connect, answer: Answer, hint: str) -> None:
        """Status and the registry's words stand in the sentence, the next step in the hint."""
        server.script = lambda _: answer
        with pytest.raises(RegistryRefused) as caught:
            connect().put(server.repository, TAG, MANIFEST)

        code = json.loads(answer.body)["errors"][0]["code"]
        sentence = f"registry {server.host} refused to write {server.repository}:stable: {answer.status} {code}: "
        assert str(caught.value).startswith(sentence)
        assert (caught.value.hint or "").startswith(hint.format(host=server.host))

    @pytest.mark.parametrize(
        ("answers", "is_gone"),
        [
            ([error(202)], True),
            ([error(400, "UNSUPPORTED")], False),
            ([error(405)], False),
            ([error(404), error(404)], True),
            ([error(404), found()], False),
        ],
    )
    def test_untag(self, server: Server, connect: Connect, answers: list[Answer], is_gone: bool) -> None:
        """A tag is deleted by name; 400 and 405 say that the registry deletes none, a 404 is looked into."""
        server.answers(*answers)

        assert connect().untag(server.repository, TAG) is is_gone
        assert server.asked[0].path == "/v2/acme/lab/manifests/stable"

    def test_untag_never_deletes_by_digest(self, server: Server, connect: Connect) -> None:
        """A digest is refused before anything is sent: deleting one takes all its tags along."""
        with pytest.raises(ConfigError):
            connect().untag(server.repository, MANIFEST.digest)  # type: ignore[arg-type]
        assert server.asked == []

    def test_untag_refused(self, server: Server, connect: Connect) -> None:
        """Having no right to delete is an error, not `deletes no tags`."""
        server.answers(error(403, "DENIED", "no"))
        with pytest.raises(RegistryRefused):
            connect(ANN).untag(server.repository, TAG)


class TestPatience:
    def test_retry_after_is_waited_for(self, server: Server, connect: Connect, world: World) -> None:
        """429 waits as long as the registry asks, given as seconds or as a date."""
        date = "Mon, 12 Jan 1970 13:47:00 GMT"  # 1 000 020 s; the clock is at 1 000 007 by then
        server.answers(error(429, Retry_After="7"), error(503, Retry_After=date), found())

        assert connect().resolve(server.repository, TAG) == MANIFEST.digest
        assert world.slept == [7.0, 13.0]

    def test_a_long_pause_is_not_waited_for(self, server: Server, connect: Connect, world: World) -> None:
        """A pause of hours is told, with how long, and not slept through."""
        server.answers(error(429, "TOOMANYREQUESTS", "limit reached", Retry_After="20000"))
        with pytest.raises(RegistryRefused, match="429 TOOMANYREQUESTS: limit reached") as caught:
            connect().manifest(server.repository, TAG)

        assert "20000" in str(caught.value.hint)
        assert world.slept == []

    def test_a_fault_that_passes(self, server: Server, connect: Connect, world: World) -> None:
        """A 500, a reset, a 502: asked again, each time after twice the pause."""
        server.answers(error(500), RESET, error(502), found())

        assert connect().resolve(server.repository, TAG) == MANIFEST.digest
        assert world.slept == [0.5, 1.0, 2.0]

    def test_a_fault_that_stays(self, server: Server, connect: Connect) -> None:
        """After four attempts a fault is told as it is, and no GET follows the HEAD."""
        server.script = lambda asked: error(503)
        with pytest.raises(RegistryRefused, match="503 Service Unavailable") as caught:
            connect().resolve(server.repository, TAG)

        assert caught.value.status == 503
        assert server.methods == ["HEAD"] * 4

    def test_a_put_survives_a_reset(self, server: Server, connect: Connect) -> None:
        """A put whose answer got lost is put again: the same bytes under the same tag."""
        server.answers(RESET, Answer(201, {}), found())
        connect().put(server.repository, TAG, MANIFEST)

        assert server.methods == ["PUT", "PUT", "HEAD"]

    def test_a_put_waits_for_a_blob_that_somebody_else_brings(self, server: Server, connect: Connect) -> None:
        """Distribution's registry has it for nobody while its file is written again; what stays missing is told."""
        missing = Answer(400, {}, b'{"errors":[{"code":"DIGEST_INVALID"},{"code":"MANIFEST_BLOB_UNKNOWN"}]}')
        server.answers(missing, missing, Answer(201, {}), found())
        connect().put(server.repository, TAG, MANIFEST)
        assert server.methods == ["PUT", "PUT", "PUT", "HEAD"]

        server.script = lambda _: missing
        with pytest.raises(RegistryRefused, match="MANIFEST_BLOB_UNKNOWN"):
            connect().put(server.repository, TAG, MANIFEST)
        assert server.methods[4:] == ["PUT"] * 4

    def test_only_resets(self, server: Server, connect: Connect) -> None:
        """A registry that hangs up each time is unreachable."""
        server.script = lambda asked: RESET
        with pytest.raises(RegistryUnreachable) as caught:
            connect().resolve(server.repository, TAG)

        sentence = f"cannot reach registry {server.host}: it closes the connection without an answer"
        assert (str(caught.value), caught.value.address) == (sentence, server.host)
        assert len(server.asked) == 4

    def test_a_body_that_breaks_off(self, server: Server, connect: Connect) -> None:
        """A manifest of which half arrives is asked for again."""
        half = found(Content_Length=str(len(MANIFEST.body) * 2), Connection="close")
        server.answers(half, found())

        assert connect().manifest(server.repository, TAG) == MANIFEST

    def test_nobody_listens(self, server: Server, connect: Connect, world: World) -> None:
        """A refused connection is told at once, in one sentence with a hint."""
        repository = Repository("127.0.0.1:1/acme/lab")  # one of a server that ended may be another's by now
        with pytest.raises(RegistryUnreachable) as caught:
            connect().resolve(repository, TAG)

        assert str(caught.value) == f"cannot reach registry {repository.host}: Connection refused"
        assert caught.value.hint
        assert world.slept == []

    def test_a_silent_registry(self, server: Server) -> None:
        """A registry that does not answer in time is told so, with the time."""
        done = threading.Event()
        server.script = lambda asked: found() if done.wait(60) else RESET
        registry = OciRegistry({}, credentials=lambda host: None, patience=Patience(read_timeout_s=0.05))
        with pytest.raises(RegistryUnreachable, match=r"no answer within 0\.05 s"):
            registry.resolve(server.repository, TAG)
        done.set()
        registry.close()


class TokenService:
    """A registry that asks for bearer tokens, and the service that gives them."""

    def __init__(self, server: Server, lifetime_s: float | None = 300) -> None:
        self.server = server
        self.lifetime_s = lifetime_s
        self.given: list[str] = []
        self.wants = "repository:acme/lab:pull"
        self.is_good: Callable[[Asked], bool] = lambda asked: True
        server.script = self.answer

    @property
    def token_requests(self) -> list[Asked]:
        return [asked for asked in self.server.asked if asked.path.startswith("/token")]

    def answer(self, asked: Asked) -> Answer:
        if asked.path.startswith("/token"):
            if not self.is_good(asked):
                return Answer(401, {}, b'{"details":"incorrect username or password"}')
            self.given.append(f"token-{len(self.given)}")
            lifetime = {} if self.lifetime_s is None else {"expires_in": self.lifetime_s}
            key = "access_token" if asked.method == "POST" else "token"
            return Answer(200, {}, json.dumps({key: self.given[-1], **lifetime}).encode())
        if self.given and asked.headers.get("Authorization") == f"Bearer {self.given[-1]}":
            return found() if asked.method != "PUT" else Answer(201, {})
        asks = (
            f'Bearer realm="http://{self.server.host}/token",service="a \\"registry\\", of ours",scope="{self.wants}"'
        )
        return error(401, "UNAUTHORIZED", "authentication required", WWW_Authenticate=asks)


class TestTokens:
    def test_anonymous(self, server: Server, connect: Connect) -> None:
        """Nobody gets a token for a public repository: service and scope in the query, quotes undone."""
        service = TokenService(server)

        assert connect().resolve(server.repository, TAG) == MANIFEST.digest
        (asked,) = service.token_requests
        assert asked.query == {"service": ['a "registry", of ours'], "scope": ["repository:acme/lab:pull"]}
        assert "Authorization" not in asked.headers

    def test_with_a_login(self, server: Server, connect: Connect) -> None:
        """The login goes to the token service as Basic, and to the registry never."""
        service = TokenService(server)
        basic = f"Basic {base64.b64encode(f'ann:{SECRET}'.encode()).decode()}"

        assert connect(ANN).resolve(server.repository, TAG) == MANIFEST.digest
        assert [asked.headers.get("Authorization") for asked in server.asked] == [None, basic, "Bearer token-0"]
        assert service.token_requests[0].method == "GET"

    def test_with_an_identity_token(self, server: Server, connect: Connect) -> None:
        """An identity token is traded in by POST, in the body."""
        service = TokenService(server)
        who = Credential("<token>", SECRET, is_identity_token=True)

        assert connect(who).resolve(server.repository, TAG) == MANIFEST.digest
        (asked,) = service.token_requests
        assert (asked.method, asked.path) == ("POST", "/token")
        assert parse_qs(asked.body.decode()) == {
            "grant_type": ["refresh_token"],
            "service": ['a "registry", of ours'],
            "client_id": ["stackyard"],
            "scope": ["repository:acme/lab:pull"],
            "refresh_token": [SECRET],
        }

    def test_a_push_asks_for_what_it_needs(self, server: Server, connect: Connect) -> None:
        """Where a registry's challenge names only pull, the token for a push is still asked for push."""
        service = TokenService(server)
        connect(ANN).put(server.repository, TAG, MANIFEST)

        scopes = [asked.query["scope"] for asked in service.token_requests]
        assert scopes == [["repository:acme/lab:pull,push"], ["repository:acme/lab:pull"]]

    @pytest.mark.parametrize(("lifetime_s", "good_for_s"), [(300, 260), (None, 50)])
    def test_a_token_is_used_until_shortly_before_its_end(
        self, server: Server, connect: Connect, world: World, lifetime_s: float | None, good_for_s: float
    ) -> None:
        """One token for all requests of a scope; a new one before it expires, after a minute if nothing is said."""
        service = TokenService(server, lifetime_s)
        registry = connect(ANN)
        registry.resolve(server.repository, TAG)
        world.now += good_for_s
        registry.manifest(server.repository, TAG)
        assert service.given == ["token-0"]

        world.now += 15 if lifetime_s is not None else 5
        registry.resolve(server.repository, TAG)
        assert service.given == ["token-0", "token-1"]
        assert len(server.asked) == 3 + 1 + 2  # no second 401

    def test_another_repository_needs_no_second_challenge(self, server: Server, connect: Connect) -> None:
        """Once a host has said where tokens are, the token for the next repository is fetched right away."""
        service = TokenService(server)
        registry = connect(ANN)
        registry.resolve(server.repository, TAG)
        registry.resolve(Repository(f"{server.host}/acme/other"), TAG)

        assert [asked.path.partition("?")[0] for asked in server.asked[3:]] == [
            "/token",
            "/v2/acme/other/manifests/stable",
        ]
        assert "repository:acme/other:pull" in service.token_requests[1].query["scope"]

    def test_a_token_that_was_taken_back(self, server: Server, connect: Connect) -> None:
        """A 401 to a token from the cache leads to a new token, once."""
        service = TokenService(server)
        registry = connect(ANN)
        registry.resolve(server.repository, TAG)
        service.given.append("revoked")

        assert registry.resolve(server.repository, TAG) == MANIFEST.digest
        assert len(service.token_requests) == 2

    def test_threads_share_one_token(self, server: Server, connect: Connect) -> None:
        """Eight threads that meet the same challenge cause one token request."""
        service = TokenService(server)
        registry = connect(ANN)
        with ThreadPoolExecutor(8) as pool:
            found = set(pool.map(lambda _: registry.resolve(server.repository, TAG), range(8)))

        assert found == {MANIFEST.digest}
        assert len(service.token_requests) == 1

    def test_a_wrong_password(self, server: Server, connect: Connect) -> None:
        """The token service's own words, its status, and how to log in; never the password."""
        TokenService(server).is_good = lambda asked: False
        with pytest.raises(RegistryRefused) as caught:
            connect(ANN).resolve(server.repository, TAG)

        told = f"{caught.value} {caught.value.hint} {caught.value.facts}"
        assert "401 incorrect username or password" in str(caught.value)
        assert str(caught.value.hint).endswith(f"docker login {server.host}")
        assert SECRET not in told
        assert base64.b64encode(SECRET.encode()).decode() not in told

    @pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"token":""}', b'{"token":"a b"}', b'{"token":5}'])
    def test_an_answer_without_a_token(self, server: Server, connect: Connect, body: bytes) -> None:
        """A token service that says yes and gives nothing usable is one clear sentence."""
        service = TokenService(server)
        server.script = lambda asked: Answer(200, {}, body) if "/token" in asked.path else service.answer(asked)
        with pytest.raises(RegistryProblem, match="answered without a token"):
            connect().resolve(server.repository, TAG)

    @pytest.mark.parametrize("realm", ["http://auth.example/token", "", "/token", "file:///etc/passwd"])
    def test_a_login_is_not_sent_anywhere(self, server: Server, connect: Connect, realm: str) -> None:
        """A realm without TLS, or that is no address, gets no password and no request."""
        server.script = lambda asked: error(401, WWW_Authenticate=f'Bearer realm="{realm}"')
        with pytest.raises(RegistryProblem):
            connect(ANN).resolve(server.repository, TAG)
        assert len(server.asked) == 1

    def test_a_secret_follows_no_redirect(self, server: Server, connect: Connect) -> None:
        """An identity token stays with the service it was sent to."""
        service = TokenService(server)
        elsewhere = Answer(307, {"Location": f"http://{server.host}/elsewhere"})
        server.script = lambda asked: elsewhere if "/token" in asked.path else service.answer(asked)
        with pytest.raises(RegistryRefused, match="307"):
            connect(Credential("", SECRET, is_identity_token=True)).resolve(server.repository, TAG)
        assert server.methods == ["HEAD", "POST"]


class TestBasic:
    def basic(self, asked: Asked) -> Answer:
        expected = f"Basic {base64.b64encode(f'ann:{SECRET}'.encode()).decode()}"
        if asked.headers.get("Authorization") == expected:
            return found()
        return error(401, "UNAUTHORIZED", "authentication required", WWW_Authenticate='Basic realm="r"')

    def test_a_login_is_sent_along(self, server: Server, connect: Connect) -> None:
        """After one 401 the login goes along with every request to this host."""
        server.script = self.basic
        registry = connect(ANN)

        assert registry.resolve(server.repository, TAG) == MANIFEST.digest
        assert registry.manifest(server.repository, TAG) == MANIFEST
        assert server.methods == ["HEAD", "HEAD", "GET"]

    @pytest.mark.parametrize(
        ("who", "hint"),
        [
            (None, "log in first: docker login {}"),
            (
                Credential("ann", "old"),
                "the stored login is wrong, or has no right to do this; log in with one that has: docker login {}",
            ),
        ],
    )
    def test_without_the_right_login(self, server: Server, connect: Connect, who: Credential | None, hint: str) -> None:
        """401 stays 401: the sentence has the registry's words, the hint says how to log in."""
        server.script = self.basic
        with pytest.raises(RegistryRefused) as caught:
            connect(who).manifest(server.repository, TAG)

        words = "401 UNAUTHORIZED: authentication required"
        assert str(caught.value) == f"registry {server.host} refused to read {server.repository}:stable: {words}"
        assert caught.value.hint == hint.format(server.host)
        assert len(server.asked) == (1 if who is None else 2)


class TestWords:
    @pytest.mark.parametrize(
        ("headers", "body", "words"),
        [
            ({}, b"", "Forbidden"),
            ({"Content-Type": "text/html"}, b"<html>no</html>", "Forbidden"),
            ({"Content-Type": "text/plain"}, b"go\n away\x1b[2J", "go away [2J"),
            ({}, b'{"errors":[{"code":"A","message":"b"},{"code":"C"},"d"]}', "A: b; C"),
            ({}, b'{"error":"x","error_description":"y"}', "x; y"),
            ({}, b'{"errors":"?"}', "Forbidden"),
            ({"Content-Type": "text/plain"}, b"x" * 5000, "x" * 300),
        ],
    )
    def test_words(self, server: Server, connect: Connect, headers: dict[str, str], body: bytes, words: str) -> None:
        """Whatever a registry says becomes one short printable line."""
        server.answers(Answer(403, headers, body))
        with pytest.raises(RegistryRefused) as caught:
            connect().manifest(server.repository, TAG)
        assert caught.value.words == words


class TestTheWayThere:
    def test_a_proxy_is_used_and_its_password_not_told(self, server: Server, connect: Connect) -> None:
        """TLS goes through the proxy of the environment, logged in there; its refusal hides the password."""
        server.script = lambda asked: error(403)
        registry = connect(None, {"HTTPS_PROXY": f"http://ann:pa55%21@{server.host}"})
        with pytest.raises(RegistryUnreachable, match=r"cannot reach registry r\.example: the proxy ") as caught:
            registry.resolve(Repository("r.example/lab"), TAG)

        (asked,) = server.asked
        assert (asked.method, asked.path) == ("CONNECT", "r.example:443")
        assert asked.headers["Proxy-Authorization"] == f"Basic {base64.b64encode(b'ann:pa55!').decode()}"
        assert "pa55" not in f"{caught.value} {caught.value.hint} {caught.value.facts}"

    @pytest.mark.parametrize(("host", "address"), [("docker.io", "registry-1.docker.io"), ("ghcr.io", "ghcr.io")])
    def test_hosts_have_addresses(self, server: Server, connect: Connect, host: str, address: str) -> None:
        """Docker Hub's registry has another name than its images."""
        registry = connect(None, {"https_proxy": server.host})
        with pytest.raises(RegistryUnreachable, match=f"cannot reach registry {host}: "):
            registry.resolve(Repository(f"{host}/library/debian"), TAG)
        assert server.asked[0].path == f"{address}:443"

    def test_a_registry_without_tls_is_asked_for_by_name(self, server: Server, connect: Connect) -> None:
        """Only what the environment names is spoken to without TLS on another machine; a login goes there, then.

        The proxy stands for that machine: a plain request comes to it with the whole address.
        """

        def lab(asked: Asked) -> Answer:
            if "/token?" in asked.path:
                return Answer(200, {}, b'{"token":"t"}')
            realm = 'Bearer realm="http://registry.lab:5000/token"'
            return found() if asked.headers.get("Authorization") == "Bearer t" else error(401, WWW_Authenticate=realm)

        server.script = lab
        environ = {"http_proxy": server.host, "https_proxy": server.host, PLAIN_HTTP: "other.lab, registry.lab:5000"}
        registry = connect(ANN, environ)
        assert registry.resolve(Repository("registry.lab:5000/acme/lab"), TAG) == MANIFEST.digest
        assert {asked.path.partition("/acme")[0].partition("?")[0] for asked in server.asked} == {
            "http://registry.lab:5000/v2",
            "http://registry.lab:5000/token",
        }
        assert [asked.headers["Authorization"] for asked in server.asked if "/token" in asked.path] == [basic(ANN)]

        server.asked.clear()
        with pytest.raises(RegistryUnreachable):
            registry.resolve(Repository("registry.lab/acme/lab"), TAG)
        assert {asked.method for asked in server.asked} == {"CONNECT"}
        server.script = lambda asked: error(401, WWW_Authenticate='Bearer realm="http://auth.lab/token"')
        with pytest.raises(RegistryProblem, match="without TLS") as caught:
            connect(ANN, environ).resolve(Repository("registry.lab:5000/acme/lab"), TAG)
        assert "STACKYARD_PLAIN_HTTP=auth.lab " in str(caught.value.hint)

    def test_a_proxy_of_an_unknown_kind(self, connect: Connect) -> None:
        """A proxy address that cannot be used is told as such."""
        with pytest.raises(RegistryUnreachable, match="its address, or that of the proxy, cannot be used"):
            connect(None, {"HTTPS_PROXY": "socks9://p:1"}).resolve(Repository("r.example/lab"), TAG)


def test_challenges_are_read_as_they_are_written() -> None:
    """Commas and escaped quotes in quoted texts, bare values, several schemes, odd spacing."""
    bearer, basic = challenges(
        'Bearer realm="https://a/t?x=1,2" , service=plain,Scope="a:b:c d:e:f\\"", basic REALM="r"'
    )

    assert (bearer.scheme, basic.scheme) == ("bearer", "basic")
    assert bearer.parameters == {"realm": "https://a/t?x=1,2", "service": "plain", "scope": 'a:b:c d:e:f"'}
    assert basic.parameters == {"realm": "r"}
    for nonsense in ("", ",,,", '"', "=", "Bearer realm=", 'realm="x"'):
        challenges(nonsense)


def test_scopes_of_one_repository_are_joined() -> None:
    """Actions are joined in the order they come; scopes without a resource stay as they are (public ECR)."""
    assert merged(["repository:h:5/a:pull", "repository:h:5/a:push,pull", "aws"]) == (
        "repository:h:5/a:pull,push",
        "aws",
    )


@pytest.mark.processes
def test_importing_is_cheap() -> None:
    """Whoever imports the module and never asks a registry pays for no HTTP library."""
    code = (
        "import sys, stackyard.edges.oci; "
        "print(sorted(m for m in ('urllib3', 'ssl', 'http.client') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_digests_may_be_sha512(server: Server, connect: Connect) -> None:
    """A digest is verified by its own algorithm."""
    import hashlib

    digest = Digest(f"sha512:{hashlib.sha512(MANIFEST.body).hexdigest()}")
    server.script = lambda asked: Answer(200, found().headers, MANIFEST.body)

    assert connect().resolve(server.repository, digest) == digest
    assert sha256(MANIFEST.body) == MANIFEST.digest
