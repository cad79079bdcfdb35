# SPDX-License-Identifier: MIT
"""Version matrices over fakes: one stamp for all, bases first, and last_updated.yaml only after the push."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackyard import verbs
from stackyard.errors import ConfigError, RegistryRefused
from stackyard.model.names import Tag
from stackyard.model.outcome import RunSummary
from stackyard.model.plan import Plan
from stackyard.model.reference import Platform, Repository
from stackyard.model.stack import GivenArgument
from stackyard.testing import FakeEngine, FixedClock, MemoryRegistry
from stackyard.verbs import Options, Yard
from tests.repositories import commit, init

ACCOUNT = "123456789012"
WHERE = "tools/docker/images"
BASE = """\
"3.11":
  docker_args:
    BASE_IMAGE: python:3.11-slim
"3.12":
  docker_args:
    BASE_IMAGE: python:3.12-slim
"""
APP = """\
"3.11":
  base_image: {name: base, source: aws}
"3.12":
  base_image: {name: base, source: aws}
  docker_args: {EXTRA: "1"}
"""
STAMPS = "# read by the pipeline\n'3.12': 2025-07-01T184545\n'3.11': 2025-07-01T184545  # old\n"


class Bench:
    """Two images of two versions each, deep in a repository."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.registry = MemoryRegistry()
        self.engine = FakeEngine(registry=self.registry)
        for version in ("3.11", "3.12"):
            self.engine.add(f"python:{version}-slim")
        self.clock = FixedClock()
        self.options = Options(platform=Platform("linux/amd64"), images=WHERE, account=ACCOUNT)
        for name, versions in (("base", BASE), ("app", APP)):
            self.write(f"{WHERE}/{name}/Dockerfile", 'ARG BASE_IMAGE\nFROM "${BASE_IMAGE}"\nCOPY note /\n')
            self.write(f"{WHERE}/{name}/note", name)
            self.write(f"{WHERE}/{name}/versions.yaml", versions)
        self.write(f"{WHERE}/base/last_updated.yaml", STAMPS)
        init(root)
        self.commit()

    def write(self, path: str, text: str) -> None:
        """Write one file of the stack."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self) -> None:
        """Commit everything."""
        commit(self.root)

    def yard(self) -> Yard:
        """The stack as it is now."""
        return verbs.load(
            self.root,
            self.options,
            self.clock,
            make_engine=lambda _: self.engine,
            make_registry=lambda _: self.registry,
        )

    def plan(self, *images: str, publish: bool = False) -> Plan:
        """A plan from the records."""
        return verbs.plan(self.yard(), images, publish)

    def build(self, *images: str, publish: bool = True) -> RunSummary:
        """Prepare and run, a minute later than before."""
        self.clock.advance(60)
        yard = self.yard()
        return verbs.run(yard, verbs.prepare(yard, images, publish))

    def stamps(self, image: str) -> str | None:
        """The text of an image's last_updated.yaml."""
        path = self.root / WHERE / image / "last_updated.yaml"
        return path.read_text() if path.exists() else None

    def at(self, image: str, tag: str) -> str | None:
        """Digest of a tag in the registry."""
        return self.registry.resolve(Repository(f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com/{image}"), Tag(tag))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Nothing built."""
    return Bench(tmp_path)


def statuses(summary: RunSummary) -> dict[str, str]:
    """Target -> status."""
    return {str(outcome.target): outcome.status for outcome in summary.outcomes}


def test_a_base_is_built_first_and_all_get_one_stamp(bench: Bench) -> None:
    """Four targets, bases before what is built on them, every one named by its version and the run's stamp."""
    summary = bench.build()

    assert summary.is_good
    assert statuses(summary) == dict.fromkeys(["base/3.11", "base/3.12", "app/3.11", "app/3.12"], "built")
    for image in ("base", "app"):
        for version in ("3.11", "3.12"):
            assert bench.at(image, f"py{version}-2026-01-01T000100")


def test_the_file_is_written_after_the_push_and_only_its_stamps_change(bench: Bench) -> None:
    """Order, quotes and comments stay; a file that was not there is made."""
    summary = bench.build()

    assert bench.stamps("base") == STAMPS.replace("2025-07-01T184545", "2026-01-01T000100")
    assert bench.stamps("app") == "'3.11': 2026-01-01T000100\n'3.12': 2026-01-01T000100\n"
    assert sorted(summary.remarks) == [f"{WHERE}/{name}/last_updated.yaml is written" for name in ("app", "base")]


def test_nothing_built_leaves_the_file_as_it_is(bench: Bench) -> None:
    """A second run has nothing to do, though the files it wrote lie in the build contexts."""
    bench.build()
    before = bench.stamps("base")
    again = bench.build()

    assert set(statuses(again).values()) == {"reused"}
    assert bench.stamps("base") == before
    assert again.remarks == ()
    assert not bench.plan(publish=True).has_work


def test_one_version_built_gives_all_its_siblings_the_stamp(bench: Bench) -> None:
    """The unchanged version gets a tag; the file holds one stamp; another image is left alone."""
    bench.build()
    app = bench.stamps("app")
    bench.write(f"{WHERE}/app/versions.yaml", APP.replace('"1"', '"2"'))
    bench.write(f"{WHERE}/app/Dockerfile", 'ARG BASE_IMAGE\nFROM "${BASE_IMAGE}"\nARG EXTRA\nCOPY note /\n')
    bench.build()
    bench.write(f"{WHERE}/app/versions.yaml", APP.replace('"1"', '"3"'))
    third = bench.build()

    assert statuses(third) == {"base/3.11": "reused", "base/3.12": "reused", "app/3.11": "tagged", "app/3.12": "built"}
    assert app != bench.stamps("app") == "'3.11': 2026-01-01T000300\n'3.12': 2026-01-01T000300\n"
    assert bench.at("app", "py3.11-2026-01-01T000300")
    assert bench.stamps("base") == STAMPS.replace("2025-07-01T184545", "2026-01-01T000100")


def test_without_a_push_the_file_is_left_alone(bench: Bench) -> None:
    """The summary says so, and the run is good; the push that follows writes it."""
    built = bench.build(publish=False)

    assert built.is_good
    assert not built.notes
    assert bench.stamps("base") == STAMPS
    assert any("base/last_updated.yaml is left as it is: nothing was pushed" in remark for remark in built.remarks)
    pushed = bench.build()
    assert set(statuses(pushed).values()) == {"pushed"}
    assert bench.stamps("app") == "'3.11': 2026-01-01T000200\n'3.12': 2026-01-01T000200\n"


def test_without_a_registry_tags_of_the_engine_are_what_it_holds(bench: Bench) -> None:
    """No account and nothing about ECR: there is nowhere to push to, so a build completes the matrix."""
    bench.options = Options(platform=Platform("linux/amd64"), images=WHERE)
    bench.build(publish=False)

    assert bench.stamps("base") == STAMPS.replace("2025-07-01T184545", "2026-01-01T000100")
    assert "ACCOUNT.dkr.ecr.us-west-2.amazonaws.com/base:py3.12-2026-01-01T000100" in bench.engine.names()


def test_half_a_matrix_is_no_matrix(bench: Bench) -> None:
    """One version alone, or one that fails, leaves the file as it was; the next whole run writes it."""
    alone = bench.build("base/3.12")
    assert bench.stamps("base") == STAMPS
    assert alone.remarks == (f"{WHERE}/base/last_updated.yaml is left as it is: base/3.11 is not part of this run",)

    bench.engine.failing[f"{ACCOUNT}.dkr.ecr.us-west-2.amazonaws.com/app"] = "RUN false: exit code 1"
    failed = bench.build()
    assert not failed.is_good
    assert bench.stamps("app") is None
    assert bench.stamps("base") == STAMPS.replace("2025-07-01T184545", "2026-01-01T000200")


def test_a_refused_push_writes_nothing(bench: Bench) -> None:
    """The registry says no: the run fails, and the file still names images that exist."""
    refused = RegistryRefused("the registry said no", status=403)
    bench.registry.fail_on(lambda request: request.verb == "put" and request.tag == "py3.12-2026-01-01T000100", refused)
    summary = bench.build("base")

    assert not summary.is_good
    assert bench.stamps("base") == STAMPS
    assert summary.remarks == (f"{WHERE}/base/last_updated.yaml is left as it is: base/3.12 failed",)


def test_a_push_without_an_account_is_refused(bench: Bench) -> None:
    """A plan needs none; a push says what is missing before anything is built."""
    bench.options = Options(platform=Platform("linux/amd64"), images=WHERE)
    step = bench.plan(publish=True).step(bench.yard().stack.targets[0].name)

    assert step.repository == "ACCOUNT.dkr.ecr.us-west-2.amazonaws.com/app"
    with pytest.raises(ConfigError, match="no AWS account is known"):
        bench.build()
    assert bench.engine.calls == []


def test_account_stamp_and_undeclared_arguments_rebuild_nothing(bench: Bench) -> None:
    """They name things; what is in the images stays the same."""
    bench.build(publish=False)
    bench.options = Options(
        platform=Platform("linux/amd64"),
        images=WHERE,
        account="210987654321",
        region="eu-west-1",
        stamp="later",
        build_args=(GivenArgument(None, "DAGSTER_VERSION", "1!0+dev"),),
    )
    plan = bench.plan()

    assert not [step for step in plan.steps if step.action in ("build", "decide-later")]
    assert plan.steps[-1].build_args[-1] == ("DAGSTER_VERSION", "1!0+dev")


def test_a_fix_takes_out_stamps_of_versions_that_are_gone(bench: Bench) -> None:
    """The other lines stay as they are, and a second fix finds nothing."""
    bench.write(f"{WHERE}/base/last_updated.yaml", f"'3.8': 2021-03-05T042001  # gone\n{STAMPS}")
    yard = bench.yard()
    fixed = verbs.fix(yard, verbs.check(yard))

    assert [str(one) for one in fixed] == [f"{WHERE}/base/last_updated.yaml:1: took out the stamp of '3.8'"]
    assert bench.stamps("base") == STAMPS
    assert verbs.fix(bench.yard(), verbs.check(bench.yard())) == []
