# SPDX-License-Identifier: MIT
"""Who we are to Amazon's private registries: a login that AWS gives to whoever its own credentials name.

In:     a registry's host; AWS's credential chain, as botocore walks it (environment, profile, SSO, role of the machine)
Out:    Credential; None for other hosts, without botocore, and where the chain is empty
Raises: RegistryProblem (AWS refuses, or cannot be reached)
Source: Amazon ECR, "GetAuthorizationToken": good for twelve hours; account and region stand in the host's name

botocore is an extra (`stackyard[ecr]`): only these users need its 14 MB.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

from stackyard.edges.credentials import Credential, CredentialSource
from stackyard.errors import RegistryProblem

_HOST = re.compile(
    r"(?P<account>[0-9]{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.(?:aws|amazonwebservices\.com\.cn))"
)
_USED = 0.9
"""The part of its lifetime after which a login is renewed."""

Ask = Callable[[str, str], tuple[str, float] | None]
"""From account and region to `user:password` in base64 and when that ends, in seconds since 1970; or None."""


def region_of(host: str) -> str | None:
    """The region of a private registry of Amazon's; None for any other host.

    >>> region_of("123456789012.dkr.ecr.eu-central-1.amazonaws.com")
    'eu-central-1'
    """
    match = _HOST.fullmatch(host)
    return match["region"] if match else None


class EcrCredentials:
    """Docker's stored logins first, and AWS's for its registries where there is none. Safe for threads."""

    def __init__(self, stored: CredentialSource, clock: Callable[[], float], ask: Ask | None = None) -> None:
        self._stored = stored
        self._clock = clock
        self._ask = ask or ask_aws
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[Credential, float]] = {}

    def __call__(self, host: str) -> Credential | None:
        """The login for a registry, or None."""
        match = _HOST.fullmatch(host)
        if match is None:
            return self._stored(host)
        with self._lock:
            credential, until = self._kept.get(host, (None, 0.0))
            if credential is None or self._clock() >= until:
                credential = self._stored(host) or self._fetch(host, match["account"], match["region"])
            return credential

    def _fetch(self, host: str, account: str, region: str) -> Credential | None:
        given = self._ask(account, region)
        if given is None:
            return None
        credential = _unpacked(given[0], host)
        now = self._clock()
        self._kept[host] = (credential, now + (given[1] - now) * _USED)
        return credential


def ask_aws(account: str, region: str) -> tuple[str, float] | None:
    """One request to AWS, by the process's own environment."""
    try:
        from botocore.exceptions import (  # type: ignore[import-untyped]
            BotoCoreError,
            ClientError,
            NoCredentialsError,
        )
        from botocore.session import Session  # type: ignore[import-untyped]
    except ImportError:
        return None
    try:
        client = Session().create_client("ecr", region_name=region)
        (data,) = client.get_authorization_token(registryIds=[account])["authorizationData"]
    except NoCredentialsError:
        return None
    except (BotoCoreError, ClientError, ValueError, KeyError) as error:
        words = " ".join(str(error).split())[:300]
        raise RegistryProblem(
            f"AWS gives no login for the registry of account {account} in {region}: {words}",
            hint="`aws sts get-caller-identity` shows who you are there; it needs the right ecr:GetAuthorizationToken",
            address=f"{account}.dkr.ecr.{region}.amazonaws.com",
        ) from None
    return data["authorizationToken"], data["expiresAt"].timestamp()


def _unpacked(token: str, host: str) -> Credential:
    import base64

    try:
        user, colon, secret = base64.b64decode(token, validate=True).decode().partition(":")
    except ValueError:
        colon = ""
    if not colon:
        raise RegistryProblem(f"AWS's login for {host} is not user:password in base64", address=host) from None
    return Credential(user, secret)
