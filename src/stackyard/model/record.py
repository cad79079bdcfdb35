# SPDX-License-Identifier: MIT
"""What is known: records, which are logs of facts about one build, appended as they happen.

Facts are immutable; a later fact never changes an earlier one, it only comes after it.
Times are UTC, ISO 8601, to the second.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from stackyard.model.details import Suite, SuiteKind
from stackyard.model.names import Digest, Tag, TargetName
from stackyard.model.reference import LocalImage, PublishedImage, Reference, Repository


class Built(msgspec.Struct, frozen=True, tag_field="fact", tag="built"):
    """The engine made the image."""

    at: str
    image: LocalImage
    content: Digest
    local: Reference
    """The content tag under which the engine keeps it."""
    parents: tuple[tuple[TargetName, Digest], ...]
    """Content digest of each parent it was built on."""
    bases: tuple[tuple[str, Digest], ...]
    """Accepted digest of each external base, by canonical reference."""
    duration_s: float
    size_bytes: int
    engine: str
    commit: str
    """The commit whose files these were; empty where files differed from it."""
    fresh: str = ""
    """Since when nothing in it can come out of the engine's cache; empty: since the build itself."""
    downloads: tuple[tuple[str, Digest], ...] = ()
    """Accepted digest of what each address of an ADD gave, where that was known."""
    foundation: str = ""
    """The external base that its layers stand on, canonical; empty for another image of the stack, and for nothing."""
    variables: tuple[str, ...] = ()
    """Names in the environment of an image with such a foundation: those of the base are among them."""
    attestations: tuple[str, ...] = ()
    """What was attested beside it: `provenance`, `sbom`."""

    @property
    def outside(self) -> tuple[tuple[str, Digest], ...]:
        """What came from elsewhere, bases and downloads."""
        return self.bases + self.downloads


CaseResult = Literal["passed", "failed", "skipped"]


class TestCase(msgspec.Struct, frozen=True, omit_defaults=True):
    """One test of a suite."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    name: str
    result: CaseResult
    duration_s: float
    message: str = ""
    """The first line of a failure, or why it was skipped."""
    output: str = ""
    """What it printed, and of a failure where it happened; the beginning of it."""


class Tested(msgspec.Struct, frozen=True, tag_field="fact", tag="tested"):
    """A suite ran on the image to its end. The inventory is a suite too: a command that fails, fails it."""

    at: str
    suite: SuiteKind
    digest: Digest
    passed: bool
    total: int
    failed: int
    skipped: int
    duration_s: float
    failures: tuple[str, ...] = ()
    """Name and first line of each failure."""
    cases: tuple[TestCase, ...] = ()
    """Each test; empty where nobody tells."""
    attempt: int = 1
    """How often this code has run on this image by now."""


class Inventoried(msgspec.Struct, frozen=True, tag_field="fact", tag="inventoried"):
    """One declared command ran in a container of the image."""

    at: str
    command: str
    description: str
    exit_code: int
    output: str
    duration_s: float
    is_optional: bool = False
    """Whether it may fail."""


class Pushed(msgspec.Struct, frozen=True, tag_field="fact", tag="pushed"):
    """The image is in a repository under its content tag, read back by digest."""

    at: str
    image: PublishedImage
    tag: Tag
    duration_s: float


class Tagged(msgspec.Struct, frozen=True, tag_field="fact", tag="tagged"):
    """A fixed tag was put on the image; `place` is where."""

    at: str
    place: Literal["engine", "registry"]
    repository: Repository
    tag: Tag
    instead_of: Tag | None = None
    """The tag that was wanted, where another image holds that; `tag` is then its numbered form."""
    was: Digest | None = None
    """The image that held the tag, which somebody wanted overwritten."""
    reason: str = ""
    """Why."""

    @property
    def wanted(self) -> Tag:
        """The tag that was wanted."""
        return self.instead_of or self.tag


class Adopted(msgspec.Struct, frozen=True, tag_field="fact", tag="adopted"):
    """The image was published without a record, and counts as built from the files of a commit: a person's word.

    What its record says of a build is what a registry tells of the image. No test of it was seen.
    """

    at: str
    commit: str
    reference: Reference
    """Where it was found."""
    config: Digest
    """Its id in an engine with a classic store; in one of containerd's that is the digest that was pushed."""
    suites: tuple[tuple[SuiteKind, Digest], ...] = ()
    """The suites as the commit has them: they count as passed on this image until their code changes."""


class Reported(msgspec.Struct, frozen=True, tag_field="fact", tag="reported"):
    """Somebody brought the result of tests that ran elsewhere on the image."""

    at: str
    gate: str
    passed: bool
    total: int
    failed: int
    skipped: int
    url: str = ""
    """Where it can be read."""
    note: str = ""
    failures: tuple[str, ...] = ()
    """As of Tested."""

    def __str__(self) -> str:
        what = f"{self.total} tests" if self.total != 1 else "1 test"
        counts = f"{what}, {self.failed} failed" if self.failed else what
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        ending = "passed" if self.passed else "not passed"
        more = "".join(f", {text}" for text in (self.note, self.url) if text)
        return f"{ending}, {counts}{skipped}, reported {self.at[:10]}{more}"


class Approved(msgspec.Struct, frozen=True, tag_field="fact", tag="approved"):
    """A person said that the image may go where this is asked for."""

    at: str
    gate: str
    by: str
    reason: str

    def __str__(self) -> str:
        return f"approved by {self.by} on {self.at[:10]}: {self.reason}"


class Pruned(msgspec.Struct, frozen=True, tag_field="fact", tag="pruned"):
    """The image was deleted from a repository: by the stack's policy, since nothing needed it."""

    at: str
    image: PublishedImage


Fact = Built | Tested | Inventoried | Pushed | Tagged | Adopted | Reported | Approved | Pruned


class SuiteResult(msgspec.Struct, frozen=True):
    """How a suite ended on an image: the result, the outputs of declared commands, the path of the full log."""

    result: Tested
    inventory: tuple[Inventoried, ...] = ()
    log: str = ""


class Record(msgspec.Struct, frozen=True):
    """All facts about one build of one target, oldest first."""

    id: str
    target: TargetName
    source: Digest
    build: Digest
    inputs: Digest
    """Key of the stored inputs: they are large, and only explanations read them."""
    run: int
    facts: tuple[Fact, ...]

    @property
    def fresh_since(self) -> str:
        """Since when nothing of its build can come out of an engine's cache; empty where the build never ended."""
        return (self.built.fresh or self.built.at) if self.built else ""

    @property
    def built(self) -> Built | None:
        """The fact of the build itself; None for a record whose build never ended."""
        return next((fact for fact in self.facts if isinstance(fact, Built)), None)

    @property
    def adopted(self) -> Adopted | None:
        """The fact of its adoption; None for what was built with a record."""
        return next((fact for fact in self.facts if isinstance(fact, Adopted)), None)

    def with_image(self, image: LocalImage) -> Record:
        """The record with its image by the id that another engine has it under; never stored."""
        facts = (msgspec.structs.replace(fact, image=image) if isinstance(fact, Built) else fact for fact in self.facts)
        return msgspec.structs.replace(self, facts=tuple(facts))

    @property
    def is_published(self) -> bool:
        """Whether the image is in any registry."""
        return any(isinstance(fact, Pushed) and self.pushed(fact.image.repository) for fact in self.facts)

    def pushed(self, repository: Repository) -> Pushed | None:
        """The newest push into `repository`, by whatever spelling; None where it was deleted since."""
        for fact in reversed(self.facts):
            if isinstance(fact, Pushed | Pruned) and fact.image.repository.canonical == repository.canonical:
                return fact if isinstance(fact, Pushed) else None
        return None

    def names(self, place: Literal["engine", "registry"]) -> frozenset[Reference]:
        """The names that its image got there and that never move: content tags and fixed tags."""
        names = {Reference(fact.image.repository, fact.tag) for fact in self.facts if isinstance(fact, Pushed)}
        for fact in self.facts:
            if isinstance(fact, Tagged) and fact.place == place:
                names.add(Reference(fact.repository, fact.tag))
            elif isinstance(fact, Built) and place == "engine":
                names.add(fact.local)
        return frozenset(names)

    def tested(self, suite: Suite) -> Tested | None:
        """The newest result of exactly this suite; None if this code never ran on this image."""
        for fact in reversed(self.facts):
            if isinstance(fact, Tested) and fact.suite == suite.kind and fact.digest == suite.digest:
                return fact
        return None

    def attempts(self, suite: Suite) -> int:
        """How often exactly this suite ran on the image."""
        found = (fact for fact in self.facts if isinstance(fact, Tested))
        return sum(1 for fact in found if (fact.suite, fact.digest) == (suite.kind, suite.digest))

    def was_tested(self, kind: SuiteKind) -> bool:
        """Whether any suite of this kind ever ran on the image, or was taken to have."""
        return any(isinstance(fact, Tested) and fact.suite == kind for fact in self.facts) or kind in self._vouched

    def is_vouched_for(self, suite: Suite) -> bool:
        """Whether no suite of the kind ran here, and the image was adopted with exactly this one."""
        ran = any(isinstance(fact, Tested) and fact.suite == suite.kind for fact in self.facts)
        return not ran and self._vouched.get(suite.kind) == suite.digest

    @property
    def _vouched(self) -> dict[SuiteKind, Digest]:
        """Suites that were taken to have passed when the image was adopted."""
        return dict(self.adopted.suites) if self.adopted else {}

    def last_passed(self, suites: tuple[Suite, ...]) -> bool:
        """Whether a suite of each of these kinds ran and its newest result is a pass, whatever its code was then.

        One that the image was adopted with counts as a pass.
        """
        for kind in {suite.kind for suite in suites}:
            results = [fact for fact in self.facts if isinstance(fact, Tested) and fact.suite == kind]
            if not (results[-1].passed if results else kind in self._vouched):
                return False
        return True

    def passed(self, suites: tuple[Suite, ...], now: str = "") -> bool:
        """Whether every one of `suites` ran and its newest result is a pass, or the image was adopted with it.

        Args:
            now: what time it is, for results that become old; empty: none does.
        """
        return all(
            result.passed and not self.is_outdated(suite, now)
            if (result := self.tested(suite)) is not None
            else self.is_vouched_for(suite)
            for suite in suites
        )

    def is_outdated(self, suite: Suite, now: str) -> bool:
        """Whether the newest result of a suite is older than it may be."""
        result = self.tested(suite)
        return bool(now and result and suite.max_age and suite.max_age.is_over(result.at, now))
