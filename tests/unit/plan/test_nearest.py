# SPDX-License-Identifier: MIT
"""Which build a target is compared with: the one that is most like it, and the newest of several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from stackyard.model.inputs import Inputs, identity
from stackyard.model.names import Digest
from stackyard.model.stack import Target
from stackyard.plan.nearest import DEPTH, nearest
from tests.unit.plan.made import known, plan, reasons, record, sha, stack, target


def lab(**files: str) -> Target:
    """A target with these files."""
    return target("lab", files=files)


def stored(*targets: Target) -> dict[Digest, Inputs]:
    """Inputs by their keys."""
    return {identity(each.inputs): each.inputs for each in targets}


def test_the_build_that_is_most_like_it() -> None:
    """A branch changed much, then main changes one file: main's older build is compared with."""
    wanted, main, branch = lab(a="2", b="1", c="1"), lab(a="1", b="1", c="1"), lab(a="3", b="3", c="3")
    records = [record(branch, "branch", number=2), record(main, "main")]

    found = nearest(wanted, records, stored(main, branch), {}, {}, "images")

    assert found is not None
    assert found.record.id == "lab-main-1"
    assert [str(reason) for reason in found.reasons] == ["images/lab/a changed"]
    made = plan(stack(wanted), known(*records, targets=(main, branch)))
    assert reasons(made, "lab") == ["images/lab/a changed"]


def test_the_newest_of_equals() -> None:
    """As many differences from each: the newer one."""
    wanted, one, other = lab(a="0"), lab(a="1"), lab(a="2")
    found = nearest(wanted, [record(other, "new", number=2), record(one, "old")], stored(one, other), {}, {}, "images")

    assert found is not None
    assert found.record.id == "lab-new-2"


def test_the_same_inputs_on_another_parent() -> None:
    """Where only a parent moved, the build from the same inputs is nearest, and no stored inputs are read."""

    class Unread(Mapping[Digest, Inputs]):
        def __getitem__(self, key: Digest) -> Inputs:
            raise AssertionError("read")

        def __iter__(self) -> Iterator[Digest]:
            raise AssertionError("read")

        def __len__(self) -> int:
            raise AssertionError("read")

    wanted = target("lab", "up")
    other = target("lab", "up", text="FROM y")
    records = [record(other, "new", number=2), record(wanted, "old", parents={"up": "then"})]
    found = nearest(wanted, records, Unread(), {wanted.inputs.parents[0]: sha("now")}, {}, "images")

    assert found is not None
    assert found.record.id == "lab-old-1"
    assert [str(reason) for reason in found.reasons] == [
        f"parent up changed from {sha('then')[:19]} to {sha('now')[:19]}"
    ]


def test_one_difference_is_as_near_as_can_be() -> None:
    """A file that rebuilds everything changed, in a stack with a long past: one set of inputs is read for each."""
    read: list[Digest] = []

    class Counted(dict[Digest, Inputs]):
        def get(self, key: Digest, default: Inputs | None = None) -> Inputs | None:  # type: ignore[override]
            read.append(key)
            return super().get(key, default)

    olds = [lab(a=str(number)) for number in range(1, 5)]
    found = nearest(
        lab(a="0"), [record(each, str(i)) for i, each in enumerate(olds)], Counted(stored(*olds)), {}, {}, "images"
    )

    assert found is not None
    assert [str(reason) for reason in found.reasons] == ["images/lab/a changed"]
    assert read == [identity(olds[0].inputs)]


def test_no_record_and_no_stored_inputs() -> None:
    """Nothing is made up."""
    bare = record(lab(a="1"))

    assert nearest(lab(a="2"), [], {}, {}, {}, "images") is None
    found = nearest(lab(a="2"), [bare], {}, {}, {}, "images")
    assert found is not None
    assert (found.record, found.reasons) == (bare, ())


def test_a_build_that_never_ended_is_not_compared_with() -> None:
    """It was made from something, and came to nothing."""
    begun = msgspec.structs.replace(record(lab(a="2"), "begun"), facts=())
    done = record(lab(a="1"), "done")
    found = nearest(lab(a="2"), [begun, done], stored(lab(a="1"), lab(a="2")), {}, {}, "images")

    assert found is not None
    assert found.record is done


def test_not_every_build_there_ever_was_is_read() -> None:
    """Only so many different inputs, newest first."""
    olds = [lab(a=str(number), b="1") for number in range(1, DEPTH + 1)]
    perfect = lab(a="0", b="2")
    records = [*(record(each, each.inputs.context[0].blob) for each in olds), record(perfect, "perfect")]
    found = nearest(lab(a="0", b="3"), records, stored(*olds, perfect), {}, {}, "images")

    assert found is not None
    assert found.record.id != "lab-perfect-1"
