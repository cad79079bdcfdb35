# SPDX-License-Identifier: MIT
"""Logins for Amazon's registries: Docker's first, then AWS's, kept while they last."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackyard.edges.auth import login_hint
from stackyard.edges.credentials import Credential
from stackyard.edges.ecr import EcrCredentials, ask_aws, region_of
from stackyard.errors import RegistryProblem
from tests.cases import each_of
from tests.unit.edges.servers import Answer, Server

HOST = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
TOKEN = base64.b64encode(b"AWS:pa55").decode()
STORED = Credential("ann", "secret")


@each_of(
    ("host", "region"),
    [
        (HOST, "eu-central-1"),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("123456789012.dkr-ecr.us-west-2.on.aws", "us-west-2"),
        ("public.ecr.aws", None),
        ("ghcr.io", None),
        (f"{HOST}.example.org", None),
    ],
)
def test_the_region_stands_in_the_name(host: str, region: str | None) -> None:
    """For every form of a private registry's name, and for nobody else's."""
    assert region_of(host) == region


class Aws:
    """AWS that counts how often it is asked."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked: list[tuple[str, str]] = []
        self.token: str | None = TOKEN

    def ask(self, account: str, region: str) -> tuple[str, float] | None:
        self.asked.append((account, region))
        return (self.token, self.now + 100) if self.token else None

    def source(self, stored: Credential | None = None) -> EcrCredentials:
        return EcrCredentials(lambda host: stored, lambda: self.now, self.ask)


def test_a_login_is_kept_until_shortly_before_its_end() -> None:
    """Asked by account and region once, and again when nine tenths of its time are over."""
    aws = Aws()
    source = aws.source()

    assert [source(HOST), source(HOST)] == [Credential("AWS", "pa55")] * 2
    assert aws.asked == [("123456789012", "eu-central-1")]
    aws.now += 91
    source(HOST)
    assert len(aws.asked) == 2


def test_dockers_login_comes_first() -> None:
    """Who logged in by hand or has a helper is believed; other hosts are none of AWS's business."""
    aws = Aws()
    source = aws.source(STORED)

    assert source(HOST) == source("ghcr.io") == STORED
    assert aws.asked == []


def test_without_credentials_there_is_no_login() -> None:
    """And the hint says both ways to have one."""
    aws = Aws()
    aws.token = None

    assert aws.source()(HOST) is None
    hint = login_hint(HOST, None)
    assert "get-login-password --region eu-central-1 | docker login" in hint
    assert "stackyard[ecr]" in hint


@pytest.mark.parametrize("token", ["%%%", base64.b64encode(b"no colon").decode()])
def test_a_login_that_is_none(token: str) -> None:
    """A sentence, and what AWS said is not in it."""
    aws = Aws()
    aws.token = token

    with pytest.raises(RegistryProblem) as caught:
        aws.source()(HOST)
    assert token not in str(caught.value)


@pytest.fixture
def environment(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """AWS's own settings, with our server in AWS's place."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", f"http://{server.host}")
    return monkeypatch


class TestBotocore:
    """The real library, with a server of ours in AWS's place."""

    def test_a_token(self, server: Server, environment: pytest.MonkeyPatch) -> None:
        """One signed request for the account; what comes back is the token and its end."""
        environment.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "example")
        said = {"authorizationData": [{"authorizationToken": TOKEN, "expiresAt": 1790000000.0}]}
        server.answers(Answer(200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(said).encode()))

        assert ask_aws("123456789012", "eu-central-1") == (TOKEN, 1790000000.0)
        (asked,) = server.asked
        assert json.loads(asked.body) == {"registryIds": ["123456789012"]}
        assert "/eu-central-1/ecr/" in asked.headers["Authorization"]

    def test_no_credentials(self, server: Server, environment: pytest.MonkeyPatch) -> None:
        """An empty chain is no error: the registry may let anybody in."""
        assert ask_aws("123456789012", "eu-central-1") is None
        assert server.asked == []

    def test_aws_refuses(self, server: Server, environment: pytest.MonkeyPatch) -> None:
        """Its words are kept, and the right that is missing is named."""
        environment.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "example")
        body = json.dumps({"__type": "AccessDeniedException", "message": "not authorized"}).encode()
        server.answers(Answer(400, {"Content-Type": "application/x-amz-json-1.1"}, body))

        with pytest.raises(RegistryProblem, match="not authorized") as caught:
            ask_aws("123456789012", "eu-central-1")
        assert "ecr:GetAuthorizationToken" in str(caught.value.hint)
