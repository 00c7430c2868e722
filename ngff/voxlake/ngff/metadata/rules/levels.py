"""Rules of ``datasets``, the levels of an image, and of what NGFF 0.4 and 0.5 apply to them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlake.ngff.metadata.rules.part import (
    FULL_LIST,
    LIST,
    NUMBERS,
    OBJECT,
    TEXT,
    Part,
    is_a,
    objects,
    required,
)
from voxlake.ngff.metadata.rules.transformations import check_transformation

if TYPE_CHECKING:
    from collections.abc import Generator

    from voxlake.ngff.metadata.rules.part import Breaches

_TYPES = ("scale", "translation")


def datasets(multiscale: Part) -> Generator[str, None, list[Part]]:
    """Return the entries of ``datasets``; each must have a path and transformations."""
    found = yield from required(multiscale, "datasets", FULL_LIST)
    if found is None:
        return []
    entries = yield from objects(found)
    for entry in entries:
        yield from required(entry, "path", TEXT)
    return entries


def check_levels(multiscale: Part) -> Breaches:
    """Check the levels of NGFF 0.4 or 0.5: "exactly one scale", "listed after" it a translation."""
    axes = multiscale["axes"].value
    ndim = len(axes) if isinstance(axes, list) else None
    for entry in (yield from datasets(multiscale)):
        transformations = yield from required(entry, "coordinateTransformations", FULL_LIST)
        if transformations:
            yield from _check_scale_and_translation(transformations, ndim)
    if "coordinateTransformations" in multiscale.value:
        shared = yield from is_a(multiscale["coordinateTransformations"], FULL_LIST)
        if shared:
            yield from _check_scale_and_translation(shared, ndim)


def _check_scale_and_translation(transformations: Part, ndim: int | None) -> Breaches:
    """Check a list that must have one scale and may have one translation after it."""
    steps = yield from objects(transformations)
    kinds = [step.value.get("type") for step in steps]
    for step, kind in zip(steps, kinds, strict=True):
        if kind not in _TYPES:
            yield step.breach(f"is of the type {kind!r}; it must be a scale or a translation")
        elif not ("path" in step.value and kind not in step.value):
            yield from _check_numbers(step, str(kind), ndim)
    if kinds.count("scale") != 1:
        yield transformations.breach(f"have {kinds.count('scale')} scales; there must be one")
    if kinds.count("translation") > 1:
        yield transformations.breach(f"have {kinds.count('translation')} translations, may have 1")
    if kinds[:1] == ["translation"] and "scale" in kinds:
        yield transformations.breach("have a translation before the scale; it must be after it")


def _check_numbers(step: Part, kind: str, ndim: int | None) -> Breaches:
    numbers = yield from required(step, kind, NUMBERS)
    if numbers is None:
        return
    if ndim is not None and len(numbers.value) != ndim:
        yield numbers.breach(f"has {len(numbers.value)} numbers; there are {ndim} axes")
    if kind == "scale" and not all(numbers.value):
        yield numbers.breach(f"is {numbers.value}; no voxel has the size 0")


def check_levels_of_06(multiscale: Part, systems: dict[str, int]) -> Breaches:
    """Check the levels of NGFF 0.6: one transformation each, all to one of `systems`, by rank."""
    outputs: list[Any] = []
    for entry in (yield from datasets(multiscale)):
        transformations = yield from required(entry, "coordinateTransformations", LIST)
        if transformations is None:
            continue
        if len(transformations.value) != 1:
            count = len(transformations.value)
            yield transformations.breach(f"are {count}; there must be exactly one")
        for step in (yield from objects(transformations)):
            yield from _check_kind(step)
            output = yield from _check_ends(step, entry.value.get("path"), systems)
            outputs += [] if output is None else [output]
            yield from check_transformation(step, systems.get(output), systems.get(output))
    if len({*map(str, outputs)}) > 1:
        yield multiscale["datasets"].breach(
            f"lead to the coordinate systems {', '.join(sorted({*map(str, outputs)}))}; all must "
            "lead to one"
        )


def _check_kind(step: Part) -> Breaches:
    kind = step.value.get("type")
    inner = step.value.get("transformations")
    if kind == "sequence" and isinstance(inner, list):
        kinds = [each.get("type") if isinstance(each, dict) else each for each in inner]
        if kinds != ["scale", "translation"]:
            yield step.breach(f"is a sequence of {kinds}; it must be a scale and a translation")
    elif kind not in ("scale", "identity", "sequence"):
        yield step.breach(f"is of the type {kind!r}; it must be a scale, an identity or a sequence")


def _check_ends(step: Part, path: Any, systems: dict[str, int]) -> Generator[str, None, Any]:
    start = yield from required(step, "input", OBJECT)
    if start:
        told = yield from required(start, "path", TEXT)
        if told and told.value != path:
            yield told.breach(f"is {told.value!r}; the level's path is {path!r}")
    end = yield from required(step, "output", OBJECT)
    name = (yield from required(end, "name", TEXT)) if end else None
    if name and name.value not in systems:
        yield name.breach(f"is {name.value!r}, which no coordinate system is called")
    return name.value if name else None
