# SPDX-License-Identifier: MIT
"""Values for tests: targets, records and stacks from a few words, with everything else filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stackyard.model import canonical
from stackyard.model.decide import Need, Presence
from stackyard.model.details import Details, Reading, Suite, SuiteKind
from stackyard.model.inputs import BlobId, Entry, Inputs, build_fingerprint, identity, source_fingerprint
from stackyard.model.known import Known, TagPlace
from stackyard.model.moves import MoveSet, TagMove
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.plan import Plan
from stackyard.model.record import Adopted, Built, Fact, Pushed, Record, Tagged, Tested
from stackyard.model.reference import LocalImage, PublishedImage, Reference, Repository, content_tag
from stackyard.model.stack import ParentUse, Revision, Stack, TagTemplates, Target
from stackyard.plan.compare import compare

AT = "2026-01-01T00:00:00Z"
BARE = TagTemplates()
COMMIT = "0123456789abcdef0123456789abcdef01234567"
BASE = "docker.io/library/debian:12"
MAIN = Revision(COMMIT, "main", False)
BOTH = TagTemplates(("{commit}",), ("{branch}",))


def sha(text: object) -> Digest:
    """Some digest, the same for the same text."""
    return canonical.digest(text)


def blob(text: str) -> BlobId:
    """git's id of a text."""
    return BlobId.of(text.encode())


def suite(kind: SuiteKind = "basic", code: str = "1") -> Suite:
    """A suite whose test code is `code`."""
    return Suite(kind, ("images/x/test",), sha(code))


def target(
    name: str,
    *parents: str,
    text: str = "FROM x",
    files: Mapping[str, str] | None = None,
    bases: Sequence[str] = (),
    args: Mapping[str, str] | None = None,
    suites: tuple[Suite, ...] = (),
    templates: TagTemplates = BOTH,
) -> Target:
    """A target whose Dockerfile is `text` and whose context is `files`."""
    of = tuple(TargetName(parent) for parent in parents)
    given = tuple((args or {}).items())
    inputs = Inputs(
        dockerfile=blob(text),
        context=tuple(Entry(path, "file", blob(body)) for path, body in sorted((files or {}).items())),
        args=tuple(sorted(given)),
        bases=tuple(sorted(bases)),
        parents=tuple(sorted(of)),
        platform="linux/amd64",
    )
    return Target(
        name=TargetName.parse(name),
        repository=Repository(f"registry.example/lab/{name.partition('/')[0]}"),
        context=f"images/{name}",
        dockerfile=f"images/{name}/Dockerfile",
        reading=Reading.of(Details(inputs, suites)),
        args=given,
        parents=tuple(ParentUse(parent, (Reference(Repository(f"lab/{parent}")),)) for parent in of),
        bases=tuple(Reference.parse(base) for base in bases),
        templates=templates,
    )


def stack(*targets: Target, revision: Revision = MAIN, stable: str = "stable") -> Stack:
    """A stack of these targets."""
    return Stack("lab", "images", targets, revision, has_registry=True, stable=stable)


def built(
    content: str, *, commit: str = COMMIT, parents: object = (), bases: object = (), at: str = AT, fresh: str = ""
) -> Built:
    """The fact of a build whose content and image are named `content`."""
    image = LocalImage(sha(["image", content]))
    repository = Repository("registry.example/lab/x")
    local = Reference(repository, content_tag(image))
    return Built(at, image, sha(content), local, parents, bases, 12.5, 1000, "fake", commit, fresh)  # type: ignore[arg-type]


def result(of: Suite, passed: bool = True, at: str = AT) -> Tested:
    """A result of a suite."""
    return Tested(at, of.kind, of.digest, passed, 3, 0 if passed else 1, 0, 1.0)


def pushed(of: Target, content: str) -> Pushed:
    """The fact that the image named `content` was pushed to the target's repository."""
    image = LocalImage(sha(["image", content]))
    return Pushed(AT, PublishedImage(of.repository, manifest(content)), content_tag(image), 1.0)


def adopted(of: Target) -> Adopted:
    """The fact that what is published of a target was adopted, with its suites as they are."""
    found = Reference(of.repository, Tag("main"))
    return Adopted(AT, COMMIT, found, sha("config"), tuple((each.kind, each.digest) for each in of.suites))


def manifest(content: str) -> Digest:
    """The digest of the manifest that the image named `content` has in a registry."""
    return sha(["manifest", content])


def tagged(of: Target, tag: str, place: TagPlace = "engine", instead_of: str | None = None) -> Tagged:
    """The fact that a fixed tag was put."""
    return Tagged(AT, place, of.repository, Tag(tag), Tag(instead_of) if instead_of else None)


def record(
    of: Target,
    content: str | None = None,
    *facts: Fact,
    parents: Mapping[str, str] | None = None,
    accepted: Mapping[str, str] | None = None,
    commit: str = COMMIT,
    number: int = 1,
    at: str = AT,
    fresh: str = "",
) -> Record:
    """A record of `of` as it is: `parents` and `accepted` say what each was at (their own names by default).

    It passed every suite of the target, if no facts are given.
    """
    content = content or str(of.name)
    on = {name: sha((parents or {}).get(name, str(name))) for name in of.inputs.parents}
    pins = {base: sha((accepted or {}).get(base, base)) for base in of.inputs.bases}
    return Record(
        id=f"{of.name}-{content}-{number}",
        target=of.name,
        source=source_fingerprint(of.inputs, on),
        build=build_fingerprint(of.inputs, on, pins),
        inputs=identity(of.inputs),
        run=number,
        facts=(
            built(content, commit=commit, parents=tuple(on.items()), bases=tuple(pins.items()), at=at, fresh=fresh),
            *(facts or tuple(result(each) for each in of.suites)),
        ),
    )


def known(
    *records: Record,
    targets: Sequence[Target] = (),
    accepted: Mapping[str, str] | None = None,
    tags: Mapping[tuple[TagPlace, str], Digest] | None = None,
) -> Known:
    """Records, newest first; the inputs of `targets`; bases accepted at digests of their own names."""
    by_target: dict[TargetName, list[Record]] = {}
    for each in records:
        by_target.setdefault(each.target, []).append(each)
    inputs = {identity(each.inputs): each.inputs for each in targets}
    pins = {base: sha(text) for base, text in (accepted if accepted is not None else {BASE: BASE}).items()}
    return Known(by_target, inputs, pins, tags or {})


def plan(
    of: Stack,
    knowing: Known,
    *selected: str,
    presence: Presence | None = None,
    need: Need | None = None,
) -> Plan:
    """The plan for `selected`, all by default."""
    names = frozenset(map(TargetName, selected)) or frozenset(each.name for each in of.targets)
    return compare(of, knowing, names, presence or Presence(), need or Need())


def actions(of: Plan) -> dict[str, str]:
    """Target -> action, in the plan's order."""
    return {str(step.target): step.action for step in of.steps}


def reasons(of: Plan, name: str) -> list[str]:
    """The reasons of one step, as people read them."""
    return [str(reason) for reason in of.step(TargetName(name)).reasons]


def move(of: Target, tag: str, was: str | None, now: str) -> TagMove:
    """A move of a tag between images named by their content, in a registry."""
    return TagMove(of.name, of.repository, Tag(tag), manifest(was) if was else None, manifest(now))


def promotion(source: str, *moves: TagMove, channel: str = "stable", kind: str = "promote") -> MoveSet:
    """A finished set of moves."""
    return MoveSet(kind, "registry", channel, source, AT, moves, COMMIT, "done")  # type: ignore[arg-type]
