"""Collections, experiments and frames, as people see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.cli.shown.output import Shown, facts, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voxlake.documents.places.places import (
        FoundPage,
        FrameDocument,
        PlaceDocument,
        RemovedPlaceDocument,
    )


def shown_places(places: Iterable[PlaceDocument]) -> Shown:
    """Yield what people see of places."""
    rows = ((each.name, each.kind, each.public, each.frame, each.description) for each in places)
    yield table(("name", "kind", "public", "frame", "description~"), rows)


def shown_found(found: FoundPage) -> Shown:
    """Yield what people see of what a search finds."""
    yield from shown_places(found.places)
    yield facts([("found", found.count)])


def shown_removed(document: RemovedPlaceDocument) -> Shown:
    """Yield what people see of a collection or experiment that is deleted."""
    yield facts((("removed", document.removed), ("with it", ", ".join(document.datasets) or None)))


def shown_values(values: Mapping[str, str]) -> Shown:
    """Yield what people see of key-values."""
    yield table(("key", "value~"), values.items())


def shown_frames(frames: Iterable[FrameDocument]) -> Shown:
    """Yield what people see of frames."""
    rows = (
        (
            each.name,
            ", ".join(f"{a}:{b}" for a, b in zip(each.start, each.stop, strict=True)),
            ", ".join(f"{size:g}" for size in each.voxel_size),
            each.unit,
            each.description,
        )
        for each in frames
    )
    yield table(("frame", "z, y, x#", "voxel size#", "unit", "description~"), rows)
