# SPDX-License-Identifier: MIT
"""last_updated.yaml: read as written, and written so that a diff shows what changed and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stackyard.errors import FileProblem, InvalidValue
from stackyard.load.spec.quoting import is_text_when_bare
from stackyard.load.spec.stamps import Stamps, is_mixed, read_stamps, rewritten, stale_keys, stamp_findings
from stackyard.model.stack import Finding
from tests.cases import each_of

PATH = "images/lab/last_updated.yaml"
OLD = "2025-07-01T184545"
NEW = "2025-08-02T070809"


def read(text: str) -> Stamps:
    """The stamps in `text`; nothing is found in it."""
    stamps, findings = read_stamps(text.encode(), PATH)
    assert findings == ()
    return stamps


def values(text: str) -> dict[str, str]:
    """Version -> stamp, whatever is found."""
    return read_stamps(text.encode(), PATH)[0].values


PLAIN = f"3.9.18: {OLD}\n3.11.6: {OLD}\n"
DUMPED = f"'3.10': {OLD}\n'3.12': {OLD}\n'3.13': {NEW}\n'3.9': {OLD}\n"
BY_HAND = f'"3.10": {OLD}\n"3.9": {OLD}\n'
STALE = f"'3.10': {NEW}\n3.7.8: 2021-03-05T042001\n3.8.7: 2021-02-05T154850\n"


def test_plain() -> None:
    """L1: bare patch keys, one stamp; each with its line."""
    stamps = read(PLAIN)
    assert stamps.values == {"3.9.18": OLD, "3.11.6": OLD}
    assert [entry.line for entry in stamps.entries] == [1, 2]
    assert not is_mixed(stamps)
    assert stamp_findings(stamps, ("3.9.18", "3.11.6")) == ()


def test_dumped_and_mixed() -> None:
    """L2: single quotes, lexical order, two stamps: a warning at the first line that differs names both."""
    stamps = read(DUMPED)
    assert list(stamps.values) == ["3.10", "3.12", "3.13", "3.9"]
    assert is_mixed(stamps)
    (finding,) = stamp_findings(stamps, tuple(stamps.values))
    assert (finding.code, finding.level, finding.line) == ("mixed-stamps", "warning", 3)
    assert f"2 different stamps, and its readers want one: {OLD}, {NEW}" in finding.sentence
    assert finding.hint == "build the image's versions in one run: all get its stamp"


def test_by_hand_with_a_stale_key() -> None:
    """L3: double quotes; a version that is gone is told with its line, and the stamps are not mixed."""
    stamps = read(BY_HAND)
    assert stale_keys(stamps, ("3.10", "3.11")) == ("3.9",)
    (finding,) = stamp_findings(stamps, ("3.10", "3.11"))
    assert (finding.code, finding.level, finding.line) == ("stale-stamp", "warning", 2)


def test_stale_keys_of_old_and_new_style() -> None:
    """L4: three stamps, and one once the stale lines are gone: the hint says so."""
    stamps = read(STALE)
    assert stale_keys(stamps, {"3.10"}) == ("3.7.8", "3.8.7")
    findings = stamp_findings(stamps, {"3.10"})
    assert [finding.code for finding in findings] == ["stale-stamp", "stale-stamp", "mixed-stamps"]
    assert findings[-1].hint == "without the stale lines there is one: `stackyard check --fix`"


def test_many_stamps_are_counted() -> None:
    """A long mix is shown in part, and counted."""
    stamps = read("".join(f"3.9.{n}: stamp-{n}\n" for n in range(6)))
    (finding,) = stamp_findings(stamps, tuple(stamps.values))
    assert "6 different stamps" in finding.sentence
    assert finding.sentence.endswith("stamp-3 and 2 more")


def test_opaque_value() -> None:
    """L5: what is no stamp is a suffix like any other."""
    assert read('"3.10": local-build\n').values == {"3.10": "local-build"}


def test_a_copy_elsewhere() -> None:
    """L6: the file reads the same wherever it lies; only its findings name the place."""
    here, _ = read_stamps(STALE.encode(), PATH)
    there, _ = read_stamps(STALE.encode(), "ci/lab/last_updated.yaml")
    assert here.entries == there.entries
    assert stamp_findings(there, ())[0].path == "ci/lab/last_updated.yaml"


@each_of("data", [None, b"", b"\n", b"# none yet\n", b"{}\n", b"---\n", b"\xef\xbb\xbf"])
def test_nothing_yet(data: bytes | None) -> None:
    """L7: no file, an empty one, and one with comments alone hold no stamp."""
    stamps, findings = read_stamps(data, PATH)
    assert (stamps.entries, findings) == ((), ())
    assert not is_mixed(stamps)


@each_of("value", ["2021-08-31T195148", "2021-08-31", "20210831195148", "1e3", "007", "yes", "1.10"])
def test_as_written(value: str) -> None:
    """L8: a date, a number, a word for true: the stamp is the text in the file."""
    assert read(f"3.9.18: {value}\n").values == {"3.9.18": value}


def test_a_time_with_colons() -> None:
    """L8: a time that no tag can hold is kept as written, and told."""
    stamps, (finding,) = read_stamps(b"3.9.18: 2021-08-31T19:51:48\n", PATH)
    assert stamps.values == {"3.9.18": "2021-08-31T19:51:48"}
    assert (finding.code, finding.level, finding.line) == ("bad-stamp", "warning", 1)
    assert "2021-08-31T19:51:48" in finding.sentence


def test_a_line_without_a_stamp() -> None:
    """A key alone has no stamp, is told, and makes the file mixed, as its readers take the nothing for one."""
    stamps, (finding,) = read_stamps(f"3.9.18:\n3.11.6: {OLD}\n".encode(), PATH)
    assert stamps.values == {"3.11.6": OLD}
    assert finding.sentence == "version '3.9.18' has no stamp"
    assert is_mixed(stamps)


def test_unquoted_key() -> None:
    """A bare two-part key is kept as written, and told like one of versions.yaml."""
    stamps, (finding,) = read_stamps(f"3.10: {OLD}\n".encode(), PATH)
    assert stamps.values == {"3.10": OLD}
    assert (finding.code, finding.hint) == ("unquoted-version", 'write "3.10":')


@each_of(
    ("text", "line", "words"),
    [
        ("- a\n", 1, "the file should be a mapping"),
        (f"{OLD}\n", 1, "the file should be a mapping"),
        ("3.9.18: [a]\n", 1, "the stamp of '3.9.18' should be text"),
        (f"3.9.18:\n  last_updated: {OLD}\n", 2, "the stamp of '3.9.18' should be text"),
        (f"3.9.18: {OLD}\n3.9.18: {NEW}\n", 2, "here twice, first on line 1"),
        (f"<<<<<<< ours\n3.9.18: {OLD}\n", 1, "merge conflict markers"),
    ],
)
def test_refused(text: str, line: int, words: str) -> None:
    """What is no flat mapping is told with its line, by reader and writer alike."""
    try:
        found = read_stamps(text.encode(), PATH)[1][0]
    except FileProblem as problem:
        found = Finding.of("versions", problem)
    assert (found.code, found.line) == ("versions", line)
    assert words in found.sentence
    with pytest.raises(FileProblem):
        rewritten(text, {"3.9.18": NEW})


class TestRewritten:
    @each_of(
        ("before", "updates", "remove", "after"),
        [
            ("3.9.18: OLD\n3.11.6: OLD\n", ["3.11.6"], [], "3.9.18: OLD\n3.11.6: NEW\n"),
            ("'3.9': OLD\n", ["3.9"], [], "'3.9': NEW\n"),
            ("\"3.9\": 'OLD'\n", ["3.9"], [], "\"3.9\": 'NEW'\n"),
            ('3.9: "OLD"\n', ["3.9"], [], '3.9: "NEW"\n'),
            ("# top\n\n'3.9' :   OLD\t # why\n\n# end\n", ["3.9"], [], "# top\n\n'3.9' :   NEW\t # why\n\n# end\n"),
            ("3.9.18: OLD\r\n\r\n3.11.6: OLD\r\n", ["3.9.18"], [], "3.9.18: NEW\r\n\r\n3.11.6: OLD\r\n"),
            ("3.9.18: OLD", ["3.9.18"], [], "3.9.18: NEW"),
            ("\ufeff3.9.18: OLD\n", ["3.9.18"], [], "\ufeff3.9.18: NEW\n"),
            ("é: OLD # é\n3.9.18: OLD # ü\n", ["3.9.18"], [], "é: OLD # é\n3.9.18: NEW # ü\n"),
            ("3.9.18:\n3.11.6: # none\n", ["3.9.18", "3.11.6"], [], "3.9.18: NEW\n3.11.6: NEW # none\n"),
            ("3.9.18: ~\n", ["3.9.18"], [], "3.9.18: NEW\n"),
            ("---\n3.9.18: OLD\n...\n", ["3.9.18"], [], "---\n3.9.18: NEW\n...\n"),
        ],
    )
    def test_update(self, before: str, updates: list[str], remove: list[str], after: str) -> None:
        """A new stamp takes the place of the old one; quotes, blanks, comments and line ends stay."""
        self.check(before, updates, remove, after)

    @each_of(
        ("before", "updates", "after"),
        [
            ("3.9.18: OLD\n", ["3.11.6"], "3.9.18: OLD\n3.11.6: NEW\n"),
            ("3.9.18: OLD\n", ["3.10"], "3.9.18: OLD\n'3.10': NEW\n"),
            ("'3.9': OLD\n3.9.18: OLD\n", ["3.11.6"], "'3.9': OLD\n3.9.18: OLD\n3.11.6: NEW\n"),
            ('"3.9": OLD\n', ["3.10", "3.11.6"], '"3.9": OLD\n"3.10": NEW\n"3.11.6": NEW\n'),
            ('3.9.18: "OLD"\n', ["3.10"], '3.9.18: "OLD"\n"3.10": "NEW"\n'),
            ("3.9: OLD\n", ["3.10"], "3.9: OLD\n'3.10': NEW\n"),
            ("3.9.18: OLD", ["3.11.6"], "3.9.18: OLD\n3.11.6: NEW"),
            ("3.9.18: OLD\r\n", ["3.11.6"], "3.9.18: OLD\r\n3.11.6: NEW\r\n"),
            ("  3.9.18: OLD\n", ["3.11.6"], "  3.9.18: OLD\n  3.11.6: NEW\n"),
            ("3.9.18: OLD # a\n# end\n", ["3.11.6"], "3.9.18: OLD # a\n3.11.6: NEW\n# end\n"),
            ("---\n3.9.18: OLD\n...\n", ["3.11.6"], "---\n3.9.18: OLD\n3.11.6: NEW\n...\n"),
            ("{'3.9': OLD}\n", ["3.10"], "{'3.9': OLD, '3.10': NEW}\n"),
        ],
    )
    def test_new_keys(self, before: str, updates: list[str], after: str) -> None:
        """A new key follows the last one, written like the others, in quotes where a bare one is a number."""
        self.check(before, updates, [], after)

    @each_of(
        ("before", "remove", "after"),
        [
            (STALE, ["3.7.8", "3.8.7"], f"'3.10': {NEW}\n"),
            ("# a\n3.9.18: OLD # b\n# c\n3.11.6: OLD\n", ["3.9.18"], "# a\n# c\n3.11.6: OLD\n"),
            ("3.9.18: OLD\n3.11.6: OLD", ["3.11.6"], "3.9.18: OLD\n"),
            ("3.9.18: OLD\n", ["3.9.18"], ""),
            ("3.9.18: OLD\n", ["3.9"], "3.9.18: OLD\n"),
            ("3.9.18:\n3.11.6: OLD\n", ["3.9.18"], "3.11.6: OLD\n"),
        ],
    )
    def test_remove(self, before: str, remove: list[str], after: str) -> None:
        """A line is taken out with its comment; comments of their own stay, and unknown keys are no error."""
        self.check(before, [], remove, after)

    @pytest.mark.parametrize(
        ("before", "updates", "remove", "after"),
        [
            ("# a\n3.9.18: OLD\n# b\n", ["3.10"], ["3.9.18"], "# a\n'3.10': NEW\n# b\n"),
            ("3.9.18: OLD\n3.11.6: OLD\n", ["3.12.0"], ["3.11.6"], "3.9.18: OLD\n3.12.0: NEW\n"),
            ("3.9.18: OLD\n", ["3.9.18"], ["3.9.18"], "3.9.18: NEW\n"),
        ],
    )
    def test_update_and_remove(self, before: str, updates: list[str], remove: list[str], after: str) -> None:
        """Both at once; a key that is to be updated is not taken out."""
        self.check(before, updates, remove, after)

    @each_of(
        ("before", "after"),
        [
            ("", "'3.10': NEW\n3.11.6: NEW\n"),
            ("{}\n", "'3.10': NEW\n3.11.6: NEW\n"),
            ("{}", "'3.10': NEW\n3.11.6: NEW"),
            ("# stamps", "# stamps\n'3.10': NEW\n3.11.6: NEW\n"),
            ("# stamps\r\n", "# stamps\r\n'3.10': NEW\r\n3.11.6: NEW\r\n"),
            ("---\n", "---\n'3.10': NEW\n3.11.6: NEW\n"),
            ("null\n", "'3.10': NEW\n3.11.6: NEW\n"),
        ],
    )
    def test_first_stamps(self, before: str, after: str) -> None:
        """A missing or empty file gets a plain one, in the order given, comments kept."""
        self.check(before, ["3.10", "3.11.6"], [], after)

    @pytest.mark.parametrize(
        "before",
        [
            "3.9.18: &it OLD\n3.11.6: *it\n",
            "3.9.18: |-\n  OLD\n3.11.6: OLD\n",
            "{3.9.18: OLD, 3.11.6: OLD}\n",
            "{\n  3.9.18: OLD,\n  3.11.6: OLD,\n}\n",
            "? 3.9.18\n: OLD\n? 3.11.6\n: OLD\n",
            "3.9.18: OLD\r3.11.6: OLD\r",
            "--- {3.9.18: OLD, 3.11.6: OLD}\n",
            "!!map\n3.9.18: !!str OLD\n3.11.6: OLD\n",
        ],
    )
    @pytest.mark.parametrize("updates", [["3.9.18"], ["3.12.0"], ["3.9.18", "3.12.0"], []])
    @pytest.mark.parametrize("remove", [[], ["3.11.6"], ["3.9.18"], ["3.9.18", "3.11.6"]])
    def test_unusual_files_are_right_all_the_same(self, before: str, updates: list[str], remove: list[str]) -> None:
        """However the mapping is written, the new text says what it should: at worst it is written anew."""
        text = before.replace("OLD", OLD)
        after = rewritten(text, dict.fromkeys(updates, NEW), remove)
        kept = {key: stamp for key, stamp in values(text).items() if key not in remove or key in updates}
        assert list(values(after).items()) == list({**kept, **dict.fromkeys(updates, NEW)}.items())

    @each_of("stamp", ["", "a b", "a/b", "2021-08-31T19:51:48", "a\n3.10: b", "'", "é", "x" * 128])
    def test_refuses_what_is_no_suffix(self, stamp: str) -> None:
        """A stamp that no tag can hold is not written."""
        with pytest.raises(InvalidValue):
            rewritten(PLAIN, {"3.9.18": stamp})

    def test_refuses_a_key_that_is_no_version(self) -> None:
        """Nor is a key that would make no tag."""
        with pytest.raises(InvalidValue):
            rewritten(PLAIN, {"a: b": NEW})

    @each_of("stamp", ["2021-08-31", "20210831195148", "1.10", "true", "null", "1e3", "0x1F"])
    def test_a_stamp_that_others_would_not_read_as_text(self, stamp: str) -> None:
        """It is put in quotes, so that its readers get what was meant."""
        for text in (PLAIN, ""):
            assert yaml.safe_load(rewritten(text, {"3.9.18": stamp}))["3.9.18"] == stamp

    def test_others_read_new_keys_as_text(self) -> None:
        """A two-part key in a file of bare keys is text to any YAML tool."""
        assert yaml.safe_load(rewritten(PLAIN, {"3.10": NEW}))["3.10"] == NEW

    def check(self, before: str, updates: list[str], remove: list[str], after: str) -> None:
        """`before` becomes `after`, and stays so."""
        given_text, wanted = (text.replace("OLD", OLD).replace("NEW", NEW) for text in (before, after))
        new = dict.fromkeys(updates, NEW)
        result = rewritten(given_text, new, remove)
        assert result == wanted
        assert rewritten(result, new, remove) == result


@dataclass(frozen=True)
class Line:
    """A line of a generated file; without a key it is a comment or blank."""

    key: str = ""
    stamp: str = ""
    key_quote: str = ""
    stamp_quote: str = ""
    gap: str = " "
    comment: str = ""

    def __str__(self) -> str:
        if not self.key:
            return self.comment
        quoted_key, quoted_stamp = (
            f"{quote}{text}{quote}" for quote, text in ((self.key_quote, self.key), (self.stamp_quote, self.stamp))
        )
        return f"{quoted_key}:{self.gap}{quoted_stamp}{self.comment}"


VERSIONS = st.from_regex(r"[1-9](\.[0-9]{1,2}){0,3}|[a-z][a-z0-9._-]{0,8}", fullmatch=True)
SUFFIXES = st.one_of(
    st.from_regex(r"20[0-9]{2}-0[1-9]-[012][1-9]T[0-5][0-9]{5}", fullmatch=True),
    st.from_regex(r"20[0-9]{2}-0[1-9]-[012][1-9]|[0-9]{1,14}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9._-]{1,12}", fullmatch=True),
)
QUOTES = st.sampled_from(["", "'", '"'])
TAILS = st.sampled_from(["", "  ", " # a note", "\t# ünïcode ☃ '\"", "   # 3.9: not a line"])
BETWEEN = st.builds(Line, comment=st.sampled_from(["", "  ", "# a note", "  # 3.10: x", "#", "# ☃𝄞"]))


@st.composite
def files(draw: st.DrawFn) -> list[Line]:
    """Files of this kind: entries in any quotes, comments, blank lines."""
    lines = []
    for key in draw(st.lists(VERSIONS, unique=True, max_size=5)):
        lines.extend(draw(st.lists(BETWEEN, max_size=2)))
        stamp, key_quote, stamp_quote = draw(SUFFIXES), draw(QUOTES), draw(QUOTES)
        if key in ("null", "y", "n") or not is_bare_scalar(key):
            key_quote = key_quote or "'"
        if not is_bare_scalar(stamp):
            stamp_quote = stamp_quote or '"'
        gap = draw(st.sampled_from([" ", "   ", "\t"]))
        lines.append(Line(key, stamp, key_quote, stamp_quote, gap, draw(TAILS)))
    return [*lines, *draw(st.lists(BETWEEN, max_size=2))]


def is_bare_scalar(text: str) -> bool:
    """Whether `text` without quotes is one scalar that keeps its text: all but nulls, merges and punctuation."""
    return is_text_when_bare(text) or bool(re.fullmatch(r"[0-9][0-9.-]*", text))


@given(
    lines=files(),
    line_end=st.sampled_from(["\n", "\r\n"]),
    ends=st.booleans(),
    data=st.data(),
)
def test_only_the_given_keys_change(lines: list[Line], line_end: str, ends: bool, data: st.DataObject) -> None:
    """Every other line keeps all its characters; what is read back is the updated mapping; twice is once."""
    text = line_end.join(map(str, lines)) + (line_end if ends and lines else "")
    keys = [line.key for line in lines if line.key]
    known = st.sampled_from(keys) | VERSIONS if keys else VERSIONS
    updates = data.draw(st.dictionaries(known, SUFFIXES, max_size=4))
    remove = data.draw(st.lists(known, max_size=2, unique=True))
    assert values(text) == {line.key: line.stamp for line in lines if line.key}

    after = rewritten(text, updates, remove)

    gone = [key for key in remove if key not in updates]
    kept = {key: stamp for key, stamp in values(text).items() if key not in gone}
    assert list(values(after).items()) == list({**kept, **updates}.items())
    assert rewritten(after, updates, remove) == after

    new_keys = [key for key in updates if key not in keys]
    if line_end not in text:  # a file of one line, not ended, does not say how its lines end
        line_end = "\n"
    rows = after.split(line_end)
    assert not {"\r", "\n"} & set(after.replace(line_end, ""))
    for line in lines:
        if line.key in gone:
            continue
        row = rows.pop(0)
        while line.key not in updates and row != str(line) and new_keys:
            assert_is_new(row, new_keys.pop(0), updates)
            row = rows.pop(0)
        if line.key in updates and updates[line.key] != line.stamp:
            written = [replace(line, stamp=updates[line.key], stamp_quote=quote) for quote in ("", "'", '"')]
            assert row in map(str, written)
            assert not line.stamp_quote or row == str(written[["", "'", '"'].index(line.stamp_quote)])
        else:
            assert row == str(line)
    for key in new_keys:
        assert_is_new(rows.pop(0), key, updates)
    assert "".join(rows) == ""


def assert_is_new(row: str, key: str, updates: dict[str, str]) -> None:
    """`row` is the line of a key that was not there, and text to any YAML tool."""
    assert yaml.safe_load(row) == {key: updates[key]}
