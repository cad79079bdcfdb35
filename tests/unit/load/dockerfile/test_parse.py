# SPDX-License-Identifier: MIT
"""Reading Dockerfiles: what BuildKit takes is taken, what it refuses is told with its line."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stackyard.errors import FileProblem
from stackyard.load.dockerfile.parse import parse
from stackyard.model.dockerfile import Arg, Copied, Dockerfile, Env, Use
from tests.cases import each_of
from tests.examples import examples


def read(text: str | bytes) -> Dockerfile:
    """The Dockerfile that `text` is."""
    return parse(text if isinstance(text, bytes) else text.encode(), "images/a/Dockerfile")


def problem(text: str | bytes) -> FileProblem:
    """What is wrong with `text`."""
    with pytest.raises(FileProblem) as caught:
        read(text)
    return caught.value


@each_of(
    ("line", "base", "name", "platform"),
    [
        ("FROM debian", "debian", None, None),
        ("from debian", "debian", None, None),
        ("  FROM\tdebian  ", "debian", None, None),
        ("FROM debian AS build", "debian", "build", None),
        ("FROM debian as Build-1.x_y", "debian", "build-1.x_y", None),
        ("FROM --platform=$BUILDPLATFORM debian:12 AS x", "debian:12", "x", "$BUILDPLATFORM"),
        ("FROM --platform='linux/amd64' debian", "debian", None, "linux/amd64"),
        ("FROM --unknown=1 debian", "debian", None, None),
        ('FROM "${BASE}"', '"${BASE}"', None, None),
        ("FROM debian\\\n  AS \\\n  x", "debian", "x", None),
        ("FROM a@sha256:0 AS x", "a@sha256:0", "x", None),
        ("FROM debian AS scratch", "debian", "scratch", None),
    ],
)
def test_from(line: str, base: str, name: str | None, platform: str | None) -> None:
    """FROM in every form: case, blanks, platform, stage name, quotes, continuation."""
    (stage,) = read(line).stages
    assert (stage.base, stage.name, stage.platform) == (Use("from", base, 1), name, platform)


@each_of(
    ("line", "expected"),
    [
        ("ARG A", [("A", None)]),
        ("arg A=1", [("A", "1")]),
        ("ARG A=", [("A", "")]),
        ("ARG A B=2 C", [("A", None), ("B", "2"), ("C", None)]),
        ("ARG A=1 \\\n    B=2 \\\n    # C=3 \\\n\n    D=4", [("A", "1"), ("B", "2"), ("D", "4")]),
        ("ARG A=\"x y\" B='z'", [("A", '"x y"'), ("B", "'z'")]),
        (r"ARG A=x\ y", [("A", r"x\ y")]),
        ("ARG A=$B", [("A", "$B")]),
        ('ARG A="', [("A", '"')]),
        ("ARG A=b=c", [("A", "b=c")]),
    ],
)
def test_arg(line: str, expected: list[tuple[str, str | None]]) -> None:
    """ARG, several on a line or over lines, with raw defaults, before FROM and after it."""
    assert read(f"{line}\nFROM x").args == tuple(Arg(name, default, 1) for name, default in expected)
    assert read(f"FROM x\n{line}").stages[0].args == tuple(Arg(name, default, 2) for name, default in expected)


@each_of(
    ("line", "expected"),
    [
        ("ENV A=1 B=2", [("A", "1"), ("B", "2")]),
        ("ENV DEBIAN_FRONTEND noninteractive", [("DEBIAN_FRONTEND", "noninteractive")]),
        ("ENV A  b c=d ", [("A", "b c=d")]),
        ('ENV A="b c" D=${E}', [("A", '"b c"'), ("D", "${E}")]),
        ("ENV SHELL=/bin/bash", [("SHELL", "/bin/bash")]),
        ("ENV PATH=/a:${PATH} \\\n  B=1", [("PATH", "/a:${PATH}"), ("B", "1")]),
        ('ENV "A"=1', [("A", "1")]),
    ],
)
def test_env(line: str, expected: list[tuple[str, str]]) -> None:
    """ENV in both forms, with raw values."""
    assert read(f"FROM x\n{line}").stages[0].env == tuple(Env(name, value, 2) for name, value in expected)


def test_label_keys() -> None:
    """Keys of labels, quotes taken away, in both forms."""
    text = 'FROM x\nLABEL "a.b"=1 c="d e" \\\n  f=g\nLABEL old form\nLABEL $V=1'
    assert read(text).stages[0].labels == ("a.b", "c", "f", "old", "$V")


@each_of(
    ("line", "how", "sources"),
    [
        ("COPY a /x", "copy", ("a",)),
        ("copy /scripts ./b c* /x/", "copy", ("/scripts", "./b", "c*")),
        ("COPY --chown=$U:$G --chmod=755 --link a /x", "copy", ("a",)),
        ('COPY ["a b", "c", "/x"]', "copy", ("a b", "c")),
        ('COPY --chown=1 [ "a" , "/x" ]', "copy", ("a",)),
        ("COPY [a] /x", "copy", ("[a]",)),
        ("COPY [a b", "copy", ("[a",)),
        ("COPY -- --odd /x", "copy", ("--odd",)),
        ("COPY a \\\n  # b \\\n  c \\  \n  /x", "copy", ("a", "c")),
        ("ADD --checksum=sha256:0 https://h/x a /x", "add", ("https://h/x", "a")),
        ("ADD test /x", "add", ("test",)),
        ("COPY --from= a /x", "copy", ("a",)),
        ("COPY --chown=a\u3000b a /x", "copy", ("a",)),
    ],
)
def test_copy_and_add(line: str, how: str, sources: tuple[str, ...]) -> None:
    """Sources of COPY and ADD, in both forms, behind any flags."""
    (copied,) = read(f"FROM x\n{line}").stages[0].copies
    assert (copied.how, copied.sources, copied.line) == (how, sources, 2)


def test_copy_flags_that_change_what_is_read() -> None:
    """--exclude and --parents are kept."""
    (copied,) = read("FROM x\nCOPY --parents --exclude=*.md --exclude='d d' a /x").stages[0].copies
    assert copied == Copied("copy", ("a",), 2, ("*.md", "d d"), True)
    assert not read("FROM x\nCOPY --parents=false a /x").stages[0].copies[0].parents


@pytest.mark.parametrize("line", ["COPY --from=img a /x", "copy --link --from=img a b /x", 'COPY --from=img ["a","b"]'])
def test_copy_from(line: str) -> None:
    """COPY --from uses an image and reads nothing from the build context."""
    stage = read(f"FROM x\n{line}").stages[0]
    assert stage.uses == (Use("copy", "img", 2),)
    assert stage.copies == ()


@each_of(
    ("flags", "uses", "sources"),
    [
        ("--mount=type=bind,source=a,target=/t", [], ["a"]),
        ("--mount=type=bind,src=a,dst=/t", [], ["a"]),
        ("--mount=target=/t", [], ["."]),
        ("--mount=TYPE=bind,Source=a,target=/t,ro", [], ["a"]),
        ("--mount=from=img,source=/a,target=/t", ["img"], []),
        ("--mount=type=cache,from=img,target=/t", ["img"], []),
        ("--mount=type=cache,target=/t", [], []),
        ("--mount=type=tmpfs,target=/t", [], []),
        ("--mount=type=secret,id=x", [], []),
        ("--mount=type=ssh", [], []),
        ("--network=none --mount=source=a,target=/t --mount=from=b,target=/u", ["b"], ["a"]),
        ("""--mount='"source=a,b",target=/t'""", [], ["a,b"]),
        ("--security=insecure", [], []),
    ],
)
def test_mounts(flags: str, uses: list[str], sources: list[str]) -> None:
    """RUN --mount names images, or paths of the build context."""
    stage = read(f"FROM x\nRUN {flags} true").stages[0]
    assert [use.text for use in stage.uses] == uses
    assert [source for copied in stage.copies for source in copied.sources] == sources


def test_run_is_left_to_the_shell() -> None:
    """Words, dollars and flags of a command are none of ours, over any number of lines."""
    text = """FROM x
RUN ( for i in a b ; do \\
        # --mount=from=no && \\
        echo "$i" --mount=from=no ; \\

      done ) >> file && \\  \t
    COPY --from=no a b
RUN ["sh", "-c", "COPY --from=no <<EOF"]
CMD FROM no
"""
    (stage,) = read(text).stages
    assert stage.uses == ()
    assert stage.copies == ()


def test_comments_that_end_in_a_backslash() -> None:
    """A comment is a comment, whatever it ends with, between instructions and within one."""
    text = "# one \\\nFROM x\n  # two \\\nCOPY a \\\n# three \\\n  b /x\n"
    (copied,) = read(text).stages[0].copies
    assert copied == Copied("copy", ("a", "b"), 4)


def test_a_doubled_escape_continues_nothing() -> None:
    """Two escape signs at a line's end are not a continuation."""
    assert len(read("FROM x\nRUN echo \\\\\nCOPY a /x").stages[0].copies) == 1


def test_escape_directive() -> None:
    """With a backquote as escape sign, a backslash continues nothing."""
    file = read("# escape=`\nFROM x\nRUN dir C:\\\nCOPY a `\n  b C:\\x\\\n")
    assert file.escape == "`"
    assert file.stages[0].copies == (Copied("copy", ("a", "b"), 4),)


@each_of(
    ("text", "image", "line"),
    [
        ("# syntax=docker/dockerfile:1\nFROM x", "docker/dockerfile:1", 1),
        ("#SYNTAX = docker/dockerfile:1 --flag \r\nFROM x", "docker/dockerfile:1", 1),
        ("# escape=\\\n# syntax=a\nFROM x", "a", 2),
        ("# check=skip=all\n# syntax=a\nFROM x", "a", 2),
        ("\ufeff# syntax=a\nFROM x", "a", 1),
        ("#!/usr/bin/env x\n# syntax=a\nFROM x", "a", 2),
        ("# a comment\n# syntax=a\nFROM x", None, 0),
        ("\n# syntax=a\nFROM x", None, 0),
        ("# other=1\n# syntax=a\nFROM x", None, 0),
        ("FROM x\n# syntax=a", None, 0),
        ("# syntax=\nFROM x", None, 0),
        ("#\u3000syntax=a\nFROM x", None, 0),
    ],
)
def test_syntax_directive(text: str, image: str | None, line: int) -> None:
    """Parser directives count at the very top only, in any order and case."""
    assert read(text).syntax == (Use("syntax", image, line) if image else None)


def test_an_escape_directive_may_be_indented_and_a_syntax_one_not() -> None:
    """As in BuildKit, which reads the two in different places."""
    assert read("  # escape=`\nFROM x").escape == "`"
    assert read("  # syntax=a\nFROM x").syntax is None


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfFROM x\r\nCOPY a \\\r\n  b \\ \r\n\r\n  # c \\\r\n  /x\r\nRUN <<E\r\nFROM no\r\nE\r\nADD d /y",
        b"FROM x\nCOPY a b /x\n\n\n\nRUN <<E\nFROM no\nE\nADD d /y",
    ],
)
def test_line_ends(text: bytes) -> None:
    """A byte order mark, CRLF and a missing newline at the end change nothing."""
    (stage,) = read(text).stages
    assert [(copied.how, copied.sources) for copied in stage.copies] == [("copy", ("a", "b")), ("add", ("d",))]


@each_of(
    "opening",
    [
        "RUN <<EOF",
        "RUN <<-EOF",
        "RUN <<'EOF' cat",
        'run --mount=type=cache,target=/c 3<<"EOF"',
        "RUN << EOF",
        "COPY <<EOF /x",
        "ADD --chmod=1 <<EOF /x",
        "ONBUILD RUN <<EOF",
        "RUN cat \\\n  <<EOF",
    ],
)
def test_heredoc_bodies_are_not_instructions(opening: str) -> None:
    """What stands in a heredoc is text: instructions, comments, continuations, conflict markers."""
    body = "FROM no\n# syntax\nBROKEN \\\n<<<<<<< HEAD\n EOF\nEOF "
    end = "\tEOF" if "<<-" in opening else "EOF"
    text = f"FROM x\n{opening}\n{body}\n{end}\nCOPY after /x"
    (stage,) = read(text).stages
    assert [copied.sources for copied in stage.copies] == [("after",)]


def test_several_heredocs() -> None:
    """Bodies follow in the order of their names; a heredoc is no path."""
    text = "FROM x\nCOPY <<a real <<b /x\nb\na\nCOPY no /x\nb\nCOPY yes /x"
    assert [copied.sources for copied in read(text).stages[0].copies] == [("real",), ("yes",)]


def test_variables_of_heredocs() -> None:
    """A line that begins with `#` is text there, as any other; in quoted ones of COPY and ADD nothing is replaced."""
    text = "FROM x\nCOPY <<a <<'b' /x\n# $A\na\n$B\nb\n# $C\nRUN <<'c'\n# $D\nc\nADD <<\"d\" /\n$E\nd\nENV e=$F"
    assert [(mention.name, mention.line) for mention in read(text).mentions] == [("A", 3), ("D", 9), ("F", 14)]


def test_the_place_of_a_name_is_not_in_a_heredoc() -> None:
    """What is joined of two lines is found on neither; the text below says nothing of it."""
    text = "FROM x\nCOPY --from=o\\\nther <<a /x\nother\na"
    assert read(text).at(2, "other")[2] is None


def test_a_shift_is_no_heredoc() -> None:
    """`<<` in arithmetic opens nothing, with blanks around it or without."""
    text = "FROM x\nRUN echo $((1<<2)) $(( 1 << 2 ))\nCOPY a /x"
    assert len(read(text).stages[0].copies) == 1


def test_json_form_has_no_heredoc() -> None:
    """In the JSON form `<<EOF` is a word."""
    assert len(read('FROM x\nRUN ["cat", "<<EOF"]\nCOPY a /x').stages[0].copies) == 1


def test_onbuild_is_kept_apart() -> None:
    """What ONBUILD says is in the stage's triggers; what it says wrongly is the engine's to refuse."""
    text = "FROM x\nONBUILD COPY a /x\nonbuild arg A=1\nONBUILD COPY --from=y a /x\nONBUILD NONSENSE\nONBUILD COPY a"
    (stage,) = read(text).stages
    assert (stage.copies, stage.uses, stage.args) == ((), (), ())
    assert stage.triggers.copies == (Copied("copy", ("a",), 2),)
    assert stage.triggers.args == (Arg("A", "1", 3),)
    assert stage.triggers.uses == (Use("copy", "y", 4),)


def test_all_other_instructions_are_taken() -> None:
    """Instructions that say nothing about the stack are passed over, in any case."""
    text = """FROM x
MAINTAINER somebody
user $NB_UID:$NB_GID
WORKDIR /a b
EXPOSE 80
VOLUME ["/x"]
SHELL ["sh"]
STOPSIGNAL 9
HEALTHCHECK --interval=1s CMD true
ENTRYPOINT ["x"]
CMD x"""
    assert len(read(text).stages) == 1


@each_of(
    ("text", "line", "sentence", "hint"),
    [
        ("", 1, "has no FROM", "begins with FROM"),
        ("# only a comment\n\n", 1, "has no FROM", "begins with FROM"),
        ("ARG A=1\n", 1, "has no FROM", "begins with FROM"),
        ("RUN true\nFROM x", 1, "RUN stands before the first FROM", "only ARG"),
        ("FROM x\nCOPPY a b", 2, "unknown instruction 'COPPY'", "did you mean COPY?"),
        ("FROM x\nfrmo y", 2, "unknown instruction 'FRMO'", "did you mean FROM?"),
        ("FROM x\nRUN a && \\\n  b\nconda install c", 4, "unknown instruction 'CONDA'", "backslash"),
        ("FROM x\n" + "y" * 100000, 2, "unknown instruction", "backslash"),
        ("FROM x\nRUN a \\\n<<<<<<< HEAD\n", 3, "conflict marker", "merge"),
        ("<<<<<<< HEAD\nFROM x\n=======\nFROM y\n>>>>>>> b", 1, "conflict marker", "merge"),
        ("FROM x\n=======\nFROM y", 2, "conflict marker", "merge"),
        ("FROM x\n>>>>>>> branch", 2, "conflict marker", "merge"),
        (b"FROM x\nRUN \0", 2, "NUL byte", "UTF-8"),
        (b"FROM x\nRUN \xff", 2, "not UTF-8", "UTF-8"),
        ("FROM x".encode("utf-16"), 1, "UTF-16", "UTF-8"),
        ("FROM x\nRUN <<EOF\na\nEOF ", 2, "'EOF' is never ended", "alone"),
        ("FROM x\nCOPY <<A <<B /x\na\nA\n", 2, "'B' is never ended", "alone"),
        ("FROM", 1, "FROM names one image", "AS name"),
        ("FROM a b", 1, "FROM names one image", "AS name"),
        ("FROM a is b", 1, "FROM names one image", "AS name"),
        ("FROM a AS 1b", 1, "cannot call a stage '1b'", "letter"),
        ("FROM x\nARG", 2, "ARG names no argument", "ARG NAME"),
        ("FROM x\nARG =1", 2, "no name before", "blanks"),
        ("FROM x\nENV", 2, "ENV names nothing", "ENV NAME=value"),
        ("FROM x\nENV A", 2, "gives 'A' no value", "ENV NAME=value"),
        ("FROM x\nENV A=1 B", 2, "cannot take 'B'", "quotes"),
        ("FROM x\nLABEL a=1 =2", 2, "cannot take '=2'", "quotes"),
        ("FROM x\nCOPY a", 2, "needs a source and a destination", "COPY source"),
        ("FROM x\nCOPY []", 2, "needs a source and a destination", "COPY source"),
        ("FROM x\nONBUILD", 2, "cannot be followed by nothing", "ONBUILD COPY"),
        ("FROM x\nONBUILD onbuild RUN x", 2, "cannot be followed by ONBUILD", "ONBUILD COPY"),
        ("# escape=x\nFROM x", 1, "'x' cannot escape", "backquote"),
        ("# syntax=a\n# syntax=b\nFROM x", 2, "second `# syntax=`", "keep one"),
        ("# syntax=a\n# escape=`\n# syntax=b\nFROM x", 3, "second `# syntax=`", "keep one"),
        ("# escape=`\n# escape=`\nFROM x", 2, "second `# escape=`", "keep one"),
        ("FROM x\n\\\n", 2, "continuation sign stands alone", "remove"),
    ],
)
def test_problems(text: str | bytes, line: int, sentence: str, hint: str) -> None:
    """What cannot be read is told with file, line and what to do."""
    found = problem(text)
    assert (found.path, found.line) == ("images/a/Dockerfile", line)
    assert sentence in str(found)
    assert hint in (found.hint or "")


def test_json_with_other_than_text() -> None:
    """BuildKit refuses a JSON list of numbers; a list that is no JSON is words."""
    assert "JSON" in str(problem('FROM x\nCOPY ["a", 1]'))


PIECES = (
    "FROM|RUN|COPY|ADD|ARG|ENV|LABEL|ONBUILD|# syntax=|# escape=`|--from=|--mount=|--exclude=|<<EOF|<<-'E'|EOF|"
    '\\\n|`\n|\n|\r\n|\'|"|=|$|${|:-|}|[|]|,|a|x y| |\t|é|\ufeff|"\\ud800"|<<<<<<< |type=bind|source='
)
WORDS = st.sampled_from(PIECES.split("|"))


@settings(max_examples=examples(40))
@given(st.binary(max_size=60) | st.lists(WORDS, max_size=40).map(lambda words: ("FROM x\n" + "".join(words)).encode()))
@example(b"FROM x\nCOPY " + b"[" * 100000)
@example(b"FROM x\nRUN " + b"${a:-" * 100000 + b" <<EOF")
@example(b"FROM x\nCOPY [" + b"9" * 10000 + b"]")
@example(b"FROM x\nRUN --mount='\"" + b"x" * 200000 + b"\"' a")
@example(b'FROM x\nCOPY ["\\ud800", "/x"]')
def test_any_bytes_parse_or_are_a_problem(data: bytes) -> None:
    """Whatever the bytes are: a Dockerfile whose questions can be asked, or a FileProblem."""
    try:
        file = parse(data, "Dockerfile")
    except FileProblem as found:
        str(found).encode()
        return
    for _, text in file.external_uses({"a": "b"}):
        text.encode()
    for path in file.copied_paths({"a": "b"}):
        (path.path or "").encode()
