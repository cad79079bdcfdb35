# SPDX-License-Identifier: MIT
"""What is inside images, in the records' file: by content, so that equal images have one inventory.

May touch: the records' file
Raises: RecordProblem
Used by: record/sqlite, of which it is a part

A table of its own: every plan reads all facts, and none reads packages.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from stackyard.model import canonical
from stackyard.model.names import Digest
from stackyard.record.database import RecordsFile

if TYPE_CHECKING:
    from stackyard.model.inventory import Inventory


class Inventories(RecordsFile):
    """Inventories by the content digest of their images."""

    def keep_inventory(self, inventory: Inventory) -> None:
        """Keep what was read of an image; the last reading counts."""
        with self._open() as db:
            row = (inventory.content, zlib.compress(canonical.pack(inventory)))
            db.execute("INSERT OR REPLACE INTO inventories VALUES (?, ?)", row)

    def inventory(self, content: Digest) -> Inventory | None:
        """What is inside images of this content; None where nobody looked yet."""
        return self.inventories([content]).get(content)

    def inventories(self, contents: Iterable[Digest]) -> dict[Digest, Inventory]:
        """Those that are kept of these contents."""
        from stackyard.model.inventory import Inventory  # few commands ask

        found: dict[Digest, Inventory] = {}
        if not self._path.exists():
            return found
        with self._open() as db:
            for content in contents:
                row = db.execute("SELECT body FROM inventories WHERE content = ?", (content,)).fetchone()
                if row is not None:
                    found[content] = canonical.unpack(zlib.decompress(row[0]), Inventory)
        return found
