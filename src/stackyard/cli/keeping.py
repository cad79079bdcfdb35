# SPDX-License-Identifier: MIT
"""What is kept of a run in files that a person named: --junit, --trace, --artifacts.

In:   paths, as the session has them
Out:  a Keeping
Raises: ConfigError for a place where nothing can be written, before the run begins
May touch: these paths; reads logs of the run
"""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stackyard.cli.common import option
from stackyard.cli.session import session_of
from stackyard.errors import ConfigError

if TYPE_CHECKING:
    from stackyard.model.outcome import RunSummary
    from stackyard.model.plan import Plan
    from stackyard.model.progress import Progress, Watch
    from stackyard.verbs import Yard


def keep_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--junit, --trace and --artifacts."""
    keep = functools.partial(option, expose_value=False, callback=_keep)
    junit = keep("--junit", metavar="FILE", help="Write what was tested as JUnit XML; a failed build is an error.")
    trace = keep("--trace", metavar="FILE", help="Write the run as a Chrome trace: who ran when, and what waited.")
    artifacts = keep("--artifacts", metavar="DIR", help="Write the files that the DataHub scripts leave.")
    return junit(trace(artifacts(function)))


def _keep(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None and parameter.name:
        session_of(ctx).kept[parameter.name] = value


class Keeping:
    """Files that are written of one run."""

    def __init__(self, yard: Yard, plan: Plan) -> None:
        kept = session_of(click.get_current_context()).kept
        self._yard = yard
        self._plan = plan
        self._junit, self._trace_file = _place("--junit", kept.get("junit")), _place("--trace", kept.get("trace"))
        self._artifacts = _folders(kept.get("artifacts"))
        self._told: list[Watch] = []
        if self._trace_file is not None:
            from stackyard.report.trace import Trace

            self._trace = Trace(yard.clock.ticks)
            self._told.append(self._trace)
        if self._artifacts is not None:
            from stackyard.report.progress import Lines
            from stackyard.report.text import PLAIN

            self._log = io.StringIO()
            self._told.append(Lines(self._log, yard.clock.ticks, yard.clock.now, PLAIN))

    def watching(self, watch: Watch) -> Watch:
        """Who is told of the run, with what the files need of it."""
        if not self._told:
            return watch

        def tell(progress: Progress) -> None:
            for each in (watch, *self._told):
                each(progress)

        return tell

    def end(self, summary: RunSummary) -> None:
        """The run is over: every file is written, or OSError says which is not."""
        folder = self._yard.state / "runs" / str(summary.number)
        if self._junit is not None:
            from stackyard.report.junit import junit_xml

            self._junit.write_bytes(junit_xml(summary, lambda file: _bytes(folder / file)))
        if self._trace_file is not None:
            self._trace_file.write_text(json.dumps(self._trace.data(summary)), encoding="utf-8")
        if self._artifacts is not None:
            self._write_artifacts(summary, lambda file: _lines(folder / file))

    def _write_artifacts(self, summary: RunSummary, read: Callable[[str], Sequence[str]]) -> None:
        from stackyard import verbs
        from stackyard.report.datahub_files import RUN_LOG, datahub_files
        from stackyard.report.summary import summary_text
        from stackyard.report.text import PLAIN
        from stackyard.verbs.inside import kept_inventories

        assert self._artifacts is not None
        said = f"{self._log.getvalue()}\n{summary_text(summary, PLAIN, 200)}\n"
        inside = kept_inventories(self._yard, [outcome.target for outcome in summary.outcomes])
        files = datahub_files(self._plan, summary, verbs.last_change(self._yard), read, inside)
        for path, text in ((RUN_LOG, said), *files):
            (self._artifacts / path).write_text(text, encoding="utf-8", errors="backslashreplace")


def _place(name: str, typed: str | None) -> Path | None:
    """A file that can be written, as far as can be told."""
    if typed is None:
        return None
    path = Path(typed)
    if path.is_dir() or not path.parent.is_dir():
        why = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise ConfigError(f"{name} {typed} cannot be written: {why}", hint="name a file in a folder that is there")
    return path


def _folders(typed: str | None) -> Path | None:
    if typed is None:
        return None
    from stackyard.report.datahub_files import FOLDERS

    for each in FOLDERS:
        (Path(typed) / each).mkdir(parents=True, exist_ok=True)
    return Path(typed)


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _lines(path: Path) -> Sequence[str]:
    return _bytes(path).decode("utf-8", "replace").splitlines()
