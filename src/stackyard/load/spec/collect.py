# SPDX-License-Identifier: MIT
"""Take values out of a YAML file, and keep what is wrong with them: one mistake never hides another.

In:   Doc
Out:  values of the form that is asked for, or what stands for none; findings
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from stackyard.errors import FileProblem, InvalidValue
from stackyard.load.yaml import Doc
from stackyard.model.names import Name, nearest
from stackyard.model.spot import Spot
from stackyard.model.stack import Finding, Secret

if TYPE_CHECKING:
    from stackyard.model.age import Age
    from stackyard.model.reference import Platform
    from stackyard.model.timeout import Timeout

_N = TypeVar("_N", bound=Name)
_MOST_TOLD = 100
_SECRET_ID = re.compile(r"[A-Za-z0-9_.-]+")
"""Keys of one mapping that nothing reads: whoever has more has made one mistake, not so many."""


class Collector:
    """Reads values and keeps findings. A wrong value counts as one that is not there.

    Args:
        code: of the errors.
    """

    def __init__(self, code: str = "wrong-value") -> None:
        self.findings: list[Finding] = []
        self._code = code

    def problem(self, problem: FileProblem) -> None:
        """An error that does not keep the rest of the file from being read."""
        self.findings.append(Finding.of(self._code, problem))

    def wrong(self, spot: Spot, sentence: str, hint: str, found: str | None) -> None:
        """An error about a value that was read."""
        self.findings.append(Finding(self._code, "error", sentence, *spot, hint=hint, found=found, wanted=hint))

    def mapping(self, doc: Doc | None, what: str) -> Mapping[str, Doc]:
        """The entries; none where there is nothing."""
        try:
            return doc.mapping(what) if doc is not None else {}
        except FileProblem as problem:
            self.problem(problem)
            return {}

    def text(self, values: Mapping[str, Doc], key: str, where: str = "") -> str | None:
        """Text, or None where the key is absent or has no value.

        Args:
            where: what the key is of; nothing where the key alone says what it is.
        """
        if key not in values:  # nearly always: no words are made for what nobody is told
            return None
        return self.said(values[key], f"`{key}` of {where}" if where else f"`{key}`")

    def said(self, doc: Doc | None, what: str) -> str | None:
        """Text, or None where nothing stands there."""
        return None if doc is None or doc.value is None else self.scalar(doc, what)

    def scalar(self, doc: Doc, what: str) -> str | None:
        """Text; that nothing stands there is wrong too."""
        try:
            return doc.text(what)
        except FileProblem as problem:
            self.problem(problem)
            return None

    def texts(self, doc: Doc | None, what: str) -> list[tuple[str, Spot]]:
        """A list of texts, each with its place; one text stands for a list of one."""
        if doc is None or doc.value is None:
            return []
        if isinstance(doc.value, str):
            return [(doc.value, doc.at())]
        items = doc.value if isinstance(doc.value, list) else [doc]
        asked = f"each entry of {what}" if isinstance(doc.value, list) else what
        return [(text, item.at()) for item in items if (text := self.scalar(item, asked)) is not None]

    def arguments(self, doc: Doc | None, where: str) -> dict[str, str]:
        """Names and values of build arguments, as they are written."""
        read = {}
        for key, value in self.mapping(doc, where).items():
            text = value.value if isinstance(value.value, str) else self.scalar(value, f"argument {key!r} in {where}")
            if text is not None:
                read[key] = text
        return read

    def platforms(self, values: Mapping[str, Doc], key: str, where: str) -> tuple[Platform, ...]:
        """One or several, each once; what is none is an error finding."""
        if key not in values:
            return ()
        from stackyard.load.spec.platforms import platforms_in  # few stacks say

        return platforms_in(values[key], f"`{key}` of {where}", self, is_built=key == "platforms")

    def flag(self, values: Mapping[str, Doc], key: str, where: str) -> bool:
        """True or false; anything else counts as false."""
        try:
            return key in values and values[key].flag(f"`{key}` of {where}")
        except FileProblem as problem:
            self.problem(problem)
            return False

    def name(self, kind: type[_N], values: Mapping[str, Doc], key: str) -> _N | None:
        """A name of one kind."""
        text = self.text(values, key)
        try:
            return None if text is None else kind.parse(text)
        except InvalidValue as problem:
            self.problem(values[key].problem(str(problem), problem.hint, wanted=kind.hint))
            return None

    def age(self, values: Mapping[str, Doc]) -> Age | None:
        """How old images may become."""
        if "max_age" not in values:
            return None
        from stackyard.model.age import Age  # few stacks say

        return self.name(Age, values, "max_age")

    def timeout(self, values: Mapping[str, Doc]) -> Timeout | None:
        """How long builds and suites may take."""
        if "timeout" not in values:
            return None
        from stackyard.model.timeout import Timeout  # few stacks say

        return self.name(Timeout, values, "timeout")

    def times(self, values: Mapping[str, Doc], key: str, where: str) -> int:
        """A small number; anything else counts as none."""
        text = self.text(values, key, where)
        if text is None or (len(text) == 1 and text.isascii() and text.isdecimal()):
            return int(text or 0)
        hint = "it is a number from 0 to 9"
        self.problem(values[key].problem(f"`{key}` of {where} is {text!r}", hint, wanted="a number from 0 to 9"))
        return 0

    def secrets(self, values: Mapping[str, Doc], key: str, where: str) -> tuple[Secret, ...]:
        """Secrets by id, each with where it comes from; a wrong one is an error finding."""
        if key not in values:
            return ()
        found = []
        for name, doc in self.mapping(values[key], f"`{key}` of {where}").items():
            what = f"`{name}` in `{key}` of {where}"
            is_mapping = isinstance(doc.value, dict)  # anything else may be the secret itself, and is told to nobody
            entry = self.mapping(doc, what) if is_mapping else {}
            self.unknown_keys(doc, ("env", "file"), what)
            env, file = (self.text(entry, source, what) or "" for source in ("env", "file"))
            if bool(env) == bool(file) or not _SECRET_ID.fullmatch(name) or "," in file:
                hint = "write NAME: {env: VARIABLE} or NAME: {file: PATH}, never the secret itself"
                sentence = f"{what} does not say where it comes from"
                self.problem(doc.problem(sentence, hint, found=str(name), wanted="env or file"))
            else:
                found.append(Secret(name, env, file))
        return tuple(found)

    def unknown_members(self, words: Sequence[tuple[str, Spot]], known: Collection[str], where: str, what: str) -> None:
        """A warning for each word that fits no image: `where` names it, which is `what`. None, if no image is known."""
        for word, spot in words if known else ():
            image = word.partition("/")[0]
            if image not in known and not any(fnmatchcase(each, image) for each in known):
                sentence = f"{where} names {word!r}, which is {what}"
                hint = meant(word, known) or "take it out, or add the image under `images:`"
                self.findings.append(
                    Finding("unknown-member", "warning", sentence, *spot, hint=hint, found=word, wanted="an image")
                )

    def unknown_keys(
        self,
        doc: Doc,
        known: Collection[str],
        where: str,
        others: Mapping[str, str] = MappingProxyType({}),
        hints: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """A warning for each key that nothing reads; keys of one's own are left alone.

        Args:
            others: what people call keys, where that is like none of the known ones or like a wrong one.
            hints: for keys that belong elsewhere.
        """
        entries = doc.value if isinstance(doc.value, dict) else {}
        unknown = [key for key in entries if key not in known and not key.startswith("x-")]
        if not unknown:
            return
        for key in unknown[:_MOST_TOLD]:
            near = others.get(key) or nearest(key, known)
            hint = f"did you mean {near!r}?" if near else "keys of your own start with 'x-'"
            self.findings.append(
                Finding(
                    "unknown-key",
                    "warning",
                    f"{where} has a key {key!r} that nothing reads",
                    *doc.at(key),
                    hint=hints.get(key, hint),
                    found=key,
                    wanted=near or f"one of {', '.join(known)}",
                )
            )
        if rest := unknown[_MOST_TOLD:]:
            sentence = f"{where} has {len(rest)} more keys that nothing reads"
            place, hint = doc.at(rest[0]), "keys of your own start with 'x-'"
            self.findings.append(Finding("unknown-key", "warning", sentence, *place, hint=hint, found=rest[0]))


def meant(name: str, known: Collection[str]) -> str | None:
    """A hint with the name that was most likely meant."""
    near = nearest(name, known)
    return f"did you mean {near!r}?" if near else None


def command_in(doc: Doc, what: str) -> str:
    """A command as text that a shell would split into its words; a list is these words. FileProblem for none."""
    import shlex

    text = shlex.join(doc.texts(what)) if isinstance(doc.value, list) else doc.text(what)
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise doc.problem(f"{what} is no command: {error}", "quotes come in pairs") from None
    if not words:
        raise doc.problem(f"{what} is empty", "write a program and its arguments")
    return text
