# SPDX-License-Identifier: MIT
"""The machine this runs on: its platform, its size, its randomness."""

from __future__ import annotations

import os

from stackyard.model.reference import Platform

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "armv7l": "arm/v7", "i686": "386"}


def native_platform() -> Platform:
    """The Linux platform that an engine on this machine builds for."""
    machine = os.uname().machine
    return Platform(f"linux/{_ARCHITECTURES.get(machine, machine)}")


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def token() -> str:
    """Eight hexadecimal digits that nobody else has: for temporary names."""
    return os.urandom(4).hex()
