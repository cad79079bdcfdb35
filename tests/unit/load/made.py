# SPDX-License-Identifier: MIT
"""Dockerfiles made up from a seed: all that their syntax allows, and a good part of what it refuses."""

from __future__ import annotations

import random
from collections.abc import Sequence

NAMES = ("A", "B", "C", "TAG", "a_1", "BASE_TAG")
STAGES = ("build", "Base", "x.y-z", "final", "b2")
PATHS = ("a", "src/", "./b", "*.txt", "d/**", "c?", "/", ".", "[ab]", "é", "--odd", "$A", "${B}/x", '"q r"', "s\\ t")
SHELL = (
    "true", "echo $A && ls", "a; b", "echo 'it'", 'x "y z"', "$((1<<2))", "$(( 1 << 2 ))", "cat <<<word", "echo #no",
    "it's", 'open "', "FROM no", "--mount=from=no", "[ -e x ]", '["a" b', "\\x", "a\\\\", "${x[0]}", "`date`",
)  # fmt: skip
PATTERNS = (
    "*", "?", "v", "*.", ".*", "-?", "o*", "**", "?*", "1", "[0-9]", "\\*", "\\.", "'a b'", '"1"', ".",
)  # fmt: skip
"""None is empty: an engine with BuildKit 0.13 dies of `${A#}`."""
COMMENTS = ("# c", "  # c \\", "#", "# FROM no", "#\tsyntax=no", "", "   ", "\t")
BODIES = ("FROM no", "COPY a b", "# c", "", "x \\", "$A", " EOF", "EOF ", "<<EOF", '"', "\tA")
TOUCHED = " \t\\`\"'$#<>-=[]{}/:\n\r,ABE0e\v\x85\u3000"


class Maker:
    """Makes one text after another; the same seed makes the same texts.

    Args:
        escape: what words escape with; a whole file chooses its own.
    """

    def __init__(self, seed: int, escape: str = "\\") -> None:
        self._random = random.Random(seed)
        self._escape = escape

    def _one(self, of: Sequence[str]) -> str:
        return self._random.choice(of)

    def _rarely(self, one_in: int = 10) -> bool:
        return self._random.randrange(one_in) == 0

    def dockerfile(self) -> str:
        """A whole file; now and then one that is refused."""
        self._escape = "`" if self._rarely() else "\\"
        lines = self._directives()
        for _ in range(self._random.randrange(3)):
            lines.append(self._argument())
        for _ in range(self._random.randint(1, 3)):
            lines.append(self._from())
            lines += [self._instruction() for _ in range(self._random.randrange(6))]
        text = "".join(f"{line}\n" for line in self._commented(lines))
        if self._rarely(6):
            text = text.replace("\n", "\r\n")
        if self._rarely(12):
            text = "\ufeff" + text
        if self._rarely(6):
            text = text.rstrip("\n")
        return self.touched(text) if self._rarely(3) else text

    def touched(self, text: str) -> str:
        """`text` with a few signs put in, taken out or exchanged."""
        signs = list(text)
        for _ in range(self._random.randint(1, 4)):
            at = self._random.randrange(len(signs))
            end = at + self._random.randrange(2)
            signs[at:end] = self._one(TOUCHED) if not self._rarely(4) else ""
        return "".join(signs)

    def _directives(self) -> list[str]:
        lines = []
        if self._escape == "`":
            lines.append(self._one(("# escape=`", "#ESCAPE = `  ", "  # escape=`")))
        if self._rarely(6):
            lines.insert(self._random.randint(0, len(lines)), self._one(("# syntax=image:1", "#syntax = image:1 x")))
        return lines

    def _commented(self, lines: list[str]) -> list[str]:
        """The lines with comments and blank lines between, directives left on top."""
        out = []
        is_top = True
        for line in lines:
            is_top = is_top and line.lstrip().startswith("#")
            while not is_top and self._rarely(4):
                out.append(self._one(COMMENTS))
            out.append(line)
        return out

    def _blank(self) -> str:
        """What parts two words: blanks, or a continuation with comments in it."""
        if not self._rarely(5):
            return self._one((" ", " ", " ", "  ", "\t", " \t "))
        between = "".join(self._one(COMMENTS) + "\n" for _ in range(self._random.randrange(3)))
        return " " + self._escape + self._one(("", "", " ", " \t")) + "\n" + between + self._one(("", "  ", "\t"))

    def _said(self, *words: str) -> str:
        """An instruction of these words, in any case."""
        first = self._one((words[0], words[0], words[0].lower(), words[0].title()))
        text = self._one(("", "", "", " ", "\t")) + first
        for word in words[1:]:
            text += self._blank() + word
        return text + self._one(("", "", "", " ", "\t", " \t"))

    def word(self) -> str:
        """One word with quotes, escapes and variables; now and then one that cannot be evaluated."""
        return "".join(self._piece(2) for _ in range(self._random.randint(1, 3)))

    def _piece(self, depth: int) -> str:
        kind = self._random.randrange(12)
        name = self._one(NAMES)
        if kind < 4 or not depth:
            return self._one(("a", "1.2", "x/y", ":t", "é", "-", "=", "#", "@", ",", "~", "^", "!"))
        if kind < 6:
            return self._one((f"${name}", f"${{{name}}}"))
        if kind == 6 and self._rarely(2):
            if self._rarely(2):
                return f"${{{name}{self._one(('#', '##', '%', '%%'))}{self._one(PATTERNS)}}}"
            return f"${{{name}{self._one(('/', '//'))}{self._one(PATTERNS)}/{self._one(PATTERNS)}}}"
        if kind < 8:
            inner = "".join(self._piece(depth - 1) for _ in range(self._random.randrange(3)))
            return f"${{{name}{self._one((':-', ':+', '-', '+', ':-', ':+'))}{inner}}}"
        if kind == 8:
            return "'" + self._one(("", "a b", "$A", "\\", "x", '"')) + "'"
        if kind == 9:
            return (
                '"'
                + self._one(("", "a b", "$A", "${B:-c d}", self._escape + '"', "'", self._escape + "$A", "\\n"))
                + '"'
            )
        if kind == 10:
            return self._escape + self._one((" ", "$", '"', "'", "a", self._escape, "n", "{", "}"))
        if self._rarely(4):
            return self._one(("'", '"', "${", "${A", "${A:", "}", "{", "$", "$$", "${A:=b}", "${A!b}", self._escape))
        return self._one(("$1", "$a.b", "$_", "${_}", "\\", "`", "$A$B", "$A_1", "$é", "${A:-$B}", "${A+${B}}"))

    def _value(self) -> str:
        return self.word() if not self._rarely(5) else self._one(("", "1", '"x y"'))

    def _pair(self) -> str:
        return f"{self._one(NAMES)}={self._value()}"

    def _argument(self) -> str:
        return self._said(
            "ARG", *(self._one((self._one(NAMES), self._pair())) for _ in range(self._random.randint(1, 3)))
        )

    def _from(self) -> str:
        words = ["FROM"]
        if self._rarely(5):
            words.append(self._one(("--platform=$BUILDPLATFORM", "--platform=linux/amd64", "--platform='a'", "--x")))
        words.append(
            self._one(("scratch", "debian:12", "build", "base", "0", "$A", "${A:-x}:$B", '"$A"', "a@sha256:0"))
        )
        if not self._rarely(2):
            words += [self._one(("AS", "as", "As")), self._one(STAGES)]
        if self._rarely(60):
            words.append(self._one(("more", "AS 2", "AS scratch", "is x")))
        return self._said(*words)

    def _instruction(self) -> str:
        kind = self._random.randrange(14)
        if kind < 4:
            return self._copy()
        if kind < 6:
            return self._run()
        if kind == 6:
            return self._heredoc()
        if kind == 7:
            return self._argument()
        if kind < 10:
            return self._named()
        if kind == 10:
            inner = self._one(
                (self._copy(), self._run(), self._heredoc(), self._argument(), self._named(), self._other())
            )
            return self._said("ONBUILD", inner)
        if kind == 11 and self._rarely(8):
            return self._one(
                ("\\", "COPPY a b", "FROM", "ARG", "ENV A", "COPY a", "ONBUILD", "RUN <<EOF", "#", "LABEL =1")
            )
        return self._other()

    def _copy(self) -> str:
        words = [self._one(("COPY", "COPY", "ADD"))]
        while self._rarely(3):
            flags = (
                "--from=build",
                "--from=0",
                "--from=img:1",
                "--chown=a:b",
                "--link",
                "--from='x'",
                "--",
                '--chmod="7"',
            )
            words.append(self._one(flags))
        paths = [self._one(PATHS) for _ in range(self._random.randint(2, 4))]
        if self._rarely(5):
            inner = self._one((", ", ",", " , ")).join(
                f'"{path}"' for path in (*paths, "/x") if not set(path) & {'"', "\\"}
            )
            return self._said(*words, f"[{inner}{self._one((']', ']', ' ]', ', ]'))}")
        return self._said(*words, *paths)

    def _run(self) -> str:
        words = [self._one(("RUN", "RUN", "CMD", "ENTRYPOINT"))]
        while self._rarely(4):
            mounts = (
                "--mount=type=bind,from=build,target=/x", "--mount=from=img:1,source=/a,target=/t", "--network=none",
                "--mount=type=cache,target=/c", "--mount=source=a,target=/t", "--mount=target=/t",
                '--mount="src=q r,target=/t"', "--mount=type=secret,id=x", "--mount=type=cache,from=x,target=/c",
            )  # fmt: skip
            words.append(self._one(mounts))
        if self._rarely(5):
            return self._said(
                *words, self._one(('["sh", "-c", "<<EOF"]', '[ "a" ]', "[]", '["a", 1]', "['a']", '["a"'))
            )
        return self._said(*words, *(self._one(SHELL) for _ in range(self._random.randint(1, 3))))

    def _heredoc(self) -> str:
        names = [self._one(("EOF", "A", "E.F")) for _ in range(self._random.choice((1, 1, 2)))]
        marks, bodies = [], ""
        for name in names:
            chomp = self._one(("", "", "-"))
            shown = self._one((name, name, f"'{name}'", f'"{name}"', "\\" + name))
            marks.append(f"{self._one(('', '', '3'))}<<{chomp}{shown}")
            bodies += "".join("\n" + self._one(BODIES) for _ in range(self._random.randrange(4)))
            bodies += "\n" + (self._one(("", "\t")) if chomp else "") + name
        if self._rarely(2):
            return self._said("RUN", *marks, *([self._one(SHELL)] if self._rarely(2) else [])).rstrip("\t ") + bodies
        return self._said(self._one(("COPY", "ADD")), *marks, "/x").rstrip("\t ") + bodies

    def _named(self) -> str:
        word = self._one(("ENV", "LABEL"))
        if self._rarely(4):
            return self._said(word, self._one(NAMES), *(self.word() for _ in range(self._random.randint(1, 2))))
        return self._said(word, *(self._pair() for _ in range(self._random.randint(1, 3))))

    def _other(self) -> str:
        return self._said(
            *self._one(
                (
                    "WORKDIR /a b", "USER $A", "EXPOSE 80 81", 'VOLUME ["/x"]', 'SHELL ["sh", "-c"]', "STOPSIGNAL 9",
                    "MAINTAINER a", "HEALTHCHECK NONE", "HEALTHCHECK --interval=1s CMD true",
                )
            ).split(" ", 1)
        )  # fmt: skip
