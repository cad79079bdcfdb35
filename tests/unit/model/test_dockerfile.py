# SPDX-License-Identifier: MIT
"""What a parsed Dockerfile answers: images it is built from, paths it reads, values of its arguments."""

from __future__ import annotations

import pytest

from stackyard.errors import InvalidValue
from stackyard.load.dockerfile.parse import parse
from stackyard.model.dockerfile import Body, Copied, Dockerfile, expand
from stackyard.model.words import expand_known, heredocs
from tests.cases import each_of


def dockerfile(text: str) -> Dockerfile:
    """The Dockerfile that `text` is."""
    return parse(text.encode(), "Dockerfile")


def images(text: str, platform: str = "", /, **passed: str) -> list[str]:
    """Images from outside the file."""
    return [image for _, image in dockerfile(text).external_uses(passed, platform)]


def paths(text: str, platform: str = "", triggers: Body | None = None, /, **passed: str) -> list[str | None]:
    """Paths of the build context that are read."""
    return [path.path for path in dockerfile(text).copied_paths(passed, platform, triggers)]


VALUES = {"FULL": "value", "EMPTY": "", "TAG": "v1.2.3-rc1", "PATHS": "/a/b/c", "12": "twelve"}


@each_of(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$FULL", "value"),
        ("${FULL}x", "valuex"),
        ("$FULLx", ""),
        ("$FULL.x", "value.x"),
        ("$NONE", ""),
        ("${NONE}", ""),
        ("${NONE:-x}", "x"),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${NONE-x}", "x"),
        ("${FULL:-x}", "value"),
        ("${FULL:+x}", "x"),
        ("${EMPTY:+x}", ""),
        ("${EMPTY+x}", "x"),
        ("${NONE+x}", ""),
        ("${FULL:?why}", "value"),
        ("${EMPTY?why}", ""),
        ("${NONE:-${FULL}}", "value"),
        ("${NONE:-${EMPTY:-${FULL}}}", "value"),
        ("${NONE:-'}'}", "}"),
        (r"${NONE:-a\}b}", "a}b"),
        ("${TAG#v}", "1.2.3-rc1"),
        ("${TAG%-*}", "v1.2.3"),
        ("${TAG%.*}", "v1.2"),
        ("${TAG%%.*}", "v1"),
        ("${TAG#*.}", "2.3-rc1"),
        ("${TAG##*.}", "3-rc1"),
        ("${TAG#?1}", ".2.3-rc1"),
        ("${TAG/./-}", "v1-2.3-rc1"),
        ("${TAG//./-}", "v1-2-3-rc1"),
        (r"${PATHS//\//:}", ":a:b:c"),
        (r"${PATHS#\*}${FULL#\?}", "/a/b/cvalue"),
        ("${FULL/$NONE/x}", "xvalue"),
        ("${FULL//$NONE/.}", ".v.a.l.u.e."),
        ("${FULL//*/x}", "x"),
        ("${FULL//l*/x}", "vax"),
        ('"$FULL"', "value"),
        ("'$FULL'", "$FULL"),
        ('"a b"c', "a bc"),
        ("'it'\"'\"'s'", "it's"),
        (r"\$FULL", "$FULL"),
        (r'"\$FULL"', "$FULL"),
        (r'"a\nb"', r"a\nb"),
        (r"a\nb", "anb"),
        (r'"a\"b"', 'a"b'),
        ("ends\\", "ends"),
        ("$", "$"),
        ("a$ b", "a$ b"),
        ("a$.b", "a$.b"),
        ("$$", ""),
        ("$12x", "twelvex"),
        ("a b", "a b"),
        ("é$FULL", "évalue"),
    ],
)
def test_expand(text: str, expected: str) -> None:
    """Variables are replaced and quotes taken away exactly as BuildKit's word processing does."""
    assert expand(text, VALUES) == expected


@each_of(
    "text",
    [
        *("'open", '"open', "${", "${FULL", "${FULL:-x", "${}", "${{FULL}}", "${:-x}", "${FULL=x}", "${FULL:=x}"),
        *(r"${FULL#\v}", r"${FULL/\n/x}", r"${NONE%'\.'}"),
        *("${FULL^}", "${NONE:?}", "${EMPTY:?why}", "${NONE?why}", "${FULL//x}", "${FULL/x"),
        "${A:-" * 5000 + "}" * 5000,
    ],
)
def test_expand_refuses(text: str) -> None:
    """What BuildKit refuses is an InvalidValue, however deeply it is nested."""
    with pytest.raises(InvalidValue):
        expand(text, VALUES)


def test_expand_tells_what_is_needed() -> None:
    """`${NAME:?why}` without a value says why."""
    with pytest.raises(InvalidValue, match="BASE is needed"):
        expand("${BASE:?is needed}", {})


def test_expand_with_backquote_as_escape() -> None:
    """With `escape=`` a backslash is only a backslash."""
    assert expand(r"C:\dir\`$x$FULL", VALUES, "`") == r"C:\dir\$xvalue"


def test_missing_names_are_told() -> None:
    """Names without a value are told, also those with a default; None counts as no value."""
    assert expand_known("${A:-1}$B$C", {"B": None, "C": "c"}) == ("1c", frozenset("AB"))


@each_of(
    ("line", "names"),
    [
        ("RUN <<EOF", ["EOF"]),
        ("RUN <<-EOF", ["EOF"]),
        ("RUN << EOF", ["EOF"]),
        ("RUN <<'EOF'", ["EOF"]),
        ('RUN <<"E O F"', ["E O F"]),
        ('RUN <<E"O"F', ["EOF"]),
        ("RUN <<$EOF", ["$EOF"]),
        ("RUN 3<<EOF cat", ["EOF"]),
        ("RUN <<A cat <<B", ["A", "B"]),
        ("RUN cat<<EOF", []),
        ("RUN cat <<<word", []),
        ("RUN '<<EOF'", []),
        ('RUN "<<EOF"', []),
        ("RUN echo <<", []),
        ("RUN it's <<EOF", []),
        ("RUN echo ${x:-y} <<EOF", ["EOF"]),
        ("RUN echo ${x[0]} <<EOF", []),
    ],
)
def test_heredocs_of_a_line(line: str, names: list[str]) -> None:
    """A heredoc is a word of its own; a line whose quotes or braces do not match opens none."""
    assert [found.name for found in heredocs(line)] == names


@each_of(
    ("text", "expected"),
    [
        ("FROM debian", ["debian"]),
        ("FROM debian:12 AS a\nFROM a", ["debian:12"]),
        ("FROM debian AS Base\nFROM base\nFROM BASE", ["debian"]),
        ("FROM debian AS debian\nFROM debian", ["debian"]),
        ("FROM a AS b\nFROM b AS a\nFROM a", ["a"]),
        ("FROM a AS scratch\nFROM scratch", ["a"]),
        ("FROM scratch", []),
        ("FROM x\nFROM 0", ["x", "0"]),
        ("FROM x\nCOPY --from=0 /a /b\nCOPY --from=7 /a /b", ["x"]),
        ("FROM x\nCOPY --from=later /a /b\nFROM y AS later", ["x", "y"]),
        ("FROM x\nCOPY --from=openjdk:8-jre-slim /a /b", ["x", "openjdk:8-jre-slim"]),
        ("FROM x\nCOPY --from=scratch /a /b", ["x"]),
        ("FROM x\nRUN --mount=from=y,target=/y true", ["x", "y"]),
        ("FROM x AS a\nRUN --mount=from=a,target=/y true", ["x"]),
        ("FROM x\nFROM x", ["x", "x"]),
        ("# syntax=docker/dockerfile:1.7\nFROM x", ["docker/dockerfile:1.7", "x"]),
        ('ARG BASE=x\nFROM "${BASE}"', ["x"]),
        ("ARG A=1\nARG B=$A.2 C=${B}-c\nFROM x:$C", ["x:1.2-c"]),
        ("ARG A=1\nFROM a:$A\nARG A=2\nFROM b:$A", ["a:1", "b:1"]),
        ("FROM a\nARG T=2\nENV T=3\nFROM b:$T", ["a", "b:"]),
        ("ARG A\nFROM x:${A:-9}", ["x:9"]),
        ("ARG A\nFROM $A", [""]),
        ("ARG A=1\nARG A\nFROM x:$A", ["x:"]),
        ("ARG A\nARG B=${A-1}${A+2}\nFROM x:$B", ["x:2"]),
        ("ARG A\nFROM x:${A-1}${A+2}", ["x:2"]),
        ("FROM ${A:?needed}", ["${A:?needed}"]),
        ("FROM x:${A", ["x:${A"]),
    ],
)
def test_external_uses(text: str, expected: list[str]) -> None:
    """Images from outside the file, in its order; what has no value leaves a hole, what is refused stays raw."""
    assert images(text) == expected


def test_passed_arguments_win() -> None:
    """A build argument wins over the default, and counts only where the file declares it."""
    text = "ARG A=1\nFROM x:$A\nFROM y:$B"
    assert images(text, A="2", B="3") == ["x:2", "y:"]


def test_an_argument_that_is_used_by_a_later_default() -> None:
    """A passed value is seen by the defaults after it."""
    assert images("ARG A=1\nARG B=x:$A\nFROM $B", A="2") == ["x:2"]


def test_platform_arguments_need_no_declaration() -> None:
    """FROM sees TARGETARCH and its kin; a passed one wins."""
    assert images("ARG TARGETARCH\nFROM x:$TARGETARCH", "linux/arm64") == ["x:"], "a declaration empties it"
    text = "FROM x:$TARGETARCH$TARGETVARIANT"
    assert images(text, "linux/arm64/v8") == ["x:arm64v8"]
    assert images(text, "linux/arm64/v8", TARGETARCH="amd64") == ["x:amd64v8"]


def test_syntax_can_be_passed() -> None:
    """BUILDKIT_SYNTAX replaces the syntax line, and stands for one."""
    assert images("# syntax=a\nFROM x", BUILDKIT_SYNTAX="b") == ["b", "x"]
    assert images("FROM x", BUILDKIT_SYNTAX="b") == ["b", "x"]


def test_variables_of_the_stage_in_copy_from() -> None:
    """BuildKit refuses variables there, Buildah takes the stage's: known ones are replaced, others stay raw."""
    text = "ARG V=1\nFROM x\nCOPY --from=y:$V /a /b\nARG V\nCOPY --from=y:$V /a /b"
    assert images(text) == ["x", "y:$V", "y:1"]


def test_triggers_count_where_they_act() -> None:
    """ONBUILD counts in each stage of the file that is built on it, and nowhere else."""
    text = "FROM x AS a\nONBUILD COPY --from=y /a /b\nONBUILD COPY src /src\n"
    assert images(text) == ["x"]
    assert paths(text) == []
    assert images(text + "FROM a\nFROM a AS c\nFROM c") == ["x", "y", "y"]
    assert paths(text + "FROM a") == ["src"]


def test_triggers_of_an_image_from_outside() -> None:
    """What an image says with ONBUILD is read in the stages built on it, with their variables."""
    onbuild = dockerfile("FROM x\nONBUILD ARG D=app\nONBUILD COPY $D /app").stages[-1].triggers
    assert paths("FROM parent\nCOPY $D/x /x", "", onbuild, D="web") == ["web", "web/x"]
    assert paths("FROM scratch AS a\nFROM a", "", Body(copies=(Copied("copy", ("x",), 1),))) == ["x"]


@each_of(
    ("instructions", "expected"),
    [
        ("COPY a /x", ["a"]),
        ("COPY /scripts ./test/ a//b /x", ["scripts", "test", "a/b"]),
        ("COPY . /x", ["."]),
        ("COPY / /x", ["."]),
        ("COPY ./ /x", ["."]),
        ("COPY ../../a b/../../c /x", ["a", "c"]),
        ("COPY a* b/*.txt /x", ["a*", "b/*.txt"]),
        ('COPY ["a b", "c", "/x"]', ["a b", "c"]),
        ('COPY "a" /x', ["a"]),
        ("ADD https://h/x.tgz git@github.com:o/r.git git://h/r HTTP://h a /x", ["a"]),
        ("ENV U=https://h/x\nADD $U a /x", ["a"]),
        ("COPY http://h/x /x", ["http:/h/x"]),
        ("COPY $NONE /x", [None]),
        ("COPY a/$NONE/b ok /x", [None, "ok"]),
        ("COPY ${NONE:-a} /x", [None]),
        ("COPY '$NONE' /x", ["$NONE"]),
        ("COPY ${A /x", [None]),
        ("ARG D=d\nCOPY $D /x", ["d"]),
        ("COPY $D /x\nARG D=d", [None]),
        ("ARG D\nCOPY $D /x", [None]),
        ("ARG G\nCOPY $G /x", ["global"]),
        ("ARG N\nCOPY ${N-none} /x", [None]),
        ("COPY $G /x", [None]),
        ("ARG P=1\nCOPY $P /x", ["passed"]),
        ("COPY $P /x", [None]),
        ("ENV E=e\nCOPY $E /x", ["e"]),
        ("ENV E e f\nCOPY $E /x", ["e f"]),
        ("ENV A=1\nENV A=2 B=$A\nCOPY $A$B /x", ["21"]),
        ("ARG A=1 B=$A\nCOPY $B /x", ["1"]),
        ("ARG A=1\nENV A=2\nCOPY $A /x", ["2"]),
        ("ENV A=1\nARG A=2\nCOPY $A /x", [None]),  # 2 for BuildKit, 1 for Buildah
        ("ENV A=1\nARG A=1\nARG B=$A\nCOPY $B /x", ["1"]),
        ("ENV A=$PATH/a\nCOPY $A /x", [None]),
        ("ENV A=a\nFROM base AS other\nCOPY $A /x", [None]),
        ("ENV A=a\nARG B=b\nFROM first\nCOPY $A$B /x", ["ab"]),
        ("COPY --from=first a /x", []),
        ("RUN --mount=type=bind,source=lib,target=/l true", ["lib"]),
        ("RUN --mount=target=/l true", ["."]),
        ("RUN --mount=type=bind,from=first,source=lib,target=/l true", []),
        ("RUN --mount=type=cache,target=/l true", []),
        ("RUN --mount=type=secret,id=s true", []),
        ("RUN --mount=type=$KIND,src=a,target=/l true", ["a"]),
        ("COPY --parents a/./b/**/*.py /x", ["a/b/**/*.py"]),
    ],
)
def test_copied_paths(instructions: str, expected: list[str | None]) -> None:
    """Sources from the build context, evaluated where they stand; None where a value is not known."""
    assert paths(f"ARG G=global N=1\nARG N\nFROM base AS first\n{instructions}", P="passed") == expected


def test_platform_arguments_in_a_stage_need_a_declaration() -> None:
    """TARGETARCH is known in a stage that declares it."""
    text = "FROM x\nCOPY $TARGETARCH /x\nARG TARGETARCH\nCOPY $TARGETARCH /x"
    assert paths(text, "linux/arm64") == [None, "arm64"]


def test_excludes_are_evaluated() -> None:
    """Patterns of --exclude have their variables replaced; with an unknown one nothing is excluded."""
    text = "FROM x\nARG D=docs\nCOPY --exclude=$D --exclude=*.md . /x\nCOPY --exclude=$NONE --exclude=*.md . /y"
    assert [path.exclude for path in dockerfile(text).copied_paths({})] == [("docs", "*.md"), ()]


def test_windows_paths() -> None:
    """Where the escape sign is a backquote, a backslash parts folders."""
    assert paths("# escape=`\nFROM x\nCOPY app\\bin\\x.exe C:\\x") == ["app/bin/x.exe"]


def test_declared() -> None:
    """Arguments that a stage declares can become content; those before FROM alone cannot."""
    file = dockerfile("ARG A\nARG B\nFROM x\nARG B C=1 D")
    assert file.declared == frozenset("ABCD")
    assert file.declared_in_stages == frozenset("BCD")
