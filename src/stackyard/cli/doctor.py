# SPDX-License-Identifier: MIT
"""`stackyard doctor`."""

from __future__ import annotations

from pathlib import Path

import click

from stackyard.cli.common import bare_command, engine_option, json_option, shown, write_json
from stackyard.cli.session import EXIT_FAILED, session_of
from stackyard.report.doctor import doctor_data, doctor_text


@bare_command("stackyard doctor", "stackyard doctor --json")
@engine_option
@json_option
def doctor(is_json: bool) -> int:
    """What is here, and what can be done with it: engine, registries, git, disk.

    Each thing that is on or off has a sentence, and a hint where something can be done about it.
    Outside a stack it looks at the machine alone. Exit code 1 if no image can be built.
    """
    from stackyard.verbs.doctor import doctor as look

    session = session_of(click.get_current_context())
    diagnosis = look(Path(session.directory), session.options)
    if is_json:
        write_json(doctor_data(diagnosis))
    else:
        shown(doctor_text, diagnosis)
    return 0 if diagnosis.can_build else EXIT_FAILED
