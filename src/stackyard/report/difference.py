# SPDX-License-Identifier: MIT
"""What is different inside images, and where a package is: for people, for a page, as data.

In: values. Out: text, Markdown or plain data. Pure. Reference: docs/reference/json.md
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stackyard.model.difference import ImageDifference, InsideDifference, PackageChange, SuiteChange, parted
from stackyard.model.holding import Holding, Wanted
from stackyard.model.inventory import KIND_NAMES
from stackyard.model.outdated import Freshness
from stackyard.model.record import Tested
from stackyard.report.data import FORMAT
from stackyard.report.markdown import code, prose
from stackyard.report.text import Style, count_text, few, joined, size_text, table, visible, wrapped

_NAMED = 12
"""So many packages of a kind are named, and so many files; Markdown and JSON have all."""
_FILES = 5
_OTHERS = ("starts with", "tests", "large files")
"""Lists that are none of packages."""
_OPEN = 25
"""Longer lists are folded in Markdown."""


def headline(difference: InsideDifference) -> str:
    """`2026.1-stable -> 2026.3-stable: 41 packages changed, 3 new in 2 of 3 images`."""
    changed, new, gone = parted(difference.packages)
    counts = [f"{count_text(len(changed), 'package')} changed"] if changed else []
    counts += [f"{len(some)} {what}" for some, what in ((new, "new"), (gone, "gone")) if some]
    if counts and not changed:
        counts[0] = counts[0].replace(" ", f" package{'' if len(new or gone) == 1 else 's'} ", 1)
    told = joined(counts) if counts else "no package changed"
    differing = [each for each in difference.images if each.packages]
    if len(difference.images) > 1 and differing:
        told += f", in {len(differing)} of {count_text(len(difference.images), 'image')}"
    return f"{difference.was} -> {difference.now}: {told}"


def difference_text(difference: InsideDifference, style: Style, width: int) -> str:
    """The headline, then a paragraph for each image."""
    lines = [style(visible(headline(difference)), "bold")]
    for image in difference.images:
        lines += ["", *_image_lines(image, style, width)]
    lines += [""] if difference.new or difference.gone else []
    for what, names in (("New", difference.new), ("Gone", difference.gone)):
        if names:
            lines.append(f"{what}: {few([visible(name) for name in names], _NAMED)}.")
    return "\n".join(lines)


def _image_lines(image: ImageDifference, style: Style, width: int) -> Iterator[str]:
    if image.was == image.now or (image.is_same and not image.suites):
        yield f"{style(visible(image.name), 'bold')}: the same inside"
    else:
        yield f"{style(visible(image.name), 'bold')}: {_sizes(image)}"
        for what, names in _lists(image):
            told = f"{what}: {few([visible(name) for name in names], _NAMED)}"
            yield from (f"  {line}" for line in wrapped(told, max(width - 2, 20)))
    if image.gaps:
        gaps = f"{count_text(image.gaps, 'part')} of them could not be read; `stackyard inventory` says which"
        yield f"  {style(gaps, 'yellow')}"


def _sizes(image: ImageDifference) -> str:
    more = image.new.size_bytes - image.old.size_bytes
    sizes = f"{size_text(image.old.size_bytes)} -> {size_text(image.new.size_bytes)}"
    told = f" ({'+' if more > 0 else '-'}{size_text(abs(more))})" if more else ""
    layers = f"{image.same_layers} of {count_text(image.new.layers, 'layer')} as before"
    return f"{sizes}{told}, {layers}"


def _lists(image: ImageDifference) -> Iterator[tuple[str, list[str]]]:
    for kind, called in KIND_NAMES.items():
        for some, what in zip(image.of_kind(kind), ("", ", new", ", gone"), strict=True):
            if some:
                yield f"{called}{what}", list(map(str, some))
    settings = [f"{each.setting} {_value(each.was)} -> {_value(each.now)}" for each in image.settings]
    if settings:
        yield "starts with", settings
    if image.suites:
        yield "tests", [_suite(each) for each in image.suites]
    files = [_file(each.path, each.was_bytes, each.now_bytes) for each in image.files]
    if files:
        yield "large files", [*files[:_FILES], *([f"{len(files) - _FILES} more"] if len(files) > _FILES else [])]


def _file(path: str, was: int | None, now: int | None) -> str:
    if was is not None and now is not None:
        return f"{path} {size_text(was)} -> {size_text(now)}"
    return f"{path} {'new' if was is None else 'gone'}, {size_text(was or now or 0)}"


def _value(value: str | None) -> str:
    return "nothing" if value is None else value or "''"


def _suite(change: SuiteChange) -> str:
    return f"{change.suite} {_result(change.was)} -> {_result(change.now)}"


def _result(tested: Tested | None) -> str:
    if tested is None:
        return "not run"
    return f"{tested.total} passed" if tested.passed else f"{tested.failed} of {tested.total} failed"


def difference_markdown(difference: InsideDifference) -> str:
    """For release notes and pages: all of it, long lists folded."""
    lines = [f"## {prose(headline(difference))}", ""]
    for image in difference.images:
        is_same = image.was == image.now or (image.is_same and not image.suites)
        lines += [f"### {prose(image.name)}", "", "The same inside." if is_same else f"{prose(_sizes(image))}.", ""]
        for kind, called in KIND_NAMES.items():
            mine = [each for each in image.packages if each.kind == kind]
            if mine:
                lines += [*_packages_markdown(called, mine), ""]
        for what, told in () if is_same else _lists(image):
            if what in _OTHERS:
                lines += [f"{what[:1].upper()}{what[1:]}:", "", *(f"- {prose(each)}" for each in told), ""]
        if image.gaps:
            lines += [f"{count_text(image.gaps, 'part')} of the two could not be read.", ""]
    for what, some in (("New", difference.new), ("Gone", difference.gone)):
        if some:
            lines += [f"{what}: {', '.join(map(code, some))}", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _packages_markdown(called: str, changes: Sequence[PackageChange]) -> Iterator[str]:
    rows = ["| package | was | is |", "| --- | --- | --- |"]
    rows += [f"| {prose(each.name)} | {prose(each.was)} | {prose(each.now)} |" for each in changes]
    told = ", ".join(
        f"{len(some)} {what}" for some, what in zip(parted(changes), ("changed", "new", "gone"), strict=True) if some
    )
    if len(changes) > _OPEN:
        yield from (f"<details><summary>{called}: {told}</summary>", "", *rows, "", "</details>")
    else:
        yield from (f"{called}: {told}", "", *rows)


def difference_data(difference: InsideDifference) -> dict[str, Any]:
    """All of it."""
    return {
        "format": FORMAT,
        "was": difference.was,
        "now": difference.now,
        "headline": headline(difference),
        "images": [_image_data(image) for image in difference.images],
        "new": list(difference.new),
        "gone": list(difference.gone),
    }


def _image_data(image: ImageDifference) -> dict[str, Any]:
    return {
        "name": image.name,
        "was": image.was,
        "now": image.now,
        "same_layers": image.same_layers,
        "layers": {"was": image.old.layers, "now": image.new.layers},
        "size_bytes": {"was": image.old.size_bytes, "now": image.new.size_bytes},
        "packages": [
            {"kind": each.kind, "name": each.name, "was": each.was or None, "now": each.now or None}
            for each in image.packages
        ],
        "files": [{"path": f.path, "was_bytes": f.was_bytes, "now_bytes": f.now_bytes} for f in image.files],
        "settings": [{"setting": each.setting, "was": each.was, "now": each.now} for each in image.settings],
        "tests": [{"suite": each.suite, "was": _tested(each.was), "now": _tested(each.now)} for each in image.suites],
        "gaps": image.gaps,
    }


def _tested(tested: Tested | None) -> dict[str, Any] | None:
    if tested is None:
        return None
    return {"passed": tested.passed, "total": tested.total, "failed": tested.failed, "skipped": tested.skipped}


# Where a package is.


def holdings_text(wanted: Wanted, found: Sequence[Holding], unread: Sequence[str], style: Style, width: int) -> str:
    """A row for each image that has it."""
    rows = [
        (style(visible(each.subject.name), "bold"), visible(package.name), visible(package.version),
         KIND_NAMES[package.kind], ", ".join(_places(each)), each.subject.image)
        for each in found
        for package in each.packages
    ]  # fmt: skip
    heads = ("image", "package", "version", "kind", "in", "digest")
    who = "None of the images that somebody looked into" if unread else "No image"
    lines = [table(rows, heads, style, width, spare=("kind",)) if rows else f"{who} has {visible(str(wanted))}."]
    if unread:
        names = few([visible(name) for name in unread])
        lines += ["", f"Nobody looked into some builds of {names} yet; --read does."]
    return "\n".join(lines)


def _places(holding: Holding) -> list[str]:
    return [*(["newest build"] if holding.is_newest else []), *map(visible, holding.places)]


def holdings_data(wanted: Wanted, found: Sequence[Holding], unread: Sequence[str]) -> dict[str, Any]:
    """All of it."""
    return {
        "format": FORMAT,
        "wanted": str(wanted),
        "found": [
            {
                "name": each.subject.name,
                "image": each.subject.image or None,
                "newest": each.is_newest,
                "places": list(each.places),
                "packages": [
                    {"kind": p.kind, "name": p.name, "version": p.version, "path": p.path, "layer": p.layer}
                    for p in each.packages
                ],
            }
            for each in found
        ],
        "unread": list(unread),
    }


# What is outdated.


def outdated_text(found: Sequence[Freshness], style: Style, width: int) -> str:
    """A table for each image."""
    paragraphs = []
    for each in found:
        rows = [
            (visible(one.package.name), visible(one.package.version), visible(one.newest), str(one.package.layer))
            for one in each.outdated
        ]
        for_python = f" for Python {each.python}" if each.python else ""
        counts = (
            f"{len(rows)} of {count_text(each.asked, 'Python package')} {'is' if len(rows) == 1 else 'are'} outdated"
        )
        what = f"{counts}{for_python}" if each.asked else "no Python packages"
        lines = [f"{style(visible(each.name), 'bold')}: {what}"]
        lines += ["", table(rows, ("package", "version", "newest", "layer"), style, width)] if rows else []
        lines += (
            ["", f"The index has not: {few([visible(name) for name in each.unknown], _NAMED)}."] if each.unknown else []
        )
        if each.unasked:
            kinds = joined([f"{count} {KIND_NAMES[kind]}" for kind, count in each.unasked])
            lines += ["", f"No index was asked for packages of other kinds: {kinds}."]
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def outdated_data(found: Sequence[Freshness]) -> dict[str, Any]:
    """All of it."""
    return {
        "format": FORMAT,
        "images": [
            {
                "name": each.name,
                "image": each.image or None,
                "python": each.python or None,
                "asked": each.asked,
                "outdated": [
                    {"name": o.package.name, "version": o.package.version, "newest": o.newest, "layer": o.package.layer}
                    for o in each.outdated
                ],
                "unknown": list(each.unknown),
                "unasked": [{"kind": kind, "packages": count} for kind, count in each.unasked],
            }
            for each in found
        ],
    }
