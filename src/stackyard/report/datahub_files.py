# SPDX-License-Identifier: MIT
"""A run as the files that the DataHub scripts leave: `artifacts/`, `logs/`, `manifests/`, in their names.

In:   Plan, RunSummary, the commit against the one before; the lines of a log
Out:  paths below a folder, and what is in each file
Pure. Reference: docs/reference/artifacts.md

Values in YAML are written as JSON writes them, which any YAML loader reads, a safe one too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from stackyard.model.datahub import OldChange
from stackyard.model.inventory import KIND_NAMES, Inventory
from stackyard.model.logs import build_log, push_log, suite_log
from stackyard.model.names import TargetName
from stackyard.model.outcome import BAD, Outcome, RunSummary
from stackyard.model.plan import Plan, Step
from stackyard.model.record import Inventoried, Tested
from stackyard.report.text import cleaned, size_text

FOLDERS = ("artifacts", "logs", "manifests")
RUN_LOG = "logs/run.log"
_FOLDED = 30
"""Longer outputs are folded in a manifest page."""

NOTHING_INSIDE: Mapping[TargetName, Inventory] = {}

Read = Callable[[str], Sequence[str]]
"""Gives the lines of a file of the run's folder; none where there is no such file."""


def datahub_files(
    plan: Plan,
    summary: RunSummary,
    change: OldChange,
    read: Read,
    inside: Mapping[TargetName, Inventory] = NOTHING_INSIDE,
) -> Iterator[tuple[str, str]]:
    """Path and text of every file; `logs/run.log` is written while the run goes on.

    Args:
        inside: what is kept of what is inside images.
    """
    names = {step.target: full_name(step) for step in plan.steps}
    for outcome in summary.outcomes:
        if outcome.jobs:
            name = names[outcome.target]
            yield f"artifacts/{_safe(name)}.yaml", _yaml(_result(outcome, name, plan.is_publishing, read))
            yield from ((f"logs/{path}", text) for path, text in _logs(outcome, name, read))
            inventory = inside.get(outcome.target)
            if outcome.inventory or inventory:
                yield f"manifests/{_wiki(name)}.md", _page(outcome.inventory, inventory)
    yield from ((f"artifacts/{path}", text) for path, text in _lists(plan, summary, change, names))


def full_name(step: Step) -> str:
    """Repository and tag as the scripts call an image: by its branch's tag, where it has one."""
    tags = (*step.moving_tags, *step.fixed_tags)
    return f"{step.repository}:{tags[0]}" if tags else str(step.repository)


def _safe(name: str) -> str:
    return name.replace("/", "-").replace(":", "-")


def _wiki(name: str) -> str:
    return _safe(name).replace("ghcr.io", "ghcr-io")


def _result(outcome: Outcome, name: str, is_publishing: bool, read: Read) -> dict[str, Any]:
    is_good = outcome.status not in (*BAD, "skipped")
    return {
        "success": is_good,
        "message": cleaned(outcome.failure or outcome.status),
        "full_image_name": name,
        "container_details": {
            "image_built": any(job.job == "build" for job in outcome.jobs)
            and (is_good or outcome.size_bytes is not None),
            "push_success": is_good and is_publishing,
            "push_log": "\n".join(map(cleaned, read(push_log(outcome.target)))),
        },
        "test_results": {
            "basic_tests": _sentence(outcome, "basic"),
            "integration_tests": _sentence(outcome, "integration"),
        },
    }


def _sentence(outcome: Outcome, suite: str) -> str:
    tested = next((tested for tested in outcome.tests if tested.suite == suite), None)
    return "not run" if tested is None else _counts(tested)


def _counts(tested: Tested) -> str:
    skipped = f", {tested.skipped} skipped" if tested.skipped else ""
    if tested.passed:
        return f"{tested.total - tested.skipped} passed{skipped}"
    return f"{tested.failed} of {tested.total} failed{skipped}: {'; '.join(map(cleaned, tested.failures))}"


def _yaml(values: dict[str, Any], indent: str = "") -> str:
    lines = []
    for key, value in values.items():
        if isinstance(value, dict):
            lines.append(f"{indent}{key}:\n{_yaml(value, indent + '  ')}")
        else:
            lines.append(f"{indent}{key}: {json.dumps(value, ensure_ascii=False)}\n")
    return "".join(lines)


def _logs(outcome: Outcome, name: str, read: Read) -> Iterator[tuple[str, str]]:
    suites = ((suite_log(outcome.target, kind), f"{kind}-tests") for kind in ("basic", "integration"))
    for file, kind in ((build_log(outcome.target), "build"), *suites):
        if lines := read(file):
            yield f"{_safe(name)}.{kind}.log", "".join(f"{line}\n" for line in lines)


def _page(outputs: Sequence[Inventoried], inventory: Inventory | None) -> str:
    """The table of layers, then a section for each command, then one for each kind of package."""
    parts = [_layers(inventory)] if inventory else []
    parts += [_section(entry) for entry in outputs]
    packages = inventory.packages if inventory else ()
    for kind in dict.fromkeys(each.kind for each in packages):
        lines = [f"{each.name}=={each.version}" for each in packages if each.kind == kind]
        parts.append(f"## {KIND_NAMES[kind]} packages\n\n{_fenced(lines)}")
    return "\n\n".join(parts) + "\n"


def _layers(inventory: Inventory) -> str:
    """Every layer, in their columns, but for how long it took and its tags, which nothing in an image says."""
    rows = ["| | createdAt | CMD | hSize | hcumSize |", "|---|---|---|---|---|"]
    so_far = 0
    for index, layer in enumerate(inventory.layers):
        so_far += layer.size_bytes
        told = cleaned(layer.instruction).replace("|", "&#124;").replace("`", "'")
        rows.append(
            f"| {index} | {layer.created} | `{told or ' '}` | {size_text(layer.size_bytes)} | {size_text(so_far)} |"
        )
    return "\n".join(rows)


def _section(entry: Inventoried) -> str:
    output = entry.output if entry.exit_code == 0 else "Failed to execute cmd"
    return f"## {cleaned(entry.description)}\n\n{_fenced(list(map(cleaned, output.splitlines())))}"


def _fenced(lines: Sequence[str]) -> str:
    """Lines as they are, folded where they are many."""
    fence = "```"
    while any(line.lstrip().startswith(fence) for line in lines):
        fence += "`"
    body = "\n".join([fence, *lines, fence])
    if len(lines) > _FOLDED:
        body = f"<details>\n<summary>Details</summary>\n\n{body}\n\n</details>"
    return body


def _lists(
    plan: Plan, summary: RunSummary, change: OldChange, names: dict[TargetName, str]
) -> Iterator[tuple[str, str]]:
    """One value a line: what their first generation left for the steps that came after."""
    done = [outcome for outcome in summary.outcomes if outcome.status not in (*BAD, "skipped")]
    tested = [outcome for outcome in summary.outcomes if any(_is_test(each) for each in outcome.tests)]
    failed = [outcome for outcome in tested if not all(each.passed for each in outcome.tests if _is_test(each))]
    rows: list[tuple[str, Sequence[object]]] = [
        ("IMAGES_CHANGED", [step.target for step in plan.steps if step.action == "build"]),
        ("IMAGES_BUILT", [names[outcome.target] for outcome in done if outcome.status == "built"]),
        ("IMAGES_PUSHED", [names[outcome.target] for outcome in done if plan.is_publishing and outcome.jobs]),
        ("IMAGES_TEST_PASSED", [names[outcome.target] for outcome in tested if outcome not in failed]),
        ("IMAGES_TEST_ERROR", [names[outcome.target] for outcome in failed]),
        ("IMAGES_UNTESTED_PUSHED", []),  # nothing is published before it passed
        ("GIT_HASH", [plan.revision.commit]),
        ("GIT_HASH_SHORT", [plan.revision.commit[:7]]),
        ("GIT_MESSAGE", change.message.splitlines()),
        ("GIT_CHANGED_FILES", change.paths),
        ("image-dependency.csv", ["image,dep", *(f"{image},{dep}" for image, dep in _dependencies(plan, names))]),
    ]
    for file, values in rows:
        yield file, "".join(f"{cleaned(str(value))}\n" for value in values)
    dependencies = [{"image": image, "dep": dep} for image, dep in _dependencies(plan, names)]
    yield "image-dependency.json", json.dumps(dependencies, indent=2) + "\n"


def _is_test(tested: Tested) -> bool:
    return tested.suite != "inventory"


def _dependencies(plan: Plan, names: dict[TargetName, str]) -> list[tuple[str, str]]:
    return [
        (names[step.target], names[parent.target])
        for step in plan.steps
        if step.action != "skip"
        for parent in step.parents
        if parent.target in names
    ]
