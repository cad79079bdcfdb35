# SPDX-License-Identifier: MIT
"""The ways out to a host: proxies and certificates. What a failure is called is held in test_oci."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard.edges.wire import proxy_for, trust
from stackyard.errors import ConfigError
from tests.cases import each_of


@each_of(
    ("environ", "host", "proxy"),
    [
        ({}, "r.example", None),
        ({"HTTPS_PROXY": "http://p:1"}, "r.example", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "https_proxy": "q:2"}, "r.example", "http://q:2"),
        ({"ALL_PROXY": "http://p:1"}, "r.example:5000", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "r.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example, .example"}, "r.example:5000", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "r.example:5000"}, "r.example:5000", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "r.example:5000"}, "r.example", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "r.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example"}, "badexample", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, "127.0.0.9:5000", None),
        ({"HTTPS_PROXY": "http://p:1"}, "localhost:5000", None),
        ({"HTTPS_PROXY": "http://p:1"}, "[::1]:5000", None),
    ],
)
def test_who_needs_a_proxy(environ: dict[str, str], host: str, proxy: str | None) -> None:
    """TLS goes through the proxy unless NO_PROXY or this machine is meant; lower case wins."""
    assert proxy_for(host, environ) == proxy


def test_plain_http_has_a_proxy_of_its_own() -> None:
    """HTTP_PROXY is for plain HTTP as HTTPS_PROXY is for TLS, with the same exceptions."""
    environ = {"HTTP_PROXY": "http://p:1", "HTTPS_PROXY": "http://q:1", "NO_PROXY": ".lan"}
    assert proxy_for("files.example", environ, "http") == "http://p:1"
    assert proxy_for("files.lan", environ, "http") is None
    assert proxy_for("127.0.0.1:8000", environ, "http") is None


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_certificates_that_are_not_there(tmp_path: Path, name: str) -> None:
    """A certificate file that is missing or holds none is told with the variable that names it."""
    (tmp_path / "empty").write_text("")
    for path in (tmp_path / "absent", tmp_path / "empty"):
        with pytest.raises(ConfigError, match=f"^{name} names {path}"):
            trust({name: str(path)})
    assert trust({"REQUESTS_CA_BUNDLE": str(tmp_path)}).verify_mode.name == "CERT_REQUIRED"
    assert trust({}).check_hostname
