"""The server as a student's browser meets it."""

import pytest

TOKEN = "only-for-this-test"


@pytest.fixture
def server(container, http_client):
    address = container.serve(8888, environment={"JUPYTER_TOKEN": TOKEN})
    http_client.get(f"{address}/api", timeout=30).raise_for_status()
    return address


@pytest.mark.integration
def test_server_asks_for_a_token(server, http_client):
    assert http_client.get(f"{server}/api/contents", timeout=10).status_code == 403


@pytest.mark.integration
def test_files_are_kept_and_kernels_start(server, http_client):
    http_client.headers["Authorization"] = f"token {TOKEN}"

    page = http_client.get(f"{server}/lab", timeout=10)
    assert page.status_code == 200
    assert "JupyterLab" in page.text

    note = {"type": "file", "format": "text", "content": "week 1\n"}
    http_client.put(f"{server}/api/contents/notes.txt", json=note, timeout=10).raise_for_status()
    assert http_client.get(f"{server}/api/contents/notes.txt", timeout=10).json()["content"] == "week 1\n"

    # Patient: asked again, the server would start a second one.
    kernel = http_client.post(f"{server}/api/kernels", json={"name": "python3"}, timeout=100)
    assert kernel.status_code == 201
    running = http_client.get(f"{server}/api/kernels", timeout=10).json()
    assert kernel.json()["id"] in [each["id"] for each in running]
