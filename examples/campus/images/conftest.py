"""What every image test can ask for.

In:    TEST_IMAGE, the image under test (a name with a tag, a digest, or an image id); DOCKER_HOST
Out:   fixtures image_name, docker_client, container, inside, http_client
Rules: ports are free ones on 127.0.0.1, and no container outlives its test
"""

import os

import docker
import pytest
import requests
from docker.models.containers import Container
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry


class TestedContainer:
    """One container of the image under test. Running it again removes the one before."""

    def __init__(self, docker_client: docker.DockerClient, image_name: str) -> None:
        self.docker_client = docker_client
        self.image_name = image_name
        self.kwargs = {"detach": True, "tty": True}
        self._running: Container | None = None

    def run(self, **kwargs) -> Container:
        self.remove()
        self._running = self.docker_client.containers.run(self.image_name, **(self.kwargs | kwargs))
        return self._running

    def serve(self, port: int, **kwargs) -> str:
        """Run the container with one of its ports open to this machine only, and say where."""
        running = self.run(ports={f"{port}/tcp": ("127.0.0.1", None)}, **kwargs)
        running.reload()
        return f"http://127.0.0.1:{running.ports[f'{port}/tcp'][0]['HostPort']}"

    def sh(self, command: str, **kwargs) -> str:
        """Run a shell command inside and return what it prints. It has to succeed."""
        if self._running is None:
            self.run(command=["sleep", "infinity"])
        status, output = self._running.exec_run(["sh", "-c", command], **kwargs)
        text = output.decode().strip()
        assert status == 0, f"{command!r} ended with {status}:\n{text}"
        return text

    def remove(self) -> None:
        if self._running is not None:
            self._running.remove(force=True, v=True)
            self._running = None


@pytest.fixture(scope="session")
def docker_client():
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="session")
def image_name() -> str:
    name = os.environ.get("TEST_IMAGE")
    if not name:
        pytest.exit("TEST_IMAGE is not set: it names the image under test", returncode=2)
    return name


@pytest.fixture
def container(docker_client, image_name):
    """A container for one test that wants its own."""
    tested = TestedContainer(docker_client, image_name)
    yield tested
    tested.remove()


@pytest.fixture(scope="session")
def inside(docker_client, image_name):
    """A container for all tests that only look."""
    tested = TestedContainer(docker_client, image_name)
    yield tested
    tested.remove()


@pytest.fixture
def http_client():
    """A session that waits for a server to come up: tries again for about half a minute, but no POST that arrived."""
    patient = Retry(total=9, backoff_factor=0.1, backoff_max=8, status_forcelist=[502, 503])
    with requests.Session() as session:
        session.trust_env = False  # a proxy does not know this machine's loopback
        session.mount("http://", HTTPAdapter(max_retries=patient))
        yield session
