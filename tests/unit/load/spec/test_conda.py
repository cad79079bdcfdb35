# SPDX-License-Identifier: MIT
"""Files environment.yml: what is read of them, and what a lock could not keep."""

from __future__ import annotations

import pytest

from stackyard.errors import FileProblem
from stackyard.load.spec.conda import Environment, read_environment


def test_an_environment_has_channels_and_dependencies() -> None:
    """As they are written, but for blanks; how it is called and where it lies says nothing."""
    text = b"name: lab\nprefix: /opt\nvariables:\nchannels: [conda-forge, nodefaults, 'https://h/c']\n"
    text += b"dependencies:\n- python=3.10\n- 'numpy   >=1.26,<2'\n- c::x\n- pip:\n"

    assert read_environment(text, "e.yml") == Environment(
        ("conda-forge", "https://h/c"), ("python=3.10", "numpy >=1.26,<2", "c::x")
    )


@pytest.mark.parametrize(
    ("text", "line", "said", "hint"),
    [
        ("channels: [defaults]\ndependencies: [app]", 1, "'defaults', which stands for several", "by its address"),
        ("channels:\n- https://a:b@host/c", 2, "an address with a login in it", "take it out"),
        ("channels:\n- https://host/t/abc123/c", 2, "an address with a login in it", "take it out"),
        ("channels: [x y]", 1, "which is no channel", "conda-forge, or"),
        ("channels: [c]\ndependencies:\n- pip:\n  - six", 3, "no place for what pip installs", "requirements: e.yml"),
        ("channels: [c]\ndependencies:\n- npm: [x]", 3, "has the key 'npm'", "`pip`"),
        ("channels: [c]\ndependencies: [{a: }]", 2, "has the key 'a'", "`pip`"),
        ("channels: [c]\ndependencies:\n- https://h/x-1-0.conda", 3, "comes from an address", "a release"),
        ("channels: [c]\nvariables: {A: b}", 2, "no place for `variables`", "ENV"),
        ("chanels: [c]", 1, "no key 'chanels'", "channels"),
        ("- app", 1, "should be a mapping", "NAME"),
    ],
)
def test_what_a_lock_could_not_keep_is_refused(text: str, line: int, said: str, hint: str) -> None:
    """At its line; nothing is dropped in silence, and no login is repeated."""
    with pytest.raises(FileProblem) as problem:
        read_environment(text.encode(), "e.yml")

    assert (problem.value.line, said in str(problem.value), hint in str(problem.value.hint)) == (line, True, True)
    assert not any(word in f"{problem.value}{problem.value.facts}" for word in ("abc123", "a:b"))
