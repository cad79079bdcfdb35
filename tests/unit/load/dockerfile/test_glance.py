# SPDX-License-Identifier: MIT
"""A look says of a Dockerfile what reading it says, or nothing; and nothing where it could say more or be wrong."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stackyard.errors import FileProblem
from stackyard.load.dockerfile.glance import glance
from stackyard.load.dockerfile.parse import parse
from stackyard.model.dockerfile import Body

USUAL = {
    "one line": "FROM debian:12",
    "a parent's tag": "ARG BASE_TAG=latest\nFROM lab/base:${BASE_TAG}\nUSER root\n",
    "what images do": 'FROM a\nENV A=1 B="two words"\nLABEL x.y=z\nWORKDIR /x\nCOPY --chown=me:us a b/ /c\nEXPOSE 80\n',
    "an argument of the stage": 'FROM a\nARG V=1.2\nARG W\nARG X="a b"\nRUN pip install x==${V}\n',
    "a RUN of many lines": 'FROM a\nRUN one \\\n # said\n\n && two \\\n\tFROM b\n\nCMD ["sh", "-c", "a > b"]\n',
    "comments": "# who made it\n\nARG A\n# what it is\nFROM a\n# x=y\n",
}
MORE = {
    "two stages": "FROM a\nFROM b\n",
    "a stage of a name": "FROM a AS one\n",
    "a platform": "FROM --platform=linux/arm64 a\n",
    "a file of an image": "FROM a\nCOPY --from=b /x /y\n",
    "a mount": "FROM a\nRUN --mount=from=b,target=/b make\n",
    "a mount on the next line": "FROM a\nRUN \\\n  --mount=from=b,target=/b make\n",
    "a heredoc": "FROM a\nRUN <<E\nFROM b\nE\n",
    "a heredoc on a later line": "FROM a\nRUN x \\\n  <<E\nFROM b\nE\n",
    "a heredoc that begins at the end of a line": "FROM a\nRUN x <\\\n<E\n",
    "a trigger": "FROM a\nONBUILD COPY . /x\n",
    "a download": "FROM a\nADD https://example.org/x /x\n",
    "a frontend": "# syntax=docker/dockerfile:1\nFROM a\n",
    "another escape": "# escape=`\nFROM a\n",
    "a word that is none": "FROM a\nRUM x\n",
    "a pair that is none": "FROM a\nENV A=1 B\n",
    "a copy of nothing": "FROM a\nCOPY x\n",
    "a list that is copied": 'FROM a\nCOPY ["x", 1]\n',
    "nothing to build on": "ARG A\n",
    "no base": "RUN x\nFROM a\n",
    "a conflict": "FROM a\nRUN x \\\n||||||| base\n",
    "a conflict below": "FROM a\n>>>>>>> theirs\n",
    "a comment behind a sign": "FROM a\nRUN x \\\n\nLABEL y=\"<<E\"\n",
    "other ends of lines": "FROM a\r\nRUN x\r\n",
    "a NUL": "FROM a\nRUN \0\n",
    "a blank that is none everywhere": "FROM a\nENV A=\xa0B\n",
    "a blank that ends the line": "FROM a\nCOPY a \x85\n",
    "a flag in place of a base": "FROM --x\n",
    "a mark": "\ufeffFROM a\n",
}  # fmt: skip
LINES = st.sampled_from(
    [
        "FROM a", "FROM ${A}:${B}", "FROM a AS b", "FROM --platform=$A a", "ARG A", "ARG A=1", "ARG A=",
        "ARG B=${A}", "ARG A=1 B=2", "ARG 'x'", "ARG =x", "RUN x", "RUN x \\", "RUN \\", "RUN x \\\\", "RUN x \\ ",
        "RUN x <\\", "<E", "ENV A=\xa0B", "COPY a \x85", "USER x\u3000y",
        "RUN --mount=from=b x", "RUN <<E", "RUN x \\n", "E", "COPY a b", "COPY --from=b a b", "COPY --link a b",
        "COPY --chown=x a b", "COPY a", 'COPY ["a"]', "COPY a \\", "COPY <<E b", "ENV A=1", "ENV A 1", "ENV A",
        'ENV A="x', "ENV A=1 \\", "  B=2", "B=2", 'LABEL x="<<E"', "LABEL a.b=c", "LABEL x='1'", "# c", "# c \\",
        "#", " # c", "# syntax=x", "# escape=`", "# a=b", "", "  ", "\\", " \\", "<<<<<<< a", "||||||| a",
        ">>>>>>> a", "=======", "ONBUILD RUN x", "ONBUILD ARG A", "ADD a b", "ADD https://x/y /z", "MAINTAINER me",
        "from a", "run x", " RUN x", "\tUSER x", "USER x", "USER", 'CMD ["x"]', "CMD x", 'SHELL ["x"]',
        "HEALTHCHECK NONE", "WORKDIR /x y", "EXPOSE 80", "COPPY a b", "RUN x\r", "RUN\tx", "RUN  x", "USER <x",
        "RUN é", "RUN x\u2028RUN y", "RUN x\x0bFROM b", "COPY a\xa0b c", "STOPSIGNAL 9", "VOLUME /x", "ENTRYPOINT x",
    ]
)  # fmt: skip


def agree(text: str) -> bool:
    """Whether a look tells; what it does is what reading tells."""
    data = text.encode()
    seen = glance(data, "Dockerfile")
    if seen is None:
        return False
    read, (dockerfile, declared) = parse(data, "Dockerfile"), seen
    (stage,), (looked,) = read.stages, dockerfile.stages
    assert (looked.base.how, looked.base.text) == (stage.base.how, stage.base.text)
    assert (stage.name, stage.platform, stage.uses, stage.triggers) == (None, None, (), Body())
    assert all(copied.how == "copy" for copied in stage.copies)
    assert (read.syntax, read.escape) == (dockerfile.syntax, dockerfile.escape)
    assert [(arg.name, arg.default) for arg in dockerfile.args] == [(arg.name, arg.default) for arg in read.args]
    assert read.declared_in_stages <= declared
    for passed in ({}, {"A": "x"}, {"B": "y"}):
        assert [text for _, text, _ in dockerfile.places(passed)] == [text for _, text, _ in read.places(passed)]
        assert dockerfile.foundation(passed) == read.foundation(passed)
    return True


@pytest.mark.parametrize("text", USUAL.values(), ids=USUAL)
def test_what_nearly_everybody_writes_is_seen(text: str) -> None:
    """Base and arguments are those that reading finds."""
    assert agree(text)


@pytest.mark.parametrize("text", MORE.values(), ids=MORE)
def test_what_could_be_more_has_to_be_read(text: str) -> None:
    """A second image, a path from elsewhere, what acts later, and whatever is wrong."""
    assert glance(text.encode(), "Dockerfile") is None


def test_what_is_no_text_has_to_be_read() -> None:
    """Who reads it says on which line."""
    assert glance(b"FROM a\nRUN \xff\n", "Dockerfile") is None


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES, max_size=7), st.booleans(), st.sampled_from(["FROM a\n", "ARG A=1\nFROM $A\n", ""]))
@example(["RUN x \\", "", 'LABEL x="<<E"'], True, "FROM a\n")
def test_a_look_never_says_what_reading_does_not(lines: list[str], is_ended: bool, head: str) -> None:
    """Lines in any order, wrong ones among them."""
    text = head + "\n".join(lines) + ("\n" if is_ended else "")
    try:
        agree(text)
    except FileProblem as problem:
        raise AssertionError(f"reading refuses {text!r}: {problem}") from problem
