# SPDX-License-Identifier: MIT
"""Promotions over a real registry that are killed, held up, lied to, or two at once: never a silent mix.

The images are made by hand: no engine is needed. Which request meets what is counted, and nothing is timed.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from random import Random

import pytest

from stackyard import verbs
from stackyard.edges.oci import OciRegistry
from stackyard.edges.patience import Patience
from stackyard.errors import DigestMismatch, StackyardError
from stackyard.model.names import Digest, Tag
from stackyard.model.record import Built, Pushed
from stackyard.model.reference import LocalImage, PublishedImage, Reference, Repository
from stackyard.testing import FixedClock
from stackyard.testing.registry import make_image
from stackyard.verbs import Options, Yard, promotion
from stackyard.verbs.journaling import finish_moves
from tests.examples import IS_LONG
from tests.live.conftest import ENVIRON
from tests.live.faulty import FaultyRegistry, Pick, faulty
from tests.repositories import commit, init

pytestmark = pytest.mark.live

NAMES = ("base", "left", "right")
CONTENTS = ("new", "other", "old")
READS = ("GET", "HEAD")
AT = "2026-01-01T00:00:00Z"
KILLS = 3
FEWEST, TURNS = 5, 50
"""Attempts at what chance has a say in; what most come to, and none of so many, never happens."""
ROOT = Path(__file__).parents[2]
STABLE = Tag("stable")


class Shop:
    """A stack whose images are published as three builds, `old`, `new`, `other`; `stable` is at the old ones."""

    def __init__(self, root: Path, front: FaultyRegistry) -> None:
        self.root, self.front = root, front
        self.prefix = f"{front.host}/live/{secrets.token_hex(4)}"
        self.registry = OciRegistry({})
        (root / "images").mkdir(parents=True)
        lines = [f"registry: {self.prefix}", "images:", *(f"  {name}:" for name in NAMES)]
        (root / "images/spec.yml").write_text("\n".join(lines))
        for name in NAMES:
            (root / "images" / name).mkdir()
            (root / "images" / name / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
        init(root)
        commit(root)
        every = [(name, content) for content in CONTENTS for name in NAMES]
        with ThreadPoolExecutor(len(every)) as pool:
            self.digests = dict(zip(every, pool.map(self._publish, *zip(*every, strict=True)), strict=True))
        self._record()

    def repository(self, name: str) -> Repository:
        """Where an image is."""
        return Repository(f"{self.prefix}/{name}")

    def _publish(self, name: str, content: str) -> Digest:
        made, place = make_image(f"{name} {content}"), self.repository(name)
        for blob in made.blobs:
            self.registry.upload(place, blob)
        for tag in (content, f"sy-{content}", *(["stable"] if content == "old" else [])):
            self.registry.put(place, Tag(tag), made.manifest)
        return made.manifest.digest

    def _record(self) -> None:
        yard = self.yard()
        for target in yard.stack.targets:
            for content in CONTENTS:
                digest = self.digests[str(target.name), content]
                tag, image = Tag(f"sy-{content}"), PublishedImage(target.repository, digest)
                local = Reference(target.repository, tag)
                built = Built(AT, LocalImage(digest), digest, local, (), (), 1.0, 1, "live", "0" * 40)
                record = yard.records.open_record(target.name, digest, digest, target.inputs, 1, built)
                record = yard.records.append(record, Pushed(AT, image, tag, 1.0))
                yard.records.note_shared([record])  # else the first promotion would bring them all
                yard.records.put_tag("registry", Reference(target.repository, Tag(content)), digest)
        yard.records.close()

    def yard(self, root: Path | None = None) -> Yard:
        """A clone of it; no pause takes any time there."""
        registry = OciRegistry({}, patience=Patience(sleep=lambda _: None))
        return verbs.load(root or self.root, Options(environ=ENVIRON), FixedClock(), make_registry=lambda _: registry)

    def clone(self) -> Path:
        """Another machine's, with what this one's records know."""
        there = self.root.with_name(f"clone-{secrets.token_hex(2)}")
        shutil.copytree(self.root, there)
        return there

    def promote(self, source: str, root: Path | None = None) -> None:
        """As the command with --yes, in this process."""
        yard = self.yard(root)
        promotion.move(yard, promotion.plan_promotion(yard, promotion.AskedPromotion(source, "stable")), is_fresh=True)

    def start(self, source: str, root: Path | None = None) -> subprocess.Popen[str]:
        """`stackyard promote`, in one of its own."""
        words = ["promote", source, "--to", "stable", "--yes"]
        environ = {**ENVIRON, "PYTHONPATH": str(ROOT / "src")}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        folder = root or self.root
        return subprocess.Popen(
            [sys.executable, "-m", "stackyard", *words], cwd=folder, env=environ, text=True, **pipes
        )  # type: ignore[call-overload, no-any-return]

    def next_command(self, root: Path | None = None) -> list[tuple[str, str]]:
        """How every command begins that moves tags; what the history says of the channel then, newest first."""
        yard = self.yard(root)
        finish_moves(yard, "registry")
        told = [(moves.source, moves.state) for moves in yard.records.move_sets("stable")]
        yard.records.close()
        return told

    def stands_at(self) -> str:
        """What all tags of the channel are at; AssertionError for a mix."""
        behind = self.prefix.replace(self.front.host, self.front.behind)
        found = {name: self.registry.resolve(Repository(f"{behind}/{name}"), STABLE) for name in NAMES}
        for content in CONTENTS:
            if all(found[name] == self.digests[name, content] for name in NAMES):
                return content
        raise AssertionError(f"a mix: {found}")


@pytest.fixture
def shop(tmp_path: Path, registry_address: str) -> Iterator[Shop]:
    """Everything is published and known."""
    with faulty(registry_address) as front:
        yield Shop(tmp_path / "stack", front)


class Count:
    """Picks the so-manieth request."""

    def __init__(self, wanted: int = 0) -> None:
        self.wanted = wanted
        self.seen: list[str] = []
        """Methods of all requests."""
        self._lock = threading.Lock()

    def __call__(self, method: str, path: str) -> bool:
        with self._lock:
            self.seen.append(method)
            return len(self.seen) == self.wanted

    def steps(self) -> list[tuple[int, bool]]:
        """Each request from the last before the first that writes, and for one that writes also after its effect."""
        first = next(number for number, method in enumerate(self.seen) if method not in READS)
        later = list(enumerate(self.seen, 1))[max(first - 1, 0) :]
        return [
            (number, after) for number, method in later for after in ((False,) if method in READS else (False, True))
        ]


def kill_at(front: FaultyRegistry, process: subprocess.Popen[str], picked: Count, *, after: bool) -> None:
    """End the process when a request is picked: it never goes on, or its answer never comes."""
    if after:
        front.meet(picked, process.kill, after=True)
        return

    def struck(method: str, path: str) -> bool:
        is_it = picked(method, path)
        if is_it:
            process.kill()
        return is_it

    front.plan("reset", times=1, pick=struck)


def test_killed_at_a_step_of_the_journal(shop: Shop) -> None:
    """kill -9 where a request never goes on, or before its answer comes: the next command, here or on another machine,
    makes the channel entirely old or entirely new, and the history says which. All steps in the long suite."""
    count = Count()
    shop.front.meet(count, lambda: None)
    process = shop.start("new")
    said = process.communicate(timeout=200)
    assert process.returncode == 0, said
    shop.front.plan_nothing()
    assert shop.stands_at() == "new"
    seed = int(os.environ.get("STACKYARD_SEED") or secrets.randbelow(10**6))
    print(f"STACKYARD_SEED={seed}")
    other = shop.clone()
    steps = count.steps()
    for number, after in steps if IS_LONG else Random(seed).sample(steps, KILLS):
        before = shop.stands_at()
        wanted = "old" if before == "new" else "new"
        process = shop.start(wanted)
        kill_at(shop.front, process, Count(number), after=after)
        process.communicate(timeout=200)
        shop.front.cut()
        shop.front.plan_nothing()
        where = f"at request {number} of {len(count.seen)}, {'after' if after else 'before'} its effect"

        first, second = (other, shop.root) if number % 2 else (shop.root, other)
        told = {first: shop.next_command(first)}
        found = shop.stands_at()
        told[second] = shop.next_command(second)

        assert shop.stands_at() == found, where
        expected = {(wanted, "done")} if found == wanted else {(before, "done"), (wanted, "undone")}
        assert told[shop.root][0] in expected, where
        assert "intended" not in {state for each in told.values() for _, state in each}, where


def held_until_planned(front: FaultyRegistry) -> None:
    """Whoever wants to leave an intent waits until two have looked where the channel is."""
    both, seen = threading.Event(), Count(2 * len(NAMES))

    def looks(method: str, path: str) -> bool:
        return method == "HEAD" and path.endswith("/manifests/stable") and seen(method, path)

    front.meet(looks, both.set)
    front.meet(lambda method, path: method == "PUT" and "/sy-i-" in path, lambda: both.wait(60))


def test_two_at_once(shop: Shop) -> None:
    """On one machine, then on two: both have planned before either leaves its intent; one wins, the other is told."""
    sources = ("new", "other")
    for folders in ([shop.root, shop.root], [shop.root, shop.clone()]):
        sources, before = tuple(each for each in CONTENTS if each != shop.stands_at()), shop.stands_at()
        held_until_planned(shop.front)
        runs = [shop.start(source, folder) for source, folder in zip(sources, folders, strict=True)]
        said = [(*run.communicate(timeout=90), run.returncode) for run in runs]
        shop.front.plan_nothing()

        assert sorted(code for *_, code in said) == [0, 1], said
        winner = next(source for source, (*_, code) in zip(sources, said, strict=True) if code == 0)
        assert shop.stands_at() == winner, said
        told = next(err for _, err, code in said if code == 1)
        for content in (before, winner):
            assert any(shop.digests[name, content] in told for name in NAMES), told
        assert "stackyard show stable" in told


def every_other() -> Pick:
    """Each request's first answer, third, and so on, whichever thread asks."""
    seen = Counter[tuple[str, str]]()

    def pick(method: str, path: str) -> bool:
        seen[method, path] += 1
        return seen[method, path] % 2 == 1

    return pick


def by_chance(random: Random) -> Pick:
    """Half of all, as chance has it; which request meets which draw is up to the threads."""
    return lambda *_: random.random() < 0.5


@pytest.mark.parametrize(
    ("pick", "wanted"), [(every_other(), "done"), (by_chance(Random(7)), "told")], ids=["once", "by chance"]
)
def test_half_of_all_answers_are_500(shop: Shop, pick: Pick, wanted: str) -> None:
    """Who asks again is answered, and it is done; where it was asked in vain, it is told, and the next command makes
    it whole."""
    seen = set()
    for turn, source in enumerate(islice(cycle(("new", "other")), TURNS)):
        if turn >= FEWEST and wanted in seen:
            break
        shop.front.plan("500", times=10**6, pick=pick)
        try:
            shop.promote(source)
        except StackyardError:
            seen.add("told")
        else:
            seen.add("done")
            assert shop.stands_at() == source
        assert len(shop.front.happened) > 3
        shop.front.plan_nothing()
        shop.next_command()
        shop.stands_at()
    assert wanted in seen


def test_gone_in_the_middle(shop: Shop) -> None:
    """After one tag was moved nobody answers any more: it is told; when it is back, another machine finishes it."""
    other, first = shop.clone(), threading.Event()

    def is_moved(method: str, path: str) -> bool:
        return method == "PUT" and path.endswith("/manifests/stable")

    shop.front.meet(is_moved, first.set, after=True)
    shop.front.plan("reset", times=10**6, pick=lambda *_: first.is_set())
    with pytest.raises(StackyardError, match="cannot reach registry"):
        shop.promote("new")
    shop.front.plan_nothing()

    assert shop.next_command(other) == [("new", "done")]
    assert shop.stands_at() == "new"


def test_accepted_and_lost(shop: Shop) -> None:
    """It says 201 to one tag and keeps nothing: found out, told with both digests, all put back."""
    lost = f"/{shop.repository('left').path}/manifests/stable"
    shop.front.plan("lose", times=1, pick=lambda method, path: method == "PUT" and path.endswith(lost))
    with pytest.raises(DigestMismatch, match="took it and lost it"):
        shop.promote("new")

    assert shop.stands_at() == "old"
    shop.promote("new")
    assert shop.stands_at() == "new"
