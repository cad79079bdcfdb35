# SPDX-License-Identifier: MIT
"""`stackyard sign` and `stackyard verify`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from stackyard.cli.common import command, completed_by, json_option, option, shown, write_json
from stackyard.cli.session import EXIT_FAILED
from stackyard.report.inventory import signed_data, signed_text
from stackyard.verbs import signing

if TYPE_CHECKING:
    from stackyard.model.sbom import Signed
    from stackyard.verbs import Yard


def _shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """What both take."""
    name = click.argument("name", metavar="IMAGE|TAG|DIGEST", shell_complete=completed_by("names"))
    key = option("--key", required=True, metavar="REF", help="A file, env://NAME, or what a key service calls it.")
    no_log = option("--no-log", is_flag=True, help="Without the public transparency log.")
    return name(key(no_log(json_option(function))))


@command("stackyard sign stable --key cosign.key", "stackyard sign stable --key awskms:///alias/images --no-log")
@_shared
def sign(yard: Yard, name: str, key: str, no_log: bool, is_json: bool) -> None:
    """Have cosign sign published images, each by the digest that the registry has.

    The key is named and never read; COSIGN_PASSWORD opens one in a file.
    """
    _told(signing.sign(yard, name, key, is_logging=not no_log), is_json)


@command("stackyard verify stable --key cosign.pub")
@_shared
def verify(yard: Yard, name: str, key: str, no_log: bool, is_json: bool) -> int:
    """Whether published images are signed by a key. Exit code 1 if one is not."""
    found = signing.verify(yard, name, key, is_logging=not no_log)
    _told(found, is_json)
    return 0 if all(each.is_signed for each in found) else EXIT_FAILED


def _told(found: tuple[Signed, ...], is_json: bool) -> None:
    if is_json:
        write_json(signed_data(found))
    else:
        shown(signed_text, found)
