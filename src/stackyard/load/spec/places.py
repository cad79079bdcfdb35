# SPDX-License-Identifier: MIT
"""What a spec says of other registries: where images are copied to, by name.

In:   `registries` of spec.yml
Out:  OtherRegistry values
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stackyard.load.spec import schema
from stackyard.load.spec.collect import Collector
from stackyard.load.yaml import Doc
from stackyard.model.places import OtherRegistry
from stackyard.model.reference import Repository

KEYS = schema.known(schema.REGISTRY)


def registries_in(doc: Doc | None, reader: Collector) -> Iterator[OtherRegistry]:
    """Each entry that names a registry; what is wrong with the others is kept by the reader."""
    for name, entry in reader.mapping(doc, "`registries`").items():
        what = f"registry {name!r}"
        values: Mapping[str, Doc] = reader.mapping(entry, what)
        reader.unknown_keys(entry, KEYS, what)
        address = reader.text(values, "registry", f"`registry` of {what}")
        if address is None:
            reader.problem(entry.problem(f"{what} has no address", "add `registry: HOST/OWNER`", wanted="registry"))
        elif not Repository.form.fullmatch(f"{address.rstrip('/')}/name"):
            wanted = "HOST or HOST/FOLDER"
            reader.problem(values["registry"].problem(f"{address!r} is not a valid registry", None, wanted=wanted))
        else:
            images = tuple(text for text, _ in reader.texts(values.get("images"), f"`images` of {what}"))
            version = reader.text(values, "version", f"`version` of {what}") or ""
            yield OtherRegistry(name, address.rstrip("/"), images, version)
