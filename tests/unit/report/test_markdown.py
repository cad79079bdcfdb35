# SPDX-License-Identifier: MIT
"""A plan as a comment: read by a Markdown parser of another's making, whatever names hold, at any size."""

from __future__ import annotations

import re

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from stackyard.model.known import NOTHING_KNOWN
from stackyard.model.plan import Note, Plan
from stackyard.model.stack import Finding, Revision, TagTemplates, Target
from stackyard.report.markdown import LIMIT, plan_markdown
from tests.cases import each_of
from tests.unit.plan.made import AT, COMMIT, known, plan, record, stack, target

PARSER = MarkdownIt("commonmark").enable("table")
BARE = TagTemplates()


def parsed(text: str) -> list[Token]:
    """Blocks, with their inline tokens in them."""
    return PARSER.parse(text)


def rows(text: str) -> list[list[str]]:
    """Cells of all rows of all tables, as a reader sees them."""
    found: list[list[str]] = []
    for before, token in zip([None, *parsed(text)], parsed(text), strict=False):
        if token.type == "tr_open":
            found.append([])
        elif token.type == "inline" and before and before.type in ("td_open", "th_open"):
            found[-1].append(seen(token))
    return found


def seen(inline: Token) -> str:
    """The text of an inline token, without its tags."""
    return "".join(token.content for token in inline.children or () if token.type.startswith("text"))


def changed(name: str, *files: str) -> tuple[Target, Target]:
    """A target without `files`, and with them."""
    return target(name, templates=BARE), target(name, files=dict.fromkeys(files, ""), templates=BARE)


def with_files(*files: str, name: str = "lab") -> Plan:
    """A plan in which these files were added."""
    before, after = changed(name, *files)
    return plan(stack(after), known(record(before), targets=(before,)))


def test_what_a_comment_has() -> None:
    """The bot's mark first, then where, how much, the shared tags and a row per image that is built."""
    text = plan_markdown(plan(stack(target("up"), target("lab", "up")), NOTHING_KNOWN))

    assert text.split("\n")[0] == "<!-- stackyard plan: lab -->"
    assert "at <code>0123456</code> on branch <code>main</code>: 2 to build." in text
    assert "Tags: <code>0123456</code>, <code>main</code>" in text
    assert rows(text) == [["image", "step", "why"], ["up", "build", "never built"], ["lab", "build", "never built"]]
    assert text.endswith("not asked.\n")


def test_what_is_long_is_folded() -> None:
    """More than a screen of builds, what is only as wanted, reasons beyond two, and findings."""
    pairs = [changed(f"i{number}", *"abc") for number in range(40)]
    finding = Finding("x", "warning", "what is wrong", "images/spec.yml", 3, hint="what to do")
    same = target("same", templates=BARE)
    made = plan(stack(same, *(after for _, after in pairs)), known(record(same), *(record(old) for old, _ in pairs)))
    text = plan_markdown(msgspec.structs.replace(made, findings=(finding,)))

    folds = re.findall(r"<details>\n<summary>(.*)</summary>", text)
    assert folds[:2] == ["15 more to do", "1 as wanted"]
    assert folds[-1] == "1 finding"
    assert text.count("</details>") == len(folds)
    assert "- warning: <code>images/spec.yml&#58;3&#58; what is wrong (hint&#58; what to do)</code>" in text
    assert len(rows(text)) == 3 + 41


def test_every_reason_is_listed_below() -> None:
    """The row has two of three, and says so; the list has all."""
    text = plan_markdown(with_files("a", "b", "c"))

    assert rows(text)[1][2] == "images/lab/a added; images/lab/b added; and 1 more"
    assert [seen(token) for token in parsed(text) if token.type == "inline"][-4:-1] == [
        "lab: images/lab/a added",
        "lab: images/lab/b added",
        "lab: images/lab/c added",
    ]


NASTY = [
    "a|b",
    "a\\|b",
    "`a`",
    "``` a",
    "<script>alert(1)</script>",
    "</details>",
    "<!-- x",
    "--> x",
    "[a](http://example.org)",
    "![a](http://example.org/x.png)",
    "http://example.org",
    "@someone",
    "#1",
    "*a* _b_ ~~c~~",
    "&lt;b&gt;",
    "$x$",
    "</code><b>",
    ":smile:",
]


@each_of("name", NASTY)
def test_names_are_never_markdown(name: str) -> None:
    """A file of any name is shown as it is, in its cell, as code, and changes nothing around it."""
    text = plan_markdown(with_files(name, name + "2"))

    assert rows(text)[1][:3] == ["lab", "build", f"images/lab/{name} added; images/lab/{name}2 added"]
    assert len(rows(text)) == 2
    tags = {token.content for block in parsed(text) for token in block.children or () if token.type == "html_inline"}
    assert tags == {"<code>", "</code>"}
    assert "@" not in text


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1).filter(lambda text: "/" not in text))
def test_any_name_fits_in_a_cell(name: str) -> None:
    """One row, four cells, no tag but ours; what prints nothing is written out."""
    text = plan_markdown(with_files(name))

    (head, row) = rows(text)
    assert len(head) == len(row) == 4
    assert row[2].endswith("added")
    tags = {token.content for block in parsed(text) for token in block.children or () if token.type == "html_inline"}
    assert tags == {"<code>", "</code>"}


def test_a_branch_and_a_stack_of_any_name() -> None:
    """They stand in the head, and in the mark that a comment's end would break."""
    of = stack(target("up"), revision=Revision(COMMIT, "feature/--><b>|`", False))
    text = plan_markdown(plan(of.__class__("a--><b>", "images", of.targets, of.revision, True), NOTHING_KNOWN))

    assert text.split("\n")[0] == "<!-- stackyard plan: a-b- -->"
    assert "<b>" not in text
    assert len(rows(text)) == 2


def test_a_comment_is_never_longer_than_github_takes() -> None:
    """Hundreds of images of many reasons: whole rows, closed folds, and a sentence with what was left out."""
    pairs = [changed(f"image-{number}", *(f"file-{n}" for n in range(20))) for number in range(300)]
    olds = [old for old, _ in pairs]
    made = plan(stack(*(new for _, new in pairs)), known(*map(record, olds), targets=olds))
    text = plan_markdown(made)

    assert LIMIT - 2000 < len(text) <= LIMIT
    assert text.count("<details>") == text.count("</details>")
    (told,) = re.findall(r"Left out, because a comment has at most 65,536 characters: (.*)\.", text)
    shown = sum(1 for row in rows(text) if row[1] == "build")
    reasons = sum(1 for line in text.split("\n") if line.startswith("- "))
    left = {name: int(count) for count, name in re.findall(r"(\d+) (\w+)", told)}
    assert shown + left.get("steps", 0) == 300
    assert reasons + left["reasons"] == 6000


def test_any_limit_is_kept() -> None:
    """Wherever it cuts."""
    pairs = [changed(f"image-{number}", "a", "b", "c") for number in range(60)]
    olds = [old for old, _ in pairs]
    made = plan(stack(*(new for _, new in pairs)), known(*map(record, olds), targets=olds))
    for limit in range(700, 6000, 100):
        text = plan_markdown(made, limit)

        assert len(text) <= limit
        assert text.count("<details>") == text.count("</details>")
        assert "Left out" in text


def test_notes_stand_above() -> None:
    """What the stack's policy decided, and a base that moved; where nothing is done, there is no table."""
    made = plan(stack(target("up")), NOTHING_KNOWN)
    moved = Finding("base-moved", "notice", "base a|b moved", "")
    some = plan_markdown(msgspec.structs.replace(made, notes=(Note("publish", "not published"),), findings=(moved,)))
    idle = plan_markdown(msgspec.structs.replace(made, notes=(Note("skip", "[skip ci] by `@x`"),)))

    paragraphs = [seen(token) for token in parsed(some) if token.type == "inline"]
    assert paragraphs[2:4] == ["not published", "base a|b moved"]
    assert "finding</summary>" not in some
    assert rows(idle) == []
    assert "by &#96;<code>&#64;</code>x&#96;" in idle
    assert "build" not in idle


def test_it_says_since_when() -> None:
    """A time is no fact to be shown as code."""
    same = target("same", templates=BARE)
    assert rows(plan_markdown(plan(stack(same), known(record(same)))))[1][2] == f"unchanged since {AT}"
