# SPDX-License-Identifier: MIT
"""The least that a program in plain Python does to say which images have to be built: a floor for plan.py.

In:   nothing: the work tree as it is; or two commits. Run at the root of a stack that plan.py made
Out:  a line for each image, parents first
May touch: nothing; starts git

It knows one form of a Dockerfile and one of a spec, looks for no mistake, counts every file, keeps nothing and
explains nothing. So this is no plan, but what a plan in Python can hardly be quicker than: start-up, git, a reader of
YAML in C, one expression per Dockerfile, the order, and the lines.
"""

from __future__ import annotations

import re
import subprocess
import sys
from graphlib import TopologicalSorter

import click
import yaml

BASE = re.compile(rb"^FROM [^\s/]+/([^\s:]+)", re.MULTILINE)


def main() -> None:
    """Read, order, print."""
    with open("images/spec.yml", "rb") as file:
        images = yaml.load(file, yaml.CSafeLoader)["images"]
    dockerfiles, changed = between(*sys.argv[1:]) if sys.argv[1:] else (on_disk(images), set(images))
    parents = {name: [found[1].decode()] for name, text in dockerfiles.items() if (found := BASE.search(text))}
    for name in TopologicalSorter(parents).static_order():
        if name not in images:
            continue
        if not changed.isdisjoint(parents[name]):
            changed.add(name)
        click.echo(f"{'build' if name in changed else 'reuse'}  {images[name]['image_name']}")


def on_disk(images: dict[str, object]) -> dict[str, bytes]:
    """Each image's Dockerfile, and what git knows of the rest."""
    git("status", "--porcelain=v2", "--branch", "-z")
    found = {}
    for name in images:
        with open(f"images/{name}/Dockerfile", "rb") as file:
            found[name] = file.read()
    return found


def between(before: str, now: str) -> tuple[dict[str, bytes], set[str]]:
    """Each image's Dockerfile at the second commit, and the images of which a file is another."""
    rows = [row for row in git("ls-tree", "-r", "-z", now).split(b"\0") if row.endswith(b"/Dockerfile")]
    texts = blobs([row[12:52] for row in rows])
    named = git("diff-tree", "-r", "-z", "--name-only", before, now).decode().split("\0")
    changed = {path.split("/")[1] for path in named if path.startswith("images/")}
    return {row.split(b"/")[1].decode(): text for row, text in zip(rows, texts, strict=True)}, changed


def blobs(ids: list[bytes]) -> list[bytes]:
    """What git has under these ids, in their order."""
    data, at, found = git("cat-file", "--batch", given=b"\n".join(ids)), 0, []
    while at < len(data):
        end = data.index(b"\n", at)
        size = int(data[at:end].rsplit(b" ", 1)[1])
        found.append(data[end + 1 : end + 1 + size])
        at = end + size + 2
    return found


def git(*words: str, given: bytes | None = None) -> bytes:
    """What git says."""
    return subprocess.run(["git", *words], check=True, input=given, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    main()
