# SPDX-License-Identifier: MIT
"""Secrets where they stay: in an argument, a variable or a file of the stack, instead of a mount.

In:   a Stack with its Dockerfiles
Out:  warnings, each mistake once; a value is never told
Pure.

An image keeps the arguments of its RUNs in its history and its ENV for whoever starts it: both can be
read by everyone who can pull it (docs.docker.com, build check SecretsUsedInArgOrEnv).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stackyard.model.dockerfile import Dockerfile
from stackyard.model.inputs import looks_secret
from stackyard.model.stack import Finding, Stack

_ABOUT = re.compile(r"_(NAME|FILE|PATH|DIR|URL|URI|ID|USER|TYPE|TTL|LENGTH)$", re.I)
"""What a secret is called, where it lies, how long it lives: names of things beside it."""
_VERB = re.compile(r"(^|_)(PASS|PAT)_", re.I)
"""Before another word it is no password: `PASS_THROUGH`."""
_SWITCHES = ("0", "1", "true", "false", "yes", "no", "on", "off")
_MOUNT = "a secret mount"


def secret_findings(stack: Stack) -> Iterator[Finding]:
    """What looks like a secret by its name or the form of its value."""
    for dockerfile in stack.dockerfiles.values():
        yield from _in_dockerfile(dockerfile)
    for target in stack.targets:
        for name, value in target.args:
            if value and is_secret(name, value):
                sentence = f"image {target.image!r} is passed the build argument {name}, which looks like a secret"
                spot = target.spot("args", name)
                yield Finding(
                    "secret-argument", "warning", sentence, *spot, hint=_hint(name), found=name, wanted=_MOUNT
                )


def _in_dockerfile(dockerfile: Dockerfile) -> Iterator[Finding]:
    """Arguments that a stage reads, and variables with a value; one before FROM reaches no layer by itself."""
    for stage in dockerfile.stages:
        for arg in stage.args:
            if is_secret(arg.name, arg.default or ""):
                sentence = f"ARG {arg.name} looks like a secret, and the image's history keeps its value"
                yield _finding(dockerfile, arg.line, sentence, arg.name)
        for env in stage.env:
            if env.value and is_secret(env.name, env.value):
                sentence = f"ENV {env.name} looks like a secret, and everyone who has the image can read it"
                yield _finding(dockerfile, env.line, sentence, env.name)


def is_secret(name: str, value: str) -> bool:
    """As inputs have it, less what is only about a secret: a hash too many costs nothing, a false alarm does."""
    if looks_secret("", value):
        return True
    return looks_secret(_VERB.sub(r"\1", name), "") and not _ABOUT.search(name) and value.lower() not in _SWITCHES


def _finding(dockerfile: Dockerfile, line: int, sentence: str, name: str) -> Finding:
    place = dockerfile.at(line, name)
    return Finding("secret-argument", "warning", sentence, *place, hint=_hint(name), found=name, wanted=_MOUNT)


def _hint(name: str) -> str:
    where = name.lower()
    return (
        f"mount it for the one RUN that needs it: `RUN --mount=type=secret,id={where} ...` "
        f"finds it in /run/secrets/{where}"
    )
