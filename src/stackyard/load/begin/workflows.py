# SPDX-License-Identifier: MIT
"""GitHub workflows: what their docker/build-push-action steps build, with what, and where it goes.

In:   the file's bytes; OWNER/REPOSITORY, where it is known
Out:  Builds, and notes on what cannot be taken over
Raises: FileProblem for what is no YAML

Expressions are replaced where the files have the answer: `env`, `matrix`, the names of the repository,
the images of a docker/metadata-action step. What only a run knows (a commit, a secret) stays unknown.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from stackyard.load.begin.compose import UNKNOWN, context_of, kept_arguments, repository_of
from stackyard.load.yaml import Doc, read
from stackyard.model.proposal import Build

BUILD = "docker/build-push-action@"
MOST_JOBS = 256
"""GitHub makes no more of a matrix."""
ANYTHING = "*"
"""Key of a matrix that only a run knows."""
METADATA = "docker/metadata-action@"
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_OUTPUT = re.compile(r"\$\{\{\s*steps\.([\w-]+)\.outputs\.tags\s*\}\}")

Facts = Mapping[str, Any]


def read_workflow(data: bytes, path: str, repository: str | None) -> tuple[list[Build], list[str]]:
    """Builds of one file, each once per entry of its job's matrix."""
    notes: list[str] = []
    builds: list[Build] = []
    whole = plain(read(data, path))
    jobs = whole.get("jobs") if isinstance(whole, dict) else None
    for name, job in (jobs if isinstance(jobs, dict) else {}).items():
        steps = job.get("steps") if isinstance(job, dict) else None
        if not isinstance(steps, list) or not any(_uses(step).startswith(BUILD) for step in steps):
            continue
        facts = {"github": _repository_facts(repository), "env": _texts(whole.get("env")) | _texts(job.get("env"))}
        for entry in _matrix(job, f"{path}: job {name!r}", notes):
            builds += _job(steps, {**facts, "matrix": entry}, path, notes)
    return builds, list(dict.fromkeys(notes))


def plain(doc: Doc) -> Any:
    """A file as mappings, lists and texts."""
    if isinstance(doc.value, dict):
        return {key: plain(value) for key, value in doc.value.items()}
    if isinstance(doc.value, list):
        return [plain(value) for value in doc.value]
    return doc.value


def _job(steps: list[Any], facts: Facts, path: str, notes: list[str]) -> Iterator[Build]:
    """Builds of the steps of one job, for one entry of its matrix."""
    images: dict[str, list[str]] = {}
    for step in steps:
        uses, given = _uses(step), _texts(step.get("with") if isinstance(step, dict) else None)
        around = {**facts, "env": {**facts["env"], **_texts(step.get("env") if isinstance(step, dict) else None)}}
        if uses.startswith(METADATA):
            images[str(step.get("id"))] = _lines(_filled(given.get("images", ""), around))
        elif uses.startswith(BUILD):
            yield from _build(step, given, around, images, path, notes)


def _build(
    step: Mapping[str, Any], given: Mapping[str, str], facts: Facts, images: Facts, path: str, notes: list[str]
) -> Iterator[Build]:
    where = f"{path}: step {step.get('name') or step.get('id') or 'docker/build-push-action'!r}"
    text = _filled(given.get("context") or ".", facts)
    context = context_of(text.removeprefix("{{defaultContext}}").removeprefix(":") or ".", "")
    file = _filled(given.get("file") or posixpath.join(context or ".", "Dockerfile"), facts)
    dockerfile = context_of(file, "")
    if context is None or dockerfile is None:
        notes.append(f"{where} builds from what this file does not say: left out")
        return
    names = []
    for line in _lines(_OUTPUT.sub(lambda found: "\n".join(images.get(found[1], ())), given.get("tags", ""))):
        name = repository_of(re.sub(r"^name=|,.*$", "", _filled(line, facts)))
        if name is None:
            notes.append(f"{where}: {line!r} does not say where the image goes")
        elif name not in names:
            names.append(name)
    if len(names) > 1:
        notes.append(f"{where} pushes to {', '.join(names)}: the first is taken")
    pairs = [line.partition("=") for line in given.get("build-args", "").splitlines() if "=" in line]
    args = kept_arguments(((name.strip(), _filled(value, facts)) for name, _, value in pairs), where, notes)
    yield Build(
        source=path,
        name=names[0].rpartition("/")[2] if names else None,
        dockerfile=dockerfile,
        context=context,
        args=tuple(args),
        repositories=tuple(names),
        is_published=True,
        aliases=tuple(
            f"{name}={value.removeprefix('target:')}"
            for name, equals, value in (line.partition("=") for line in _lines(given.get("build-contexts", "")))
            if equals and value.startswith("target:")
        ),
        stage=_filled(given["target"], facts) if given.get("target") else None,
        platforms=tuple(_lines(_filled(given.get("platforms", ""), facts))),
    )


# Matrices.


def _matrix(job: Mapping[str, Any], where: str, notes: list[str]) -> list[Facts]:
    """Entries of a job's matrix, as GitHub combines them; one empty entry where there is none."""
    strategy = job.get("strategy")
    matrix = strategy.get("matrix") if isinstance(strategy, dict) else None
    if not isinstance(matrix, dict):
        if matrix is not None:
            notes.append(f"{where} has a matrix that only a run knows")
        return [{}] if matrix is None else [{ANYTHING: UNKNOWN}]
    axes = {key: value for key, value in matrix.items() if key not in ("include", "exclude")}
    for key in [key for key, value in axes.items() if not isinstance(value, list)]:
        notes.append(f"{where} has an axis {key!r} that only a run knows")
        axes[key] = [UNKNOWN]
    product = itertools.islice(itertools.product(*axes.values()), MOST_JOBS)
    first = [dict(zip(axes, values, strict=True)) for values in product] if axes else []
    first = [entry for entry in first if not any(_fits(entry, out) for out in _entries(matrix.get("exclude")))]
    added: list[dict[str, Any]] = []
    entries = [dict(entry) for entry in first]
    for extra in _entries(matrix.get("include")):
        own = {key: value for key, value in extra.items() if key in axes}
        hits = [place for place, entry in enumerate(first) if _fits(entry, own)]
        for place in hits:
            entries[place].update(extra)
        if not hits:
            added.append(dict(extra))
    return [*entries, *added] or [{}]


def _entries(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _fits(entry: Facts, wanted: Facts) -> bool:
    return all(entry.get(key) == value for key, value in wanted.items())


# Expressions.


def _repository_facts(repository: str | None) -> dict[str, Any]:
    if repository is None:
        return {"workspace": "."}
    owner, _, name = repository.partition("/")
    event = {"repository": {"name": name, "full_name": repository}}
    return {"workspace": ".", "repository": repository, "repository_owner": owner, "event": event}


def _filled(text: str, facts: Facts, depth: int = 5) -> str:
    """A text with its expressions replaced; the sign for what is not known, where a run would know."""
    return _EXPRESSION.sub(lambda found: _value(found[1], facts, depth), text) if depth else text


def _value(expression: str, facts: Facts, depth: int) -> str:
    if re.fullmatch(r"'[^']*'", expression):
        return expression[1:-1]
    value: Any = facts
    if expression.startswith("matrix.") and ANYTHING not in facts["matrix"]:
        value = {**facts, "matrix": {expression.split(".")[1]: "", **facts["matrix"]}}  # as GitHub does
    for part in expression.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return _filled(value, facts, depth - 1) if isinstance(value, str) else UNKNOWN


def _lines(text: str) -> list[str]:
    """Entries of a list input: by lines or commas, no comments."""
    parts = [part for line in text.splitlines() for part in (line.split(",") if "=" not in line else [line])]
    return [part.strip() for part in parts if part.strip() and not part.strip().startswith("#")]


def _uses(step: Any) -> str:
    uses = step.get("uses") if isinstance(step, dict) else None
    return uses if isinstance(uses, str) else ""


def _texts(value: Any) -> dict[str, str]:
    items = value.items() if isinstance(value, dict) else ()
    return {key: text for key, text in items if isinstance(text, str)}
