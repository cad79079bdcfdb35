# SPDX-License-Identifier: MIT
"""What is inside an image, as data: its layers, its packages, its largest files.

Pure. Who reads it: inside/   Where it is kept: beside the records, by content digest: docs/explanation/inventories.md

An inventory is a function of an image's content: it never becomes wrong, and can always be read again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from stackyard.model.inputs import censored, looks_secret
from stackyard.model.names import Digest
from stackyard.model.reference import Platform

PackageKind = Literal["apk", "conda", "cran", "deb", "julia", "npm", "pypi", "rpm"]
"""Who keeps a package, in the words of package URLs."""
KIND_NAMES: dict[PackageKind, str] = {
    "deb": "dpkg",
    "rpm": "rpm",
    "apk": "apk",
    "conda": "conda",
    "pypi": "Python",
    "cran": "R",
    "npm": "npm",
    "julia": "Julia",
}
"""What people call them, a system's own first."""
LARGE_BYTES = 1_000_000
"""Files of so many bytes are listed."""


class Package(msgspec.Struct, frozen=True, omit_defaults=True):
    """One installed package, by its own database."""

    kind: PackageKind
    name: str
    version: str
    path: str
    """What says so: the database, or the package's own entry."""
    layer: int = 0
    """Index of the layer that brought it in this version; 0 is the lowest."""
    about: tuple[tuple[str, str], ...] = ()
    """More that belongs to its identity: arch, build, channel, epoch, uuid; sorted."""
    license: str = ""

    @property
    def identity(self) -> tuple[str, ...]:
        """What is equal for the same package of another image."""
        return (self.kind, self.name, self.version, *(text for pair in self.about for text in pair))


class Layer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One layer of an image."""

    digest: Digest
    """Its diff id."""
    instruction: str
    """The line of a Dockerfile that made it, as its history has it; empty where that says nothing."""
    size_bytes: int = 0
    """Of the files in it."""
    created: str = ""
    blob: Digest | None = None
    """What a registry has it as; None where no registry was asked."""
    blob_bytes: int = 0
    """How much of it travels."""


class LargeFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file that takes room."""

    path: str
    size_bytes: int
    layer: int = 0


GapCode = Literal["layer-unreadable", "layer-compression", "database-damaged", "database-unknown"]


class Gap(msgspec.Struct, frozen=True):
    """What of an image could not be read, and so is missing from its inventory. `code` never changes."""

    code: GapCode
    sentence: str
    path: str = ""
    layer: int = 0

    def __str__(self) -> str:
        return f"layer {self.layer}: {f'{self.path}: ' if self.path else ''}{self.sentence}"


class System(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an image's os-release says that it is."""

    id: str = ""
    version: str = ""
    name: str = ""


UNKNOWN_SYSTEM = System()


class Settings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What containers of an image start with."""

    env: dict[str, str] = {}
    """Values that look secret are hidden."""
    user: str = ""
    workdir: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: dict[str, str] = {}


class Inventory(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is inside one image of one platform."""

    content: Digest
    platform: Platform
    layers: tuple[Layer, ...] = ()
    packages: tuple[Package, ...] = ()
    """By kind, name and version."""
    files: tuple[LargeFile, ...] = ()
    """Of LARGE_BYTES and more, the largest first."""
    gaps: tuple[Gap, ...] = ()
    system: System = UNKNOWN_SYSTEM
    settings: Settings = Settings()
    created: str = ""

    @property
    def size_bytes(self) -> int:
        """Of the files in all layers."""
        return sum(layer.size_bytes for layer in self.layers)

    @property
    def is_lasting(self) -> bool:
        """Whether reading it again on another machine would tell no more."""
        return all(gap.code != "layer-compression" for gap in self.gaps)

    def counts(self) -> dict[PackageKind, int]:
        """How many packages of each kind there are."""
        found: dict[PackageKind, int] = {}
        for package in self.packages:
            found[package.kind] = found.get(package.kind, 0) + 1
        return found


def in_order(packages: Iterable[Package]) -> tuple[Package, ...]:
    """Packages as they are kept and shown."""
    return tuple(sorted(packages, key=lambda each: (each.kind, each.name.lower(), each.version, each.path)))


# Package URLs.


def purl(package: Package, system: System = UNKNOWN_SYSTEM) -> str:
    """The package URL: what other tools know it by.

    Source: the package URL specification, and its types

    >>> purl(Package("deb", "libc6", "2.36-9+deb12u4", "", about=(("arch", "amd64"),)), System("debian", "12"))
    'pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12'
    >>> purl(Package("pypi", "Ruamel_Yaml", "0.18", ""))
    'pkg:pypi/ruamel-yaml@0.18'
    >>> purl(Package("npm", "@jupyterlab/git", "0.5", ""))
    'pkg:npm/%40jupyterlab/git@0.5'
    """
    name, qualifiers, version = package.name, dict(package.about), package.version
    namespace = ""
    if package.kind == "pypi":
        name = re.sub(r"[-_.]+", "-", name).lower()
    elif package.kind == "npm":
        namespace, _, name = name.rpartition("/")
    elif package.kind in ("deb", "apk", "rpm"):
        namespace = system.id
        if system.id:
            qualifiers["distro"] = f"{system.id}-{system.version}" if system.version else system.id
    return purl_text(package.kind, f"{namespace}/{name}" if namespace else name, version, qualifiers)


def purl_text(kind: str, path: str, version: str, qualifiers: Mapping[str, str]) -> str:
    """A package URL of its parts; qualifiers without a value are left out."""
    quoted = "/".join(_quoted(part) for part in path.split("/"))
    told = "&".join(f"{key}={_quoted(value)}" for key, value in sorted(qualifiers.items()) if value)
    return f"pkg:{kind}/{quoted}@{_quoted(version)}{f'?{told}' if told else ''}"


def _quoted(text: str) -> str:
    """Percent-encoded but for what a package URL may have as it is."""
    return _ENCODED.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)


_ENCODED = re.compile(r"[^A-Za-z0-9.\-_~:]+")


# What an image's config tells.


_BUILD_ARGS = re.compile(r"\|(\d+) ")
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)=(\"[^\"]*\"|'[^']*'|\S*)")


def instruction_of(created_by: str) -> str:
    """A line of a history as a Dockerfile has it, without the values of build arguments, and without secrets.

    >>> instruction_of("RUN |1 TOKEN=abc /bin/sh -c pip install x # buildkit")
    'RUN pip install x'
    >>> instruction_of("/bin/sh -c #(nop)  CMD [\\"bash\\"]")
    'CMD ["bash"]'
    >>> instruction_of("/bin/sh -c apt-get   update")
    'RUN apt-get update'
    """
    text = " ".join(created_by.removesuffix("# buildkit").split())
    verb, text = ("RUN", text[4:]) if text.startswith("RUN ") else ("", text)
    if found := _BUILD_ARGS.match(text):  # so many words NAME=value come next, and values may have blanks in them
        _, is_shell, command = text.partition(" /bin/sh -c ")
        text = f"/bin/sh -c {command}" if is_shell else text.split(" ", int(found[1]) + 1)[-1]
        verb = "RUN"
    if text.startswith("/bin/sh -c #(nop) "):
        text = text.removeprefix("/bin/sh -c #(nop) ").strip()
    elif text.startswith("/bin/sh -c "):
        verb, text = "RUN", text.removeprefix("/bin/sh -c ")
    return without_secrets(f"{verb} {text}" if verb else text)


def without_secrets(text: str) -> str:
    """A text in which values that look secret are hidden."""
    text = _ASSIGNED.sub(lambda found: f"{found[1]}=(hidden)" if looks_secret(found[1], found[2]) else found[0], text)
    return censored(text)


def layers_of(
    config: Mapping[str, Any], sizes: Sequence[int], blobs: Sequence[tuple[Digest, int] | None] = ()
) -> tuple[Layer, ...]:
    """The layers by an image's config, with the lines of its history where these fit.

    Args:
        sizes: of the files of each layer.
        blobs: what a registry has each as, and how large.
    """
    diff_ids = [Digest(each) for each in (config.get("rootfs") or {}).get("diff_ids") or ()]
    lines = [line for line in config.get("history") or () if not line.get("empty_layer")]
    if len(lines) != len(diff_ids):  # some tools write none, or none for what they were given
        lines = [{}] * len(diff_ids)
    found = []
    for index, (digest, line) in enumerate(zip(diff_ids, lines, strict=True)):
        blob, travels = (blobs[index] if index < len(blobs) else None) or (None, 0)
        told = instruction_of(str(line.get("created_by") or line.get("comment") or ""))
        size = sizes[index] if index < len(sizes) else 0
        found.append(Layer(digest, told, size, str(line.get("created") or ""), blob, travels))
    return tuple(found)


def settings_of(config: Mapping[str, Any]) -> Settings:
    """What containers start with, by the runtime part of an image's config."""
    env = dict(str(line).partition("=")[::2] for line in config.get("Env") or ())
    labels = {str(key): without_secrets(str(value)) for key, value in (config.get("Labels") or {}).items()}
    return Settings(
        {name: "(hidden)" if looks_secret(name, value) else value for name, value in env.items()},
        str(config.get("User") or ""),
        str(config.get("WorkingDir") or ""),
        tuple(map(str, config.get("Entrypoint") or ())),
        tuple(without_secrets(str(word)) for word in config.get("Cmd") or ()),
        tuple(sorted(config.get("ExposedPorts") or ())),
        tuple(sorted(config.get("Volumes") or ())),
        {key: "(hidden)" if looks_secret(key, value) else value for key, value in labels.items()},
    )
