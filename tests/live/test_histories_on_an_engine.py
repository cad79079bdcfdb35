# SPDX-License-Identifier: MIT
"""The random pasts of tests/property on a real engine, each in the end built again from nothing and compared.

After every run each image has what the oracle says, and none was built for nothing; at the end of a past every
image is built once more by `docker buildx build --no-cache` from the folder as it is, on parents made in the same
way, and holds the same files and variables. Times are no content: they are left out of the comparison.
"""

from __future__ import annotations

import io
import re
import secrets
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from stackyard.edges.docker import DockerEngine
from stackyard.edges.engine import BuildRequest, BuildResult, BuildStep
from stackyard.edges.oci import OciRegistry
from stackyard.errors import EngineUnavailable
from stackyard.model.content import ImageFacts
from stackyard.model.reference import Reference
from stackyard.verbs import Options
from tests.live.conftest import BASE, ENVIRON
from tests.oracle import Content
from tests.property.pasts import play
from tests.property.world import AMD, Unequal, World, agree

pytestmark = [pytest.mark.live, pytest.mark.long]

PASTS = 100
ROUNDS = 4
IMAGES = 2
AT_ONCE = 2
SEED = 10_000
OURS = re.compile(r"(id|c\d|tool|tool-own|picked|direct|bound|here|ran|triggered)(/|$)")
"""What the stacks put into images; the rest is of the base that has a shell."""
NOWHERE = "127.0.0.1:0/stackyard-pasts"
"""Names that no registry can answer for."""


def client(*words: str, text: str | None = None) -> bytes:
    """Run the docker client."""
    done = subprocess.run(
        ["docker", *words],
        input=text.encode() if text is not None else None,
        capture_output=True,
        env=ENVIRON,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr.decode()[-800:]}"
    return done.stdout


def listed() -> list[str]:
    """Every name in the engine; it gives up where somebody removes an image while it lists them, and is asked again."""
    for _ in range(9):
        try:
            return client("images", "--format", "{{.Repository}}:{{.Tag}}").decode().split()
        except AssertionError as failed:
            if "not found" not in str(failed):
                raise
    return client("images", "--format", "{{.Repository}}:{{.Tag}}").decode().split()


def content_of(image: ImageFacts) -> Content:
    """Our files and variables of an image in the engine."""
    found = {f"onbuild {number}": line for number, line in enumerate(image.config.get("OnBuild") or [])}
    for name, _, value in (pair.partition("=") for pair in image.config.get("Env") or []):
        if name != "PATH":
            found[f"env {name}"] = value
    container = client("create", image.image.id, "true").decode().strip()
    try:
        data = client("export", container)
    finally:
        client("rm", container)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = [member for member in archive if OURS.match(member.name)]
        filled = {member.name.rstrip("/").rpartition("/")[0] for member in members}
        for member in members:
            file = archive.extractfile(member) if member.isreg() else None
            if member.issym():
                found[f"/{member.name}"] = f"link {member.linkname}"
            elif file is not None:
                found[f"/{member.name}"] = f"{'exec' if member.mode & 0o100 else 'file'} {file.read().decode()}"
            elif member.name.rstrip("/") not in filled:
                found[f"/{member.name.rstrip('/')}"] = "dir "
    return found


class CountingEngine(DockerEngine):
    """The real engine, which counts and dies on request."""

    def __init__(self) -> None:
        super().__init__(ENVIRON)
        self.builds: list[str] = []
        self.left: int | None = None
        self._contents: dict[str, Content] = {}

    def build(self, request: BuildRequest, log: Path, watch: Callable[[BuildStep], None]) -> BuildResult:
        """As the engine, as long as it is there."""
        if self.left is not None:
            if self.left == 0:
                raise EngineUnavailable("killed", hint="", engine="test")
            self.left -= 1
        result = super().build(request, log, watch)
        self.builds.append(str(request.tag.repository).rpartition("/")[2])
        return result

    def content(self, reference: str) -> Content:
        """What is in an image; looked at once."""
        image = self.inspect(reference)
        assert image is not None, f"the engine has no {reference}"
        if image.image.id not in self._contents:
            self._contents[image.image.id] = content_of(image)
        return self._contents[image.image.id]


class LiveWorld(World):
    """A world on the real engine and the real registry, with names of its own."""

    def __init__(self, root: Path, registry: str, versions: str) -> None:
        self._token = secrets.token_hex(4)
        self._address = registry
        self._versions = versions
        super().__init__(root)
        self.options = Options(platform=AMD, environ=ENVIRON)

    def names(self) -> tuple[tuple[str, str], str]:
        """Repositories of this world alone."""
        lead = f"{self._address}/pasts-{self._token}"
        return (f"{lead}/one:1", f"{lead}/two:1"), f"stackyard.invalid/{self._token}"

    def connect(self) -> None:
        """The real parts."""
        self.registry, self.engine = OciRegistry(ENVIRON), CountingEngine()

    def publish(self, reference: str, version: str) -> None:
        """Push one of the images that were made beforehand."""
        name = reference.partition(":1")[0].rpartition("/")[2].partition(":")[0]
        content = {f"/id/{name}": f"file {version}", "layers": f"{name} {version}"}
        if self.at.get(reference) != content:
            client("tag", f"{self._versions}/{name}:{version}", reference)
            client("push", "--quiet", reference)
        self.at[reference] = content

    def from_nothing(self, number: int) -> Content:
        """What a plain build of the folder gives, without any cache, on parents made in the same way."""
        folder = self.root / "stack" / "images" / f"i{number}"
        words = ["buildx", "build", "--no-cache", "--load", "--provenance=false", "--tag", self._again(number)]
        for name, value in self.passed(number).items():
            words += ["--build-arg", f"{name}={value}"]
        for below in range(number):
            words += ["--build-context", f"{self.lab}/i{below}:{self.branch}=docker-image://{self._again(below)}"]
        for reference, accepted in self.accepted.items():
            (path,) = (key for key in accepted if key.startswith("/id/"))
            version = accepted[path].removeprefix("file ")
            image = f"{self._versions}/{path.removeprefix('/id/')}:{version}"
            words += ["--build-context", f"{reference}=docker-image://{image}"]
        client(*words, str(folder))
        return self.engine.content(self._again(number))

    def _again(self, number: int) -> str:
        return f"{NOWHERE}/{self._token}/i{number}:again"

    def clean(self) -> None:
        """Take away every name that this world gave."""
        own = (f"{self.lab}/", f"{NOWHERE}/{self._token}/", self.bases[0].rpartition("/")[0] + "/")
        for name in listed():
            if name.startswith(own):
                self.engine.untag(Reference.parse(name))


@pytest.fixture(scope="module")
def versions(docker: DockerEngine) -> Iterator[str]:
    """Repositories with three versions of each external base, made once."""
    lead = f"{NOWHERE}/{secrets.token_hex(4)}"
    names = [(name, version) for name in ("one", "two") for version in "012"]
    for name, version in names:
        text = f"FROM {BASE}\nRUN mkdir /id && printf {version} > /id/{name}\n"
        client("buildx", "build", "--load", "--provenance=false", "--tag", f"{lead}/{name}:{version}", "-", text=text)
    yield lead
    for name, version in names:
        docker.untag(Reference.parse(f"{lead}/{name}:{version}"))


def verdict(seed: int, root: Path, registry: str, versions: str) -> str:
    """What is wrong with one past; empty for nothing."""
    world = LiveWorld(root, registry, versions)
    try:
        play(world, Random(seed), ROUNDS, IMAGES)
        for number in range(len(world.shapes)):
            ours, plain = world.engine.content(f"{world.lab}/i{number}:{world.branch}"), world.from_nothing(number)
            if not agree(ours, plain):
                return f"{seed}: i{number} has {ours}, and from nothing {plain}"
    except (Unequal, AssertionError) as found:
        return f"{seed}: {found}"
    finally:
        world.clean()
    return ""


def test_a_hundred_pasts(tmp_path: Path, registry_address: str, versions: str) -> None:
    """None ends with an image that a build from nothing would not give, and none builds for nothing."""

    def one(seed: int) -> str:
        return verdict(seed, tmp_path / str(seed), registry_address, versions)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = [said for said in pool.map(one, range(SEED, SEED + PASTS)) if said]

    assert not found, f"{len(found)} of {PASTS}:\n" + "\n".join(found[:5])
