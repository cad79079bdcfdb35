# SPDX-License-Identifier: MIT
"""A new entry under `images:` of a spec file, everything else as it was.

In:   the file's text, the entry as lines
Out:  the text with the entry after the last one
Pure. The caller reads the result back: what is not exactly the old file and the entry is refused.

Text is inserted rather than a document written anew: comments, order, quotes, blank lines and line ends
are not touched because nothing touches them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_IMAGES = re.compile(r"^(?:images|\"images\"|'images')[ \t]*:[ \t]*(?P<rest>[^\r\n]*)", re.MULTILINE)
_NOTHING = re.compile(r"(?:(?:\{\s*\}|~|null)[ \t]*)?(?:#.*)?")


def with_entry(text: str, entry: Sequence[str]) -> str | None:
    """The text with an entry; None where `images:` is not a block of lines.

    Args:
        entry: lines of the entry, the first one not indented, the others by two blanks each level.
    """
    found = _IMAGES.search(text)
    if found is None or not _NOTHING.fullmatch(found["rest"]):
        return None
    end = "\r\n" if "\r\n" in text else "\n"
    comment = found["rest"][found["rest"].index("#") :] if "#" in found["rest"] else ""
    head = text[: found.start("rest")].rstrip(" \t") + (f"  {comment}" if comment else "")
    if not re.fullmatch(r"(?:#.*)?", found["rest"]):  # `{}` or `null` makes room for lines
        text = head + text[found.end() :]
    else:
        head = text[: found.end()]
    lines = text[len(head) :].splitlines(keepends=True)
    begun = lines[0] if lines and not lines[0].strip() else ""
    rest = lines[1:] if begun else lines
    last, indent, is_spaced = 0, "", False
    for number, line in enumerate(rest, 1):
        plain = line.strip()
        if plain and not line[0].isspace() and not plain.startswith("#"):
            break
        if plain and not (plain.startswith("#") and not line[0].isspace()):
            own = line[: len(line) - len(line.lstrip())]
            if not plain.startswith("#"):
                is_spaced = is_spaced or (bool(indent) and own == indent and not rest[number - 2].strip())
                indent = indent or own
            if not plain.startswith("#") or len(own) > len(indent):
                last = number
    indent = indent or "  "
    new = [f"{indent}{line}{end}" for line in entry]
    before = "".join(rest[:last])
    if before and not before.endswith(("\n", "\r")):
        before += end
    return f"{head}{begun or end}{before}{end if is_spaced else ''}{''.join(new)}{''.join(rest[last:])}"
