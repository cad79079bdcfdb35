# SPDX-License-Identifier: MIT
"""A dated archive of Debian packages that stands still: tiny suites, each with the times at which it changed."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import lzma
from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime

from stackyard.errors import WorldError
from tests.loopback import Handler, Loopback, served

PACKAGE = """Package: {name}
Version: {version}
Architecture: {architecture}
Maintainer: Nobody <nobody@example.org>
Filename: pool/main/{name}/{name}_{version}_{architecture}.deb
Size: 4
SHA256: {sha256}
Description: tiny
 of {name}

"""

SIGNED = ("20201211T120000Z", {"bookworm": {"curl": "7.88-1+deb12u1", "git": "1:2.39-1"}})
"""A state whose Release file a key signed, with its lists for amd64 as they are."""
KEYRING = base64.b64decode(
    "mDMEXgvhABYJKwYBBAHaRw8BAQdAegMvZObwHOp688IckVYNvDLMCywMeMx+/U/8VY6LQ/i0E2FyY2hpdmVAZXhhbXBsZS5vcmeI"
    "kAQTFggAOBYhBBBusWbJlWYTu5OUdEfU1tI+TJy2BQJeC+EAAhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJEEfU1tI+TJy2"
    "/X4BAIqHWYSO6/EDPTez9xuKqJOtvRPY+eIWgEYAawZgfdSxAQDKcBEoQRLgSNe1iFAAnA1QD3/ZTXgVRGkCVTCFGJEwBQ=="
)
"""That key."""
IN_RELEASE = b"""\
-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Suite: bookworm
Codename: bookworm
Date: Fri, 11 Dec 2020 12:00:00 UTC
Architectures: amd64
Components: main
SHA256:
 bb40818b130461fb83dbf69a3a15d9a7e1207669b82bd4d52c80daf9badb7bd2 508 main/binary-amd64/Packages
-----BEGIN PGP SIGNATURE-----

iIoEARYIADIWIQQQbrFmyZVmE7uTlHRH1NbSPkyctgUCX9NfQBQcYXJjaGl2ZUBl
eGFtcGxlLm9yZwAKCRBH1NbSPkyctivdAQDdYrYBjrKtnSDCJKLVHDESh2e5+rHC
5AuybgJpkj/8sQEArnKcuVAKoW66YYAw+xmJHWzLoacAoFKRARdT8ijX0g8=
=8tw2
-----END PGP SIGNATURE-----
"""
"""The file with its signature."""
OTHER_KEYRING = base64.b64decode(
    "mDMEXgvhABYJKwYBBAHaRw8BAQdAoElvSgh1mbQNfnMNbYSjqUH/WNCjc9ajbS/i4vj/5He0EW90aGVyQGV4YW1wbGUub3JniJAE"
    "ExYIADgWIQTGWbBRdtr7CJ9szYoBhr4iCFVcYAUCXgvhAAIbAwULCQgHAgYVCgkICwIEFgIDAQIeAQIXgAAKCRABhr4iCFVcYJhP"
    "AP4zuI5e9LUEReeuhbFVQrjcJaXKg+gt1WN82VBJJlEhxQEA/i6ZOzThnQGxfJvcPKUd1woDCW5jpSUCJwhnzw/LDAI="
)
"""A key that signed nothing."""


def hash_of(name: str, version: str) -> str:
    """What a package has for its SHA-256."""
    return hashlib.sha256(f"{name} {version}".encode()).hexdigest()


class TinyArchive:
    """States by their time; what is asked for at another time is that of the newest state before it."""

    def __init__(self, address: str = "http://archive.example/debian") -> None:
        self.address = address
        self.states: dict[str, dict[str, bytes]] = {}
        self.asked: list[str] = []

    def state(
        self,
        stamp: str,
        suites: dict[str, dict[str, str]],
        *,
        machines: tuple[str, ...] = ("amd64", "arm64"),
        more: str = "",
        ending: str = ".xz",
    ) -> None:
        """Add a state: suites with packages and their versions.

        Args:
            stamp: when it was made.
            more: further lines of the Release files.
        """
        files: dict[str, bytes] = {}
        made = format_datetime(datetime.fromisoformat(stamp)).replace("+0000", "UTC")
        for suite, packages in suites.items():
            release = f"Suite: {suite}\nCodename: {suite}\nDate: {made}\nArchitectures: {' '.join(machines)}\n"
            release += f"Components: main\n{more}SHA256:\n"
            for machine in machines:
                text = "".join(
                    PACKAGE.format(name=name, version=version, architecture=machine, sha256=hash_of(name, version))
                    for name, version in packages.items()
                ).encode()
                data = lzma.compress(text) if ending == ".xz" else gzip.compress(text) if ending else text
                path = f"main/binary-{machine}/Packages{ending}"
                files[f"dists/{suite}/{path}"] = data
                release += f" {hashlib.sha256(data).hexdigest()} {len(data)} {path}\n"
            files[f"dists/{suite}/Release"] = release.encode()
        self.states[stamp] = files

    @classmethod
    def signed_one(cls) -> TinyArchive:
        """The archive that KEYRING signed."""
        made = cls()
        made.state(*SIGNED, machines=("amd64",), ending="")
        made.states[SIGNED[0]]["dists/bookworm/InRelease"] = IN_RELEASE
        return made

    # As edges/debian_archive has it.

    def get(self, url: str, largest_bytes: int) -> bytes:
        """A file."""
        self.asked.append(url)
        found = self.found(url.removeprefix(f"{self.address}/"))
        if found is None:
            raise WorldError(f"there is nothing at {url}")
        assert len(found[1]) <= largest_bytes
        return found[1]

    def signed(self, data: bytes, keyring: bytes, what: str) -> bytes:
        """What stands behind the keyring."""
        if not data.startswith(keyring):
            raise WorldError(f"{what} is signed by no key of the keyring")
        return data.removeprefix(keyring)

    def verifier(self) -> str:
        """Who checks."""
        return "tiny 1"

    def close(self) -> None:
        """Nothing is open."""

    # On loopback.

    def found(self, path: str) -> tuple[str, bytes] | None:
        """The state that a path leads to, and the bytes there; None where there is nothing."""
        stamp, _, rest = path.strip("/").partition("/")
        before = [each for each in sorted(self.states) if each <= stamp]
        if not before or rest not in self.states[before[-1]]:
            return None
        return before[-1], self.states[before[-1]][rest]

    @contextlib.contextmanager
    def served(self) -> Iterator[str]:
        """Its address while it is there: a time leads on to that of a state."""
        archive = self

        class Asked(Handler):
            def answer(self) -> None:
                archive.asked.append(self.path)
                _, _, stamp, rest = [*self.path.split("/", 3), "", "", ""][:4]
                found = archive.found(f"{stamp}/{rest}")
                if found is None:
                    self.send(404)
                elif found[0] == stamp:
                    self.send(200, body=found[1])
                else:
                    self.send(301, {"Location": f"/debian/{found[0]}/{rest}"})

        with served(Loopback(Asked)) as server:
            yield f"http://{server.host}/debian"
