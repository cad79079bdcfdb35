# SPDX-License-Identifier: MIT
"""Findings as GitHub and GitLab take them."""

from __future__ import annotations

from stackyard.model.stack import Finding
from stackyard.report.findings import gitlab_data, sarif_data

FOUND = (
    Finding("ring", "error", "round and round", "images/a/Dockerfile"),
    Finding("unused-arg", "warning", "for nothing", "images/ä b/Dockerfile", 3, hint="take it out"),
    Finding("unused-arg", "warning", "for nothing", "images/ä b/Dockerfile", 7, 5, found="ARG A"),
    Finding("not-tested", "notice", "no tests", "images/a"),
)


def test_sarif_is_what_code_scanning_takes() -> None:
    """One run; every result has a rule of its index, a level, a message, a place and a mark of its own."""
    data = sarif_data(FOUND, "1.2.3")
    (run,) = data["runs"]
    driver = run["tool"]["driver"]

    assert (data["version"], driver["name"], driver["semanticVersion"]) == ("2.1.0", "Stackyard", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == ["ring", "unused-arg", "not-tested"]
    assert [rule["defaultConfiguration"]["level"] for rule in driver["rules"]] == ["error", "warning", "note"]
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert places[1] == {"artifactLocation": {"uri": "images/%C3%A4%20b/Dockerfile"}, "region": {"startLine": 3}}
    assert places[2]["region"] == {"startLine": 7, "startColumn": 5}
    assert "region" not in places[0]
    assert run["results"][2]["properties"] == {"found": "ARG A", "wanted": None}
    assert len({result["partialFingerprints"]["stackyard/v1"] for result in run["results"]}) == 4
    assert run["results"][1]["message"]["text"] == "for nothing (hint: take it out)"


def test_gitlab_is_what_code_quality_takes() -> None:
    """A list; each with the five keys that GitLab needs."""
    data = gitlab_data(FOUND, "deep/down")

    assert [each["severity"] for each in data] == ["critical", "minor", "minor", "info"]
    assert data[1] == {
        "description": "for nothing (hint: take it out)",
        "check_name": "unused-arg",
        "fingerprint": data[1]["fingerprint"],
        "severity": "minor",
        "location": {"path": "deep/down/images/ä b/Dockerfile", "lines": {"begin": 3}},
    }
    assert len({each["fingerprint"] for each in data}) == 4


def test_a_mark_does_not_move_with_lines() -> None:
    """What stood on line 3 and stands on line 9 now is the same finding; the second of two equal ones is another."""
    first, second = gitlab_data(FOUND[1:3])
    (moved,) = gitlab_data([Finding("unused-arg", "warning", "for nothing", "images/ä b/Dockerfile", 9)])
    assert moved["fingerprint"] == first["fingerprint"] != second["fingerprint"]


def test_nothing_found_is_a_report_too() -> None:
    """An empty one takes earlier findings away."""
    assert sarif_data((), "1")["runs"][0]["results"] == []
    assert gitlab_data(()) == []
