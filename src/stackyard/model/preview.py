# SPDX-License-Identifier: MIT
"""What a person should know of a promotion before it is made, beside its moves."""

from __future__ import annotations

import msgspec

from stackyard.model.contents import ContentsChange
from stackyard.model.names import TargetName


class Preview(msgspec.Struct, frozen=True):
    """What is told before tags move, and is no part of what is written down."""

    contents: tuple[ContentsChange, ...] = ()
    """What changes inside, where inventories of both images are known."""
    unknown: tuple[TargetName, ...] = ()
    """Images with commands for an inventory that change, and of which that of one build is not known."""
    left_behind: tuple[str, ...] = ()
    """Sentences about images that stay, on another build of what is promoted."""
