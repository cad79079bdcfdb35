# SPDX-License-Identifier: MIT
"""`channels:` of a spec: lists of gates, and what is wrong with them where it stands."""

from __future__ import annotations

from stackyard.load.spec.read import read_spec
from stackyard.model.gates import ChannelGates, Gate
from tests.cases import each_of

HEAD = "images: {lab: , gpu-lab: }\ngroups: {gpus: [gpu-lab]}\nvars: {term: fall}\n"


def test_each_channel_lists_its_gates() -> None:
    """A list, one name, or names with the images they are asked of; channels may be templates."""
    text = """channels:
  stable: {tests: integration, reports: {gpu: gpus, cpu: }, approvals: [teaching]}
  "{term}-{prefix}": {tests: {basic: [lab, 'g*']}}
  beta:
"""
    found, findings = read_spec((HEAD + text).encode(), "spec.yml")

    assert findings == ()
    assert found.gates == (
        ChannelGates(
            "stable",
            (
                Gate("integration", "tests"),
                Gate("gpu", "report", ("gpus",)),
                Gate("cpu", "report"),
                Gate("teaching", "approval"),
            ),
        ),
        ChannelGates("{term}-{prefix}", (Gate("basic", "tests", ("lab", "g*")),)),
        ChannelGates("beta", ()),
    )


@each_of(
    ("text", "line", "said", "hint"),
    [
        (
            "channels:\n  stable:\n    tests:\n    - basic\n    - integration_tests\n",
            8,
            "'integration_tests'",
            "did you mean 'integration'?",
        ),
        ("channels:\n  stable:\n    tests: [test]\n", 6, "no tests of the kind 'test'", "did you mean 'basic'?"),
        (
            "channels:\n  stable:\n    tests: {intergation: lab}\n",
            6,
            "kind 'intergation'",
            "did you mean 'integration'?",
        ),
        (
            "channels:\n  stable:\n    tests: [zzz]\n",
            6,
            "kind 'zzz'",
            "it is one of basic, integration, checks, inventory, workflow",
        ),
        ("channels:\n  stable:\n    reports: [basic]\n", 6, "is the name of a kind of tests", "a name of its own"),
        ("channels:\n  a: {reports: gpu}\n  b: {approvals: gpu}\n", 6, "is the name of a report", "a name of its own"),
        ("channels:\n  stable:\n    approvals: ['--by']\n", 6, "'--by' is not a valid name of a gate", "small letters"),
        ("channels:\n  'not a tag': {}\n", 5, "'not a tag' is not a valid tag", "a tag has up to 128"),
        ("channels:\n  '{nothing}': {}\n", 5, "uses {nothing}, which is none of", None),
        ("channels: [stable]\n", 4, "`channels` should be a mapping", "NAME: VALUE"),
        ("channels: {stable: gpu}\n", 4, "channel 'stable' should be a mapping", "NAME: VALUE"),
        ("channels: {stable: {reports: [[gpu]]}}\n", 4, "each entry of `reports` of channel 'stable'", None),
    ],
)
def test_what_nobody_could_pass_is_an_error(text: str, line: int, said: str, hint: str | None) -> None:
    """With its line and what to write."""
    _, findings = read_spec((HEAD + text).encode(), "spec.yml")

    (finding,) = findings
    assert (finding.level, finding.line) == ("error", line)
    assert said in finding.sentence
    assert hint is None or hint in (finding.hint or "")


def test_unknown_keys_and_images_are_told() -> None:
    """A slip is a warning where it stands: to move the channel is refused until it is mended."""
    text = "channels:\n  stable:\n    report: [gpu]\n    reports: {gpu: [gpu-lba]}\n"
    _, findings = read_spec((HEAD + text).encode(), "spec.yml")

    assert [(each.code, each.line, each.hint) for each in findings] == [
        ("unknown-key", 6, "did you mean 'reports'?"),
        ("unknown-member", 7, "did you mean 'gpu-lab'?"),
    ]
