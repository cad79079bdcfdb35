# SPDX-License-Identifier: MIT
"""Plain text for people: tables, times, sizes. Colour is the caller's Style, off where nobody sees it.

In: values. Out: text. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

_COLOURS = {"red": 31, "green": 32, "yellow": 33, "cyan": 36, "dim": 2, "bold": 1}
_TERMINAL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
"""Commands to a terminal: of a form that ends by itself, or that says a title."""
_LAST = 24
"""The last column of a table is shown if this much of it is."""
_SIZES = ("B", "kB", "MB", "GB", "TB")


class Style:
    """Colours words, or leaves them alone."""

    def __init__(self, is_coloured: bool) -> None:
        self.is_coloured = is_coloured

    def __call__(self, text: str, *colours: str) -> str:
        """`text` in the given colours (red, green, yellow, cyan, dim, bold)."""
        if not self.is_coloured or not text:
            return text
        codes = ";".join(str(_COLOURS[name]) for name in colours)
        return f"\x1b[{codes}m{text}\x1b[0m"


PLAIN = Style(False)


def table(
    rows: Sequence[Sequence[str]], heads: Sequence[str], style: Style, width: int, spare: Collection[str] = ()
) -> str:
    """Rows under dim heads, columns padded; the last column is cut to fit `width` characters.

    Columns without a word in them are left out. Where the room is too small, first the columns that
    are `spare` go; then each row becomes a line with what is left below it, wrapped.
    Cells may be coloured: what is measured is what is seen.
    """
    kept = [i for i in range(len(heads)) if i == 0 or any(row[i] for row in rows)]
    for name in ("", *reversed(list(spare))):
        kept = [i for i in kept if heads[i] != name or not name]
        widths = [max(seen(heads[i]), *(seen(row[i]) for row in rows), 0) for i in kept]
        used = sum(widths[:-1]) + 2 * (len(kept) - 1)
        if used + min(widths[-1], _LAST) <= width:
            break
    else:
        return _stacked(rows, heads, kept, style, width)
    lines = []
    for number, row in enumerate([tuple(style(head, "dim") for head in heads), *rows]):
        cells = [row[i] + " " * (size - seen(row[i])) for i, size in zip(kept[:-1], widths, strict=False)]
        last = row[kept[-1]]
        lines.append("  ".join([*cells, cut(last, width - used) if number else last]).rstrip())
    return "\n".join(lines)


def _stacked(rows: Sequence[Sequence[str]], heads: Sequence[str], kept: Sequence[int], style: Style, width: int) -> str:
    """A row as a line with its first two cells, and a line for each other one, wrapped below itself."""
    indent = 2 + max((seen(heads[i]) for i in kept[2:]), default=0) + 2
    lines = []
    for row in rows:
        lines.append("  ".join(row[i] for i in kept[:2] if row[i]))
        for i in kept[2:]:
            if row[i]:
                head = "  " + style(heads[i], "dim") + " " * (indent - 2 - seen(heads[i]))
                lines.append(head + f"\n{' ' * indent}".join(wrapped(row[i], max(width - indent, 20))))
    return "\n".join(lines)


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` characters, broken between words; a longer word stays whole."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and seen(lines[-1]) + 1 + seen(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines


def seen(text: str) -> int:
    """How many characters a terminal shows of `text`."""
    if "\x1b" not in text:
        return len(text)
    count, inside = 0, False
    for char in text:
        if char == "\x1b":
            inside = True
        elif inside:
            inside = char != "m"
        else:
            count += 1
    return count


def cut(text: str, width: int) -> str:
    """`text`, shortened with an ellipsis if it is wider than `width`; coloured text is left whole."""
    return text if "\x1b" in text or len(text) <= width else f"{text[: max(width - 1, 0)]}…"


def visible(text: str) -> str:
    """`text` as one line that is what it looks like: what prints nothing, or turns what follows, is written out.

    Names of files may hold anything: line feeds, a terminal's commands, marks that turn the direction of writing.

    >>> visible("a\\nb\\x1b[2J")
    'a\\\\nb\\\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def cleaned(line: str) -> str:
    """A line that some program wrote, without its colours and other commands to a terminal.

    >>> cleaned("\\x1b[31mred\\x1b[0m\\tor\\rnot")
    'red     or\\\\rnot'
    """
    return visible(_TERMINAL.sub("", line).expandtabs(8))


def time_text(seconds: float) -> str:
    """A duration as people say it.

    >>> time_text(0.25), time_text(59.97), time_text(75), time_text(7260)
    ('0.2 s', '1 min 0 s', '1 min 15 s', '2 h 1 min')
    """
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def size_text(size_bytes: int) -> str:
    """A size in SI units.

    >>> size_text(1234567)
    '1.2 MB'
    """
    size, unit = float(size_bytes), 0
    while round(size, 1) >= 1000 and unit < len(_SIZES) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size_bytes} B" if unit == 0 else f"{size:.1f} {_SIZES[unit]}"


def count_text(count: int, noun: str) -> str:
    """`1 image`, `3 images`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def joined(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    items = list(words)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def few(names: Sequence[str], most: int = 4) -> str:
    """`a, b and c`; of many the first ones, and how many more there are.

    >>> few("abcdefg")
    'a, b, c, d and 3 more'
    """
    return joined([*names[:most], f"{len(names) - most} more"] if len(names) > most + 1 else names)
