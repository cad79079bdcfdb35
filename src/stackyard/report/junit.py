# SPDX-License-Identifier: MIT
"""A run as a JUnit file, as CI systems show tests: a suite per image and kind, and one for what came before tests.

In:   RunSummary; what pytest wrote of each suite, by its file's name
Out:  XML
Pure. Reference: docs/how-to/watch-a-run.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from stackyard.model.logs import junit_file
from stackyard.model.outcome import BAD, Outcome, RunSummary
from stackyard.model.record import Inventoried, TestCase, Tested
from stackyard.report.text import cleaned


def junit_xml(summary: RunSummary, read: Callable[[str], bytes]) -> bytes:
    """Everything that was tested in this run, and every image that did not come to its tests.

    Args:
        read: gives a file of the run's folder; empty for one that is not there.
    """
    suites = [suite for outcome in summary.outcomes for suite in _suites(outcome, read)]
    root = Element("testsuites", name=f"stackyard run {summary.number}", time=f"{summary.duration_s:.3f}")
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    root.extend(suites)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, "utf-8", xml_declaration=True)) + b"\n"


def _suites(outcome: Outcome, read: Callable[[str], bytes]) -> Iterable[Element]:
    if made := _made(outcome):
        yield _suite(f"{outcome.target}: build", made, outcome)
    for tested in outcome.tests:
        if tested.suite == "inventory":
            cases = [_command(outcome, each) for each in outcome.inventory] or [_summed_up(outcome, tested)]
        elif tested.suite == "checks":
            cases = [_check(outcome, each) for each in tested.cases] or [_summed_up(outcome, tested)]
        else:
            cases = _of_pytest(outcome, tested, read(junit_file(outcome.target, tested.suite)))
        yield _suite(f"{outcome.target}: {tested.suite}", cases, outcome, tested)


def _made(outcome: Outcome) -> list[Element]:
    """Builds, fetches and pushes: one that failed is an error, an image that was skipped is skipped.

    Where tests failed there is no error: they tell it.
    """
    is_pushed = outcome.published is not None and outcome.published.reference.digest is not None
    cases = [
        _case(outcome, each.job, each.duration_s)
        for each in outcome.jobs
        if each.job in ("build", "fetch") or (each.job == "publish" and is_pushed)  # else it was only named
    ]
    if outcome.cause:
        cases.append(_case(outcome, "build"))
        SubElement(cases[-1], "skipped", message=outcome.cause)
    elif outcome.status in BAD and all(tested.passed for tested in outcome.tests):
        job = outcome.jobs[-1].job if outcome.jobs else "build"
        case = next((case for case in cases if case.get("name") == job), None)
        if case is None:
            cases.append(case := _case(outcome, job, outcome.jobs[-1].duration_s if outcome.jobs else 0.0))
        error = SubElement(case, "error", message=cleaned(outcome.failure or ""))
        place = [f"at {outcome.path}:{outcome.line}"] if outcome.path and outcome.line else []
        error.text = "\n".join(map(cleaned, [*place, *outcome.details, *(f"log: {log}" for log in outcome.logs[-1:])]))
    return cases


def _of_pytest(outcome: Outcome, tested: Tested, written: bytes) -> list[Element]:
    """pytest's own cases; where it came to none and failed, one that says so.

    The image stands before the class: what two images have in common are two tests.
    """
    try:
        cases = list(ElementTree.fromstring(written).iter("testcase"))
    except ElementTree.ParseError:
        cases = []
    for case in cases:
        case.set("classname", ".".join(filter(None, (str(outcome.target), case.get("classname")))))
    told = sum(1 for case in cases if _has(case, "failure", "error"))
    if not tested.passed and not told:  # it was ended, or came to no test
        cases.append(_summed_up(outcome, tested))
    return cases


def _summed_up(outcome: Outcome, tested: Tested) -> Element:
    case = _case(outcome, tested.suite, tested.duration_s)
    if not tested.passed:
        message = cleaned(tested.failures[-1] if tested.failures else f"{tested.suite} failed")
        SubElement(case, "error", message=message).text = "\n".join(map(cleaned, tested.failures))
    return case


def _check(outcome: Outcome, entry: TestCase) -> Element:
    case = _case(outcome, entry.name, entry.duration_s)
    if entry.result == "failed":
        failure = SubElement(case, "failure", message=cleaned(entry.message))
        failure.text = "\n".join(map(cleaned, entry.output.splitlines()))
    return case


def _command(outcome: Outcome, entry: Inventoried) -> Element:
    case = _case(outcome, entry.description or entry.command, entry.duration_s)
    if entry.exit_code != 0:
        mark = "skipped" if entry.is_optional else "failure"
        told = SubElement(case, mark, message=f"exit code {entry.exit_code}")
        told.text = "\n".join(map(cleaned, entry.output.splitlines()))
    return case


def _case(outcome: Outcome, name: str, duration_s: float = 0.0) -> Element:
    return Element("testcase", classname=str(outcome.target), name=cleaned(name), time=f"{duration_s:.3f}")


def _suite(name: str, cases: Iterable[Element], outcome: Outcome, tested: Tested | None = None) -> Element:
    cases = list(cases)
    spent = tested.duration_s if tested else sum(float(case.get("time", "0")) for case in cases)
    suite = Element("testsuite", name=name, package=str(outcome.target), time=f"{spent:.3f}", tests=str(len(cases)))
    for count, mark in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(sum(1 for case in cases if _has(case, mark))))
    if tested:
        suite.set("timestamp", tested.at.removesuffix("Z"))
    suite.extend(cases)
    return suite


def _has(case: Element, *marks: str) -> bool:
    return any(mark.tag in marks for mark in case)
