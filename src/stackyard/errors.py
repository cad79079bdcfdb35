# SPDX-License-Identifier: MIT
"""The whole error tree, drawn once.

StackyardError                  the sentence is str(e), the next step is e.hint
├── ConfigError         exit 2  what we were given cannot be understood
│   ├── FindingsProblem           the stack has errors: .findings
│   ├── FileProblem               in a file: .path, .line, .column
│   ├── NotAStack                 no images folder where one was looked for
│   ├── NoHistory                 no git repository, or one without a commit
│   ├── UnknownName               a target, tag or channel nobody defined: .name, .near
│   ├── GraphProblem              a cycle or a missing parent: .path_of
│   └── InvalidValue              text that is no digest, tag, name, ...: .kind, .text
└── WorldError          exit 1  we understood, and the world said no
    ├── EngineProblem             .engine
    │   ├── EngineUnavailable       nobody answers at the engine's address
    │   └── NotTestable             nothing here can run an image's tests
    ├── RegistryProblem           .address
    │   ├── RegistryUnreachable     no connection
    │   └── RegistryRefused         an answer that is not a yes: .status, .words
    ├── DigestMismatch            what came back is not what went in: .expected, .found
    ├── TakenOver                 another machine went on with what this one did not finish
    ├── TagConflict               a tag is not where the records put it: .reference, .expected, .found
    ├── GatesClosed               a channel asks for what is not there: .channel, .source, .gates
    ├── NothingToDo               nothing to promote, push or roll back to
    ├── NoRoom                    the disk is too small for what is to be built: .needed_bytes, .free_bytes
    ├── RecordProblem             the records cannot be read or written: .path
    └── ToolMissing               a program we need is not there: .program

A failed build or test is an outcome, never an exception.
"""

from __future__ import annotations

from typing import ClassVar


class StackyardError(Exception):
    """Root of all errors of Stackyard: a sentence, a hint, facts as attributes.

    `exit_code` is what the command line ends with when nobody catches it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, sentence: str, *, hint: str | None = None, **facts: object) -> None:
        super().__init__(sentence)
        self.hint = hint
        self.facts = facts

    def __getattr__(self, name: str) -> object:
        # Facts read as attributes: e.path, e.line, e.status.
        try:
            return self.__dict__["facts"][name]
        except KeyError:
            raise AttributeError(name) from None


class ConfigError(StackyardError):
    """What we were given cannot be understood."""

    exit_code = 2


class FileProblem(ConfigError):
    """A file says something we cannot take: `.path`, `.line` and `.column` (from 1; None if unknown).

    More facts may be `.found` and `.wanted`: what stands there, and what should.
    """

    def __init__(
        self,
        path: str,
        line: int | None,
        sentence: str,
        *,
        column: int | None = None,
        hint: str | None = None,
        **facts: str | None,
    ) -> None:
        place = path if line is None else f"{path}:{line}" if column is None else f"{path}:{line}:{column}"
        super().__init__(
            f"{place}: {sentence}", hint=hint, path=path, line=line, column=column, problem=sentence, **facts
        )


class FindingsProblem(ConfigError):
    """The stack was read, and has errors that `check` explains: `.findings`."""


class NotAStack(ConfigError):
    """There is no folder of images where one was looked for."""


class NoHistory(ConfigError):
    """There is no git repository, or it has no commit yet."""


class UnknownName(ConfigError):
    """A name nobody defined; `.near` is the closest one that exists, or None."""


class GraphProblem(ConfigError):
    """Targets build on each other in a ring, or on something missing; `.chain` names the path."""


class InvalidValue(ConfigError):
    """A text that does not have the form its place asks for: `.kind`, `.text`."""


class WorldError(StackyardError):
    """We understood what was asked, and the world outside said no."""


class EngineProblem(WorldError):
    """The engine could not do what was asked; a failing build is not one of these."""


class EngineUnavailable(EngineProblem):
    """Nobody answers at the engine's address."""


class NotTestable(EngineProblem):
    """Nothing here can run what has to pass before an image is published."""


class RegistryProblem(WorldError):
    """A registry could not do what was asked: `.address`."""


class RegistryUnreachable(RegistryProblem):
    """No connection to the registry."""


class RegistryRefused(RegistryProblem):
    """The registry answered, and not with a yes: `.status`, `.words` in its own words."""


class DigestMismatch(WorldError):
    """What came back is not what went in: `.expected`, `.found`."""


class TagConflict(WorldError):
    """A tag is not where the records put it: `.reference`, `.expected`, `.found`."""


class GatesClosed(WorldError):
    """Gates of a channel have not passed: `.gates` says which, for which images; `.channel`, `.source`."""


class TakenOver(WorldError):
    """This took so long without a sign of life that another machine went on with it."""


class NothingToDo(WorldError):
    """What was asked for has no object: nothing to promote, to push, to roll back to."""


class NoRoom(WorldError):
    """The disk is too small for what is to be built: `.needed_bytes`, `.free_bytes`."""


class RecordProblem(WorldError):
    """The records cannot be read or written: `.path`."""


class ToolMissing(WorldError):
    """A program or package that this step needs is not there: `.program`."""
