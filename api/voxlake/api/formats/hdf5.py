"""HDF5: one dataset, ``voxels``, with what is known of it as attributes."""

from __future__ import annotations

import io
from collections.abc import Iterator

from voxlake.api.formats.cutout import Blocks, Cutout, joined
from voxlake.api.formats.format import Format

FILE_BYTES = 64 << 10
"""What the file holds besides the voxels, at most."""


def encode(cutout: Cutout, blocks: Blocks) -> Iterator[memoryview]:
    """Yield the file."""
    import h5py

    body = io.BytesIO()
    with h5py.File(body, "w", libver="v108") as file:
        dataset = file.create_dataset("voxels", data=joined(cutout, blocks))
        for axis, name in enumerate(cutout.names):
            dataset.dims[axis].label = name
        dataset.attrs.update(_attributes(cutout))
    yield body.getbuffer()


def _attributes(cutout: Cutout) -> dict[str, object]:
    described: dict[str, object] = {
        "dataset": cutout.dataset,
        "level": cutout.level,
        "axes": "".join(cutout.names),
        "start": cutout.box.start,
        "scale": cutout.scale,
        "translation": cutout.translation,
        "units": [axis.unit or "" for axis in cutout.axes],
    }
    size = cutout.size_in("micrometer")
    return described | ({} if size is None else {"element_size_um": size})  # as Fiji has it


def measure(cutout: Cutout) -> int:
    """Return the bytes of the file, at most."""
    return cutout.nbytes + FILE_BYTES


HDF5 = Format(
    "hdf5",
    "application/x-hdf5",
    ".h5",
    encode,
    measure,
    is_exact=False,
    joins=True,
    besides=measure,
)
