# SPDX-License-Identifier: MIT
"""What an external base, or the address of an ADD, is taken to be; since when, and where it was last seen.

Pure. Why: docs/explanation/fingerprints.md, "accepted digest"
"""

from __future__ import annotations

from typing import Literal

import msgspec

from stackyard.model.names import Digest

AcceptedBy = Literal["first", "refresh", "max_age", "build", "person"]
"""`first` a build needed it · `refresh` --refresh took what the registry had · `max_age` an image had become old ·
`build` an image had to be built, and an address gives only what it gives now · `person` somebody named the digest."""


class Acceptance(msgspec.Struct, frozen=True):
    """From `at` on, an external base is taken to be `digest`."""

    reference: str
    """Canonical."""
    digest: Digest
    at: str
    by: AcceptedBy = "first"


class Seen(msgspec.Struct, frozen=True):
    """Where a registry had a base when it was last asked, or what an address gave; None: nothing of this name."""

    reference: str
    """Canonical."""
    digest: Digest | None
    at: str
    mark: str = ""
    """What the server calls this state: an ETag."""
