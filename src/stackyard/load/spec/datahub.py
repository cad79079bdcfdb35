# SPDX-License-Identifier: MIT
"""spec.yml and change_ignore.json as the DataHub scripts read them.

In:   Place
Out:  OldSpec
Raises: ConfigError where there is no spec.yml; FileProblem for a file that cannot be read at all
Rules: docs/how-to/compare-with-datahub.md
Beside: load/spec/read, which reads the same file for this tool
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stackyard.errors import ConfigError
from stackyard.load.spec.read import read_spec
from stackyard.load.spec.values import Spec, SpecImage
from stackyard.load.tree.changes import read_change_rules
from stackyard.load.tree.place import Place
from stackyard.load.yaml import Doc, read
from stackyard.model.datahub import OldImage, OldSpec, OldTrack

REGISTRY = "ghcr.io/ucsd-ets"
"""Where the younger scripts publish everything, whatever `image_name` says."""


def read_datahub(place: Place) -> OldSpec:
    """What the scripts would make of the files at `place`."""
    if place.spec is None or place.is_listed_at_the_root:
        raise ConfigError(
            f"there is no spec.yml in {place.images}: the DataHub scripts read nothing else",
            hint="`stackyard plan` without --like reads every stack",
        )
    data = place.files.read(place.spec)
    spec, _ = read_spec(data, place.spec)
    top = read(data, place.spec).mapping("the file")
    has_plans = "plans" in top or "tags" in top
    docs = top["images"].mapping("`images`")
    rules, _, _ = read_change_rules(place)
    root = next(iter(_roots(top)), None)
    return OldSpec(
        "plans" if has_plans else "tag",
        tuple(_image(image, docs[image.name], has_plans) for image in spec.images),
        tuple(OldTrack(None if plan.name is None else str(plan.name), plan.prefix) for plan in spec.plans),
        root,
        rules.build_all,
        rules.ignore,
        crash=None if has_plans else _crash(top, docs, spec, root),
        notes=tuple(_notes(top, spec, has_plans)),
    )


def _image(image: SpecImage, doc: Doc, has_plans: bool) -> OldImage:
    values = doc.value if isinstance(doc.value, dict) else {}
    prepull = values.get("prepull")
    return OldImage(
        str(image.name),
        (image.image_name or str(image.name)) if has_plans else f"{REGISTRY}/{image.name}",
        image.depend_on[0] if image.depend_on else None,
        image.args,
        tuple((str(name), args) for name, args in image.plan_args),
        tuple(map(str, image.skip_plans)),
        is_prepulled=not (prepull is not None and prepull.tag == "bool" and not prepull.flag("`prepull`")),
    )


def _roots(top: Mapping[str, Doc]) -> list[str]:
    return top["root"].texts("`root`") if "root" in top else []


def _crash(top: Mapping[str, Doc], docs: Mapping[str, Doc], spec: Spec, root: str | None) -> str | None:
    """What ends the younger scripts with a traceback, wherever the change is."""
    empty = next((name for name, doc in docs.items() if doc.value is None), None)
    if empty is not None:
        return f"TypeError: image {empty!r} has no value"
    if len(_roots(top)) > 1:
        return "NotImplementedError: `root` names several images"
    if root is not None and root not in docs:
        return f"KeyError: `root` names {root!r}, which is no image"
    parents = {str(image.name): image.depend_on[0] for image in spec.images if image.depend_on}
    above, seen = parents.get(root or ""), set[str]()
    while above is not None and above not in seen:
        if above == root:
            return f"RecursionError: {root!r} builds on itself"
        seen.add(above)
        above = parents.get(above)
    tag = top["tag"].mapping("`tag`").get("prefix") if "tag" in top else None
    return "TypeError: `tag.prefix` is a number" if tag is not None and tag.tag in ("float", "int") else None


def _notes(top: Mapping[str, Doc], spec: Spec, has_plans: bool) -> Iterator[str]:
    several = [str(image.name) for image in spec.images if len(image.depend_on) > 1]
    if several:
        yield f"they know one parent: of {', '.join(several)} only the first of `depend_on` is taken"
    missing = [] if has_plans else [key for key in ("root", "all_info_cmds") if key not in top]
    if missing:
        yield f"their last version needs {' and '.join(f'`{key}`' for key in missing)} in spec.yml"
    if any(image.versions for image in spec.images):
        yield "they do not read `versions` of an image"
