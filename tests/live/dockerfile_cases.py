# SPDX-License-Identifier: MIT
"""Cases for the comparison with BuildKit: pieces of Dockerfiles, ignore files, sources of COPY.

In IMAGES and NO_IMAGES § stands for a word of its own in each case: they are stages of one file.
Left out, because they differ: a stage named in upper case by FROM (BuildKit takes it for an image that
cannot be; here it is the stage), `COPY --from` in an ONBUILD (refused before BuildKit 0.17), variables
in `--from` (refused by BuildKit, taken by Buildah and here).
"""

from __future__ import annotations

BASE = "busybox:1.36"
"""The image with a shell, for RUN."""

NAMES = (
    "§", "§:1", "§/x", "§.example/x/y:1.2", "localhost:5000/§", "§.example:80/x:T_1", '"§:1"', "'§:1'", '§":1"',
    "§\\:1", "§:${§U:-x}", "§:${§U-x}", "§:${§U:+x}y", "§:${§U+x}y", '§:"${§U:-x}"', "§:${§U:-'x'}", '§:${§U:-"x"}',
    "§:${§U:-${§V:-x}}", "§:x$§U", "§:${TARGETARCH}", "§:$TARGETOS-$TARGETARCH", "§:x${TARGETVARIANT}",
    "§:x${TARGETVARIANT:-y}", "--platform=linux/arm64 §:1", "--platform=$BUILDPLATFORM §",
    "--platform=${TARGETPLATFORM} §", "--platform='linux/amd64' §:1", "\\\n  §:1", "\\\n# FROM no\n\n\t§:1", "§\\\n:1",
    "\\ \t\n  # c \\\n  §:1", "§:a.b-c_d", "docker.io/§/x:1", "docker.io/library/§:1",
)  # fmt: skip

ARGUMENTS = (  # of them §A becomes a tag
    "ARG §A=one", "arg §A=one", "ARG §A='one'", 'ARG §A="one"', 'ARG §A=o"n"e', "ARG §A=o\\ne", "ARG §U §A=one",
    "ARG §A=one §B=two", "ARG §B=two §A=$§B", "ARG §B=two\nARG §A=$§B.2", "ARG §B=two\nARG §A=${§B}-${§B}",
    "ARG §C=c\nARG §B=$§C.b\nARG §A=$§B.a", "ARG §A=one\nARG §A=two", "ARG §A=x-$§U", "ARG §A=x$§A",
    "ARG §A=one \\\n    §B=two", "ARG \\\n# c\n\n §B=two \\\n §A=${§B:+x}", "ARG §A=${§U:-${§V-x}}",
    "ARG §B=\nARG §A=${§B:-x}", "ARG §B=\nARG §A=y${§B-x}", "ARG §B=\nARG §A=${§B+x}", "ARG §B=\nARG §A=y${§B:+x}",
    "ARG §B\nARG §A=y${§B+x}", "ARG §B\nARG §A=y${§B-x}", "ARG §A=a=b\nARG §A=b", "ARG §B=$§A §A=one §A=x$§B.x",
    "ARG §A=x$§B §B=two", "ARG §P=no\nARG §A=$§P", "ARG §P\nARG §A=$§P", "ARG §A=${§P:-no}",
    "ARG §E=no\nARG §A=x${§E:-y}", "ARG §E=no\nARG §A=x${§E-y}", "ARG §P=no §A=${§P}", "ARG §P=no\nARG §P\nARG §A=$§P",
    "ARG §B=v1.2.3\nARG §A=${§B#v}", "ARG §B=v1.2.3\nARG §A=${§B%.*}", "ARG §B=v1.2.3\nARG §A=${§B%%.*}",
    "ARG §B=v1.2.3\nARG §A=${§B//./-}", "ARG §B=v1.2.3\nARG §A=${§B/./-}", "ARG §B=v1.2.3\nARG §A=x${§B##*.}",
    "ARG §A=$TARGETARCH", "ARG §A=$TARGETPLATFORM\nARG §A=x", "ARG BUILDARCH=x\nARG §A=$BUILDARCH",
    "ARG §A=\\$§B\nARG §A=x", "ARG §A=one\t", "ARG\t§A=one  §B=two ", "  ARG §A=one", "ARG §A=one\n# ARG §A=two",
    'ARG §A="one" \\\n  # ARG §A=two\n  §C=c',
)  # fmt: skip

TAGS = (  # after ARG §A=one and ARG §B=
    "$§A", "x$§B", "${§A}x", "$§A-$§A", "$§A.x", "${§A:-x}", "${§A-x}", "${§A:+x}", "${§A+x}", "${§B:-x}", "x${§B-y}",
    "x${§B:+y}", "x${§B+y}", '"$§A"', '"${§A}"x', "${§A:+$§A.x}", "${§B:-$§A}", '${§B:-"$§A"}', "${§A:+${§B:-z}}",
    "x${§A:+}", "${§A:?why}", "x${§B?why}", "${§A#o}", "${§A%n?}", "${§A/n/m}", "x\\\n$§A",
)  # fmt: skip

COPIES = (
    "COPY --from=§ /id /id", "copy --from=§:1 /id /id", 'COPY --from=§:1 ["/id", "/id"]', "COPY --from='§:1' /id /id",
    'COPY --link --from="§:1" /id /id', "COPY --from=§:1 --chown=1 /id /id", "COPY --from=§.example/x:1 id /",
    "COPY \\\n --from=§:1 \\\n # c\n\n /id /id", "COPY --from=docker.io/§/x:1 i* /",
    'COPY --chmod="644" --from=§:1 /id /id',
    "COPY <<EOF /x\nFROM no\nCOPY --from=no /a /b\nEOF\nCOPY --from=§:1 /id /id",
    "COPY <<A <<B /x/\nB\nA\nA\nB\nCOPY --from=§ /id /", "COPY <<-A /x\n\tFROM no\n\tA\nCOPY --from=§:1 /id /id",
    'LABEL x="FROM no" \\\n  y=2\nCOPY --from=§ /id /id', "ENV FROM no\nCOPY --from=§:1 /id /id",
    "COPY --from=§ \\\n\n\n  /id \\\n  # /no\n /id",
)  # fmt: skip

RUNS = (
    "RUN --mount=from=§:1,target=/m cp /m/id /id", "run --mount=type=bind,from=§,target=/m cp /m/id /id",
    "RUN --mount=type=bind,source=id,from=§,target=/m cp /m /id", "RUN --mount=target=/m,from=§:1 cp /m/id /id",
    'RUN --mount="from=§:1,target=/m" cp /m/id /id', "RUN --mount=type=cache,from=§:1,target=/m cp /m/id /id",
    'RUN --mount=from=§,target=/m ["cp", "/m/id", "/id"]', "RUN --mount=from=§:1,dst=/m,ro cp /m/id /id",
    "RUN --mount=FROM=§:1,Target=/m cp /m/id /id", "RUN --mount=from=§:1,target=/m \\\n  # c\n\n cp /m/id /id",
    "RUN --mount=from=§:1,target=/m <<EOF\ncp /m/id /id\n: FROM no\nEOF",
    "RUN --mount=type=tmpfs,target=/t --mount=from=§,target=/m cp /m/id /id",
    "RUN --mount=from=§:1,target=/m <<-'E' sh\n\tcp /m/id /id\n\t: COPY --from=no /a /b\n\tE",
    "RUN echo $((1<<3))\nRUN --mount=from=§:1,target=/m cp /m/id /id", "RUN : \\\nFROM no\nCOPY --from=§ /id /id",
    "RUN : \\\\\nCOPY --from=§ /id /id", "RUN cat 3<<EOF <&3\nFROM no\nEOF\nCOPY --from=§:1 /id /id",
    "RUN cat <<A <<B\nFROM no\nA\nFROM no\nB\nCOPY --from=§ /id /id", 'RUN ["echo", "<<EOF"]\nCOPY --from=§ /id /id',
    'SHELL ["sh", "-c"]\nCOPY --from=§ /id /id', "CMD FROM no\nCOPY --from=§ /id /id",
    "HEALTHCHECK CMD FROM no\nCOPY --from=§ /id /id",
)  # fmt: skip

STAGES = (
    "FROM § AS §b\nFROM §b", "FROM § AS §B\nFROM §b", "FROM §:1 as §b.x-y_z\nFROM §b.x-y_z",
    "FROM scratch AS §b\nFROM §", "FROM § AS §b\nFROM scratch\nCOPY --from=§b /id /", "FROM § AS §\nFROM §",
    "FROM § AS §b\nFROM scratch\nCOPY --from=§B /id /",
    "FROM scratch AS §b\nFROM scratch AS §c\nCOPY --from=§ /id /id\nFROM §c",
    "FROM scratch AS §b\nonbuild ADD <<EOF /x\nFROM no\nEOF\nFROM §",
    f"FROM §:1 AS §b\nFROM {BASE}\nRUN --mount=from=§b,target=/m cp /m/id /id",
    f"FROM §:1 AS §b\nFROM {BASE}\nRUN --mount=from=§B,target=/m cp /m/id /id", "FROM scratch\nARG §A=no\nFROM §:x$§A",
    "FROM scratch AS §b\nARG §A=no\nENV §A=no\nFROM §:x${§A:+no}", "from §:1", "\tFrom\t§:1  ", "# FROM no\nFROM §:1",
    "FROM § AS §b\nFROM § AS §c\nFROM scratch\nCOPY --from=§c /id /",
)  # fmt: skip

IMAGES = (
    *(("", f"FROM {name}") for name in NAMES),
    *((given, "FROM §:${§A}") for given in ARGUMENTS),
    *((given, "FROM §:x$§A") for given in ("ARG §A=one\nARG §A", "ARG §A", "ARG §A=one\nARG §A=", "ARG §E=one §A=$§E")),
    *(("ARG §A=one\nARG §B=", f"FROM §:{tag}") for tag in TAGS),
    *(("", f"FROM scratch\n{line}") for line in COPIES),
    *(("", f"FROM {BASE}\n{line}") for line in RUNS),
    *(("", stages) for stages in STAGES),
)
"""What stands before the first FROM, and stages; the last of them has the image's `/id`."""

NO_IMAGES = (
    "FROM $§U", 'FROM ""', "FROM ${§U:-}", "FROM §:${", "FROM §:${§U", "FROM §:${§U:?why}", "FROM §:${§U^}", "FROM § x",
    "FROM § AS", "FROM § AS 1x", "FROM § AS a AS b", "FROM", "FROM §:", "FROM A§", "FROM §:'x", "FROM §:a b:c",
    "FROM § AS a/b", "FROM § AS a:b", "FROM § IS x", "RUN true\nFROM §", "ARG §A=B\nFROM $§A§",
    "ARG §A=a b c=\nFROM §:${", "FROM §\\ x", "FROM §:$", "COPY a b", "ENV A=1\nFROM §", "ONBUILD RUN true\nFROM §",
    "FROM scratch\nFORM §", "FROM scratch\nCOPY a", "FROM scratch\nARG", "FROM scratch\nARG =x", "FROM scratch\nENV A",
    "FROM scratch\nENV A=1 B", "FROM scratch\nENV =1", "FROM scratch\nLABEL", "FROM scratch\nCOPY <<EOF /x\nEOF ",
    "FROM scratch\nCOPY <<A <<B /x/\nA\n", "FROM scratch\nONBUILD", "FROM scratch\nONBUILD FROM §",
    "FROM scratch\nONBUILD ONBUILD RUN x", "FROM scratch\nONBUILD MAINTAINER x", 'FROM scratch\nCOPY ["a"]',
    'FROM scratch\nCOPY ["a", 1]', "# escape=x\nFROM scratch", "# escape=`\n# escape=`\nFROM scratch", "", "# only",
    "FROM scratch\nRUN echo $(( 1<<3 ))", "FROM scratch\n\\\n", "FROM scratch\n<<<<<<< HEAD", "FROM scratch\n=======",
)  # fmt: skip
"""What is no Dockerfile, or says an image that is none."""

TREE = (
    "a", "b.md", "README.md", ".hidden", "ab", "é", "a b", "[x]", "x+y(z)", "c*", "d/a", "d/b.md", "d/README.md",
    "d/e/a", "d/e/b.md", "d/e/f/a", "d/e/f/deep.md", "d/.hidden", "docs/a", "docs/x/README.md", "docs/x/y/a",
    "src/app/main.py", "src/app/main.pyc", "src/app/t/t.py", "src/lib/main.py", "src/lib/t/t.pyc", "test/test_a.py",
    "w/é/a", "w/a b/c", "dd/a", "d.d/a", "node_modules/m/a", "src/node_modules/m/b", "-x",
)  # fmt: skip
"""Files of a build context."""

EMPTY = ("empty/in/side", "d/empty", "hollow")
LINKS = {"link": "a", "d/link": "e", "links/up": "../d", "links/out": "/nowhere/at/all", "to_docs": "docs"}
"""Its empty folders, and its symbolic links with where they lead to."""

IGNORED = (  # a bar parts lines
    "", "a", "d", "d/", "/d", "./d", "d/.", "d//e", "d/../docs", "../a", "/", ".", "..", "*", "**", "***", "*.md",
    "**/*.md", "**/a", "**a", "*a", "a*", "?", "??", "d/*", "d/**", "d/**/a", "d/*/a", "*/a", "*/*/a", "**/e/**",
    "**/e", "**/**/a", "d**", "d**/a", "**/README*", "[ad]", "[a-d]", "[^a]", "[^a-c]*", "[[]x]", "\\[x\\]", "c\\*",
    "\\-x", "x+y(z)", "a b", "é", "w/é", "w/*/c", "?/a", "-x", "[x-]", "[a", "a\\", "[*]", "#a", " # a", "# a|b.md",
    "  a  ", "\ta", "a|b.md|d", "*|!a", "*|!d", "*|!d/e", "*|!d/e/a", "*|!**/a", "*|!*.md", "*|!**/*.md", "**|!src",
    "**|!src/app", "**|!**/*.py", "d|!d/e", "d|!d/e|d/e/f", "d|!d/e/f/a", "d/|!d/a", "d/*|!d/e", "d/**|!d/e/**",
    "d/**|!d/e/a", "!a|*", "a|!a", "d|!d", "*|!d/*|d/*.md", "*|!d|d/e|!d/e/f", "**/*.md|!README.md", "*.md|!README.md",
    "**/*.md|!**/README.md|docs", "!d", "*|!./d", "*|!/d/", "*|! d", "*|!d/", "*|!src/**/t", "*|!src/*/t", "*|!s*/a*",
    "*|!**/t/**", "*|!d/**/a", "*|!**a", "src|!src/**/*.py|src/lib", "**/node_modules", "**/node_modules|!node_modules",
    "node_modules|!**/node_modules", "link", "d/link", "d/link/*", "links", "links/*|!links/up", "to_docs", "docs",
    "to_docs/x", "*|!link", "*|!to_docs", "empty", "empty/in", "empty/*", "hollow", "*|!empty/in/side", "*|!empty",
    "*|!hollow/x", "d/*|!d/empty", "**/empty", "*|!d/[e]", "*|!d/e/*/a", "*|!?/a", "*|![d]/a", "*|!w/é/a", "*|!w/a b",
    "!", "a|!|b", "*\r|!a\r", ".*", "*.*", ".dockerignore", "*|!.dockerignore", "**/.hidden", "d/e/f|!d/e/f/a|d/e",
    "d/e|!d", "*|!d/e|d/e/a|!d/e/a", "D", "*/", "**/", "*|./!a", "*|/!a", "!/", "./!", "*|! !a", "d|!../../d",
    "*|!../a", "*|!d/../../a", "!../../d/..", "d|./!d/a", "**/d/**|!d/e/f/deep.md", "/**/a", "/*|!/d", "d/e/../b.md",
    "./*/./e", "d/[^b]*", "d/e/?", "*/*", "*/*|!d/a", "[d]/e", "[d]/**|![d]/e/a", "d/e**", "d/**e", "d/**f/a",
    "**/x/**/a", "src/**/*.py[co]", "**.md", "**/.*", "d**/*.md|!d/e**",
)  # fmt: skip
"""Ignore files. All of them but few are taken."""

COPIED = (
    "a", "b.md", "README.md", ".hidden", "ab", "é", "a b", "[x]", "x+y(z)", "c*", "d/aa", "d/bb.md", "d/README.txt",
    "d/e/aaa", "d/e/bbb.md", "d/e/f/aaaa", "d/e/f/deep.md", "d/.shy", "docs/one", "docs/x/two.md", "docs/x/y/three",
    "src/app/main.py", "src/app/main.pyc", "src/app/t/t.py", "src/lib/mine.py", "src/lib/tt/t.pyc", "test/test_a.py",
    "w/éé/four", "w/a c/five", "dd/six", "d.d/seven", "node_modules/m/eight", "src/node/mm/nine", "-x",
)  # fmt: skip
"""Files of another build context: no two have a name in common that could end up in one place."""

SOURCES = (
    "a", "/a", "./a", "../a", "d/../a", "a b.md", "a a", "d", "d/", "/d/", "d/.", "d/e", "d//e", "d/./e", "docs/x", ".",
    "./", "/", "..", "*", "./*", "/*", "*.md", "?", "??", "[ad]", "[a-d]*", "[^a]", "*[!a]", "d*", "d/*", "d/*/a*",
    "*/a*", "d/e/*", "*/*/a*", "**", "**/aa", "**/a*", "**/*.py", "src/**/main.py", "src/*/m*.py", "src/*/t", "src/**",
    "docs/**", "d/**/aaa", "d**", ".*", "d/.*", "e*", "empty", "empty/in", "empty/*", "hollow", "w", "w/éé", "é", "-x",
    "c\\*", "\\a", "\\[x]", "[[]x]", "[x]", "x+y(z)", "d.d", "node_modules", "*/node_modules", "src/*/m*/..", "*d",
    "[^.]*", "?/aa", "nothing", "d/nothing", "nothing*", "d/*.txt", "A", "README*", "readme*", "*.*", "d/e/f/deep.md",
    "docs/*/y", "to*x", "src/*/*", "*/*", "*/*/*", "*/*/*/*", "d/e/f/[a-d]*", "d/[!a]*", "d/[^a]*", "d/??", "d/e/???",
    "*é", "[é]", "w/*", '"a"', "'a'", "d/'e'", '"d"/aa', "$A", "${A}", "d/${B}", "$C/e", "${A:+d}", "${S}*", "'$A'",
    "d/${B:-x}/f", '["a", "/o/"]', '["a b", "/o/"]', '["d", "src", "/o/"]', '["w/a c", "/o/"]', '["*", "/o/"]',
    '["$A", "/o/"]', '["a*","/o/"]', '["d/e" , "/o/"]', '["w/éé", "/o/" ]', '["[x]", "/o/"]', '["\\u0061", "/o/"]',
    '["w/*", "/o/"]',
)  # fmt: skip
"""Sources of COPY, and whole lists; A=a, B=e, C=d, S=src."""

MOUNTED = (
    "source=a",
    "source=d",
    "src=d/e",
    "source=/d",
    "source=./docs/",
    "source=.",
    "",
    "source=d/../a",
    "source=src/app",
)
"""Sources of RUN --mount=type=bind."""

THROUGH_LINKS = (
    "link",
    "to_docs",
    "to_docs/x",
    "to_docs/x/README.md",
    "links/up/a",
    "l*",
    "to_*",
    "d/link/a",
    "*/link",
    "$U*",
)
"""Sources that we take for everything: they are links, lead through one, or have an unknown variable."""

DESTINATIONS = (
    "x", "$A", "${A}", "$A/y", "${A}y", "$A.y", "$Ay/z", "${C:-z}", "${A:+z}", "x${C}", '"q r"', "'$A'", '"$A"',
    "q\\ r", "\\$A", "x/../y", "x//y", "./x", "${C:-a/b}", "é", "x/", "${A}/", "$A$TAG", "${TAG#v}", "${TAG%-*}",
    "${TAG//./-}", "x${B:-y}", '"${C:-a b}"', "'a'\"b\"c", "[x]", "*", "?", "{a,b}", "~", "x=y", "#x", "$$", "x$", "$1",
    "${A:-'x'}",
)  # fmt: skip
"""Destinations of COPY, behind `/number/`."""
