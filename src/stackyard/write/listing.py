# SPDX-License-Identifier: MIT
"""The text of a stackyard.yml.

In:   Proposal
Out:  YAML with comments
Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from stackyard.model.proposal import Listed, Proposal

_PLAIN = re.compile(r"[A-Za-z_./][\w./-]*")
_NOT_TEXT = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n", "."))
_SPECIAL = re.compile(r"\.(?:inf|nan)|[0-9.]+", re.IGNORECASE)


def scalar(text: str) -> str:
    """A text as YAML that every reader takes for that text.

    >>> scalar("3.10"), scalar("docker/base"), scalar("no")
    ('"3.10"', 'docker/base', '"no"')
    """
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT and not _SPECIAL.fullmatch(text)
    return text if is_plain or text == "." else json.dumps(text, ensure_ascii=False)


def listing_text(proposal: Proposal) -> str:
    """The whole file."""
    lines = [
        "# The images of this repository: what is built, from what, with what, and where it goes.",
        "# Parents are read from the Dockerfiles. All keys: `stackyard schema`; what it comes to: `stackyard plan`.",
    ]
    if proposal.registry:
        lines += ["", "# Goes before the name of each image.", f"registry: {scalar(proposal.registry)}"]
    lines += ["", "images:"]
    for number, image in enumerate(proposal.images):
        lines += [*([""] if number else []), *_entry(image)]
    return "\n".join(lines) + "\n"


def pointer_text(folder: str) -> str:
    """The file of a stack whose images lie in `folder`, where other files say what they are."""
    about = (
        "# Where the images of this repository are; the files there say what they are. All keys: `stackyard schema`."
    )
    return f"{about}\nimages_dir: {scalar(folder)}\n"


def _entry(image: Listed) -> Iterator[str]:
    told = f"  # from {', '.join(image.sources)}" if image.sources else ""
    yield f"  {scalar(image.name)}:{told}"
    yield f"    dockerfile: {scalar(image.dockerfile)}"
    yield f"    context: {scalar(image.context)}"
    if image.stage is not None:
        yield f"    target: {scalar(image.stage)}"
    if image.image_name is not None:
        yield f"    image_name: {scalar(image.image_name)}"
    if image.args:
        yield "    build_args:"
        for name, value in image.args:
            yield f"      {scalar(name)}: {scalar(value)}"
