# SPDX-License-Identifier: MIT
"""Pack a root filesystem as an image that every engine can load, and that is the same image each time.

In:    a tar on stdin; argv: OUT NAME CMD [KEY=VALUE ...]
Out:   OUT, an archive with both layouts: OCI (index.json) and the older manifest.json
Why:   `docker import` stamps the time of day into the image, so every machine would get another id;
       here the id is a function of the tar, the name's settings and nothing else
"""

import gzip
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
import tempfile

CREATED = "2020-01-01T00:00:00Z"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "ppc64le": "ppc64le", "s390x": "s390x"}


def main(out: str, name: str, command: str, *env: str) -> None:
    """Stdin is the root filesystem; the archive appears at OUT when it is complete."""
    whole = hashlib.sha256()
    with tempfile.TemporaryFile(dir=os.path.dirname(out)) as packed:
        with gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0, compresslevel=3) as layer:
            while block := sys.stdin.buffer.read(1 << 20):
                whole.update(block)
                layer.write(block)
        size = packed.tell()
        packed.seek(0)
        digest = hashlib.file_digest(packed, "sha256").hexdigest()
        packed.seek(0)

        config = to_json(
            {
                "architecture": ARCHITECTURES.get(os.uname().machine, os.uname().machine),
                "os": "linux",
                "created": CREATED,
                "config": {"Env": list(env), "Cmd": [command]},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{whole.hexdigest()}"]},
                "history": [{"created": CREATED, "created_by": f"root filesystem of {name}"}],
            }
        )
        prefix = "application/vnd.oci.image."
        manifest = to_json(
            {
                "schemaVersion": 2,
                "mediaType": prefix + "manifest.v1+json",
                "config": described(prefix + "config.v1+json", config),
                "layers": [{"mediaType": prefix + "layer.v1.tar+gzip", "digest": f"sha256:{digest}", "size": size}],
            }
        )
        names = {
            "io.containerd.image.name": f"docker.io/library/{name}",
            "org.opencontainers.image.ref.name": name.partition(":")[2],
        }
        index = to_json(
            {
                "schemaVersion": 2,
                "mediaType": prefix + "index.v1+json",
                "manifests": [described(prefix + "manifest.v1+json", manifest) | {"annotations": names}],
            }
        )
        older = [{"Config": blob_path(config), "RepoTags": [name], "Layers": [f"blobs/sha256/{digest}"]}]

        with open(out + ".part", "wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
            add(archive, "oci-layout", to_json({"imageLayoutVersion": "1.0.0"}))
            add(archive, "index.json", index)
            add(archive, "manifest.json", to_json(older))
            add(archive, blob_path(config), config)
            add(archive, blob_path(manifest), manifest)
            entry = tarfile.TarInfo(f"blobs/sha256/{digest}")
            entry.size = size
            archive.addfile(entry, packed)
    shutil.move(out + ".part", out)


def to_json(value: object) -> bytes:
    """Write it the same way each time: the bytes are hashed."""
    return json.dumps(value, sort_keys=True).encode()


def blob_path(content: bytes) -> str:
    """Where a layout keeps these bytes."""
    return f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"


def described(media_type: str, content: bytes) -> dict[str, object]:
    """The descriptor by which one part of an image refers to another."""
    return {
        "mediaType": media_type,
        "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "size": len(content),
    }


def add(archive: tarfile.TarFile, path: str, content: bytes) -> None:
    """One file of the archive, without a time or an owner."""
    entry = tarfile.TarInfo(path)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


main(*sys.argv[1:])
