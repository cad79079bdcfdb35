# SPDX-License-Identifier: MIT
"""`stackyard why` and `stackyard inputs`: a plan's reasons up to their cause, and all that goes into an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stackyard.cli.common import (
    command,
    images_argument,
    json_option,
    option,
    rebuild_option,
    run_options,
    shown,
    write_json,
)
from stackyard.report.why import inputs_data, inputs_text, why_data, why_text
from stackyard.verbs import explain

if TYPE_CHECKING:
    from stackyard.verbs import Yard


@command("stackyard why ml-notebook", "stackyard why --push", "stackyard why ml-notebook --json")
@images_argument
@option("--push", "is_publishing", is_flag=True, help="For what `build --push` would do.")
@rebuild_option
@run_options
@json_option
def why(yard: Yard, images: tuple[str, ...], is_publishing: bool, rebuild: tuple[str, ...], is_json: bool) -> None:
    """Why an image is to be built, or is not: the first difference from the nearest known build, then the rest.

    For an image that follows its parent, the way up to the cause; for one that needs nothing, since when, and which
    run built it. Offline, as `plan`. Without names, all images.
    """
    answers = explain.why(yard, images, is_publishing, rebuild)
    if is_json:
        write_json(why_data(answers))
    else:
        shown(why_text, answers)


@command("stackyard inputs ml-notebook", "stackyard inputs ml-notebook --json")
@images_argument
@run_options
@json_option
def inputs(yard: Yard, images: tuple[str, ...], is_json: bool) -> None:
    """All that goes into an image: each file, argument, base and parent, and both fingerprints.

    Values that look secret are hidden. Without names, all images.
    """
    found = explain.inputs(yard, images)
    if is_json:
        write_json(inputs_data(found))
    else:
        shown(inputs_text, found)
