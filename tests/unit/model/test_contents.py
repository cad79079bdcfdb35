# SPDX-License-Identifier: MIT
"""One inventory against another: names that are new, gone, or say something else."""

from __future__ import annotations

from stackyard.model.contents import ContentsChange, contents_changes
from stackyard.model.names import TargetName
from stackyard.model.record import Inventoried, Record
from tests.cases import each_of
from tests.unit.plan.made import AT, record, target

LAB = target("lab")


def inventoried(output: str, command: str = "PIP", exit_code: int = 0) -> Inventoried:
    """What a command printed."""
    return Inventoried(AT, command, "Packages", exit_code, output, 0.1)


def change(old: str, new: str) -> ContentsChange:
    """The one change between two outputs."""
    (found,) = contents_changes(LAB.name, record(LAB, "1", inventoried(old)), record(LAB, "2", inventoried(new)))
    return found


@each_of(
    ("old", "new"),
    [
        (
            "Package Version\n------- -------\nnumpy   1.26\nnose 1.3\npip 24",
            "Package Version\nnumpy 2.1\npolars 1.9\npip 24",
        ),
        ("numpy==1.26\nnose==1.3", "numpy==2.1\npolars==1.9\n"),
        (
            "# packages\nnumpy  1.26  py311_0  conda-forge\nnose 1.3 x",
            "# packages\nnumpy 2.1 py311_0 conda-forge\npolars 1.9 x",
        ),
        ("ii  numpy  1.26 all desc\nii  nose 1.3 all d", "ii  numpy 2.1 all desc\nii  polars 1.9 all d"),
        ("numpy @ 1.26\nnose=1.3", "numpy @ 2.1\npolars=1.9"),
    ],
)
def test_lists_of_packages_are_compared_by_name(old: str, new: str) -> None:
    """As pip, conda and dpkg print them: versions that changed, what came, what went."""
    found = change(old, new)

    assert [str(each) for each in found.changed] == ["numpy 1.26 -> 2.1"]
    assert [line for line in found.new if "polars" in line] == ["polars 1.9"]
    assert [line for line in found.gone if "nose" in line] == ["nose 1.3"]


def test_a_later_column_counts_where_the_first_is_the_same() -> None:
    """Another build of one version."""
    assert [str(each) for each in change("numpy 1 py310", "numpy 1 py311").changed] == ["numpy 1 py310 -> 1 py311"]


def test_lines_without_names_of_their_own_are_compared_whole() -> None:
    """A sentence, a name twice."""
    found = change("hello\nlib 1\nlib 2", "hello\nlib 1\nlib 3\nworld")

    assert (found.changed, found.new, found.gone) == ((), ("lib 3", "world"), ("lib 2",))


def test_what_both_do_not_have_says_nothing() -> None:
    """A command that is new, one that failed, one that was never run, equal outputs, blanks and order."""
    old = record(LAB, "1", inventoried("a 1"), inventoried("b 1", "R"), inventoried("c 1\nd 1", "C"))
    new: Record = record(
        LAB, "2", inventoried("a 2", exit_code=1), inventoried("x", "NEW"), inventoried("d  1\n\nc 1 ", "C")
    )

    assert contents_changes(TargetName("lab"), old, new) == ()
