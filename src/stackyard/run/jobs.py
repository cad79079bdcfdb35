# SPDX-License-Identifier: MIT
"""The jobs of a run: build, fetch, test one target.

In:   Work (what all jobs share), a target, the record it goes on from
Out:  Done: facts to record, what to tell a person
May touch: engine, registry, the run's folder; never the records, which the driver writes
Raises: StackyardError; the driver makes a failure of it. A failing build or test is in Done.
Beside: publish, the last job of a target; bases, what builds stand on
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import msgspec

from stackyard.edges.engine import BuildRequest, BuildResult, BuildStep
from stackyard.edges.patience import Patience
from stackyard.edges.staging import staged
from stackyard.edges.traces import prefix_of
from stackyard.errors import DigestMismatch, EngineProblem, NotTestable, WorldError
from stackyard.model import canonical
from stackyard.model.attesting import AttestationKind, Attesting
from stackyard.model.content import ImageFacts, content_digest, names_in_environment
from stackyard.model.details import Suite
from stackyard.model.dockerfile import SYNTAX_ARG, Dockerfile
from stackyard.model.inputs import differences
from stackyard.model.logs import build_log
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.progress import Tell
from stackyard.model.record import Built, Fact, Inventoried, Pushed, Record, Tested
from stackyard.model.reference import LocalImage, Platform, PublishedImage, Reference, content_tag
from stackyard.model.stack import Secret, Target
from stackyard.run.bases import base_of
from stackyard.run.work import Done, Work


def build(
    work: Work, target: Target, parents: Mapping[TargetName, Record], tell: Tell, is_afresh: bool = False
) -> Done:
    """Build `target` on exactly the parents' images of this plan.

    Args:
        is_afresh: without the engine's cache, whatever the run does.
    """
    use_cache = work.use_cache and not is_afresh
    parents = {name: _here(work, record) for name, record in parents.items()}
    log = work.folder / build_log(target.name)
    pins = _pins(work, target, parents)
    temporary = Reference(target.repository, Tag(f"{prefix_of(work.token)}{canonical.digest(target.name).hex[:8]}"))

    def watch(step: BuildStep) -> None:
        tell(step.name, step.state, step.duration_s)

    attesting = (work.stack.attesting if work.is_attesting else None) or Attesting()
    with _context(work, target) as context:
        request = BuildRequest(
            context=context,
            dockerfile=work.root / target.dockerfile,
            tag=temporary,
            args=_with_frontend(work, target),
            labels=target.inputs.labels,
            pins=pins,
            epoch=target.inputs.epoch,
            platform=_foreign(work, target.inputs.platform),
            use_cache=use_cache,
            stage=target.inputs.stage,
            network=target.inputs.network,
            timeout_s=target.timeout.seconds if target.timeout else None,
            secrets=_placed(work, target.secrets),
            ssh=_placed(work, target.ssh),
            may_pull=work.may_pull,
            cache_from=_cache_places(work, target, is_export=False),
            cache_to=_cache_places(work, target, is_export=True),
            attestations=attesting.words,
        )
        result = _attempted(work, target, request, log, watch)
    if result.image is None:
        return Done(
            False,
            failure=_failure(target, result),
            details=result.last_lines,
            log=work.shown(log),
            path=target.dockerfile,
            line=result.line,
        )
    if changed := _changed_meanwhile(work, target):
        work.engine.untag(temporary)
        failure = f"its files changed while it was built: {', '.join(changed)}"
        return Done(
            False, failure=failure, details=("hint: build again: what came out is not kept",), log=work.shown(log)
        )
    facts = result.facts or work.engine.inspect(result.image.id)
    if facts is None:
        raise EngineProblem(f"the engine built {result.image.id} and does not know it", engine=work.about.name)
    if not _is_for(work, target, facts, pins):
        work.engine.untag(temporary)
        failure = f"the image is for {facts.platform}, and was to be for {target.inputs.platform}"
        hint = "hint: its bases, `FROM --platform` and the builder decide what an image is for"
        return Done(False, failure=failure, details=(hint,), log=work.shown(log), path=target.dockerfile)
    _check_foundation(work, target, facts, parents)
    work.layers[facts.image.id] = facts
    content = content_digest(facts)
    equal = _equal_record(work, target, content, attesting.kinds)
    image = equal.built.image if equal and equal.built else result.image
    local = Reference(target.repository, content_tag(image))
    work.engine.tag(image, local)
    work.engine.untag(temporary)
    now = work.clock.now()
    before = next((record.fresh_since for record in work.records_of.get(target.name, ()) if record.built), now)
    foundation = _external_foundation(target, work.stack.dockerfile_of(target))
    built = Built(
        at=now,
        image=image,
        content=content,
        local=local,
        parents=tuple((name, _content(parents[name])) for name in target.inputs.parents),
        bases=tuple((reference, work.accepted[reference]) for reference in target.inputs.bases),
        downloads=tuple((each, work.accepted[each]) for each in target.inputs.downloads if each in work.accepted),
        duration_s=result.duration_s,
        size_bytes=facts.size_bytes,
        engine=work.about.name,
        commit="" if work.stack.revision.is_dirty else work.stack.revision.commit,
        fresh=before if use_cache else now,
        foundation=foundation,
        variables=names_in_environment(facts) if foundation else (),
        attestations=equal.built.attestations if equal and equal.built else tuple(sorted(attesting.kinds)),
    )
    carried = tuple(fact for fact in equal.facts if isinstance(fact, Tested | Inventoried | Pushed)) if equal else ()
    return Done(True, built=built, equal=equal, facts=carried, log=work.shown(log))


def _external_foundation(target: Target, dockerfile: Dockerfile | None) -> str:
    """The external base that an image stands on, canonical; empty where it is none, or another than its file says."""
    if target.foundation is not None or target.given_base is not None or dockerfile is None:
        return ""
    text = dockerfile.foundation(dict(target.args), target.inputs.platform)
    return next((base.canonical for base in target.bases if text == str(base)), "")


def _attempted(
    work: Work, target: Target, request: BuildRequest, log: Path, watch: Callable[[BuildStep], None]
) -> BuildResult:
    """The build, tried again as often as the spec says. Nobody else knows whether a `RUN` may be repeated.

    Where the engine lost a result of its own no `RUN` failed: that is tried once more without a word of the spec, and
    without the engine's cache, which goes on naming what is lost.
    """
    patience = Patience(sleep=work.clock.sleep)
    left, attempt = target.retries, 0
    while True:
        result = work.engine.build(request, log, watch)
        is_curable = result.is_lost and request.use_cache
        if result.image is not None or not (is_curable or left):
            return result
        if is_curable:
            request = msgspec.structs.replace(request, use_cache=False)
        else:
            left -= 1
        attempt += 1
        patience.pause(patience.back_off_s(attempt), f"build failed: {result.failure}")


def _cache_places(work: Work, target: Target, is_export: bool) -> tuple[str, ...]:
    """The target's own places, of the kinds that are possible here."""
    if work.stack.caching is None:
        return ()
    caching, kinds = work.stack.caching, work.cache_kinds
    places, can = (caching.exports, kinds.exports) if is_export else (caching.imports, kinds.imports)
    return tuple(place.of(target.name, str(work.root), is_export) for place in places if place.kind in can)


def _placed(work: Work, secrets: tuple[Secret, ...]) -> tuple[Secret, ...]:
    """With files where they are: relative ones are below the stack's root."""
    return tuple(s._replace(file=str(work.root / Path(s.file).expanduser())) if s.file else s for s in secrets)


def _failure(target: Target, result: BuildResult) -> str:
    said = result.failure or "the engine says no more"
    if result.is_late and target.timeout:
        return f"build was ended, its {target.timeout.words} were up: {said}"
    return f"build failed after {result.duration_s:.1f} s: {said}"


def _context(work: Work, target: Target) -> AbstractContextManager[Path]:
    """The build context: the folder itself, or one that lasts as long as the build."""
    if target.staging is None:
        return nullcontext(work.root / target.context)
    return staged(work.root, target.staging.files, target.inputs.epoch, work.token)


def _changed_meanwhile(work: Work, target: Target) -> list[str]:
    """What of the target's own files is not as the plan read it, so that nobody knows what was built.

    A build reads the files when it starts, minutes after the plan did: an image of an edit would get
    the fingerprint and the commit's tag of what was there before, for good.
    """
    now = work.reread(target.name)
    if now is None:
        return [target.dockerfile]
    # Files only: arguments and names came from the plan, and were used as they are in it.
    then = msgspec.structs.replace(now.inputs, dockerfile=target.inputs.dockerfile, context=target.inputs.context)
    return [str(reason) for reason in differences(now.inputs, then, target.places(work.stack.images_folder))][:5]


def _with_frontend(work: Work, target: Target) -> tuple[tuple[str, str], ...]:
    """The build's arguments; a `# syntax=` image is pinned through the one that overrides it."""
    frontend = target.frontend
    if frontend is None:
        return target.args
    pinned = Reference(frontend.repository, None, work.accepted[frontend.canonical])
    return (*((name, value) for name, value in target.args if name != SYNTAX_ARG), (SYNTAX_ARG, str(pinned)))


def _pins(work: Work, target: Target, parents: Mapping[TargetName, Record]) -> dict[str, LocalImage]:
    """What each reference of the Dockerfile really is, in this build."""
    pins: dict[str, LocalImage] = {}
    for use in target.parents:
        record = parents[use.target]
        if record.built is not None:
            pins.update({str(reference): record.built.image for reference in use.references})
    given, names = target.given_base or (None, ())
    for base in target.bases:
        image = base_of(work, target, base)
        is_given = given is not None and base.canonical == given.canonical
        pins |= {str(name): image for name in (base, *(names if is_given else ()))}
    return pins


def _here(work: Work, record: Record) -> Record:
    """A parent's record once its image is in the engine: one that this plan leaves as it is may only be published."""
    if record.built is None or work.engine.inspect(record.built.image.id) is not None:
        return record
    return fetch(work, work.stack.target(record.target), record).here or record


def _foreign(work: Work, platform: str) -> Platform | None:
    """A platform that the engine has to be told of; None for its own."""
    return None if platform in ("", work.about.platform) else Platform(platform)


def _is_for(work: Work, target: Target, facts: ImageFacts, pins: Mapping[str, LocalImage]) -> bool:
    """Whether an image is for what it was built for; where the spec does not say what that is, its bases may."""
    if not target.inputs.platform or facts.platform.fits(target.inputs.platform):
        return True
    below = () if target.platforms else (work.engine.inspect(str(image.id)) for image in pins.values())
    return any(base is not None and base.platform.fits(facts.platform) for base in below)


def _check_foundation(work: Work, target: Target, facts: ImageFacts, parents: Mapping[TargetName, Record]) -> None:
    """The image's first layers must be those of the parent it stands on."""
    if target.foundation is None:
        return
    built = parents[target.foundation].built
    parent = (work.layers.get(built.image.id) or work.engine.inspect(built.image.id)) if built else None
    if parent is not None and not facts.is_built_on(parent):
        raise DigestMismatch(
            f"{target.name} was not built on the planned {target.foundation} ({parent.image.id.short})",
            hint="the engine took another image for the FROM line; please report this",
            expected=parent.image.id,
            found=facts.image.id,
        )


def _equal_record(work: Work, target: Target, content: Digest, attested: frozenset[AttestationKind]) -> Record | None:
    """A known record with the same content whose image the engine still has: the wave of rebuilds stops there.

    One of which less is attested than of the new one is not taken: its children are left alone all the same.
    """
    for record in work.records_of.get(target.name, ()):
        if record.built is None or attested.difference(record.built.attestations):
            continue
        if record.built.content == content and work.engine.inspect(record.built.image.id):
            return record
    return None


def _content(record: Record) -> Digest:
    if record.built is None:
        raise EngineProblem(f"record {record.id} of {record.target} has no build", engine="")
    return record.built.content


def fetch(work: Work, target: Target, record: Record) -> Done:
    """Bring a published image into the engine, by digest; its id there is another one on another kind of store."""
    pushed, built = record.pushed(target.repository), record.built
    if pushed is None or built is None:
        raise WorldError(f"{target.name} was never published, so it cannot be fetched")
    platform = Platform(target.inputs.platform) if target.platforms else None
    image = work.engine.pull(Reference(pushed.image.repository, None, pushed.image.digest), platform)
    if image.id not in (built.image.id, *_ids(work, pushed.image)):
        raise DigestMismatch(
            f"{pushed.image} is {image.id.short} in this engine, and the record says {built.image.id.short}",
            hint="what the engine has is not what the registry holds there: build it here once",
            expected=built.image.id,
            found=image.id,
        )
    work.engine.tag(image, built.local)
    return Done(True, here=record.with_image(image))


def _ids(work: Work, image: PublishedImage) -> Iterator[Digest]:
    """By which ids engines may have a published image: the digest itself, or that of a config that it leads to."""
    yield image.digest
    if work.about.store == "containerd":
        return
    top = work.registry.manifest(image.repository, image.digest)
    below = [work.registry.manifest(image.repository, child.digest) for child in top.children] if top else []
    yield from (each.config for each in (top, *below) if each and each.config)


def test(work: Work, target: Target, record: Record, tell: Tell, note: Callable[[tuple[Fact, ...]], None]) -> Done:
    """Run every suite that has to run on this very image; all of them, so that all failures are shown.

    Args:
        note: gets the facts of each suite when it is over: a long one that is killed after it takes nothing with it.
    """
    assert record.built is not None
    details: list[str] = []
    failed: list[str] = []
    lacking: dict[str, str | None] = {}
    log = ""
    for suite in work.to_run(target, record):
        tell("taking the inventory" if suite.kind == "inventory" else _what(suite))
        try:
            ended = work.run_suite(target, suite, record.built, work.folder, tell)
        except NotTestable as problem:
            lacking.setdefault(str(problem), problem.hint)
            continue
        result = msgspec.structs.replace(ended.result, attempt=record.attempts(suite) + 1)
        note((*ended.inventory, result))
        if not ended.result.passed:
            failed.append(f"{ended.result.failed} of {ended.result.total} {_what(suite)} failed")
            details += ended.result.failures
            log = ended.log
    details += [f"hint: {hint}" for hint in dict.fromkeys(lacking.values()) if hint]
    return Done(
        not failed and not lacking,
        failure="; ".join((*failed, *lacking)),
        is_untestable=not failed and bool(lacking),
        details=tuple(details),
        log=log,
    )


def _what(suite: Suite) -> str:
    return {"inventory": "inventory commands", "checks": "checks"}.get(suite.kind, f"{suite.kind} tests")
