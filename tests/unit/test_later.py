# SPDX-License-Identifier: MIT
"""What is put off until it is asked for is the real thing then."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from stackyard.later import Expression, compiled_later

MODULE = """
import re
WORD = re.compile(r"a(b+)", re.IGNORECASE)
BROKEN = re.compile("(")
"""


def test_an_expression_is_compiled_when_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers as the real one does; one that nobody uses is never looked at; `re` is itself afterwards."""
    (tmp_path / "late_module.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    with compiled_later():
        import late_module  # type: ignore[import-not-found]
    del sys.modules["late_module"]

    assert sys.modules["re"] is re
    assert isinstance(late_module.WORD, Expression)
    assert late_module.WORD.fullmatch("ABB").groups() == ("BB",)
    assert late_module.WORD.sub("x", "ab abb") == "x x"
    assert late_module.re.escape(".") == "\\."
    with pytest.raises(re.error):
        late_module.BROKEN.match("x")


def test_a_wrong_expression_of_a_person_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that was imported meanwhile compiles what comes later as everybody does."""
    (tmp_path / "late_module.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    with compiled_later():
        import late_module
    del sys.modules["late_module"]

    assert isinstance(late_module.re.compile("a"), re.Pattern)
    with pytest.raises(re.error):
        late_module.re.compile("(")


TAKING = """
import sys
from stackyard.later import imported_later
with imported_later("uuid", "urllib.parse"):
    import urllib.parse, uuid
    from urllib.parse import quote_from_bytes, unquote
    from uuid import SafeUUID, UUID
assert SafeUUID.unknown is None and not isinstance("a", UUID)
assert not {"uuid", "platform"} & {*sys.modules}
assert str(UUID(int=1)) == "00000000-0000-0000-0000-000000000001"
assert quote_from_bytes(b"a b") == urllib.parse.quote("a b") == "a%20b"
assert unquote("a%20b") == "a b"
assert uuid.UUID(int=2) > uuid.UUID(int=1)
"""


@pytest.mark.processes
def test_names_that_nobody_uses_need_no_module() -> None:
    """Types and functions are there to be named; who calls one, or names another, has the real thing."""
    subprocess.run([sys.executable, "-c", TAKING], check=True)
