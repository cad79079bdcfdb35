# SPDX-License-Identifier: MIT
"""What all commands share: options, output, errors.

In:   click's context, the process's streams
Out:  text on stdout, complaints on stderr
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, Literal

import click

from stackyard.cli.session import EXIT_FAILED, Session, session_of
from stackyard.errors import ConfigError, StackyardError
from stackyard.report.text import visible

# Options.


class Option(click.Option):
    """An option whose help is one line, taken as it is: click would import `inspect` to lay it out."""

    def __init__(self, *args: Any, help: str | None = None, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.help = help


option = functools.partial(click.option, cls=Option)


def _keep_directory(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        session_of(ctx).directory = value


def _keep_images(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        session_of(ctx).images = value


def keep_json(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
    """Given before or after the verb, it counts."""
    session = session_of(ctx)
    session.is_json = session.is_json or value
    return session.is_json


def _keep_stamp(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        from stackyard.model.names import Tag

        if not value or not Tag.form.fullmatch(f"py-{value}"):
            hint = "letters, digits, dots, dashes and underscores: --stamp 2026-05-04T101500"
            raise ConfigError(f"the stamp {value!r} can be part of no tag", hint=hint)
        session_of(ctx).stamp = value


def _keep_build_args(ctx: click.Context, _: click.Parameter, value: tuple[str, ...]) -> None:
    session_of(ctx).build_args = value


def _keep_bases(ctx: click.Context, _: click.Parameter, value: tuple[str, ...]) -> None:
    session_of(ctx).bases = value


def run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--build-arg, --base and --stamp: what a plan and a build may be told beside the files."""
    build_args = option(
        "--build-arg",
        "build_args",
        multiple=True,
        metavar="[IMAGE:]NAME=VALUE",
        expose_value=False,
        callback=_keep_build_args,
        help="Pass this build argument, to all images or to those that IMAGE names; repeatable.",
    )
    stamp = option(
        "--stamp",
        "stamp",
        metavar="T",
        expose_value=False,
        callback=_keep_stamp,
        help="The stamp in tags of versions; now by default.",
    )
    bases = option(
        "--base",
        "bases",
        multiple=True,
        metavar="IMAGE=REF",
        expose_value=False,
        callback=_keep_bases,
        help="Build what IMAGE names on REF in place of its own base; repeatable.",
    )
    return build_args(bases(stamp(function)))


def _keep_engine(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        session_of(ctx).engine = value


engine_option = option(
    "--engine",
    "engine",
    type=click.Choice(["auto", "docker", "buildah"]),
    expose_value=False,
    callback=_keep_engine,
    help="What builds: docker where it is installed, else buildah.",
)


def _keep_pulling(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    session_of(ctx).may_pull = value


pulling_option = option(
    "--allow-pull",
    "may_pull",
    is_flag=True,
    expose_value=False,
    callback=_keep_pulling,
    help="Let builds fetch images that nobody planned.",
)


def _keep_reason(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        if not value.strip():
            raise ConfigError(
                "--overwrite-tag wants a reason", hint='such as --overwrite-tag "built from a bad mirror"'
            )
        session_of(ctx).overwrite = " ".join(value.split())


overwriting_option = option(
    "--overwrite-tag",
    "overwrite",
    metavar="REASON",
    expose_value=False,
    callback=_keep_reason,
    help="Take fixed tags away from other images; the reason is recorded.",
)


JSON = 'Print one JSON object, "format": 1.'
json_option = option("--json", "is_json", is_flag=True, callback=keep_json, help=JSON)


def _keep_form(ctx: click.Context, _: click.Parameter, value: str) -> str:
    if value == "json":
        session_of(ctx).is_json = True
    return "json" if session_of(ctx).is_json else value


def format_option(*forms: str, help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--format, the first of `forms` by default, and --json as the short form of one of them; both give `form`."""
    form = option("--format", "form", type=click.Choice(forms), default=forms[0], callback=_keep_form, help=help)
    short = option("--json", "is_json", is_flag=True, is_eager=True, expose_value=False, callback=keep_json, help=JSON)
    return lambda function: form(short(function))


dry_run_option = option("--dry-run", is_flag=True, help="Show the preview and stop.")
yes_option = option("--yes", is_flag=True, help="Do not ask after the preview.")
directory_option = option(
    "-C",
    "directory",
    metavar="DIR",
    expose_value=False,
    callback=_keep_directory,
    type=click.Path(file_okay=False),
    help="Work on the stack that DIR lies in.",
)
images_option = option(
    "--images",
    "images_folder",
    metavar="DIR",
    expose_value=False,
    callback=_keep_images,
    type=click.Path(file_okay=False),
    help="The images folder, where it is not images/.",
)
debug_option = option(
    "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."
)  # cli.run looks for it: an error may come before this is parsed


def _print_help(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        write(ctx.get_help())
        ctx.exit()


help_option = option(
    "-h",
    "--help",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_help,
    help="Show this message and exit.",
)


def everywhere(function: Callable[..., Any]) -> Callable[..., Any]:
    """-C, --images, --debug and --help, which stand at the end of every command's options."""
    return directory_option(images_option(debug_option(help_option(function))))


def completed_by(
    what: Literal["images", "images_or_all", "parents", "channels", "releases", "names", "gates"],
) -> Callable[..., list[str]]:
    """What click asks for completions: the function of `completing` with that name."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        from stackyard.cli import completing

        found: list[str] = getattr(completing, what)(ctx, param, incomplete)
        return found

    return complete


def images_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """IMAGE..., completed from the stack: an image, `image/version`, a pattern of these, or a group."""
    return click.argument("images", nargs=-1, metavar="[IMAGE]...", shell_complete=completed_by("images"))(function)


def selection_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--only and --with-children: what beside the named images is meant."""
    only = option("--only", is_flag=True, help="Exactly these images, on the last builds of what they build on.")
    with_children = option("--with-children", is_flag=True, help="Also all that builds on these images.")
    return only(with_children(function))


def rebuild_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """--rebuild, completed from the stack."""
    return option(
        "--rebuild",
        multiple=True,
        metavar="IMAGE|all",
        shell_complete=completed_by("images_or_all"),
        help="Build this image, version, pattern or group whatever is known; repeatable.",
    )(function)


def command(
    *examples: str, options_metavar: str = "[OPTIONS]", needs_history: bool = True
) -> Callable[[Callable[..., Any]], click.Command]:
    """click.command whose function gets the Yard first; every command knows -C, --debug and its examples."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        @functools.wraps(function)
        def with_yard(*inner: Any, **named: Any) -> Any:
            yard = session_of(click.get_current_context()).open_yard(needs_history)
            return function(yard, *inner, **named)

        return bare_command(*examples, options_metavar=options_metavar)(with_yard)

    return decorate


def bare_command(*examples: str, options_metavar: str = "[OPTIONS]") -> Callable[[Callable[..., Any]], click.Command]:
    """As `command`, for what needs no stack: the function gets its own arguments only."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        made = click.command(epilog=examples_text(examples), options_metavar=options_metavar, add_help_option=False)(
            everywhere(function)
        )
        made.params.sort(key=lambda param: not param.expose_value)
        return made

    return decorate


def examples_text(examples: tuple[str, ...]) -> str:
    r"""The end of a help text; \b keeps its lines."""
    return "\b\n" + "\n".join([f"Example{'s' if len(examples) > 1 else ''}:", *(f"  {line}" for line in examples)])


# Output.


def write(text: str) -> None:
    """Text on stdout; what its encoding lacks is written out."""
    with _told():
        try:
            sys.stdout.write(f"{text}\n")
        except UnicodeEncodeError:
            encoding = sys.stdout.encoding
            sys.stdout.write(f"{text}\n".encode(encoding, "backslashreplace").decode(encoding))


def flush() -> None:
    """Everything written so far reaches its reader now."""
    with _told():
        sys.stdout.flush()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """A reader that went away has read enough; OSError where what is told cannot be kept (a full disk)."""
    try:
        yield
    except BrokenPipeError:
        mute()
    except OSError as error:
        mute()
        error.filename = "standard output"
        raise


def mute() -> None:
    """Throw away what stdout still holds, and what comes: Python would complain about it at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _for_ci(text: str, session: Session) -> str:
    """Text of people and programs as CI systems take it for nothing else."""
    if session.ci is None:
        return text
    from stackyard.report.ci import disarmed

    return disarmed(text)


def write_json(data: object) -> None:
    """One JSON object on stdout."""
    write(json_text(data))


def json_text(data: object) -> str:
    """One JSON object, in signs that stdout can write."""
    import json

    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(data, indent=2, ensure_ascii=not is_unicode)
    return text.replace("##[", "##\\u005b")  # a command to GitHub, wherever it stands


def shown(render: Callable[..., str], *values: object, **options: object) -> None:
    """Print what a renderer of `report` makes of values, in this terminal's colours and width."""
    write(rendered(render, *values, **options))


def rendered(render: Callable[..., str], *values: object, **options: object) -> str:
    """What a renderer of `report` makes of values, in this terminal's colours and width."""
    session = session_of(click.get_current_context())
    return _for_ci(render(*values, session.style(sys.stdout), session.width(sys.stdout), **options), session)


MOVES = "this moves tags that others use, and there is nobody to ask here"


def confirmed(question: str, yes: bool, is_json: bool, why: str = MOVES) -> bool:
    """Whether to go on after a preview: asked in a terminal, `--yes` needed elsewhere; `why` says so."""
    if yes:
        return True
    if is_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError(why, hint="look at the preview (--dry-run), then add --yes")
    return click.confirm(question, default=False)


def complain(error: BaseException, session: Session, is_debugging: bool = False) -> int:
    """One sentence and a hint on stderr, with --json an object on stdout; the exit code. A traceback with --debug only.

    An error that is none of ours is a defect, and says so.
    """
    if is_debugging:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, StackyardError):
        sentence, hint, code = str(error), error.hint, error.exit_code
    elif isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        sentence, hint, code = f"{place}{error.strerror or error}", None, EXIT_FAILED
    else:
        sentence = f"{type(error).__name__}: {error}"
        hint = "this is a defect of Stackyard; run again with --debug and report what it prints"
        code = EXIT_FAILED
    if session.is_json:
        from stackyard.report.data import error_data

        with contextlib.suppress(OSError):
            write_json(error_data(error, sentence, hint, code))
    style = session.style(sys.stderr)
    lines = [f"{style('error', 'red')}: {_safe(sentence)}"]
    lines += [f"  {style('hint', 'dim')}: {_safe(hint)}"] if hint else []
    with contextlib.suppress(OSError):
        sys.stderr.write(_for_ci("\n".join(lines), session) + "\n")
    return code


def _safe(text: str) -> str:
    """Lines that may hold names of files, and words of other programs, without what moves a terminal's cursor."""
    return "\n".join(visible(line) for line in text.expandtabs(4).split("\n"))
