# SPDX-License-Identifier: MIT
"""What is put off until it is asked for is the real thing then."""

from __future__ import annotations

import re
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
