# SPDX-License-Identifier: MIT
"""What of a recipe and its sources is an input: which entries of the build context, which arguments, which labels.

In:   Recipe, Sources, what the Dockerfile names
Out:  parts of Inputs; findings where something counts that people may not expect
Pure. Why: docs/explanation/fingerprints.md
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from stackyard.load.dockerfile.content import content_args, declared_at, variables_of, with_origins
from stackyard.load.dockerfile.reach import could_reach, reachable
from stackyard.load.matrix import VERSIONS_FILES
from stackyard.load.recipe import Recipe
from stackyard.load.references import Found
from stackyard.load.sources import Sources
from stackyard.load.spec.values import BASE_IMAGE
from stackyard.load.tree.context import read_entry
from stackyard.load.tree.files import Files
from stackyard.load.tree.paths import relative
from stackyard.model.dockerfile import Body, Dockerfile
from stackyard.model.inputs import ASIDE_ARG, RULES, TEST_FOLDERS, BlobId, Entry, comparable, holds_secret
from stackyard.model.names import ImageName
from stackyard.model.reference import Reference
from stackyard.model.stack import Finding

BASE_TAG = "BASE_TAG"
SOURCE = "org.opencontainers.image.source"
TITLE = "org.opencontainers.image.title"
PLAIN_FRONTENDS = ("docker.io/docker/dockerfile", "docker.io/docker/dockerfile-upstream")
"""Images of a `# syntax=` line that read a Dockerfile as Docker does; another may read comments."""


def dockerfile_blob(dockerfile: Dockerfile, sources: Sources, frontend: Reference | None) -> BlobId:
    """What counts of the Dockerfile: all up to the end of its stage but comments and empty lines, where it is known
    that these say nothing.
    """
    return dockerfile.meant if _is_plain(frontend) else sources.dockerfile_blob


def stage_name(dockerfile: Dockerfile, sources: Sources, frontend: Reference | None) -> str:
    """The stage that is the image, by its name; of the last one none, where it is not known who reads it."""
    is_last = len(dockerfile.stages) == len(sources.dockerfile.stages)
    return "" if is_last and not _is_plain(frontend) else dockerfile.stages[-1].name or ""


def _is_plain(frontend: Reference | None) -> bool:
    return frontend is None or frontend.repository.canonical in PLAIN_FRONTENDS


def counted_args(
    recipe: Recipe,
    dockerfile: Dockerfile,
    args: Sequence[tuple[str, str]],
    found: Found,
    triggers: Sequence[Body],
    findings: list[Finding],
) -> tuple[tuple[str, str], ...]:
    """Arguments that can become content, sorted; one that names a parent counts as that, without account and stamp."""
    names = content_args(dockerfile, found.naming, triggers)
    naming = with_origins(dockerfile, found.naming)
    counted = []
    for name, value in args:
        if name not in names:
            continue
        base = recipe.base_image if name == BASE_IMAGE else None
        if name in naming:
            findings.append(_tag_is_content(dockerfile, name, is_parent=base is not None))
        counted.append((name, f"{base.name}/{recipe.version}" if base else comparable(name, value)))
    return tuple(sorted(counted))


def _tag_is_content(dockerfile: Dockerfile, name: str, is_parent: bool) -> Finding:
    place = dockerfile.at(declared_at(dockerfile, name) or 1, name)
    what = "the parent that it names" if is_parent else "its value, another one on every branch,"
    sentence = f"{name} says which parent to take, and instructions after FROM can read it: {what} counts as content"
    hint = f"take `ARG {name}` out of the stage, if nothing there needs it"
    return Finding("tag-is-content", "warning", sentence, *place, hint=hint, found=f"ARG {name}")


def counted_entries(
    recipe: Recipe,
    own: str,
    sources: Sources,
    dockerfile: Dockerfile,
    args: Mapping[str, str],
    platform: str,
    triggers: Sequence[Body],
    reads_everything: bool,
    never: Callable[[str], bool] | None,
) -> tuple[Entry, ...]:
    """Entries of the build context that can change the image, by the recipe's granularity.

    Args:
        own: the image's own folder, relative to the stack's root.
        triggers: `ONBUILD` of the parents.
        reads_everything: whether something that nobody can read here copies what it pleases.
        never: tells of a path relative to the root whether it counts nowhere, as stamps, which each run writes.
    """
    context = sources.context
    if never is not None:
        context = tuple(entry for entry, path in _with_paths(recipe, sources) if not never(path))
    if reads_everything:
        return context
    below = relative(recipe.dockerfile, recipe.context)
    folder = own_part(recipe.context, own)
    quiet = _Quiet(folder, recipe.is_stamped)
    granularity = _granularity(recipe, own)
    foreign = frozenset(relative(path, recipe.context) for path in recipe.foreign_locks)
    held = quiet.held(context)
    acting = [body for body in triggers if body.copies]
    aside = held | foreign | {below}
    if granularity == "folder" and not acting and not could_reach(dockerfile, aside, context):
        return tuple(entry for entry in context if entry.path not in aside)
    reached = frozenset[str]().union(
        *(reachable(dockerfile, args, context, platform=platform, triggers=body) for body in acting or [Body()])
    )
    if granularity == "copied":
        return tuple(entry for entry in context if entry.path in reached)
    loud = {quiet.part(path) for path in reached}
    return tuple(
        entry
        for entry in context
        if entry.path in reached
        or (
            entry.path != below
            and (granularity == "folder" or (folder is not None and entry.path.startswith(folder)))
            and (entry.path not in held or quiet.part(entry.path) in loud)
            and entry.path not in foreign
        )
    )


def locks_of(recipe: Recipe, sources: Sources, counted: Sequence[Entry], files: Files) -> tuple[Entry, ...]:
    """Lock files that it uses and that are none of its entries anyhow, by paths relative to the stack's root."""
    known = {entry.path for entry in counted}
    inside = {path for entry, path in _with_paths(recipe, sources) if entry.path in known}
    wanted = [path for path in recipe.locks if path not in inside and files.is_file(path) and not files.leads_out(path)]
    return tuple(sorted(read_entry(path, path, files=files) for path in wanted))


def aside_of(
    recipe: Recipe,
    own: str,
    ignored: Sequence[str],
    dockerfile: Dockerfile,
    args: Sequence[tuple[str, str]],
    counted: Sequence[tuple[str, str]],
) -> tuple[tuple[str, str], ...]:
    """What explains the inputs and is none: rules other than the default, arguments that only name what is built on.

    BASE_TAG and BASE_IMAGE are left out: they are others on every branch, and name the same parent.

    Args:
        own: the image's own folder, relative to the stack's root.
        ignored: patterns of ChangeIgnore.
        counted: arguments that count by themselves.
    """
    granularity = _granularity(recipe, own)
    rules = {
        "granularity": granularity if granularity != RULES["granularity"] else "",
        "ChangeIgnore": ", ".join(ignored),
    }
    texts = [use.text for stage in dockerfile.stages for use in (stage.base, *stage.uses) if "$" in use.text]
    names = with_origins(dockerfile, {name for text in texts for name in variables_of(text)}) if texts else frozenset()
    silent = {BASE_TAG, BASE_IMAGE, *(name for name, _ in counted)}
    named = {f"{ASIDE_ARG}{name}": comparable(name, value) for name, value in args if name in names - silent}
    return tuple(sorted((name, value) for name, value in {**rules, **named}.items() if value))


def _granularity(recipe: Recipe, own: str) -> str:
    """Which entries count: where nobody says so, those of the image's own folder, with what else is reached."""
    return recipe.granularity or ("folder" if own_part(recipe.context, own) == "" else "own folder")


def _with_paths(recipe: Recipe, sources: Sources) -> Iterator[tuple[Entry, str]]:
    """Each entry of the build context, and where it lies, relative to the stack's root."""
    elsewhere = {path: source for source, path in sources.staging.files} if sources.staging else {}
    for entry in sources.context:
        yield entry, elsewhere.get(entry.path) or posixpath.normpath(posixpath.join(recipe.context, entry.path))


def own_part(context: str, own: str) -> str | None:
    """How paths of a build context begin that lie in the image's own folder; None where none does."""
    if f"{context}/".startswith(f"{own}/"):
        return ""
    path = relative(own, context)
    return None if path.startswith("..") else f"{path}/"


class _Quiet:
    """Folders of tests, and files that Stackyard itself reads: nothing of the image, unless an instruction reads it."""

    def __init__(self, folder: str | None, is_stamped: bool) -> None:
        self._folder = folder
        self._names = frozenset((*TEST_FOLDERS, *(VERSIONS_FILES if is_stamped else ())))

    def part(self, path: str) -> str | None:
        """The first part of the path in the image's own folder."""
        if self._folder is None or not path.startswith(self._folder):
            return None
        return path[len(self._folder) :].partition("/")[0]

    def held(self, entries: Iterable[Entry]) -> frozenset[str]:
        """Those of the paths that are of these."""
        if self._folder != "":
            return frozenset(entry.path for entry in entries if self.part(entry.path) in self._names)
        names = self._names  # the folder is the build context, nearly always
        return frozenset(entry.path for entry in entries if entry.path.partition("/")[0] in names)


def uses_everything(found: Found) -> bool:
    """Whether an external base says by its tag that it copies from the build context of what is built on it."""
    return any("onbuild" in (base.tag or "") for base in found.bases.values())


def secrets_of(dockerfile: Dockerfile) -> tuple[str, ...]:
    """Ids of the secrets that a build mounts, sorted."""
    return tuple(sorted({name for stage in dockerfile.stages for name in stage.secrets}))


def downloads_of(dockerfile: Dockerfile, args: Sequence[tuple[str, str]], platform: str) -> tuple[str, ...]:
    """Addresses of ADD that do not say what must come, sorted.

    None with a variable that nobody knows here, and none with a credential: that is to be in no record.
    """
    remotes = dockerfile.remotes(dict(args), platform)
    loose = {remote.text for remote in remotes if not remote.is_pinned and "$" not in remote.text}
    return tuple(sorted(text for text in loose if not holds_secret(text, args)))


def labels_of(image: ImageName, source: str | None, dockerfile: Dockerfile) -> tuple[tuple[str, str], ...]:
    """Labels that are functions of the stack, sorted; what the file itself sets is left to it."""
    wanted = {TITLE: str(image), **({SOURCE: source} if source else {})}
    return tuple(sorted(_unset(wanted, dockerfile)))


def _unset(wanted: Mapping[str, str], dockerfile: Dockerfile) -> Iterator[tuple[str, str]]:
    for key, value in wanted.items():
        if key not in dockerfile.stages[-1].labels:
            yield key, value
