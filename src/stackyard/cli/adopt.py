# SPDX-License-Identifier: MIT
"""`stackyard adopt`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackyard.cli.common import command, images_argument, json_option, option, shown, write_json
from stackyard.cli.session import EXIT_FAILED
from stackyard.report.adopt import adoption_data, adoption_text

if TYPE_CHECKING:
    from stackyard.verbs import Yard


@command("stackyard adopt", "stackyard adopt --tag '{stable}'", "stackyard adopt --tag last_updated --at v1.9.0")
@images_argument
@option(
    "--tag",
    metavar="TAG|last_updated",
    help="What is published: a tag, a template, or the stamps of last_updated.yaml.",
)
@option("--at", metavar="COMMIT", default="HEAD", show_default=True, help="The commit that it was made from.")
@json_option
def adopt(yard: Yard, images: tuple[str, ...], tag: str | None, at: str, is_json: bool) -> int:
    """What of the images that are published already would count as built, as of a commit. Writes nothing.

    Without --tag it is the stamp of last_updated.yaml for versions that have one, and the tag of the branch
    for all others. That an image stands on its parent is told by their layers.
    Exit code 1 if something would be left out.
    """
    from stackyard.verbs.adopt import adoption

    found = adoption(yard, images, tag, at)
    if is_json:
        write_json(adoption_data(found))
    else:
        shown(adoption_text, found)
    return 0 if found.is_good else EXIT_FAILED
