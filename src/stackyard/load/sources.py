# SPDX-License-Identifier: MIT
"""What an image's folder holds: its Dockerfile, read, and the entries of its build context.

In:   Place, the image's name, who says that it should be there
Out:  Sources, or error findings where there is nothing to build from
"""

from __future__ import annotations

import os

import msgspec

from stackyard.errors import FileProblem
from stackyard.load.context import read_context
from stackyard.load.dockerfile import parse
from stackyard.load.ignore import read_ignore_rules
from stackyard.load.place import Place
from stackyard.load.recipe import Recipe
from stackyard.model.dockerfile import Dockerfile
from stackyard.model.inputs import BlobId, Entry
from stackyard.model.stack import Finding


class Sources(msgspec.Struct, frozen=True):
    """What the image's folder holds."""

    dockerfile: Dockerfile
    dockerfile_blob: BlobId
    context: tuple[Entry, ...]


def read_sources(place: Place, recipe: Recipe) -> tuple[Sources | None, list[Finding]]:
    """Read an image's folder; None and an error finding where there is nothing to build from."""
    shown = f"{place.images}/{recipe.image}"
    folder = os.path.join(place.root, place.images, recipe.image)
    if not os.path.isdir(folder):
        return None, [_missing("missing-folder", f"image {recipe.image!r} has no folder {shown}", place, recipe)]
    path = os.path.join(folder, "Dockerfile")
    if not os.path.isfile(path):
        return None, [_missing("missing-dockerfile", f"folder {shown} has no Dockerfile", place, recipe)]
    try:
        with open(path, "rb") as file:
            data = file.read()
        dockerfile = parse(data, f"{shown}/Dockerfile")
        context = read_context(folder, read_ignore_rules(folder, "Dockerfile", shown), shown)
    except FileProblem as problem:
        return None, [_finding(problem)]
    kept = tuple(entry for entry in context if entry.path != "Dockerfile")
    return Sources(dockerfile, BlobId.of(data), kept), []


def _missing(code: str, sentence: str, place: Place, recipe: Recipe) -> Finding:
    hint = f"make {place.images}/{recipe.image}/Dockerfile, or take the entry out"
    return Finding(code, "error", sentence, recipe.path, recipe.line, hint=hint)


def _finding(problem: FileProblem) -> Finding:
    facts = problem.facts
    line, column = facts["line"], facts["column"]
    return Finding(
        "dockerfile",
        "error",
        str(facts["problem"]),
        str(facts["path"]),
        line if isinstance(line, int) else None,
        column if isinstance(column, int) else None,
        problem.hint,
    )
