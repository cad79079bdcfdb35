# SPDX-License-Identifier: MIT
"""Files of build contexts that no instruction reads: an edit of one rebuilds its image all the same.

In:   Place, Stack
Out:  one notice per build context, with a number and a size
Cost: matching of paths, and one look at the size of each such file; no reading

Documents and files that begin with a dot belong in a folder; alone they are worth a word only where
they are large. Test folders that nothing copies are no part of an image and are never counted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from stackyard.load.dockerfile.reach import reachable
from stackyard.load.tree.place import Place
from stackyard.model.dockerfile import Body
from stackyard.model.stack import Finding, Stack, Target

LARGE = 1 << 20
_DOCUMENTS = ("README", "LICENSE", "LICENCE", "CHANGELOG", "NOTICE", "COPYING", "OWNERS", "CODEOWNERS", "Makefile")
_LISTS = ("versions.yaml", "info.yaml", "last_updated.yaml")
"""What Stackyard itself reads beside a Dockerfile."""
_SHOWN = 3


def unread_findings(place: Place, stack: Stack) -> Iterator[Finding]:
    """A notice for each build context of one image's own with files that nothing reads."""
    by_name = {target.name: target for target in stack.targets}
    by_context: dict[str, list[Target]] = {}
    for target in stack.targets:
        if target.context == place.path(target.image):
            by_context.setdefault(target.context, []).append(target)
    for context, targets in by_context.items():
        left = {entry.path for entry in targets[0].inputs.context if entry.kind != "dir"}
        for target in targets:
            if left:
                left -= _read_by(target, stack, target.foundation and by_name.get(target.foundation))
        staging = targets[0].staging
        elsewhere = {path: source for source, path in staging.files} if staging else {}
        where = {path: elsewhere.get(path) or os.path.join(context, path) for path in sorted(left)}
        if left and (found := _finding(place, context, targets[0].dockerfile, where)):
            yield found


def _read_by(target: Target, stack: Stack, below: Target | str | None) -> frozenset[str]:
    entries = target.inputs.context
    if any("onbuild" in (base.tag or "") for base in target.bases):
        return frozenset(entry.path for entry in entries)
    triggers: Body | None = None
    if isinstance(below, Target) and (under := stack.dockerfile_of(below)):
        triggers = under.stages[-1].triggers
    dockerfile = stack.dockerfile_of(target)
    if dockerfile is None:
        return frozenset(entry.path for entry in entries)
    return reachable(dockerfile, dict(target.args), entries, platform=target.inputs.platform, triggers=triggers)


def _finding(place: Place, context: str, dockerfile: str, where: dict[str, str]) -> Finding | None:
    """`where` tells for each path of the context where it lies, relative to the root."""
    sizes = {path: _size(os.path.join(place.root, full)) for path, full in where.items()}
    told = [path for path in where if sum(sizes.values()) >= LARGE or not _is_document(path)]
    if not told:
        return None
    told.sort(key=lambda path: (-sizes[path], path))
    names = ", ".join(told[:_SHOWN]) + (", …" if len(told) > _SHOWN else "")
    is_one = len(told) == 1
    number = "1 file" if is_one else f"{len(told)} files"
    size = _size_text(sum(sizes[path] for path in told))
    sentence = f"{number} of the build context {context} ({size}) no instruction reads: {names}"
    hint = (
        f"an edit of {'it' if is_one else 'one'} rebuilds the image: name {'it' if is_one else 'them'} in "
        f"{context}/.dockerignore, unless that is what {'it is' if is_one else 'they are'} for"
    )
    return Finding("unread-files", "notice", sentence, dockerfile, hint=hint, found=names)


def _size(full: str) -> int:
    try:
        return os.lstat(full).st_size
    except OSError:
        return 0


def _is_document(path: str) -> bool:
    name = path.rpartition("/")[2]
    return (
        name in _LISTS or name.startswith((".", *_DOCUMENTS)) or name.endswith((".md", ".rst")) or "__pycache__" in path
    )


def _size_text(size: int) -> str:
    for unit in ("bytes", "KB", "MB"):
        if size < 1024:
            return f"{size} {unit}"
        size = -(-size // 1024)
    return f"{size} GB"
