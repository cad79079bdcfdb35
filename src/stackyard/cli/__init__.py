# SPDX-License-Identifier: MIT
"""argv -> request -> library call -> report. Prints, reads the environment, exits; decides nothing.

In:   words of a command line
Out:  exit code: 0 done, 1 something failed, 2 usage or configuration, 130 interrupted
Each command lives in a small module that is imported when it is used.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from stackyard.cli.common import EXIT_USAGE, complain

GROUPS: dict[str, tuple[str, ...]] = {
    "Every day": ("status", "plan", "build", "check", "ls"),
    "Publish": ("push", "promote", "rollback"),
    "Keep": ("history",),
    "More": ("completion",),
}
_HOMES = {
    "status": "status",
    "plan": "plan",
    "build": "build",
    "push": "build",
    "check": "look",
    "ls": "look",
    "promote": "channels",
    "rollback": "channels",
    "history": "history",
    "completion": "completion",
}
_SHORT = {
    "status": "What is stable, what ran last, what would build.",
    "plan": "What would happen to each image, and why. Offline.",
    "build": "Build, test and name what the plan says; --push publishes.",
    "check": "What is wrong with the stack's files.",
    "ls": "The images, and what they build on.",
    "push": "Publish what is built and tested; builds nothing.",
    "promote": "Point a channel such as `stable` at tested images.",
    "rollback": "Bring a channel back to what it was before.",
    "history": "Runs, promotions and rollbacks, newest first.",
    "completion": "Shell completion for bash, zsh or fish.",
}


class Verbs(click.Group):
    """The commands in groups, each imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All verbs, in the order help shows them."""
        return [name for names in GROUPS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the module of a command, if there is such a command."""
        if cmd_name not in _HOMES:
            return None
        command = getattr(import_module(f"stackyard.cli.{_HOMES[cmd_name]}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Say which command was meant, where none of this name exists."""
        if args and args[0] not in _HOMES and not args[0].startswith("-"):
            from stackyard.model.names import nearest

            near = nearest(args[0], self.list_commands(ctx))
            raise click.UsageError(f"no command {args[0]!r}" + (f"; did you mean {near!r}?" if near else ""), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The verbs by group, without importing any."""
        for title, names in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name, _SHORT[name]) for name in names])


@click.group(
    cls=Verbs,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: stackyard plan --explain    Exit codes: 0 done, 1 something failed, 2 usage or configuration.",
)
@click.option("-C", "directory", default=".", metavar="DIR", help="Work on the stack that DIR lies in.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="stackyard", prog_name="stackyard", message="%(prog)s %(version)s")
@click.pass_context
def stackyard(ctx: click.Context, directory: str, debug: bool) -> None:
    """Keeps a stack of container images alive.

    From a folder of images it plans, builds, tests, inventories, publishes, promotes and rolls back,
    and says why.
    """
    ctx.obj = {"directory": directory, "debug": debug}
    if ctx.invoked_subcommand is None:
        command = stackyard.get_command(ctx, "status")
        assert command is not None
        ctx.invoke(command)


def run(argv: Sequence[str]) -> int:
    """Run one command line; the exit code. Errors become one sentence and a hint on stderr."""
    try:
        result = stackyard.main(args=list(argv), prog_name="stackyard", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        return complain(error, is_debugging="--debug" in argv)
    return result if isinstance(result, int) else 0
