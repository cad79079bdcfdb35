# SPDX-License-Identifier: MIT
"""What is rebuilt after a change, and what should have been: Stackyard and three common rules, change by change.

python bench/accuracy.py            prints the table of docs/explanation/accuracy.md
python bench/accuracy.py --check    exit code 1 if Stackyard misses an image, or builds one for nothing

Each change happens in a git repository of its own, after a run that built everything. Stackyard plans and builds
with its own verbs; its engine makes of a build what tests/oracle.py says, in memory. What must be rebuilt is what
the oracle says: an image must be if what the files give is in no image that was built of it before. The rules
are told the same history and nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests import oracle, repositories  # noqa: E402
from tests.evaluating import EvaluatingEngine  # noqa: E402

from stackyard import verbs  # noqa: E402 - found by the lines above
from stackyard.model.reference import Platform  # noqa: E402
from stackyard.run.events import Limits  # noqa: E402
from stackyard.testing import FixedClock, MemoryRegistry  # noqa: E402
from stackyard.verbs import Options  # noqa: E402

LAB = "registry.example/lab"
OS = "registry.example/os"
IMAGES = ("base", "lab", "web", "solo")
PARENTS = {"base": (), "lab": ("base",), "web": ("base",), "solo": ()}
DOCKERFILES = {
    "base": f"""\
ARG RELEASE=1
FROM {OS}/small:${{RELEASE}}
ARG FLAVOUR=plain
ENV FLAVOUR=$FLAVOUR
COPY src /src/
""",
    "lab": f"""\
ARG BASE_TAG=latest
FROM {OS}/tools:1 AS tools
COPY requirements.lock /made/
FROM {LAB}/base:${{BASE_TAG}}
COPY --from=tools /id/ /tools/
COPY --from=tools /made/ /made/
COPY notebooks /notebooks/
RUN --mount=type=bind,source=scripts,target=/m rm -rf /installed && cp -a /m /installed
""",
    "web": f"""\
ARG BASE_TAG=latest
FROM {LAB}/base:${{BASE_TAG}}
COPY --from={OS}/server:1 /id/ /server/
COPY pages /pages/
""",
    "solo": f"""\
FROM {OS}/small:1
COPY src /src/
""",
}
FILES = {
    "base/.dockerignore": "*.log\n",
    "base/noise.log": "0",
    "base/src/start": "0",
    "lab/notebooks/first": "0",
    "lab/notebooks/more/second": "0",
    "lab/requirements.lock": "0",
    "lab/scripts/install": "0",
    "web/pages/index": "0",
    "solo/src/main": "0",
    **{f"{name}/Dockerfile": text for name, text in DOCKERFILES.items()},
}
SPEC = """\
registry: registry.example/lab
images:
  base:
    build_args: {{FLAVOUR: {flavour}, UNREAD: "{unread}"{release}}}
  lab: {{depend_on: base}}
  web: {{depend_on: base}}
  solo: {{{edge}}}
"""
OUTSIDE = (f"{OS}/small:1", f"{OS}/small:2", f"{OS}/tools:1", f"{OS}/server:1")


@dataclass
class Known:
    """What a rule wrote down when a run came to its end."""

    commit: str
    bases: dict[str, str]
    """Image -> what the base of its last stage was, where that is an external one."""


@dataclass
class Stack:
    """A repository with its history, what was built of it, and what must be."""

    root: Path
    spec: dict[str, str] = field(default_factory=lambda: {"flavour": "plain", "unread": "1", "release": "", "edge": ""})
    versions: dict[str, str] = field(default_factory=dict)
    """External base -> what it is now."""
    built: dict[str, list[oracle.Content]] = field(default_factory=dict)
    known: Known | None = None
    stale: set[str] = field(default_factory=set)
    """Images that the last run left, or made, as they should not be."""

    def __post_init__(self) -> None:
        self.registry = MemoryRegistry()
        self.upstream = EvaluatingEngine(registry=self.registry, shelf={})
        self.engine = EvaluatingEngine(registry=self.registry, shelf=self.upstream.shelf)
        self.contents: dict[str, oracle.Content] = {}
        self.clock = FixedClock()
        repositories.init(self.root)
        for reference in OUTSIDE:
            self.move(reference, f"{reference.rpartition(':')[2]}.0")
        for path, text in FILES.items():
            self.write(path, text)
        self.configure()
        self.commit()
        self.run()

    # What happens to it.

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.fileMode=true")
        env = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
        words = ("git", *who, *words)
        return subprocess.run(words, cwd=self.root, check=True, capture_output=True, text=True, env=env).stdout.strip()

    def path(self, path: str) -> Path:
        return self.root / "images" / path

    def write(self, path: str, text: str) -> None:
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text)

    def configure(self, **values: str) -> None:
        self.spec.update(values)
        self.write("spec.yml", SPEC.format(**self.spec))

    def commit(self) -> None:
        repositories.commit(self.root)

    def move(self, reference: str, version: str) -> None:
        """Somebody else publishes another image under this tag."""
        self.versions[reference] = version
        self.contents[reference] = self.upstream.publish(reference, version)
        self.engine.learn(self.upstream, reference)

    # Stackyard.

    def run(self, refresh: bool = False, left: int | None = None) -> set[str]:
        """What a run of Stackyard builds; `left`: it is killed after so many builds."""
        self.clock.advance(60)
        self.engine.builds.clear()
        self.stale.clear()
        self.engine.left = left
        yard = verbs.load(
            self.root,
            Options(platform=Platform("linux/amd64")),
            self.clock,
            make_engine=lambda _: self.engine,
            make_registry=lambda _: self.registry,
        )
        summary = verbs.run(yard, verbs.prepare(yard, refresh=refresh), limits=Limits(builds=1))
        self.engine.left = None
        now = self.expected()
        for outcome in summary.outcomes:
            if outcome.published is not None:
                name = str(outcome.target)
                found = self.engine.content(str(outcome.published.reference))
                self.built.setdefault(name, []).append(found)
                if found != now[name]:
                    self.stale.add(name)
        if left is None:
            self.known = Known(self.git("rev-parse", "HEAD"), self.final_bases())
        return set(self.engine.builds)

    # What must be.

    def expected(self) -> dict[str, oracle.Content]:
        """What the files give."""
        found: dict[str, oracle.Content] = {}

        def image(text: str) -> oracle.Content:
            return (
                self.contents[text] if text in self.contents else found[text.removeprefix(f"{LAB}/").partition(":")[0]]
            )

        for name in IMAGES:
            folder = self.path(name)
            text = (folder / "Dockerfile").read_text()
            found[name] = oracle.make(text, oracle.sent(folder), self.args(name), image).content
        return found

    def args(self, name: str) -> dict[str, str]:
        if name != "base":
            return {"BASE_TAG": "main"}
        release = {"RELEASE": "2"} if self.spec["release"] else {}
        return {"FLAVOUR": self.spec["flavour"], "UNREAD": self.spec["unread"], **release}

    def must(self) -> set[str]:
        """Images of which no build has what the files give."""
        return {name for name, content in self.expected().items() if content not in self.built.get(name, [])}

    # What the rules look at.

    def final_bases(self) -> dict[str, str]:
        found = {}
        for name in IMAGES:
            text = (self.path(name) / "Dockerfile").read_text()
            last = [rest for word, rest in oracle.instructions(text) if word == "FROM"][-1]
            text = oracle.expand(last, {"RELEASE": "2" if self.spec["release"] else "1"})
            if text in self.versions:
                found[name] = f"{text} {self.versions[text]}"
        return found


# The rules that others go by, each in its own best form: children follow their parents everywhere.


def with_children(names: Iterable[str]) -> set[str]:
    found = set(names)
    for name in IMAGES:  # parents stand before their children
        if found & set(PARENTS[name]):
            found.add(name)
    return found


def by_dockerfile(stack: Stack) -> set[str]:
    """An image is fresh while its Dockerfile's last commit and its final base's digest are what they were."""
    known = stack.known
    assert known is not None
    now = stack.final_bases()
    return with_children(
        name
        for name in IMAGES
        if _commits(stack, known.commit, f"{name}/Dockerfile") or now.get(name) != known.bases.get(name)
    )


def by_paths(stack: Stack) -> set[str]:
    """CI starts the job of an image if the push touches its folder, a folder it is built on, or the spec."""
    known = stack.known
    assert known is not None
    changed = stack.git("diff", "--name-only", "--no-renames", known.commit, "HEAD").split("\n")
    if "images/spec.yml" in changed:
        return set(IMAGES)
    return with_children(name for name in IMAGES if any(path.startswith(f"images/{name}/") for path in changed))


def by_copied_paths(stack: Stack) -> set[str]:
    """An image's name is the last commit of its Dockerfile and the paths that COPY names, or of its parents'."""
    known = stack.known
    assert known is not None
    found = set()
    for name in IMAGES:
        text = (stack.path(name) / "Dockerfile").read_text()
        copies = [rest.split() for word, rest in oracle.instructions(text) if word == "COPY" and "--from" not in rest]
        paths = [f"{name}/{path}" for words in copies for path in words[:-1]]
        if _commits(stack, known.commit, f"{name}/Dockerfile", *paths):
            found.add(name)
    return with_children(found)


def _commits(stack: Stack, since: str, *paths: str) -> str:
    return stack.git("rev-list", f"{since}..HEAD", "--", *(f"images/{path}" for path in paths))


RULES = {
    "commit of the Dockerfile": by_dockerfile,
    "path filter": by_paths,
    "last commit of copied paths": by_copied_paths,
}


# The changes.

Change = Callable[[Stack], object]


def committed(change: Change) -> Change:
    def do(stack: Stack) -> None:
        change(stack)
        stack.commit()

    return do


def _revert(stack: Stack) -> None:
    stack.write("base/src/start", "1")
    stack.commit()
    stack.run()
    stack.git("-c", "core.editor=true", "revert", "--no-edit", "HEAD")


def _rename(stack: Stack) -> None:
    stack.git("mv", "images/lab/notebooks/first", "images/web/pages/first")


def _move_out(stack: Stack) -> None:
    (stack.root / "attic").mkdir()
    stack.git("mv", "images/lab/notebooks/more", "attic/more")


def _add_edge(stack: Stack) -> None:
    stack.write("solo/Dockerfile", f"ARG BASE_TAG=latest\nFROM {LAB}/base:${{BASE_TAG}}\nCOPY src /src/\n")
    stack.configure(edge="depend_on: base")


def _killed(stack: Stack) -> None:
    stack.move(OUTSIDE[0], "1")
    stack.run(refresh=True, left=1)
    stack.commit()


def _several(stack: Stack) -> None:
    for path, text in (("lab/notebooks/first", "1"), ("web/pages/index", "1"), ("web/pages/index", "0")):
        stack.write(path, text)
        stack.commit()


def _merge(stack: Stack) -> None:
    stack.git("checkout", "--quiet", "-b", "side")
    stack.write("web/pages/index", "1")
    stack.commit()
    stack.git("checkout", "--quiet", "main")
    stack.write("lab/notebooks/first", "1")
    stack.commit()
    stack.run()
    stack.git("merge", "--quiet", "--no-ff", "--no-edit", "side")


def _times(stack: Stack) -> None:
    for path in stack.path("").rglob("*"):
        os.utime(path, (1, 1))


def _write(path: str, text: str) -> Change:
    return committed(lambda stack: stack.write(path, text))


def _set(**values: str) -> Change:
    return committed(lambda stack: stack.configure(**values))


def _moved(reference: str) -> Change:
    return committed(lambda stack: stack.move(reference, "1"))


CHANGES: Mapping[str, Change] = {
    "file copied by one image": _write("lab/notebooks/first", "1"),
    "ignored file": _write("base/noise.log", "1"),
    "comment in a Dockerfile": _write("base/Dockerfile", f"# why\n{DOCKERFILES['base']}"),
    "mtime only": _times,
    "mode bit": committed(lambda stack: stack.path("lab/notebooks/first").chmod(0o755)),
    "revert": _revert,
    "declared argument": _set(flavour="rich"),
    "undeclared argument": _set(unread="2"),
    "argument in FROM": _set(release=', RELEASE: "2"'),
    "earlier stage's base": _moved(f"{OS}/tools:1"),
    "final base's digest": _moved(f"{OS}/small:1"),
    "bind mount": _write("lab/scripts/install", "1"),
    "external `COPY --from`": _moved(f"{OS}/server:1"),
    "rename between images": committed(_rename),
    "folder moved out": committed(_move_out),
    "edge added": committed(_add_edge),
    "lock changed": _write("lab/requirements.lock", "1"),
    "base refreshed, run killed before the children": _killed,
    "several commits at once, one taken back": _several,
    "merge commit": _merge,
}


@dataclass
class Row:
    """One change: what must be rebuilt, and what each rule rebuilds."""

    change: str
    must: set[str]
    rebuilt: dict[str, set[str]]
    stale: frozenset[str]
    """Images that are not what they should be after Stackyard's run."""


def measure(change: str) -> Row:
    """One change in a fresh repository."""
    with tempfile.TemporaryDirectory(prefix="stackyard-accuracy-") as folder:
        stack = Stack(Path(folder))
        CHANGES[change](stack)
        must = stack.must()
        rebuilt = {name: rule(stack) for name, rule in RULES.items()}
        ours = stack.run(refresh=True)
        return Row(change, must, {"Stackyard": ours - stack.stale, **rebuilt}, frozenset(stack.stale))


def cell(row: Row, rule: str) -> str:
    """What a rule rebuilds, and what is wrong with that."""
    rebuilt = row.rebuilt[rule]
    false, missed = len(rebuilt - row.must), len(row.must - rebuilt)
    wrong = [f"{false} for nothing"] * bool(false) + [f"**{missed} missed**"] * bool(missed)
    return named(rebuilt) + (f" ({', '.join(wrong)})" if wrong else "")


def named(names: Iterable[str]) -> str:
    return ", ".join(name for name in IMAGES if name in names) or "-"


def totals(rows: Iterable[Row], rule: str) -> tuple[int, int]:
    """For nothing, and missed."""
    pairs = [(row.must, row.rebuilt[rule]) for row in rows]
    return sum(len(found - must) for must, found in pairs), sum(len(must - found) for must, found in pairs)


def line(row: Row) -> str:
    """A change's line of the table."""
    return f"| {row.change} | {named(row.must)} | {' | '.join(cell(row, rule) for rule in ('Stackyard', *RULES))} |"


def table() -> str:
    """All changes, and sums."""
    rows = [measure(change) for change in CHANGES]
    rules = ("Stackyard", *RULES)
    lines = [f"| change | must be rebuilt | {' | '.join(rules)} |", "| --- " * (len(rules) + 2) + "|"]
    lines += map(line, rows)
    sums = [totals(rows, rule) for rule in rules]
    lines += [f"| **for nothing** | | {' | '.join(str(false) for false, _ in sums)} |"]
    lines += [f"| **missed** | | {' | '.join(str(missed) for _, missed in sums)} |"]
    return "\n".join(lines) + "\n"


def main(argv: list[str]) -> int:
    if argv not in ([], ["--check"]):
        print("usage: python bench/accuracy.py [--check]", file=sys.stderr)
        return 2
    if not argv:
        print(table(), end="")
        return 0
    rows = [measure(change) for change in CHANGES]
    false, missed = totals(rows, "Stackyard")
    stale = sum(len(row.stale) for row in rows)
    print(f"for nothing: {false}, missed: {missed}, not as they should be: {stale}")
    return 1 if false or missed or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
