# SPDX-License-Identifier: MIT
"""How the keys and values of a YAML file are written: in quotes or bare, and what a bare one is to other tools.

`load/yaml.py` says what a file means, and forgets how it was written; checks of quotes, and edits that
leave the rest of a file alone, need the latter. Text comes here after `load/yaml.py` took it.
"""

from __future__ import annotations

from collections.abc import Iterator

from stackyard.load.yaml import yaml
from stackyard.model.stack import Finding

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"
_ONLY_BETWEEN_BRACES = frozenset(",[]{}")


def composed(text: str) -> yaml.Node | None:
    """The nodes of one document, with the places where each begins and ends in `text`."""
    node: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
    return node


def own_entries(node: yaml.Node | None) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    """Keys and values that stand in a mapping itself, not those it merges; none for what is no mapping."""
    if not isinstance(node, yaml.MappingNode):
        return []
    return [(key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE]


def is_text_when_bare(text: str) -> bool:
    """Whether `text` needs no quotes, as a key and as a value: every tool reads the same text.

    >>> [is_text_when_bare(text) for text in ("3.10", "3.10.4", "2021-08-31", "2021-08-31T195148")]
    [False, True, False, True]
    """
    if not _ONLY_BETWEEN_BRACES.isdisjoint(text):
        return False
    try:
        entries = own_entries(composed(f"{text}: {text}\n"))
    except yaml.YAMLError:
        return False
    return len(entries) == 1 and all((node.tag, node.value) == (_TEXT, text) for node in entries[0])


def unquoted_versions(node: yaml.Node | None, path: str) -> Iterator[Finding]:
    """A warning for each bare key that other tools do not read as text: `3.10` is the number 3.1 to them."""
    seen: dict[object, str] = {}
    for key, _ in own_entries(node):
        if key.style or key.tag == _TEXT:
            continue
        number = _number(key.value)
        first = seen.setdefault(number, key.value) if number is not None else key.value
        is_lost = f", as for the key {first}, and keep one of the two" if first != key.value else ""
        yield Finding(
            "unquoted-version",
            "warning",
            f"version {key.value} is not in quotes: other tools read "
            + (f"the number {number}" if number is not None else "something else than text")
            + is_lost,
            path,
            key.start_mark.line + 1,
            key.start_mark.column + 1,
            hint=f'write "{key.value}":',
            found=key.value,
            wanted=f'"{key.value}"',
        )


def _number(text: str) -> float | int | None:
    """What other tools make of a bare number."""
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
