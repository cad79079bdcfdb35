# SPDX-License-Identifier: MIT
"""What an external base is taken to be, since when, and where its registry last had it.

Pure. Why: docs/explanation/fingerprints.md, "accepted digest"
"""

from __future__ import annotations

from typing import Literal

import msgspec

from stackyard.model.names import Digest

AcceptedBy = Literal["first", "refresh", "max_age", "person"]
"""`first` a build needed it · `refresh` --refresh took what the registry had · `max_age` an image had become old ·
`person` somebody named the digest."""


class Acceptance(msgspec.Struct, frozen=True):
    """From `at` on, an external base is taken to be `digest`."""

    reference: str
    """Canonical."""
    digest: Digest
    at: str
    by: AcceptedBy = "first"


class Seen(msgspec.Struct, frozen=True):
    """Where a registry had a base when it was last asked; None: it had none of this name."""

    reference: str
    """Canonical."""
    digest: Digest | None
    at: str
