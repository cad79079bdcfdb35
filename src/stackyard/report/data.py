# SPDX-License-Identifier: MIT
"""The JSON that others build on, `"format": 1`. Image, tag and path strings are exactly those a person would type.

In: values. Out: plain dicts, fields in a fixed order. Pure. Reference: docs/reference/json.md
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from stackyard.model import canonical
from stackyard.model.moves import MoveSet
from stackyard.model.outcome import Outcome, Pace, RunSummary
from stackyard.model.plan import Plan, Step, expectation
from stackyard.model.stack import Finding, Stack, Target

FORMAT = 1


def plan_data(plan: Plan) -> dict[str, Any]:
    """A plan: every target of the stack has a step."""
    return {
        "format": FORMAT,
        "stack": _stack(plan),
        "since": plan.since and {"reference": plan.since.reference, "commit": plan.since.commit, "now": plan.since.now},
        "steps": [_step(step) for step in plan.steps],
        "findings": findings_data(plan.findings),
        "notes": [canonical.builtins(note) for note in plan.notes],
    }


def _stack(plan: Plan) -> dict[str, Any]:
    expected = expectation(plan)
    return {
        "name": plan.stack,
        "commit": plan.revision.commit,
        "branch": plan.revision.branch,
        "pull_request": plan.revision.pull_request,
        "base": plan.revision.base,
        "dirty": plan.revision.is_dirty,
        "publishing": plan.is_publishing,
        "checked": plan.is_checked,
        "has_work": plan.has_work,
        "expected_s": round(expected.path_s, 3) if expected.total_s else None,
        "expected_total_s": round(expected.total_s, 3) if expected.total_s else None,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "target": str(step.target),
        "image": str(step.image),
        "version": step.version and str(step.version),
        **_platforms(step),
        "action": step.action,
        "repository": str(step.repository),
        "tags": [str(tag) for tag in step.tags],
        "build_args": dict(step.build_args),
        "context": step.context,
        "parents": [{"target": str(p.target), "reference": p.reference} for p in step.parents],
        "bases": [{"reference": str(b.reference), "accepted": b.accepted and str(b.accepted)} for b in step.bases],
        "downloads": [{"address": d.address, "accepted": d.accepted and str(d.accepted)} for d in step.downloads],
        "tests": [{"suite": suite.kind, "folders": list(suite.folders)} for suite in step.suites],
        "commands": [
            {"name": each.name, "description": each.description, "command": each.command, "optional": each.is_optional}
            for each in step.commands
        ],
        "reasons": [canonical.builtins(reason) for reason in step.reasons],
        "source_fingerprint": str(step.source),
        "build_fingerprint": step.build and str(step.build),
        "record": step.record,
        "expected_s": step.expected_s and round(step.expected_s, 3),
    }


def _platforms(of: Step | Target) -> dict[str, list[str]]:
    """Only where the stack says something of platforms."""
    return {"platforms": [str(platform) for platform in of.platforms]} if of.platforms else {}


def error_data(error: BaseException, sentence: str, hint: str | None, exit_code: int) -> dict[str, Any]:
    """A command that could not be carried out: what a person reads on stderr, with the facts apart."""
    kind = "".join(f"-{c.lower()}" if c.isupper() else c for c in type(error).__name__).lstrip("-")
    facts = dict(getattr(error, "facts", {}))
    findings = facts.pop("findings", None)
    shown: dict[str, Any] = {name: fact for name, fact in facts.items() if isinstance(fact, str | int | None)}
    if "gates" in facts:
        shown["gates"] = [canonical.builtins(state) for state in facts["gates"]]
    found = {"findings": findings_data(findings)} if findings is not None else {}
    return {
        "format": FORMAT,
        "error": {"kind": kind, "sentence": sentence, "hint": hint, "exit_code": exit_code, "facts": shown, **found},
    }


def findings_data(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings, in the order given."""
    return [canonical.builtins(finding) for finding in findings]


def run_data(summary: RunSummary) -> dict[str, Any]:
    """A run: an outcome for every target of the stack."""
    return {
        "format": FORMAT,
        "run": summary.number or None,
        "command": summary.command,
        "started": summary.started,
        "commit": summary.commit,
        "branch": summary.branch,
        "duration_s": round(summary.duration_s, 3),
        "good": summary.is_good,
        "interrupted": summary.is_interrupted,
        "outcomes": [outcome_data(outcome) for outcome in summary.outcomes],
        "moved": [moves_data(moves) for moves in summary.moved],
        "notes": list(summary.notes),
        "remarks": list(summary.remarks),
        "free_before_bytes": summary.free_before_bytes,
        "free_after_bytes": summary.free_after_bytes,
        "pace": summary.pace and _pace(summary.pace),
    }


def _pace(pace: Pace) -> dict[str, Any]:
    return {
        "critical_path": [
            {"target": str(each.target), "job": each.job, "duration_s": round(each.duration_s, 3)} for each in pace.path
        ],
        "critical_path_s": round(pace.path_s, 3),
        "work_s": round(pace.work_s, 3),
        "bound_s": round(pace.bound_s, 3),
        "bound_by": pace.bound_by,
    }


def outcome_data(outcome: Outcome) -> dict[str, Any]:
    """What happened to a target."""
    published = outcome.published
    return {
        "target": str(outcome.target),
        "status": outcome.status,
        "reasons": [canonical.builtins(reason) for reason in outcome.reasons],
        "duration_s": round(outcome.duration_s, 3),
        "size_bytes": outcome.size_bytes,
        "size_before_bytes": outcome.size_before_bytes,
        "jobs": [
            {
                "job": each.job,
                "begun_s": round(each.begun_s, 3),
                "duration_s": round(each.duration_s, 3),
                "waited_s": round(each.waited_s, 3),
            }
            for each in outcome.jobs
        ],
        "same_as_before": outcome.same_as_before,
        "tests": [
            {
                "suite": t.suite,
                "passed": t.passed,
                "total": t.total,
                "failed": t.failed,
                "skipped": t.skipped,
                "attempt": t.attempt,
                "cases": [
                    {
                        "name": case.name,
                        "result": case.result,
                        "duration_s": round(case.duration_s, 3),
                        "message": case.message,
                        "output": case.output,
                    }
                    for case in t.cases
                ],
            }
            for t in outcome.tests
        ],
        "published": published
        and {
            "reference": str(published.reference),
            "digest": published.reference.digest and str(published.reference.digest),
            "tags": [str(tag) for tag in published.tags],
        },
        "failure": outcome.failure,
        "details": list(outcome.details),
        "path": outcome.path,
        "line": outcome.line,
        "because": outcome.because and str(outcome.because),
        "excused": outcome.is_excused,
        "interrupted": outcome.is_interrupted,
        "logs": list(outcome.logs),
        "retries": outcome.retries,
    }


def moves_data(moves: MoveSet) -> dict[str, Any]:
    """A set of moves, planned or made."""
    return {
        "kind": moves.kind,
        "channel": moves.channel,
        "source": moves.source,
        "place": moves.place,
        "at": moves.at,
        "commit": moves.commit,
        "state": moves.state,
        "release": moves.release,
        "by": moves.by,
        "notes": moves.notes,
        "accepted": [
            {
                "reference": str(each.reference),
                "recorded": each.recorded and str(each.recorded),
                "found": each.found and str(each.found),
            }
            for each in moves.accepted
        ],
        "accepted_because": moves.accepted_because,
        "staying": [str(reference) for reference in moves.staying],
        "moves": [
            {
                "target": str(move.target),
                "reference": str(move.reference),
                "was": move.was and str(move.was),
                "now": move.now and str(move.now),
            }
            for move in moves.moves
        ],
        "gates": [canonical.builtins(state) for state in moves.gates],
    }


def stack_data(stack: Stack) -> dict[str, Any]:
    """A stack as it was read."""
    return {
        "format": FORMAT,
        "stack": {"name": stack.name, "images_folder": stack.images_folder},
        "targets": [
            {
                "target": str(target.name),
                **_platforms(target),
                "repository": str(target.repository),
                "context": target.context,
                "parents": [str(name) for name in target.parent_names],
                "bases": [str(base) for base in target.bases],
                "suites": [suite.kind for suite in target.suites],
            }
            for target in stack.targets
        ],
    }


def history_data(runs: Sequence[RunSummary], channels: Sequence[MoveSet]) -> dict[str, Any]:
    """Runs and channel moves, newest first."""
    return {
        "format": FORMAT,
        "runs": [{key: value for key, value in run_data(run).items() if key != "format"} for run in runs],
        "channels": [moves_data(moves) for moves in channels],
    }
