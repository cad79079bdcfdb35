# SPDX-License-Identifier: MIT
"""Write what is made from the code: cli.md, json.md, the keys and schema of spec.yml, the example's first plan.

In:   the commands of stackyard.cli; values of stackyard.model, put through stackyard.report; examples/campus
Out:  docs/reference/cli.md, json.md, spec.schema.json, plan.schema.json, events.schema.json, the tables of keys in
      spec.md; in README.md and the tutorial the block after `$ stackyard plan`.
      With --check nothing is written, and the exit code is 1 if a page is not what the code says
May touch: a temporary git repository
Beside: tests/test_docs.py, which runs the check
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import inspect
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import typing
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import msgspec

from stackyard.check.capabilities import diagnose
from stackyard.cli import GROUPS, run, stackyard
from stackyard.errors import FindingsProblem
from stackyard.load.spec import schema
from stackyard.model import adopt, bases, surroundings
from stackyard.model import inventory as inventories
from stackyard.model import outcome as outcomes
from stackyard.model import plan as plans
from stackyard.model import reason as reasons
from stackyard.model.accepted import Acceptance
from stackyard.model.adopt import Adoptable, AdoptedBase, AdoptedParent, Adoption
from stackyard.model.bases import Base, BaseOfStack, Place
from stackyard.model.contents import ChangedEntry, ContentsChange
from stackyard.model.datahub import OldChange, OldImage, OldPlan, OldSpec, OldTrack, OldWorld
from stackyard.model.details import Details, Reading, Suite
from stackyard.model.difference import (
    FileChange,
    ImageDifference,
    InsideDifference,
    Measure,
    PackageChange,
    SettingChange,
    SuiteChange,
)
from stackyard.model.elsewhere import Copying, CopyOf, Travelled
from stackyard.model.gates import GateState, Waiting
from stackyard.model.holding import Holding, Wanted
from stackyard.model.inputs import BlobId, Entry, Inputs, Places
from stackyard.model.inside import Ancestor, Inside, Subject
from stackyard.model.lock import LockTarget, LockTime
from stackyard.model.locking import (
    Imported,
    LockChange,
    LockDiff,
    LockOutcome,
    LockPlan,
    LockStep,
    LockSummary,
    SetPlan,
    Stamped,
    Verified,
)
from stackyard.model.logs import Log
from stackyard.model.moves import Difference, MoveSet, TagMove
from stackyard.model.names import Digest, ImageName, Tag, TargetName, VersionName
from stackyard.model.noted import Noted, NotedImage
from stackyard.model.outcome import JobTime, Outcome, Pace, PathJob, Published, RunSummary
from stackyard.model.outdated import Freshness, Outdated
from stackyard.model.places import OtherRegistry
from stackyard.model.plan import Note, Plan, PlannedBase, PlannedDownload, PlannedParent, Step
from stackyard.model.preview import Preview
from stackyard.model.progress import JobEnded, JobStarted, JobStep, TagsMoved, TargetEnded
from stackyard.model.reason import FileChanged, ParentChanged
from stackyard.model.record import Built, Record, Reported, TestCase, Tested
from stackyard.model.reference import LocalImage, Platform, PublishedImage, Reference, Repository
from stackyard.model.release import Member, Release, ReleaseName
from stackyard.model.retention import Going, Image, Kept, Pruning
from stackyard.model.sbom import Attached, Signed
from stackyard.model.shown import Child, Shown, ShownImage, Whereabouts
from stackyard.model.spot import Spot
from stackyard.model.stack import Command, Finding, Retention, Revision
from stackyard.model.surroundings import Diagnosis, FoundEngine, FoundRegistry, Surroundings, WantedPlatform
from stackyard.model.why import Argument, Build, Link, MadeFrom, Why
from stackyard.plan.beside import beside
from stackyard.plan.like_datahub import like_datahub
from stackyard.report import lock as lock_data
from stackyard.report import schema as plan_schema
from stackyard.report.adopt import adoption_data
from stackyard.report.bases import accepted_data, bases_data
from stackyard.report.copying import copying_data
from stackyard.report.data import FORMAT, error_data, findings_data, history_data, moves_data, plan_data, run_data
from stackyard.report.difference import difference_data, holdings_data, outdated_data
from stackyard.report.doctor import doctor_data
from stackyard.report.events import event_data
from stackyard.report.gates import noted_data
from stackyard.report.graph import Drawing, Node, graph_data
from stackyard.report.inventory import attached_data, inside_data, signed_data
from stackyard.report.like_datahub import like_data
from stackyard.report.logs import logs_data
from stackyard.report.preview import preview_data
from stackyard.report.releases import releases_data
from stackyard.report.retention import pruning_data
from stackyard.report.shown import shown_data, where_data
from stackyard.report.status import status_data
from stackyard.report.why import inputs_data, why_data
from stackyard.run.log import Head, Line
from stackyard.verbs.locks import message_of

ROOT = Path(__file__).parents[1]
MADE = "<!-- Made by docs/generate.py from the code; edit that. -->\n"


# The command line.


def cli_page() -> str:
    """Every command with its arguments and options, in the order and groups of --help."""
    root = click.Context(stackyard, info_name="stackyard")
    parts = [
        MADE,
        "# The command line\n",
        "What each command reads, prints and means is here; what a run does is in "
        "[how a run works](../explanation/how-a-run-works.md).\n"
        "Exit codes are on [a page of their own](exit-codes.md), and so are [JSON](json.md) and the "
        "[environment](environment.md).\n",
        "## stackyard\n",
        "```text\nstackyard [OPTIONS] COMMAND ...\n```\n",
        sentences(stackyard.help or ""),
        options_table(stackyard, root),
        "`-C` and `--debug` may stand after the command, too.\n",
    ]
    for title, names in GROUPS.items():
        parts.append(f"## {title}\n")
        for name in names:
            command = stackyard.get_command(root, name)
            assert command is not None
            parts.append(command_text(name, command, click.Context(command, info_name=name, parent=root)))
    return "\n".join(parts)


def command_text(name: str, command: click.Command, context: click.Context) -> str:
    """One command."""
    arguments = [words_of(p) for p in command.params if isinstance(p, click.Argument)]
    required = [f"{p.opts[0]} {words_of(p)}" for p in command.params if isinstance(p, click.Option) and p.required]
    usage = " ".join(["stackyard", name, *required, "[OPTIONS]", *arguments])
    parts = [f"### stackyard {name}\n", f"```text\n{usage}\n```\n", sentences(command.help or "")]
    parts.append(options_table(command, context))
    examples = [line.strip() for line in (command.epilog or "").splitlines() if line.startswith("  ")]
    if examples:
        parts.append("\n".join(["```sh", *examples, "```\n"]))
    return "\n".join(part for part in parts if part)


def options_table(command: click.Command, context: click.Context) -> str:
    """The options of a command; those of every command stand with `stackyard` itself."""
    everywhere = set() if command is stackyard else {option for p in stackyard.params for option in p.opts} - {"--json"}
    rows = ["| option | meaning |", "| --- | --- |"]
    for param in command.get_params(context):
        if isinstance(param, click.Option) and not param.hidden and not ({"--help", *everywhere} & set(param.opts)):
            names = ", ".join(f"`{option}`" for option in param.opts)
            value = "" if param.is_flag else f" `{words_of(param)}`"
            default = f" Default: {param.default}." if param.show_default else ""
            needed = " Required." if param.required else ""
            rows.append(f"| {names}{value} | {param.help}{needed}{default} |".replace("IMAGE|all", "IMAGE\\|all"))
    return "\n".join(rows) + "\n" if len(rows) > 2 else ""


def words_of(param: click.Parameter) -> str:
    """What stands for the value of a parameter."""
    if param.metavar:
        return param.metavar
    if isinstance(param.type, click.Choice):
        return "{" + ",".join(str(choice) for choice in param.type.choices) + "}"
    return "N" if isinstance(param.type, click.IntRange) else param.type.name.upper()


def sentences(text: str) -> str:
    """Paragraphs of a help text, one sentence a line."""
    paragraphs = [" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n")]
    return "\n\n".join(part.replace(". ", ".\n") for part in paragraphs) + "\n"


# The JSON.

_ADDRESS = "https://example.org/course.tar.gz"
_BASE, _CHILD = TargetName("base-notebook"), TargetName("ml-notebook")


def _repository(name: str) -> Repository:
    return Repository(f"ghcr.io/campus/{name}")


def _digest(digit: str) -> Digest:
    return Digest(f"sha256:{digit * 64}")


def sample_plan() -> Plan:
    """A plan in which every field says something."""
    finding = Finding(
        "unknown-key",
        "warning",
        "image 'ml-notebook' has a key 'integation_tests' that nothing reads",
        "images/spec.yml",
        21,
        5,
        "did you mean 'integration_tests'?",
        "integation_tests",
        "integration_tests",
    )
    inputs = Inputs(BlobId.of(b""), ())
    step = Step(
        target=_CHILD,
        image=ImageName("ml-notebook"),
        version=None,
        action="build",
        repository=_repository("ml-notebook"),
        fixed_tags=(Tag("2026.3-1f0c9a2"),),
        moving_tags=(Tag("2026.3-main"),),
        build_args=(("BASE_TAG", "2026.3-main"),),
        context="images/ml-notebook",
        parents=(PlannedParent(_BASE, "campus/base-notebook:2026.3-main"),),
        bases=(PlannedBase(Reference.parse("alpine:3"), _digest("6")),),
        downloads=(PlannedDownload(_ADDRESS, _digest("7")),),
        reasons=(FileChanged("images/ml-notebook/requirements.txt", "changed"),),
        sources={_CHILD: _digest("1")},
        build=_digest("2"),
        record=None,
        reading=Reading.of(Details(inputs, (Suite("basic", ("images/ml-notebook/test",), _digest("9")),))),
        commands=(Command("PY_LIBS", "Python packages", "pip list"),),
        expected_s=29.4,
        platforms=(Platform("linux/amd64"),),
    )
    note = Note("not-publishing", "--push publishes nothing: branch main is not among `publish.branches` (release/*)")
    return Plan("campus", Revision("1f0c9a2" + "0" * 33, "main", False), (step,), False, True, (), (finding,), (note,))


def sample_diagnosis() -> Diagnosis:
    """A machine with an engine, in a stack that is published where nobody is logged in."""
    found = FoundEngine(
        "docker",
        address="unix:///var/run/docker.sock",
        named_by="the default",
        client="28.2.2",
        version="28.2.2",
        buildx="0.24.0",
        store="containerd",
        platform=Platform("linux/amd64"),
        platforms=(Platform("linux/amd64"),),
        folder="/var/lib/docker",
        free_bytes=82_000_000_000,
    )
    registry = FoundRegistry("ghcr.io", True, "no login")
    return diagnose(
        Surroundings(
            stackyard="0.1.0",
            python="3.12.3",
            system=Platform("linux/amd64"),
            git="2.43.0",
            pytest="9.2.0",
            podman="",
            podman_socket="",
            engines=(found,),
            registries=(registry,),
            wanted=(WantedPlatform(Platform("linux/arm64")),),
            stack="campus",
        )
    )


def sample_like() -> OldPlan:
    """A comparison with something of everything: a rename, an image that is built for no reason."""
    images = (
        OldImage("base-notebook", "ghcr.io/ucsd-ets/base-notebook"),
        OldImage("ml-notebook", "ghcr.io/ucsd-ets/ml-notebook", "base-notebook", (("CUDA", "12.6"),)),
    )
    spec = OldSpec("tag", images, (OldTrack(None, "2026.3"),), "base-notebook")
    paths, hidden = ("images/ml-notebook/README.md",), ("images/base-notebook/README.md",)
    change = OldChange("HEAD^", "b" * 40, "1f0c9a2" + "0" * 33, "", paths, hidden)
    old = like_datahub(spec, change, OldWorld("emergency-fix"))
    return beside(old, sample_plan())


def sample_bases() -> list[Base]:
    """A base of which every field says something."""
    debian = BaseOfStack(Reference.parse("debian:12"), (Place("from", "images/base-notebook/Dockerfile", 2),), (_BASE,))
    first = Acceptance(debian.canonical, _digest("6"), "2026-11-01T08:00:00Z")
    return [Base(debian, "moved", _digest("6"), first.at, _digest("7"), "2026-11-20T10:04:01Z", None, (first,))]


def sample_adoption() -> Adoption:
    """Two images, one of which would be adopted."""
    tag, amd = Tag("2026.3-main"), Platform("linux/amd64")
    on = AdoptedBase("docker.io/library/debian:12", _digest("6"), is_below=True)
    base = Adoptable(
        _BASE, "adopt", Reference(_repository("base-notebook"), tag), _digest("5"), (amd,), (), None, (on,)
    )
    child = Adoptable(
        _CHILD,
        "other parent",
        Reference(_repository("ml-notebook"), tag),
        _digest("8"),
        (amd,),
        (AdoptedParent(_BASE, False),),
        f"its first layers are not those of {base.reference}",
    )
    late = ("1 record could not be written beside the images, and will be by the next run: registry refused",)
    return Adoption("campus", "1f0c9a2" + "0" * 33, amd, (base, child), True, late)


def sample_pruning() -> Pruning:
    """One image goes, one stays."""
    repository = _repository("ml-notebook")
    old, now = (Image(_CHILD, repository, _digest(digit)) for digit in "78")
    names = (Reference(repository, Tag("sy-" + "7" * 32)),)
    going = Going(old, "2026-09-01T08:00:00Z", ("4f2a",), names, (old.digest,), 52_000_000)
    return Pruning("registry", Retention(), (Kept(now, "tag", "stable"),), (going,), True, 1)


def sample_copying(moves: MoveSet) -> Copying:
    """One image, to a registry that the spec names."""
    to = Repository("docker.io/campus/ml-notebook")
    image = CopyOf(_CHILD, PublishedImage(_repository("ml-notebook"), _digest("8")), to, Tag("sy-" + "8" * 32))
    tag = TagMove(_CHILD, to, Tag("stable"), _digest("7"), _digest("8"))
    done = msgspec.structs.replace(moves, kind="copy", channel="", source="stable", moves=(tag,), release="", id=0)
    return Copying("stable", OtherRegistry("public", "docker.io/campus"), (image,), done)


def sample_run() -> RunSummary:
    """A run in which every field says something."""
    moves = sample_moves()
    repository = _repository("ml-notebook")
    good = Outcome(
        target=_CHILD,
        status="built",
        reasons=(FileChanged("images/ml-notebook/requirements.txt", "changed"),),
        duration_s=43.2,
        size_bytes=602800000,
        size_before_bytes=598300000,
        jobs=(JobTime("build", 0.1, 40.1), JobTime("test", 40.2, 3.1)),
        tests=(
            Tested(
                "2026-11-20T10:04:01Z",
                "basic",
                _digest("3"),
                True,
                4,
                0,
                0,
                3.1,
                cases=(TestCase("images/base-notebook/test/test_tools.py::test_a_kernel_runs_code", "passed", 2.4),),
            ),
        ),
        published=Published(
            Reference(repository, Tag("sy-" + "4" * 32), _digest("5")), (Reference(repository, Tag("2026.3-main")),)
        ),
        logs=(".stackyard/runs/7/ml-notebook.build.log",),
    )
    bad = Outcome(
        target=_BASE,
        status="failed",
        failure="1 of 5 basic tests failed",
        details=("test_base::test_a_kernel_runs_code: assert 41 == 42",),
        jobs=(JobTime("test", 0.1, 12.5),),
        logs=(".stackyard/runs/7/base-notebook.basic-tests.log",),
    )
    return RunSummary(
        number=7,
        command="build",
        started="2026-11-20T10:03:20Z",
        commit="1f0c9a2" + "0" * 33,
        branch="main",
        duration_s=44.0,
        outcomes=(bad, good),
        moved=(moves,),
        notes=("moving tags were not moved: the registry said no",),
        pace=Pace((PathJob(_CHILD, "build", 40.1), PathJob(_CHILD, "test", 3.1)), 43.2, 55.7, 43.2, "path"),
        remarks=("images/lab/last_updated.yaml is left as it is: nothing was pushed (`stackyard build --push` does)",),
    )


EVENTS = {
    "job-started": "one object a line: a job began.\n"
    "The first line is the event `plan` with a [plan](#plan) as `plan`, "
    "the last one `run` with a [run](#build-and-push) as `run`.",
    "job-step": "a job is at something, or an instruction of the Dockerfile ended.",
    "job-ended": "a job is over.",
    "target-ended": "an image has its outcome.",
    "tags-moved": "a set of tags was moved.",
}


def sample_events(run: RunSummary, moves: MoveSet) -> list[dict[str, Any]]:
    """A line of each kind, but for those that only hold a plan or a run."""
    head = {"format": FORMAT, "at": "2026-11-20T10:04:00Z", "elapsed_s": 40.1}
    log = ".stackyard/runs/7/ml-notebook.build.log"
    failure, line = "build failed after 2.1 s: [2/3] RUN pip install: exit code: 1", "ERROR: No matching distribution"
    ended = JobEnded(_CHILD, "build", False, 2.1, failure, (line,), log, "images/ml-notebook/Dockerfile", 4)
    step = JobStep(_CHILD, "build", "[1/3] FROM campus/base-notebook", "done", 0.1)
    values = (JobStarted(_CHILD, "build", 29.4), step, ended, TargetEnded(run.outcomes[1]), TagsMoved(moves))
    return [{**head, **event_data(value)} for value in values]


def sample_moves() -> MoveSet:
    """A promotion."""
    move = TagMove(_CHILD, _repository("ml-notebook"), Tag("stable"), _digest("6"), _digest("5"))
    return MoveSet(
        kind="promote",
        place="registry",
        channel="stable",
        source="2026.3-main",
        at="2026-11-20T11:00:00Z",
        moves=(move,),
        commit="1f0c9a2" + "0" * 33,
        state="done",
        release="stable-20261120-110000",
        by="Ada",
        notes="for the fall quarter",
        gates=(
            GateState("basic", "tests", "passed", (_CHILD,), "passed"),
            GateState("gpu", "report", "overridden", (_CHILD,), "nobody reported it", "the node is being repaired"),
        ),
        accepted=(Difference(move.reference, _digest("1"), _digest("6")),),
        accepted_because="moved by hand on the day the registry was down",
        staying=(),
    )


def sample_preview() -> Preview:
    """What a promotion changes."""
    changed = (ChangedEntry("numpy", "1.26.4", "2.1.0"),)
    contents = ContentsChange(_CHILD, "Python packages", changed, ("polars 1.9.0",), ("nose 1.3.7",))
    behind = f"geo-notebook stays in stable at {_digest('2').short}, which was built on another ml-notebook"
    return Preview((contents,), (TargetName("r-notebook"),), (behind,))


def sample_release(moves: MoveSet) -> Release:
    """The release of a promotion."""
    (move,) = moves.moves
    member = Member(
        target=move.target,
        repository=move.repository,
        digest=move.now,
        platforms=(Platform("linux/amd64"),),
        content_tag=Tag("sy-" + "5" * 32),
        tags=(Tag("2026.3-1f0c9a2"), Tag("2026.3-main")),
        record="0d2c7e9f51ab34c68e70",
        source=_digest("3"),
        build=_digest("4"),
        content=_digest("7"),
        commit=moves.commit,
        parents=((_BASE, _digest("8")),),
        tests=(Tested("2026-11-20T10:40:02Z", "basic", _digest("9"), True, 12, 0, 0, 31.0),),
    )
    name = ReleaseName(moves.release)
    return Release(name, "registry", moves.at, moves.by, moves.source, moves.commit, (member,), moves.notes)


def sample_noted() -> Noted:
    """A report."""
    fact = Reported("2026-11-20T10:50:00Z", "gpu", True, 12, 0, 1, "https://ci.example.org/17", "on an A100")
    image = NotedImage(_CHILD, "registry.example/campus/ml-notebook:2026.3-main", _digest("5"))
    problem = "1 record could not be written beside the images, and will be by the next run: no connection"
    return Noted("gpu", "2026.3-main", fact, (image,), (problem,))


def sample_waiting() -> dict[str, Waiting]:
    """A channel that waits for an approval."""
    state = GateState("teaching", "approval", "missing", (_CHILD,), "nobody approved it", hint="...")
    return {"stable": Waiting("main", "1f0c9a2" + "0" * 33, (state,))}


def sample_image(moves: MoveSet) -> ShownImage:
    """What a promotion put in a channel."""
    (move,) = moves.moves
    local = Reference(move.repository, Tag("sy-" + "5" * 32))
    built = Built(
        at="2026-11-20T10:39:31Z",
        image=LocalImage(_digest("5")),
        content=_digest("7"),
        local=local,
        parents=((_BASE, _digest("8")),),
        bases=(("docker.io/library/debian:bookworm-slim", _digest("1")),),
        duration_s=29.4,
        size_bytes=1_220_000_000,
        engine="docker",
        commit=moves.commit,
    )
    tested = Tested("2026-11-20T10:40:02Z", "basic", _digest("9"), True, 12, 0, 0, 31.0)
    facts = (built, tested, sample_noted().fact)
    record = Record("0d2c7e9f51ab34c68e70", move.target, _digest("3"), _digest("4"), _digest("0"), 7, facts)
    return ShownImage(move.target, move.repository, move.now, record, (str(local.tag), "2026.3-main", "stable"))


def sample_inside() -> Inside:
    """An image of two layers with a package."""
    line = "RUN pip install -r requirements.txt"
    layers = (
        inventories.Layer(
            _digest("1"), "debian.sh bookworm", 117_200_000, "2026-11-01T00:00:00Z", _digest("2"), 44_100_000
        ),
        inventories.Layer(_digest("3"), line, 612_400_000, "2026-11-20T10:39:31Z", _digest("4"), 201_000_000),
    )
    found = inventories.Inventory(
        _digest("7"),
        Platform("linux/amd64"),
        layers,
        (inventories.Package("pypi", "numpy", "2.1.0", "usr/lib/python3/site-packages/numpy-2.1.0.dist-info", 1),),
        (inventories.LargeFile("usr/lib/x86_64-linux-gnu/libLLVM-15.so.1", 114_000_000, 1),),
        (inventories.Gap("database-damaged", "damaged at line 8: 'x' is no field", "var/lib/dpkg/status", 1),),
        inventories.System("debian", "12", "Debian GNU/Linux 12 (bookworm)"),
        inventories.Settings(
            {"LANG": "C.UTF-8"},
            "jovyan",
            "/home/jovyan",
            ("tini", "--"),
            ("bash",),
            ("8888/tcp",),
            ("/data",),
            {"a": "b"},
        ),
        "2026-11-20T10:39:31Z",
    )
    subject = Subject("geo-notebook", TargetName("geo-notebook"), None, LocalImage(_digest("5")))
    base = Ancestor("docker.io/library/debian:bookworm", _digest("1"), 1)
    return Inside(subject, found, (base,))


def sample_difference() -> InsideDifference:
    """Two builds of an image."""
    tested = Tested("2026-11-20T10:40:02Z", "basic", _digest("9"), True, 12, 0, 0, 31.0)
    image = ImageDifference(
        "geo-notebook",
        "registry.example/lab/geo-notebook@" + _digest("4"),
        "registry.example/lab/geo-notebook@" + _digest("5"),
        Measure(14, 1_100_000_000),
        Measure(14, 1_198_000_000),
        9,
        (PackageChange("pypi", "numpy", "1.26.4", "2.1.0"), PackageChange("pypi", "polars", "", "1.9.0")),
        (FileChange("usr/lib/x86_64-linux-gnu/libLLVM-15.so.1", 114_000_000, 120_000_000),),
        (SettingChange("env PYTHON_VERSION", "3.11.9", "3.12.4"),),
        (SuiteChange("basic", None, tested),),
    )
    return InsideDifference("stable", "main", (image,), ("new-notebook",), ("old-notebook",))


def sample_locks() -> LockSummary:
    """One lock that was written, of the version of an image."""
    target = LockTarget(VersionName("3.8.3"), "3.8.3", "images/unit/snapshot-reqs-3.8.3.txt")
    asks = (("linux/amd64", ("uv", "pip", "compile", "requirements.in")),)
    step = LockStep("unit", target, LockTime("2020-12-11T19:09:36Z"), asks)
    each = SetPlan("unit", ("boto3",), ("botocore<2",), ("libs/own",), ("own",), (step,), ("requirements.in",))
    change = LockChange("boto3", "1.16.34", "1.16.35", ("images/unit/snapshot-reqs-3.8.3.txt",))
    return LockSummary(
        LockPlan("1f0c9a2" * 5 + "abcde", (each,)), (LockOutcome("unit", target, "written", 8, (change,)),)
    )


def sample_graph() -> Drawing:
    """Two images and what the first stands on."""
    base = "docker.io/library/debian:bookworm-slim"
    return Drawing(
        "campus",
        (
            Node(base, "debian:bookworm-slim", is_base=True),
            Node(_BASE, _BASE, (base,), base, action="reuse", why="unchanged since 2026-11-20T10:04:05Z"),
            Node(_CHILD, _CHILD, (_BASE,), _BASE, action="build", why="images/ml-notebook/requirements.txt changed"),
        ),
    )


def sample_why() -> Why:
    """An image that is left on what its parent was before."""
    parent = ParentChanged(_BASE, _digest("6"), _digest("7"))
    then = Build("0c1d", "2026-11-19T09:00:00Z", 6, "0c1d2e3" + "0" * 33)
    made = Build("1f0c", "2026-11-20T10:03:20Z", 7, "1f0c9a2" + "0" * 33)
    link = Link(_BASE, (FileChanged("images/base-notebook/Dockerfile", "changed"),), made, None)
    return Why(_CHILD, "build", (parent,), (link,), then)


def sample_inputs() -> MadeFrom:
    """An image with some of everything."""
    blob = BlobId("1" * 40)
    inputs = Inputs(
        dockerfile=blob,
        context=(Entry("requirements.txt", "file", blob),),
        everywhere=(Entry("spec.yml", "file", blob),),
        labels=(("org.opencontainers.image.title", "ml-notebook"),),
        uses=("parent base-notebook",),
        platform="linux/amd64",
        secrets=("pip",),
        locks=(Entry("requirements.lock", "file", blob),),
    )
    return MadeFrom(
        target=_CHILD,
        dockerfile="images/ml-notebook/Dockerfile",
        context="images/ml-notebook",
        inputs=inputs,
        args=(Argument("BASE_TAG", "2026.3-main", False),),
        bases=(("docker.io/library/debian:bookworm-slim", _digest("8")),),
        downloads=((_ADDRESS, _digest("9")),),
        parents=((_BASE, _digest("7")),),
        source=_digest("1"),
        build=_digest("2"),
        places=Places("images/ml-notebook/Dockerfile", "images/ml-notebook", "images"),
    )


def sample_stack() -> dict[str, Any]:
    """What `ls` prints; written out, since a target to show would need all its inputs."""
    return {
        "format": FORMAT,
        "stack": {"name": "campus", "images_folder": "images"},
        "targets": [
            {
                "target": "ml-notebook",
                "repository": "ghcr.io/campus/ml-notebook",
                "context": "images/ml-notebook",
                "parents": ["base-notebook"],
                "bases": ["debian:bookworm-slim"],
                "suites": ["basic", "inventory"],
            }
        ],
    }


def sample_error() -> FindingsProblem:
    """An error with findings and one more fact."""
    finding = Finding("missing-folder", "error", "image 'geo' has no folder images/geo", "images/spec.yml", 4)
    return FindingsProblem("", findings=(finding,), name="geo")


_LINKED = {
    "steps[].action": "See [actions](#actions).",
    "steps[].reasons[]": "See [reasons](#reasons).",
    "steps[].source_fingerprint": "See [fingerprints](../explanation/fingerprints.md).",
    "findings[]": "As in [check](#check).",
    "notes[]": "What the stack's [policy](../explanation/policies.md) decided, and what else is true of all of it, "
    "as `sentence`; its `kind` is `not-publishing`, `rebuild-all`, `channel`, `branch-clash`, `no-cache`, `fetch`, "
    "`cache`, `attestations`, `allowed-to-fail`, `unused-arg`, `records-not-read`, or `skip` where nothing is done.",
}
PLAN_FIELDS = {**dict(plan_schema.fields_of(plan_schema.plan_schema())), **_LINKED}
FIXED = {
    "code": "arg-before-from",
    "path": "images/geo/Dockerfile",
    "line": 3,
    "did": "added `ARG PROJ_VERSION` below FROM",
}
FINDING_FIELDS = {
    "format": "Version of this form: 1.",
    "fixed[].code": "What `--fix` mended: the finding's code; without `--fix` the list is empty.",
    "fixed[].path": "The file.",
    "fixed[].line": "From 1, as the file was before.",
    "fixed[].did": "What was done.",
    "findings[].code": "A name that stays the same; listed in [spec.md](spec.md#findings).",
    "findings[].level": "`error`, `warning` or `notice`.",
    "findings[].sentence": "What is wrong.",
    "findings[].path": "The file, relative to the stack's root.",
    "findings[].line": "From 1, or null.",
    "findings[].column": "From 1, or null.",
    "findings[].hint": "What to do, or null.",
    "findings[].found": "What stands there, or null: where that is no text, or is a secret.",
    "findings[].wanted": "What should stand there, as far as it can be said, or null.",
}
RUN_FIELDS = {
    "format": "Version of this form: 1.",
    "run": "Number of the run; null where there was nothing to do.",
    "command": "`build`, `push` or `shell`.",
    "started": "UTC.",
    "commit": "The commit the files were at.",
    "branch": "The branch, or null.",
    "duration_s": "Seconds.",
    "good": "Whether everything that was asked for happened, but for what may fail.",
    "interrupted": "Whether someone ended it.",
    "outcomes[].target": "The image.",
    "outcomes[].status": "See [outcomes](#outcomes).",
    "outcomes[].reasons[]": "Those of the step; see [reasons](#reasons).",
    "outcomes[].duration_s": "Seconds of all its jobs.",
    "outcomes[].size_bytes": "As the engine counts it, or null.",
    "outcomes[].size_before_bytes": "That of its last build before this run's, where this run built it; or null.",
    "outcomes[].jobs[].job": "`build`, `fetch`, `test` or `publish`.",
    "outcomes[].jobs[].begun_s": "Seconds since the run began.",
    "outcomes[].jobs[].duration_s": "Seconds.",
    "outcomes[].jobs[].waited_s": "Seconds that it waited for a place, after all that it needs was there.",
    "outcomes[].same_as_before": "Built again, and equal to a known image: its children were left alone.",
    "outcomes[].tests[].suite": "`basic`, `integration`, `checks`, `inventory` or `workflow`.",
    "outcomes[].tests[].attempt": "How often exactly this suite has run on this image by now.",
    "outcomes[].tests[].cases[].name": "Each test, where pytest or the checks tell: its id, or the name of the check.",
    "outcomes[].tests[].cases[].result": "`passed`, `failed` or `skipped`.",
    "outcomes[].tests[].cases[].duration_s": "What it took, in seconds.",
    "outcomes[].tests[].cases[].message": "The first line of a failure, or why it was skipped.",
    "outcomes[].tests[].cases[].output": "Of a failure where it happened, and what it printed: the beginning of it.",
    "outcomes[].tests[].passed": "Whether the suite passed.",
    "outcomes[].tests[].total": "Tests, or commands of the inventory.",
    "outcomes[].tests[].failed": "How many failed.",
    "outcomes[].tests[].skipped": "How many skipped themselves.",
    "outcomes[].published.reference": "Where the image can be had; `published` is null where that is nowhere.",
    "outcomes[].published.digest": "Its manifest's digest in the registry; null where it is in the engine only.",
    "outcomes[].published.tags[]": "Names that this run gave it.",
    "outcomes[].failure": "One sentence, or null.",
    "outcomes[].details[]": "The lines to look at first.",
    "outcomes[].path": "The file in which the cause of a failure lies, relative to the stack's root, or null.",
    "outcomes[].line": "The line in it, where the engine tells it, or null.",
    "outcomes[].because": "The image whose failure made this one be skipped, or null.",
    "outcomes[].excused": "Whether it, or the image it was skipped because of, may fail: the run is good without it.",
    "outcomes[].interrupted": "Whether the run was ended while it was made, or before it was begun.",
    "outcomes[].logs[]": "Full logs, relative to the stack's root.",
    "outcomes[].retries": "How often a registry was asked, or a build was tried again.",
    "moved[]": "Sets of tags that moved together; see [promote](#promote-and-rollback).",
    "notes[]": "What went wrong beside the outcomes.",
    "remarks[]": "What else a person should know.",
    "free_before_bytes": "On the engine's disk; null where nothing was built or fetched, or the engine is elsewhere.",
    "free_after_bytes": "The same, at the end.",
    "pace.critical_path[].target": "An image on the critical path: the longest chain of jobs of which each needs the "
    "one before. `pace` is null where nothing ran, or not to its end.",
    "pace.critical_path[].job": "`build`, `fetch`, `test` or `publish`.",
    "pace.critical_path[].duration_s": "Seconds.",
    "pace.critical_path_s": "All of it.",
    "pace.work_s": "Seconds of all jobs, one after another.",
    "pace.bound_s": "What these jobs take at least in whatever order: the critical path, or the work of one kind "
    "over how many of it may run at once, whichever is longer.",
    "pace.bound_by": "`path`, or the kind: `build`, `test` or `push`.",
}
_EVENT_FIELDS = {
    "format": "Version of this form: 1.",
    "at": "UTC.",
    "elapsed_s": "Seconds since the run began.",
    "event": "What happened.",
}
_JOB_FIELDS = {"target": "The image.", "job": "`build`, `fetch`, `test` or `publish`."}
EVENT_FIELDS: dict[str, dict[str, str]] = {
    "job-started": {**_JOB_FIELDS, "expected_s": "Seconds that it took last time, or null."},
    "job-step": {
        **_JOB_FIELDS,
        "step": "What the job is at: an instruction of the Dockerfile, a suite.",
        "state": "`started`; of an instruction also `cached`, `done` or `failed`; `again`: will be tried again.",
        "duration_s": "Seconds of an instruction that is done, by the engine's clock; else null.",
    },
    "job-ended": {
        **_JOB_FIELDS,
        "good": "Whether it did what it was to do.",
        "duration_s": "Seconds.",
        "text": "Why it failed; or a word on what came out.",
        "details[]": "The lines to look at first.",
        "log": "Its full log, relative to the stack's root, or null.",
        "path": "The file in which the cause of a failure lies, or null.",
        "line": "The line in it, or null.",
    },
    "target-ended": {"outcome": "As one of the `outcomes` of [build](#build-and-push)."},
    "tags-moved": {"moved": "As in [promote](#promote-and-rollback), without `format`."},
}
MOVE_FIELDS = {
    "format": "Version of this form: 1.",
    "kind": "`promote` or `rollback`; `run` for the tags that a build moved, `adopt` for tags that were found, "
    "`copy` for those of another registry, `prune` for images that were deleted.",
    "channel": "The channel; empty for a run.",
    "source": "What was asked for: a tag or a commit; the number of a run.",
    "place": "`registry` or `engine`: where the tags are.",
    "at": "UTC.",
    "commit": "The commit whose images these are; empty where that is not clear.",
    "state": "`intended` (planned, or half made), `done`, `undone` (all put back).",
    "release": "[The release](#releases) of these images; for a rollback the one gone back to; empty for a run.",
    "by": "Who asked for it, where known.",
    "notes": "What they said of it.",
    "accepted[].reference": "A tag that the registry had elsewhere than the records, taken as it was.",
    "accepted[].recorded": "Where the records had it, or null.",
    "accepted[].found": "Where it was, or null.",
    "accepted_because": "The reason that was given for it; else empty.",
    "staying": "Of a rollback that was made: the tags that did not exist before, and that the registry keeps.",
    "moves[].target": "The image.",
    "moves[].reference": "The tag in full.",
    "moves[].was": "The digest before, or null.",
    "moves[].now": "The digest after; null for a tag that a rollback takes away. In an engine, digests are ids.",
    "gates[].gate": "The name of the gate; of tests the kind.",
    "gates[].sort": "`tests`, `report` or `approval`.",
    "gates[].answer": "`passed`; `adopted`: untested before it was adopted; `overridden`: not "
    "passed, and let go with a reason; `missing`: it keeps the "
    "promotion from being made.",
    "gates[].targets[]": "The images of which this is true.",
    "gates[].sentence": "What is true of them.",
    "gates[].reason": "Why it was overridden; else empty.",
    "gates[].hint": "What to do about one that is missing; else empty.",
}
NOTED_FIELDS = {
    "format": "Version of this form: 1.",
    "gate": "The gate that was named.",
    "source": "The tag or commit that was named.",
    "good": "Whether the gate has passed by it; the exit code is 1 where it has not.",
    "images[].target": "An image that it is noted about.",
    "images[].reference": "What it was called.",
    "images[].digest": "What that is.",
    "fact.*": "`fact` is `reported` or `approved`, `at` is in UTC; of a report `passed`, `total`, `failed`, `skipped`, "
    "`url`, `note` and `failures`, of an approval `by` and `reason`.",
    "problems[]": "Why others cannot be told yet.",
}
PROMOTION_FIELDS = {
    **MOVE_FIELDS,
    "contents[].target": "An image whose inventory differs from that of the image before.",
    "contents[].inventory": "The `description` of the command that listed it.",
    "contents[].changed[].name": "A package, or what else the command lists.",
    "contents[].changed[].was": "Its version before.",
    "contents[].changed[].now": "Its version now.",
    "contents[].new[]": "What was not there before.",
    "contents[].gone[]": "What is not there any more.",
    "contents_unknown[]": "Images that change, and of which the inventory of one build is not known.",
    "left_behind[]": "Sentences about images that stay, on another build of what is promoted.",
}
RELEASES_FIELDS = {
    "format": "Version of this form: 1.",
    "releases[].release": "What it is called.",
    "releases[].mark": "Twelve digits of what it is: two machines may have called theirs the same.",
    "releases[].at": "UTC.",
    "releases[].by": "Who made it, where known.",
    "releases[].place": "`registry` or `engine`: where its images are.",
    "releases[].source": "What was asked for: a tag or a commit.",
    "releases[].commit": "The commit whose images these are; empty where that is not clear.",
    "releases[].notes": "What was said of it.",
    "releases[].channels[]": "Channels that stand at it now.",
    "releases[].members[].target": "The image.",
    "releases[].members[].repository": "Where it is.",
    "releases[].members[].digest": "Of its manifest or index; in an engine its id.",
    "releases[].members[].platforms[]": "What it is for.",
    "releases[].members[].content_tag": "The tag that keeps it, or null.",
    "releases[].members[].tags[]": "Other tags it had then.",
    "releases[].members[].commit": "The commit it was built from; empty where files differed from it.",
    "releases[].members[].record": "Key of its record; empty where none is known.",
    "releases[].members[].source_fingerprint": "What its files were, or null.",
    "releases[].members[].build_fingerprint": "What it was built from, or null.",
    "releases[].members[].content": "What is in it, or null.",
    "releases[].members[].parents.*": "Content of each parent it was built on.",
    "releases[].members[].tests[].suite": "`basic`, `integration`, `checks`, `inventory` or `workflow`.",
    "releases[].members[].tests[].at": "When it ran last.",
    "releases[].members[].tests[].passed": "Whether it passed.",
    "releases[].members[].tests[].total": "How many tests there were.",
    "releases[].members[].tests[].failed": "How many failed.",
}
_IMAGE_FIELDS = {
    "images[].target": "The image.",
    "images[].repository": "Where it is.",
    "images[].digest": "Of its manifest or index; in an engine its id.",
    "images[].tags[]": "Tags it has, the content tag first.",
    "images[].record": "Key of its record, or null where none is known; then so are the next four.",
    "images[].built_at": "UTC.",
    "images[].commit": "The commit it was built from; empty where files differed from it.",
    "images[].size_bytes": "As its engine counts.",
    "images[].content": "What is in it.",
    "images[].parents.*": "Content of each parent it was built on.",
    "images[].bases.*": "Digest of each external base.",
    "images[].tests[].suite": "`basic`, `integration` or `inventory`.",
    "images[].tests[].at": "When it ran last.",
    "images[].tests[].passed": "Whether it passed.",
    "images[].tests[].total": "How many tests there were.",
    "images[].tests[].failed": "How many failed.",
    "images[].gates[]": "What people brought to gates, as sentences.",
}
SHOWN_FIELDS = {
    "format": "Version of this form: 1.",
    "kind": "`release`, `channel`, `tag` or `digest`.",
    "name": "What was asked for.",
    "release": "[The release](#releases), for a channel the one it stands at; else null.",
    "standing": "For a channel the [promotion](#promote-and-rollback) that it stands at; else null.",
    **_IMAGE_FIELDS,
}
WHERE_FIELDS = {
    "format": "Version of this form: 1.",
    **_IMAGE_FIELDS,
    "images[].references[]": "Tags that are at it now, in full.",
    "images[].releases[]": "Releases that it is a member of.",
    "images[].channels[]": "Channels that hold it.",
    "images[].children[].target": "An image that was built on it.",
    "images[].children[].digest": "Its digest, published or else in an engine.",
    "images[].children[].tags[]": "Tags that are at it.",
}
INSIDE_FIELDS = {
    "format": "Version of this form: 1.",
    "images[].name": "What people call it.",
    "images[].target": "The image of the stack, or null.",
    "images[].image": "By digest: where it is published, else its id in an engine; null where only a name is known.",
    "images[].record": "Id of its record, or null.",
    "images[].content": "What is in it, as one digest.",
    "images[].platform": "What it is for.",
    "images[].system.id": "By its os-release, as the two that follow; empty where it has none.",
    "images[].system.version": "`VERSION_ID`.",
    "images[].system.name": "`PRETTY_NAME`.",
    "images[].created": "As its config says, or null.",
    "images[].size_bytes": "Of the files in all layers.",
    "images[].layers[].layer": "Its index; 0 is the lowest.",
    "images[].layers[].digest": "Its diff id.",
    "images[].layers[].blob": "What the registry has it as; null where it was read in an engine.",
    "images[].layers[].blob_bytes": "How large that is, or null.",
    "images[].layers[].size_bytes": "Of the files in it.",
    "images[].layers[].so_far_bytes": "With all below it.",
    "images[].layers[].created": "By the image's history, or null.",
    "images[].layers[].instruction": "The Dockerfile's line that made it; empty where the history does not say.",
    "images[].packages[].kind": "`apk`, `conda`, `cran` (R), `deb`, `julia`, `npm`, `pypi` (Python) or `rpm`.",
    "images[].packages[].name": "As its database has it.",
    "images[].packages[].version": "As its database has it.",
    "images[].packages[].layer": "The layer that brought it in this version.",
    "images[].packages[].path": "The database that lists it, or its own entry.",
    "images[].packages[].license": "As its database has it, or null.",
    "images[].packages[].purl": "Its package URL.",
    "images[].files[].path": "A file of 1,000,000 bytes or more, the largest first.",
    "images[].files[].size_bytes": "Its size.",
    "images[].files[].layer": "The layer that brought it.",
    "images[].gaps[].code": "See [Look inside images](../how-to/look-inside-images.md).",
    "images[].gaps[].sentence": "What could not be read, and why.",
    "images[].gaps[].path": "Where; empty for a whole layer.",
    "images[].gaps[].layer": "Of which layer.",
    "images[].env.*": "What containers start with; `(hidden)` for what looks secret.",
    "images[].user": "Empty: root.",
    "images[].workdir": "Where they start.",
    "images[].entrypoint[]": "Words.",
    "images[].command[]": "Words.",
    "images[].ports[]": "Exposed ports.",
    "images[].volumes[]": "Declared volumes.",
    "images[].labels.*": "Its labels.",
    "images[].dockerfile": "Its Dockerfile, with images by the digests that were used, or null.",
    "images[].lineage[].name": "What it stands on, the nearest first; an external base at the end.",
    "images[].lineage[].digest": "The content of an image of the stack; the accepted digest of an external base.",
    "images[].lineage[].layers": "How many layers that has, or null where nobody read it.",
}
DIFFERENCE_FIELDS = {
    "format": "Version of this form: 1.",
    "was": "What was asked for first.",
    "now": "What it is compared with.",
    "headline": "All of it in one sentence.",
    "images[].name": "What people call it.",
    "images[].was": "The former image, by digest.",
    "images[].now": "The latter.",
    "images[].same_layers": "How many layers from the lowest on are the same.",
    "images[].layers.was": "How many layers the former has.",
    "images[].layers.now": "How many the latter has.",
    "images[].size_bytes.was": "Of the files in all layers.",
    "images[].size_bytes.now": "The same of the latter.",
    "images[].packages[].kind": "As in [inventory](#inventory).",
    "images[].packages[].name": "A package that differs.",
    "images[].packages[].was": "Its version, several with a comma between; null where it is new.",
    "images[].packages[].now": "The same; null where it is gone.",
    "images[].files[].path": "A large file that differs in size, the greatest difference first.",
    "images[].files[].was_bytes": "Null where it is new.",
    "images[].files[].now_bytes": "Null where it is gone.",
    "images[].settings[].setting": "`env NAME`, `label NAME`, or as in [inventory](#inventory): `user`, `command`, ...",
    "images[].settings[].was": "Its value, or null.",
    "images[].settings[].now": "Its value, or null.",
    "images[].tests[].suite": "A suite that ended otherwise.",
    "images[].tests[].was": "Its newest result on the former, or null: `passed`, `total`, `failed`, `skipped`.",
    "images[].tests[].now": "The same on the latter.",
    "images[].gaps": "How much of the two could not be read.",
    "new[]": "Images that only the latter has.",
    "gone[]": "Images that only the former has.",
}
HOLDING_FIELDS = {
    "format": "Version of this form: 1.",
    "wanted": "What was looked for.",
    "found[].name": "An image that has it.",
    "found[].image": "By digest, or null.",
    "found[].newest": "Whether it is what was built last.",
    "found[].places[]": "Channels and releases that hold it.",
    "found[].packages[].kind": "As in [inventory](#inventory).",
    "found[].packages[].name": "As its database has it.",
    "found[].packages[].version": "As its database has it.",
    "found[].packages[].path": "What lists it.",
    "found[].packages[].layer": "The layer that brought it.",
    "unread[]": "Images of which nobody looked into some build yet.",
}
SIGNED_FIELDS = {
    "format": "Version of this form: 1.",
    "images[].name": "What people call it.",
    "images[].image": "By digest.",
    "images[].signed": "Whether this key signed it.",
}
FRESHNESS_FIELDS = {
    "format": "Version of this form: 1.",
    "images[].name": "What people call it.",
    "images[].image": "By digest, or null.",
    "images[].python": "The Python that it was asked for, or null.",
    "images[].asked": "How many packages were asked for.",
    "images[].outdated[].name": "A package.",
    "images[].outdated[].version": "In the image.",
    "images[].outdated[].newest": "In the index: the newest that fits the image's Python and platform.",
    "images[].outdated[].layer": "The layer that brought it.",
    "images[].unknown[]": "Packages that the index has not.",
    "images[].unasked[].kind": "Another kind of packages: no index was asked for these.",
    "images[].unasked[].packages": "How many there are.",
}
ATTACHED_FIELDS = {
    "format": "Version of this form: 1.",
    "attached[].image": "The image, by digest.",
    "attached[].kind": "The document's media type.",
    "attached[].digest": "The artifact that refers to the image.",
}
STACK_FIELDS = {
    "format": "Version of this form: 1.",
    "stack.name": "`name` of spec.yml, else the name of the folder.",
    "stack.images_folder": "Relative to the stack's root.",
    "targets[].target": "The image.",
    "targets[].repository": "Where it is published.",
    "targets[].context": "The build context.",
    "targets[].parents[]": "Images of the stack that it is built on.",
    "targets[].bases[]": "Images from elsewhere that it is built on.",
    "targets[].suites[]": "What must pass before it is published.",
}
_BUILD_FIELDS = {
    "record": "Id of its record.",
    "at": "UTC.",
    "run": "Number of the run that made it; 0 for one that another clone's run made, or that was adopted.",
    "commit": "The commit of its files; empty where files differed from it.",
    "adopted": "Whether it was published without a record, and then adopted.",
}
WHY_FIELDS = {
    "format": "Version of this form: 1.",
    "images[].target": "The image, or `image/version`.",
    "images[].action": "See [actions](#actions).",
    "images[].sentence": "What a person reads first.",
    "images[].reasons[]": "See [reasons](#reasons); paths of files are relative to the stack's root here.",
    "images[].chain[].target": "The parent that it follows, that one's parent, and so on; the last is the cause.",
    "images[].chain[].reasons[]": "Why that one is rebuilt, or was.",
    **{f"images[].chain[].made.{name}": meaning for name, meaning in _BUILD_FIELDS.items()},
    "images[].chain[].compared": "The build that this parent is compared with, or null.",
    **{f"images[].compared.{name}": meaning for name, meaning in _BUILD_FIELDS.items()},
}
WHY_FIELDS |= {
    "images[].chain[].made.record": "The build that changed it; `made` is null where it is yet to be built.",
    "images[].compared.record": "The nearest build, or the one that is gone on from; `compared` is null without one.",
}
GRAPH_FIELDS = {
    "format": "Version of this form: 1.",
    "stack.name": "`name` of spec.yml, else the name of the folder.",
    "nodes[].name": "An image, `image/version`, or with `--bases` the full reference of an external base.",
    "nodes[].kind": "`target` or `base`.",
    "nodes[].action": "With `--plan`: see [actions](#actions); else null.",
    "nodes[].why": "With `--plan`: the first reason, as a person reads it; else null.",
    "edges[].parent": "The node that is built on.",
    "edges[].child": "The node that builds on it.",
    "edges[].foundation": "Whether the child stands on the parent's layers; if not, it copies from it.",
}
INPUT_FIELDS = {
    "format": "Version of this form: 1.",
    "images[].target": "The image, or `image/version`.",
    "images[].dockerfile.path": "Relative to the stack's root. `dockerfile` is null for what only joins platforms.",
    "images[].dockerfile.blob": "git's id of what counts in it.",
    "images[].context.path": "The build context.",
    "images[].context.entries[].path": "A path that counts, relative to the stack's root.",
    "images[].context.entries[].sent_as": "The same, relative to the build context that the engine gets.",
    "images[].context.entries[].kind": "`file`, `exec`, `link` or `dir`.",
    "images[].context.entries[].blob": "git's id of its bytes; of a link, of its text.",
    "images[].everywhere[]": "`BuildAll` files, with `path`, `kind` and `blob`.",
    "images[].args[].name": "A build argument that is passed.",
    "images[].args[].value": "`(hidden)` where it looks secret.",
    "images[].args[].counts": "Whether some instruction can see it.",
    "images[].labels.*": "Labels that Stackyard adds.",
    "images[].bases[].reference": "An external base.",
    "images[].bases[].accepted": "Its accepted digest, or null.",
    "images[].downloads[].address": "What `ADD` fetches without a checksum.",
    "images[].downloads[].accepted": "The digest of what it is taken to give, or null.",
    "images[].parents[].target": "An image of the stack that it is built on.",
    "images[].parents[].content": "Content digest of the build that the plan chose; null where it is to be built.",
    "images[].platform": "The platform.",
    "images[].stage": "The stage that is built, by its name, or null where it has none.",
    "images[].network": "The network mode, or null.",
    "images[].uses[]": "What stands where the Dockerfile has a variable or a parent, in its order.",
    "images[].secrets[]": "Ids of secrets, never values.",
    "images[].locks[]": "Lock files, in the same form.",
    "images[].epoch": "The time that files of a build get, in seconds since 1970.",
    "images[].definition": "Version of the list of inputs.",
    "images[].source_fingerprint": "See [fingerprints](../explanation/fingerprints.md).",
    "images[].build_fingerprint": "Null while a parent or a base is not known.",
}
STATUS_FIELDS = {
    "format": "Version of this form: 1.",
    "channels.*": "By name of the channel: what it points at; see [promote](#promote-and-rollback).",
    "waiting[].channel": "A channel that cannot be promoted to the newest run of the branch.",
    "waiting[].branch": "The branch.",
    "waiting[].commit": "The commit of that run; empty where files differed from it.",
    "waiting[].gates[]": "What is missing, as in [promote](#promote-and-rollback).",
    "last_run": "As in [build](#build-and-push), or null.",
    "plan": "As in [plan](#plan).",
}
START_FIELDS = {
    "format": "Version of this form: 1.",
    "found": "What was found, as a sentence; for `new`: the image and what it builds on.",
    "files[].path": "A file that was written, or would be; relative to the root of the stack.",
    "files[].text": "What is in it.",
    "files[].new": "False for a file that is there and changes.",
    "notes[]": "What could not be taken over, and what `check` would say.",
    "written": "Whether the files were written.",
}
ERROR_FIELDS = {
    "format": "Version of this form: 1.",
    "error.kind": "The name of the error as in [exit codes](exit-codes.md#in-a-library), in lower case with dashes.",
    "error.sentence": "What a person reads on the standard error.",
    "error.hint": "What to do, or null.",
    "error.exit_code": "What the command ends with.",
    "error.facts.*": "Facts of that kind of error; `gates` are as in [promote](#promote-and-rollback).",
    "error.findings[]": "Only where the stack has errors; as in [check](#check).",
}
BASES_FIELDS = {
    "format": "Version of this form: 1.",
    "bases[].reference": "As the first Dockerfile that names it writes it; of a download the address.",
    "bases[].state": "See [states of a base](#states-of-a-base).",
    "bases[].accepted": "The digest that it is taken to be, or null.",
    "bases[].since": "When that was accepted, or null.",
    "bases[].current": "What is there, or was when somebody was last asked; null where nobody knows.",
    "bases[].checked": "When that was, or null.",
    "bases[].problem": "Why nobody could be asked now, or null.",
    "bases[].targets[]": "Who stands on it, or fetches it.",
    "bases[].places[].how": "`from`, `copy` (`COPY --from`), `mount` (`RUN --mount=from`), `syntax` or `add`.",
    "bases[].places[].path": "The Dockerfile.",
    "bases[].places[].line": "The line in it.",
    "bases[].history[].digest": "What was accepted, newest first.",
    "bases[].history[].at": "When.",
    "bases[].history[].by": "`first` (a build needed it), `refresh`, `max_age`, `build` (a download), or `person`.",
}
ACCEPTED_FIELDS = {
    "format": "Version of this form: 1.",
    "asked": "How many bases and downloads were looked at.",
    "accepted[].reference": "A base or a download that is taken to be something else from now on.",
    "accepted[].was": "The digest of before, or null.",
    "accepted[].now": "The digest that was accepted.",
    "builds[]": "What the next build makes again because of it.",
    "waits[]": "What follows one of those if it comes out changed.",
}
LIKE_FIELDS = {
    "format": "Version of this form: 1.",
    "like": "`datahub`.",
    "rules": "`tag` (one tag, by branch) or `plans` (tracks, tagged by commit).",
    "commit": "The commit that is checked out.",
    "since.asked": "What the scripts take for the commit before, as it was asked for.",
    "since.commit": "Its id; null where this clone has none, which ends the scripts.",
    "branch": "The branch as the scripts take it, or null.",
    "halted": "Why the scripts build nothing at all, or null.",
    "changed[]": "Paths that git lists as changed.",
    "unseen[].path": "A path that changed and that the scripts miss.",
    "unseen[].why": "Why they do.",
    "steps[].target": "The image, or `image/plan`; in the order of the scripts.",
    "steps[].image": "The image.",
    "steps[].version": "The plan, or null.",
    "steps[].action": "What the scripts do: `build`, `reuse` or `skip`.",
    "steps[].repository": "Where they would publish it.",
    "steps[].tags[]": "The tag that they would give, one or none.",
    "steps[].build_args.*": "Build arguments that they would pass, in their order; `(hidden)` where it looks secret.",
    "steps[].parents[].target": "What `depend_on` names.",
    "steps[].parents[].tag": "The `BASE_TAG` that they pass, or null.",
    "steps[].reasons[].*": "Why, with its kind: `all-asked`, `all-on-main`, `all-by-path`, `all-unchanged`, "
    "`path-changed`, `parent-built`, `not-prepulled`, `tag-absent`, `in-place`, `not-affected`, `track-skipped`, "
    "`dropped`, `halted`.",
    "steps[].stackyard.action": "Stackyard's [action](#actions); `stackyard` is null where it has no such image, "
    "and everywhere where it makes no plan of these files (exit code 2).",
    "steps[].stackyard.tags[]": "Its tags.",
    "steps[].stackyard.reasons[]": "See [reasons](#reasons).",
    "steps[].note": "Where the two differ and why, or null.",
    "notes[]": "What else a person should know.",
}
COPY_FIELDS = {
    "format": "Version of this form: 1.",
    "to": "The registry, as it was named.",
    "registry": "Its address.",
    "images[].target": "An image, or `image/version`.",
    "images[].source": "What is copied, by digest.",
    "images[].to": "The repository it goes to.",
    "images[].content_tag": "Its permanent tag, here and there.",
    **{f"tags.{key}": text for key, text in MOVE_FIELDS.items() if key != "format"},
    "travelled.there": "Blobs that were there already; `travelled` is null for a dry run.",
    "travelled.mounted": "Blobs that were taken over within the registry.",
    "travelled.sent": "Blobs that travelled.",
    "travelled.sent_bytes": "How much that was.",
    "travelled.manifests": "Manifests that were written, indexes among them.",
}
PRUNE_FIELDS = {
    "format": "Version of this form: 1.",
    "place": "`registry` or `engine`.",
    "policy.channels": "So many sets of each channel stay; see `retention` in the [spec](spec.md#retention).",
    "policy.days": "So many days.",
    "policy.releases": "So many releases, or null for all.",
    "done": "Whether it was deleted.",
    "size_bytes": "What that frees: in a registry layers that nothing else in the repository names, in an engine "
    "the sizes of the images, shared layers included.",
    "artifacts": "Records, sets of moves and releases that went with the images.",
    "going[].target": "An image, or `image/version`; children first.",
    "going[].image": "Where it is; in an engine by its id.",
    "going[].at": "When it was last built or published.",
    "going[].size_bytes": "What it frees.",
    "going[].names": "What it is called.",
    "going[].manifests": "What is deleted, in this order; empty where it is gone already.",
    "kept[].target": "An image that stays.",
    "kept[].image": "Where it is.",
    "kept[].why": "The first cause that keeps it: [what always stays](../how-to/delete-old-images.md).",
    "kept[].detail": "Which tag, channel, release or child that is; empty where the cause says it all.",
}
ADOPTION_FIELDS = {
    "format": "Version of this form: 1.",
    "stack": "The name of the stack.",
    "commit": "The files that the images are taken to be made from.",
    "platform": "For which platform.",
    "complete": "Whether nothing is left out.",
    "written": "Whether records were written of those in the state `adopt`.",
    "problems[]": "What could not be written beside the images, and will be by the next run.",
    "targets[].target": "An image, or `image/version`; parents first.",
    "targets[].state": "See [states of what is published](#states-of-what-is-published).",
    "targets[].reference": "Where it was looked for, or null.",
    "targets[].digest": "What the tag points at, or null.",
    "targets[].platforms[]": "For which platforms it is there.",
    "targets[].parents[].target": "An image of the stack that it builds on.",
    "targets[].parents[].below": "Whether it stands on the one above, by its layers; null where they do not tell.",
    "targets[].bases[].reference": "An external base that is accepted by this adoption, canonical.",
    "targets[].bases[].digest": "As what.",
    "targets[].bases[].below": "Whether the image stands on exactly that, by its layers; null where they do not tell.",
    "targets[].problem": "Why it is left out, or null.",
}
DOCTOR_FIELDS = {
    "format": "Version of this form: 1.",
    "can_build": "Whether any image can be built here; false is exit code 1.",
    "found.stackyard": "The version of Stackyard.",
    "found.python": "The version of the Python that it runs with.",
    "found.system": "The platform of this machine.",
    "found.git": "Its version; empty: not installed. So with the others.",
    "found.pytest": "As installed beside Stackyard.",
    "found.podman": "Its version.",
    "found.podman_socket": "Where podman answers as Docker does, or empty.",
    "found.engines[].kind": "`docker` or `buildah`.",
    "found.engines[].address": "Where it listens; empty where nothing has to.",
    "found.engines[].named_by": "What says so: `DOCKER_HOST`, a docker context, the default.",
    "found.engines[].client": "Version of the program.",
    "found.engines[].version": "Version of the engine; empty where nobody answers.",
    "found.engines[].buildx": "Version of the build plugin.",
    "found.engines[].builder": "The buildx builder that builds in its place, or empty.",
    "found.engines[].store": "`classic`, `containerd` or `buildah`, or null.",
    "found.engines[].platform": "The platform that it runs on, or null.",
    "found.engines[].platforms[]": "What it runs, emulated or not.",
    "found.engines[].folder": "Where its images are, on its own machine.",
    "found.engines[].free_bytes": "What is free there; null for an engine elsewhere.",
    "found.engines[].problem": "Why it builds nothing, or empty.",
    "found.engines[].hint": "What to do about it, or empty.",
    "found.registries[].host": "A registry that the stack publishes to, or takes bases from.",
    "found.registries[].is_published_to": "The former.",
    "found.registries[].state": "`open` (asks for no login), `login`, `no login`, `refused` or `unreachable`.",
    "found.registries[].problem": "Why, or empty.",
    "found.registries[].hint": "What to do about it, or empty.",
    "found.wanted[].platform": "A platform that the spec says the stack is for.",
    "found.wanted[].where": "The engine that the spec names for it, or empty.",
    "found.wanted[].engine": "What was found there, with the fields of `engines[]`; null where none is named.",
    "found.stack": "The name of the stack; empty outside of one.",
    "found.stack_problem": "Why the stack cannot be read, or empty.",
    "capabilities[].code": "What is on or off, see [capabilities](#capabilities).",
    "capabilities[].on": "Whether it is on.",
    "capabilities[].sentence": "What a person reads.",
    "capabilities[].hint": "What to do about it, or null.",
}
LOG_FIELDS = {
    "format": "Version of this form: 1.",
    "logs[].target": "The image.",
    "logs[].run": "Number of the run.",
    "logs[].kind": "`build`, `test` or `push`.",
    "logs[].path": "The file, relative to the stack's root.",
    "logs[].lines[]": "All of it.",
}
HISTORY_FIELDS = {
    "format": "Version of this form: 1.",
    "runs[]": "As in [build](#build-and-push), without `format`; newest first.",
    "channels[]": "As in [promote](#promote-and-rollback), without `format`; newest first.",
}


LOCK_FIELDS = {
    "format": "Version of this form: 1.",
    "at": "H: the commit that the inputs were read from.",
    "good": "Whether each lock is as it should be; the exit code is 1 where one is not.",
    "changed": "Whether a pin is otherwise than in the files as they were.",
    "message.subject": "What a commit of the changes says; `message` is null where no pin changed.",
    "message.body": "The rest of it: every change.",
    "locks[].set": "Its set.",
    "locks[].path": "The file, relative to the stack's root.",
    "locks[].version": "The version that it is for; null where there is one only.",
    "locks[].kind": "What is locked: `pip` or `conda`.",
    "locks[].python": "The Python, or null.",
    "locks[].platform": "The platform, of a kind that has a file for each; else null.",
    "locks[].state": "`written`, `unchanged`; `outdated` of `lock outdated`; with `--check` `same` or `differs`; "
    "`carried`, `failed`, or `held-back` where another failed.",
    "locks[].pins": "How many.",
    "locks[].changes[].package": "What changed.",
    "locks[].changes[].was": "Its version in the file as it was; null for a new package.",
    "locks[].changes[].now": "Its version now; null where it is gone.",
    "locks[].changes[].in[]": "Locks in which it is so, where several are compared.",
    "locks[].words": "Why there is none: what the resolver said.",
    "locks[].hint": "What to do about it, or null.",
}
LOCK_PLAN_FIELDS = {
    "format": "Version of this form: 1.",
    "at": "H.",
    "sets[].name": "A set.",
    "sets[].requirements[]": "What is asked for; packages of the repository last.",
    "sets[].constraints[]": "Bounds for it.",
    "sets[].packages[]": "Folders of packages that are left out.",
    "sets[].runs_code[]": "Packages whose code runs.",
    "sets[].changed[]": "Inputs that the work tree has otherwise.",
    "sets[].locks[].path": "A file that would be written.",
    "sets[].locks[].version": "The version that it is for, or null.",
    "sets[].locks[].kind": "What is locked: `pip` or `conda`.",
    "sets[].locks[].python": "The Python, or null.",
    "sets[].locks[].platform": "The platform, of a kind that has a file for each; else null.",
    "sets[].locks[].time": "T.",
    "sets[].locks[].carried": "Whether it stays as it is, since nothing can be resolved for its Python.",
    "sets[].locks[].commands[][]": "What the resolver is asked for each platform, as words: a command line, of pip.",
}


LOCK_DIFF_FIELDS = {
    "format": "Version of this form: 1.",
    "was": "What the first is: a commit, a file.",
    "now": "What it is compared with.",
    "locks": "How many locks were compared.",
    "changes[].package": "What changed.",
    "changes[].was": "Its version before; null for a new one.",
    "changes[].now": "Its version now; null where it is gone.",
    "changes[].in[]": "Locks in which it is so.",
}
VERIFIED_FIELDS = {
    "format": "Version of this form: 1.",
    "good": "Whether there is no doubt about any.",
    "locks[].set": "Its set.",
    "locks[].path": "The file.",
    "locks[].time": "T, or null.",
    "locks[].pins": "How many.",
    "locks[].carried": "Whether nothing can be resolved for its Python, so that it proves nothing and need not.",
    "locks[].doubts[]": "Why it is not proven that nothing is newer than T.",
}
IMPORTED_FIELDS = {
    "format": "Version of this form: 1.",
    "builders[].builder": "An image that checks a commit out.",
    "builders[].at": "H.",
    "builders[].path": "The Dockerfile that says so.",
    "builders[].line": "Its line.",
    "builders[].time": "T: the builder's stamp, or null.",
    "builders[].disagreeing[].name": "A version or a constant that says another time.",
    "builders[].disagreeing[].stamp": "Which.",
    "builders[].disagreeing[].path": "Where it stands.",
    "builders[].disagreeing[].line": "Its line, or null.",
}


def documents() -> Iterator[tuple[str, str, dict[str, Any], dict[str, str]]]:
    """Heading, a sentence, an example as the code prints it, and its fields."""
    plan, run, moves = sample_plan(), sample_run(), sample_moves()
    yield (
        "plan",
        "`stackyard plan --json`: every image of the stack has a step.\n"
        "[plan.schema.json](plan.schema.json) is its JSON Schema, which `stackyard schema plan` prints.",
        plan_data(plan),
        PLAN_FIELDS,
    )
    yield "graph", "`stackyard graph --bases --plan --json`: parents first.", graph_data(sample_graph()), GRAPH_FIELDS
    yield (
        "plan beside the DataHub scripts",
        "`stackyard plan --like datahub --json`: [what they would do](../how-to/compare-with-datahub.md), "
        "and Stackyard's plan.",
        like_data(sample_like()),
        LIKE_FIELDS,
    )
    yield (
        "why",
        "`stackyard why ml-notebook --json`: an answer for each image that is named, all without names.",
        why_data([sample_why()]),
        WHY_FIELDS,
    )
    yield (
        "inputs",
        "`stackyard inputs ml-notebook --json`: all that goes into each image that is named.",
        inputs_data([sample_inputs()]),
        INPUT_FIELDS,
    )
    yield (
        "build and push",
        "`stackyard build --json` and `stackyard push --json`: every image of the stack has an outcome.\n"
        "Progress goes to the standard error then.",
        run_data(run),
        RUN_FIELDS,
    )
    for event in sample_events(run, moves):
        kind = event["event"]
        yield (
            f"event {kind}",
            f"`stackyard build --progress json`, {EVENTS[kind]}",
            event,
            {
                **_EVENT_FIELDS,
                **EVENT_FIELDS[kind],
            },
        )
    yield (
        "promote and rollback",
        "`stackyard promote stable --to lecture --dry-run --json`: the moves, made or (with `--dry-run`) not.",
        {"format": FORMAT, **moves_data(moves), **preview_data(sample_preview())},
        PROMOTION_FIELDS,
    )
    yield (
        "copy",
        "`stackyard copy stable --to public --json`.",
        copying_data(sample_copying(moves), Travelled(1, 2, 3, 48_000_000, 1)),
        COPY_FIELDS,
    )
    yield ("prune", "`stackyard prune --registry --json`.", pruning_data(sample_pruning()), PRUNE_FIELDS)
    yield (
        "releases",
        "`stackyard releases --json`: newest first.",
        releases_data([sample_release(moves)], {"stable": moves.release}),
        RELEASES_FIELDS,
    )
    yield "gate", "`stackyard gate report ... --json`", {"format": FORMAT, **noted_data(sample_noted())}, NOTED_FIELDS
    image = sample_image(moves)
    at = Reference(image.repository, Tag("stable"))
    child = Child(TargetName("geo-notebook"), _digest("2"), ("2026.3-main",))
    yield (
        "show",
        "`stackyard show 2026.3-main --json`",
        shown_data(Shown("tag", "2026.3-main", (image,))),
        SHOWN_FIELDS,
    )
    yield (
        "where",
        "`stackyard where sha256:555555555555 --json`: every image that is called so.",
        where_data([Whereabouts(image, (at,), (moves.release,), ("stable",), (child,))]),
        WHERE_FIELDS,
    )
    yield (
        "inventory",
        "`stackyard inventory geo-notebook --json`: every image that the name stands for.",
        inside_data([sample_inside()]),
        INSIDE_FIELDS,
    )
    yield "diff", "`stackyard diff stable main --json`", difference_data(sample_difference()), DIFFERENCE_FIELDS
    subject, package = sample_inside().subject, sample_inside().inventory.packages[0]
    holding = Holding(subject, ("stable",), True, (package,))
    yield (
        "find",
        "`stackyard find numpy --json`",
        holdings_data(Wanted("numpy"), (holding,), ("geo-notebook",)),
        HOLDING_FIELDS,
    )
    newer = (Outdated(package, "2.3.1"),)
    fresh = Freshness("geo-notebook", subject.image, "3.12", 388, newer, ("our-package",), (("deb", 412),))
    yield "outdated", "`stackyard outdated geo-notebook --json`", outdated_data([fresh]), FRESHNESS_FIELDS
    attached = Attached("registry.example/lab/geo-notebook@" + _digest("5"), "application/spdx+json", _digest("6"))
    yield "sbom", "`stackyard sbom geo-notebook --attach --json`", attached_data([attached]), ATTACHED_FIELDS
    yield (
        "sign and verify",
        "`stackyard verify stable --key cosign.pub --json`",
        signed_data([Signed("geo-notebook", "registry.example/lab/geo-notebook@" + _digest("5"), True)]),
        SIGNED_FIELDS,
    )
    locks = sample_locks()
    yield (
        "lock",
        "`stackyard lock --json`",
        {"format": FORMAT, **lock_data.summary_data(locks, message_of(locks))},
        LOCK_FIELDS,
    )
    yield (
        "lock that is planned",
        "`stackyard lock --dry-run --json`",
        {"format": FORMAT, **lock_data.plan_data(locks.plan)},
        LOCK_PLAN_FIELDS,
    )
    (outcome,) = locks.outcomes
    difference = LockDiff("HEAD", "the work tree", 4, True, outcome.changes)
    yield (
        "lock diff",
        "`stackyard lock diff --json`",
        {"format": FORMAT, **lock_data.diff_data(difference)},
        LOCK_DIFF_FIELDS,
    )
    doubtful = Verified("unit", outcome.target, "2020-12-11T19:09:36Z", 8, doubts=("boto3 1.16.35 has no hash",))
    yield (
        "lock that is verified",
        "`stackyard lock --verify --json`",
        {"format": FORMAT, **lock_data.verified_data((doubtful,))},
        VERIFIED_FIELDS,
    )
    constant = Stamped("UNIT_IMAGE_VERSION", "2020-12-11T192450", Spot("ci/defines.py", 9))
    time, spot = LockTime("2020-12-11T19:09:36Z"), Spot("images/unit-snapshot-builder/Dockerfile", 4)
    builder = Imported("unit-snapshot-builder", locks.plan.at, spot, time, (), (constant,))
    yield (
        "lock import",
        "`stackyard lock import --json`",
        {"format": FORMAT, **lock_data.imported_data((builder,))},
        IMPORTED_FIELDS,
    )
    yield "ls", "`stackyard ls --json`: the stack as it was read.", sample_stack(), STACK_FIELDS
    yield (
        "check",
        "`stackyard check --json`: errors first.",
        {"format": FORMAT, "fixed": [FIXED], "findings": findings_data(plan.findings)},
        FINDING_FIELDS,
    )
    yield (
        "status",
        "`stackyard status --json`",
        {"format": FORMAT, **status_data({"stable": moves}, run, sample_waiting()), "plan": plan_data(plan)},
        STATUS_FIELDS,
    )
    yield "bases", "`stackyard bases --json`", bases_data(sample_bases()), BASES_FIELDS
    yield (
        "bases that were accepted",
        "`stackyard bases --refresh --json`; `--accept` prints the same.",
        accepted_data([(Reference.parse("debian:12"), _digest("6"), _digest("7"))], 3, [_BASE], [_CHILD]),
        ACCEPTED_FIELDS,
    )
    yield "doctor", "`stackyard doctor --json`", doctor_data(sample_diagnosis()), DOCTOR_FIELDS
    yield "adopt", "`stackyard adopt --json`", adoption_data(sample_adoption()), ADOPTION_FIELDS
    log = Log(_CHILD, 7, "build", ".stackyard/runs/7/ml-notebook.build.log")
    yield "logs", "`stackyard logs ml-notebook --json`", logs_data([(log, ["[1/3] FROM debian:12"])]), LOG_FIELDS
    yield "history", "`stackyard history --json`", history_data([run], [moves]), HISTORY_FIELDS
    yield (
        "init and new",
        "`stackyard init --yes --json` and `stackyard new gpu-notebook --from base-notebook --yes --json`.",
        {
            "format": FORMAT,
            "found": "gpu-notebook on campus/base-notebook:${BASE_TAG}",
            "files": [{"path": "images/gpu-notebook/Dockerfile", "text": "FROM ...\n", "new": True}],
            "notes": [
                "images/old: folder images/old has a Dockerfile and no entry under `images:`, so it is not built"
            ],
            "written": True,
        },
        START_FIELDS,
    )
    yield (
        "errors",
        "Any command that cannot do what was asked; the standard error has the sentence and the hint as text.\n"
        "A failed build or test is no error: it is an outcome.",
        error_data(sample_error(), "images/spec.yml:4: image 'geo' has no folder images/geo", "make the folder", 2),
        ERROR_FIELDS,
    )


def paths_of(value: object, fields: dict[str, str], above: str = "") -> Iterator[str]:
    """Paths of the fields of a document; not deeper than `fields` describes. ValueError for one that is not there."""
    if above in fields or any(above == name.removesuffix(".*") for name in fields if name.endswith(".*")):
        yield above if above in fields else f"{above}.*"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from paths_of(item, fields, f"{above}.{key}" if above else key)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from paths_of(item, fields, f"{above}[]")
    elif not (value is None and any(name.startswith(f"{above}.") for name in fields)):
        raise ValueError(f"{above} is not described in docs/generate.py")


_REPEATING = ("status", "history", "event target-ended", "event tags-moved")
"""Documents without an example: others have it."""


def json_page() -> str:
    """An example and a table for each document, then the words that stand in them."""
    parts = [
        MADE,
        "# JSON\n",
        'With `--json` a command prints one JSON object on its standard output, with `"format": 1`.\n'
        "New fields, kinds of reasons and codes may be added to format 1; "
        "a field that goes away or means something else makes it format 2.\n"
        "The [exit code](exit-codes.md) is the same as without `--json`.\n"
        "Names of images, tags and paths are exactly what a person would type.\n",
    ]
    for heading, sentence, example, fields in documents():
        found = set(paths_of(example, fields))
        empty = {name for name in fields if example.get(name.partition(".")[0], "") is None}
        if missing := set(fields) - found - empty:
            raise ValueError(f"{heading}: no such field any more, or not in the example: {sorted(missing)}")
        rows = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in fields.items())
        parts.append(f"## {heading}\n\n{sentence}\n\n| field | meaning |\n| --- | --- |\n{rows}\n")
        if heading not in _REPEATING:
            parts.append(f"```json\n{json.dumps(example, indent=2)}\n```\n")
    parts += [actions_text(), outcomes_text(), states_text(), adoptions_text(), capabilities_text(), reasons_text()]
    return "\n".join(parts)


ACTIONS = {
    "build": "Make the image.",
    "reuse": "Nothing to do.",
    "tag": "The image is where it is wanted, and a name for it is missing.",
    "push": "The image is in the engine and is wanted in the registry.",
    "fetch": "The image is in the registry and is wanted in the engine.",
    "retest": "The image is there, and is not known to pass its tests as they are now.",
    "join": "The images for several platforms become one index, which gets the tags.",
    "decide-later": "A parent is being rebuilt; whether this image follows depends on what comes out.",
    "skip": "Nothing: the command named other images, the stack leaves it alone, or it cannot be built here.",
}
OUTCOMES = {
    "built": "The engine made it, and its tests passed.",
    "reused": "Nothing was to do.",
    "tagged": "It got a name that was missing.",
    "pushed": "It was published without being built.",
    "fetched": "It was brought into the engine.",
    "tested": "It was tested again without being built.",
    "joined": "An index joins its images for several platforms; without `--push`, its tags name one of them.",
    "failed": "See `failure`.",
    "untested": "It was built, and nothing here can run what has to pass before it is published: see `failure`.",
    "skipped": "Not selected; or left out because of the failure of the image in `because`; or the run was ended: see "
    "`interrupted`.",
}


STATES = {
    "current": "The registry has, or the address gives, what is accepted.",
    "moved": "There is something else now; `--refresh` accepts it.",
    "pinned": "The Dockerfile says the digest itself; nobody is asked.",
    "gone": "There is none of this name.",
    "new": "None was accepted yet; the first build that needs it does.",
    "not checked": "Nobody was asked, or nobody answered.",
}


ADOPTIONS = {
    "adopt": "It can be adopted; with `written` it was.",
    "known": "The records have it already.",
    "missing": "The registry has no such tag.",
    "no name": "There is no tag to look for.",
    "other platform": "It is there, and not for this platform.",
    "other parent": "Its first layers are not those of its parent.",
    "parent missing": "Something that it builds on is left out.",
    "not checked": "The registry did not answer, or what is there is no image.",
}


def adoptions_text() -> str:
    """Each state of what is published."""
    return words_text("States of what is published", "state", ADOPTIONS, typing.get_args(adopt.AdoptState))


def states_text() -> str:
    """Each state of a base."""
    return words_text("States of a base", "state", STATES, typing.get_args(bases.BaseState))


CAPABILITIES = {
    "plan": "Plans can be made.",
    "build": "Images can be built; without it the exit code is 1.",
    "pin": "How builds are kept on the planned bases and parents.",
    "test": "Test folders can be run.",
    "inventory": "Commands can be run in the images.",
    "jobs": "How much a run does at once: `--jobs` says otherwise.",
    "exclusion": "Two machines do not move tags at once, and [how exactly](../explanation/promotion.md#one-at-a-time).",
    "attestations": "Provenance and SBOM are made where the spec asks for them.",
    "cache": "Build caches can be imported and exported.",
    "platforms": "It can build for other platforms than its own.",
    "disk": "There is room for images.",
    "publish": "Images can be published, by registry.",
    "bases": "Images from elsewhere can be fetched, by registry.",
}


def capabilities_text() -> str:
    """Each thing that can be on or off."""
    return words_text("Capabilities", "code", CAPABILITIES, typing.get_args(surroundings.CapabilityCode))


def actions_text() -> str:
    """Each action of a step."""
    return words_text("Actions", "action", ACTIONS, typing.get_args(plans.Action))


def outcomes_text() -> str:
    """Each status of an outcome."""
    return words_text("Outcomes", "status", OUTCOMES, typing.get_args(outcomes.Status))


def words_text(heading: str, head: str, words: dict[str, str], real: tuple[str, ...]) -> str:
    """A table of words; ValueError if the code has others."""
    if set(words) != set(real):
        raise ValueError(f"{heading}: the code and docs/generate.py differ in {sorted(set(words) ^ set(real))}")
    rows = "\n".join(f"| `{word}` | {words[word]} |" for word in real)
    return f"## {heading}\n\n| {head} | meaning |\n| --- | --- |\n{rows}\n"


def reasons_text() -> str:
    """Each kind of reason with its facts, as their docstrings say."""
    rows = []
    for kind in typing.get_args(reasons.Reason):
        facts = ", ".join(f"`{name}`" for name in kind.__struct_fields__) or "-"
        meaning = " ".join((inspect.getdoc(kind) or "").split())
        rows.append(f"| `{kind.__struct_config__.tag}` | {facts} | {meaning} |")
    return (
        "## Reasons\n\nA reason has its `kind` and the facts of that kind.\n\n"
        "| kind | facts | meaning |\n| --- | --- | --- |\n" + "\n".join(rows) + "\n"
    )


# The first plan of the example.

COMMIT = "1f0c9a2"
"""Stands for the commit, which is another one in every copy."""

_PLAN = re.compile(r"(?<=^```text\n\$ stackyard plan\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


def committed_campus(folder: Path) -> Path:
    """A copy of examples/campus in a git repository of its own, without anybody's settings."""
    campus = folder / "campus"
    shutil.copytree(ROOT / "examples" / "campus", campus, ignore=shutil.ignore_patterns("__pycache__", ".stackyard"))
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "PATH": os.environ["PATH"]}
    for who in ("AUTHOR", "COMMITTER"):
        nobody |= {f"GIT_{who}_NAME": "Docs", f"GIT_{who}_EMAIL": "docs@example.org"}
    for words in ("init --quiet --initial-branch=main", "add --all", "commit --quiet --message=campus"):
        subprocess.run(["git", *words.split()], cwd=campus, env=nobody, check=True)
    return campus


@functools.cache
def first_plan() -> str:
    """What `stackyard plan` prints for the example before anything was built."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as printed:
        code = run(["-C", str(committed_campus(Path(folder))), "plan"], {"PATH": os.environ["PATH"]})
    text = printed.getvalue()
    if code or not (found := re.search(r"\b[0-9a-f]{7}\b", text)):
        raise ValueError(f"no plan of the example: {text}")
    return text.replace(found[0], COMMIT)


def with_plan(text: str) -> str:
    """A page with the plan put in; ValueError where it shows none."""
    if not _PLAN.search(text):
        raise ValueError("no block that begins with `$ stackyard plan`")
    return _PLAN.sub(lambda _: first_plan(), text)


# The keys of spec.yml.


def with_keys(text: str) -> str:
    """spec.md with its tables of keys; ValueError where a heading or its table is missing."""
    for heading, keys in schema.SECTIONS.items():
        place = re.compile(rf"(?<=^## {re.escape(heading)}\n)(.*?)^\| key \|.*?\n(?=\n)", re.M | re.S)
        if not place.search(text):
            raise ValueError(f"spec.md has no table of keys below '## {heading}'")
        text = place.sub(lambda found, keys=keys: found[1] + schema.rows(keys), text, count=1)  # type: ignore[misc]
    return text


@functools.cache
def accuracy() -> ModuleType:
    """bench/accuracy.py, which is no package."""
    spec = importlib.util.spec_from_file_location("bench_accuracy", ROOT / "bench" / "accuracy.py")
    if spec is None or spec.loader is None:
        raise ValueError("bench/accuracy.py is not there")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@functools.cache
def accuracy_table() -> str:
    """What bench/accuracy.py measures; it takes a few seconds."""
    return str(accuracy().table())


def with_accuracy(text: str) -> str:
    """accuracy.md with its table; ValueError where there is none."""
    place = re.compile(r"^\| change \|.*?\n(?=\n)", re.MULTILINE | re.DOTALL)
    if not place.search(text):
        raise ValueError("accuracy.md has no table")
    return place.sub(lambda _: accuracy_table(), text, count=1)


def events_page() -> str:
    """The JSON Schema of a line of events.jsonl."""
    (head, line), parts = msgspec.json.schema_components([Head, Line], schema_hook=lambda _: {"type": "string"})
    made = {
        "$schema": schema.ADDRESS,
        "title": "A line of a run's events.jsonl",
        "oneOf": [head, line],
        "$defs": parts,
    }
    return json.dumps(made, indent=2) + "\n"


def schema_page() -> str:
    """The JSON Schema of spec.yml as a file."""
    return json.dumps(schema.json_schema(), indent=2) + "\n"


PAGES: dict[str, Callable[[str], str]] = {
    "docs/reference/cli.md": lambda _: cli_page(),
    "docs/reference/json.md": lambda _: json_page(),
    "docs/reference/spec.md": with_keys,
    "docs/reference/spec.schema.json": lambda _: schema_page(),
    "docs/reference/plan.schema.json": lambda _: json.dumps(plan_schema.plan_schema(), indent=2) + "\n",
    "docs/reference/events.schema.json": lambda _: events_page(),
    "README.md": with_plan,
    "docs/tutorial/first-stack.md": with_plan,
    "docs/explanation/accuracy.md": with_accuracy,
}
"""From a page's text as it is to its text as the code has it."""


def drifted(unseen: Container[str] = ()) -> dict[str, str]:
    """The pages that are not what the code says, and what they should be; but for those that are left `unseen`."""
    found = {}
    for name, make in PAGES.items():
        if name in unseen:
            continue
        path = ROOT / name
        old = path.read_text(encoding="utf-8") if path.is_file() else ""
        if (new := make(old)) != old:
            found[name] = new
    return found


def main(argv: list[str]) -> int:
    """Write the pages, or with --check name those that are out of date."""
    if argv not in ([], ["--check"]):
        print("usage: python docs/generate.py [--check]", file=sys.stderr)
        return 2
    old = drifted()
    for name, text in old.items():
        if argv:
            print(f"{name} is not what the code says: run python docs/generate.py", file=sys.stderr)
        else:
            (ROOT / name).write_text(text, encoding="utf-8")
    return 1 if argv and old else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
