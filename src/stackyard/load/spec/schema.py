# SPDX-License-Identifier: MIT
"""The keys of spec.yml: one table that its reader, its JSON Schema and its reference page are made from.

In:   nothing
Out:  the tables; `known` for the reader, `json_schema` for editors, `rows` for docs/reference/spec.md
Pure.
Beside: image_keys, check_keys and lock_keys, which have parts of the table

The schema takes what the reader takes without an error. A key that nothing reads is a warning to the
reader and a mistake to the schema: an editor is where it should be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stackyard.load.spec.check_keys import CHECK_IMAGE, CHECK_SIZE, CHECKS, CHECKS_LIST
from stackyard.load.spec.image_keys import FILES, FILES_LIST, IMAGE, SECRETS, TESTS
from stackyard.load.spec.kinds import (
    AGE,
    ARGS,
    BRANCHES,
    COMMAND_WORDS,
    FLAG,
    FULL_TEXT,
    GRANULARITY,
    INVENTORIES,
    NETWORK,
    RECORDS,
    SOME_NAMES,
    TEXT,
    TEXT_OR_LIST,
    TIME,
    Key,
    Kind,
    Schema,
    any_of,
    list_of,
    mapping_of,
    object_of,
)
from stackyard.load.spec.lock_keys import DEBIAN, LOCK

ADDRESS = "https://json-schema.org/draft/2020-12/schema"
TITLE = "spec.yml of a stack of container images"
CACHE = (
    Key(("from",), TEXT_OR_LIST, "none", "places to take cached steps from"),
    Key(("to",), TEXT_OR_LIST, "none", "places to leave them in"),
)
ATTESTATIONS = (
    Key(("provenance",), FLAG, "`false`", "how it was built: BuildKit's provenance, without values of arguments"),
    Key(("sbom",), TEXT, "none", "the image that lists what is inside, by digest: `REPOSITORY@sha256:...`"),
)
TAG = (
    Key(("prefix",), TEXT, "none", "what `{prefix}` stands for"),
    Key(("fixed",), TEXT_OR_LIST, "`{prefix}-{commit}`", "tags that never move once published"),
    Key(("moving",), TEXT_OR_LIST, "`{prefix}-{branch}`", "tags that follow"),
)
PLAN = (
    Key(("tag_prefix",), TEXT, "none", "what `{prefix}` stands for in this plan"),
    Key(("tag_stable_postfix",), TEXT, "`-stable`", "what a stable tag of this plan ends in"),
    Key(("vars",), ARGS, "none", "as at the top, for this plan; it wins over the image's"),
)
COMMAND = (
    Key(
        ("command",),
        COMMAND_WORDS,
        "required",
        "what runs in a container of the image, without a shell; text is split as a shell does",
        is_required=True,
    ),
    Key(("description",), TEXT, "the name", "what it is called in logs"),
    Key(("optional",), FLAG, "false", "whether it may fail: it is recorded, and counts as skipped"),
)
ECR = (
    Key(("account",), TEXT, "`AWS_ACCOUNT_ID`", "twelve digits; in quotes if they begin with 0"),
    Key(("region",), TEXT, "`AWS_REGION`, else `us-west-2`", "where the repositories are"),
)
_GATES = Kind(
    "list, or mapping of lists",
    {**SOME_NAMES, "type": [*SOME_NAMES["type"], "object"], "additionalProperties": SOME_NAMES},
)
_TEST: Schema = {"enum": ["basic", "integration", "checks", "inventory", "workflow"]}
_TESTS: Schema = {
    "anyOf": [_TEST, {"type": "null"}, list_of(_TEST), {**mapping_of(SOME_NAMES), "propertyNames": _TEST}],
}
CHANNEL = (
    Key(
        ("tests",),
        Kind("list of `basic`, `integration`, `checks`, `inventory`, `workflow`, or mapping of lists", _TESTS),
        "none",
        "tests that every image must have, beside having passed those that it has",
    ),
    Key(
        ("reports",), _GATES, "none", "results from outside, by names of your own: what `stackyard gate report` brings"
    ),
    Key(("approvals",), _GATES, "none", "what a person has to say, by names of your own: `stackyard gate approve`"),
)
REGISTRY = (
    Key(
        ("registry",),
        FULL_TEXT,
        "required",
        "what goes before the name of each image there: `docker.io/campus`",
        is_required=True,
    ),
    Key(("images",), TEXT_OR_LIST, "all", "what is copied there: images, versions, patterns of them, groups"),
    Key(("version",), TEXT, "all", "of images with versions, the one that is copied, by its name"),
)
_COUNT = {"type": "integer", "minimum": 0, "maximum": 99999}
RETENTION = (
    Key(
        ("channels",),
        Kind("a number", {**_COUNT, "minimum": 1}),
        "5",
        "so many of the sets that each channel was at stay, the one it stands at included",
    ),
    Key(("days",), Kind("a number", _COUNT), "30", "what was built or published in the last so many days stays"),
    Key(
        ("releases",),
        Kind("a number, or `all`", {"anyOf": [_COUNT, {"enum": ["all"]}]}),
        "all",
        "so many of the newest releases stay",
    ),
)
PUBLISH = (
    Key(
        ("branches",),
        BRANCHES,
        "every branch",
        "branches whose runs publish, `*` for any text; on another, `--push` publishes nothing and says so",
    ),
    Key(
        ("pull_requests",),
        FLAG,
        "false",
        "whether the run of a pull request publishes, as `pr-NUMBER-COMMIT` and nothing else; of a fork, never",
    ),
)
WORDS = (
    Key(("rebuild",), TEXT_OR_LIST, "`full rebuild`", "every image is built anew, as with `--rebuild all`"),
    Key(("skip",), TEXT_OR_LIST, "`skip ci`", "nothing is planned, built or published"),
    Key(("skip_push",), TEXT_OR_LIST, "`skip push`", "nothing is published"),
)
_PLAN = object_of(PLAN)
_COMMANDS = mapping_of(object_of(COMMAND, may_be_empty=False))
TOP = (
    Key(
        ("images",),
        Kind("mapping", mapping_of(object_of(IMAGE))),
        "required",
        "one entry per image, named like its folder",
    ),
    Key(("name",), TEXT, "the folder's name", "what the stack is called in plans"),
    Key(("registry",), FULL_TEXT, "none", "goes before the name of each image that names no registry"),
    Key(
        ("records",),
        RECORDS,
        "`registry`",
        "where it is kept what was built and tested: beside the published images, so that other machines know it, "
        "only here, or in one repository for all images, whose name is made as theirs are",
    ),
    Key(("source",), FULL_TEXT, "none", "where the stack's files can be read; becomes a label of every image"),
    Key(
        ("images_dir",),
        FULL_TEXT,
        "`images`, else the root",
        "in `stackyard.yml`: where the images are; if it says nothing else, the `spec.yml` there says the rest",
    ),
    Key(("vars",), ARGS, "none", "values for `{NAME}` in build arguments, tags and commands"),
    Key(
        ("build_args",),
        ARGS,
        "none",
        "build arguments that every image gets, behind its own; an image's own value wins",
    ),
    Key(
        ("platforms",),
        TEXT_OR_LIST,
        "this machine's",
        "what each image is built for, as `[linux/amd64, linux/arm64]`; several are joined under each tag, "
        "see [build for several platforms](../how-to/build-for-several-platforms.md)",
    ),
    Key(
        ("engines",),
        ARGS,
        "none",
        "an engine of its own for a platform, as `linux/arm64: NAME`: a docker context, or an address as "
        "`ssh://user@host`",
    ),
    Key(("max_age",), AGE, "`never`", "how old an image may become before it is built again, see below"),
    Key(
        ("timeout",),
        TIME,
        "builds `never`, tests `1h`",
        "how long the build of an image may take, and each suite of its tests; then it is ended, and has failed",
    ),
    Key(
        ("secrets",),
        SECRETS,
        "none",
        "what `RUN --mount=type=secret,id=NAME` gets, by its id, see [secrets](../how-to/use-secrets.md)",
    ),
    Key(
        ("ssh",),
        SECRETS,
        "none",
        "what `RUN --mount=type=ssh` gets, by its id, `default` where the mount names none: "
        "a variable that holds an agent's socket, or a key",
    ),
    Key(
        ("cache",),
        Kind("mapping", object_of(CACHE)),
        "none",
        "where builds take cached steps from that another machine made, and leave their own, "
        "see [share the build cache](../how-to/share-the-build-cache.md)",
    ),
    Key(
        ("attestations",),
        Kind("mapping", object_of(ATTESTATIONS)),
        "none",
        "what the engine attests beside each image that it builds, "
        "see [attest what is published](../how-to/attest-what-is-published.md)",
    ),
    Key(
        ("inventories",),
        INVENTORIES,
        "none",
        "each image that a run publishes is looked into, and what is inside kept with the records; or SBOM and "
        "provenance attached to it as well, if need be by tag, "
        "see [look inside images](../how-to/look-inside-images.md#for-every-image-that-is-published)",
    ),
    Key(
        ("ecr",),
        Kind("mapping", object_of(ECR)),
        "none",
        "images are published in the private registry of an AWS account, see below",
    ),
    Key(
        ("groups",),
        Kind("mapping of lists", mapping_of(SOME_NAMES)),
        "none",
        "named sets of images, versions and patterns of them, usable wherever an image is",
    ),
    Key(
        ("files",),
        Kind("mapping of lists", mapping_of(FILES_LIST)),
        "none",
        "as in an image's entry, by image: for images that have none",
    ),
    Key(("network",), NETWORK, "`default`", "the network that `RUN` has in every image"),
    Key(
        ("granularity",),
        GRANULARITY,
        "see below",
        "which files of each build context count: all of the `folder`, or what the Dockerfile can have `copied`",
    ),
    Key(("root",), TEXT_OR_LIST, "none", "only checked: parents are known from the images"),
    Key(("tag",), Kind("mapping", object_of(TAG)), "see below", "what tags are made of, where there are no plans"),
    Key(
        ("plans", "tags"),
        Kind("mapping, or list of one-key mappings", any_of(mapping_of(_PLAN), list_of(mapping_of(_PLAN)))),
        "none",
        "several ways to build each image, see below",
    ),
    Key(("all_info_cmds", "manifests"), Kind("mapping", _COMMANDS), "none", "commands for inventories"),
    Key(
        ("checks",),
        CHECKS_LIST,
        "none",
        "what every image has to be like, see below and [check images](../how-to/check-images.md)",
    ),
    Key(("tests",), Kind("mapping", object_of(TESTS)), "none", "how tests run, and how long their results count"),
    Key(
        ("channels",),
        Kind("mapping of mappings", mapping_of(object_of(CHANNEL))),
        "none",
        "what must be there before a channel moves, see [guard a channel](../how-to/guard-a-channel.md)",
    ),
    Key(
        ("registries",),
        Kind("mapping of mappings", mapping_of(object_of(REGISTRY))),
        "none",
        "other registries, by a name of your own, that `stackyard copy` brings images to, see below",
    ),
    Key(
        ("locks",),
        Kind("mapping of mappings", mapping_of(object_of(LOCK))),
        "none",
        "sets of dependencies that are locked, by name, see [lock dependencies](../how-to/lock-dependencies.md)",
    ),
    Key(
        ("retention",),
        Kind("mapping", object_of(RETENTION)),
        "see below",
        "what `stackyard prune` leaves, beside what is in use; `prune: true` of an image is another thing",
    ),
    Key(("publish",), Kind("mapping", object_of(PUBLISH)), "none", "which runs publish, see below"),
    Key(
        ("words",),
        Kind("mapping, or true or false", any_of({"type": "boolean"}, object_of(WORDS))),
        "true in `images/spec.yml`, else false",
        "words in a commit's message that runs of CI obey, see below",
    ),
    Key(
        ("plan_all",),
        BRANCHES,
        "`main` in `images/spec.yml`, else none",
        "branches on which CI plans every image, whatever a commit changed",
    ),
    Key(
        ("rebuild_all",),
        BRANCHES,
        "none",
        "branches on which CI builds every image anew, as with `--rebuild all`",
    ),
)

SECTIONS = {
    "Top level": TOP,
    "images.NAME": IMAGE,
    "images.NAME.files": FILES,
    "ecr": ECR,
    "tag": TAG,
    "plans.NAME": PLAN,
    "all_info_cmds.NAME": COMMAND,
    "tests": TESTS,
    **{f"checks: {name}": keys for name, keys in CHECKS.items()},
    "checks: image.image": CHECK_IMAGE,
    "checks: size.size": CHECK_SIZE,
    "channels.NAME": CHANNEL,
    "registries.NAME": REGISTRY,
    "locks.NAME": LOCK,
    "locks.NAME.debian": DEBIAN,
    "retention": RETENTION,
    "publish": PUBLISH,
    "words": WORDS,
}
"""Headings of the reference page, and whose keys stand below them."""


def json_schema() -> dict[str, Any]:
    """The schema of a whole file. `images` may be missing in a stackyard.yml, so it is not required."""
    return {
        "$schema": ADDRESS,
        "title": TITLE,
        "description": "images/spec.yml, or stackyard.yml at the root of a repository.",
        **object_of(TOP, may_be_empty=False),
    }


def rows(keys: Sequence[Key]) -> str:
    """The keys as a Markdown table."""
    lines = ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
    for key in keys:
        names = ", ".join(f"`{name}`" for name in key.names)
        lines.append(f"| {names} | {key.kind.words} | {key.default} | {key.meaning} |")
    return "\n".join(lines) + "\n"
