# SPDX-License-Identifier: MIT
"""The real engine and registry that live tests run against, and what they leave behind: nothing."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.edges.docker import DockerEngine
from stackyard.errors import StackyardError, ToolMissing
from stackyard.model.names import Tag
from stackyard.model.outcome import RunSummary
from stackyard.model.reference import Reference, Repository
from stackyard.verbs import Options, Yard

ENVIRON = dict(os.environ)
BASE = "busybox:1.36"


def missing(what: str) -> None:
    """Skip on a laptop; fail where CI promises the real parts."""
    message = f'{what}; `eval "$(script/dev up)"` starts an engine and a registry'
    if ENVIRON.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def docker() -> DockerEngine:
    """The engine that answers, with the base image that the stacks build on."""
    try:
        engine = DockerEngine(ENVIRON)
        engine.about()
    except (StackyardError, ToolMissing) as error:
        missing(f"no engine answers: {error}")
    if engine.inspect(BASE) is None:
        missing(f"the engine has no {BASE}")
    return engine


@pytest.fixture(scope="session")
def registry_address() -> str:
    """Host and port of a registry that takes pushes."""
    address = ENVIRON.get("STACKYARD_TEST_REGISTRY", "")
    if not address:
        missing("STACKYARD_TEST_REGISTRY names no registry")
    return address


class LiveStack:
    """A small stack in a git repository, for a real engine and a real registry."""

    def __init__(self, root: Path, engine: DockerEngine, registry: str) -> None:
        self.root = root
        self.engine = engine
        self.prefix = f"live/{secrets.token_hex(4)}"
        self.registry = registry

    def write(self, path: str, text: str) -> None:
        """Write one file."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def git(self, *words: str) -> str:
        """Run git in the stack's repository."""
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        done = subprocess.run(["git", *identity, *words], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self) -> str:
        """Commit everything; the short id."""
        if not (self.root / ".git").exists():
            self.git("init", "--quiet", "--initial-branch=main")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        return self.git("rev-parse", "HEAD")[:7]

    def yard(self, environ: Mapping[str, str] | None = None) -> Yard:
        """The stack as it is now, on the real parts."""
        return verbs.load(self.root, Options(registry=self.registry, environ=environ or ENVIRON))

    def build(self, *images: str, publish: bool = True, **options: object) -> RunSummary:
        """Prepare and run."""
        yard = self.yard()
        return verbs.run(yard, verbs.prepare(yard, images, publish, **options))  # type: ignore[arg-type]

    def repository(self, image: str) -> Repository:
        """Where an image is published."""
        return Repository(f"{self.registry}/{self.prefix}/{image}")

    def at(self, image: str, tag: str) -> str | None:
        """Digest of a tag in the registry."""
        return self.yard().registry.resolve(self.repository(image), Tag(tag))

    def clean(self) -> None:
        """Take away every name that this stack gave to images of the engine."""
        listed = self.engine._api.must("/images/json")
        names = [name for image in listed for name in image.get("RepoTags") or [] if f"{self.prefix}/" in name]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: self.engine.untag(Reference.parse(name)), names))


@pytest.fixture
def live_stack(tmp_path: Path, docker: DockerEngine, registry_address: str) -> Iterator[LiveStack]:
    """An empty stack; its images are taken away at the end."""
    stack = LiveStack(tmp_path, docker, registry_address)
    yield stack
    stack.clean()


def write_platforms(stack: LiveStack, platforms: Iterable[str]) -> None:
    """A parent and its child for these platforms; nothing of them runs, so that no emulation has to be there."""
    stack.write(
        "images/spec.yml",
        f"platforms: [{', '.join(platforms)}]\n"
        f"images:\n  base: {{image_name: {stack.prefix}/base}}\n"
        f"  top: {{image_name: {stack.prefix}/top, depend_on: base}}\n"
        "tag: {prefix: '2026.3'}\n",
    )
    stack.write("images/base/Dockerfile", "FROM scratch\nCOPY note /note\n")
    stack.write("images/base/note", stack.prefix)
    stack.write(
        "images/top/Dockerfile", f"ARG BASE_TAG=latest\nFROM {stack.prefix}/base:${{BASE_TAG}}\nCOPY top /top\n"
    )
    stack.write("images/top/top", stack.prefix)
    for left in ("left", "right"):
        shutil.rmtree(stack.root / "images" / left, ignore_errors=True)
    stack.commit()
