"""Writing labels, by the parts of their handle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlake.ngff.labels import writing
from voxlake.ngff.labels.handle import Labels

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxlake.ngff.grid.box import Box
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL


def write_labels(
    volume: Volume, index_url: StoreURL, box: Box, voxels: npt.NDArray[Any], by: str = ""
) -> None:
    """Write all `voxels` (z, y, x) into `box`."""
    writing.write_labels(Labels(volume, index_url), box, voxels, by=by)
