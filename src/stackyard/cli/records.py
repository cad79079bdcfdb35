# SPDX-License-Identifier: MIT
"""`stackyard records`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stackyard.cli.common import command, json_option, write, write_json
from stackyard.cli.session import EXIT_FAILED
from stackyard.errors import ConfigError
from stackyard.report.data import FORMAT
from stackyard.report.text import count_text

if TYPE_CHECKING:
    from stackyard.verbs import Yard

_WITH_FILE = ("export", "import")


@command("stackyard records sync", "stackyard records verify", "stackyard records export records.jsonl")
@click.argument("action", type=click.Choice(["sync", "verify", "export", "import"]))
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@json_option
def records(yard: Yard, action: str, file: Path | None, is_json: bool) -> int:
    """What was built and tested, as others know it: beside the published images, or in a file.

    `sync` gives the registry what it lacks and learns all that is there. `verify` reads every record there,
    makes lost pointers again, and tells what is gone. `export` writes all records, releases and sets of moved
    tags to FILE, and `import` takes over what such a file holds. A build that publishes does what is needed of
    this by itself.
    """
    from stackyard.verbs import sharing

    if (file is not None) != (action in _WITH_FILE):
        needs = "needs a FILE" if file is None else "takes no file"
        raise ConfigError(f"`records {action}` {needs}", hint="stackyard records --help")
    if file is not None:
        carried = sharing.export_records(yard, file) if action == "export" else sharing.import_records(yard, file)
        done = "written" if action == "export" else "new here"
        counts = {"records": carried.records, "releases": carried.releases, "moves": carried.moves}
        first = count_text(carried.records, "record" if action == "export" else "fact")
        sets = "1 set" if carried.moves == 1 else f"{carried.moves} sets"
        what = f"{first}, {count_text(carried.releases, 'release')} and {sets} of moved tags"
        _told({"file": str(file), **counts}, f"{file}: {what} {done}.", (), is_json)
        return 0
    if action == "sync":
        synced = sharing.sync(yard)
        facts: dict[str, object] = {
            "repositories": synced.repositories,
            "learned": synced.learned,
            "given": synced.given,
        }
        sentence = f"{_where(synced.repositories)}: {synced.given} given, {synced.learned} learned."
        problems = synced.problems
    else:
        found = sharing.verify(yard)
        facts = {"repositories": found.repositories, "records": found.records, "pointers": found.pointers}
        sentence = (
            f"{_where(found.repositories)}: {count_text(found.records, 'record')} read, "
            f"{count_text(found.pointers, 'pointer')} made again."
        )
        problems = found.problems
    _told(facts, sentence, problems, is_json)
    return EXIT_FAILED if problems else 0


def _where(count: int) -> str:
    return "1 repository" if count == 1 else f"{count} repositories"


def _told(facts: dict[str, object], sentence: str, problems: tuple[str, ...], is_json: bool) -> None:
    if is_json:
        write_json({"format": FORMAT, **facts, "problems": list(problems)})
        return
    for problem in problems:
        write(problem)
    write(sentence)
