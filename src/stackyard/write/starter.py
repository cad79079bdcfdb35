# SPDX-License-Identifier: MIT
"""The first files of a stack, and of an image.

In:   names
Out:  NewFiles
Pure. The tests need nothing but pytest and the docker client.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from stackyard.model.proposal import NewFile

FIRST = "base"
FIRST_BASE = "debian:bookworm-slim"

SPEC = """\
# The stack: which images there are, what they are made with, and how they are named.
# All keys: `stackyard schema`. What it comes to: `stackyard plan`.

# Where images are pushed to: goes before each image's name.
# registry: ghcr.io/OWNER

images:
  # One entry per image, named like its folder. An empty entry has all defaults.
  {image}:
    # Build arguments: an ARG of this name in the Dockerfile gets the value.
    # build_args:
    #   PYTHON_VERSION: "3.12"

    # Commands whose output is kept as what is inside the image.
    info_cmds: [OS]

  # A second image, on top of the first: `stackyard new NAME --from {image}`

# tag:
#   # With a prefix, tags are PREFIX-COMMIT and PREFIX-BRANCH instead of COMMIT and BRANCH.
#   prefix: "2026.1"

all_info_cmds:
  OS:
    description: Operating System
    command: cat /etc/os-release
"""

DOCKERFILE = """\
FROM {base}

# Files beside this Dockerfile can be copied; a change of one builds the image again.
# COPY requirements.txt /opt/
# RUN apt-get update \\
#  && apt-get install -y --no-install-recommends python3 \\
#  && rm -rf /var/lib/apt/lists/*
"""

CHILD = """\
{arg}FROM {base}

# What this image has beyond its parent:
# COPY requirements.txt /opt/
# RUN pip install -r /opt/requirements.txt
"""

TEST = '''\
"""What {image} promises. `stackyard build` runs this on each image it built; TEST_IMAGE names it."""

import os
import subprocess


def in_container(*command):
    """What a command prints in a container of the image; the test fails if the command does."""
    words = ["docker", "run", "--rm", "--entrypoint", command[0], os.environ["TEST_IMAGE"], *command[1:]]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def test_a_command_runs():
    assert in_container("echo", "hello") == "hello\\n"
'''


def starter(images: str) -> list[NewFile]:
    """An images folder with one image, its test, and the spec."""
    return [
        NewFile(f"{images}/spec.yml", SPEC.format(image=FIRST)),
        NewFile(f"{images}/{FIRST}/Dockerfile", DOCKERFILE.format(base=FIRST_BASE)),
        test_file(f"{images}/{FIRST}", FIRST),
    ]


def test_file(folder: str, image: str) -> NewFile:
    """A first test of an image."""
    return NewFile(f"{folder}/test/test_{re.sub(r'[^a-z0-9]+', '_', image.lower())}.py", TEST.format(image=image))


def child_dockerfile(folder: str, base: str, arg: str | None) -> NewFile:
    """The Dockerfile of an image on a parent.

    Args:
        base: what stands after FROM.
        arg: the line before it, where it takes an argument.
    """
    return NewFile(f"{folder}/Dockerfile", CHILD.format(base=base, arg=f"{arg}\n" if arg else ""))


def versions_file(folder: str, parent: str, versions: Sequence[str]) -> NewFile:
    """The versions of an image on a parent that has versions: the same ones, each on its own."""
    lines = [f"{json.dumps(version)}:\n  base_image:\n    name: {parent}\n    source: local\n" for version in versions]
    return NewFile(f"{folder}/versions.yaml", "\n".join(lines))
