# SPDX-License-Identifier: MIT
"""One layer of an image: what databases it brings, what it takes away, which of its files are large.

In:   the bytes of a layer as they come, compressed or not
Out:  LayerContents; what cannot be read is a gap, and no exception
Pure: one pass; of files that are no package databases not a byte is kept
Source: OCI image-spec, "layer": whiteouts, opaque whiteouts, hard links
"""

from __future__ import annotations

import tarfile
import zlib
from typing import IO, Self, cast

import msgspec

from stackyard.edges.image_layers import Peekable
from stackyard.inside.contained import NOTHING, Contained
from stackyard.inside.databases import is_installed, reader_of
from stackyard.model.inventory import LARGE_BYTES, GapCode

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_WITH_HEADER = 31  # zlib's word for gzip around what is compressed
_CHUNK = 1 << 15  # tarfile copies what is left of a piece for each member: larger ones cost more
_UNPACKED = 1 << 18
"""So much is unpacked at once: a piece may hold a thousand times its size, and what is left of it is copied."""
_LARGEST = 32 << 20
"""No package's description is larger, nor what dpkg writes down of ten thousand; a layer of a few kB may say it is."""
_LARGEST_SQLITE = 256 << 20
_LARGEST_HEADER = 1 << 20
"""tarfile reads long names and a member's further facts into memory, whatever size they say they have."""
_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_WHITEOUT, _OPAQUE, _AUFS = ".wh.", ".wh..wh..opq", ".wh..wh."


class LayerContents(msgspec.Struct):
    """What one layer tells, before others are laid over it."""

    databases: dict[str, Contained] = {}
    """By path."""
    large: dict[str, int] = {}
    """Sizes of large files by path."""
    others: set[str] = set()
    """All that is no folder: what was below such a path is gone."""
    folders: set[str] = set()
    gone: set[str] = set()
    """Paths that it takes away, with all below them."""
    opaque: set[str] = set()
    """Folders of which it takes away all that was in them."""
    size_bytes: int = 0
    problem: str = ""
    """Why it could not be read to its end."""
    problem_code: GapCode = "layer-unreadable"


class _Member(tarfile.TarInfo):
    """A member that says when what follows it is none: tarfile takes a damaged header for the end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        found = super().frombuf(buf, encoding, errors)
        if found.type in _HEADERS and found.size > _LARGEST_HEADER:
            raise tarfile.ReadError(f"{found.size} bytes of a member's header")
        return found

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tar)
        except (tarfile.EOFHeaderError, tarfile.EmptyHeaderError):  # type: ignore[attr-defined]  # typeshed lacks them
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from None


def read_layer(stream: Peekable) -> LayerContents:
    """All that a layer tells, in one pass over its bytes."""
    found = LayerContents()
    try:
        opened = _uncompressed(stream)
    except ImportError:
        found.problem_code = "layer-compression"
        found.problem = "compressed with zstd, which this Python reads with the package backports.zstd only"
        return found
    try:
        with tarfile.open(fileobj=opened, mode="r|", bufsize=_CHUNK, tarinfo=_Member) as tar:
            for member in tar:
                _take(found, tar, member)
                tar.members.clear()  # type: ignore[attr-defined]  # it would keep them all; typeshed lacks the name
    except (tarfile.TarError, EOFError, zlib.error, ValueError) as error:
        found.problem = f"no tar archive, or a damaged one: {error}"
    except Exception as error:
        if type(error).__name__ != "ZstdError":
            raise
        found.problem = f"damaged: {error}"
    return found


def _uncompressed(stream: Peekable) -> IO[bytes]:
    head = stream.peek(4)[:4]
    if head[:2] == _GZIP:
        return cast(IO[bytes], _Gunzipped(stream))
    if head == _ZSTD:
        return _zstd(cast(IO[bytes], stream))
    return cast(IO[bytes], stream)


class _Gunzipped:
    """What a stream of gzip holds, of one piece or several; gzip.GzipFile takes twice as long."""

    def __init__(self, stream: Peekable) -> None:
        self._stream = stream
        self._zlib = zlib.decompressobj(_WITH_HEADER)
        self._left = b""

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end; EOFError where that comes too early."""
        parts, have = [self._left], len(self._left)
        while have < size:
            data = self._zlib.unconsumed_tail or self._zlib.unused_data or self._stream.read(_CHUNK)
            if self._zlib.eof and not data.strip(b"\0"):  # some pad what they write
                if data and not self._zlib.unused_data:
                    continue
                break
            if self._zlib.eof:
                self._zlib = zlib.decompressobj(_WITH_HEADER)
            parts.append(self._zlib.decompress(data, _UNPACKED))
            have += len(parts[-1])
            if not data and not parts[-1]:
                raise EOFError("compressed data ended before its end")
        joined = b"".join(parts)
        self._left = joined[size:]
        return joined[:size]


def _zstd(stream: IO[bytes]) -> IO[bytes]:
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]  # Python 3.14
    except ImportError:
        from backports import zstd  # type: ignore[import-not-found,import-untyped,unused-ignore]  # the extra `zstd`
    opened: IO[bytes] = zstd.open(stream)
    return opened


def _take(found: LayerContents, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    path = _path(member.name)
    folder, _, name = path.rpartition("/")
    if name.startswith(_WHITEOUT):
        if name == _OPAQUE:
            found.opaque.add(folder)
        elif not name.startswith(_AUFS):
            found.gone.add(f"{folder}/{name[4:]}" if folder else name[4:])
        return
    if member.isdir():
        found.folders.add(path)
        return
    found.others.add(path)
    found.databases.pop(path, None)
    if member.islnk():
        _link(found, path, _path(member.linkname))
    elif member.isreg():
        found.size_bytes += member.size
        if member.size >= LARGE_BYTES:
            found.large[path] = member.size
        reader = reader_of(path)
        if reader is not None:
            found.databases[path] = _read(tar, member, path)


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> Contained:
    reader = reader_of(path)
    if member.size > (_LARGEST_SQLITE if path.endswith(".sqlite") else _LARGEST):
        return Contained(complaint=f"{member.size} bytes, which is too much for a package database")
    file = tar.extractfile(member)
    if reader is None or file is None:
        return NOTHING
    try:
        return reader(path, file.read())
    except RecursionError:  # brackets in brackets, in JSON or TOML
        return Contained(complaint="it is nested too deeply to be a description")


def _link(found: LayerContents, path: str, target: str) -> None:
    """A hard link is the same file, by another name, which the layer had before."""
    if target in found.large:
        found.large[path] = found.large[target]
    if reader_of(path) is None:
        return
    there = found.databases.get(target)
    if there is None:
        there = Contained(complaint=f"a hard link to {target}, which was not read")
    elif is_installed(path) and there.packages:
        where = path if there.packages[0].path == target else path.rpartition("/")[0]
        moved = tuple(msgspec.structs.replace(each, path=where) for each in there.packages)
        there = msgspec.structs.replace(there, packages=moved)
    found.databases[path] = there


def _path(name: str) -> str:
    """A member's path from the image's root, as text that can be written anywhere."""
    path = name.removeprefix("./").strip("/")
    if "//" in path or "/./" in path:
        path = "/".join(part for part in path.split("/") if part not in ("", "."))
    return path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
