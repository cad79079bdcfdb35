# SPDX-License-Identifier: MIT
"""Which packages of an image an index has newer: Python's, since that index can be asked by anybody.

In:   a Yard, a name as `inventory` takes it
Out:  Freshness, one for each image
May touch: as verbs/inside; uv's process, its cache, and the index that uv is told of
Raises: as verbs/inside; ToolMissing without uv, WorldError where the index gives no answer

uv is asked for the newest release of each that fits the image's Python and platform, and not for what these need.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stackyard.edges.uv import Resolver, Uv
from stackyard.errors import WorldError
from stackyard.model.lock import PLATFORMS
from stackyard.model.outdated import Freshness, askable, outdated_of, python_of
from stackyard.verbs.inside import inside

if TYPE_CHECKING:
    from stackyard.model.inside import Inside
    from stackyard.verbs.yard import Yard

_REQUIREMENTS = "requirements.in"
_UNKNOWN = re.compile(
    r"\b([A-Za-z0-9][\w.-]*) was not found in the (?:package registry|provided package locations|cache)"
)
_NONE_FITS = re.compile(r"there (?:is|are) no (?:versions? of|compatible versions? of) ([A-Za-z0-9][\w.-]*)")


def outdated(yard: Yard, asked: str, resolver: Resolver | None = None) -> tuple[Freshness, ...]:
    """How the packages of each image that a name stands for stand to the index."""
    found = inside(yard, asked)
    uv = resolver or Uv(yard.options.environ)
    try:
        uv.version()
        return tuple(_of(image, uv) for image in found)
    finally:
        uv.close()


def _of(image: Inside, uv: Resolver) -> Freshness:
    packages, python = askable(image.inventory), python_of(image.inventory)
    newest, unknown = _newest(sorted(packages), python, str(image.inventory.platform), uv) if packages else ({}, ())
    installed = [each for some in packages.values() for each in some]
    name, of = image.subject.name, image.subject.image
    others = tuple((kind, count) for kind, count in image.inventory.counts().items() if kind != "pypi")
    return Freshness(name, of, python, len(packages), outdated_of(installed, newest), unknown, others)


def _newest(
    names: Sequence[str], python: str, platform: str, uv: Resolver
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """The newest version of each, and those of which the index has none that fits."""
    words = ["uv", "pip", "compile", _REQUIREMENTS, "--no-deps", "--no-config", "--no-header", "--no-sources"]
    words += ["--no-progress", "--color=never", "--format=pylock.toml"]
    words += [f"--python-version={python}"] if python else []
    words += [f"--python-platform={PLATFORMS[platform][0]}"] if platform in PLATFORMS else []
    left, unknown = dict.fromkeys(names), list[str]()
    with tempfile.TemporaryDirectory(prefix="stackyard-") as folder:
        while left:
            Path(folder, _REQUIREMENTS).write_text("".join(f"{name}\n" for name in left), encoding="utf-8")
            answer = uv.resolve(Path(folder), words, ())
            if answer.text:
                found = tomllib.loads(answer.text).get("packages", [])
                return {str(each["name"]): str(each.get("version", "")) for each in found}, tuple(unknown)
            refused = [*_UNKNOWN.findall(answer.words), *_NONE_FITS.findall(answer.words), *answer.unbuilt]
            missing = [name for name in refused if name in left]
            if not missing:
                raise WorldError(f"the index tells nothing of these packages: {_first(answer.words)}", hint=answer.hint)
            for name in missing:
                left.pop(name, None)
                unknown.append(name)
    return {}, tuple(unknown)


def _first(words: str) -> str:
    return next((line.strip() for line in words.splitlines() if line.strip()), "uv says no more")[:300]
