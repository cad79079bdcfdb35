# SPDX-License-Identifier: MIT
"""A dated archive of Debian packages: its files over HTTP, and who signed them.

In:     addresses; a keyring
Out:    bytes
Raises: WorldError, one sentence of why there are none; ToolMissing where nobody can check signatures
Beside: lock/debian, which reads them; edges/wire (HTTP itself)
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from stackyard.edges.patience import Patience
from stackyard.edges.process import Processes, program_version
from stackyard.edges.wire import Wire
from stackyard.errors import ToolMissing, WorldError


class Archive(Protocol):
    """Where packages lie. Safe for threads."""

    def get(self, url: str, largest_bytes: int) -> bytes:
        """A file; WorldError where there is none, or where it is larger."""

    def signed(self, data: bytes, keyring: bytes, what: str) -> bytes:
        """The text in an InRelease file; WorldError where no key of the ring signed it."""

    def verifier(self) -> str:
        """Name and version of the program that checks signatures.

        Raises:
            ToolMissing: it is not there.
        """

    def close(self) -> None:
        """End what still runs, close connections."""


class _Bounded(io.BytesIO):
    """Takes so many bytes and no more."""

    def __init__(self, url: str, largest_bytes: int) -> None:
        super().__init__()
        self._url = url
        self._largest_bytes = largest_bytes

    def write(self, data: Any) -> int:
        written = super().write(data)
        if self.tell() > self._largest_bytes:
            hint = "is it an archive of Debian packages?"
            raise WorldError(f"{self._url} gives more than {self._largest_bytes:,} bytes", hint=hint)
        return written


class DebianArchive:
    """The real one, with `gpgv` for signatures."""

    def __init__(self, environ: Mapping[str, str], patience: Patience | None = None) -> None:
        self._wire = Wire(environ, patience or Patience(), _unreachable)
        self._processes = Processes(environ)
        self._verifier = ""

    def get(self, url: str, largest_bytes: int) -> bytes:
        """Redirects are followed: a dated archive leads from a time to the newest state before it."""
        host = url.partition("://")[2].partition("/")[0]
        found = _Bounded(url, largest_bytes)
        reply = self._wire.send(host, "GET", url, {"Accept-Encoding": "identity"}, into=found)
        if reply.status == 200:
            return found.getvalue()
        if reply.status in (404, 410):
            hint = "compare address, suite and components in `archive` with what the archive has; T may be before it"
            raise WorldError(f"there is nothing at {url}", hint=hint)
        raise WorldError(f"{url} answers {reply.status}", hint="ask again later, or name another archive")

    def signed(self, data: bytes, keyring: bytes, what: str) -> bytes:
        """What gpgv takes for the text, and with a keyring of its own: no key of whoever runs this counts."""
        self.verifier()
        with tempfile.TemporaryDirectory(prefix="stackyard-signed-") as folder:
            inside, ring, text = (str(Path(folder, name)) for name in ("InRelease", "keyring.gpg", "Release"))
            Path(inside).write_bytes(data)
            Path(ring).write_bytes(keyring)
            argv = ["gpgv", "--homedir", folder, "--status-fd", "1", "--keyring", ring, "--output", text, inside]
            said = self._processes.output(argv)[1]
            # An archive is signed with several keys, and gpgv fails where one of them is not in the ring.
            words = {line.split()[1] for line in said if line.startswith("[GNUPG:] ")}
            if "VALIDSIG" in words and not words & {"BADSIG", "REVKEYSIG"} and Path(text).is_file():
                return Path(text).read_bytes()
        hint = "`keyring` must have a key of the archive, in a file that gpgv reads: binary, not armoured"
        raise WorldError(f"{what} is signed by no key of the keyring", hint=hint)

    def verifier(self) -> str:
        """gpgv's."""
        if not self._verifier:
            found = program_version(self._processes, "gpgv", "--version")
            if not found:
                sentence = "gpgv is not installed, which checks the signature that `keyring` asks for"
                raise ToolMissing(sentence, hint="install gpgv, or leave `keyring` out: apt checks it", program="gpgv")
            self._verifier = f"gpgv {found}"
        return self._verifier

    def close(self) -> None:
        """End a check that still runs."""
        self._processes.close()
        self._wire.close()


def _unreachable(host: str, words: str, hint: str | None) -> WorldError:
    return WorldError(f"cannot reach {host}: {words}", hint=hint)
