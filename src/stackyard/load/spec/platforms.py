# SPDX-License-Identifier: MIT
"""Platforms as a spec names them: each one machine, by the name that engines give it.

In:   Doc
Out:  platforms; findings
Used by: load/spec/collect and read, where a spec names any; few do
"""

from __future__ import annotations

from stackyard.errors import InvalidValue
from stackyard.load.spec.collect import Collector
from stackyard.load.yaml import Doc
from stackyard.model.reference import Platform
from stackyard.model.stack import Finding

_USUAL = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armhf": "arm/v7",
    "armv7l": "arm/v7",
    "armel": "arm/v6",
    "i386": "386",
    "i686": "386",
}
"""Names that systems give to machines, and engines' own: an image index has these."""
_BARE = {"arm64/v8": "arm64", "arm/v7": "arm", "amd64/v1": "amd64"}
"""Variants that are meant where none is named.

Source: containerd's platforms package, normalizing.
"""


def platforms_in(doc: Doc, what: str, reader: Collector, is_built: bool) -> tuple[Platform, ...]:
    """One or several, each once; what is none, and what is nobody's, is an error finding.

    Args:
        is_built: images are built for them; else they only say where an image is left out.
    """
    if doc.value is None or doc.value == []:
        hint = "name one or several, as linux/amd64, or take the key out"
        reader.findings.append(
            Finding("wrong-value", "error", f"{what}: it names no platform", *doc.at(), hint=hint, wanted=hint)
        )
    found: dict[str, Platform] = {}
    for text, spot in reader.texts(doc, what):
        try:
            platform = platform_of(text, is_built)
            key = _machine(platform) if is_built else platform
            if key in found:
                other, shorter = found[key], min(platform, found[key], key=len)
                twice = f"{platform} is here twice" if other == platform else f"{other} and {platform} are one machine"
                raise InvalidValue(twice, hint=f"keep {shorter}", kind="platform", text=text)
            found[key] = platform
        except InvalidValue as problem:
            sentence = f"{what}: {problem}"
            reader.findings.append(
                Finding("wrong-value", "error", sentence, *spot, hint=problem.hint, found=text, wanted=problem.hint)
            )
    return tuple(found.values())


def platform_of(text: str, is_built: bool = True) -> Platform:
    """The platform; InvalidValue where it is none, has another name, or nobody builds for it."""
    platform = Platform.parse(text)
    system, architecture, *_ = platform.split("/")
    usual = _USUAL.get(architecture)
    if usual is not None:
        hint = f"say {system}/{usual}"
        raise InvalidValue(f"engines do not know {text} by this name", hint=hint, kind="platform", text=text)
    if is_built and system != "linux":
        hint = "take it out: only images for linux are built"
        raise InvalidValue(f"nobody builds for {text} here", hint=hint, kind="platform", text=text)
    return platform


def _machine(platform: Platform) -> str:
    """What two names of one machine have in common."""
    system, _, machine = platform.partition("/")
    return f"{system}/{_BARE.get(machine, machine)}"
