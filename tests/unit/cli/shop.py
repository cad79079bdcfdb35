# SPDX-License-Identifier: MIT
"""A repository as people have it before Stackyard: twelve Dockerfiles, one build context, compose, a workflow."""

from __future__ import annotations

COMPOSE = """\
x-build: &build
  context: .

services:
  base:
    build: {context: ., dockerfile: docker/base.Dockerfile, args: [DEBIAN=bookworm]}
    image: shop-base
  python:
    build: {<<: *build, dockerfile: docker/python.Dockerfile}
    image: acme/shop-python:${TAG:-dev}
  api:
    build:
      context: .
      dockerfile: services/api/Dockerfile
      args: {MODE: dev, API_TOKEN: "${API_TOKEN}"}
    ports: ["8000:8000"]
  worker:
    build: {<<: *build, dockerfile: services/worker/Dockerfile, target: run}
  tools:
    build: {<<: *build, dockerfile: docker/tools.Dockerfile}
    image: shop-tools
  db:
    image: postgres:17
"""

WORKFLOW = """\
name: images
on: {push: {branches: [main]}}
env:
  REGISTRY: ghcr.io
jobs:
  bases:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        image: [base, python, node]
    steps:
      - uses: actions/checkout@v5
      - id: meta
        uses: docker/metadata-action@v5
        with:
          images: ${{ env.REGISTRY }}/${{ github.repository_owner }}/shop-${{ matrix.image }}
          tags: type=sha
      - name: build and push
        uses: docker/build-push-action@v6
        with:
          context: .
          file: docker/${{ matrix.image }}.Dockerfile
          push: true
          tags: ${{ steps.meta.outputs.tags }}
          platforms: linux/amd64,linux/arm64
  services:
    needs: bases
    runs-on: ubuntu-latest
    strategy:
      matrix:
        include:
          - {name: api, mode: production}
          - {name: worker, mode: production}
          - {name: web, mode: production}
          - {name: admin, mode: production}
    steps:
      - uses: docker/build-push-action@v6
        with:
          context: .
          file: services/${{ matrix.name }}/Dockerfile
          push: true
          build-args: |
            MODE=${{ matrix.mode }}
            COMMIT=${{ github.sha }}
          tags: |
            ghcr.io/acme/shop-${{ matrix.name }}:latest
            ghcr.io/acme/shop-${{ matrix.name }}:${{ github.sha }}
"""


def service(parent: str, name: str, more: str = "") -> str:
    """A Dockerfile of a service, which copies its own sources and what all share."""
    return (
        f"FROM {parent} AS run\nARG MODE=production\nARG COMMIT=unknown\n{more}"
        f"COPY libs/common /opt/common\nCOPY services/{name}/src /app\n"
    )


FILES = {
    "README.md": "# shop\n",
    ".dockerignore": ".git\nREADME.md\n",
    "compose.yaml": COMPOSE,
    ".github/workflows/images.yml": WORKFLOW,
    "libs/common/log.txt": "log\n",
    "docker/certs.txt": "certs\n",
    "docker/base.Dockerfile": "ARG DEBIAN=trixie\nFROM debian:${DEBIAN}-slim\nCOPY docker/certs.txt /etc/certs\n",
    "docker/python.Dockerfile": "FROM shop-base\nCOPY docker/python.txt /etc/\n",
    "docker/python.txt": "python\n",
    "docker/node.Dockerfile": "FROM ghcr.io/acme/shop-base:latest\nRUN echo node\n",
    "docker/tools.Dockerfile": "FROM shop-base\nCOPY docker/tools.txt /etc/\n",
    "docker/tools.txt": "tools\n",
    "services/api/Dockerfile": service("acme/shop-python", "api"),
    "services/worker/Dockerfile": service("ghcr.io/acme/shop-python:latest", "worker"),
    "services/web/Dockerfile": service("ghcr.io/acme/shop-node", "web"),
    "services/admin/Dockerfile": service("ghcr.io/acme/shop-node", "admin", "COPY --from=web /app /web\n"),
    **{f"services/{name}/src/main.txt": f"{name}\n" for name in ("api", "worker", "web", "admin")},
    "services/api/migrations/Dockerfile": "FROM api\nCOPY sql /sql\n",
    "services/api/migrations/sql/1.sql": "select 1\n",
    "jobs/report/Dockerfile": "ARG BASE=worker\nFROM ${BASE}\nCOPY jobs/report/run.txt /app/\n",
    "jobs/report/run.txt": "report\n",
    "jobs/export/Dockerfile": "FROM worker\nCOPY --from=shop-tools /etc/tools.txt /etc/\nCOPY run.txt /app/\n",
    "jobs/export/run.txt": "export\n",
    "proxy/Dockerfile": "FROM nginx:1.27\nCOPY proxy/nginx.conf /etc/nginx/\n",
    "proxy/nginx.conf": "events {}\n",
    "tests/Dockerfile": "FROM debian\n",
}
PARENTS = {
    "shop-base": [],
    "python": ["shop-base"],
    "api": ["python"],
    "worker": ["python"],
    "shop-tools": ["shop-base"],
    "shop-node": ["shop-base"],
    "web": ["shop-node"],
    "shop-admin": ["shop-node", "web"],
    "export": ["worker", "shop-tools"],
    "report": ["worker"],
    "proxy": [],
    "migrations": ["api"],
}
