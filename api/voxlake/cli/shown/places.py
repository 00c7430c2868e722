"""Collections, experiments and frames, as people see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.cli.shown.output import Shown, facts, size, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from voxlake.documents.places.deleted import (
        DeletedList,
        PurgedDocument,
        RestoredDocument,
    )
    from voxlake.documents.places.places import (
        FoundPage,
        FrameDocument,
        PlaceDocument,
        RemovedPlaceDocument,
    )


_VERSIONS = "the bucket keeps them until a rule of it ends them (NoncurrentVersionExpiration)"


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


def shown_deleted(document: DeletedList) -> Shown:
    """Yield what people see of what was deleted and can be brought back."""
    rows = (
        (each.id, each.name, each.kind, each.deleted_at, each.purge_at) for each in document.deleted
    )
    yield table(("id#", "name", "kind", "deleted", "until"), rows)


def shown_restored(document: RestoredDocument) -> Shown:
    """Yield what people see of what was brought back."""
    before = None if document.before == document.restored else document.before
    yield facts(
        (
            ("brought back", document.restored),
            ("before", before),
            ("with it", ", ".join(document.with_it) or None),
        )
    )


def shown_purged(name: str, purged: Iterable[PurgedDocument]) -> Shown:
    """Yield what people see of what was deleted for good, and the proof of it."""
    yield facts([("purged", name)])
    for each in purged:
        yield facts(
            (
                ("dataset", each.dataset),
                ("deleted", f"{each.objects} objects, {size(each.bytes)}"),
                *(("listed, nothing is left", folder) for folder in each.folders),
                ("old versions", _VERSIONS if each.keeps_versions else None),
            )
        )


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
