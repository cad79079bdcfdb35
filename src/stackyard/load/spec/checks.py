# SPDX-License-Identifier: MIT
"""`checks:` of a spec: what an image has to be like.

In:   the list, of the whole stack or of one image
Out:  SpecChecks, in file order; findings are kept by the reader
Rules: docs/reference/spec.md
Beside: load/structure, which reads the files of structure tests that it names
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, get_args

import msgspec

from stackyard.errors import FileProblem
from stackyard.load.links import inside
from stackyard.load.spec import check_keys
from stackyard.load.spec.collect import Collector, command_in, meant
from stackyard.load.spec.kinds import known
from stackyard.load.yaml import Doc
from stackyard.model.checks import (
    Check,
    CommandCheck,
    FileCheck,
    GenericCheck,
    GenericName,
    ImageCheck,
    Pair,
    PortCheck,
    SizeCheck,
    WritableCheck,
)
from stackyard.model.spot import Spot

if TYPE_CHECKING:
    from typing import Literal

_GENERIC: tuple[GenericName, ...] = get_args(GenericName)
_MAIN = ("command", "file", "image", "port", "size", "writable", "not_writable", "structure_test", "check")
_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_SIZE = r"(?i)(\d+(?:\.\d+)?)\s*([kmg]?i?b?)"
_MODE = r"[0-7]{3,4}|[-dlcbps][-rwxsStT]{9}"
_WITHIN = r"([1-9][0-9]{0,3})(s|m)?"
"""Compiled where they are used: most lists say none of these."""
_EXECUTABLE: tuple[Literal["owner", "group", "other", "any"], ...] = ("owner", "group", "other", "any")


class SpecChecks(msgspec.Struct, frozen=True):
    """What one list says."""

    checks: tuple[Check, ...] = ()
    files: tuple[tuple[str, Spot], ...] = ()
    """Files of structure tests, relative to the stack's root, and where they are named."""


def checks_in(doc: Doc, reader: Collector, where: str) -> SpecChecks:
    """What the list asks for; each wrong entry is an error finding, and hides no other."""
    if doc.value is not None and not isinstance(doc.value, list):
        hint = "write each on a line of its own, with a dash: - user-is-not-root"
        reader.problem(doc.problem(f"{where} should be a list", hint, wanted="a list"))
        return SpecChecks()
    checks: list[Check] = []
    files: list[tuple[str, Spot]] = []
    for number, entry in enumerate(doc.value or (), 1):
        try:
            found = _Entry(entry, reader, f"check {number} of {where}").read()
        except FileProblem as problem:
            reader.problem(problem)
            continue
        if isinstance(found, str):
            files.append((found, entry.at()))
        elif found is not None:
            checks.append(found)
    return SpecChecks(tuple(checks), tuple(files))


class _Entry:
    """One entry of the list."""

    def __init__(self, doc: Doc, reader: Collector, where: str) -> None:
        self._doc = doc
        self._reader = reader
        self._where = where
        self._values: Mapping[str, Doc] = {}

    def read(self) -> Check | str | None:
        """The check, or the path of a file; None where that was told already. FileProblem else."""
        if not isinstance(self._doc.value, dict):
            return GenericCheck(self._generic(self._doc))
        self._values = self._doc.mapping(self._where)
        mains = [key for key in _MAIN if key in self._values]
        if len(mains) != 1:
            one = "one of " + ", ".join(_MAIN)
            raise self._doc.problem(f"{self._where} says not what it is", f"it has {one}", wanted=one)
        main = mains[0]
        self._reader.unknown_keys(self._doc, known(check_keys.CHECKS[main]), self._where)
        made: dict[str, Callable[[str], Check | str | None]] = {
            "command": self._command,
            "file": self._file,
            "image": self._image,
            "port": self._port,
            "size": self._size,
            "writable": self._writable,
            "not_writable": self._writable,
            "structure_test": self._structure,
            "check": self._switched,
        }
        return made[main](main)

    # What kinds there are.

    def _generic(self, doc: Doc) -> GenericName:
        text = doc.text(self._where)
        for name in _GENERIC:
            if name == text:
                return name
        hint = meant(text, _GENERIC) or f"it is one of {', '.join(_GENERIC)}"
        raise doc.problem(f"{self._where}: there is no check {text!r}", hint, wanted=hint)

    def _switched(self, main: str) -> Check:
        return GenericCheck(self._generic(self._values[main]), self._texts("except"))

    def _structure(self, main: str) -> str:
        return inside(self._values[main], f"`{main}` of {self._where}")

    def _command(self, main: str) -> Check:
        import shlex  # most lists name no command

        text = command_in(self._values[main], f"`{main}` of {self._where}")
        return CommandCheck(
            self._name(f"command {text}"),
            tuple(shlex.split(text)),
            self._number("exit_code", 0, 255) or 0,
            self._patterns("output"),
            self._patterns("not_output"),
            user=self._text("user"),
            env=tuple(self._reader.arguments(self._values.get("env"), f"`env` of {self._where}").items()),
        )

    def _file(self, main: str) -> Check:
        path = self._path(main)
        mode, owner = self._text("mode"), self._text("owner")
        if mode and not re.fullmatch(_MODE, mode):
            hint = 'write it as "0644", in quotes, or as -rw-r--r--'
            raise self._values["mode"].problem(f"`mode` of {self._where} is {mode!r}", hint, wanted=hint)
        user, _, group = owner.partition(":")
        by = self._text("executable_by")
        if by and by not in _EXECUTABLE:
            hint = f"it is one of {', '.join(_EXECUTABLE)}"
            raise self._values["executable_by"].problem(
                f"`executable_by` of {self._where} is {by!r}", hint, wanted=hint
            )
        exists = self._reader.flag(self._values, "exists", self._where) if "exists" in self._values else True
        return FileCheck(
            self._name(f"file {path}"),
            path,
            exists,
            mode,
            user,
            group,
            next((each for each in _EXECUTABLE if each == by), ""),
            self._patterns("contains"),
            self._patterns("lacks"),
        )

    def _image(self, main: str) -> Check:
        inner = _Entry(self._values[main], self._reader, f"`image` of {self._where}")
        inner._values = values = self._values[main].mapping(inner._where)
        self._reader.unknown_keys(self._values[main], known(check_keys.CHECK_IMAGE), inner._where)
        return ImageCheck(
            self._name("image"),
            env=inner._pairs("env"),
            labels=inner._pairs("labels"),
            user=inner._text("user") if "user" in values else None,
            workdir=inner._text("workdir") if "workdir" in values else None,
            entrypoint=inner._texts("entrypoint") if "entrypoint" in values else None,
            cmd=inner._texts("cmd") if "cmd" in values else None,
            ports=inner._texts("ports"),
            volumes=inner._texts("volumes"),
        )

    def _port(self, main: str) -> Check:
        port = self._number(main, 1, 65535)
        assert port is not None
        path = self._text("path")
        within = re.fullmatch(_WITHIN, self._text("within") or "30s")
        if within is None:
            hint = "write it as 30s or 2m"
            raise self._values["within"].problem(f"`within` of {self._where} is no time", hint, wanted=hint)
        return PortCheck(
            self._name(f"port {port}{f' at {path}' if path else ''}"),
            port,
            f"/{path.lstrip('/')}" if path else "",
            self._number("status", 100, 599),
            self._patterns("output"),
            float(within[1]) * (60 if within[2] == "m" else 1),
        )

    def _size(self, main: str) -> Check:
        doc = self._values[main]
        values = doc.mapping(self._where) if isinstance(doc.value, dict) else {"most": doc}
        if isinstance(doc.value, dict):
            self._reader.unknown_keys(doc, known(check_keys.CHECK_SIZE), self._where)
        most: int | None = None
        if "most" in values:
            found = re.fullmatch(_SIZE, text := values["most"].text(f"`most` of {self._where}").strip())
            if found is None or found[2].lower() not in _UNITS:
                hint = "write it as 900MB or 2.5GB"
                raise values["most"].problem(f"{self._where}: {text!r} is no size", hint, wanted=hint)
            most = int(float(found[1]) * _UNITS[found[2].lower()])
        growth: float | None = None
        if "growth" in values:
            text = values["growth"].text(f"`growth` of {self._where}").strip()
            try:
                growth = float(text.removesuffix("%"))
            except ValueError:
                hint = "write it as 10%: how much larger than in the last release"
                raise values["growth"].problem(f"{self._where}: {text!r} is no part", hint, wanted=hint) from None
        if most is None and growth is None:
            raise doc.problem(f"{self._where} says no size", "`most: 2GB`, or `growth: 10%`")
        return SizeCheck(self._name("size"), most, growth)

    def _writable(self, main: str) -> Check:
        paths = tuple(self._values[main].texts(f"`{main}` of {self._where}"))
        user, group = self._text("user"), self._text("group")
        who = f" by {user or f'group {group}'}" if user or group else ""
        name = f"{main.replace('_', ' ')}{who}: {', '.join(paths)}"
        return WritableCheck(self._name(name), paths, main == "writable", user, group)

    # What values may be.

    def _name(self, usual: str) -> str:
        return self._text("name") or " ".join(usual.split())[:120]

    def _text(self, key: str) -> str:
        return self._values[key].text(f"`{key}` of {self._where}") if key in self._values else ""

    def _texts(self, key: str) -> tuple[str, ...]:
        return tuple(self._values[key].texts(f"`{key}` of {self._where}")) if key in self._values else ()

    def _path(self, key: str) -> str:
        path = self._text(key)
        if not path.startswith("/"):
            hint = f"did you mean '/{path}'?"
            raise self._values[key].problem(f"{self._where}: {path!r} is no absolute path", hint, wanted=f"/{path}")
        return path

    def _number(self, key: str, least: int, most: int) -> int | None:
        if key not in self._values:
            return None
        text = self._text(key)
        if text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most:
            return int(text)
        hint = f"it is a number from {least} to {most}"
        raise self._values[key].problem(f"`{key}` of {self._where} is {text!r}", hint, wanted=hint)

    def _patterns(self, key: str) -> tuple[str, ...]:
        return tuple(patterns(self._values.get(key), f"`{key}` of {self._where}"))

    def _pairs(self, key: str) -> tuple[Pair, ...]:
        """Values as they are; between slashes a regular expression."""
        found = []
        for name, text in self._reader.arguments(self._values.get(key), f"`{key}` of {self._where}").items():
            is_pattern = len(text) > 2 and text.startswith("/") and text.endswith("/") and name not in ("PATH", "HOME")
            if is_pattern:
                compiled(text[1:-1], self._values[key], f"`{key}` of {self._where}")
            found.append(Pair(name, text[1:-1] if is_pattern else text, is_pattern))
        return tuple(found)


def patterns(doc: Doc | None, what: str) -> Iterator[str]:
    """Regular expressions; FileProblem for what is none."""
    if doc is None or doc.value is None:
        return
    for item in doc.value if isinstance(doc.value, list) else [doc]:
        yield compiled(item.text(what), item, what)


def compiled(text: str, doc: Doc, what: str) -> str:
    """The text, if it is a regular expression."""
    try:
        re.compile(text)
    except re.error as error:
        hint = r"write \. for a dot and \( for a bracket"
        raise doc.problem(f"{what}: {text!r} is no regular expression: {error}", hint, wanted=hint) from None
    return text
