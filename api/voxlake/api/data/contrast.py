"""The values that an image is drawn between where no window is asked for."""

from __future__ import annotations

from voxlake.api.data.datasets import value_range
from voxlake.api.guards.datasets import Granted
from voxlake.ngff.dataset import Dataset
from voxlake.ngff.drawing.contrast import Ends, said_ends, whole_range
from voxlake.ngff.volume import Volume
from voxlake.platform.access import ReadVoxels


async def ends_to_draw(
    granted: Granted[ReadVoxels], dataset: Dataset, volume: Volume, channel: int
) -> Ends:
    """Return the values of a channel that are drawn as black and white.

    They are those that the metadata of the image say (`omero`), as far as voxels can have them,
    else the range of its values, else that of its type: `chosen_ends`, but for what a gateway may
    not read. Those who may read but a part are not told of the values of all.
    """
    said = said_ends(dataset.multiscale, volume.shape, volume.dtype, channel)
    if said is not None:
        return said
    found = None if granted.portion else await value_range(granted)
    return found or whole_range(volume.dtype)
