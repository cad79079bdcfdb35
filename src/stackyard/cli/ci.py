# SPDX-License-Identifier: MIT
"""What CI says of this run: its variables, and on GitHub the event it keeps in a file.

In:   the environment
Out:  Ci, or None where this is no CI
May touch: the file that GITHUB_EVENT_PATH names; one that cannot be read says nothing
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stackyard.model.ci import EVENT_FILE, Ci, ci_of


def told_by(environ: Mapping[str, str]) -> Ci | None:
    """What is known of the run."""
    return ci_of(environ, _event(environ.get(EVENT_FILE)))


def _event(path: str | None) -> Mapping[str, Any]:
    found = None
    if path:
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(Path(path).read_bytes())
    return found if isinstance(found, Mapping) else {}
