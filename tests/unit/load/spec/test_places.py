# SPDX-License-Identifier: MIT
"""`records:` of a spec: three forms, and what is wrong with others where it stands."""

from __future__ import annotations

from stackyard.load.spec.read import read_spec
from stackyard.load.spec.values import RecordsPlace
from tests.cases import each_of


@each_of(
    ("text", "place"),
    [
        ("", RecordsPlace()),
        ("records:", RecordsPlace()),
        ("records: registry", RecordsPlace()),
        ("records: local", RecordsPlace(is_local=True)),
        ("records: {repository: stack-records}", RecordsPlace(repository="stack-records")),
        ("records: {repository: ghcr.io/campus/known}", RecordsPlace(repository="ghcr.io/campus/known")),
    ],
)
def test_where_records_are(text: str, place: RecordsPlace) -> None:
    """Beside the images, here, or all in one repository."""
    found, findings = read_spec(f"images: {{lab: }}\n{text}\n".encode(), "spec.yml")
    assert (found.records, findings) == (place, ())


@each_of(
    ("text", "said"),
    [
        ("records: remote", "'remote'"),
        ("records: [local]", "records"),
        ("records: {repository: Not A Name}", "no valid repository"),
        ("records: {}", "no valid repository"),
        ("records: {repository: a/b, tag: x}", "tag"),
    ],
)
def test_what_is_no_place(text: str, said: str) -> None:
    """One finding on its line; records then stay beside the images."""
    found, findings = read_spec(f"images: {{lab: }}\n{text}\n".encode(), "spec.yml")
    assert [each.line for each in findings] == [2]
    assert said in f"{findings[0]}"
    assert not found.records.is_local
