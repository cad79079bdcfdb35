# SPDX-License-Identifier: MIT
"""argv -> request -> library call -> report. Prints, reads the environment, exits; decides nothing.

In:   words of a command line
Out:  exit code: 0 done, 1 something failed, 2 usage or configuration, 130 interrupted
Each command lives in a small module that is imported when it is used.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

import click

from stackyard.cli.common import (
    complain,
    debug_option,
    directory_option,
    examples_text,
    flush,
    help_option,
    images_option,
    keep_json,
    mute,
    option,
    write,
)
from stackyard.cli.session import COMPLETION, EXIT_INTERRUPTED, Door, Session, session_of
from stackyard.errors import ConfigError
from stackyard.later import compiled_later, imported_later

GROUPS: dict[str, tuple[str, ...]] = {
    "Every day": ("status", "plan", "why", "build", "test", "check", "ls"),
    "Look closer": (
        "show",
        "where",
        "inventory",
        "diff",
        "find",
        "outdated",
        "sbom",
        "logs",
        "shell",
        "graph",
        "inputs",
    ),
    "Publish": ("push", "gate", "promote", "rollback", "copy", "releases", "sign", "verify"),
    "Keep": ("lock", "bases", "adopt", "records", "prune", "history"),
    "More": ("doctor", "init", "new", "schema", "completion"),
}
_HOMES = {
    "status": "status",
    "plan": "plan",
    "why": "why",
    "logs": "logs",
    "shell": "shell",
    "graph": "graph",
    "inputs": "why",
    "build": "build",
    "test": "test",
    "push": "build",
    "check": "look",
    "ls": "look",
    "gate": "gates",
    "promote": "channels",
    "rollback": "channels",
    "copy": "copy",
    "releases": "releases",
    "show": "releases",
    "where": "releases",
    "inventory": "inside",
    "diff": "inside",
    "find": "inside",
    "outdated": "inside",
    "sbom": "inside",
    "sign": "signing",
    "verify": "signing",
    "lock": "lock",
    "bases": "bases",
    "adopt": "adopt",
    "records": "records",
    "prune": "prune",
    "history": "history",
    "doctor": "doctor",
    "init": "start",
    "new": "start",
    "schema": "schema",
    "completion": "completion",
}
ALIASES = {"snapshot": "lock"}
"""Other names of commands, which no list shows."""
_SHORT = {
    "status": "What is stable, what ran last, what would build.",
    "plan": "What would happen to each image, and why.",
    "why": "Why an image is to be built, or is not.",
    "logs": "What builds, tests and pushes of an image printed.",
    "shell": "Open an image, built or fetched first.",
    "graph": "What builds on what: a tree, DOT, Mermaid or SVG.",
    "inputs": "All that goes into an image, and its fingerprints.",
    "build": "Build, test and name what the plan says; --push publishes.",
    "test": "Run tests on images that are there; builds nothing.",
    "check": "What is wrong with the stack's files.",
    "ls": "The images, and what they build on.",
    "push": "Publish what is built and tested; builds nothing.",
    "gate": "Bring a result or an approval that a channel waits for.",
    "promote": "Point a channel such as `stable` at tested images.",
    "rollback": "Bring a channel back to what it was before.",
    "show": "What a channel, tag, digest or release stands for.",
    "where": "Tags, releases, channels and children that hold an image.",
    "inventory": "Layers, packages and large files of an image.",
    "diff": "What is different inside two images, tags or releases.",
    "find": "Which images have a package.",
    "sign": "Sign published images with cosign.",
    "verify": "Whether published images are signed by a key.",
    "outdated": "Packages of an image that an index has newer.",
    "sbom": "The bill of materials of an image, as CycloneDX or SPDX.",
    "copy": "Bring images to another registry.",
    "releases": "Sets of images that were promoted, each by digest.",
    "lock": "Pin what images install, as of a commit and a time.",
    "bases": "Images from elsewhere, and accepting newer ones.",
    "adopt": "Count what is published already as built.",
    "records": "What is known, beside the images or in a file.",
    "prune": "Delete old images that nothing needs.",
    "history": "Runs, promotions and rollbacks, newest first.",
    "doctor": "What is here, and what can be done with it.",
    "init": "Make a repository a stack: a starter, or a list of what it builds.",
    "new": "Begin an image: folder, Dockerfile, test, entry.",
    "schema": "The JSON Schema of spec.yml, for editors; or of a plan.",
    "completion": "Shell completion for bash, zsh or fish.",
}


UNUSED = (
    "base64",
    "binascii",
    "decimal",
    "inspect",
    "ipaddress",
    "msgspec.inspect",
    "msgspec.toml",
    "msgspec.yaml",
    "ntpath",
    "textwrap",
    "typing_extensions",
    "urllib.parse",
    "uuid",
)
"""What the libraries that commands need import, and short commands do not use."""


class UsageProblem(ConfigError):
    """A command line that cannot be understood."""


class Verbs(click.Group):
    """The commands in groups, each imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All verbs, in the order help shows them."""
        return [name for names in GROUPS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the module of a command, if there is such a command."""
        cmd_name = ALIASES.get(cmd_name, cmd_name)
        if cmd_name not in _HOMES:
            return None
        with imported_later(*UNUSED), compiled_later():
            command = getattr(import_module(f"stackyard.cli.{_HOMES[cmd_name]}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Say which command was meant, where none of this name exists."""
        if args and args[0] not in (*_HOMES, *ALIASES) and not args[0].startswith("-"):
            from stackyard.model.names import nearest

            names = self.list_commands(ctx)
            near = nearest(args[0], names)
            raise UsageProblem(
                f"there is no command {args[0]!r}",
                hint=f"did you mean `stackyard {near}`?" if near else f"the commands are: {', '.join(names)}",
                near=near,
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The verbs by group, without importing any."""
        longest = max(map(len, _SHORT))
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(longest), _SHORT[name]) for name in names])


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from stackyard import __version__

        write(f"stackyard {__version__}")
        ctx.exit()


@click.group(
    cls=Verbs,
    invoke_without_command=True,
    add_help_option=False,
    epilog=examples_text(("stackyard plan", "stackyard build --push", "stackyard plan --help"))
    + "\n\n\b\nExit codes: 0 done, 1 something failed, 2 usage or configuration, 130 interrupted.",
)
@directory_option
@images_option
@option("--json", "is_json", is_flag=True, expose_value=False, callback=keep_json, hidden=True)
@debug_option
@option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@help_option
@click.pass_context
def stackyard(ctx: click.Context) -> None:
    """Keeps a stack of container images alive.

    From a folder of images it plans, builds, tests, inventories, publishes, promotes and rolls back,
    and says why. Without a command it shows the status.
    """
    if ctx.invoked_subcommand is None:
        command = stackyard.get_command(ctx, "status")
        assert command is not None
        ctx.invoke(command, is_json=session_of(ctx).is_json)


def run(
    argv: Sequence[str],
    environ: Mapping[str, str] | None = None,
    make_engine: Door | None = None,
    make_registry: Door | None = None,
) -> int:
    """Run one command line; the exit code. Errors become one sentence and a hint on stderr.

    Args:
        environ: this process's own by default.
        make_engine, make_registry: other doors to the world than the real ones.
    """
    words = list(argv)
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    session = Session(os.environ if environ is None else environ, make_engine, make_registry)
    session.is_json = "--json" in words  # an error may come before it is parsed
    is_debugging = "--debug" in words
    try:
        code = _run(words, session)
    except BrokenPipeError:  # whoever read what click writes went away
        mute()
        code = 0
    except Exception as error:
        code = complain(error, session, is_debugging)
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            sys.stderr.write("interrupted\n")
        code = EXIT_INTERRUPTED
    try:
        flush()
    except OSError as error:
        code = complain(error, session, is_debugging)
    return code


def _run(words: list[str], session: Session) -> int:
    if asked := session.environ.get(COMPLETION):
        from click.shell_completion import shell_complete

        return shell_complete(stackyard, {"obj": session}, "stackyard", COMPLETION, asked)
    try:
        with stackyard.make_context("stackyard", words, obj=session) as ctx:
            result = stackyard.invoke(ctx)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        raise _usage_problem(error, words) from error
    return result if isinstance(result, int) else 0


def _usage_problem(error: click.ClickException, words: list[str]) -> UsageProblem:
    """click's words for a command line as one of our errors: a sentence without a full stop, and a hint."""
    sentence, hint, epilog = error.message or error.format_message(), None, None
    path = " ".join(["stackyard", *[word for word in words if word in _HOMES][:1]])
    if isinstance(error, click.UsageError) and error.ctx is not None:
        path, epilog = error.ctx.command_path, error.ctx.command.epilog
    if isinstance(error, click.NoSuchOption):
        sentence = f"there is no option {error.option_name!r} of `{path}`"
        hint = f"did you mean {error.possibilities[0]}?" if error.possibilities else None
    elif isinstance(error, click.BadParameter):
        sentence = error.format_message()
    if hint is None:
        example = next((line.strip() for line in (epilog or "").splitlines() if line[:2] == "  "), "")
        hint = f"`{path} --help` tells more" + (f"; for example: {example}" if example else "")
    return UsageProblem(f"{sentence[:1].lower()}{sentence[1:]}".rstrip("."), hint=hint)
