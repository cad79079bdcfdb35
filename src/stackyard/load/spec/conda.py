# SPDX-License-Identifier: MIT
"""Conda environments: what a set of the spec says of one, and files environment.yml.

In:   mappings of the spec; bytes of an environment.yml
Out:  CondaInputs, Environment; what pip is to install, as a requirement file
Raises: FileProblem for a file that cannot be locked; what is wrong in the spec are findings
Rules: docs/reference/locks.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from stackyard.load.spec.collect import Collector
from stackyard.load.yaml import Doc, read
from stackyard.model.conda import CondaInputs, system_package
from stackyard.model.inputs import holds_secret

_CHANNEL = re.compile(r"(?:https?|file)://\S+|[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9._-]+)*")
_TOKEN = re.compile(r"://[^/]+/t/[^/]+")
"""How a channel's address carries a login."""


class Environment(msgspec.Struct, frozen=True):
    """What a file asks for."""

    channels: tuple[str, ...]
    dependencies: tuple[str, ...]


def conda_in(environments: tuple[str, ...], values: Mapping[str, Doc], where: str, reader: Collector) -> CondaInputs:
    """What a set says; what is wrong in it is a finding, and is left out."""
    system, channels = [], []
    what = f"`virtual_packages` of {where}"
    for text, spot in reader.texts(values.get("virtual_packages"), what):
        if found := system_package(text):
            system.append(found)
        else:
            hint = "NAME=VERSION, as __cuda=12.4 or __glibc=2.31"
            reader.wrong(spot, f"{what} has {text!r}, which is none", hint, text)
    what = f"`channels` of {where}"
    for text, spot in reader.texts(values.get("channels"), what):
        if (problem := _wrong_channel(text)) is None:
            channels.append(text)
        else:
            sentence, hint, said = problem
            reader.wrong(spot, f"{what} has {sentence}", hint, said)
    return CondaInputs(environments, tuple(channels), tuple(system))


def _wrong_channel(text: str) -> tuple[str, str, str | None] | None:
    """What is wrong with a channel: words, a hint, what was found; None where nothing is."""
    if holds_secret(text, ()) or _TOKEN.search(text):
        return "an address with a login in it", "take it out: logins are read from ~/.netrc or RATTLER_AUTH_FILE", None
    if text == "defaults":
        return "'defaults', which stands for several channels", "name each by its address, or take conda-forge", text
    if not _CHANNEL.fullmatch(text):
        return f"{text!r}, which is no channel", "conda-forge, or https://HOST/CHANNEL", text
    return None


_KNOWN = ("name", "channels", "dependencies", "prefix")
"""Keys of an environment.yml; how it is called, and where it lies, is said where it is made."""


def read_environment(data: bytes, path: str, leaves_pip: bool = False) -> Environment:
    """The channels and dependencies of a file; what a lock could not keep is refused, and not dropped.

    Args:
        leaves_pip: whether another lock has what pip is to install.
    """
    doc = read(data, path)
    values = doc.mapping("an environment")
    for key in values:
        if key == "variables" and values[key].value is not None:
            hint = "set them with ENV in the Dockerfile, and take them out here"
            raise doc.problem_at(key, "an explicit lock has no place for `variables`", hint)
        if key not in (*_KNOWN, "variables"):
            raise doc.problem_at(key, f"an environment has no key {key!r}", f"it has {', '.join(_KNOWN)}")
    channels = tuple(_channels(values.get("channels")))
    dependencies = tuple(_dependencies(values.get("dependencies"), path, leaves_pip))
    return Environment(channels, dependencies)


def _channels(doc: Doc | None) -> Iterator[str]:
    for item in _items(doc):
        text = item.text("each entry of `channels`")
        if text == "nodefaults":
            continue
        if (problem := _wrong_channel(text)) is not None:
            sentence, hint, found = problem
            raise item.problem(f"`channels` has {sentence}", hint, found=found)
        yield text


def pip_section(data: bytes, path: str) -> str:
    """What pip is to install, as a requirement file: each entry in the line where it stands."""
    lines: dict[int, str] = {}
    doc = read(data, path)
    for entry in _items(doc.mapping("an environment").get("dependencies")):
        if isinstance(entry.value, dict):
            for item in _items(entry.value.get("pip")):
                lines[item.line] = " ".join(item.text("each entry of `pip`").split())
    if not lines:
        raise doc.problem("it has no `pip:` section, so nothing for pip", "name it in a set with `conda`", found=path)
    return "".join(f"{lines.get(number, '')}\n" for number in range(1, max(lines) + 1))


def _dependencies(doc: Doc | None, path: str, leaves_pip: bool) -> Iterator[str]:
    for item in _items(doc):
        if isinstance(item.value, dict):
            _refuse_others(item, path, leaves_pip)
            continue
        text = " ".join(item.text("each entry of `dependencies`").split())
        if "://" in text.partition("::")[0] and "::" not in text:
            hint = "name a release of a channel"
            raise item.problem(f"{text.rpartition('/')[2]} comes from an address, and from no channel", hint)
        yield text


def _refuse_others(doc: Doc, path: str, leaves_pip: bool) -> None:
    """What other programs are to install, unless it is in another lock."""
    for key, items in doc.mapping("an entry of `dependencies`").items():
        if key != "pip":
            raise doc.problem_at(key, f"an entry of `dependencies` has the key {key!r}", "the only one is `pip`")
        if items.value not in (None, []) and not leaves_pip:
            sentence = "an explicit lock of conda has no place for what pip installs"
            hint = f"add a set for it: {{requirements: {path}, python: VERSION}}"
            raise doc.problem_at(key, sentence, hint)


def _items(doc: Doc | None) -> list[Doc]:
    if doc is None or doc.value is None:
        return []
    return doc.value if isinstance(doc.value, list) else [doc]
