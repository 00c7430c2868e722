"""Mappings as NeuroProof writes them: HDF5 with supervoxels and their bodies.

The FIB-25 sample is such a file: ``stack``, int32 (z, y, x), of supervoxels, and ``transforms``,
int64 (n, 2), of (supervoxel, body); body 0 is background.
"""

from __future__ import annotations

import gzip
import io
import zlib
from typing import TYPE_CHECKING

from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

_GZIP = b"\x1f\x8b"
_HEAD = 2


def read_transforms(path: Path) -> npt.NDArray[np.int64]:
    """Return the pairs of a file, (n, 2): supervoxel, body; for `import_mapping`.

    Parameters
    ----------
    path
        HDF5, packed with gzip or not.

    Raises
    ------
    SourceError
        If it is no such file, or is torn.
    """
    # Servers and most commands do without.
    import h5py

    try:
        body = path.read_bytes()
        plain = gzip.decompress(body) if body[:_HEAD] == _GZIP else body
        with h5py.File(io.BytesIO(plain), "r") as file:
            pairs = file["transforms"][...]
    except (OSError, EOFError, zlib.error, KeyError) as error:
        raise SourceError(
            f"{path} is no HDF5 file with 'transforms', or torn ({error}); restore the file"
        ) from error
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "ui":
        raise SourceError(
            f"'transforms' of {path} are {pairs.dtype} of the shape {pairs.shape}; "
            "they must be integers of the shape (n, 2)"
        )
    found: npt.NDArray[np.int64] = pairs
    return found
