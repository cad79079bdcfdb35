# SPDX-License-Identifier: MIT
"""Variables and build arguments of Dockerfiles: what is read and never set, what is set and never read.

In:   a Stack with its Dockerfiles; what the records know of external bases
Out:  findings, each mistake once per Dockerfile
Pure. Beside: load/mentions (where variables stand), model/dockerfile (scopes)

No false alarms before completeness: what the environment of a base outside the stack holds is known once
an image that stands on it was built here, as long as the same digest of it is accepted (BuildKit, whose
check UndefinedVar this is, reads its config). Until then a name nobody sets is told only where it is nearly
one that somebody does set, where the engine looks at arguments alone (FROM), or where a stage begins with
nothing, itself or by images of the stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from stackyard.check.secrets import is_secret
from stackyard.model.dockerfile import SCRATCH, SYNTAX_ARG, Body, Dockerfile, Mention, Stage, Use
from stackyard.model.known import Known
from stackyard.model.names import TargetName
from stackyard.model.plan import Note
from stackyard.model.selectors import matching
from stackyard.model.stack import Finding, GivenArgument, Stack, Target

BASE_TAG = "BASE_TAG"
BASE_IMAGE = "BASE_IMAGE"
PLATFORM_ARGS = frozenset(
    f"{side}{part}" for side in ("TARGET", "BUILD") for part in ("PLATFORM", "OS", "ARCH", "VARIANT")
)
"""Set by the engine, before the first FROM: a stage has them once it declares them."""
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
PREDEFINED = PLATFORM_ARGS | frozenset((*_PROXIES, *map(str.lower, _PROXIES), "SOURCE_DATE_EPOCH", SYNTAX_ARG))
"""Arguments that the engine takes without an ARG."""

NO_ENVIRONMENTS: Mapping[str, frozenset[str]] = MappingProxyType({})

PATH = "PATH"
WELL_KNOWN = frozenset((PATH, "HOME", "HOSTNAME", "PWD", "SHELL", "TERM", "USER"))
"""Names that engines or shells set without a word in any Dockerfile: nobody forgot to define them."""

_SHORTEST_TYPO = 6
_LONG = 10
"""From this length on another letter in a name is more likely a slip than another name."""


Environments = Mapping[str, frozenset[str]]
"""Names of variables in external bases, by canonical reference; perhaps some more, never too few."""


def environments_of(known: Known) -> Environments:
    """Of each base that an image was built on as it is accepted now: names that the image had came from there, or
    from its own file.
    """
    found: dict[str, frozenset[str]] = {}
    for record in (record for records in known.records.values() for record in records):
        built = record.built
        if built is None or not built.variables or not built.foundation:
            continue
        name, names = built.foundation, frozenset(built.variables)
        if dict(built.bases).get(name) == known.accepted.get(name, ""):
            found[name] = found.get(name, names) & names
    return found


def variable_findings(stack: Stack, outside: Environments = NO_ENVIRONMENTS) -> Iterator[Finding]:
    """What is wrong with variables, in the order of the targets.

    Args:
        outside: what is known of the bases that no image of the stack is.
    """
    by_name = {target.name: target for target in stack.targets}
    bad_lines = {(finding.path, finding.line) for finding in stack.findings if finding.code == "bad-reference"}
    users: dict[str, list[Target]] = {}
    for target in stack.targets:
        if target.dockerfile in stack.dockerfiles:
            users.setdefault(target.dockerfile, []).append(target)
    environments: dict[TargetName, frozenset[str]] = {}
    everywhere = _passed_everywhere(stack)
    for path, targets in users.items():
        dockerfile = stack.dockerfiles[path]
        inherited = frozenset[str]().union(
            *(
                _environment(parent, by_name, stack.dockerfiles, environments)
                for target in targets
                for parent in target.parent_names
            )
        )
        foreign = frozenset[str]().union(*(_foreign(target, by_name, outside) for target in targets))
        on_build = {target.name: _on_build(target, by_name, stack) for target in targets}
        acting = frozenset[str]().union(*on_build.values())
        known_lines = _known_lines(targets, by_name, stack, outside)
        yield from _unset(dockerfile, inherited | acting, foreign, known_lines, bad_lines)
        yield from _unreplaced(dockerfile, bad_lines)
        yield from _unread(dockerfile, targets, acting)
        for target in targets:
            yield from _passed_for_nothing(target, dockerfile, everywhere | on_build[target.name])


def _on_build(target: Target, by_name: Mapping[TargetName, Target], stack: Stack) -> frozenset[str]:
    """Names that `ONBUILD` declares or sets in this build: of the parents, and of stages that others stand on."""
    parents = [stack.dockerfile_of(by_name[use.target]) for use in target.parents if use.target in by_name]
    own = stack.dockerfile_of(target)
    stages = [parent.stages[-1] for parent in parents if parent] + [*(own.stages[:-1] if own else ())]
    return frozenset(name for stage in stages for name in _declared(stage.triggers))


def _environment(
    name: TargetName,
    by_name: Mapping[TargetName, Target],
    dockerfiles: Mapping[str, Dockerfile],
    done: dict[TargetName, frozenset[str]],
) -> frozenset[str]:
    """Names that `ENV`, also after `ONBUILD`, sets in an image or in what it builds on; never too few of those."""
    todo = [name]
    while todo:
        here = todo[-1]
        target = by_name.get(here)
        parents = [parent for parent in target.parent_names if parent in by_name] if target else []
        if here not in done and (missing := [parent for parent in parents if parent not in done]):
            done[here] = frozenset()  # a ring ends here
            todo.extend(missing)
            continue
        dockerfile = dockerfiles.get(target.dockerfile) if target else None
        stages = dockerfile.stages if dockerfile else ()
        own = frozenset(env.name for stage in stages for body in (stage, stage.triggers) for env in body.env)
        done[here] = own.union(*(done.get(parent, frozenset()) for parent in parents))
        todo.pop()
    return done[name]


def _foreign(target: Target, by_name: Mapping[TargetName, Target], outside: Environments) -> frozenset[str]:
    """Names in the environments of all external bases that a target or what it stands on is made from."""
    seen: dict[TargetName, Target] = {}
    todo = [target]
    while todo:
        here = todo.pop()
        seen[here.name] = here
        todo += [by_name[name] for name in here.parent_names if name in by_name and name not in seen]
    bases = {base.canonical for each in seen.values() for base in each.bases} if outside else ()
    return frozenset[str]().union(*(outside.get(base, frozenset()) for base in bases))


def _known_lines(
    targets: Sequence[Target], by_name: Mapping[TargetName, Target], stack: Stack, outside: Environments
) -> set[int]:
    """Lines of the FROMs whose base has no environment but what Dockerfiles of the stack say, and what is known of
    bases outside it, in every target.
    """
    lines = []
    for target in targets:
        dockerfile = stack.dockerfile_of(target)
        owners = {str(reference): parent.target for parent in target.parents for reference in parent.references}
        found = set()
        for use, text, _ in dockerfile.places(dict(target.args), target.inputs.platform) if dockerfile else ():
            if use.how != "from":
                continue
            if _is_ground(text, target, outside) or _is_known(owners.get(text), by_name, stack, outside):
                found.add(use.line)
        lines.append(found)
    return set.intersection(*lines)


def _is_ground(text: str, target: Target, outside: Environments) -> bool:
    """Whether a base is nothing, or one of which is known what its environment holds."""
    return text == SCRATCH or any(text == str(base) and base.canonical in outside for base in target.bases)


def _is_known(
    name: TargetName | None, by_name: Mapping[TargetName, Target], stack: Stack, outside: Environments
) -> bool:
    """Whether an image of the stack stands on such a ground, or on another of which this is true."""
    seen: set[TargetName] = set()
    while name is not None and name in by_name and name not in seen:
        seen.add(name)
        target = by_name[name]
        dockerfile = stack.dockerfile_of(target)
        text = dockerfile.foundation(dict(target.args), target.inputs.platform) if dockerfile else ""
        if _is_ground(text, target, outside):
            return True
        name = target.foundation
    return False


# Read, and never set.


def _unset(
    dockerfile: Dockerfile,
    inherited: frozenset[str],
    foreign: frozenset[str],
    known_lines: set[int],
    bad_lines: set[tuple[str, int | None]],
) -> Iterator[Finding]:
    before = {arg.name for arg in dockerfile.args} | PREDEFINED
    told: set[tuple[int, str]] = set()
    known: set[str] | frozenset[str]
    unreplaced = _in_flags(dockerfile)
    for mention in dockerfile.mentions:
        if mention.how == "guarded" or (mention.line, mention.column) in unreplaced:
            continue
        number = _stage_number(dockerfile, mention)
        stage = dockerfile.stages[number] if number >= 0 else None
        if (number, mention.name) in told:
            continue
        if stage is None or mention.line == stage.base.line:
            known, is_closed = before, (dockerfile.path, mention.line) not in bad_lines
        else:
            known, is_closed = _scope(dockerfile, number, mention.line, inherited, known_lines)
            if mention.name in before and mention.name not in known | foreign | PREDEFINED - PLATFORM_ARGS:
                told.add((number, mention.name))
                yield _lost(dockerfile, stage, mention)
                continue
        if mention.name in known or mention.name in WELL_KNOWN | PREDEFINED | foreign:
            continue
        others = foreign if mention.how == "engine" else frozenset[str]()  # a command has variables of its own
        near = _nearly(mention.name, known | others | before - PREDEFINED)
        if mention.how == "engine" and sorted(mention.name) == sorted(PATH):
            near = PATH
        if near or (is_closed and mention.how == "engine"):
            told.add((number, mention.name))
            yield _undefined(dockerfile, mention, near)


def _in_flags(dockerfile: Dockerfile) -> dict[tuple[int, int], Use]:
    """Line and column of each variable in `COPY --from` and `RUN --mount=from`, where Docker replaces none."""
    found = {}
    for use in (use for stage in dockerfile.stages for use in stage.uses if "$" in use.text):
        _, line, column = dockerfile.at(use.line, use.text)
        found.update({(line, column + at): use for at in range(len(use.text)) if column is not None})
    return found


def _unreplaced(dockerfile: Dockerfile, bad_lines: set[tuple[str, int | None]]) -> Iterator[Finding]:
    """An image after `--from` with a variable that would give it a name, if Docker replaced it there."""
    for use in dict.fromkeys(_in_flags(dockerfile).values()):
        place = dockerfile.at(use.line, use.text)
        if place[:2] not in bad_lines:
            yield Finding(
                "variable-in-from",
                "warning",
                f"Docker replaces no variables in {use.flag}, and refuses {use.text!r}",
                *place,
                hint=f"write `FROM {use.text} AS name` above, and name that stage",
                found=use.text,
                wanted="a stage, or an image without variables",
            )


def _lost(dockerfile: Dockerfile, stage: Stage, mention: Mention) -> Finding:
    why = "the engine sets it" if mention.name in PLATFORM_ARGS else "its ARG stands"
    return Finding(
        "arg-before-from",
        "warning",
        f"${mention.name} is read after FROM and has no value there: {why} before FROM only",
        dockerfile.path,
        mention.line,
        mention.column,
        hint=f"repeat `ARG {mention.name}` after the FROM of line {stage.base.line}: what is before is for FROM",
        found=f"${mention.name}",
        wanted=f"ARG {mention.name} after FROM",
    )


def _undefined(dockerfile: Dockerfile, mention: Mention, near: str | None) -> Finding:
    return Finding(
        "undefined-variable",
        "warning",
        f"${mention.name} has no value: no ARG and no ENV defines it",
        dockerfile.path,
        mention.line,
        mention.column,
        hint=f"did you mean ${near}?" if near else f"add `ARG {mention.name}` above, or take it out",
        found=f"${mention.name}",
        wanted=f"${near}" if near else f"ARG {mention.name}",
    )


def _stage_number(dockerfile: Dockerfile, mention: Mention) -> int:
    """The stage that a mention stands in; -1 before the first FROM."""
    number = -1
    for stage in dockerfile.stages:
        if stage.base.line > mention.line:
            break
        number += 1
    return number


def _scope(
    dockerfile: Dockerfile, number: int, line: int, inherited: frozenset[str], known_lines: set[int]
) -> tuple[frozenset[str] | set[str], bool]:
    """Names that have been declared where `line` stands, and whether there can be no others."""
    names: set[str] = set()
    limit: int | None = line
    while True:
        stage = dockerfile.stages[number]
        names.update(_declared(stage, limit))
        base = stage.base.text.lower()
        limit = None
        below = [at for at, other in enumerate(dockerfile.stages[:number]) if other.name and other.name == base]
        if "$" in base:
            for other in dockerfile.stages[:number]:
                names.update(_declared(other))
        if not below:
            return names | inherited, base == SCRATCH or stage.base.line in known_lines
        number = below[-1]
        names.update(_declared(dockerfile.stages[number].triggers))


def _declared(body: Body, limit: int | None = None) -> set[str]:
    """Names that a stage sets, up to a line of the file."""
    places = [(arg.name, arg.line) for arg in body.args] + [(env.name, env.line) for env in body.env]
    return {name for name, line in places if limit is None or line <= limit}


# Set, and never read.


def _unread(dockerfile: Dockerfile, targets: Sequence[Target], acting: frozenset[str]) -> Iterator[Finding]:
    """Arguments that the file declares and no instruction can read; `acting` are those that `ONBUILD` declares.

    A RUN has every argument of its stage in its environment, and what it starts may read any of them:
    an argument with a RUN below it is never told.
    """
    read = {mention.name for mention in dockerfile.mentions} | PREDEFINED
    passed = {name for target in targets for name, _ in target.args}
    if BASE_TAG in passed:
        read.add(BASE_TAG)  # a FROM that ignores it is told as such
    last_run = max(dockerfile.runs, default=0)
    for arg in dockerfile.args:
        if arg.name not in read | acting and arg.name not in dockerfile.declared_in_stages:
            where = "stands before FROM, and no FROM reads it"
            yield _never_read(dockerfile, arg.name, arg.line, where, passed)
    for stage in dockerfile.stages:
        for arg in stage.args:
            if arg.name not in read and arg.line > last_run:
                yield _never_read(dockerfile, arg.name, arg.line, "is read by no instruction", passed)


def _never_read(dockerfile: Dockerfile, name: str, line: int, where: str, passed: set[str]) -> Finding:
    also = ", though it is passed" if name in passed else ""
    hint = f"take it out{' here and of the build arguments' if also else ''}, or read it: ${{{name}}}"
    place = dockerfile.at(line, name)
    return Finding("unused-arg", "warning", f"ARG {name} {where}{also}", *place, hint=hint, found=f"ARG {name}")


def _passed_everywhere(stack: Stack) -> frozenset[str]:
    """Arguments that every image gets: they are the stack's configuration, which no image has to use."""
    names = [frozenset(name for name, _ in target.args) for target in stack.targets]
    images = {target.image for target in stack.targets}
    return frozenset({BASE_TAG, BASE_IMAGE}).union(names[0].intersection(*names) if len(images) > 1 else ())


def _passed_for_nothing(target: Target, dockerfile: Dockerfile, everywhere: frozenset[str]) -> Iterator[Finding]:
    """Arguments that are passed, and that the Dockerfile does not declare: the engine drops them."""
    for name, value in target.args:
        if name in everywhere or name in dockerfile.declared or name in PREDEFINED or name.startswith("BUILDKIT_"):
            continue
        if value and is_secret(name, value):
            continue  # told as such: it is to be taken out, not declared
        near = _nearly(name, dockerfile.declared)
        sentence = (
            f"image {target.image!r} is passed the build argument {name}, and no ARG of its Dockerfile declares it"
        )
        hint = f"did you mean {near}?" if near else f"add `ARG {name}` to {dockerfile.path}, or take it out"
        spot = target.spot("args", name)
        yield Finding("unused-arg", "warning", sentence, *spot, hint=hint, found=name, wanted=near or f"ARG {name}")


def given_for_nothing(stack: Stack, arguments: Sequence[GivenArgument]) -> Iterator[Note]:
    """Arguments of a command line that no Dockerfile they are for declares: a slip of the hand, most likely."""
    names = [target.name for target in stack.targets]
    for given in arguments:
        meant = matching(given.image, names, stack.groups) if given.image else set(names)
        targets = [target for target in stack.targets if target.name in meant]
        files = [dockerfile for target in targets if (dockerfile := stack.dockerfile_of(target))]
        by_name = {target.name: target for target in stack.targets}
        declared = frozenset[str]().union(
            *(each.declared for each in files), *(_on_build(target, by_name, stack) for target in targets)
        )
        if given.name not in declared | PREDEFINED and not given.name.startswith("BUILDKIT_"):
            near = _nearly(given.name, declared)
            more = f": did you mean {near}?" if near else ""
            yield Note("unused-arg", f"no ARG declares the build argument {given.name}, so that it does nothing{more}")


# Names that are nearly others.


def _nearly(name: str, names: frozenset[str] | set[str]) -> str | None:
    """The one of `names` that a slip of the hand makes `name` of: a letter too few or too many, two changed
    places, in a long name another letter inside a word. `NB_UID` is no slip for `NB_GID`, nor `CUDA12` for `CUDA11`.
    """
    return min((other for other in names if _is_slip(name, other)), default=None)


def _is_slip(name: str, other: str) -> bool:
    short, long = sorted((name, other), key=len)
    if len(short) < _SHORTEST_TYPO or len(long) - len(short) > 1 or name == other:
        return False
    at = next((at for at, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        is_plural = at == len(short) and long[-1] in "sS"
        return short[at:] == long[at + 1 :] and long[at].isalpha() and not is_plural
    if short[at:][:2] == long[at:][:2][::-1] and short[at + 2 :] == long[at + 2 :]:
        return short[at : at + 2].isalpha()
    is_inside = at > 0 and short[at - 1].isalnum()
    return (
        len(short) >= _LONG
        and is_inside
        and short[at + 1 :] == long[at + 1 :]
        and short[at].isalpha()
        and long[at].isalpha()
    )
