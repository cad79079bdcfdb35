# SPDX-License-Identifier: MIT
"""`max_age` over fakes: what a run builds because of it, on which bases, and out of which cache."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from stackyard import verbs
from stackyard.edges.engine import BuildRequest
from stackyard.errors import RegistryUnreachable
from stackyard.model.plan import Plan
from stackyard.model.reason import Forced
from stackyard.verbs.bases import bases
from tests.unit.run.test_once import both
from tests.unit.verbs.upstream import SPEC, Upstream

DAY_S = 86400
DEBIAN, ALPINE = "docker.io/library/debian:12", "docker.io/library/alpine:3"


class Aging(Upstream):
    """As Upstream, with an age for `tools`; remembers which builds used the cache."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.write("images/spec.yml", SPEC.replace("tools:", "tools: {max_age: 30d}"))
        self.commit()
        self.cached: dict[str, bool] = {}
        self.engine.before_build = self._remember

    def _remember(self, request: BuildRequest) -> None:
        self.cached[str(request.tag.repository).rpartition("/")[2]] = request.use_cache

    def wait(self, days: float) -> None:
        """Let days pass, and forget what was built before."""
        self.clock.advance(days * DAY_S)
        self.cached.clear()


@pytest.fixture
def aging(tmp_path: Path) -> Aging:
    """A stack of which one image may not become old, all built."""
    made = Aging(tmp_path)
    made.build()
    return made


def test_nothing_happens_before_its_time(aging: Aging) -> None:
    """Within the age, a build does nothing and asks no registry about bases."""
    aging.wait(29)
    asked = len(aging.registry.requests)

    assert set(aging.statuses(aging.build()).values()) == {"reused"}
    assert len(aging.registry.requests) == asked


def test_what_is_too_old_is_built_without_the_cache(aging: Aging) -> None:
    """apt and pip move while no digest does; the engine's cache would give the old layer again. The others rest."""
    aging.wait(31)
    plan = verbs.plan(aging.yard())
    summary = aging.build()

    assert {str(step.target): step.action for step in plan.steps if step.action == "build"} == {"tools": "build"}
    assert aging.cached == {"tools": False}
    assert aging.statuses(summary)["base"] == "reused"
    assert set(aging.statuses(aging.build()).values()) == {"reused"}


def test_two_runs_at_once_build_it_once(aging: Aging) -> None:
    """The second takes what the first made without the cache; what came out of a cache meanwhile is no answer."""
    aging.wait(31)
    made: list[str] = []
    aging.engine.before_build = lambda request: made.append(str(request.tag.repository))
    one, other = both(aging)
    aging.wait(31)
    plan = verbs.prepare(late := aging.yard())
    from_cache = verbs.run(early := aging.yard(), cached(verbs.prepare(early)))
    summary = verbs.run(late, plan)

    assert one.is_good
    assert other.is_good
    assert sorted((aging.statuses(one)["tools"], aging.statuses(other)["tools"])) == ["built", "reused"]
    assert (aging.statuses(from_cache)["tools"], aging.statuses(summary)["tools"]) == ("built", "built")
    assert [name.rpartition("/")[2] for name in made] == ["tools"] * 3


def cached(plan: Plan) -> Plan:
    """The same builds, for another reason than their age: the cache is good for them."""
    steps = (
        msgspec.structs.replace(step, reasons=(Forced("by hand"),)) if step.action == "build" else step
        for step in plan.steps
    )
    return msgspec.structs.replace(plan, steps=tuple(steps))


def test_its_bases_are_accepted_as_they_are_now(aging: Aging) -> None:
    """Those of what is too old, and so of everything that stands on the same; other bases rest."""
    aging.write(
        "images/spec.yml", (aging.root / "images/spec.yml").read_text().replace("right: {depend_on: base}", "right:")
    )
    aging.write("images/right/Dockerfile", "FROM busybox:1\n")
    aging.publish("busybox:1", "first")
    aging.build()
    aging.publish("busybox:1", "second")
    now = aging.publish("debian:12", "second")
    aging.wait(31)

    summary = aging.build()
    states = {str(base.of.reference): base.state for base in bases(aging.yard())}

    assert aging.yard().records.known().accepted[DEBIAN] == now
    assert aging.yard().records.acceptances()[0].by == "max_age"
    assert states == {
        "debian:12": "current",
        "busybox:1": "moved",
        "alpine:3": "current",
        "docker/dockerfile:1": "current",
    }
    assert aging.statuses(summary) == {"base": "built", "left": "built", "right": "reused", "tools": "built"}
    assert aging.cached == {"base": True, "left": True, "tools": False}


def test_a_registry_that_is_away_keeps_no_image_old(aging: Aging) -> None:
    """It is built afresh on the accepted base, and the plan says that nobody could tell where that is."""
    away = RegistryUnreachable("cannot reach registry docker.io: no answer", address="docker.io")
    aging.wait(31)
    aging.registry.fail_on(lambda request: request.repository.path == "library/alpine", away)
    plan = verbs.prepare(aging.yard())

    assert [(finding.code, finding.path, finding.line) for finding in plan.findings] == [
        ("base-not-checked", "images/tools/Dockerfile", 3)
    ]
    assert "alpine:3 stays as accepted: cannot reach registry" in plan.findings[0].sentence
    assert aging.statuses(aging.build())["tools"] == "built"


def test_an_edit_does_not_make_it_young(aging: Aging) -> None:
    """A build that may take old layers out of the cache counts from when these were made."""
    aging.wait(20)
    aging.write("images/tools/note", "edited")
    aging.build()
    assert aging.cached == {"tools": True}
    aging.wait(11)

    assert aging.statuses(aging.build())["tools"] == "built"
    assert aging.cached == {"tools": False}
    aging.wait(20)
    assert aging.statuses(aging.build())["tools"] == "reused"


def test_a_rebuild_that_comes_out_equal_is_young_again(aging: Aging) -> None:
    """Nothing had moved: the known image stays, and is not built again until it is old again."""
    aging.wait(31)
    aging.build()
    aging.wait(1)

    assert set(aging.statuses(aging.build()).values()) == {"reused"}


def test_push_publishes_what_is_old(aging: Aging) -> None:
    """It builds nothing, so age is none of its business."""
    aging.wait(31)
    plan = verbs.prepare(aging.yard(), publish=True, renew=False)

    assert "build" not in {step.action for step in plan.steps}


def test_the_stack_has_an_age_and_an_image_its_own(tmp_path: Path) -> None:
    """`never` takes an image out."""
    stack = Upstream(tmp_path)
    stack.write("images/spec.yml", "max_age: 2w\n" + SPEC.replace("base:\n", "base: {max_age: never}\n"))
    stack.build()
    stack.clock.advance(15 * DAY_S)

    plan = verbs.plan(stack.yard())
    summary = stack.build()

    assert {str(step.target) for step in plan.steps if step.action == "build"} == {"left", "right", "tools"}
    assert stack.statuses(summary) == {"base": "reused", "left": "built", "right": "built", "tools": "built"}


@pytest.mark.parametrize(
    ("spec", "where"),
    [("max_age: 30\n" + SPEC, "images/spec.yml:1:10"), (SPEC.replace("tools:", "tools: {max_age: 1 month}"), ":7:20")],
)
def test_a_wrong_age_is_a_finding(tmp_path: Path, spec: str, where: str) -> None:
    """File, line, column, and how it is written."""
    stack = Upstream(tmp_path)
    stack.write("images/spec.yml", spec)

    (finding,) = [each for each in verbs.check(stack.yard()) if each.code == "wrong-value"]

    assert where in str(finding)
    assert "is not a valid age" in finding.sentence
    assert "30d" in str(finding.hint)


def test_a_whole_chain_that_is_too_old_is_made_afresh_once(aging: Aging) -> None:
    """Parents first, no image twice, none out of the cache; and the next run does nothing."""
    aging.write("images/spec.yml", "max_age: 30d\n" + SPEC)
    aging.wait(31)
    before = len(aging.builds())

    first = aging.build()

    assert set(aging.statuses(first).values()) == {"built"}
    assert aging.builds()[before] in ("base", "tools")
    assert sorted(aging.builds()[before:]) == ["base", "left", "right", "tools"]
    assert set(aging.cached.values()) == {False}
    assert set(aging.statuses(aging.build()).values()) == {"reused"}
