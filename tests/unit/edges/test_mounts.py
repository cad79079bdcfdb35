# SPDX-License-Identifier: MIT
"""Which secrets a build gets, and what of them is hidden."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from stackyard.edges.buildx import masker
from stackyard.edges.engine import BuildRequest
from stackyard.edges.mounts import Handed, handed
from stackyard.model.reference import Reference
from stackyard.model.stack import Secret

TOKEN, KEY = Secret("token", env="TOKEN"), Secret("default", env="SSH_AUTH_SOCK")


def given(folder: Path, mount: str, environ: dict[str, str], **more: tuple[Secret, ...]) -> Handed | str:
    """What the build of a Dockerfile with this mount gets."""
    (folder / "Dockerfile").write_text(f"FROM base\nRUN {mount} make\n")
    tag = Reference.parse("lab:1")
    request = BuildRequest(folder, folder / "Dockerfile", tag, (), (), {}, 1, secrets=(TOKEN,), ssh=(KEY,))
    return handed(msgspec.structs.replace(request, **more), environ)


@pytest.mark.parametrize(
    ("mount", "is_handed"),
    [
        ("--mount=type=secret,id=token", True),
        ("--mount=id=token,type=secret,required", True),
        ("--mount=type=secret,target=/run/secrets/token", True),
        ("--mount=type=secret,id=${WHICH}", True),
        ("--mount=type=secret,id=token2", False),
        ("--mount=type=cache,id=token", False),
        ("", False),
    ],
)
def test_what_is_mounted_is_handed_over(tmp_path: Path, mount: str, is_handed: bool) -> None:
    """Under a name of ours; by a variable it may be any. What nobody mounts stays where it is."""
    found = given(tmp_path, mount, {"TOKEN": "s3cret"})

    assert isinstance(found, Handed)
    assert found.environ == ({"STACKYARD_SECRET_0": "s3cret"} if is_handed else {})
    assert found.words == (["--secret", "id=token,env=STACKYARD_SECRET_0"] if is_handed else [])


def test_a_file_is_named_and_hidden(tmp_path: Path) -> None:
    """The engine's client reads it; what of it would be in a log is masked, less the words everybody writes."""
    (tmp_path / "netrc").write_text("machine lab\npassword hunter2-hunter2\n")
    secret = Secret("netrc", file=str(tmp_path / "netrc"))
    found = given(tmp_path, "--mount=type=secret,id=netrc", {}, secrets=(secret,))

    assert isinstance(found, Handed)
    assert found.words == ["--secret", f"id=netrc,src={tmp_path / 'netrc'}"]
    mask = masker((), found.hidden)
    assert mask("it is hunter2-hunter2") == "it is ***"
    assert mask("password hunter2-hunter2 for x") == "*** for x"
    assert mask("no password given") == "no password given"


def test_what_is_missing(tmp_path: Path) -> None:
    """A mount that would get nothing is a sentence; an empty value is one."""
    assert "the environment has no TOKEN" in str(given(tmp_path, "--mount=type=secret,id=token", {}))
    assert isinstance(given(tmp_path, "--mount=type=secret,id=token", {"TOKEN": ""}), Handed)
    assert "the ssh default" in str(given(tmp_path, "--mount=type=ssh", {"SSH_AUTH_SOCK": str(tmp_path / "none")}))


def test_ssh(tmp_path: Path) -> None:
    """`default` is what a mount without an id gets."""
    found = given(tmp_path, "--mount=type=ssh", {"SSH_AUTH_SOCK": str(tmp_path)})
    assert isinstance(found, Handed)
    assert found.words == ["--ssh", f"default={tmp_path}"]
    assert given(tmp_path, "--mount=type=ssh,id=other", {}) == Handed([], {}, frozenset())
