# SPDX-License-Identifier: MIT
"""cosign, where it is installed: signs images by digest, and says whether a key signed one.

In:   environment (COSIGN_PASSWORD, DOCKER_CONFIG, ...), an image by digest, a reference to a key
Out:  nothing, or whether it is signed
Raises: ToolMissing, WorldError with cosign's own words
May touch: the registry, where signatures are artifacts beside the image; unless told otherwise the transparency log

A key is named and never read here: a file, `env://NAME`, or what a key service calls it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stackyard.edges.auth import is_loopback
from stackyard.edges.process import Processes
from stackyard.errors import ConfigError, ToolMissing, WorldError
from stackyard.model.names import Digest
from stackyard.model.reference import Repository

_NOT_SIGNED = ("no matching signatures", "no signatures found", "invalid signature", "no valid signatures")


class Cosign:
    """The program on PATH.

    Args:
        is_logging: whether signatures are told to, and looked for in, the public transparency log.
    """

    def __init__(self, environ: Mapping[str, str], *, is_logging: bool = True) -> None:
        self._processes = Processes(environ)
        self._is_logging = is_logging

    def sign(self, repository: Repository, digest: Digest, key: str) -> None:
        """Sign one image."""
        words = ["sign", "--yes", *_known_by(repository), *([] if self._is_logging else ["--tlog-upload=false"])]
        code, said = self._run([*words, "--key", _reference(key), f"{repository}@{digest}"], key)
        if code:
            raise WorldError(f"cosign did not sign {repository}@{digest}: {_last(said)}", hint=_HINT)

    def verify(self, repository: Repository, digest: Digest, key: str) -> bool:
        """Whether the image has a signature by this key."""
        words = ["verify", *_known_by(repository), *([] if self._is_logging else ["--insecure-ignore-tlog=true"])]
        code, said = self._run([*words, "--key", _reference(key), f"{repository}@{digest}"], key)
        if code and not any(words in line.lower() for line in said for words in _NOT_SIGNED):
            raise WorldError(f"cosign could not look at {repository}@{digest}: {_last(said)}", hint=_HINT)
        return code == 0

    def _run(self, words: Sequence[str], key: str) -> tuple[int, list[str]]:
        if not self._processes.has("cosign"):
            raise ToolMissing(
                "there is no cosign", hint="install it: images are signed and verified by it", program="cosign"
            )
        code, lines = self._processes.output(["cosign", *words])
        return code, [line.replace(key, "(key)") for line in lines]


_HINT = "COSIGN_PASSWORD opens a key in a file; --no-log does without the public transparency log"


def _reference(key: str) -> str:
    if "PRIVATE KEY" in key or not key.strip():
        raise ConfigError(
            "--key wants a reference to a key, and no key", hint="a file, env://NAME, or awskms:///alias/name"
        )
    return key


def _known_by(repository: Repository) -> list[str]:
    return ["--allow-insecure-registry"] if is_loopback(repository.host) else []


def _last(lines: Sequence[str]) -> str:
    return next((line.strip() for line in reversed(lines) if line.strip()), "it says no more")[:300]
