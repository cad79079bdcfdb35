# SPDX-License-Identifier: MIT
"""JUnit files: every test once, an error for what failed before its tests, nothing made up."""

from __future__ import annotations

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import msgspec

from stackyard.model.outcome import JobTime, Outcome
from stackyard.model.record import Inventoried
from stackyard.report.junit import junit_xml
from tests.unit.plan.made import AT, result, suite
from tests.unit.report.made import BUILT, FAILED, REUSED, SKIPPED, run

PYTEST = b"""<?xml version="1.0"?><testsuites><testsuite name="pytest" hostname="here">
<properties><property name="p" value="v"/></properties>
<testcase classname="images.x.test.test_x" name="test_a" time="0.5"><system-out>hello</system-out></testcase>
<testcase classname="images.x.test.test_x" name="test_b" time="0.1">
<failure message="assert 1 == 2">why</failure></testcase>
<testcase classname="" name="test_c" time="0"><skipped message="not here"/></testcase>
</testsuite></testsuites>"""


def written(*outcomes: Outcome, **files: bytes) -> Element:
    """The file of a run in whose folder these files are."""
    return ElementTree.fromstring(junit_xml(run(*outcomes), lambda name: files.get(name.split(".")[0], b"")))


def cases(root: Element) -> list[tuple[str | None, ...]]:
    """Suite, class, name, what became of it and what was said."""
    found: list[tuple[str | None, ...]] = []
    for each in root:
        for case in each.iter("testcase"):
            mark = next((mark for mark in case if mark.tag in ("failure", "error", "skipped")), None)
            said = ("", "") if mark is None else (mark.tag, mark.get("message"))
            found.append((each.get("name"), case.get("classname"), case.get("name"), *said))
    return found


def test_pytests_cases_stand_under_their_image() -> None:
    """With the image before the class, so that what images have in common are two tests; counts are of them."""
    root = written(BUILT, x=PYTEST)

    assert cases(root) == [
        ("x: basic", "x.images.x.test.test_x", "test_a", "", ""),
        ("x: basic", "x.images.x.test.test_x", "test_b", "failure", "assert 1 == 2"),
        ("x: basic", "x", "test_c", "skipped", "not here"),
    ]
    assert {name: root[0].get(name) for name in ("tests", "failures", "errors", "skipped", "timestamp")} == {
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
        "timestamp": AT[:-1],
    }
    assert root.get("tests") == "3"
    assert root.find(".//system-out") is not None
    assert root.find(".//property") is None


def test_a_failed_build_is_an_error_and_its_children_are_skipped() -> None:
    """With the sentence, the last lines, the place and the log."""
    failed = msgspec.structs.replace(
        FAILED,
        tests=(),
        failure="build failed after 2.0 s",
        details=("\x1b[31mno such package\x1b[0m\x00",),
        path="images/bad/Dockerfile",
        line=3,
        jobs=(JobTime("build", 0.0, 2.0),),
    )
    root = written(failed, SKIPPED, REUSED)

    assert cases(root) == [
        ("bad: build", "bad", "build", "error", "build failed after 2.0 s"),
        ("child: build", "child", "build", "skipped", "bad failed"),
    ]
    assert root.findtext(".//error") == (
        "at images/bad/Dockerfile:3\nno such package\\x00\nlog: .stackyard/runs/7/bad.test.log"
    )
    assert (root.get("errors"), root.get("skipped"), root.get("failures")) == ("1", "1", "0")


def test_tests_that_came_to_nothing_are_an_error() -> None:
    """pytest was ended, or its file is torn: what failed does not look as if it had passed."""
    failed = msgspec.structs.replace(
        FAILED,
        tests=(msgspec.structs.replace(result(suite(), False), failures=("pytest was ended, its 2 s were up",)),),
        jobs=(JobTime("build", 0.0, 2.0), JobTime("test", 2.0, 2.0)),
    )

    for torn in (b"", b"<testsuites><testsuite>"):
        assert cases(written(failed, bad=torn)) == [
            ("bad: build", "bad", "build", "", ""),
            ("bad: basic", "bad", "basic", "error", "pytest was ended, its 2 s were up"),
        ]


def test_each_command_of_the_inventory_is_a_case() -> None:
    """One that fails is a failure with its output."""
    good = Inventoried(AT, "A", "Version of A", 0, "1\n", 0.1)
    bad = Inventoried(AT, "B", "Version of B", 127, "not found\n", 0.1)
    may = Inventoried(AT, "C", "Version of C", 9, "no GPU\n", 0.1, True)
    tests = (result(suite("inventory"), False),)
    root = written(msgspec.structs.replace(FAILED, tests=tests, inventory=(good, bad, may)))

    assert [case[2:] for case in cases(root)] == [
        ("Version of A", "", ""),
        ("Version of B", "failure", "exit code 127"),
        ("Version of C", "skipped", "exit code 9"),
    ]
    assert root.findtext(".//failure") == "not found"


def test_a_push_that_failed_is_an_error_beside_the_build() -> None:
    """The build went well, and says so."""
    jobs = (JobTime("build", 0.0, 2.0), JobTime("test", 2.0, 1.0), JobTime("publish", 3.0, 1.0))
    failed = msgspec.structs.replace(FAILED, tests=(result(suite()),), failure="the registry said no", jobs=jobs)

    assert [case[2:] for case in cases(written(failed, bad=b"<a/>"))] == [
        ("build", "", ""),
        ("publish", "error", "the registry said no"),
    ]


def test_a_run_without_tests_is_a_whole_file() -> None:
    """CI systems want one."""
    root = written(REUSED)

    assert (root.tag, root.get("tests"), len(root)) == ("testsuites", "0", 0)
