# SPDX-License-Identifier: MIT
"""One command line: where it works, what it was told for all commands, and its doors to the world outside.

In:   the environment, read once; what options leave here
Out:  Yard, Style, widths
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from stackyard.errors import ConfigError
from stackyard.later import uncollected
from stackyard.report.text import Style

if TYPE_CHECKING:
    from stackyard.model.stack import GivenArgument, GivenBase
    from stackyard.model.surroundings import EngineChoice
    from stackyard.report.ci import System
    from stackyard.verbs import Options, Yard
    from stackyard.verbs.again import Question

Door = Callable[[Mapping[str, str]], Any]
"""Makes an engine or a registry of an environment: DockerEngine, OciRegistry, or a fake of either."""

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_CHANGED = 3
"""Done, and something changed: for whoever asked only to be told so."""
EXIT_INTERRUPTED = 130

CI_VARIABLES = {
    *("GITHUB_ACTIONS", "GITHUB_REF_NAME", "GITHUB_REF", "GITHUB_HEAD_REF"),
    *("BUILDKITE", "BUILDKITE_BRANCH", "BUILDKITE_TAG"),
    *("GITLAB_CI", "CI_COMMIT_REF_NAME", "CI_COMMIT_BRANCH", "CI_COMMIT_TAG", "CI_MERGE_REQUEST_IID"),
}
"""Those of model/ci, which is read only where one is set: without any of them this is no CI."""
COMPLETION = "_STACKYARD_COMPLETE"
"""The variable in which a shell says that it wants to know what fits."""
UNCUT = 1_000_000
"""The width of a file or a pipe: nothing is cut there."""


class Session:
    """One command line: where it works, what it was told for all commands, and its doors to the world outside.

    Args:
        environ: the environment; read here and handed on, never asked again.
        make_engine, make_registry: other doors than the real ones, for tests and for whoever embeds this.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        make_engine: Door | None = None,
        make_registry: Door | None = None,
    ) -> None:
        self.environ = environ
        self.make_engine = make_engine
        self.make_registry = make_registry
        self.directory = "."
        self.images: str | None = None
        self.stamp: str | None = None
        self.overwrite = ""
        self.build_args: tuple[str, ...] = ()
        self.bases: tuple[str, ...] = ()
        self.engine: str | None = None
        self.may_pull = False
        self.kept: dict[str, str] = {}
        """What is kept of a run in files: `junit`, `trace`, `artifacts`, each with its path as typed."""
        self.is_json = False

    @property
    def ci(self) -> System | None:
        """The CI system whose log this writes; None for others, and where this is none."""
        if CI_VARIABLES & self.environ.keys():
            from stackyard.report.ci import system_of

            return system_of(self.environ)
        return None

    @property
    def options(self) -> Options:
        """Settings of the environment: what CI says of its run, a registry of one's own."""
        from stackyard.verbs import Options

        environ = self.environ
        ci = None
        if CI_VARIABLES & environ.keys():
            from stackyard.cli.ci import told_by

            ci = told_by(environ)
        registry = environ.get("STACKYARD_REGISTRY") or None
        return Options(
            ci=ci,
            registry=registry,
            images=self.images,
            account=environ.get("AWS_ACCOUNT_ID") or None,
            region=environ.get("AWS_REGION") or None,
            stamp=self.stamp,
            overwrite=self.overwrite,
            build_args=tuple(filter(None, (given_argument(text, environ) for text in self.build_args))),
            bases=tuple(map(given_base, self.bases)),
            may_pull=self.may_pull,
            engine=engine_choice(self.engine or environ.get("STACKYARD_ENGINE") or "auto"),
            builder=environ.get("STACKYARD_BUILDER", ""),
            environ=environ,
        )

    def open_yard(self, needs_history: bool = True, question: Question | None = None, is_brief: bool = False) -> Yard:
        """The stack that -C names; without a commit where `needs_history` says that files are enough.

        Args:
            question: what was asked before the files were read.
            is_brief: whether no more is shown than a table of a plan.
        """
        from pathlib import Path

        from msgspec.structs import replace

        from stackyard.verbs import load

        options = replace(self.options, needs_history=needs_history)
        look = question.look if question is not None else None
        with uncollected():
            yard = load(
                Path(self.directory),
                options,
                make_engine=self.make_engine,
                make_registry=self.make_registry,
                look=look,
                is_brief=is_brief,
            )
        if (context := click.get_current_context(silent=True)) is not None:  # a shell that completes has none
            context.call_on_close(yard.keep)
        yard.listener = lambda sentence: sys.stderr.write(f"{sentence}\n")
        return yard

    def style(self, stream: Any) -> Style:
        """Colours where a person sees them: a terminal that can, no NO_COLOR; FORCE_COLOR overrules the terminal."""
        if self.environ.get("NO_COLOR"):
            return Style(False)
        if force := self.environ.get("FORCE_COLOR"):
            return Style(force != "0")
        return Style(self.can_redraw(stream))

    def can_redraw(self, stream: Any) -> bool:
        """Whether this is a terminal that understands more than lines."""
        return bool(stream.isatty()) and self.environ.get("TERM", "dumb") != "dumb"

    def width(self, stream: Any) -> int:
        """Columns to fill: the terminal's; more than enough where the text goes into a file."""
        if not stream.isatty():
            return UNCUT
        asked = self.environ.get("COLUMNS", "")
        if asked.isascii() and asked.isdigit() and int(asked):
            return int(asked)
        with contextlib.suppress(OSError):
            return os.get_terminal_size(stream.fileno()).columns or 80
        return 80


def engine_choice(text: str) -> EngineChoice:
    """`auto`, or the kind of an engine."""
    choices: tuple[EngineChoice, ...] = ("auto", "docker", "buildah")
    for choice in choices:
        if text == choice:
            return choice
    raise ConfigError(f"STACKYARD_ENGINE names no engine: {text!r}", hint="it takes auto, docker or buildah")


def given_argument(text: str, environ: Mapping[str, str]) -> GivenArgument | None:
    """`[IMAGE:]NAME=VALUE`; a NAME alone takes its value from the environment, and counts only if it has one there."""
    from stackyard.model.stack import GivenArgument

    left, sign, value = text.partition("=")
    image, colon, name = left.rpartition(":")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or (colon and not image):
        raise ConfigError(f"{text!r} is no build argument", hint="write NAME=VALUE for all, or IMAGE:NAME=VALUE")
    if not sign and name not in environ:
        return None
    return GivenArgument(image or None, name, value if sign else environ[name])


def given_base(text: str) -> GivenBase:
    """`IMAGE=REF`, where the image may be any word that names some."""
    from stackyard.model.reference import Reference
    from stackyard.model.stack import GivenBase

    image, sign, reference = text.partition("=")
    if not (sign and image and reference):
        raise ConfigError(f"{text!r} names no base", hint="write IMAGE=REF: --base ml-notebook=debian:13")
    return GivenBase(image, Reference.parse(reference))


def session_of(ctx: click.Context) -> Session:
    """The session that a context belongs to."""
    if not isinstance(ctx.obj, Session):
        ctx.obj = Session(os.environ)
    return ctx.obj
