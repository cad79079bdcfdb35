# SPDX-License-Identifier: MIT
"""What an engine makes of a folder and a Dockerfile, for a small part of what they may be.

In:   what an engine is sent: a folder, the text of a Dockerfile, build arguments, the contents of images
Out:  Made: the files and variables of the image, the paths it read, what it was told
Touches: the folder, read-only. It knows nothing of Stackyard, so that it can contradict it.

The part: ARG, FROM (stages too), ENV, COPY with `--from`, ONBUILD COPY, and two forms of RUN. One puts what a bind
mount of source X holds into /y: `--mount=type=bind,source=X,target=/m rm -rf /y && cp -a /m /y`. The other writes
down a heredoc: `mkdir -p /y && cat > /y/name <<EOF`. COPY takes one too, and names the file like its end.
Destinations are folders that end in a slash; sources are files, folders, `.`, and `*` in a file's name; ignore
files have plain names, `*` and `!`. Anything else is a ValueError.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Content = dict[str, str]
"""Path -> kind and text; `env NAME` -> value; `onbuild N` -> an instruction; `layers` -> what it stands on."""

_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-((?:[^{}]|\{[^{}]*\})*))?\}|(\w+))")
_HEREDOC = re.compile(r"<<(-?)(['\"]?)([\w.]+)\2")
_SAID = re.compile(r"mkdir -p (/\w+) && cat > \1/(\w+) (<<\S+)")
_BIND = re.compile(r"--mount=type=bind,source=(\S+?),target=/m rm -rf (/\w+) && cp -a /m \2")


@dataclass
class Made:
    """An image, and how it came about."""

    content: Content
    read: set[str] = field(default_factory=set)
    """Paths of the build context that are in it, or were in a stage."""
    images: list[str] = field(default_factory=list)
    """Texts that named images outside the file, in order."""


def sent(context: Path) -> Content:
    """Every path that an engine is sent: kind (file, exec, link, dir) and text."""
    patterns = []
    ignore = context / ".dockerignore"
    if ignore.exists():
        patterns = [line for line in ignore.read_text().split("\n") if line and not line.startswith("#")]
    return dict(_walk(context, "", patterns))


def _walk(context: Path, below: str, patterns: list[str]) -> Iterator[tuple[str, str]]:
    for name in sorted(os.listdir(context / below)):
        path = f"{below}{name}"
        full = context / path
        facts = full.lstat()
        if _is_ignored(path, patterns):
            continue
        if stat.S_ISLNK(facts.st_mode):
            yield path, f"link {os.readlink(full)}"
        elif stat.S_ISDIR(facts.st_mode):
            found = list(_walk(context, f"{path}/", patterns))
            yield from found or [(path, "dir ")]
        else:
            kind = "exec" if facts.st_mode & stat.S_IXUSR else "file"
            yield path, f"{kind} {full.read_text()}"


def _is_ignored(path: str, patterns: list[str]) -> bool:
    ignored = False
    for pattern in patterns:
        name = pattern.removeprefix("!")
        if any(
            fnmatch.fnmatchcase(start, name) and start.count("/") == name.count("/")
            for start in (path, path.partition("/")[0])
        ):
            ignored = not pattern.startswith("!")
    return ignored


def instructions(text: str) -> list[tuple[str, str]]:
    """Word and rest of each instruction, with its heredocs; comments and empty lines are nothing but in these."""
    lines = text.split("\n")[::-1]
    found = []
    while lines:
        line = _line(lines)
        while line.endswith("\\") and lines:
            line = line[:-1] + _line(lines)
        if not line:
            continue
        word, rest = line.split(None, 1)
        for dash, _, end in _HEREDOC.findall(rest) if word.upper() in ("COPY", "RUN") else ():
            while (said := lines.pop()) != end and not (dash and said.lstrip("\t") == end):
                rest += f"\n{said}"
        found.append((word.upper(), rest.strip(" ")))
    return found


def _line(lines: list[str]) -> str:
    """The next line that says something; empty where there is none."""
    while lines:
        line = lines.pop()
        if line.strip() and not line.lstrip().startswith("#"):
            return line
    return ""


def expand(text: str, values: Mapping[str, str]) -> str:
    """The text with `$A`, `${A}` and `${A:-default}` replaced."""

    def value(found: re.Match[str]) -> str:
        known = values.get(found[1] or found[3], "")
        return known or (expand(found[2], values) if found[2] else "")

    return _VARIABLE.sub(value, text)


def make(text: str, context: Content, args: Mapping[str, str], image: Callable[[str], Content]) -> Made:
    """Build the last stage.

    Args:
        context: what `sent` gave.
        image: the content of an image by the text that names it.
    """
    maker = _Maker(context, args, image)
    for word, rest in instructions(text):
        maker.take(word, rest)
    maker.made.content["layers"] = layers_of(maker.made.content, maker.below)
    return maker.made


def layers_of(content: Content, below: str = "") -> str:
    """A digest over an image's own content and all that it stands on: equal files on other layers are another image."""
    return hashlib.sha256(repr((below, sorted(content.items()))).encode()).hexdigest()


class _Maker:
    def __init__(self, context: Content, args: Mapping[str, str], image: Callable[[str], Content]) -> None:
        self._context = context
        self._args = args
        self._image = image
        self._before: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._stages: dict[str, Content] = {}
        self._name = ""
        self._is_begun = False
        self.below = ""
        """`layers` of the image that the stage stands on."""
        self.made = Made({})

    def take(self, word: str, rest: str) -> None:
        line, _, body = rest.partition("\n")
        if word == "ARG":
            self._arg(rest)
        elif word == "FROM":
            self._from(rest.split())
        elif word == "ENV":
            name, _, value = rest.partition("=")
            self.made.content[f"env {name}"] = self._values[name] = expand(value, self._values)
        elif word == "COPY":
            self._copy(line.split(), body)
        elif word == "RUN" and (found := _SAID.fullmatch(line)):
            self.made.content[f"{found[1]}/{found[2]}"] = f"file {self._said(found[3], body)}"
        elif word == "RUN" and (found := _BIND.fullmatch(rest)):
            for path in [path for path in self.made.content if path.startswith(f"{found[2]}/")]:
                del self.made.content[path]
            self._put(expand(found[1], self._values), f"{found[2]}/")
        elif word == "ONBUILD":
            self.made.content[f"onbuild {len(self.made.content)}"] = rest
        else:
            raise ValueError(f"{word} {rest}")
        self._stages[self._name] = self.made.content

    def _arg(self, rest: str) -> None:
        name, equals, default = rest.partition("=")
        values = self._values if self._is_begun else self._before
        if name in self._args:
            values[name] = self._args[name]
        elif equals:
            values[name] = expand(default, values)
        elif self._is_begun and name in self._before:
            values[name] = self._before[name]

    def _from(self, words: list[str]) -> None:
        self._is_begun = True
        text = expand(words[0], self._before)
        below = self._stages[text] if text in self._stages else self._outside(text)
        triggers = [value for key, value in below.items() if key.startswith("onbuild ")]
        self.below = below.get("layers", self.below)
        self.made.content = {
            key: value for key, value in below.items() if not key.startswith("onbuild ") and key != "layers"
        }
        self._values = {key[4:]: value for key, value in below.items() if key.startswith("env ")}
        self._name = words[2] if len(words) == 3 else ""
        for line in triggers:
            self.take(*line.split(None, 1))

    def _outside(self, text: str) -> Content:
        self.made.images.append(text)
        return self._image(text)

    def _said(self, word: str, body: str) -> str:
        """What a heredoc says: without tabs at the start of lines after `<<-`, with variables where its end is bare."""
        dash, quote, _ = _HEREDOC.fullmatch(word).groups()  # type: ignore[union-attr]
        lines = [line.lstrip("\t") if dash else line for line in body.split("\n")] if body else []
        text = "".join(f"{line}\n" for line in lines)
        return text if quote else expand(text, self._values)

    def _copy(self, words: list[str], body: str = "") -> None:
        *sources, to = (expand(word, self._values) for word in words if not word.startswith("--"))
        if words[0].startswith("--from="):
            name = words[0].removeprefix("--from=")
            other = self._stages[name] if name in self._stages else self._outside(name)
            for source in sources:
                self._take_over(other, source, to)
            return
        for source in sources:
            if named := _HEREDOC.fullmatch(source):  # one at most: its body is all that follows
                self.made.content[to + named[3]] = f"file {self._said(source, body)}"
            else:
                self._put(source, to)

    def _take_over(self, other: Content, source: str, to: str) -> None:
        for path, what in list(other.items()):
            if path.startswith(source):
                self.made.content[to + path[len(source) :]] = what

    def _put(self, source: str, to: str) -> None:
        source = source.strip("/")
        for path, what in self._context.items():
            if source == "." or path.startswith(f"{source}/"):
                below = path if source == "." else path[len(source) + 1 :]
            elif path == source or (fnmatch.fnmatchcase(path, source) and path.count("/") == source.count("/")):
                below = path.rpartition("/")[2]
            else:
                continue
            self.made.read.add(path)
            self.made.content[to + below] = what


def declared(text: str) -> set[str]:
    """Arguments that stages declare, and those that their defaults before the first FROM are made from."""
    defaults: dict[str, str] = {}
    names: set[str] = set()
    is_begun = False
    for word, rest in instructions(text):
        is_begun = is_begun or word == "FROM"
        name, _, default = rest.partition("=")
        if word == "ARG" and is_begun:
            names.add(name)
        elif word == "ARG":
            defaults[name] = default
    todo = list(names)
    while todo:
        for found in _VARIABLE.finditer(defaults.get(todo.pop(), "")):
            inner = {found[1] or found[3], *(match[1] or match[3] for match in _VARIABLE.finditer(found[2] or ""))}
            todo += inner - names
            names |= inner
    return names


def given(
    text: str,
    context: Content,
    args: Mapping[str, str],
    image: Callable[[str], Content],
    *,
    is_whole: bool,
    everywhere: Content,
) -> list[object]:
    """All that a build may go by, so that nothing else may make it necessary.

    Args:
        is_whole: whether every file of the folder counts, but for tests that nothing copies; else what is copied.
        everywhere: files that count for every image.
    """
    made = make(text, context, args, image)
    folders = {path.partition("/")[0] for path in made.read}
    counted = {
        path: what
        for path, what in context.items()
        if path in made.read
        or (is_whole and path != "Dockerfile" and (path.partition("/")[0] != "test" or "test" in folders))
    }
    names = declared(text)
    return [
        instructions(text),
        sorted(counted.items()),
        sorted((name, value) for name, value in args.items() if name in names),
        [sorted(image(each).items()) for each in made.images],
        made.content,
        sorted(everywhere.items()),
    ]
