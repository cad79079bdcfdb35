# SPDX-License-Identifier: MIT
"""Which entries of a build context the instructions of a Dockerfile can read.

In:   a Dockerfile, its build arguments, the entries of its build context
Out:  paths of entries
Pure. Beside: model/dockerfile (which evaluates the sources)

Never too few: a source with an unknown variable, with a pattern that cannot be read, or that leads
through a symbolic link reaches everything. Wildcards are Go's filepath.Match from the root of the
context; what matches a folder reaches all that is in it, less `--exclude`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping

from stackyard.errors import FileProblem
from stackyard.load.tree.ignore import NOTHING_IGNORED, IgnoreRules, compile_rules, glob_regex
from stackyard.model.dockerfile import Body, CopiedPath, Dockerfile
from stackyard.model.inputs import Entry

_MAGIC = frozenset("*?[\\")
_UNCLEAR = _MAGIC | frozenset("$\"'`")
"""What makes the text of a source other than the path it reads."""


def reachable(
    dockerfile: Dockerfile,
    args: Mapping[str, str],
    entries: Collection[Entry],
    *,
    platform: str = "",
    triggers: Body | None = None,
) -> frozenset[str]:
    """Paths of those `entries` that some COPY, ADD or bind mount can read.

    Args:
        args: build arguments that are passed.
        triggers: what `ONBUILD` of the image says that the file is built on, where that is known.

    Cost: O(entries x sources).
    """
    links = frozenset(entry.path for entry in entries if entry.kind == "link")
    paths = [entry.path for entry in entries]
    reached: set[str] = set()
    for source in dict.fromkeys(_sources(dockerfile, args, platform, triggers)):
        found = _reached(source, paths, links)
        if found is None:
            return frozenset(paths)
        reached.update(found)
    return frozenset(reached)


def could_reach(dockerfile: Dockerfile, paths: Collection[str], entries: Collection[Entry]) -> bool:
    """Whether one of `paths` may be among what `reachable` finds; False at a fraction of the price."""
    if any(entry.kind == "link" for entry in entries):
        return True
    for stage in dockerfile.stages:
        for copied in (*stage.copies, *stage.triggers.copies):
            for text in copied.sources:
                root = posixpath.normpath(f"/{text}").lstrip("/")
                if not _UNCLEAR.isdisjoint(text) or not root:
                    return True
                if any(path.startswith(root) and f"{path}/".startswith(f"{root}/") for path in paths):
                    return True
    return False


def _sources(
    dockerfile: Dockerfile, args: Mapping[str, str], platform: str, triggers: Body | None
) -> Iterator[CopiedPath]:
    """What is read, each once: lines do not matter here."""
    for source in dockerfile.copied_paths(args, platform, triggers):
        yield CopiedPath("copy", source.path, 0, source.exclude, source.parents, source.pivot)


def _reached(source: CopiedPath, paths: list[str], links: frozenset[str]) -> list[str] | None:
    """Those of `paths` that one source reaches; None for all of them."""
    root = source.path
    if root is None or (root == "." and not source.exclude):
        return None
    fixed = _fixed(root)
    if any(start in links for start in _starts(fixed)):
        return None
    try:
        rooted = _rooted(root, source.parents)
        excluded = compile_rules(source.exclude) if source.exclude else NOTHING_IGNORED
    except (ValueError, FileProblem):
        return None
    found = []
    for path in paths:
        start = rooted(path)
        if start is None:
            continue
        if start == path and path in links:
            return None
        if not _is_excluded(path, source.pivot if source.parents else start, excluded):
            found.append(path)
    return found


def _rooted(root: str, deep: bool) -> Callable[[str], str | None]:
    """A function that gives the part of a path that the source names, None where it names none."""
    if root == ".":
        return lambda _: "."
    if _MAGIC.isdisjoint(root):
        below = root + "/"
        return lambda path: root if path == root or path.startswith(below) else None
    matches = re.compile(f"({glob_regex(root, deep=deep)})(?:/(?s:.*))?").fullmatch

    def matched(path: str) -> str | None:
        match = matches(path)
        return match[1] if match else None

    return matched


def _is_excluded(path: str, start: str, excluded: IgnoreRules) -> bool:
    """Whether `--exclude` leaves `path` out: its patterns are relative to the folder that is copied."""
    if not excluded.patterns or path == start:
        return False
    return excluded.ignores(path if start == "." else path[len(start) + 1 :])


def _fixed(pattern: str) -> str:
    """The leading folders of a pattern that have no wildcard; of a plain path all of it."""
    parts = []
    for part in pattern.split("/"):
        if not _MAGIC.isdisjoint(part):
            break
        parts.append(part)
    return "/".join(parts)


def _starts(path: str) -> Iterator[str]:
    """`path` and each folder above it."""
    while path:
        yield path
        path = path.rpartition("/")[0]
