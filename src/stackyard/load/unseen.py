# SPDX-License-Identifier: MIT
"""Where a build context is not what a commit has: what is built from it is built from nowhere else.

In:   Place, Stack, paths that git does not track, submodules that are not checked out
Out:  one finding per build context, with the first names
Cost: O(paths); the ignore rules of a context with such paths are read once more
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stackyard.errors import FileProblem
from stackyard.load.counted import own_part
from stackyard.load.dockerfile.reach import reachable
from stackyard.load.tree.changes import read_change_rules
from stackyard.load.tree.ignore import IgnoreRules, read_ignore_rules
from stackyard.load.tree.place import Place
from stackyard.model.inputs import RULES, TEST_FOLDERS, BlobId, Entry
from stackyard.model.stack import Finding, Stack, Target

_SHOWN = 3
_NOBODYS = (".git", ".stackyard")


def unseen_findings(
    place: Place, stack: Stack, untracked: Iterable[str], ignored: Iterable[str], modules: Iterable[str] = ()
) -> Iterator[Finding]:
    """A notice for each build context in which such files count, a warning where such submodules do.

    Args:
        untracked: paths relative to the stack's root that were never added; a folder ends with a slash.
        ignored: the same, of what git is told to ignore.
        modules: the same, of submodules that are not checked out.
    """
    for paths, what in ((untracked, "that git does not track"), (ignored, "that git ignores")):
        for context, reader, named in _where(place, stack, paths):
            yield _finding(context, reader, named, what)
    for context, reader, named in _where(place, stack, modules):
        yield _empty(context, reader, named)


def _where(place: Place, stack: Stack, paths: Iterable[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Build contexts in which some of the paths count, each with a Dockerfile that has them and their names there."""
    by_context: dict[str, list[Target]] = {}
    for target in stack.targets:
        by_context.setdefault(target.context, []).append(target)
    rules, start = read_change_rules(place)[0], f"{place.path()}/"
    found: dict[str, list[str]] = {}
    for path in paths:
        if path.startswith(start) and rules.leaves_out(path[len(start) :].rstrip("/")):
            continue
        for context in _above(path):
            if context in by_context:
                found.setdefault(context, []).append(path)
    for context, inside in found.items():
        counted = [(target.dockerfile, {*_counted(place, stack, target, inside)}) for target in by_context[context]]
        named = sorted(set[str]().union(*(paths for _, paths in counted)))
        if named:
            yield context, next(dockerfile for dockerfile, paths in counted if paths), named


def _above(path: str) -> Iterator[str]:
    """Each folder that `path` lies in, up to the root."""
    path = path.rstrip("/")
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
    yield "."


def _counted(place: Place, stack: Stack, target: Target, paths: list[str]) -> Iterator[str]:
    """Those of `paths` that can change the image, relative to its build context."""
    dockerfile = stack.dockerfiles[target.dockerfile]
    start = "" if target.context == "." else f"{target.context}/"
    below = target.dockerfile.removeprefix(start)
    try:
        rules = read_ignore_rules(target.context, below, target.context, place.files)
    except FileProblem:
        return
    own = own_part(target.context, place.path(target.image))
    granularity = dict(target.inputs.aside).get("granularity", RULES["granularity"])
    for path in paths:
        name = path.removeprefix(start)
        parts = name.rstrip("/").split("/")
        if any(part in _NOBODYS for part in parts) or _is_left_out(name, rules) or name == below:
            continue
        entry = Entry(name.rstrip("/"), "file", BlobId.of(b""))
        is_own = own is not None and name.startswith(own)
        counts = granularity == "folder" or (is_own and granularity != "copied")
        if is_own and name.removeprefix(own or "").partition("/")[0] in TEST_FOLDERS:
            counts = False
        if counts or reachable(dockerfile, dict(target.args), [entry], platform=target.inputs.platform):
            yield name


def _is_left_out(path: str, rules: IgnoreRules) -> bool:
    folder = path.rstrip("/")
    return rules.ignores(folder) and not (path.endswith("/") and rules.may_keep_below(folder))


def _empty(context: str, dockerfile: str, names: list[str]) -> Finding:
    what = "a submodule is" if len(names) == 1 else f"{len(names)} submodules are"
    shown = _listed(names)
    sentence = f"{what} not checked out, and empty in the build context {context}: {shown}"
    hint = "git submodule update --init, or name in .dockerignore what the image does not need"
    return Finding("empty-submodule", "warning", sentence, dockerfile, hint=hint, found=shown)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def _finding(context: str, dockerfile: str, names: list[str], what: str) -> Finding:
    shown = _listed(names)
    number = "1 path" if len(names) == 1 else f"{len(names)} paths"
    is_one = len(names) == 1
    counts = f"{'counts' if is_one else 'count'} in the build context {context}"
    sentence = f"{number} {what} {counts}, and no commit has {'it' if is_one else 'them'}: {shown}"
    hint = f"name {'it' if is_one else 'them'} in {'' if context == '.' else f'{context}/'}.dockerignore, or add to git"
    return Finding(
        "untracked-in-context", "notice", sentence, dockerfile, hint=f"{hint} what the image needs", found=shown
    )
