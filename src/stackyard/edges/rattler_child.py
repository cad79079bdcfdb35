# SPDX-License-Identifier: MIT
"""A program of its own that asks rattler: `python -P rattler_child.py QUESTIONS ANSWERS`, two files of JSON.

Beside: edges/rattler, which starts it and says what stands in both

Its own process, since rattler's threads sometimes end a Python that is about to end with a signal: this one leaves
without waiting for them. It imports nothing of Stackyard, whose modules are called as packages here are.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from rattler import Client, Gateway, GenericVirtualPackage, MatchSpec, PackageName, PackageRecord, Version, solve
from rattler.exceptions import GatewayError, InvalidMatchSpecError, SolverError
from rattler.package import BuildString
from rattler.platform import Subdir


async def answers(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """One for each question, all at once."""
    return list(await asyncio.gather(*(answer(asked, question) for question in asked["questions"])))


async def answer(asked: dict[str, Any], question: dict[str, Any]) -> dict[str, Any]:
    """The packages in the order in which they can be installed; or what failed, in rattler's words."""
    specs = []
    for text in question["specs"]:
        try:
            specs.append(MatchSpec(text))
        except InvalidMatchSpecError as problem:
            return {"failed": "spec", "spec": text, "said": str(problem)}
    # One for each question: where two share one, the second is not told why the first did not get through.
    client = Client.default_client(asked["retries"])  # it knows logins; one that nobody names knows none
    gateway = Gateway(Path(asked["cache"]) if asked["cache"] else None, client=client)
    platforms = (Subdir(question["subdir"]), Subdir("noarch"))
    try:
        kept = []
        if question["kept"]:
            names = sorted({where.rpartition("/")[2].rsplit("-", 2)[0] for where in question["kept"]})
            found = await gateway.query(
                question["channels"], platforms, names, recursive=False, channel_relations="disabled"
            )
            kept = [record for records in found for record in records if record.url in question["kept"]]
        records = await solve(
            question["channels"],
            specs,
            gateway,
            platforms,
            locked_packages=kept,
            virtual_packages=[system(*text.split("=")) for text in question["system"]],
            exclude_newer=datetime.fromisoformat(question["cutoff"]),
            channel_relations="disabled",
        )
    except SolverError as problem:
        return {"failed": "solver", "said": str(problem)}
    except GatewayError as problem:
        return {"failed": "channel", "said": str(problem)}
    except Exception as problem:  # a virtual package without a version that is one, a channel's answer without sense
        return {"failed": "rattler", "said": f"{type(problem).__name__}: {problem}"}
    by_name = {record.name.normalized: record for record in records}
    ordered = PackageRecord.sort_topologically([by_name[name] for name in sorted(by_name)])
    return {"packages": [facts(by_name[record.name.normalized]) for record in ordered]}


def system(name: str, version: str, build: str) -> GenericVirtualPackage:
    """One thing that the machine is taken to have."""
    return GenericVirtualPackage(PackageName(name), Version(version), BuildString(build))


def facts(record: Any) -> dict[str, str | None]:
    """What a lock has of one package."""
    when = record.indexed_timestamp or record.timestamp
    return {
        "name": record.name.normalized,
        "version": f"{record.version}={record.build}",
        "where": record.url,
        "file": record.file_name,
        "sha256": record.sha256.hex() if record.sha256 else None,
        "md5": record.md5.hex() if record.md5 else None,
        "when": when.isoformat() if when else None,
    }


if __name__ == "__main__":
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(sys.argv[2]).write_text(json.dumps(asyncio.run(answers(asked))), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)
