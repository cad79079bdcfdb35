# SPDX-License-Identifier: MIT
"""JUnit files of any runner: what counts as passed, and what is not read at all."""

from __future__ import annotations

import pytest

from stackyard.errors import InvalidValue
from stackyard.inside.junit import LARGEST_BYTES, read_foreign, read_junit
from tests.cases import each_of

GOOD = b'<testcase classname="a.B" name="one"/>'


def suite(cases: bytes, values: bytes = b"") -> bytes:
    """A file with one suite."""
    return b"<?xml version='1.0'?><testsuites><testsuite " + values + b">" + cases + b"</testsuite></testsuites>"


@each_of(
    ("text", "counts", "is_pass"),
    [
        (suite(GOOD), (1, 0, 0), True),
        (suite(GOOD + b"<testcase name='two'><skipped/></testcase>"), (2, 0, 1), True),
        (b"<testsuite xmlns='urn:x'>" + GOOD + b"</testsuite>", (1, 0, 0), True),
        (suite(GOOD).decode().replace("'1.0'", "'1.0' encoding='utf-16'").encode("utf-16"), (1, 0, 0), True),
        (suite(b""), (0, 0, 0), False),
        (suite(b"<testcase name='two'><skipped/></testcase>"), (1, 0, 1), False),
        (suite(b"<testcase name='two' status='notrun'/>"), (1, 0, 1), False),
        (suite(GOOD + b"<testcase name='two'><failure>no</failure></testcase>"), (2, 1, 0), False),
        (suite(GOOD + b"<testcase name='two'><error message='no'/></testcase>"), (2, 1, 0), False),
        (suite(GOOD + b"<testcase name='two'><failure/><error/><skipped/></testcase>"), (2, 1, 0), False),
        (suite(GOOD + b"<error message='collection'/>"), (1, 1, 0), False),
        (suite(GOOD, b"failures='0' errors='2'"), (1, 2, 0), False),
    ],
)
def test_what_counts_as_passed(text: bytes, counts: tuple[int, int, int], is_pass: bool) -> None:
    """At least one test that ran, and no failure or error: of a test, of its suite, or only in the suite's numbers."""
    found = read_foreign(text)

    assert (found.total, found.failed, found.skipped) == counts
    assert found.is_pass is is_pass
    assert bool(found.failures) is bool(found.failed)


def test_failures_are_named_with_their_first_line() -> None:
    """By the last part of the class and the test; the message, else the first line of the text."""
    text = suite(
        b"<testcase classname='images.x.test_x' name='a'>"
        b"<failure message='assert 1 == 2&#10;more'>long</failure></testcase>"
        b"<testcase name='b'><error>\n  first\n  second</error></testcase>"
    )

    assert read_foreign(text).failures == ("test_x::a: assert 1 == 2", "b: first")


def test_each_test_is_a_value() -> None:
    """With its time, why it failed or was skipped, and what it said: the beginning of that."""
    much = b"<failure message='no GPU&#10;more'>" + b"much " * 9999 + b"</failure>"
    text = suite(
        b"<testcase classname='t.test_x' name='a' time='1.5'/>"
        b"<testcase name='b' time='nan'>" + much + b"</testcase>"
        b"<testcase name='c' time='x'><skipped message='not here'/></testcase>"
    )
    found = read_foreign(text)

    assert [(each.name, each.result, each.duration_s, each.message) for each in found.cases] == [
        ("test_x::a", "passed", 1.5, ""),
        ("b", "failed", 0.0, "no GPU"),
        ("c", "skipped", 0.0, "not here"),
    ]
    assert [len(each.output) for each in found.cases] == [0, 4000, 0]
    assert found.failures == ("b: no GPU",)


BOMB = b"""<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><testsuite><testcase name="&c;"/></testsuite>"""


@each_of(
    ("text", "why"),
    [
        (BOMB, "it has a document type"),
        (BOMB.decode().encode("utf-16"), "it has a document type"),
        (b"<!-- " + b"x" * 500 + b" -->" + BOMB, "it has a document type"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><testsuite/>', "it has a document type"),
        (b"<testsuite>&undefined;</testsuite>", "it is no XML"),
        (b"<testsuite>" + GOOD, "it is no XML"),
        (b"", "it is no XML"),
        (b"1 passed", "it is no XML"),
        (b"\x00\xff", "it is no XML"),
        (b"<?xml version='1.0' encoding='nonsense'?><testsuite/>", "it is no XML"),
        (b"<html><testcase/></html>", "it begins with <html>"),
        (b"<testsuite>" * 70 + b"</testsuite>" * 70, "too deep"),
        (b"<!-- " + b"x" * 5_000 + b" -->" + BOMB, "no element begins in its first 4 KiB"),
    ],
)
def test_what_is_not_read(text: bytes, why: str) -> None:
    """One sentence and a hint; to those who only ask whether there is a result, there is none."""
    with pytest.raises(InvalidValue, match=why) as caught:
        read_foreign(text)
    assert caught.value.hint
    assert read_junit(text) is None


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    """Before the parser sees a byte of it."""
    with pytest.raises(InvalidValue, match="it is larger than 64 MiB"):
        read_foreign(bytes(LARGEST_BYTES + 1))


def test_entities_are_never_expanded() -> None:
    """What would grow to gigabytes is refused before its first entity is read."""
    lines = [b'<!DOCTYPE a [<!ENTITY e0 "xxxxxxxxxx">']
    lines += [b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 12)]
    with pytest.raises(InvalidValue, match="document type"):
        read_foreign(b"".join(lines) + b"]><testsuite><testcase name='&e11;'/></testsuite>")


def test_a_document_in_a_message_is_text() -> None:
    """A web test that prints a page is no document type of the file."""
    text = suite(GOOD + b"<testcase name='b'><failure><![CDATA[<!DOCTYPE html>]]></failure></testcase>")

    assert read_foreign(text).failures == ("b: <!DOCTYPE html>",)
