# SPDX-License-Identifier: MIT
"""The names of things: image, version, target, tag, digest.

Each is a `str` of its own type: it compares, sorts and prints as text, and a
type checker still refuses a tag where a digest belongs. `parse` is the only
way in for text from outside; it raises InvalidValue with a hint.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Self

from stackyard.errors import InvalidValue


class Name(str):
    """A text of one kind. Subclasses say which texts they take."""

    __slots__ = ()
    kind = "name"
    form = re.compile(r".+", re.DOTALL)
    hint = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return `text` as this kind of name; InvalidValue if it has not its form."""
        if not cls.form.fullmatch(text):
            raise InvalidValue(f"{text!r} is not a valid {cls.kind}", hint=cls.hint or None, kind=cls.kind, text=text)
        return cls(text)


class Digest(Name):
    """What something is: `algorithm:hex`, as OCI descriptors write it.

    >>> Digest.parse("sha256:" + "0" * 64).short
    'sha256:000000000000'
    """

    __slots__ = ()
    kind = "digest"
    form = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
    hint = "a digest looks like sha256: and 64 hexadecimal digits"

    @property
    def hex(self) -> str:
        """The part after the colon."""
        return self.partition(":")[2]

    @property
    def short(self) -> str:
        """Algorithm and twelve digits: enough for a person, never for a comparison."""
        algorithm, _, digits = self.partition(":")
        return f"{algorithm}:{digits[:12]}"


LONGEST_TAG = 128


class Tag(Name):
    """A tag as registries take it (OCI distribution spec: at most 128 characters)."""

    __slots__ = ()
    kind = "tag"
    form = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
    hint = "a tag has up to 128 letters, digits, dots, dashes and underscores, and does not start with a dot or a dash"


class ImageName(Name):
    """The name of an image: its folder below the images folder."""

    __slots__ = ()
    kind = "image name"
    form = re.compile(r"[^/@:\s][^/@:\n]*")
    hint = "an image is named like its folder, without '/', '@' or ':'"


class VersionName(Name):
    """One way to build an image: a plan of spec.yml or a key of versions.yaml, as written there."""

    __slots__ = ()
    kind = "version name"
    form = re.compile(r"[^/@\s][^/@\n]*")
    hint = "a version is named as in its file, without '/' or '@'"


PLATFORM = r"(?:linux|windows|freebsd)/[a-z0-9_]+(?:/[a-z0-9]+)?"
"""Systems that images are made for are few: a name with a sign of addition in it is not taken for one."""
_ON = re.compile(rf"\+({PLATFORM})$")


class TargetName(Name):
    """`image` or `image/version`: a node of the graph; with `+platform` where it is made for several.

    >>> TargetName.parse("buildkite-test/3.12").version
    '3.12'
    >>> name = TargetName.parse("lab/3.12+linux/arm64")
    >>> name.version, name.platform, name.whole
    ('3.12', 'linux/arm64', 'lab/3.12')
    """

    __slots__ = ()
    kind = "target name"
    form = re.compile(rf"[^/@:\s][^/@:\n]*?(/[^/@\s][^/@\n]*?)?({_ON.pattern[:-1]})?")
    hint = "a target is 'image' or 'image/version', each with '+linux/arm64' behind it for one of its platforms"

    @classmethod
    def of(cls, image: ImageName, version: VersionName | None = None) -> TargetName:
        """The target of `image` at `version`."""
        return cls(image if version is None else f"{image}/{version}")

    def on(self, platform: str) -> TargetName:
        """This target as it is made for one of its platforms."""
        return TargetName(f"{self}+{platform}")

    @property
    def platform(self) -> str | None:
        """Which of several platforms it is made for; None for a target that is made for one, or joins several."""
        found = _ON.search(self) if "+" in self else None
        return found[1] if found else None

    @property
    def whole(self) -> TargetName:
        """The target without its platform: what joins it with the others."""
        return TargetName(_ON.sub("", self)) if "+" in self else self

    @property
    def image(self) -> ImageName:
        """The image's name."""
        return ImageName(self.whole.partition("/")[0])

    @property
    def version(self) -> VersionName | None:
        """The version's name, or None for an image that has only one."""
        whole = self.whole
        return VersionName(whole.partition("/")[2]) if "/" in whole else None

    @property
    def file_safe(self) -> str:
        """The name as part of a file name."""
        return self.replace("/", "@")


def nearest(name: str, names: Iterable[str], likeness: float = 0.5) -> str | None:
    """The one of `names` that a person who typed `name` most likely meant, or None."""
    return _nearest(name, tuple(names), likeness)


@functools.lru_cache(maxsize=64)  # a mistake is often made in many places
def _nearest(name: str, names: tuple[str, ...], likeness: float) -> str | None:
    import difflib  # only failures need it

    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=likeness)), None)
