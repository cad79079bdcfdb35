# SPDX-License-Identifier: MIT
"""The JSON Schema of spec.yml takes what the reader takes, and complains where the reader does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

import pytest

from stackyard.errors import FileProblem
from stackyard.load.spec import schema
from stackyard.load.spec.kinds import known
from stackyard.load.spec.read import read_spec
from stackyard.load.yaml import Doc, read
from tests import schemas

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

ROOT = Path(__file__).parents[4]
SAMPLES = ROOT.parent / "shared" / "data" / "datahub-specs"


@pytest.fixture(scope="module")
def validator() -> Validator:
    """A validator of another's making."""
    return schemas.validator(schema.json_schema())


def plain(doc: Doc) -> Any:
    """What an editor sees of a file: mappings, lists, texts, numbers and booleans."""
    if isinstance(doc.value, dict):
        return {key: plain(value) for key, value in doc.value.items()}
    if isinstance(doc.value, list):
        return [plain(value) for value in doc.value]
    if doc.value is None or doc.tag == "null":
        return None
    if doc.tag == "bool":
        return doc.value.lower() in ("true", "yes", "on")
    if doc.tag == "int" and doc.value.isdecimal() and len(doc.value) < 10:
        return int(doc.value)  # `retries` has bounds
    return 1.5 if doc.tag in ("int", "float") else doc.value


def constants(code: CodeType) -> Iterator[str]:
    """The texts of a module, wherever in it."""
    todo: list[object] = [code]
    while todo:
        match todo.pop():
            case str() as text:
                yield text
            case tuple() as several:
                todo.extend(several)
            case CodeType() as inner:
                todo.extend(inner.co_consts)


def texts() -> Iterator[str]:
    """Whole specs that the project's own tests are written with."""
    for path in sorted((ROOT / "tests" / "unit" / "load").rglob("*.py")):
        yield from (text for text in constants(compile(path.read_bytes(), path, "exec")) if "images:" in text)
    for path in sorted([*ROOT.glob("tests/stacks/*/images/spec.yml"), *ROOT.glob("examples/*/images/spec.yml")]):
        yield path.read_text(encoding="utf-8")


def agree(validator: Validator, data: bytes) -> bool:
    """Whether the reader takes the file; the schema then complains of nothing but keys that nothing reads."""
    try:
        _, findings = read_spec(data, "spec.yml", needs_images=False)
    except FileProblem:
        return False
    if any(finding.level == "error" for finding in findings):
        return False
    complaints = list(validator.iter_errors(plain(read(data, "spec.yml"))))
    unread = {finding.sentence for finding in findings if finding.code == "unknown-key"}
    assert all(error.validator == "additionalProperties" for error in complaints), complaints[0].message
    assert bool(complaints) == bool(unread)
    return True


def test_it_is_a_schema() -> None:
    """By the standard's own."""
    schemas.assert_is_schema(schema.json_schema())


def test_what_the_tests_are_written_with_is_valid(validator: Validator) -> None:
    """Every spec in the project's tests and examples that loads without an error."""
    taken = [agree(validator, text.encode("utf-8", "surrogateescape")) for text in texts()]
    assert sum(taken) >= 25


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real spec files are not beside this checkout")
def test_real_files_are_valid(validator: Validator) -> None:
    """Every file of the convention's history that loads without an error."""
    taken = [agree(validator, path.read_bytes()) for path in sorted(SAMPLES.glob("*.y*ml"))]
    assert sum(taken) > 20


@pytest.mark.parametrize(
    "text",
    [
        "images: [base]",
        "images: {base: {integration_tests: perhaps}}",
        "images: {base: {build_args: {A: [1]}}}",
        "images: {base: {build_args: {A: }}}",
        "images: {base: {depend_on: {lab: }}}",
        "images: {base: {dockerfile: }}",
        "images: {base: }\nregistry:",
        "images: {base: }\nregistry: [ghcr.io]",
        "images: {base: }\ntag: 2026.3",
        "images: {base: }\nplans: {one: 1}",
        "images: {base: }\nplans: [one]",
        "images: {base: }\nall_info_cmds: {PIP: {description: packages}}",
        "images: {base: }\ngroups: [base]",
        "images: {base: {skip: [because]}}",
    ],
)
def test_what_the_reader_refuses_is_invalid(text: str, validator: Validator) -> None:
    """A wrong type is an error to both."""
    try:
        _, findings = read_spec(text.encode(), "spec.yml")
        assert any(finding.level == "error" for finding in findings)
    except FileProblem:
        pass
    assert not validator.is_valid(plain(read(text.encode(), "spec.yml")))


def test_a_key_that_nothing_reads_is_seen_in_an_editor(validator: Validator) -> None:
    """With its name; a key of one's own is fine everywhere."""
    (error,) = validator.iter_errors({"images": {"base": {"imge_name": "x", "x-note": 1}}, "x-mine": []})
    assert "imge_name" in error.message


def test_every_key_has_its_meaning_and_its_default() -> None:
    """One line each, and no key twice in a table."""
    for keys in schema.SECTIONS.values():
        names = known(keys)
        assert len(names) == len(set(names))
        for key in keys:
            assert key.meaning
            assert key.default
            assert "\n" not in key.meaning
