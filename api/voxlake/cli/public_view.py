"""A link to the public Neuroglancer, for a gateway whose own viewer is not built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from voxlake.api.views.neuroglancer import PUBLIC_VIEWER, Layer, viewer_link, viewer_state
from voxlake.ngff.grid.layout import Kind

if TYPE_CHECKING:
    from voxlake.ngff.dataset import Dataset
    from voxlake.platform.names import DatasetName


def public_link(gateway: str, shown: Sequence[tuple[DatasetName, Dataset]]) -> str:
    """Return the link that shows public datasets of the gateway at the URL `gateway`."""
    layers = [
        Layer(
            name.dataset,
            f"{gateway}/zarr/{name}",
            dataset.multiscale,
            dataset.level(0).shape,
            labels=dataset.kind is Kind.LABELS,
        )
        for name, dataset in shown
    ]
    return viewer_link(PUBLIC_VIEWER, viewer_state(layers))
