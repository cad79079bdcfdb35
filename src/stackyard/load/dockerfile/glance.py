# SPDX-License-Identifier: MIT
"""What one look at a Dockerfile tells, where it is written as nearly everybody writes: what it is built on.

In:   bytes
Out:  a Dockerfile that has its base and the arguments before it, and nothing else, and names of those behind it;
      nothing where only reading it whole tells more
Pure. Beside: parse, which reads any

A look is a twentieth of the work of reading. It takes a file for what it seems only if every line of it has one of a
few forms: one stage on one base, no image or path from elsewhere, no heredoc, no trigger, no download, nothing that
could be wrong. Of such a file `parse` makes the same base and the same arguments, and has nothing to complain of.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from stackyard.model.dockerfile import Arg, Dockerfile, Stage, Use
from stackyard.model.words import SPACE

_BLANKS = frozenset(sign for sign in SPACE if not sign.isascii())
"""What parts words, and looks like a sign of one in what follows."""

_PLAIN = r"[^\\<\n\r\v\f]*+"
_LINE = rf"{_PLAIN}(?:(?:\\[^\\\s]|<(?![<\\])){_PLAIN})*+"
"""Signs that neither continue a line, nor begin a heredoc (here or on the next line), nor end a line in another way."""
_BREAK = r"\\\n(?:[ \t]*(?:\#[^\n]*)?\n)*+(?![|>]{7})"
"""The end of a line that is continued, with comments and empty lines behind it."""
_TEXT = rf"(?![-\\\s<]){_LINE}(?:{_BREAK}{_LINE})*+"
"""What follows a word, over several lines, and does not begin with a flag."""
_VALUE = r'(?:"[^"\\\n]*"|[^\s"\'\\<]*)'
_PAIR = rf"[A-Za-z_][\w.-]*={_VALUE}"
_PAIRS = rf"{_PAIR}(?:(?:[ \t]+|[ \t]*\\\n[ \t]*){_PAIR})*"
_PATH = r"[^\s\\<\"'\[]+"
_BLANK = r"[ \t]*\n|\#[^\n]*\n"
_BODY = rf"""(?:{_BLANK}
  |(?:RUN|CMD|ENTRYPOINT|WORKDIR|USER|EXPOSE|VOLUME|STOPSIGNAL|SHELL)[ ]{_TEXT}(?:\n|\Z)
  |(?:ENV|LABEL)[ ]{_PAIRS}(?:\n|\Z)
  |COPY[ ](?:--(?:chown|chmod)=[\w:$.{{}}-]+[ ])?(?!-){_PATH}(?:[ ]{_PATH})+(?:\n|\Z)
  |ARG[ ][A-Za-z_]\w*(?:={_VALUE})?(?:\n|\Z)
)*+"""
_FILE = re.compile(
    rf"(?P<head>(?:ARG[ ][A-Za-z_]\w*(?:=[\w./:@+$\{{\}}-]*)?\n|[ \t]*\n|\#[^\n=]*\n)*)"
    rf"FROM[ ](?!-)(?P<base>[\w./:@$\{{\}}+-]+)(?:\n|\Z)"
    rf"(?P<body>{_BODY})\Z",
    re.ASCII | re.VERBOSE,
)
_ARG = re.compile(r"^ARG ([A-Za-z_]\w*)(?:=(.*))?$", re.ASCII | re.MULTILINE)


class Glance(NamedTuple):
    """What a look tells."""

    dockerfile: Dockerfile
    """As far as it says what it is built on."""
    declared: frozenset[str]
    """Arguments that its stage declares, and perhaps more: what only looks like one does no harm."""


def glance(data: bytes, path: str) -> Glance | None:
    """What a look at a Dockerfile tells; None where it could say more, or anything wrong."""
    if b"\0" in data:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if not (text.isascii() or _BLANKS.isdisjoint(text)) or (found := _FILE.match(text)) is None:
        return None
    head, body = found["head"], found["body"]
    args = tuple(Arg(name, default, 1) for name, default in _declared(head)) if "ARG" in head else ()
    declared = frozenset(name for name, _ in _declared(body)) if "ARG" in body else frozenset[str]()
    return Glance(Dockerfile(path, args, (Stage(base=Use("from", found["base"], 1)),)), declared)


def _declared(text: str) -> list[tuple[str, str | None]]:
    """Names and defaults of the lines that are ARG."""
    return [(match[1], match[2]) for match in _ARG.finditer(text)]
