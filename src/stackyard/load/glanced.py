# SPDX-License-Identifier: MIT
"""A target of which a look tells enough: its name, its parents, and that there is nothing to say of its files.

In:   a recipe with its arguments, what surrounds it; a folder whose every id is known
Out:  the target, with its details to be read later, and what a look told; or nothing
Beside: target (which reads everything), making (which asks here first)

Nearly every image of a large repository is of this kind: one folder, one Dockerfile of one stage, tests where tests
belong. Whatever could bring a finding, or could be wrong, is for `target_of`: nothing is taken for usual that is not
seen to be. Both make equal targets.
"""

from __future__ import annotations

from collections.abc import Callable

from stackyard.errors import FileProblem
from stackyard.load.dockerfile.content import with_origins
from stackyard.load.dockerfile.glance import Glance, glance
from stackyard.load.recipe import Recipe
from stackyard.load.references import find_references
from stackyard.load.suites import commands_of
from stackyard.load.target import Surroundings, put_together
from stackyard.load.tree.ignore import read_ignore_rules
from stackyard.load.tree.place import DOCKERFILE
from stackyard.model.details import Details, Reading
from stackyard.model.names import TargetName
from stackyard.model.stack import Finding, ParentUse, Target


class Glancer:
    """Looks at images of one place, at each Dockerfile once."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._seen: dict[str, Glance | None] = {}

    def target(
        self, recipe: Recipe, args: tuple[tuple[str, str], ...], read: Callable[[], Details]
    ) -> tuple[Target, Glance] | None:
        """The target; None where it has to be read whole.

        Args:
            read: gives its details.
        """
        around = self._around
        if not self._is_usual(recipe):
            return None
        seen = self._glance(recipe.dockerfile)
        if seen is None:
            return None
        dockerfile, declared = seen
        findings: list[Finding] = []
        found = find_references(recipe, dockerfile, args, around.platform, around.owners, findings)
        commands = commands_of(recipe, around.commands, findings)
        if findings or (declared and with_origins(dockerfile, declared) & with_origins(dockerfile, found.naming)):
            return None
        if not all(self._says_nothing_to_children(name) for name in found.parents):
            return None
        parents = tuple(ParentUse(name, tuple(references)) for name, references in found.parents.items())
        foundation = next((use.target for use in parents if use.references), None)  # it names no other image
        reading = Reading.later(read)
        return put_together(recipe, around, args, found, parents, foundation, commands, reading), seen

    def _is_usual(self, recipe: Recipe) -> bool:
        """Whether an image is one folder of files that nobody says much of."""
        own = self._around.place.path(recipe.image)
        if recipe.context != own or recipe.dockerfile != f"{own}/{DOCKERFILE}":
            return False
        if recipe.stage or recipe.files or recipe.given_base or recipe.base_image or recipe.is_never_made:
            return False
        if recipe.platforms or recipe.locks or recipe.foreign_locks or recipe.platform_locks:
            return False
        if not self._around.place.files.is_folder(own):
            return False
        kinds = {name: kind for name, (kind, _) in self._around.place.files.nodes(own)}
        if kinds.get(DOCKERFILE) not in ("file", "exec"):
            return False
        if "ignore\n" in "\n".join((*kinds, "")):
            try:
                read_ignore_rules(own, DOCKERFILE, own, self._around.place.files)
            except FileProblem:
                return False
        return self._around.suites.is_silent(recipe, own, kinds)

    def _says_nothing_to_children(self, parent: TargetName) -> bool:
        """Whether a parent does nothing on build."""
        recipe = self._around.recipes[parent]
        if recipe.stage is None and self._glance(recipe.dockerfile) is not None:
            return True
        triggers = self._around.triggers_of(parent)
        return not (triggers.args or triggers.copies or triggers.uses)

    def _glance(self, path: str) -> Glance | None:
        if path not in self._seen:
            try:
                self._seen[path] = glance(self._around.place.files.read(path), path)
            except OSError:  # who reads it whole says why
                self._seen[path] = None
        return self._seen[path]
