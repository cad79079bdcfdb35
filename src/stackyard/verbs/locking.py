# SPDX-License-Identifier: MIT
"""Locks: from a commit and a time to lock files, and what can be said of those that are there.

In:   Yard, words of a person
Out:  LockPlan, LockSummary
May touch: git, a resolver and the indexes it asks; a temporary folder; with `make` the lock files
Raises: UnknownName, ConfigError, NoHistory, FileProblem (inputs), ToolMissing
Why:  docs/explanation/locks.md
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from stackyard.check.findings import refuse_errors
from stackyard.edges import machine
from stackyard.edges.git_commit import CommitFiles, commit_of, differing
from stackyard.errors import ConfigError, NothingToDo, UnknownName, WorldError
from stackyard.lock.answers import lock_file, merged
from stackyard.lock.comparing import changes_between, is_same
from stackyard.model.lock import LockSet, LockTime
from stackyard.model.lockfile import LockFile
from stackyard.model.locking import Answer, LockOutcome, LockPlan, LockStep, LockSummary, SetPlan
from stackyard.model.names import nearest
from stackyard.record.files import write_atomically
from stackyard.verbs.lockers import Locker, Resolvers, locker_of
from stackyard.verbs.yard import Yard

_CODES = ("wrong-value", "lock-of-nothing", "lock-python")


class Wish(msgspec.Struct, frozen=True):
    """What a person asks for."""

    words: tuple[str, ...] = ()
    """Sets, or images that use them; none: all."""
    at: str | None = None
    """None: what is checked out."""
    time: str | None = None
    """None: that of the lock as it is, so that only changed inputs change it; now where there is none."""
    upgrades: tuple[str, ...] = ()
    """Only these packages may change."""
    refresh: bool = False
    """Now, whatever the locks say."""
    check: bool = False
    """Write nothing, and tell which locks are not what their inputs and time give."""
    if_changed: bool = False
    """Leave a lock alone, header too, where it would pin the same."""
    all_or_nothing: bool = False
    dry: bool = False
    """Write nothing."""


class _Work(msgspec.Struct):
    """A set with all that its locks are made from."""

    lock: LockSet
    locker: Locker
    plan: SetPlan
    bounded_by: tuple[LockSet, ...]
    """Sets whose locks bound it, which are made before."""

    @property
    def needs(self) -> list[str]:
        """Their lock files that do."""
        outputs = {target.output for other in self.bounded_by for target in other.targets}
        return sorted(outputs & {*self.lock.constraints})


def plan_locks(yard: Yard, wish: Wish) -> LockPlan:
    """Everything that would be asked, and where the answers would go; nobody is asked."""
    with _opened(yard, wish, Resolvers(yard.options.environ)) as (commit, works):
        return LockPlan(commit.commit, tuple(work.plan for work in works))


def make(yard: Yard, wish: Wish, resolvers: Resolvers | None = None) -> LockSummary:
    """Resolve, several locks at a time, and write what is new; a lock that fails stays what it was."""
    with contextlib.ExitStack() as opened:
        asked = resolvers or Resolvers(yard.options.environ)
        commit, works = opened.enter_context(_opened(yard, wish, asked))
        opened.callback(asked.close)
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="stackyard-lock-")))
        made = _made(yard, wish, works, asked, commit.commit, folder)
    is_held = wish.all_or_nothing and any(outcome.state == "failed" for outcome, _ in made)
    outcomes = []
    for outcome, fresh in made:
        if fresh is None:
            outcomes.append(outcome)
        elif is_held:
            outcomes.append(msgspec.structs.replace(outcome, state="held-back"))
        else:
            if not (wish.check or wish.dry):
                path = yard.root / outcome.target.output
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(str(path), str(fresh).encode())
            outcomes.append(outcome)
    return LockSummary(LockPlan(commit.commit, tuple(work.plan for work in works)), tuple(outcomes))


def chosen(yard: Yard, words: Sequence[str]) -> tuple[LockSet, ...]:
    """The sets that words name: by their own name, or by an image that uses them."""
    stack = yard.stack
    refuse_errors(msgspec.structs.replace(stack, findings=tuple(f for f in stack.findings if f.code in _CODES)))
    if not stack.locks:
        hint = "declare them in the spec, under `locks:` or as an image's `lock:`"
        raise NothingToDo("the stack declares no locks", hint=hint)
    found: dict[str, LockSet] = {}
    for word in words:
        fitting = [lock for lock in stack.locks if word == lock.name or word in lock.images]
        if not fitting:
            names = [lock.name for lock in stack.locks]
            near = nearest(word, names)
            hint = f"did you mean {near!r}?" if near else f"there are: {', '.join(names)}"
            raise UnknownName(f"no lock is called {word!r}, and no image of that name has one", hint=hint, near=near)
        found.update({lock.name: lock for lock in fitting})
    return tuple(found.values()) or stack.locks


def read_lock(yard: Yard, path: str) -> str | None:
    """The text of a lock file as it is; None where there is none."""
    try:
        return (yard.root / path).read_text(encoding="utf-8", errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return None


@contextlib.contextmanager
def _opened(yard: Yard, wish: Wish, resolvers: Resolvers) -> Iterator[tuple[CommitFiles, list[_Work]]]:
    sets = chosen(yard, wish.words)
    commit = commit_of(yard.root, wish.at or "HEAD")
    resolvers.bounds = {target.output: None for lock in sets if lock.kind == "conda" for target in lock.targets}
    with CommitFiles(yard.root, commit) as files:
        bounded = {lock.name: tuple(_bounding(lock, sets)) for lock in sets}
        linked = {each.name for lock in sets if bounded[lock.name] for each in (lock, *bounded[lock.name])}
        times = {lock.name: _time(yard, lock, wish) for lock in sets}
        if linked:  # one T for those: the command that makes them again has one
            times |= dict.fromkeys(linked, max(times[name] for name in linked))
        works = []
        for lock in sets:
            locker = locker_of(lock, files, resolvers, yard)
            changed = differing(yard.root, {*locker.files} - resolvers.bounds.keys()) if wish.at is None else []
            plan = locker.planned(times[lock.name], wish.upgrades, changed)
            works.append(_Work(lock, locker, plan, bounded[lock.name]))
        yield files, works


def _bounding(lock: LockSet, sets: Sequence[LockSet]) -> Iterator[LockSet]:
    """Those of `sets` that a set's `constraints` name a lock of."""
    for other in sets:
        if other.kind == "conda" and any(target.output in lock.constraints for target in other.targets):
            yield other


def _time(yard: Yard, lock: LockSet, wish: Wish) -> LockTime:
    """T: as it was asked for; else that of the locks as they are; else now."""
    now = LockTime.parse(yard.clock.now())
    if wish.time is not None:
        time = LockTime.parse(wish.time)
        if time > now:
            raise ConfigError(f"{time} is still to come: it is {now}", hint="leave --time out for now", time=str(time))
        return time
    if wish.refresh or wish.upgrades:
        return now
    texts = (read_lock(yard, target.output) for target in lock.targets)
    times = {known.time for text in texts if text is not None and (known := LockFile.of(text)).is_ours}
    return LockTime.parse(max(times)) if times else now


_Made = tuple[LockOutcome, LockFile | None]
"""What came of a step, and what is to be written."""


def _made(yard: Yard, wish: Wish, works: Sequence[_Work], resolvers: Resolvers, at: str, folder: Path) -> list[_Made]:
    """All sets, those that bound others first."""
    found: dict[str, list[_Made]] = {}
    for stage in ([work for work in works if not work.bounded_by], [work for work in works if work.bounded_by]):
        ready = []
        for work in stage:
            lacking = [path for path in work.needs if resolvers.bounds[path] is None]
            if lacking:
                words = f"it is bounded by {lacking[0]}, which could not be made"
                found[work.lock.name] = [
                    (LockOutcome(work.lock.name, step.target, "failed", words=words), None) for step in work.plan.steps
                ]
                continue
            own = folder / str(len(list(folder.iterdir())))
            own.mkdir()
            work.locker.prepare(own)
            ready.append(work)
        for outcome, fresh in _resolved(yard, wish, ready, resolvers, at):
            found.setdefault(outcome.set, []).append((outcome, fresh))
            if outcome.target.output in resolvers.bounds and outcome.state != "failed":
                resolvers.bounds[outcome.target.output] = str(fresh or read_lock(yard, outcome.target.output) or "")
    return [each for work in works for each in found[work.lock.name]]


def _resolved(yard: Yard, wish: Wish, works: Sequence[_Work], resolvers: Resolvers, at: str) -> list[_Made]:
    """All steps, as many at a time as the machine has cores."""
    versions = [work.locker.resolver() if any(step.asks for step in work.plan.steps) else "" for work in works]
    with ThreadPoolExecutor(max(2, machine.cores())) as pool:
        waiting = []
        for work, version in zip(works, versions, strict=True):
            for step in work.plan.steps:
                text = read_lock(yard, step.target.output)
                known = LockFile.of(text) if text is not None else None
                has_say = known is not None and (step.upgrades or (wish.check and known.kept))
                asked = {
                    platform: pool.submit(work.locker.answer, step, platform, known if has_say else None)
                    for platform, _ in step.asks
                }
                waiting.append((work, step, text, asked, version))
        try:
            answered = [
                (work, step, text, {name: each.result() for name, each in asked.items()}, version)
                for work, step, text, asked, version in waiting
            ]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            resolvers.close()
            raise
    unbuilt: dict[str, set[str]] = {}
    for work, _, _, answers, _ in answered:
        unbuilt.setdefault(work.lock.name, set()).update(name for each in answers.values() for name in each.unbuilt)
    return [
        _outcome(wish, work, step, text, answers, version, at, sorted(unbuilt[work.lock.name]))
        for work, step, text, answers, version in answered
    ]


def _outcome(
    wish: Wish,
    work: _Work,
    step: LockStep,
    text: str | None,
    answers: Mapping[str, Answer],
    version: str,
    at: str,
    unbuilt: Sequence[str],
) -> _Made:
    """What came of one file.

    Args:
        unbuilt: packages whose code would have to run for some file of the set.
    """
    lock, target = work.lock, step.target
    known = LockFile.of(text) if text is not None else LockFile(())
    if step.is_carried:
        if text is None:
            words = f"nothing can be resolved for Python {target.python}, and there is no {target.output} to carry"
            hint = "freeze it once in a container, and commit the file"
            return LockOutcome(lock.name, target, "failed", words=words, hint=hint), None
        return LockOutcome(lock.name, target, "carried", len(known.pins)), None
    failed = next((each for each in answers.values() if each.words), None)
    if failed is not None:
        line = f"allow_build: [{', '.join((*lock.allow_build, *unbuilt))}]"
        advice = f"if that code may run here: {line}" if failed.unbuilt else failed.hint
        return LockOutcome(lock.name, target, "failed", words=failed.words, hint=advice), None
    kept = f"all but {', '.join(step.upgrades)} as in the lock {known.body_digest}" if step.upgrades else ""
    try:
        pins = merged({name: each.pins for name, each in answers.items()})
    except WorldError as problem:
        return LockOutcome(lock.name, target, "failed", words=str(problem), hint=problem.hint), None
    fresh = lock_file(lock, step, at, version, pins, kept, tuple(other.name for other in work.bounded_by))
    changes = changes_between(known, fresh)
    count = len(fresh.pins)
    if wish.check:
        is_good = text is not None and str(_with_head_of(fresh, known, wish)) == text
        return LockOutcome(lock.name, target, "same" if is_good else "differs", count, changes), None
    if text is not None and (str(fresh) == text or (wish.if_changed and known.is_ours and is_same(known, fresh))):
        return LockOutcome(lock.name, target, "unchanged", count), None
    return LockOutcome(lock.name, target, "outdated" if wish.dry else "written", count, changes), fresh


def _with_head_of(fresh: LockFile, known: LockFile, wish: Wish) -> LockFile:
    """The lock as a check expects it: another commit of equal inputs, and another resolver, are no difference."""
    if wish.at is not None and known.at != fresh.at:
        return fresh
    return msgspec.structs.replace(fresh, at=known.at, resolver=known.resolver, again=known.again, kept=known.kept)
