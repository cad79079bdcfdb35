# SPDX-License-Identifier: MIT
"""The machine this runs on: its platform, its size, its randomness."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from stackyard.model.reference import Platform

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "armv7l": "arm/v7", "i686": "386"}


def native_platform() -> Platform:
    """The Linux platform that an engine on this machine builds for."""
    machine = os.uname().machine
    return Platform(f"linux/{_ARCHITECTURES.get(machine, machine)}")


_EMULATED = {
    "aarch64": "arm64",
    "arm": "arm/v7",
    "x86_64": "amd64",
    "i386": "386",
    "riscv64": "riscv64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
}
"""What qemu calls processors, and what platforms do."""
_BINFMT = Path("/proc/sys/fs/binfmt_misc")


def inside(native: Platform) -> tuple[Platform, ...]:
    """What a machine runs beside its own: the 32 bits that are in it, of which engines do not always speak."""
    return (Platform("linux/386"),) if native == "linux/amd64" else ()


def runs(native: Platform) -> tuple[Platform, ...]:
    """What this machine runs: its own, the 32 bits that are in it, and what its kernel hands to an emulator."""
    there = [Platform(f"linux/{name}") for qemu, name in _EMULATED.items() if (_BINFMT / f"qemu-{qemu}").exists()]
    return tuple(dict.fromkeys((native, *inside(native), *there)))


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Size(msgspec.Struct, frozen=True):
    """How much of everything there is; None where nobody can tell."""

    cores: int
    memory_bytes: int | None = None
    """What could be had now without anything being swapped out."""
    free_bytes: int | None = None
    """On the disk where the engine keeps images."""


def size(free: int | None = None) -> Size:
    """This machine as it is now. Builds run in the engine, so limits of this very process do not count.

    Args:
        free: what the engine says of its disk.
    """
    return Size(cores(), _memory(), free)


def free_bytes(folder: str) -> int | None:
    """What is free on the disk of a folder; None where there is none: some engines live in a machine of their own."""
    try:
        disk = os.statvfs(folder)  # as shutil, which would bring what it packs with: for two numbers
        return disk.f_bavail * disk.f_frsize
    except OSError:
        return None


def _memory() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:  # no Linux: all there is, then
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def token(folder: Path) -> str:
    """Eight hexadecimal digits that stand for a folder, and eight that nobody else has: for temporary names."""
    import hashlib  # loads OpenSSL: only what runs has names to make

    return hashlib.sha256(os.fsencode(folder)).hexdigest()[:8] + os.urandom(4).hex()
