# SPDX-License-Identifier: MIT
"""The keys of spec.yml: one table that its reader, its JSON Schema and its reference page are made from.

In:   nothing
Out:  the tables; `known` for the reader, `json_schema` for editors, `rows` for docs/reference/spec.md
Pure.

The schema takes what the reader takes without an error. A key that nothing reads is a warning to the
reader and a mistake to the schema: an editor is where it should be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stackyard.load.spec.check_keys import CHECK_IMAGE, CHECK_SIZE, CHECKS, CHECKS_LIST
from stackyard.load.spec.kinds import (
    AGE,
    ARGS,
    COMMAND_WORDS,
    FLAG,
    FULL_TEXT,
    GRANULARITY,
    INVENTORIES,
    NAMES,
    NETWORK,
    RECORDS,
    SCALAR,
    SOME_NAMES,
    TEXT,
    TEXT_OR_LIST,
    TIME,
    TIMES,
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
SECRET = object_of(
    (
        Key(("env",), TEXT, "none", "the variable of the environment that has it"),
        Key(("file",), TEXT, "none", "the file that has it: below the stack's root, absolute, or with `~`"),
    )
)
CACHE = (
    Key(("from",), TEXT_OR_LIST, "none", "places to take cached steps from"),
    Key(("to",), TEXT_OR_LIST, "none", "places to leave them in"),
)
ATTESTATIONS = (
    Key(("provenance",), FLAG, "`false`", "how it was built: BuildKit's provenance, without values of arguments"),
    Key(("sbom",), TEXT, "none", "the image that lists what is inside, by digest: `REPOSITORY@sha256:...`"),
)
SECRETS = Kind("mapping of `{env: NAME}` or `{file: PATH}`", mapping_of(SECRET))
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
TESTS = (
    Key(
        ("max_age",),
        AGE,
        "`never`",
        "how old a result that passed may become: then the same tests run again on the same image",
    ),
    Key(
        ("inherit",),
        FLAG,
        "false",
        "whether the `test/` of an image, and its own `checks`, are for all images that stand on it, too",
    ),
    Key(
        ("parallel",),
        FLAG,
        "false",
        "whether pytest suites that do not use Stackyard's fixtures may run beside others on one engine",
    ),
)
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
_BASE = object_of(
    (
        Key(("name",), FULL_TEXT, "required", "another image: the same version of it is the base", is_required=True),
        Key(
            ("source",),
            Kind("`aws` or `local`", {"enum": ["aws", "local"]}),
            "required",
            "which name the base is called by",
            is_required=True,
        ),
    ),
    may_be_empty=False,
)
_VERSION = object_of(
    (
        Key(("docker_args",), ARGS, "none", "build arguments"),
        Key(("base_image",), Kind("mapping", _BASE), "none", "an image that it is built on"),
    )
)
FILES = (
    Key(
        ("from",),
        FULL_TEXT,
        "required",
        "a file or a folder, relative to the root of the stack; it may not leave the repository",
        is_required=True,
    ),
    Key(
        ("to",),
        FULL_TEXT,
        "required",
        "where it goes, relative to the build context; `.` is the context itself, and a file keeps its name "
        "where this ends in `/`",
        is_required=True,
    ),
    Key(
        ("ignore",),
        TEXT_OR_LIST,
        "none",
        "patterns as in `.dockerignore`, relative to the folder `from`: what of it is left out",
    ),
)
_FILES: Schema = {"type": ["array", "null"], "items": object_of(FILES, may_be_empty=False)}
IMAGE = (
    Key(
        ("image_name",),
        TEXT,
        "the folder's name",
        "where the image is published: `campus/ml-notebook`, `ghcr.io/campus/ml-notebook`",
    ),
    Key(("depend_on",), TEXT_OR_LIST, "none", "parents; those that the Dockerfile names are found without it"),
    Key(("build_args",), ARGS, "none", "build arguments"),
    Key(
        ("dbuild_env",),
        Kind("mapping of mappings", mapping_of(ARGS.schema)),
        "none",
        "build arguments of every plan under `common`, and of one plan under its name; the latter win",
    ),
    Key(("skip_plans",), NAMES, "none", "plans in which the image is not built"),
    Key(("info_cmds", "manifests"), NAMES, "none", "commands of its inventory, by name"),
    Key(("integration_tests",), FLAG, "false", "whether `integration_tests/` must pass"),
    Key(("checks",), CHECKS_LIST, "none", "what it has to be like, beside what the stack asks of all, see below"),
    Key(("tests",), Kind("mapping", object_of(TESTS)), "the stack's", "as at the top, for this image; it wins"),
    Key(
        ("dockerfile",),
        FULL_TEXT,
        "`Dockerfile` in the build context",
        "the Dockerfile, relative to the root of the stack",
    ),
    Key(
        ("context",),
        FULL_TEXT,
        "the Dockerfile's folder",
        "the build context, relative to the root of the stack; `.` is the root itself",
    ),
    Key(
        ("target",),
        TEXT,
        "the last stage",
        "the stage of the Dockerfile that is the image, by name, as Docker's `--target`",
    ),
    Key(("network",), NETWORK, "as at the top", "the network that `RUN` has, as Docker's `--network`"),
    Key(("granularity",), GRANULARITY, "as at the top", "which files of the build context count, see below"),
    Key(("files",), Kind("list", _FILES), "none", "what the build context gets from elsewhere, see below"),
    Key(("vars",), ARGS, "none", "as at the top, for this image; it wins"),
    Key(("max_age",), AGE, "the stack's", "as at the top, for this image; it wins"),
    Key(("timeout",), TIME, "the stack's", "as at the top, for this image; it wins"),
    Key(
        ("retries",),
        TIMES,
        "0",
        "how often a build that failed is tried again: for a `RUN` that fails now and then through no fault of its own",
    ),
    Key(("secrets",), SECRETS, "none", "as at the top, for this image, beside the stack's; it wins"),
    Key(("ssh",), SECRETS, "none", "as at the top, for this image, beside the stack's; it wins"),
    Key(
        ("allowed_to_fail",),
        FLAG,
        "false",
        "whether a run is good without it: when its build or its tests fail, it and what builds on it are not "
        "published, and nobody else is held up",
    ),
    Key(("platforms",), TEXT_OR_LIST, "the stack's", "as at the top, for this image; it wins"),
    Key(
        ("only_on",),
        TEXT_OR_LIST,
        "everywhere",
        "platforms that it can be built for, as `linux/arm64`; for others it is left alone, with what builds on it",
    ),
    Key(
        ("only_if",),
        TEXT_OR_LIST,
        "always",
        "variables of the environment that say it can be built here, as `GPU_LICENCE`; where one has no value it is "
        "left alone, with what builds on it",
    ),
    Key(
        ("versions",),
        Kind(
            "mapping, or list of names",
            {**mapping_of(_VERSION), **list_of(SCALAR), "type": ["object", "array", "null"]},
        ),
        "none",
        "versions of its own, as in [versions.yaml](versions.md); a list where they differ by their name alone",
    ),
    Key(
        ("skip",),
        Kind("true, or a reason", SCALAR),
        "false",
        "left alone: children build on its last build that passed",
    ),
    Key(
        ("prune",),
        FLAG,
        "false",
        "whether the engine lets go of the image in a run that publishes it: once what it has is what the registry "
        "has, and all that builds on it is done",
    ),
    Key(("lock",), Kind("mapping", object_of(LOCK)), "none", "its dependencies that are locked, see below"),
    Key(("prepull", "basic_tests"), FLAG, "-", "read for the sake of older files; they do nothing"),
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
        TEXT_OR_LIST,
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
        Kind("mapping of lists", mapping_of(_FILES)),
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
        TEXT_OR_LIST,
        "`main` in `images/spec.yml`, else none",
        "branches on which CI plans every image, whatever a commit changed",
    ),
    Key(
        ("rebuild_all",),
        TEXT_OR_LIST,
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
