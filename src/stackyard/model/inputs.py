# SPDX-License-Identifier: MIT
"""What a target is made from, and the two fingerprints over it.

In:   one target's own inputs, and facts about its parents and bases
Out:  digests; differences between two sets of inputs, as reasons
Pure: no disk, no clock. Why: docs/explanation/fingerprints.md
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, Protocol

import msgspec

from stackyard.model import canonical
from stackyard.model.hashing import sha1
from stackyard.model.names import Digest, Name, TargetName
from stackyard.model.reason import (
    ArgumentChanged,
    BaseMoved,
    Change,
    DefinitionChanged,
    FileChanged,
    ParentChanged,
    Reason,
)

DEFINITION = 1
"""Version of the recipe below. A record keeps its inputs, so a new version recomputes and rebuilds nothing."""

EPOCH = 315532800
"""Seconds since 1970 that engines are given as the time of everything: 1980-01-01, the first that a zip can hold.

A constant, because an epoch that moves with commits would restamp every layer.
"""


TEST_FOLDERS = ("test", "integration_tests", "workflow_tests", "manual_tests", "tests_common")
"""Folders of tests by convention: no part of an image unless an instruction reads them."""


class BlobId(Name):
    """git's id of a file's bytes: sha1 over `blob <length>`, a NUL and the bytes."""

    __slots__ = ()
    kind = "blob id"
    form = re.compile(r"[0-9a-f]{40}")

    @classmethod
    def of(cls, data: bytes) -> BlobId:
        """The id of `data`."""
        return cls(sha1(b"blob %d\0" % len(data) + data))


EntryKind = Literal["file", "exec", "link", "dir"]


class Entry(msgspec.Struct, frozen=True, order=True):
    """One path that counts: relative and posix; `dir` is an empty folder, `link` has its target's text as content."""

    path: str
    kind: EntryKind
    blob: BlobId


class Inputs(msgspec.Struct, frozen=True):
    """Everything of its own that one target is made from; times, owners and checkout paths are not in it."""

    dockerfile: BlobId
    """Of what engines see of it, up to its stage: comments and empty lines say nothing."""
    context: tuple[Entry, ...]
    """Entries of the build context that count, sorted by path; the Dockerfile is one where it is copied."""
    everywhere: tuple[Entry, ...] = ()
    """Files that the stack's owner said rebuild everything (`BuildAll`), below the images folder, sorted."""
    args: tuple[tuple[str, str], ...] = ()
    """Build arguments whose value can become content, sorted; values that look secret are keyed hashes."""
    labels: tuple[tuple[str, str], ...] = ()
    bases: tuple[str, ...] = ()
    """External references in canonical form, sorted."""
    parents: tuple[TargetName, ...] = ()
    uses: tuple[str, ...] = ()
    """What stands where the Dockerfile has a variable or a parent, file order: two bases that change places count."""
    platform: str = ""
    stage: str = ""
    """The stage that is the image, where it has a name: the last, unless the spec says so."""
    network: str = ""
    """Of RUN, where it is not the engine's default."""
    secrets: tuple[str, ...] = ()
    """Ids of secrets that the build mounts; no value, in no form."""
    locks: tuple[Entry, ...] = ()
    """Lock files that the image uses and that are no entries of its build context that count, by paths relative to
    the stack's root, sorted."""
    epoch: int = EPOCH
    definition: int = DEFINITION
    downloads: tuple[str, ...] = ()
    """Addresses that ADD fetches without a word of what must come, sorted. In no digest of these inputs, as Dockerfile
    and arguments say them; what each gives is a fact of the build fingerprint, once it was accepted.
    """
    aside: tuple[tuple[str, str], ...] = ()
    """Why these inputs and no others: rules of the stack (`RULES`), arguments that FROM alone reads. Explains a
    difference, is in no digest: what they bring about counts, and they do not.
    """


class Places(msgspec.Struct, frozen=True):
    """Where the files of a target lie, as a person at the stack's root types them; folders are normal, `.` the root."""

    dockerfile: str = "Dockerfile"
    context: str = "."
    images: str = "images"
    elsewhere: Mapping[str, str] = {}
    """Paths of the build context that come from somewhere else, and where that is."""

    def of_entry(self, path: str) -> str:
        """Of an entry of the build context."""
        return self.elsewhere.get(path) or _below(self.context, path)

    def of_everywhere(self, path: str) -> str:
        """Of a file that `BuildAll` names."""
        return _below(self.images, path)


def _below(folder: str, path: str) -> str:
    return path if folder == "." else f"{folder}/{path}"


RULES = {"granularity": "folder", "ChangeIgnore": "nothing"}
"""What says which entries of a build context count, and what that is where nobody says."""

ASIDE_ARG = "ARG "
"""Begins the name of an argument in `Inputs.aside`."""


def identity(inputs: Inputs) -> Digest:
    """A digest of all that counts of them; under it records keep them."""
    return canonical.digest(_counted(inputs))


def _counted(inputs: Inputs) -> dict[str, object]:
    counted = msgspec.structs.asdict(inputs)
    del counted["aside"], counted["downloads"]
    return counted


def source_fingerprint(inputs: Inputs, parents: Mapping[TargetName, Digest]) -> Digest:
    """Did anything that leads here change? Offline; never decides a reuse.

    Args:
        parents: source fingerprints of the parents; all must be present.
    """
    return canonical.digest(
        {"of": "source", "inputs": _counted(inputs), "parents": [(name, parents[name]) for name in inputs.parents]}
    )


class HasInputs(Protocol):
    """What knows what it is made of: a target."""

    @property
    def inputs(self) -> Inputs:
        """It."""


class SourceFingerprints(Mapping[TargetName, Digest]):
    """Those of all targets, each worked out when somebody asks for it: a table of ten thousand steps shows none.

    Args:
        made: what each target and all its parents are made of, none of which leads back to it.
    """

    def __init__(self, made: Mapping[TargetName, HasInputs]) -> None:
        self._made = made
        self._found: dict[TargetName, Digest] = {}

    def __getitem__(self, name: TargetName) -> Digest:
        todo = [] if name in self._found else [name]
        while todo:
            inputs = self._made[todo[-1]].inputs
            missing = [parent for parent in inputs.parents if parent not in self._found]
            if missing:
                todo += missing
            else:
                self._found[todo.pop()] = source_fingerprint(inputs, self._found)
        return self._found[name]

    def __iter__(self) -> Iterator[TargetName]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def build_fingerprint(inputs: Inputs, parents: Mapping[TargetName, Digest], accepted: Mapping[str, Digest]) -> Digest:
    """The exact identity of a build: own inputs, with facts in place of promises.

    Args:
        parents: content digests of the parents' chosen records; all must be present.
        accepted: accepted digest of each external base, by canonical reference; all must be present. And of each
            download, as far as somebody could tell what it gives.
    """
    facts: dict[str, object] = {
        "of": "build",
        "inputs": _counted(inputs),
        "parents": [(name, parents[name]) for name in inputs.parents],
        "bases": [(reference, accepted[reference]) for reference in inputs.bases],
    }
    if downloads := [(address, accepted[address]) for address in inputs.downloads if address in accepted]:
        facts["downloads"] = downloads
    return canonical.digest(facts)


_SECRET_NAME = re.compile(
    r"(^|_)(TOKENS?|PASSWORDS?|PASSWD|PASSPHRASE|PASS|PAT|SECRETS?|CREDENTIALS?"
    r"|(API|PRIVATE|ACCESS|SSH|DEPLOY|SIGNING|ENCRYPTION)_?KEY)(_|$)",
    re.I,
)
_SECRET_VALUE = re.compile(
    r"://[^/@\s:]*:[^/@\s]+@"  # a password in a URL, with a user or without
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(gh[opsur]_|github_pat_|glpat-|dckr_pat_|npm_|hf_|pypi-|xox[abp]-)[A-Za-z0-9_-]{16}"
    r"|\b(AKIA|ASIA)[A-Z0-9]{16}\b"
)


_LOGIN = re.compile(r"^https?://[^/?#]*@", re.I)


def looks_secret(name: str, value: str) -> bool:
    """Whether a build argument is, by its name or the form of its value, something nobody may read."""
    return _is_secret_name(name) or _SECRET_VALUE.search(value) is not None


_SECRET_TEXT = re.compile(rf"(?:{_SECRET_VALUE.pattern})[A-Za-z0-9_-]*(?:(?<=KEY)[\s\S]*)?")


def censored(text: str) -> str:
    """`text` without what is secret by its own form, wherever in it: a login in an address, a token, a key.

    >>> censored("pip install -i https://me:pw@host/simple x")
    'pip install -i https://(hidden)@host/simple x'
    """
    return _SECRET_TEXT.sub(_hidden_text, text)


def _hidden_text(found: re.Match[str]) -> str:
    return "://(hidden)@" + found[0].partition("@")[2] if found[0].startswith("://") else "(hidden)"


@functools.lru_cache(maxsize=1024)
def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def comparable(name: str, value: str, rounds: int = 2**14) -> str:
    """`value` as inputs hold it: itself, or where it looks secret a hash keyed with its name.

    Records are shared, and their key with them, so the hash is one that is slow on purpose: a weak
    secret costs a guesser 16 MB and tens of milliseconds a guess.

    Args:
        rounds: fewer are for tests only; hashes of other rounds are other hashes.
    """
    return _hidden(name, value, rounds) if looks_secret(name, value) else value


@functools.lru_cache(maxsize=256)
def _hidden(name: str, value: str, rounds: int) -> str:
    import hashlib  # loads OpenSSL: few stacks have secrets

    salt = f"stackyard {name}".encode()
    return "hidden:" + hashlib.scrypt(value.encode(), salt=salt, n=rounds, r=8, p=1, dklen=32).hex()


def masked(text: str, args: Iterable[tuple[str, str]]) -> str:
    """`text` for people, without the values of arguments that look secret."""
    for name, value in args:
        if value and looks_secret(name, value):
            text = text.replace(value, "(hidden)")
    return text


def holds_secret(address: str, args: Iterable[tuple[str, str]]) -> bool:
    """Whether an address has something in it that nobody may read: a login, or the value of a secret argument."""
    return bool(_LOGIN.search(address) or _SECRET_VALUE.search(address)) or masked(address, args) != address


def differences(wanted: Inputs, known: Inputs, places: Places) -> Iterator[Reason]:
    """Each difference of own inputs, nearest cause first: the stage, files, arguments, bases, the rest."""
    yield from _changed(wanted, known, ("stage",))
    # A file may count twice: a Dockerfile that is copied, one of `BuildAll` that is.
    yield from dict.fromkeys(_file_changes(wanted, known, places))
    yield from _argument_changes(dict(wanted.args), dict(known.args))
    if any(getattr(wanted, field) != getattr(known, field) for field in ("uses", "bases", "parents")):
        yield from _argument_changes(_aside_args(wanted), _aside_args(known))
    for reference in sorted(set(wanted.bases) ^ set(known.bases)):
        yield BaseMoved(
            reference,
            None if reference not in known.bases else "used",
            "used" if reference in wanted.bases else None,
        )
    for name in sorted(set(wanted.parents) ^ set(known.parents)):
        yield ParentChanged(name, "used" if name in known.parents else None, "used" if name in wanted.parents else None)
    if set(wanted.bases) == set(known.bases) and set(wanted.parents) == set(known.parents):
        yield from _place_changes(wanted.uses, known.uses)
    yield from _changed(wanted, known, ("labels", "platform", "network", "secrets", "epoch", "definition"))


def _changed(wanted: Inputs, known: Inputs, fields: tuple[str, ...]) -> Iterator[Reason]:
    for field in fields:
        now, was = getattr(wanted, field), getattr(known, field)
        if now != was:
            yield DefinitionChanged(field, _told(was), _told(now))


def _place_changes(now: tuple[str, ...], was: tuple[str, ...]) -> Iterator[Reason]:
    """What stands where: only the places that differ, where there are as many as before."""
    if len(now) == len(was):
        for new, old in zip(now, was, strict=True):
            if new != old:
                yield DefinitionChanged("uses", old, new)
    else:
        yield DefinitionChanged("uses", _told(was), _told(now))


def _file_changes(wanted: Inputs, known: Inputs, places: Places) -> Iterator[Reason]:
    # Of another stage other lines of the file are seen, which says nothing of whether they were edited.
    if wanted.dockerfile != known.dockerfile and wanted.stage == known.stage:
        yield FileChanged(places.dockerfile, "changed")
    yield from _context_changes(wanted, known, places)
    for path, change in _entry_changes(wanted.everywhere, known.everywhere):
        yield FileChanged(places.of_everywhere(path), change)
    for path, change in _entry_changes(wanted.locks, known.locks):
        yield FileChanged(path, change)


def _context_changes(wanted: Inputs, known: Inputs, places: Places) -> Iterator[Reason]:
    """What differs in the build context, edits first: a path that came or went may have been there all the time."""
    changes = list(_entry_changes(wanted.context, known.context))
    moved = [change for change in changes if change[1] in ("added", "removed")]
    rules = list(_rule_changes(wanted, known)) if moved else []
    yield from rules
    yield from (FileChanged(places.of_entry(path), change) for path, change in changes if (path, change) not in moved)
    links = _links(wanted) ^ _links(known)
    is_chosen = bool(rules or links) or _is_chosen_anew(wanted, known, {path for path, _ in changes})
    sure = [each for each in moved if not is_chosen or (each[0] in links and not rules)]
    yield from (FileChanged(places.of_entry(path), change) for path, change in sure)
    for path, change in moved:
        if (path, change) not in sure:
            yield FileChanged(places.of_entry(path), "counts" if change == "added" else "counts-no-more")


def _rule_changes(wanted: Inputs, known: Inputs) -> Iterator[Reason]:
    now, was = dict(wanted.aside), dict(known.aside)
    for rule, default in RULES.items():
        if now.get(rule) != was.get(rule):
            yield DefinitionChanged(rule, was.get(rule, default), now.get(rule, default))


def _is_chosen_anew(wanted: Inputs, known: Inputs, changed: set[str]) -> bool:
    """Whether other paths may count than before though none came or went: the file that says so is another one."""
    if any(path.endswith(".dockerignore") for path in changed):
        return True
    follows = "granularity" in dict(wanted.aside)
    return follows and (wanted.dockerfile, wanted.args) != (known.dockerfile, known.args)


def _links(inputs: Inputs) -> set[str]:
    """Through a link anything can be reached: then everything counts."""
    return {entry.path for entry in inputs.context if entry.kind == "link"}


def _aside_args(inputs: Inputs) -> dict[str, str]:
    return {name.removeprefix(ASIDE_ARG): value for name, value in inputs.aside if name.startswith(ASIDE_ARG)}


def _told(value: object) -> str:
    """A value as people write it: `title=lab, source=https://...`."""
    if not isinstance(value, tuple):
        return str(value) or "nothing"
    return ", ".join("=".join(item) if isinstance(item, tuple) else str(item) for item in value) or "nothing"


def _entry_changes(now: tuple[Entry, ...], was: tuple[Entry, ...]) -> Iterator[tuple[str, Change]]:
    before = {entry.path: entry for entry in was}
    for entry in now:
        old = before.pop(entry.path, None)
        if old is None:
            yield entry.path, "added"
        elif old.kind != entry.kind and {old.kind, entry.kind} != {"file", "exec"}:
            yield entry.path, "file" if entry.kind == "exec" else entry.kind
        elif old.blob != entry.blob:
            yield entry.path, "changed"
        elif old.kind != entry.kind:
            yield entry.path, "mode"
    for path in before:
        yield path, "removed"


def _argument_changes(now: dict[str, str], was: dict[str, str]) -> Iterator[Reason]:
    for name in sorted(now.keys() | was.keys()):
        if now.get(name) != was.get(name):
            yield ArgumentChanged(name, _shown(was.get(name)), _shown(now.get(name)))


def _shown(value: str | None) -> str | None:
    return "(hidden)" if value is not None and value.startswith("hidden:") else value
