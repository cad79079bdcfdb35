# SPDX-License-Identifier: MIT
"""`last_updated.yaml` after a run: written for a whole version matrix that is where the stamp says, or left alone.

In:   Yard, the plan, what happened
Out:  RunSummary with what was written, and why something was not
May touch: the stack's last_updated.yaml files; the registry, one HEAD per version of a file that is to change
Why: docs/reference/versions.md
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from stackyard.check.fixes import Fixed
from stackyard.errors import FileProblem, InvalidValue
from stackyard.load.spec.stamps import read_stamps, rewritten, stale_keys
from stackyard.model.names import Tag, TargetName
from stackyard.model.outcome import BAD, Outcome, RunSummary
from stackyard.model.plan import Plan
from stackyard.model.stack import StampFile
from stackyard.plan.stamps import stamp_of
from stackyard.record.files import write_atomically

if TYPE_CHECKING:
    from stackyard.verbs.yard import Yard


class _Left(Exception):
    """The file is left alone."""


def write_stamps(yard: Yard, plan: Plan, summary: RunSummary) -> RunSummary:
    """The summary, once all files of matrices that this run completed are written."""
    outcomes = {outcome.target: outcome for outcome in summary.outcomes}
    remarks: list[str] = []
    notes: list[str] = []
    for file in yard.stack.stamp_files:
        try:
            if _write(yard, plan, file, outcomes, summary.is_interrupted):
                remarks.append(f"{file.path} is written")
        except _Left as why:
            if any(_is_work(outcomes.get(name)) for name in file.targets):
                remarks.append(f"{file.path} is left as it is: {why}")
        except OSError as error:
            notes.append(f"{file.path} could not be written: {error.strerror or error}")
        except (FileProblem, InvalidValue) as error:
            notes.append(f"{file.path} could not be written: {error}")
    return msgspec.structs.replace(summary, remarks=(*summary.remarks, *remarks), notes=(*summary.notes, *notes))


def _is_work(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.status not in ("reused", "skipped")


def _write(
    yard: Yard, plan: Plan, file: StampFile, outcomes: Mapping[TargetName, Outcome], is_interrupted: bool
) -> bool:
    """Whether the file was changed; _Left where it may not be."""
    if is_interrupted:
        raise _Left("the run was interrupted")
    if not plan.is_publishing and yard.stack.has_registry:
        raise _Left("nothing was pushed (`stackyard build --push` does)")
    updates: dict[str, str] = {}
    for name in file.targets:
        outcome = outcomes.get(name)
        if outcome is None or outcome.status in (*BAD, "skipped"):
            raise _Left(f"{name} {'failed' if outcome and outcome.status in BAD else 'is not part of this run'}")
        target, step = yard.stack.target(name), plan.step(name)
        stamp = stamp_of(target, yard.stack, step)
        if stamp is None:
            raise _Left(f"{name} has no stamp")
        updates[str(name.version)] = stamp
    path = yard.root / file.path
    if not _is_inside(yard, file):
        raise _Left("it leads out of the repository")
    before = path.read_bytes() if path.exists() else b""
    after = rewritten(before.decode("utf-8"), updates).encode("utf-8")
    if after == before:
        return False
    for name, tag in _tags(yard, plan, file):
        _verify(yard, plan, name, tag, outcomes[name])
    write_atomically(str(path), after)
    return True


def _is_inside(yard: Yard, file: StampFile) -> bool:
    """Whether the file, links followed, is in the stack's own folder."""
    root = os.path.realpath(yard.root)
    return os.path.realpath(os.path.join(root, file.path)).startswith(f"{root}{os.sep}")


def _tags(yard: Yard, plan: Plan, file: StampFile) -> Iterator[tuple[TargetName, Tag]]:
    """The stamped tag of each version."""
    for name in file.targets:
        step = plan.step(name)
        stamp = stamp_of(yard.stack.target(name), yard.stack, step)
        yield from ((name, tag) for tag in step.fixed_tags[:1] if stamp is not None)


def _verify(yard: Yard, plan: Plan, name: TargetName, tag: Tag, outcome: Outcome) -> None:
    """The tag is where it is wanted, on the image of this run."""
    repository = yard.stack.target(name).repository
    there = yard.tags("registry" if plan.is_publishing else "engine").resolve(repository, tag)
    published = outcome.published
    wanted = published.reference.digest if plan.is_publishing and published else None
    if there is None or (wanted is not None and there != wanted):
        raise _Left(f"{repository}:{tag} is {'nowhere' if there is None else 'another image'}")


def prune_stamps(yard: Yard) -> list[Fixed]:
    """Take stamps of versions that images no longer have out of their files; what was taken out."""
    done = []
    for file in yard.stack.stamp_files:
        path = yard.root / file.path
        if not path.exists() or not _is_inside(yard, file):
            continue
        before = path.read_bytes()
        stamps, found = read_stamps(before, file.path)
        if any(finding.level == "error" for finding in found):
            continue  # told as such; a file that is not understood is left alone
        stale = stale_keys(stamps, [str(name.version) for name in file.targets])
        after = rewritten(before.decode("utf-8"), {}, stale).encode("utf-8")
        if stale and after != before:
            write_atomically(str(path), after)
            done += [
                Fixed("stale-stamp", file.path, entry.line, f"took out the stamp of {entry.key!r}")
                for entry in stamps.entries
                if entry.key in stale
            ]
    return done
