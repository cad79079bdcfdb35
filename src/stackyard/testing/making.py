# SPDX-License-Identifier: MIT
"""What the engine in memory makes of a Dockerfile: the little of it that decides what an image is.

In:   BuildRequest, what the store has
Out:  layers and config, steps that fail; an image with its manifest
Pure.
Used by: testing/engine
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from stackyard.edges.engine import BuildRequest
from stackyard.edges.pins import match_name
from stackyard.edges.registry import OCI_MANIFEST, Manifest
from stackyard.model import canonical
from stackyard.model.content import ImageFacts
from stackyard.model.dockerfile import SCRATCH, expand
from stackyard.model.names import Digest
from stackyard.model.reference import Platform
from stackyard.testing.registry import sha256

_INSTRUCTION = re.compile(r"^[ \t]*(FROM|ARG|RUN|COPY|ADD)[ \t]+(.*\S)", re.IGNORECASE | re.MULTILINE)
_HEREDOC = re.compile(
    r"^([ \t]*(?:RUN|COPY|ADD)\b.*<<-?(['\"]?)([\w.]+)\2.*)\n(?:.*\n)*?\t*\3$", re.IGNORECASE | re.MULTILINE
)
_USE = re.compile(r"--from=(\S+)|--mount=\S*\bfrom=([^,\s]+)")


class Made(msgspec.Struct, frozen=True):
    """An image with the manifest it has, or would have, in a registry."""

    layers: tuple[Digest, ...]
    config: dict[str, Any]
    platform: Platform
    config_bytes: bytes
    manifest: Manifest

    @property
    def config_digest(self) -> Digest:
        """The image's id on a classic store."""
        return sha256(self.config_bytes)


class Reader:
    """The little of a Dockerfile that decides what an image is built on, and whether its commands fail."""

    def __init__(self, request: BuildRequest, find: Callable[[str], ImageFacts | None]) -> None:
        self._request = request
        self._find = find
        self._pins = {match_name(key): image.id for key, image in request.pins.items()}
        self._values: dict[str, str] = {}
        self._stage = ""
        self._stages: dict[str, tuple[tuple[Digest, ...], dict[str, Any]]] = {}
        self.layers: tuple[Digest, ...] = ()
        self.config: dict[str, Any] = {}

    def steps(self) -> list[tuple[str, str | None, tuple[str, ...]]]:
        """Name, failure, output of each instruction, in order, up to the first failure."""
        lines = _INSTRUCTION.findall(_HEREDOC.sub(r"\1", self._request.dockerfile.read_text()))
        wanted = self._request.stage
        names = {rest.split()[-1].lower() for verb, rest in lines if verb.upper() == "FROM" and len(rest.split()) > 2}
        if wanted and wanted.lower() not in names:
            return [("", f'target stage "{wanted}" could not be found', ())]
        told: list[tuple[str, str | None, tuple[str, ...]]] = []
        for number, (verb, rest) in enumerate(lines, 1):
            failure, said = self._take(verb.upper(), rest)
            if verb.upper() != "ARG" or failure:
                told.append((f"[{number}/{len(lines)}] {verb} {rest}", failure, said))
            if failure or self._is_done(lines[number:]):
                break
        return told

    def _is_done(self, left: list[tuple[str, str]]) -> bool:
        """Whether the stage that was asked for is at its end."""
        wanted = self._request.stage
        ends = not left or left[0][0].upper() == "FROM"
        return bool(wanted) and ends and wanted.lower() == self._stage

    def _take(self, verb: str, rest: str) -> tuple[str | None, tuple[str, ...]]:
        if verb == "ARG":
            name, _, default = rest.partition("=")
            self._values[name] = dict(self._request.args).get(name, expand(default, self._values))
        elif verb == "FROM":
            return self._start(expand(rest, self._values).split()), ()
        for used in _USE.finditer(rest):
            name = used[1] or used[2]
            if name not in self._stages and not name.isdigit() and self._image(name) is None:
                return _unplanned(name), ()
        found = re.search(r"\bexit ([1-9]\d*)", rest) if verb == "RUN" else None
        if found:
            said = tuple(text.strip("'\" ") for text in re.findall(r"\becho ([^;&|]+)", rest))
            return f"process did not complete successfully: exit code: {found[1]}", said
        return None, ()

    def _start(self, words: list[str]) -> str | None:
        words = [word for word in words if not word.startswith("--")]
        base = words[0]
        self._stage = words[2].lower() if len(words) == 3 else ""
        if base in self._stages:
            self.layers, self.config = self._stages[base]
        elif base == SCRATCH:
            self.layers, self.config = (), {}
        else:
            facts = self._image(base)
            if facts is None:
                return _unplanned(base)
            self.layers, self.config = facts.layers, facts.config
        if len(words) == 3:
            self._stages[words[2]] = (self.layers, self.config)
        return None

    def _image(self, name: str) -> ImageFacts | None:
        return self._find(self._pins.get(match_name(name), name))


def _unplanned(name: str) -> str:
    return f"the Dockerfile names {name}, which was not planned and is not in the engine's store"


def make(layers: tuple[Digest, ...], config: Mapping[str, Any], platform: Platform, attested: object = None) -> Made:
    """An image of these layers: equal arguments, equal digests.

    Args:
        attested: what its digest differs by, and not its content; a real engine puts it beside the image.
    """
    os, architecture = platform.split("/")[:2]
    body = {"os": os, "architecture": architecture, "config": config, "rootfs": {"type": "layers", "diff_ids": layers}}
    written = canonical.encode(body)
    blobs = [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": 1000} for layer in layers]
    manifest = canonical.encode(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": sha256(written),
                "size": len(written),
            },
            "layers": blobs,
            **({"annotations": {"attested": canonical.digest(attested)}} if attested else {}),
        }
    )
    return Made(layers, dict(config), platform, written, Manifest(sha256(manifest), OCI_MANIFEST, manifest))
