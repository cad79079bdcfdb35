# SPDX-License-Identifier: MIT
"""What a spec says of what is published: other registries that it is copied to, by name, and how long it stays.

In:   `registries`, `records` and `retention` of spec.yml
Out:  OtherRegistry values; RecordsPlace; Retention
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from stackyard.load.spec import schema
from stackyard.load.spec.collect import Collector
from stackyard.load.spec.kinds import RECORD_PLACES, RECORDS, known
from stackyard.load.spec.values import RecordsPlace
from stackyard.load.yaml import Doc
from stackyard.model.places import OtherRegistry
from stackyard.model.reference import Repository
from stackyard.model.stack import Retention

KEYS = known(schema.REGISTRY)
RETENTION_KEYS = known(schema.RETENTION)
_NUMBER = re.compile(r"[0-9]{1,5}")


def registries_in(doc: Doc | None, reader: Collector) -> Iterator[OtherRegistry]:
    """Each entry that names a registry; what is wrong with the others is kept by the reader."""
    for name, entry in reader.mapping(doc, "`registries`").items():
        what = f"registry {name!r}"
        values: Mapping[str, Doc] = reader.mapping(entry, what)
        reader.unknown_keys(entry, KEYS, what)
        address = reader.text(values, "registry", what)
        if address is None:
            reader.problem(entry.problem(f"{what} has no address", "add `registry: HOST/OWNER`", wanted="registry"))
        elif not Repository.form.fullmatch(f"{address.rstrip('/')}/name"):
            wanted = "HOST or HOST/FOLDER"
            reader.problem(values["registry"].problem(f"{address!r} is not a valid registry", None, wanted=wanted))
        else:
            images = tuple(text for text, _ in reader.texts(values.get("images"), f"`images` of {what}"))
            version = reader.text(values, "version", what) or ""
            yield OtherRegistry(name, address.rstrip("/"), images, version)


def records_in(doc: Doc, reader: Collector) -> RecordsPlace:
    """Where records are kept; beside the images where nothing else can be read."""
    if isinstance(doc.value, dict):
        values = reader.mapping(doc, "`records`")
        reader.unknown_keys(doc, ("repository",), "`records`")
        name = reader.text(values, "repository", "`records`")
        if name is not None and Repository.form.fullmatch(name):
            return RecordsPlace(repository=name)
        spot = values.get("repository", doc)
        reader.problem(spot.problem("`records` names no valid repository", Repository.hint, wanted="a repository"))
        return RecordsPlace()
    text = reader.scalar(doc, "`records`")
    if text not in (None, *RECORD_PLACES):
        hint, wanted = f"it may be {RECORDS.words}", RECORDS.words
        reader.problem(doc.problem(f"`records` of the file is {text!r}", hint, wanted=wanted))
    return RecordsPlace(is_local=text == "local")


def retention_in(doc: Doc | None, reader: Collector) -> Retention:
    """How much is kept, the usual where nothing is said."""
    values = reader.mapping(doc, "`retention`")
    if doc is not None:
        reader.unknown_keys(doc, RETENTION_KEYS, "`retention`")
    usual = Retention()
    channels = _number(values, "channels", reader)
    days = _number(values, "days", reader)
    releases = None if _said(values, "releases", reader) == "all" else _number(values, "releases", reader)
    return Retention(
        usual.channels if channels is None else max(channels, 1), usual.days if days is None else days, releases
    )


def _said(values: Mapping[str, Doc], key: str, reader: Collector) -> str | None:
    return reader.text(values, key, "`retention`")


def _number(values: Mapping[str, Doc], key: str, reader: Collector) -> int | None:
    text = _said(values, key, reader)
    if text is None or _NUMBER.fullmatch(text):
        return None if text is None else int(text)
    others = ", or all" if key == "releases" else ""
    reader.problem(values[key].problem(f"{text!r} is no number", f"write how many: 5{others}", wanted="a number"))
    return None
