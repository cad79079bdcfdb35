# SPDX-License-Identifier: MIT
"""`stackyard gate`: what is brought to a gate from outside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stackyard.cli.common import command, completed_by, json_option, option, shown, write_json
from stackyard.cli.session import EXIT_FAILED
from stackyard.errors import ConfigError
from stackyard.report.data import FORMAT
from stackyard.report.gates import noted_data, noted_text

if TYPE_CHECKING:
    from stackyard.verbs import Yard

_OF_REPORTS = ("--junit", "--url", "--note")
_OF_APPROVALS = ("--by", "--reason")


@command(
    "stackyard gate report gpu --for 2026.3-main --junit results.xml --url https://ci.example.org/17",
    "stackyard gate approve teaching --for 2026.3-main --by Ada --reason 'labs 1 to 3 run'",
    options_metavar="[OPTIONS] --for TAG|COMMIT|RELEASE",
)
@click.argument("action", metavar="report|approve", type=click.Choice(["report", "approve"]))
@click.argument("gate", metavar="GATE", shell_complete=completed_by("gates"))
@option("--for", "asked", required=True, metavar="TAG|COMMIT|RELEASE", help="What it is about, looked up once.")
@option("--junit", metavar="FILE", help="report: the JUnit XML that the tests left.")
@option("--url", metavar="URL", help="report: where the result can be read.")
@option("--note", metavar="TEXT", help="report: a sentence that goes with it.")
@option("--by", metavar="NAME", help="approve: who approves.")
@option("--reason", metavar="WHY", help="approve: why.")
@option(
    "--image",
    "images",
    multiple=True,
    metavar="IMAGE",
    shell_complete=completed_by("images"),
    help="Only this image; repeatable.",
)
@json_option
def gate(yard: Yard, action: str, gate: str, asked: str, images: tuple[str, ...], is_json: bool, **texts: str) -> int:
    """Note what a channel's gate waits for: the result of tests that ran elsewhere, or an approval.

    GATE is a name that the spec lists under `channels`. The tag is looked up once, and what is said is noted
    about the digests that are printed. A report passes if at least one test ran and none failed; one that
    does not is noted, too, and ends with 1.
    """
    from stackyard.verbs import gates

    given = {f"--{name}" for name, text in texts.items() if text is not None}
    needed, foreign = (("--junit",), _OF_APPROVALS) if action == "report" else (_OF_APPROVALS, _OF_REPORTS)
    if missing := [name for name in needed if name not in given]:
        raise ConfigError(f"`gate {action}` needs {' and '.join(missing)}", hint="stackyard gate --help")
    if wrong := [name for name in foreign if name in given]:
        raise ConfigError(f"`gate {action}` takes no {wrong[0]}", hint="stackyard gate --help")
    said = {name: text or "" for name, text in texts.items()}
    if action == "report":
        noted = gates.report(yard, gate, asked, Path(said["junit"]), said["url"], said["note"], images)
    else:
        noted = gates.approve(yard, gate, asked, said["by"], said["reason"], images)
    if is_json:
        write_json({"format": FORMAT, **noted_data(noted)})
    else:
        shown(noted_text, noted)
    return 0 if noted.is_good else EXIT_FAILED
