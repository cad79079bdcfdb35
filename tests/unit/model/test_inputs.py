# SPDX-License-Identifier: MIT
"""The two fingerprints: what changes them, what does not, and what people are told of a difference."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

import msgspec
import pytest

from stackyard.model import canonical
from stackyard.model.inputs import (
    BlobId,
    Entry,
    Inputs,
    Places,
    build_fingerprint,
    comparable,
    differences,
    identity,
    looks_secret,
    masked,
    source_fingerprint,
)
from stackyard.model.names import TargetName
from stackyard.model.reason import ArgumentChanged
from tests.cases import each_of
from tests.unit.plan.made import blob, sha

BASE, UP = "docker.io/library/debian:12", TargetName("up")
SOME = Inputs(
    dockerfile=blob("FROM x"),
    context=(Entry("a", "file", blob("a")), Entry("b", "exec", blob("b"))),
    everywhere=(Entry("spec.yml", "file", blob("s")),),
    args=(("V", "1"),),
    labels=(("title", "lab"),),
    bases=(BASE,),
    parents=(UP,),
    platform="linux/amd64",
)

CHANGES: list[tuple[dict[str, Any], list[str]]] = [
    ({"dockerfile": blob("FROM y")}, ["Dockerfile changed"]),
    ({"context": (Entry("a", "file", blob("A")), SOME.context[1])}, ["a changed"]),
    ({"context": (Entry("a", "exec", blob("a")), SOME.context[1])}, ["a has another mode"]),
    ({"context": (Entry("a", "link", blob("b")), SOME.context[1])}, ["a is a link now"]),
    ({"context": (SOME.context[0], Entry("b", "dir", blob("b")))}, ["b is an empty folder now"]),
    ({"context": (*SOME.context, Entry("c", "dir", blob("")))}, ["c added"]),
    ({"context": SOME.context[:1]}, ["b removed"]),
    ({"context": (Entry("c", "file", blob("a")), SOME.context[1])}, ["c added", "a removed"]),
    ({"everywhere": (Entry("spec.yml", "file", blob("t")),)}, ["images/spec.yml changed"]),
    ({"locks": (Entry("lock", "file", blob("l")),)}, ["lock added"]),
    ({"args": (("V", "2"),)}, ["build argument V changed from 1 to 2"]),
    ({"args": (("V", ""),)}, ["build argument V changed from 1 to nothing"]),
    ({"args": ()}, ["build argument V removed"]),
    ({"bases": (BASE, "docker.io/library/node:1")}, ["base docker.io/library/node:1 added"]),
    ({"bases": ()}, [f"base {BASE} removed"]),
    ({"parents": ()}, ["parent up removed"]),
    ({"platform": "linux/arm64"}, ["platform changed from linux/amd64 to linux/arm64"]),
    ({"stage": "final"}, ["stage changed from nothing to final"]),
    ({"network": "none"}, ["network changed from nothing to none"]),
    ({"labels": (("title", "a"), ("b", "c"))}, ["labels changed from title=lab to title=a, b=c"]),
    ({"uses": ("parent up",)}, ["builds on parent up, was nothing"]),
    ({"secrets": ("token",)}, ["secrets changed from nothing to token"]),
    ({"epoch": 1}, ["epoch changed from 315532800 to 1"]),
    ({"definition": 2}, ["definition changed from 1 to 2"]),
]


def source(inputs: Inputs, up: str = "up") -> str:
    """The source fingerprint on a parent whose own is `up`."""
    return source_fingerprint(inputs, {UP: sha(up)})


def build(inputs: Inputs, up: str = "up", base: str = "base") -> str:
    """The build fingerprint on a parent of content `up`, with all bases at `base`."""
    return build_fingerprint(inputs, {UP: sha(up)}, {name: sha(base) for name in inputs.bases})


@each_of(("change", "clauses"), CHANGES, ids=lambda value: str(value)[:30])
def test_every_difference_counts_and_is_told(change: dict[str, Any], clauses: list[str]) -> None:
    """Each field changes both fingerprints, and the reasons name exactly what is different."""
    other = msgspec.structs.replace(SOME, **change)

    assert source(other) != source(SOME)
    assert build(other) != build(SOME)
    assert [str(reason) for reason in differences(other, SOME, Places())] == clauses


def test_paths_are_those_that_a_person_types() -> None:
    """From the stack's root, wherever a file comes from; one that counts twice is told once."""
    dockerfile = Entry("Dockerfile", "file", blob("y"))
    context = (dockerfile, Entry("a", "file", blob("2")), Entry("lib/b", "file", blob("2")))
    everywhere = (Entry("lab/a", "file", blob("2")), Entry("web", "file", blob("2")))
    wanted = msgspec.structs.replace(SOME, dockerfile=blob("y"), context=context, everywhere=everywhere)
    known = msgspec.structs.replace(SOME, dockerfile=blob("x"), context=(), everywhere=())
    known = msgspec.structs.replace(known, context=tuple(Entry(e.path, "file", blob("1")) for e in context))
    places = Places("pics/lab/Dockerfile", "pics/lab", "pics", {"lib/b": "shared/b"})

    assert [str(reason) for reason in differences(wanted, known, places)] == [
        "pics/lab/Dockerfile changed",
        "pics/lab/a changed",
        "shared/b changed",
        "pics/lab/a added",
        "pics/web added",
    ]
    assert [str(each) for each in differences(wanted, known, Places())][:2] == ["Dockerfile changed", "a changed"]


A, B, C = (Entry(name, "file", blob(name)) for name in "abc")
LINK = Entry("b", "link", blob("x"))

EXPLAINED: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    (  # the rule first, and no word of files that came or went
        {"context": (A,), "aside": (("ChangeIgnore", "web/b"),)},
        {"context": (A, B)},
        ["ChangeIgnore changed from nothing to web/b", "b counts no more"],
    ),
    (
        {"context": (A, B), "aside": (("granularity", "copied"),)},
        {"context": (C,), "aside": ()},
        ["granularity changed from folder to copied", "a counts now", "b counts now", "c counts no more"],
    ),
    (  # nothing of the context differs: the rule is no reason
        {"context": (A,), "args": (("V", "2"),), "aside": (("ChangeIgnore", "x"),)},
        {"context": (A,)},
        ["build argument V changed from 1 to 2"],
    ),
    (  # what is copied is another set where the Dockerfile is another one
        {"context": (A, B), "dockerfile": blob("y"), "aside": (("granularity", "copied"),)},
        {"context": (A,), "aside": (("granularity", "copied"),)},
        ["Dockerfile changed", "b counts now"],
    ),
    ({"context": (A, B), "dockerfile": blob("y")}, {"context": (A,)}, ["Dockerfile changed", "b added"]),
    ({"context": (A, LINK, C)}, {"context": (A, B)}, ["b is a link now", "c counts now"]),
    ({"context": (A, LINK, C)}, {"context": (C,)}, ["b added", "a counts now"]),
    ({"context": (A, B, C)}, {"context": (A, LINK)}, ["b is a file now", "c counts now"]),
    (
        {"context": (Entry(".dockerignore", "file", blob("y")), A)},
        {"context": (Entry(".dockerignore", "file", blob("x")), A, B)},
        [".dockerignore changed", "b counts no more"],
    ),
    (  # the argument that says what is built on
        {"uses": ("stage b", "parent up"), "aside": (("ARG WHICH", "b"),)},
        {"uses": ("stage a", "parent up"), "aside": (("ARG WHICH", "a"),)},
        ["build argument WHICH changed from a to b", "builds on stage b, was stage a"],
    ),
    (
        {"bases": (BASE, "two"), "aside": (("ARG TOKEN", comparable("TOKEN", "2")),)},
        {"bases": (BASE,)},
        ["build argument TOKEN set to (hidden)", "base two added"],
    ),
]


@each_of(("now", "was", "clauses"), EXPLAINED)
def test_what_explains_a_difference_is_told_first(now: dict[str, Any], was: dict[str, Any], clauses: list[str]) -> None:
    """A file that is there and counts no more was not removed; an argument that only FROM reads has its effect."""
    wanted, known = msgspec.structs.replace(SOME, **now), msgspec.structs.replace(SOME, **was)

    assert [str(reason) for reason in differences(wanted, known, Places())] == clauses


def test_what_explains_inputs_is_in_no_digest() -> None:
    """A rule that changes nothing builds nothing, and finds the same records; kept, it comes back."""
    other = msgspec.structs.replace(SOME, aside=(("granularity", "copied"),))

    assert (source(other), build(other), identity(other)) == (source(SOME), build(SOME), identity(SOME))
    assert list(differences(other, SOME, Places())) == []
    assert canonical.decode(canonical.encode(other), Inputs) == other


def test_equal_inputs_are_equal() -> None:
    """Nothing but the values counts, and between equal ones no difference is told."""
    stored = canonical.decode(canonical.encode(SOME), Inputs)

    assert (source(stored), build(stored)) == (source(SOME), build(SOME))
    assert list(differences(SOME, stored, Places())) == []


def test_the_parents_facts_count_where_they_belong() -> None:
    """A parent's sources are in the source fingerprint; its content and the bases' digests in the build fingerprint."""
    assert source(SOME, up="1") != source(SOME, up="2")
    assert build(SOME, up="1") != build(SOME, up="2")
    assert build(SOME, base="1") != build(SOME, base="2")


def test_a_fingerprint_without_a_fact_is_an_error() -> None:
    """No fingerprint is ever made of less than all parents and bases."""
    with pytest.raises(KeyError):
        source_fingerprint(SOME, {})
    with pytest.raises(KeyError):
        build_fingerprint(SOME, {UP: sha("up")}, {})


def test_source_and_build_are_never_confused() -> None:
    """Even over the same facts, the two are different digests."""
    alone = msgspec.structs.replace(SOME, parents=(), bases=())

    assert source_fingerprint(alone, {}) != build_fingerprint(alone, {}, {})


def test_blob_ids_are_those_of_git() -> None:
    """`git hash-object` of the empty file and of `hello` with a newline."""
    assert BlobId.of(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert BlobId.of(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


@each_of(
    ("name", "value"),
    [
        ("TOKEN", "x"),
        ("GITHUB_TOKEN", "x"),
        ("db_password", "x"),
        ("DB_PASS", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("APIKEY", "x"),
        ("MY_API_KEY_2", "x"),
        ("SSH_PRIVATE_KEY", "x"),
        ("INDEX", "https://user:pass@pypi.example/simple"),
        ("CACHE", "redis://:pass@cache.example/0"),
        ("V", "ghp_" + "a1" * 18),
        ("V", "glpat-" + "a1" * 10),
        ("V", "AKIA" + "A1" * 8),
        ("V", "-----BEGIN OPENSSH PRIVATE KEY-----\nx"),
    ],
)
def test_a_secret_is_known_by_its_name_or_its_form(name: str, value: str) -> None:
    """Its value is in no inputs: a hash stands for it, another one for another value or name."""
    assert looks_secret(name, value)
    hidden = functools.partial(comparable, rounds=2)  # what is slow on purpose is held by the next test
    assert value not in hidden(name, value)
    assert hidden(name, value) == hidden(name, value)
    assert hidden(name, value) != hidden(name, value + "y")
    assert hidden(name, value) != hidden(f"{name}_TOKEN", value)


def test_a_guess_at_a_secret_costs_what_it_should() -> None:
    """What stands for a secret is scrypt over 16 MB, as records have it since the first: no other hash is theirs."""
    key = hashlib.scrypt(b"hush", salt=b"stackyard TOKEN", n=2**14, r=8, p=1, dklen=32)
    assert comparable("TOKEN", "hush") == f"hidden:{key.hex()}"


@each_of(
    ("name", "value"),
    [
        ("PYTHON_VERSION", "3.10"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("PASSENGER_VERSION", "6"),
        ("PATH", "/usr/bin"),
        ("INDEX", "https://pypi.example/simple"),
        ("INDEX", "https://pypi.example:8080/a@b"),
        ("MAIL", "a:b@example.org"),
        ("BASE_TAG", "2026.3-main"),
    ],
)
def test_what_is_no_secret_stays_readable(name: str, value: str) -> None:
    """A version, an address with a port, a word that only begins like a secret's."""
    assert comparable(name, value) == value


def test_a_changed_secret_is_told_without_its_value() -> None:
    """The reason says that it changed, and neither from what nor to what."""
    was, now = (msgspec.structs.replace(SOME, args=(("TOKEN", comparable("TOKEN", v)),)) for v in ("old", "new"))

    assert list(differences(now, was, Places())) == [ArgumentChanged("TOKEN", "(hidden)", "(hidden)")]
    assert build(now) != build(was)


def test_a_text_is_masked() -> None:
    """Wherever a secret's value got into a text for people, it is taken out; other values stay."""
    assert masked("a/hush:1.2", [("TOKEN", "hush"), ("V", "1.2"), ("SECRET", "")]) == "a/(hidden):1.2"
