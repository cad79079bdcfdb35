# SPDX-License-Identifier: MIT
"""What a plan would save if `BuildAll` did not name tests: the stack's owner asked for it, and may not know the price.

In:   Stack, the steps of a plan
Out:  a notice, where images are built for tests alone that they do not copy
Pure. Why: docs/explanation/fingerprints.md
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from stackyard.model.inputs import TEST_FOLDERS
from stackyard.model.names import TargetName
from stackyard.model.plan import Step
from stackyard.model.reason import FileChanged, ParentChanged
from stackyard.model.stack import Finding, Stack

_TESTS = (*TEST_FOLDERS, "conftest.py")


def builds_for_tests(stack: Stack, steps: Sequence[Step]) -> Iterator[Finding]:
    """One notice that names the tests and counts the images."""
    found: dict[TargetName, frozenset[str]] = {}
    seconds = 0.0
    for step in steps:  # parents first
        if step.action == "build" and (tests := _names(stack, step, found)):
            found[step.target] = tests
            seconds += step.expected_s or 0
    if not found:
        return
    names = sorted(frozenset().union(*found.values()))
    number = f"{len(found)} images are" if len(found) != 1 else "1 image is"
    last = f" ({_time(seconds)} last time)" if seconds else ""
    sentence = f"{number} built only because `BuildAll` names {', '.join(names)}{last}, which no Dockerfile copies"
    hint = "taken out of `BuildAll`, an edit there runs the tests again and builds nothing"
    yield Finding("tests-in-build-all", "notice", sentence, f"{stack.images_folder}/change_ignore.json", hint=hint)


def _time(seconds: float) -> str:
    return f"{round(seconds / 60)} min" if seconds >= 90 else f"{round(seconds)} s"


def _names(stack: Stack, step: Step, found: Collection[TargetName]) -> frozenset[str]:
    """The tests that are all a step is built for; empty where there is another reason, or the image copies them.

    Args:
        found: parents that are built for tests alone: their files are no other reason.
    """
    reasons = []
    for reason in step.reasons:
        if isinstance(reason, ParentChanged) and reason.was is reason.now is None and reason.parent in found:
            continue
        if not isinstance(reason, FileChanged):
            return frozenset()
        reasons.append(reason)
    target = stack.target(step.target)
    copied, named = set(target.counted_paths), {entry.path for entry in target.inputs.everywhere}
    names = set[str]()
    for reason in reasons:
        if reason.path in copied or reason.path == target.dockerfile:
            return frozenset()
        path = reason.path.removeprefix(f"{stack.images_folder}/")
        name = path.partition("/")[0]
        is_own = path not in named and reason.path.startswith(f"{target.context}/")
        if is_own or name not in _TESTS:
            return frozenset()
        names.add(name)
    return frozenset(names)
