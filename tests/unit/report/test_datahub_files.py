# SPDX-License-Identifier: MIT
"""The files of the DataHub scripts: names as they make them, YAML that a safe loader reads, nothing that is not so."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

import msgspec
import yaml

from stackyard.model.datahub import OldChange
from stackyard.model.inventory import Inventory, Layer, Package
from stackyard.model.known import NOTHING_KNOWN
from stackyard.model.outcome import JobTime, Outcome
from stackyard.model.plan import Plan
from stackyard.model.record import Inventoried
from stackyard.model.reference import Platform
from stackyard.report.datahub_files import datahub_files
from tests.unit.plan.made import AT, COMMIT, plan, result, sha, stack, suite, target
from tests.unit.report.made import BUILT, FAILED, SKIPPED, run

STACK = stack(target("bad"), target("x"), target("child", "bad"))
CHANGE = OldChange("HEAD^", "b" * 40, COMMIT, "A title\n\nand more", ("images/x/Dockerfile",))
BUILD = (JobTime("build", 0.0, 2.0),)
GOOD = msgspec.structs.replace(BUILT, jobs=(*BUILD, JobTime("publish", 2.0, 1.0)))
BAD = msgspec.structs.replace(FAILED, jobs=(*BUILD, JobTime("test", 2.0, 1.0)), size_bytes=5)


def publishing(is_publishing: bool = True) -> Plan:
    """A plan of the three images."""
    return msgspec.structs.replace(plan(STACK, NOTHING_KNOWN), is_publishing=is_publishing)


def files(*outcomes: Outcome, of: Plan | None = None, **logs: Sequence[str]) -> dict[str, str]:
    """Every file by its path; `logs` by the target's name and kind."""
    return dict(
        datahub_files(
            of or publishing(),
            run(*outcomes),
            CHANGE,
            lambda name: logs.get(name.removesuffix(".log").replace(".", "_").replace("-", "_"), ()),
        )
    )


def test_each_image_has_a_result_that_a_safe_loader_reads() -> None:
    """Whatever characters a failure has in it."""
    odd = msgspec.structs.replace(BAD, failure='said "no": {x} # \u2028 \U0001f600 \x1b[31m\x00')
    found = files(GOOD, odd, SKIPPED, x_push=["pushed: sha256:1", "\x07done"])
    good = yaml.safe_load(found["artifacts/registry.example-lab-x-main.yaml"])
    bad = yaml.safe_load(found["artifacts/registry.example-lab-bad-main.yaml"])

    assert good == {
        "success": True,
        "message": "built",
        "full_image_name": "registry.example/lab/x:main",
        "container_details": {
            "image_built": True,
            "push_success": True,
            "push_log": "pushed: sha256:1\n\\x07done",
        },
        "test_results": {"basic_tests": "3 passed", "integration_tests": "not run"},
    }
    assert bad["message"] == 'said "no": {x} # \\u2028 \U0001f600 \\x00'
    assert (bad["success"], bad["container_details"]["image_built"]) == (False, True)
    assert bad["container_details"]["push_success"] is False
    assert bad["test_results"]["basic_tests"].startswith("1 of 3 failed")
    assert not [path for path in found if "child" in path]


def test_without_publishing_nothing_was_pushed() -> None:
    """Neither in the result nor in the list."""
    found = files(GOOD, of=publishing(False))

    assert (
        yaml.safe_load(found["artifacts/registry.example-lab-x-main.yaml"])["container_details"]["push_success"]
        is False
    )
    assert found["artifacts/IMAGES_PUSHED"] == ""


def test_logs_have_their_names() -> None:
    """The log of each kind, basic and integration tests apart; no file where there was no log."""
    found = files(GOOD, x_build=["[1/2] FROM", "[2/2] RUN"], x_basic_tests=["4 passed"])

    assert {path: text for path, text in found.items() if path.startswith("logs/")} == {
        "logs/registry.example-lab-x-main.build.log": "[1/2] FROM\n[2/2] RUN\n",
        "logs/registry.example-lab-x-main.basic-tests.log": "4 passed\n",
    }


def test_a_page_of_the_inventory() -> None:
    """A heading and a fence for each command; what is long is folded; what failed says so and shows nothing else."""
    entries = (
        Inventoried(AT, "A", "Version", 0, "1.0\n", 0.1),
        Inventoried(AT, "B", "Packages", 0, "```\n" * 31, 0.1),
        Inventoried(AT, "C", "CUDA", 1, "secret trace", 0.1),
    )
    page = files(msgspec.structs.replace(GOOD, inventory=entries))["manifests/registry.example-lab-x-main.md"]

    assert page.startswith(
        "## Version\n\n```\n1.0\n```\n\n## Packages\n\n<details>\n<summary>Details</summary>\n\n````\n"
    )
    assert page.endswith("</details>\n\n## CUDA\n\n```\nFailed to execute cmd\n```\n")


def test_names_on_the_wiki() -> None:
    """`ghcr.io` is `ghcr-io` there, and nowhere else."""
    entry = Inventoried(AT, "A", "Version", 0, "1.0\n", 0.1)
    lab = publishing()
    steps = tuple(
        msgspec.structs.replace(step, repository=type(step.repository)(f"ghcr.io/lab/{step.image}"))
        for step in lab.steps
    )
    found = files(msgspec.structs.replace(GOOD, inventory=(entry,)), of=msgspec.structs.replace(lab, steps=steps))

    assert "manifests/ghcr-io-lab-x-main.md" in found
    assert "artifacts/ghcr.io-lab-x-main.yaml" in found


def test_lists_of_the_first_generation() -> None:
    """One value a line; dependencies as table and as data."""
    tested = msgspec.structs.replace(GOOD, tests=(result(suite()),))
    found = files(tested, BAD, SKIPPED)
    lists = {path.removeprefix("artifacts/"): text for path, text in found.items() if "." not in path.split("/")[1]}
    rows = list(csv.DictReader(io.StringIO(found["artifacts/image-dependency.csv"])))

    assert lists == {
        "IMAGES_CHANGED": "bad\nx\nchild\n",
        "IMAGES_BUILT": "registry.example/lab/x:main\n",
        "IMAGES_PUSHED": "registry.example/lab/x:main\n",
        "IMAGES_TEST_PASSED": "registry.example/lab/x:main\n",
        "IMAGES_TEST_ERROR": "registry.example/lab/bad:main\n",
        "IMAGES_UNTESTED_PUSHED": "",
        "GIT_HASH": f"{COMMIT}\n",
        "GIT_HASH_SHORT": f"{COMMIT[:7]}\n",
        "GIT_MESSAGE": "A title\n\nand more\n",
        "GIT_CHANGED_FILES": "images/x/Dockerfile\n",
    }
    assert rows == [{"image": "registry.example/lab/child:main", "dep": "registry.example/lab/bad:main"}]
    assert json.loads(found["artifacts/image-dependency.json"]) == rows


def test_a_page_has_layers_and_packages_where_they_are_kept() -> None:
    """All layers, in the order and the columns of the wiki's pages; packages as data, whatever commands printed."""
    layers = (Layer(sha("1"), "debian.sh", 117_200_000), Layer(sha("2"), "RUN a | b", 1_000, "2026-11-20T10:39:31Z"))
    packages = tuple(Package("pypi", f"wheel-{number}", "1", "") for number in range(40))
    inside = {GOOD.target: Inventory(sha("3"), Platform("linux/amd64"), layers, packages)}
    found = dict(datahub_files(publishing(), run(GOOD), CHANGE, lambda _: (), inside))
    page = found["manifests/registry.example-lab-x-main.md"].splitlines()

    assert page[:4] == [
        "| | createdAt | CMD | hSize | hcumSize |",
        "|---|---|---|---|---|",
        "| 0 |  | `debian.sh` | 117.2 MB | 117.2 MB |",
        "| 1 | 2026-11-20T10:39:31Z | `RUN a &#124; b` | 1.0 kB | 117.2 MB |",
    ]
    assert page[5:9] == ["## Python packages", "", "<details>", "<summary>Details</summary>"]
    assert "wheel-39==1" in page
