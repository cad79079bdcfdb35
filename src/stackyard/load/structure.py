# SPDX-License-Identifier: MIT
"""Files of container-structure-test, schema 2.0.0, read as they are.

In:   the bytes of a file
Out:  Checks, in file order; a warning for what is not done here (licence tests, options of the engine)
Raises: FileProblem for a file that cannot be understood
Source: the documentation of GoogleContainerTools/container-structure-test, "Command Tests" and what follows it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from stackyard.load.spec.checks import compiled, patterns
from stackyard.load.yaml import Doc, read
from stackyard.model.checks import Check, CommandCheck, FileCheck, ImageCheck, Pair
from stackyard.model.stack import Finding

_TOP = (
    "schemaVersion",
    "globalEnvVars",
    "commandTests",
    "fileExistenceTests",
    "fileContentTests",
    "metadataTest",
    "licenseTests",
    "containerRunOptions",
)
_BY = ("owner", "group", "other", "any")


def structure_checks(data: bytes, path: str) -> tuple[tuple[Check, ...], tuple[Finding, ...]]:
    """What a file asks for, and what of it nothing here looks at."""
    doc = read(data, path)
    top = doc.mapping("the file")
    version = top["schemaVersion"].text("`schemaVersion`") if "schemaVersion" in top else ""
    if not version.startswith("2."):
        sentence = f"it is of schema {version or 'nobody knows which'}, and 2.0.0 is read"
        raise (top.get("schemaVersion") or doc).problem(sentence, "schemaVersion: 2.0.0", wanted="2.0.0")
    findings = list(_unread(doc, top))
    shared = _pairs(top.get("globalEnvVars"))
    options = _mapping(top.get("containerRunOptions"))
    user = _text(options, "user")
    checks: list[Check] = []
    for entry in _list(top.get("commandTests")):
        checks.append(_command(_mapping(entry), shared, user, entry))
    for entry in _list(top.get("fileExistenceTests")):
        checks.append(_existence(_mapping(entry), entry))
    for entry in _list(top.get("fileContentTests")):
        values = _mapping(entry)
        wanted, unwanted = _patterns(values, "expectedContents"), _patterns(values, "excludedContents")
        checks.append(FileCheck(_name(values, "file content"), _path(values, entry), contains=wanted, lacks=unwanted))
    if "metadataTest" in top:
        checks.append(_metadata(_mapping(top["metadataTest"])))
    return tuple(checks), tuple(findings)


def _unread(doc: Doc, top: Mapping[str, Doc]) -> Iterator[Finding]:
    for key in top:
        if key not in _TOP or key == "licenseTests":
            yield Finding(
                "unknown-key",
                "warning",
                f"{doc.path} has {key!r}, which is not looked at",
                *doc.at(key),
                hint="a check of your own says it: `command`",
                found=key,
            )
    if "containerRunOptions" in top:
        for key in _mapping(top["containerRunOptions"]):
            if key not in ("user", "allocateTty"):
                yield Finding(
                    "unknown-key",
                    "warning",
                    f"{doc.path} asks to run containers with {key!r}, which is not done",
                    *top["containerRunOptions"].at(key),
                    hint="such tests belong into pytest: `test/`",
                    found=key,
                )


def _command(values: Mapping[str, Doc], shared: tuple[Pair, ...], user: str, entry: Doc) -> Check:
    if "command" not in values:
        raise entry.problem("a command test without `command`", "name the program", wanted="command")
    argv = (*values["command"].texts("`command`"), *_texts(values, "args"))
    env = {pair.name: pair.value for pair in (*shared, *_pairs(values.get("envVars")))}
    code = _text(values, "exitCode") or "0"
    if not code.removeprefix("-").isdigit():
        raise values["exitCode"].problem("`exitCode` should be a number", "0 is a success", wanted="a number")
    return CommandCheck(
        _name(values, "command"),
        argv,
        int(code),
        _patterns(values, "expectedOutput"),
        _patterns(values, "excludedOutput"),
        _patterns(values, "expectedError"),
        _patterns(values, "excludedError"),
        user,
        tuple(env.items()),
        tuple(tuple(each.texts("`setup`")) for each in _list(values.get("setup"))),
        tuple(tuple(each.texts("`teardown`")) for each in _list(values.get("teardown"))),
        is_stdout_only=True,
    )


def _existence(values: Mapping[str, Doc], entry: Doc) -> Check:
    exists = values["shouldExist"].flag("`shouldExist`") if "shouldExist" in values else True
    check = FileCheck(_name(values, "file"), _path(values, entry), exists)
    if not exists:
        return check
    by = _text(values, "isExecutableBy")
    if by and by not in _BY:
        raise values["isExecutableBy"].problem(f"`isExecutableBy` is {by!r}", f"one of {', '.join(_BY)}")
    return msgspec.structs.replace(
        check,
        mode=_text(values, "permissions"),
        owner=_text(values, "uid"),
        group=_text(values, "gid"),
        executable_by=by,
    )


def _metadata(values: Mapping[str, Doc]) -> Check:
    pairs = _pairs(values.get("envVars")) + _pairs(values.get("env"))
    return ImageCheck(
        "metadata",
        env=pairs,
        no_env=tuple(pair.name for pair in _pairs(values.get("unboundEnvVars"))),
        labels=_pairs(values.get("labels")),
        user=_text(values, "user") if "user" in values else None,
        workdir=_text(values, "workdir") if "workdir" in values else None,
        entrypoint=_texts(values, "entrypoint") if "entrypoint" in values else None,
        cmd=_texts(values, "cmd") if "cmd" in values else None,
        ports=_texts(values, "exposedPorts"),
        no_ports=_texts(values, "unexposedPorts"),
        volumes=_texts(values, "volumes"),
        no_volumes=_texts(values, "unmountedVolumes"),
    )


def _pairs(doc: Doc | None) -> tuple[Pair, ...]:
    found = []
    for entry in _list(doc):
        values = _mapping(entry)
        is_pattern = "isRegex" in values and values["isRegex"].flag("`isRegex`")
        value = _text(values, "value")
        if is_pattern:
            compiled(value, values["value"], "`value`")
        found.append(Pair(_text(values, "key"), value, is_pattern))
    return tuple(found)


def _list(doc: Doc | None) -> list[Doc]:
    if doc is None or doc.value is None:
        return []
    if not isinstance(doc.value, list):
        raise doc.problem("this should be a list", "each entry begins with a dash", wanted="a list")
    return doc.value


def _mapping(doc: Doc | None) -> dict[str, Doc]:
    return {} if doc is None else doc.mapping("an entry")


def _text(values: Mapping[str, Doc], key: str) -> str:
    return values[key].text(f"`{key}`") if key in values and values[key].value is not None else ""


def _texts(values: Mapping[str, Doc], key: str) -> tuple[str, ...]:
    return tuple(values[key].texts(f"`{key}`")) if key in values else ()


def _patterns(values: Mapping[str, Doc], key: str) -> tuple[str, ...]:
    return tuple(patterns(values.get(key), f"`{key}`"))


def _path(values: Mapping[str, Doc], entry: Doc) -> str:
    path = _text(values, "path")
    if not path:
        raise entry.problem("a test of a file without `path`", "name the file", wanted="path")
    return path if path.startswith("/") else f"/{path}"


def _name(values: Mapping[str, Doc], usual: str) -> str:
    return _text(values, "name") or f"{usual} {_text(values, 'path') or _text(values, 'command')}".strip()
