"""Labels inside the source of an image: named where they are not asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.compute.jobs.with_labels import labels_of
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.compute.jobs import IngestRequest


def labels_left_out(request: IngestRequest) -> Iterator[str]:
    """Yield which labels are inside the source of an image, and how they are ingested too."""
    if request.place.kind is not Kind.IMAGE:
        return
    try:
        names = ", ".join(labels_of(request.open()))
    except SourceError:  # which counts if they are asked for
        return
    if names:
        yield f"the source has labels: {names}; add --with-labels"
