# SPDX-License-Identifier: MIT
"""`stackyard inventory`, `diff`, `find`, `outdated` and `sbom`: what is inside images."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from stackyard.cli.common import command, completed_by, format_option, json_option, option, shown, write, write_json
from stackyard.cli.session import EXIT_FAILED
from stackyard.errors import ConfigError
from stackyard.report.inventory import (
    attached_data,
    attached_text,
    dockerfile_text,
    files_text,
    inside_data,
    layers_text,
    packages_text,
)
from stackyard.verbs.inside import inside

if TYPE_CHECKING:
    from stackyard.model.sbom import DocumentKind
    from stackyard.verbs import Yard

_VIEWS = {"layers": layers_text, "packages": packages_text, "files": files_text, "dockerfile": dockerfile_text}


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


@command("stackyard diff 2026.1-stable 2026.3-stable", "stackyard diff stable main --format markdown > notes.md")
@click.argument("was", metavar="A", shell_complete=completed_by("names"))
@click.argument("now", metavar="B", shell_complete=completed_by("names"))
@format_option("text", "markdown", "json", help="markdown has all packages, for release notes.")
def diff(yard: Yard, was: str, now: str, form: str) -> None:
    """What B has inside against A: packages, large files, environment, layers, size, tests.

    Each is what `stackyard inventory` takes: an image as it was built last, a release, channel, tag or digest,
    or a whole reference. Of sets of images, those of the same name are compared.
    """
    from stackyard.report.difference import difference_data, difference_markdown, difference_text
    from stackyard.verbs.differences import difference

    found = difference(yard, was, now)
    if form == "json":
        write_json(difference_data(found))
    elif form == "markdown":
        write(difference_markdown(found).rstrip("\n"))
    else:
        shown(difference_text, found)


@command("stackyard find numpy", "stackyard find 'openssl==3.0.*' --read")
@click.argument("package", metavar="PACKAGE[==VERSION]")
@option("--read", "is_reading", is_flag=True, help="Also read images that nobody looked into yet.")
@json_option
def find(yard: Yard, package: str, is_reading: bool, is_json: bool) -> int:
    """Which images have a package: as they were built last, in channels and in releases.

    Name and version may be patterns. Exit code 1 if no image has it.
    """
    from stackyard.model.holding import Wanted
    from stackyard.report.difference import holdings_data, holdings_text
    from stackyard.verbs.differences import find as find_package

    wanted = Wanted.parse(package)
    found, unread = find_package(yard, wanted, is_reading=is_reading)
    if is_json:
        write_json(holdings_data(wanted, found, unread))
    else:
        shown(partial(holdings_text, wanted), found, unread)
    return 0 if found else EXIT_FAILED


@command("stackyard outdated ml-notebook", "stackyard outdated stable --json")
@click.argument("name", metavar="IMAGE|TAG|DIGEST", shell_complete=completed_by("images"))
@json_option
def outdated(yard: Yard, name: str, is_json: bool) -> None:
    """Which Python packages of an image the index has newer, for the image's own Python and platform.

    uv asks the index that it is told of (UV_DEFAULT_INDEX and its like); no other kind of package is asked for.
    What an update would bring that fits together is another question: `stackyard lock outdated` answers it.
    """
    from stackyard.report.difference import outdated_data, outdated_text
    from stackyard.verbs.outdated import outdated as find_outdated

    found = find_outdated(yard, name)
    if is_json:
        write_json(outdated_data(found))
    else:
        shown(outdated_text, found)


@command(
    "stackyard sbom ml-notebook > sbom.json",
    "stackyard sbom stable --format spdx --output sboms",
    "stackyard sbom stable --attach",
)
@click.argument("name", metavar="IMAGE|TAG|DIGEST", shell_complete=completed_by("images"))
@option(
    "--format",
    "kind",
    type=click.Choice(["cyclonedx", "spdx", "slsa"]),
    default="cyclonedx",
    show_default=True,
    help="slsa is provenance: how an image was made.",
)
@option("--output", "folder", metavar="DIR", type=click.Path(file_okay=False), help="Write a file for each image.")
@option("--attach", "is_attaching", is_flag=True, help="Attach all of them to the published images.")
@option("--fallback-tag", is_flag=True, help="Also where the registry lists no referrers: under a tag sha256-...")
@json_option
def sbom(
    yard: Yard, name: str, kind: DocumentKind, folder: str | None, is_attaching: bool, fallback_tag: bool, is_json: bool
) -> None:
    """An image's bill of materials as other tools read it: CycloneDX 1.6 or SPDX 2.3, with package URLs.

    The same image gives the same bytes. --attach leaves both, SLSA provenance where Stackyard built the image,
    and the inventory in the registry, as artifacts that refer to the image; nothing of the image changes.
    """
    from stackyard.verbs.documents import attach_documents, document

    if is_attaching:
        attached = attach_documents(yard, name, is_tagging=fallback_tag)
        if is_json:
            write_json(attached_data(attached))
        else:
            shown(attached_text, attached)
        return
    images = inside(yard, name)
    if folder is not None:
        from stackyard.verbs.documents import write_documents

        for path in write_documents(yard, images, kind, folder):
            write(path)
    elif len(images) == 1:
        write(document(yard, images[0], kind).decode().rstrip("\n"))
    else:
        raise ConfigError(f"{name} is {len(images)} images", hint="--output DIR writes a file for each")
