# SPDX-License-Identifier: MIT
"""Modules that others import, and expressions that they compile, which a short command never asks anything of; and
garbage, which there is none of while a stack is read.

In:   names of modules; modules that are imported within the `with`
Out:  while the `with` lasts, whoever imports them gets a stand-in that becomes the real one when it is asked
      for something; whoever imports them afterwards gets the real one
Why:  click imports `inspect` to lay out help pages, pathlib imports `urllib.parse` to quote addresses, msgspec
      imports `textwrap` to describe itself: together a tenth of the time that a plan takes (bench/startup.py).
      PyYAML compiles expressions for a reader in Python that is not used where there is one in C: a twentieth
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from types import ModuleType

_SAME = {"typing_extensions": ("typing", frozenset({"get_type_hints", "NotRequired", "Required"}))}
"""Names that are taken from the standard library: those that msgspec asks for, and takes from there itself
where nothing else is installed. Any other name brings the real module, whose namesakes may do more."""

_NEVER = {
    "decimal": frozenset({"Decimal"}),
    "urllib.parse": frozenset({"quote_from_bytes"}),
    "uuid": frozenset({"SafeUUID", "UUID"}),
}
"""Names that are taken, and then neither made nor called: msgspec and click tell by the types what a value is, and
none is ever of these; pathlib quotes addresses with the function. Each stands for the real one, and is called as it."""

_MUCH = 500_000
"""Objects, of some thousand images."""


class Later(ModuleType):
    """Stands for the module of its name."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # the import system, looking for a package
            raise AttributeError(name)
        standard, names = _SAME.get(self.__name__, ("", frozenset()))
        if name in names:
            return getattr(import_module(standard), name)
        if name in _NEVER.get(self.__name__, ()):
            setattr(self, name, _stand_in(self, name))
            return self.__dict__[name]
        _give_way(self)
        return getattr(import_module(self.__name__), name)


def _stand_in(module: Later, name: str) -> type:
    """A type that no value is of; to make one is to call the real one."""

    def real(_: type, *values: object, **named: object) -> object:
        _give_way(module)
        return getattr(import_module(module.__name__), name)(*values, **named)

    return type(name, (), {"__module__": module.__name__, "__new__": real, "unknown": None})  # of SafeUUID


class imported_later:  # noqa: N801 - reads as what it does: `with imported_later("inspect"):`
    """Modules that are imported when they are first used; those that are there already stay what they are."""

    def __init__(self, *names: str) -> None:
        self._ours = [Later(name) for name in names if name not in sys.modules]

    def __enter__(self) -> None:
        for module in self._ours:
            sys.modules[module.__name__] = module
            package, _, name = module.__name__.rpartition(".")
            if package in sys.stdlib_module_names:  # whoever imports the module by its full name asks the package
                setattr(import_module(package), name, module)

    def __exit__(self, *_: object) -> None:
        for module in self._ours:
            _give_way(module)


class Expression:
    """A regular expression that is compiled when it is first asked for something."""

    def __init__(self, re: ModuleType, pattern: str, flags: int = 0) -> None:
        self._made_of = (re, pattern, flags)

    def __getattr__(self, name: str) -> object:
        re, pattern, flags = self._made_of
        found = getattr(re.compile(pattern, flags), name)
        setattr(self, name, found)  # asked once
        return found


class _Expressions(ModuleType):
    """Stands for `re`, for as long as those live who imported it."""

    def __init__(self, real: ModuleType) -> None:
        super().__init__(real.__name__)
        self.real = real
        self.is_over = False

    def compile(self, pattern: str, flags: int = 0) -> object:
        """As the real one: later, but for what is asked for after the `with`, which may be wrong, and is told so."""
        return self.real.compile(pattern, flags) if self.is_over else Expression(self.real, pattern, flags)

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)


class compiled_later:  # noqa: N801 - as above
    """Expressions of modules that are first imported meanwhile are compiled when they are first used."""

    def __enter__(self) -> None:
        self._real = import_module("re")
        self._ours = sys.modules["re"] = _Expressions(self._real)

    def __exit__(self, *_: object) -> None:
        sys.modules["re"] = self._real
        self._ours.is_over = True


def _give_way(module: Later) -> None:
    """Make room for the real one."""
    if sys.modules.get(module.__name__) is module:
        del sys.modules[module.__name__]


class uncollected:  # noqa: N801 - as above
    """Nobody looks for garbage meanwhile; nor later among what was made, where that is much.

    A stack that is read lives to the end: of ten thousand images looking is a tenth of the time that a plan takes.
    """

    def __enter__(self) -> None:
        self._was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if gc.get_count()[0] > _MUCH:
            gc.freeze()
        if self._was_enabled:
            gc.enable()
