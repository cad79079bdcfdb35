# SPDX-License-Identifier: MIT
"""`stackyard inventory`: what is inside images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stackyard.cli.common import command, completed_by, json_option, option, shown, write_json
from stackyard.cli.session import EXIT_FAILED
from stackyard.report.inventory import files_text, inside_data, layers_text, packages_text
from stackyard.verbs.inside import inside

if TYPE_CHECKING:
    from stackyard.verbs import Yard

_VIEWS = {"layers": layers_text, "packages": packages_text, "files": files_text}


@command(
    "stackyard inventory ml-notebook",
    "stackyard inventory stable --show packages",
    "stackyard inventory debian:bookworm --json",
)
@click.argument("name", metavar="IMAGE|TAG|DIGEST", shell_complete=completed_by("images"))
@option("--show", "view", type=click.Choice(list(_VIEWS)), default="layers", show_default=True, help="What is printed.")
@option("--fresh", "is_fresh", is_flag=True, help="Read the layers again, whatever is kept.")
@json_option
def inventory(yard: Yard, name: str, view: str, is_fresh: bool, is_json: bool) -> int:
    """What is inside an image: its layers, its packages with the layer that brought each, its large files.

    Of an image of the stack, of a release, channel, tag or digest; or of any other image by its whole reference.
    It is read from the layers: in the engine if that has the image, else in the registry. Nothing is run in
    it. What was read is kept with the records. Exit code 1 if something could not be read.
    """
    found = inside(yard, name, is_fresh=is_fresh)
    if is_json:
        write_json(inside_data(found))
    else:
        shown(_VIEWS[view], found)
    return EXIT_FAILED if any(each.inventory.gaps for each in found) else 0
