# SPDX-License-Identifier: MIT
"""Plain text for people: tables, times, sizes. Colour is the caller's Style, off where nobody sees it.

In: values. Out: text. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_COLOURS = {"red": 31, "green": 32, "yellow": 33, "cyan": 36, "dim": 2, "bold": 1}
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


def table(rows: Sequence[Sequence[str]], heads: Sequence[str], style: Style, width: int) -> str:
    """Rows under dim heads, columns padded; the last column is cut to fit `width` characters.

    Cells may be coloured: what is measured is what is seen.
    """
    columns = [[head, *(row[i] for row in rows)] for i, head in enumerate(heads)]
    widths = [max(seen(cell) for cell in column) for column in columns]
    used = sum(widths[:-1]) + 2 * (len(widths) - 1)
    lines = []
    for number, row in enumerate([tuple(style(head, "dim") for head in heads), *rows]):
        cells = [cell + " " * (size - seen(cell)) for cell, size in zip(row[:-1], widths, strict=False)]
        last = row[-1] if number == 0 else cut(row[-1], max(width - used, 20))
        lines.append("  ".join([*cells, last]).rstrip())
    return "\n".join(lines)


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
    return text if "\x1b" in text or len(text) <= width else f"{text[: width - 1]}…"


def time_text(seconds: float) -> str:
    """A duration as people say it.

    >>> time_text(0.25), time_text(75), time_text(7260)
    ('0.2 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 60:
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
    while size >= 1000 and unit < len(_SIZES) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size_bytes} B" if unit == 0 else f"{size:.1f} {_SIZES[unit]}"


def count_text(count: int, noun: str) -> str:
    """`1 image`, `3 images`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def joined(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    items = list(words)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
