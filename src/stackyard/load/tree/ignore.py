# SPDX-License-Identifier: MIT
"""`.dockerignore` with Docker's own rules: what of a build context an engine never sees.

In:   patterns, or the files that hold them
Out:  IgnoreRules: is this path ignored, can anything below this folder be kept
Raises: FileProblem for a pattern that Docker refuses, and a file that cannot be read
Pure but for `read_ignore_rules`.

Source: moby/patternmatcher and its ignorefile, by their behaviour. The last pattern that matches wins;
a pattern that matched a folder goes on to match everything in it; `**` is any number of folders; the
rest is Go's filepath.Match. As BuildKit's own walk does, a pattern that had no say about a folder
is not asked about that folder again for what is in it.
What differs: `*`, `?` and `[:` inside brackets, and a letter after a backslash. Docker hands them to Go's
regular expressions, where they mean something else than a person meant. Here such a pattern ignores
nothing, and one with `!` keeps everything: no file that an engine sees is missed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from stackyard.errors import FileProblem
from stackyard.load.links import HINT
from stackyard.load.tree.files import DISK, Files
from stackyard.load.tree.paths import joined
from stackyard.model.words import SPACE

IGNORE_FILE = ".dockerignore"

_KEEPS_NOTHING = "write what to keep behind it: !README.md"

_MAGIC = frozenset("*?[]\\")

_SIGNS = re.compile(r"\\.|\[(?:[^\]\\]|\\.)*", re.DOTALL)
_UNCLEAR = re.compile(r"\\[0-9A-Za-z]|^\[.*?(?:[*?]|\[:)", re.DOTALL)

STAR = "[^/]*"
FOLDERS = "(?:.*/)?"
"""Regular expressions of `*` and `**/`."""

Said = tuple[bool, ...]
"""For each pattern, whether it matched a folder: what is in the folder needs to know."""


class Pattern:
    """One compiled line: `matches` tells about a path, `keeps` is whether it begins with `!`."""

    __slots__ = ("keeps", "matches", "parts", "text")

    def __init__(self, text: str, keeps: bool, matches: Callable[[str], object]) -> None:
        self.text = text
        self.keeps = keeps
        self.matches = matches
        # Only a pattern whose slashes all part folders can be compared folder by folder.
        self.parts = None if "[" in text or "\\" in text else text.split("/")

    def could_match_below(self, folder: Sequence[str]) -> bool:
        """Whether some path inside the folder, given by its parts, could match."""
        if self.parts is None:
            return True
        for part, name in zip(self.parts, folder, strict=False):
            if "**" in part:
                return True
            if part != name and (_MAGIC.isdisjoint(part) or not re.fullmatch(glob_regex(part), name)):
                return False
        return len(self.parts) > len(folder)


class IgnoreRules:
    """The patterns of one build context, compiled."""

    __slots__ = ("_any", "_has_exceptions", "patterns")

    def __init__(self, patterns: Sequence[Pattern] = ()) -> None:
        self.patterns = tuple(patterns)
        self._has_exceptions = any(pattern.keeps for pattern in patterns)
        self._any = tuple(pattern.matches for pattern in patterns)

    def ignores(self, path: str) -> bool:
        """Whether `path` (relative, posix) is left out of the build context."""
        said: Said | None = None
        ignored = False
        parts = path.split("/")
        for length in range(1, len(parts) + 1):
            ignored, said = self.judge("/".join(parts[:length]), said)
            if ignored and not self._has_exceptions:
                return True
        return ignored

    def judge(self, path: str, above: Said | None) -> tuple[bool, Said | None]:
        """Whether `path` is ignored, given what the patterns said about its folder (None at the root).

        Without exceptions an ignored folder is never entered, so that nothing has to be remembered.
        """
        if not self._has_exceptions:
            for matches in self._any:
                if matches(path):
                    return True, None
            return False, None
        ignored = False
        said: list[bool] = []
        for number, pattern in enumerate(self.patterns):
            matched = above is not None and above[number]
            if not matched and pattern.keeps == ignored:
                matched = bool(pattern.matches(path))
            if matched:
                ignored = not pattern.keeps
            said.append(matched)
        return ignored, tuple(said)

    def may_keep_below(self, folder: str) -> bool:
        """Whether an exception could take something back that is in the ignored `folder`."""
        if not self._has_exceptions:
            return False
        parts = folder.split("/")
        return any(pattern.keeps and pattern.could_match_below(parts) for pattern in self.patterns)


NOTHING_IGNORED = IgnoreRules()


def compile_rules(lines: Sequence[str], path: str = IGNORE_FILE) -> IgnoreRules:
    """Rules from the lines of an ignore file; FileProblem for a pattern that Docker refuses."""
    return IgnoreRules([pattern for number, line in enumerate(lines, 1) if (pattern := _pattern(line, path, number))])


@lru_cache(maxsize=64)  # a stack's images mostly share one text
def parse_ignore_rules(data: bytes, path: str) -> IgnoreRules:
    """Rules from the bytes of an ignore file, called `path` in messages."""
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileProblem(path, line, "is not UTF-8 text", hint="save the file as UTF-8") from None
    # A comment is one by its very first sign: "  # x" is a pattern.
    return compile_rules(["" if line.startswith("#") else line for line in text.split("\n")], path)


def read_ignore_rules(
    folder: str, dockerfile: str = "Dockerfile", shown: str | None = None, files: Files = DISK
) -> IgnoreRules:
    """The rules for the build context `folder`: the Dockerfile's own ignore file, or the folder's.

    Args:
        dockerfile: relative to `folder`.
        shown: how messages call the folder.
    """
    for name in (f"{dockerfile}{IGNORE_FILE}", IGNORE_FILE):
        called = joined(shown or folder, name)
        data = _read(joined(folder, name), folder, called, files)
        if data is not None:
            return parse_ignore_rules(data, called)
    return NOTHING_IGNORED


def _read(path: str, folder: str, called: str, files: Files) -> bytes | None:
    """The file's bytes, None where there is none."""
    try:
        if not files.is_there(path):
            return None
        if files.is_link(path) and posixpath.relpath(files.real(path), files.real(folder)).split("/")[0] == "..":
            raise FileProblem(called, None, "is a link that leads out of the build context", hint=HINT)
        if not files.is_file(path):
            raise FileProblem(called, None, "is not a file", hint="ignore rules are text, one pattern a line")
        return files.read(path)
    except OSError as error:
        raise FileProblem(called, None, f"cannot be read: {error.strerror}", hint="make it readable") from None


def _pattern(line: str, path: str, number: int) -> Pattern | None:
    text = line.strip(SPACE)
    keeps = text.startswith("!")
    if keeps:
        text = text[1:].strip(SPACE)
    if not text:
        if keeps:
            raise FileProblem(path, number, "'!' alone keeps nothing", hint=_KEEPS_NOTHING)
        return None
    text = clean(text)
    if len(text) > 1:
        text = text.removeprefix("/")
    # Docker cleans once more with the `!` in front, then looks for it: "!../../a" is "a", and "./!a" is "!a".
    text = clean(f"!{text}" if keeps else text)
    keeps = text.startswith("!")
    text = text.removeprefix("!")
    if not text:
        raise FileProblem(path, number, f"{line.strip(SPACE)!r} keeps nothing", hint=_KEEPS_NOTHING)
    try:
        matches = _matcher(text)
        is_unclear = any(_UNCLEAR.search(signs) for signs in _SIGNS.findall(text))
        return Pattern(text, keeps, (lambda _: keeps) if is_unclear else matches)
    except ValueError as error:
        hint = "brackets and a backslash are signs of patterns; write \\[ for a bracket"
        raise FileProblem(path, number, f"{line.strip(SPACE)!r} is no pattern: {error}", hint=hint) from None


def _matcher(text: str) -> Callable[[str], object]:
    if _MAGIC.isdisjoint(text):
        return text.__eq__
    rest = text[2:]
    if text.startswith("**") and _MAGIC.isdisjoint(rest):
        # `**name` is any end of a path, `**/name` any end at a slash: Docker's own short cut.
        return lambda path: path.endswith(rest) or (rest.startswith("/") and path == rest[1:])
    return re.compile(glob_regex(text, deep=True)).fullmatch


def clean(path: str) -> str:
    """As Go's filepath.Clean."""
    cleaned = posixpath.normpath(path)
    return "/" + cleaned.lstrip("/") if cleaned.startswith("//") else cleaned


def glob_regex(pattern: str, *, deep: bool = False) -> str:
    """The regular expression of a pattern of Go's filepath.Match; ValueError where Go refuses it.

    Args:
        deep: `**` is any number of folders, as in ignore files; else it is one `*`.
    """
    out: list[str] = []
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        at += 1
        if sign == "*":
            token, at = _star(pattern, at, deep)
            if not out or out[-1] != token:
                out.append(token)
        elif sign == "?":
            out.append("[^/]")
        elif sign == "[":
            token, at = _bracket(pattern, at)
            out.append(token)
        elif sign == "\\":
            if at == len(pattern):
                raise ValueError("nothing follows the last backslash")
            out.append(re.escape(pattern[at]))
            at += 1
        else:
            out.append(re.escape(sign))
    return "".join(out if "[" in pattern else _without_detours(out))


def _without_detours(tokens: list[str]) -> list[str]:
    """The same pattern, never trying a star twice for what stands before the next star.

    What a star passes over, the next star of the same folder can take: the first match is as good
    as any, and a name of many equal letters cannot make the search explode. A class can match a
    slash, so patterns with one are left as they are.
    """
    out: list[str] = []
    chunk: list[str] | None = None
    for token in tokens:
        if token == STAR:
            if chunk is not None:
                out.append(f"(?>{STAR}?{''.join(chunk)})")
            chunk = []
        elif token == FOLDERS and chunk is not None:
            out.extend((STAR, *chunk, token))
            chunk = None
        else:
            (out if chunk is None else chunk).append(token)
    return out if chunk is None else [*out, STAR, *chunk]


def _star(pattern: str, at: int, deep: bool) -> tuple[str, int]:
    """The token of a star whose follower is at `at`, and the index after it."""
    if not deep or not pattern.startswith("*", at):
        return STAR, at
    at += 1
    if pattern.startswith("/", at):
        at += 1
    return (".*" if at == len(pattern) else FOLDERS), at


def _bracket(pattern: str, at: int) -> tuple[str, int]:
    """The token of a class that opened before `at`, and the index after it."""
    negated = pattern.startswith("^", at)
    at += negated
    ranges: list[str] = []
    count = 0
    while not (count and pattern.startswith("]", at)):
        low, at = _class_sign(pattern, at)
        high = low
        if pattern.startswith("-", at):
            high, at = _class_sign(pattern, at + 1)
        count += 1
        if low <= high:
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
    if not ranges:
        return ("(?s:.)" if negated else "(?!)"), at + 1
    return f"[{'^' if negated else ''}{''.join(ranges)}]", at + 1


def _class_sign(pattern: str, at: int) -> tuple[str, int]:
    if pattern.startswith("\\", at):
        at += 1
    elif pattern.startswith(("-", "]"), at):
        raise ValueError(f"{pattern[at]!r} stands where a sign belongs")
    if at + 1 >= len(pattern):
        raise ValueError("a bracket is never closed")
    return pattern[at], at + 1
