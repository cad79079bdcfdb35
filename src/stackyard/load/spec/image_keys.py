# SPDX-License-Identifier: MIT
"""The keys of an image's entry in spec.yml, and of what stands within it: a part of the table in schema.py.

In:   nothing
Out:  the tables
Pure.
"""

from __future__ import annotations

from stackyard.load.spec.check_keys import CHECKS_LIST
from stackyard.load.spec.kinds import (
    AGE,
    ARGS,
    FLAG,
    FULL_TEXT,
    GRANULARITY,
    NAMES,
    NETWORK,
    SCALAR,
    TEXT,
    TEXT_OR_LIST,
    TIME,
    TIMES,
    Key,
    Kind,
    Schema,
    list_of,
    mapping_of,
    object_of,
)
from stackyard.load.spec.lock_keys import LOCK

SECRET = object_of(
    (
        Key(("env",), TEXT, "none", "the variable of the environment that has it"),
        Key(("file",), TEXT, "none", "the file that has it: below the stack's root, absolute, or with `~`"),
    )
)
SECRETS = Kind("mapping of `{env: NAME}` or `{file: PATH}`", mapping_of(SECRET))
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
FILES_LIST: Schema = {"type": ["array", "null"], "items": object_of(FILES, may_be_empty=False)}
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
    Key(("files",), Kind("list", FILES_LIST), "none", "what the build context gets from elsewhere, see below"),
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
