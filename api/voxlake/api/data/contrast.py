"""The window of contrast that an image is drawn in where none is asked for."""

from __future__ import annotations

from voxlake.api.data.datasets import value_range
from voxlake.api.formats.drawing import Window, whole_window
from voxlake.api.guards.datasets import Granted
from voxlake.ngff.dataset import Dataset
from voxlake.ngff.metadata.contrast import ends_in
from voxlake.ngff.volume import Volume
from voxlake.platform.access import ReadVoxels


async def window_of(
    granted: Granted[ReadVoxels], dataset: Dataset, volume: Volume, channel: int
) -> Window:
    """Return the values of a channel that are drawn as black and white.

    They are those that the metadata of the image say (`omero`), as far as voxels can have them,
    else the range of its values, else that of its type. Those who may read but a part are not told
    of the values of all.
    """
    described = dataset.multiscale.channels_in(volume.shape)
    window = described[channel].window if described else None
    if window is not None and (ends := ends_in(window, volume.dtype.name)) is not None:
        return ends
    found = None if granted.portion else await value_range(granted)
    return found or whole_window(volume.dtype)
