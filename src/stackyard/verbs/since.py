# SPDX-License-Identifier: MIT
"""`plan --since`: the stack against itself at another commit.

In:   a folder, Options, what a person wrote after --since
Out:  Plan
May touch: git and disk; no records, engine, registry or network
Beside: verbs/__init__.py, which is imported for every command; this is not
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from stackyard.check.findings import refuse_errors
from stackyard.edges import git
from stackyard.edges.clock import SystemClock
from stackyard.edges.git_tree import Blobs, Listing, compared, folders_of, listing_of, listing_of_work_tree
from stackyard.errors import ConfigError, FileProblem, NotAStack
from stackyard.load.alike import Loader
from stackyard.load.memory import Memory
from stackyard.load.stack import load_stack
from stackyard.load.tree.listed import TreeFiles
from stackyard.load.tree.place import Place, find, place_in
from stackyard.load.unseen import unseen_findings
from stackyard.model.decide import FORCED
from stackyard.model.plan import Plan, Since
from stackyard.model.stack import Revision, Stack
from stackyard.model.trees import Folders, in_folders
from stackyard.plan.selection import choose
from stackyard.plan.since import compare_stacks
from stackyard.verbs.policy import idle_plan, ruling_of
from stackyard.verbs.snapshot import keep, memory_for
from stackyard.verbs.yard import STATE_FOLDER, Options, revision_of, settings_for, stamp_of

MANY = 4000
"""From so many files on, what was read is kept for the next command."""


def plan_since(
    start: Path,
    options: Options,
    reference: str,
    images: Sequence[str] = (),
    rebuild: Sequence[str] = (),
    only: bool = False,
    with_children: bool = False,
    is_brief: bool = False,
) -> Plan:
    """What has to be done because of what changed since `reference`: `REF`, `REF...`, `A..B`, `A...B`.

    Both sides are trees: a commit's, and the work tree as a commit of it would be, or B's.

    Args:
        is_brief: whether no more is asked of the plan than a table shows.
    """
    place = find(start, options.images)
    two = compared(place.root, reference)
    listing = listing_of(place.root, two.now) if two.now else listing_of_work_tree(place.root)
    revision = Revision(two.now, None, False) if two.now else revision_of(place, options, listing.status)
    revision = msgspec.structs.replace(revision, stamp=stamp_of(options, SystemClock()))
    settings = settings_for(place, options)
    with ExitStack() as opened:
        files = _Files(place, options, opened)
        memory = _memory(place, options, len(listing.rows), is_brief)
        loader = Loader(settings, memory)
        there = files.at(listing)
        if there is None:
            raise NotAStack(
                f"there is no stack at {reference.rpartition('..')[2]}", hint="name two commits that have it"
            )
        now = loader.stack(there, revision)
        refuse_errors(now)
        ruling = ruling_of(now, place.root, options.ci, publish=False)
        if ruling.left_alone:
            return idle_plan(now, ruling)
        then = _then(files, two.then, reference, lambda before: loader.stack(before, revision))
        paths = git.unseen_of(listing.untracked, listing.ignored, place.root)
        modules = git.absent_modules(place.root) if two.now is None else ()
        unseen = unseen_findings(there, now, paths.untracked, paths.ignored, modules)
        now = msgspec.structs.replace(now, findings=(*now.findings, *unseen))
        since = Since(reference, two.then, two.now, is_all_told=not files.has_modules)
        chosen = choose(now, images, ruling.rebuilt(rebuild), only, with_children)
        whole = revision.branch if ruling.is_whole else None
        planned = compare_stacks(ruling.stack_for(now), then, since, chosen, ruling.forced_by or FORCED, whole)
        if len(listing.rows) >= MANY:
            keep(place.root / STATE_FOLDER, memory)
    return msgspec.structs.replace(planned, notes=ruling.notes)


def stack_at(place: Place, options: Options, reference: str, revision: Revision) -> Stack:
    """The stack as its files were at a commit, named as on the branch of `revision`."""
    if ".." in reference:
        raise ConfigError(f"{reference!r} is more than one commit", hint="name one: HEAD, v1.9.0, 1f0c9a2")
    commit = compared(place.root, reference).then
    revision, settings = msgspec.structs.replace(revision, commit=commit, is_dirty=False), settings_for(place, options)
    with ExitStack() as opened:
        files = _Files(place, options, opened)
        found = _then(files, commit, reference, lambda there: load_stack(there, revision, settings))
    if found is None:
        raise NotAStack(f"there is no stack at {reference} ({commit[:7]})", hint="name a commit that has it")
    return found


def _memory(place: Place, options: Options, files: int, is_brief: bool) -> Memory:
    """What earlier commands read, where there is much to read; else what this one does."""
    if files < MANY:
        return Memory()
    state = place.root / STATE_FOLDER
    return memory_for(state, is_given=bool(options.build_args), reads_later=is_brief) or Memory()


class _Files:
    """The files of the same stack at one moment, and at others."""

    def __init__(self, place: Place, options: Options, opened: ExitStack) -> None:
        self._place = place
        self._is_named = options.images is not None
        self._opened = opened
        self._below = git.path_in_repository(place.root)
        self._known: tuple[Listing, Folders, Blobs] | None = None
        self.has_modules = False
        """Whether there are submodules in any."""

    def at(self, listing: Listing) -> Place | None:
        """The stack in a listing, if there is one."""
        blobs = self._opened.enter_context(Blobs(self._place.root, listing))
        folders = in_folders(listing.rows)
        self._known = (listing, folders, blobs)
        self.has_modules |= listing.has_modules
        return self._of(folders, blobs)

    def at_commit(self, commit: str) -> Place | None:
        """The stack at a commit: where another was listed, only what differs is listed, too."""
        if self._known is not None:
            listing, folders, blobs = self._known
            if listing.commit and not listing.modules:
                other = folders_of(self._place.root, commit, listing.commit, folders)
                if other is not None:
                    return self._of(other, blobs)
        return self.at(listing_of(self._place.root, commit))

    def _of(self, folders: Folders, blobs: Blobs) -> Place | None:
        return place_in(TreeFiles(folders, blobs.read, self._below), self._place, self._is_named)


def _then(files: _Files, commit: str, reference: str, read: Callable[[Place], Stack]) -> Stack | None:
    """The stack at the commit, named as it would be named now: the names of tags are no difference."""
    try:
        there = files.at_commit(commit)
        return None if there is None else read(there)
    except (FileProblem, NotAStack) as problem:
        raise ConfigError(
            f"the stack at {reference} ({commit[:7]}) cannot be read: {problem}",
            hint="name a commit at which it could be read",
        ) from None
