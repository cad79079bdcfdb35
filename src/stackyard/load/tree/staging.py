# SPDX-License-Identifier: MIT
"""Files that a build context gets from elsewhere in the repository: `files` of the spec, and what they are on disk.

In:   entries of the spec; the image's own build context and its ignore rules
Out:  FilesEntry; the entries of the whole build context, and where each comes from (Staging); findings
Raises: FileProblem for an entry that cannot be understood
Rules: docs/reference/spec.md

The result is judged as if everything lay in the image's folder: its ignore file has the last word,
links are links, `.git` and `.stackyard` are left out. Nothing may be written twice, or through a link.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

import msgspec

from stackyard.errors import FileProblem
from stackyard.load.links import HINT, inside
from stackyard.load.tree.context import read_context, read_entry
from stackyard.load.tree.ignore import IGNORE_FILE, IgnoreRules, compile_rules
from stackyard.load.tree.place import Place
from stackyard.load.yaml import Doc
from stackyard.model.inputs import BlobId, Entry
from stackyard.model.spot import Spot
from stackyard.model.stack import Finding, Staging

_NEVER = (".git", ".stackyard")
_NOTHING = BlobId.of(b"")


class FilesEntry(msgspec.Struct, frozen=True):
    """One entry: what is put where."""

    source: str
    """File or folder, relative to the stack's root."""
    to: str
    """Relative to the build context."""
    keeps_name: bool
    """Whether `to` is the folder that a file is put into under its own name."""
    ignore: tuple[str, ...]
    path: str
    """The file that says so, and its line."""
    line: int
    column: int

    @property
    def spot(self) -> Spot:
        """Where the source is named."""
        return Spot(self.path, self.line, self.column)


class _Placed(msgspec.Struct, frozen=True):
    """One path of the build context to be."""

    entry: Entry
    source: str
    """Relative to the stack's root, no link on the way."""
    of: FilesEntry | None
    """None: of the image's own folder."""


def files_entry(doc: Doc, what: str) -> FilesEntry:
    """One entry as the spec has it."""
    values = doc.mapping(what)
    for key in ("from", "to"):
        if key not in values:
            raise doc.problem(f"{what} has no `{key}`", "an entry is {from: PATH, to: PATH}")
    source = inside(values["from"], f"`from` in {what}")
    to = inside(values["to"], f"`to` in {what}", "the build context", "the build context")
    if any(part in _NEVER for part in to.split("/")):
        raise values["to"].problem(
            f"`to` in {what} is {to!r}, which is no part of any build context", "give it a folder of another name"
        )
    ignore = values["ignore"].texts(f"`ignore` in {what}") if "ignore" in values else []
    try:
        compile_rules(ignore)
    except FileProblem as problem:
        raise values["ignore"].problem(f"`ignore` in {what}: {problem.facts['problem']}", problem.hint) from None
    keeps_name = to == "." or values["to"].text(what).endswith("/")
    return FilesEntry(source, to, keeps_name, tuple(ignore), doc.path, values["from"].line, values["from"].column)


class Stager:
    """Puts build contexts together, in thought: reads each source once."""

    def __init__(self, place: Place) -> None:
        self._files = place.files
        self._read: dict[tuple[str, tuple[str, ...]], tuple[Entry, ...]] = {}

    def staged(
        self, context: str, dockerfile: str, own: tuple[Entry, ...], rules: IgnoreRules, files: tuple[FilesEntry, ...]
    ) -> tuple[tuple[Entry, ...], Staging, list[Finding]]:
        """The whole build context after its ignore rules, sorted by path.

        Args:
            context: the image's folder, relative to the root, and in `own` what counts of it.
            dockerfile: relative to the folder.
        """
        findings: list[Finding] = []
        base = self._files.real(context)
        placed = {entry.path: _Placed(entry, posixpath.normpath(f"{base}/{entry.path}"), None) for entry in own}
        clashes: dict[tuple[FilesEntry, FilesEntry | None], str] = {}
        rule_files = {IGNORE_FILE, f"{dockerfile}{IGNORE_FILE}"}
        roots: list[str] = []
        for item in files:
            problem = self._problem(item)
            if problem is not None:
                findings.append(problem)
                continue
            roots.append(self._files.real(item.source))
            try:
                found = [left for one in self._placed(item) if (left := _kept(one, rules)) is not None]
            except FileProblem as unreadable:
                findings.append(
                    Finding(
                        "unreadable-source",
                        "error",
                        str(unreadable),
                        *item.spot,
                        hint=unreadable.hint,
                        found=item.source,
                        wanted="a file or a folder that can be read",
                    )
                )
                continue
            if all(one.entry.kind == "dir" for one in found):
                sentence = f"nothing of {item.source} is put into the build context {context}"
                hint = "the folder is empty, or ignore rules leave everything out"
                findings.append(
                    Finding("nothing-staged", "warning", sentence, *item.spot, hint=hint, found=item.source)
                )
            for one in found:
                there = placed.setdefault(one.entry.path, one)
                if there is not one and not there.entry.kind == one.entry.kind == "dir":
                    clashes.setdefault((item, there.of), one.entry.path)
                elif there is one and one.entry.path in rule_files:
                    sentence = f"{one.source} would become the ignore file of the build context {context}"
                    hint = f"name it under `ignore`, and put its patterns into {context}/{IGNORE_FILE}"
                    findings.append(
                        Finding("files-clash", "error", sentence, *item.spot, hint=hint, found=one.entry.path)
                    )
        filled = _filled(placed, clashes)
        findings += [_clash(item, other, path, context) for (item, other), path in clashes.items()]
        kept = [placed[path] for path in sorted(placed) if path not in filled]
        staging = Staging(tuple(dict.fromkeys(roots)), tuple((one.source, one.entry.path) for one in kept))
        return tuple(one.entry for one in kept), staging, findings

    def _problem(self, item: FilesEntry) -> Finding | None:
        """Why there is nothing to read, or nothing that may be."""
        if self._files.leads_out(item.source):
            return Finding(
                "leads-outside",
                "error",
                f"{item.source} is a link that leads out of the repository",
                *item.spot,
                hint=HINT,
                found=item.source,
                wanted="a path in the repository",
            )
        if not self._files.is_file(item.source) and not self._files.is_folder(item.source):
            hint = "paths are relative to the root of the stack; make it, or take the entry out"
            return Finding(
                "missing-source",
                "error",
                f"there is no {item.source}",
                *item.spot,
                hint=hint,
                found=item.source,
                wanted="a file or a folder of the repository",
            )
        return None

    def _placed(self, item: FilesEntry) -> Iterator[_Placed]:
        """Every file, link and empty folder of one entry, where it goes."""
        real = self._files.real(item.source)
        if not self._files.is_folder(real):
            path = f"{item.to}/{posixpath.basename(item.source)}" if item.keeps_name else item.to
            found = read_entry(real, item.source, files=self._files)
            yield _Placed(Entry(posixpath.normpath(path), found.kind, found.blob), real, item)
            return
        key = (real, item.ignore)
        if key not in self._read:
            self._read[key] = read_context(real, compile_rules(item.ignore), item.source, self._files)
        if not self._read[key] and item.to != ".":
            yield _Placed(Entry(item.to, "dir", _NOTHING), real, item)
        for entry in self._read[key]:
            path = posixpath.normpath(f"{item.to}/{entry.path}")
            yield _Placed(Entry(path, entry.kind, entry.blob), posixpath.normpath(f"{real}/{entry.path}"), item)


def _kept(one: _Placed, rules: IgnoreRules) -> _Placed | None:
    """What the ignore rules leave of one path: itself, or the nearest folder above it, or nothing."""
    path = one.entry.path
    if not rules.ignores(path):
        return one
    while path := posixpath.dirname(path):
        if not rules.ignores(path):
            return _Placed(Entry(path, "dir", _NOTHING), posixpath.dirname(one.source), one.of)
    return None


def _filled(placed: dict[str, _Placed], clashes: dict[tuple[FilesEntry, FilesEntry | None], str]) -> set[str]:
    """Folders that are not empty any more; where something would lie below a file or a link, that is a clash."""
    filled = set()
    for path, one in placed.items():
        above = posixpath.dirname(path)
        while above:
            there = placed.get(above)
            if there is not None and there.entry.kind == "dir":
                filled.add(above)
            elif there is not None and (item := one.of or there.of) is not None:
                clashes.setdefault((item, there.of if item is one.of else one.of), above)
            above = posixpath.dirname(above)
    return filled


def _clash(item: FilesEntry, other: FilesEntry | None, path: str, context: str) -> Finding:
    second = f"the folder {context}" if other is None else f"{other.source} (line {other.line})"
    sentence = f"{item.source} and {second} would both write {path} into the build context"
    hint = "give it another `to`, or name it under `ignore`"
    return Finding("files-clash", "error", sentence, *item.spot, hint=hint, found=path, wanted="a path of its own")
