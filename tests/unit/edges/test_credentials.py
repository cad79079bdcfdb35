# SPDX-License-Identifier: MIT
"""What docker login left behind, read as Docker reads it; secrets stay out of every text."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from stackyard.edges.credentials import HUB_KEY, Credential, DockerCredentials, run_helper
from stackyard.errors import FileProblem, RegistryProblem, StackyardError, ToolMissing

SECRET = "s3cr3t-pässword:with-colon"


class Helpers:
    """Credential helpers that answer from a dict, and count."""

    def __init__(self, answers: dict[tuple[str, str], tuple[int, str]]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []

    def __call__(self, program: str, key: str) -> tuple[int, str]:
        self.asked.append((program, key))
        return self.answers.get((program, key), (1, "credentials not found in native keychain\n"))


def answer(user: str, secret: str = SECRET) -> tuple[int, str]:
    """What a helper ends with when it knows a login."""
    return 0, json.dumps({"ServerURL": "ignored", "Username": user, "Secret": secret})


def packed(user: str, secret: str = SECRET) -> str:
    """A login as auths has it."""
    return base64.b64encode(f"{user}:{secret}".encode()).decode()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Where Docker's config of this test is."""
    return tmp_path / "config.json"


def logins(config: Path, content: object, helpers: Helpers | None = None) -> DockerCredentials:
    """Credentials from a config with this content."""
    config.write_text(content if isinstance(content, str) else json.dumps(content))
    return DockerCredentials({"DOCKER_CONFIG": str(config.parent)}, helpers or Helpers({}))


def test_no_config_is_nobody(tmp_path: Path) -> None:
    """Without a config.json, or with an empty one, we are nobody anywhere."""
    assert DockerCredentials({"DOCKER_CONFIG": str(tmp_path / "absent")})("ghcr.io") is None
    contents: list[object] = ["", "{}", {"auths": {}}, {"auths": {"ghcr.io": {}}}, {"auths": None, "credsStore": ""}]
    for content in contents:
        assert logins(tmp_path / "config.json", content)("ghcr.io") is None


def test_config_is_looked_for_where_docker_does(tmp_path: Path) -> None:
    """DOCKER_CONFIG names the folder; without it, it is .docker at home."""
    assert DockerCredentials({"DOCKER_CONFIG": "/x"}).path == Path("/x/config.json")
    assert DockerCredentials({"HOME": str(tmp_path)}).path == tmp_path / ".docker" / "config.json"


def test_a_stored_login(config: Path) -> None:
    """auths holds user:password in base64, and a password may hold colons and any letters."""
    credentials = logins(config, {"auths": {"ghcr.io": {"auth": packed("ann")}}})

    assert credentials("ghcr.io") == Credential("ann", SECRET)
    assert credentials("quay.io") is None


def test_keys_may_be_addresses(config: Path) -> None:
    """Old files name a registry by address; the host in it counts, with its port."""
    credentials = logins(config, {"auths": {"https://r.example:5000/v1/": {"username": "ann", "password": SECRET}}})

    assert credentials("r.example:5000") == Credential("ann", SECRET)
    assert credentials("r.example") is None


@pytest.mark.parametrize("key", [HUB_KEY, "docker.io", "index.docker.io", "https://index.docker.io/v1/access-token"])
def test_docker_hub_has_a_key_of_its_own(config: Path, key: str) -> None:
    """docker.io is found under each name that Docker Hub had."""
    assert logins(config, {"auths": {key: {"auth": packed("ann")}}})("docker.io") == Credential("ann", SECRET)


def test_an_identity_token_is_marked(config: Path) -> None:
    """An identity token, stored or from a helper, is known to be one."""
    stored = {"auths": {"a.azurecr.io": {"auth": packed("00000000", ""), "identitytoken": SECRET}}}
    assert logins(config, stored)("a.azurecr.io") == Credential("00000000", SECRET, is_identity_token=True)

    helpers = Helpers({("docker-credential-acr", "a.azurecr.io"): answer("<token>")})
    found = logins(config, {"credsStore": "acr"}, helpers)("a.azurecr.io")
    assert found == Credential("<token>", SECRET, is_identity_token=True)


def test_the_order_is_dockers(config: Path) -> None:
    """The host's own helper is asked before the store; what neither has is looked up in auths."""
    helpers = Helpers(
        {
            ("docker-credential-ecr-login", "1.dkr.example"): answer("AWS"),
            ("docker-credential-desktop", "ghcr.io"): answer("from-store"),
            ("docker-credential-desktop", HUB_KEY): answer("hub"),
        }
    )
    content = {
        "credHelpers": {"1.dkr.example": "ecr-login"},
        "credsStore": "desktop",
        "auths": {host: {"auth": packed("from-file")} for host in ("1.dkr.example", "ghcr.io", "quay.io")},
    }
    credentials = logins(config, content, helpers)

    users = [
        found.user for host in ("1.dkr.example", "ghcr.io", "docker.io", "quay.io") if (found := credentials(host))
    ]
    assert users == ["AWS", "from-store", "hub", "from-file"]
    assert credentials("nowhere.example") is None


def test_a_helper_is_asked_once_per_host(config: Path) -> None:
    """A helper is a process: its answer, even `nobody`, is kept."""
    helpers = Helpers({("docker-credential-x", "ghcr.io"): answer("ann")})
    credentials = logins(config, {"credsStore": "x"}, helpers)
    for host in ("ghcr.io", "quay.io", "ghcr.io", "quay.io"):
        credentials(host)

    assert helpers.asked == [("docker-credential-x", "ghcr.io"), ("docker-credential-x", "quay.io")]


def test_no_text_of_a_credential_has_the_secret(config: Path) -> None:
    """repr, str and rich's printing show the user and not the secret."""
    import io

    from rich.console import Console

    credentials = logins(config, {"auths": {"ghcr.io": {"auth": packed("ann")}}})
    found = credentials("ghcr.io")
    console = Console(file=io.StringIO(), record=True)
    console.print(found, [found])

    texts = repr(found) + str(found) + f"{found}" + console.export_text() + repr(credentials)
    assert "ann" in texts
    assert SECRET not in texts


@pytest.mark.parametrize(
    "content",
    [
        f'{{"auths": {{"ghcr.io": {{"auth": "{packed("ann")}"',
        "[]",
        {"auths": {"ghcr.io": {"auth": f"!{packed('ann')}!"}}},
        {"auths": {"ghcr.io": {"auth": base64.b64encode(b"no colon: no, there is none"[:8]).decode()}}},
        {"auths": {"ghcr.io": packed("ann")}},
        {"auths": [packed("ann")]},
        {"credHelpers": "desktop"},
    ],
    ids=["cut off", "a list", "no base64", "no colon", "a text", "auths is a list", "helpers is a text"],
)
def test_a_broken_config_is_one_sentence(config: Path, content: object) -> None:
    """The sentence names the file and quotes nothing of what it holds."""
    with pytest.raises(FileProblem) as caught:
        logins(config, content)("ghcr.io")

    assert str(caught.value).startswith(f"{config}: ")
    assert_quiet(caught.value)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ((1, "exec: gpg: not found\nmore"), "docker-credential-x ended with 1 (exec: gpg: not found) when asked for"),
        ((1, answer("ann")[1]), "docker-credential-x ended with 1 when asked for"),
        ((0, f"oops {SECRET}"), "docker-credential-x did not answer as a credential helper does when asked for"),
        ((0, ""), "docker-credential-x did not answer as a credential helper does when asked for"),
    ],
)
def test_a_failing_helper_is_one_sentence(config: Path, said: tuple[int, str], sentence: str) -> None:
    """The sentence names helper and host, with the helper's complaint unless that may hold an answer."""
    credentials = logins(config, {"credsStore": "x"}, Helpers({("docker-credential-x", "ghcr.io"): said}))
    with pytest.raises(RegistryProblem) as caught:
        credentials("ghcr.io")

    assert str(caught.value) == f"{sentence} the login for ghcr.io"
    assert_quiet(caught.value)


def assert_quiet(error: StackyardError) -> None:
    """No text of the error, and of what led to it, has a secret."""
    told = f"{error} {error.hint} {error.facts} {error.__cause__} "
    assert SECRET not in told
    assert packed("ann") not in told
    assert error.__suppress_context__ or error.__context__ is None


@pytest.mark.processes
def test_real_helpers_are_programs(tmp_path: Path) -> None:
    """A helper reads the registry from its standard input and answers on its standard output; a missing one is told."""
    helper = tmp_path / "docker-credential-echo"
    helper.write_text('#!/bin/sh\nread -r url\n[ "$1" = get ] && printf \'{"Username":"%s","Secret":"s"}\' "$url"\n')
    helper.chmod(0o755)
    assert run_helper(str(helper), "ghcr.io") == (0, '{"Username":"ghcr.io","Secret":"s"}')

    helper.write_text("#!/bin/sh\necho no keychain >&2\nexit 3\n")
    assert run_helper(str(helper), "ghcr.io") == (3, "no keychain\n")

    with pytest.raises(ToolMissing) as caught:
        run_helper("docker-credential-absent", "ghcr.io")
    assert caught.value.program == "docker-credential-absent"
