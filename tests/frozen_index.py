# SPDX-License-Identifier: MIT
"""A package index on loopback that never changes: a few tiny packages, each file with the time of its upload."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator

from tests.loopback import Handler, Loopback, served

JSON = "application/vnd.pypi.simple.v1+json"
AMD64, ARM64 = "cp38-cp38-manylinux2014_x86_64", "cp38-cp38-manylinux2014_aarch64"

BACKEND = """
import os, pathlib
pathlib.Path(os.environ["HOME"], "ran-{name}").touch()
def prepare_metadata_for_build_wheel(folder, settings=None):
    info = pathlib.Path(folder, "{name}-{version}.dist-info")
    info.mkdir()
    needs = "".join("Requires-Dist: " + need + "\\n" for need in {needs})
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n" + needs)
    return info.name
def build_wheel(*_):
    raise SystemExit("nobody wants a wheel")
"""


class FrozenIndex:
    """Files by name; what the index says of each package, as PEP 691 and PEP 700 have it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.packages: dict[str, list[dict[str, object]]] = {}
        self.asked: list[str] = []

    def wheel(
        self, name: str, version: str, at: str | None, *needs: str, tag: str = "py3-none-any", yanked: bool = False
    ) -> str:
        """Add a wheel; its hash."""
        data = io.BytesIO()
        info = f"{name}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        metadata += "".join(f"Requires-Dist: {need}\n" for need in needs)
        kind = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"
        with zipfile.ZipFile(data, "w") as wheel:
            for path, text in ((f"{info}/METADATA", metadata), (f"{info}/WHEEL", kind), (f"{info}/RECORD", "")):
                wheel.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), text)
        return self._add(name, f"{name}-{version}-{tag}.whl", data.getvalue(), at, yanked)

    def sdist(self, name: str, version: str, at: str, *needs: str) -> str:
        """Add a source distribution that must be run to learn what it needs, and tells by a file that it was."""
        data = io.BytesIO()
        files = {
            "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
            "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            "backend.py": BACKEND.format(name=name, version=version, needs=needs),
        }
        with tarfile.open(fileobj=data, mode="w:gz") as sdist:
            for path, text in files.items():
                entry = tarfile.TarInfo(f"{name}-{version}/{path}")
                entry.size = len(text)
                sdist.addfile(entry, io.BytesIO(text.encode()))
        return self._add(name, f"{name}-{version}.tar.gz", data.getvalue(), at, False)

    def _add(self, name: str, file: str, data: bytes, at: str | None, yanked: bool) -> str:
        self.files[file] = data
        digest = hashlib.sha256(data).hexdigest()
        entry: dict[str, object] = {"filename": file, "url": f"/files/{file}", "hashes": {"sha256": digest}}
        entry |= {"yanked": yanked, **({"upload-time": at} if at else {})}
        self.packages.setdefault(name, []).append(entry)
        return f"sha256:{digest}"

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """Kind and bytes of what lies at a path."""
        self.asked.append(path)
        folder, _, name = path.strip("/").rpartition("/")
        if folder == "files" and name in self.files:
            return "application/octet-stream", self.files[name]
        if folder == "simple" and name in self.packages:
            page = {"meta": {"api-version": "1.1"}, "name": name, "files": self.packages[name]}
            return JSON, json.dumps(page).encode()
        return None

    @contextlib.contextmanager
    def served(self) -> Iterator[str]:
        """Its address, while it is there."""
        index = self

        class Asked(Handler):
            def answer(self) -> None:
                found = index.answer(self.path)
                kind, data = found or ("text/plain", b"")
                self.send(200 if found else 404, {"Content-Type": kind}, data)

        with served(Loopback(Asked)) as server:
            yield f"http://{server.host}/simple"
