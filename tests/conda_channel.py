# SPDX-License-Identifier: MIT
"""A conda channel in a folder: a few tiny packages that can be installed, each with a time."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
import zipfile
from datetime import datetime
from pathlib import Path


class Channel:
    """Packages by platform; what the channel tells of them is written when it is asked for its address."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._told: dict[str, dict[str, dict[str, dict[str, object]]]] = {}

    def add(
        self,
        name: str,
        version: str,
        at: str | None,
        *needs: str,
        subdir: str = "linux-64",
        indexed: str | None = None,
        is_old: bool = True,
    ) -> str:
        """Add a package with one file, `share/NAME`, that says its version; its hash.

        Args:
            at: when it was made; None: the channel does not say.
            indexed: when it came to the channel, where the channel says so.
            is_old: whether it is a .tar.bz2, and not a .conda.
        """
        facts: dict[str, object] = {"name": name, "version": version, "build": "0", "build_number": 0}
        facts |= {"depends": list(needs), "subdir": subdir, **({"noarch": "generic"} if subdir == "noarch" else {})}
        said = f"{version}\n".encode()
        path = {"_path": f"share/{name}", "path_type": "hardlink", "sha256": _hash(said), "size_in_bytes": len(said)}
        info = {
            "info/index.json": json.dumps(facts).encode(),
            "info/paths.json": json.dumps({"paths": [path], "paths_version": 1}).encode(),
            "info/files": f"share/{name}\n".encode(),
        }
        data = _tar({**info, f"share/{name}": said}, "w:bz2") if is_old else _conda(name, version, info, said)
        file = f"{name}-{version}-0{'.tar.bz2' if is_old else '.conda'}"
        folder = self.root / subdir
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(data)
        times = {"timestamp": at, "indexed_timestamp": indexed}
        facts |= {key: int(datetime.fromisoformat(when).timestamp() * 1000) for key, when in times.items() if when}
        facts |= {"sha256": _hash(data), "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(), "size": len(data)}
        told = self._told.setdefault(subdir, {"packages": {}, "packages.conda": {}})
        told["packages" if is_old else "packages.conda"][file] = facts
        return _hash(data)

    @property
    def address(self) -> str:
        """Where it is, as an environment names it."""
        for subdir in ("linux-64", "linux-aarch64", "noarch"):
            (self.root / subdir).mkdir(parents=True, exist_ok=True)
            told = {"info": {"subdir": subdir}, **self._told.get(subdir, {}), "repodata_version": 1}
            (self.root / subdir / "repodata.json").write_text(json.dumps(told))
        return self.root.as_uri()


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _tar(files: dict[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        for path, data in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _conda(name: str, version: str, info: dict[str, bytes], said: bytes) -> bytes:
    """The newer form: a zip with two archives in zstd."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        members = {
            "metadata.json": b'{"conda_pkg_format_version": 2}',
            f"pkg-{name}-{version}-0.tar.zst": _stored(_tar({f"share/{name}": said})),
            f"info-{name}-{version}-0.tar.zst": _stored(_tar(info)),
        }
        for path, data in members.items():
            package.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), data)
    return buffer.getvalue()


def _stored(data: bytes) -> bytes:
    """As zstd, in one raw block: nothing is compressed (RFC 8878, 3.1.1)."""
    return b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", len(data)) + struct.pack("<I", len(data) << 3 | 1)[:3] + data
