# SPDX-License-Identifier: MIT
"""Secrets and ssh for one build: handed over by name, never by value.

In:   BuildRequest, environment
Out:  options, variables and what must be masked in the log; or why the build cannot begin
Beside: edges/buildx and edges/buildah_build, which take the same options

A secret of the environment travels under a name of ours: an argument of the same name would replace it.
One that no RUN mounts is not handed over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from stackyard.edges.engine import BuildRequest
from stackyard.model.stack import Secret

_MOUNT = re.compile(r"--mount=(?:\S*,)?type=(secret|ssh)\b\S*")
_SHORTEST_LINE, _SHORTEST_WORD = 4, 9
"""What is hidden of a secret: its lines, and words longer than `password`, which a file of logins is full of."""


class Handed(NamedTuple):
    """What a build gets."""

    words: list[str]
    environ: dict[str, str]
    hidden: frozenset[str]


def handed(request: BuildRequest, environ: Mapping[str, str]) -> Handed | str:
    """What the mounts of this Dockerfile get, or why one of them would get nothing."""
    found = Handed([], {}, frozenset())
    if not (request.secrets or request.ssh):
        return found
    mounts = "\n".join(each[0] for each in _MOUNT.finditer(request.dockerfile.read_text("utf-8", "replace")))
    hidden: set[str] = set()
    for secret in _mounted(request.secrets, mounts, "secret"):
        value = _value(secret, environ)
        if value is None:
            return _absent("secret", secret)
        hidden |= _parts(value)
        if secret.file:
            found.words.extend(("--secret", f"id={secret.id},src={secret.file}"))
        else:
            name = f"STACKYARD_SECRET_{len(found.environ)}"
            found.environ[name] = value
            found.words.extend(("--secret", f"id={secret.id},env={name}"))
    for key in _mounted(request.ssh, mounts, "ssh"):
        path = key.file or environ.get(key.env, "")
        if not path or not os.path.exists(path):
            return _absent("ssh", key)
        found.words.extend(("--ssh", f"{key.id}={path}"))
    return found._replace(hidden=frozenset(hidden))


def _mounted(secrets: tuple[Secret, ...], mounts: str, kind: str) -> Iterator[Secret]:
    """Those that a mount of this kind names; all of them, where a variable names one."""
    lines = [line for line in mounts.splitlines() if f"type={kind}" in line]
    for secret in secrets:
        named = re.compile(rf"(?<![\w.-]){re.escape(secret.id)}(?![\w.-])")
        is_default = kind == "ssh" and secret.id == "default" and any("id=" not in line for line in lines)
        if is_default or any("$" in line or named.search(line) for line in lines):
            yield secret


def _value(secret: Secret, environ: Mapping[str, str]) -> str | None:
    if not secret.file:
        return environ.get(secret.env)
    try:
        return Path(secret.file).read_bytes().decode("utf-8", "replace")
    except OSError:
        return None


def _absent(kind: str, secret: Secret) -> str:
    if secret.file:
        return f"the Dockerfile mounts the {kind} {secret.id}, and its file {secret.file} cannot be read"
    return f"the Dockerfile mounts the {kind} {secret.id}, and the environment has no {secret.env} to take it from"


def _parts(value: str) -> set[str]:
    lines = {line.strip() for line in value.splitlines()}
    words = {word for line in lines for word in line.split()}
    return {each for each in lines if len(each) >= _SHORTEST_LINE} | {w for w in words if len(w) >= _SHORTEST_WORD}
