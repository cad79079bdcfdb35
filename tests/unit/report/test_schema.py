# SPDX-License-Identifier: MIT
"""The JSON Schema of a plan: what is printed is valid, and what is valid has nothing that the schema does not tell."""

from __future__ import annotations

import json
import typing
from pathlib import Path
from typing import Any

import pytest

from stackyard.model import canonical, reason
from stackyard.report.data import plan_data
from stackyard.report.schema import plan_schema
from tests import schemas
from tests.cases import each_of
from tests.unit.plan.made import BASE, known, plan, record, stack, suite, target

if typing.TYPE_CHECKING:
    from jsonschema.protocols import Validator

ROOT = Path(__file__).parents[3]
GOLDENS = sorted(ROOT.glob("tests/stacks/*/plan.json"))


def strict(schema: Any) -> Any:
    """The same schema, which takes no field and no kind of reason that it does not tell."""
    if isinstance(schema, list):
        return [strict(each) for each in schema if not (isinstance(each, dict) and "came later" in str(each))]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    return {"additionalProperties": False, **made} if isinstance(schema.get("properties"), dict) else made


@pytest.fixture(scope="module")
def validator() -> Validator:
    """A strict one."""
    return schemas.validator(strict(plan_schema()))


def test_it_is_a_schema() -> None:
    """By the standard's own."""
    schemas.assert_is_schema(plan_schema())


@pytest.mark.parametrize("path", GOLDENS, ids=lambda path: path.parent.name)
def test_golden_plans_are_valid(path: Path, validator: Validator) -> None:
    """Nothing is missing, nothing is there that is not told."""
    validator.validate(json.loads(path.read_text()))


def test_a_plan_with_work_of_many_kinds_is_valid(validator: Validator) -> None:
    """Versions, hidden arguments, a dirty tree's tags, waiting children, known durations."""
    up = target("up", bases=(BASE,), args={"API_TOKEN": "hush"}, suites=(suite(),))
    of = stack(up, target("lab/3.10", "up"), target("lab/3.9", "up"))
    then = target("up", text="FROM y", bases=(BASE,), suites=(suite(),))

    validator.validate(plan_data(plan(of, known(record(then), targets=(then,)))))


def sample(kind: type) -> Any:
    """A reason of a kind, every fact with some value of its type."""
    hints = typing.get_type_hints(kind)
    facts: dict[str, Any] = {}
    for name in kind.__struct_fields__:  # type: ignore[attr-defined]
        options = typing.get_args(hints[name])
        facts[name] = options[0] if options and isinstance(options[0], str) else "x"
    return kind(**facts)


@pytest.mark.parametrize("kind", typing.get_args(reason.Reason), ids=lambda kind: kind.__name__)
def test_every_kind_of_reason_is_told(kind: type, validator: Validator) -> None:
    """Its facts, and no others."""
    data = plan_data(plan(stack(target("up")), known()))
    data["steps"][0]["reasons"] = [canonical.builtins(sample(kind))]
    validator.validate(data)

    data["steps"][0]["reasons"][0]["more"] = 1
    assert not validator.is_valid(data)


@each_of(
    ("place", "value"),
    [
        (("format",), 2),
        (("steps", 0, "action"), "rebuild"),
        (("steps", 0, "tags"), [1]),
        (("steps", 0, "version"), 3.1),
        (("steps", 0, "reasons"), [{"kind": "file-changed"}]),
        (("stack", "dirty"), "no"),
    ],
)
def test_what_is_no_plan_is_invalid(place: tuple[Any, ...], value: Any) -> None:
    """Also to the schema as it is published."""
    data = plan_data(plan(stack(target("up")), known()))
    validator = schemas.validator(plan_schema())
    assert validator.is_valid(data)

    inner: Any = data
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    assert not validator.is_valid(data)


def test_what_comes_later_in_this_format_is_valid() -> None:
    """A field, or a kind of reason, that a reader does not know must not stop it."""
    data = plan_data(plan(stack(target("up")), known()))
    data["steps"][0]["more"] = data["more"] = 1
    data["steps"][0]["reasons"] = [{"kind": "moon-phase", "phase": "full"}]

    schemas.validator(plan_schema()).validate(data)
