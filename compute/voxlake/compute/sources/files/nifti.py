"""A NIfTI file: ``.nii``, or ``.nii.gz``.

NIfTI keeps x fastest, as (x, y, z, t, channel); read backwards that is C order. Where the
header scales values (``scl_slope``, ``scl_inter``), the scaled values are read: as float32 of those
of 8 and 16 bits, which have no more digits, as float64 of others.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.sources.arranged_source import ArrangedSource
from voxlake.compute.sources.arrangement import arrange
from voxlake.compute.sources.files.mapped_file import MappedFile
from voxlake.compute.sources.files.nifti_places import nifti_calibration
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.location import named_file
from voxlake.compute.sources.source import native
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.box import Box

_STORED = ("c", "t", "z", "y", "x")


def open_nifti(location: str) -> Source | None:
    """Open a ``.nii`` or ``.nii.gz`` file.

    Raises
    ------
    SourceError
        If it is not there, or its header is unreadable.
    """
    path = named_file(location, (".nii", ".nii.gz"))
    if path is None:
        return None
    import nibabel  # takes half a second, and few need it

    try:
        image: Any = nibabel.load(path)  # the base class lacks the volume's methods
    except (
        nibabel.filebasedimages.ImageFileError,
        nibabel.spatialimages.HeaderDataError,
        ValueError,
        OSError,
        EOFError,
    ) as error:
        raise SourceError(f"NIfTI {path} cannot be read ({error}); restore the file") from error
    what = f"NIfTI {path}"
    shape = tuple(int(n) for n in reversed(image.header.get_data_shape()))
    arrangement = arrange(_STORED[-len(shape) :], shape, what)
    raw = image.dataobj
    dtype = native(raw.dtype, what)
    is_scaled = (float(raw.slope), float(raw.inter)) != (1.0, 0.0)
    # Whatever follows the voxels is passed over.
    file = MappedFile(path, raw.dtype, int(raw.offset), shape, trailing=sys.maxsize)

    def read(box: Box) -> np.ndarray:
        voxels = file.voxels()[box.slices]
        return voxels.astype("f8") * raw.slope + raw.inter if is_scaled else voxels

    return ArrangedSource(
        arrangement=arrangement,
        dtype=_scaled(raw.dtype) if is_scaled else dtype,
        fingerprint=fingerprint_files([path], "nifti"),
        read_stored=read,
        calibration=nifti_calibration(image.header, _sizes(path, image.header)),
        check_stored=file.check,
    )


def _scaled(dtype: np.dtype) -> np.dtype:
    """Return the type of scaled values of a `dtype`."""
    return np.dtype("f4" if np.can_cast(dtype, "f4") else "f8")


def _sizes(path: Path, header: Any) -> np.ndarray:
    """Return the sizes along x, y, z as the file has them: nibabel makes 1 of 0."""
    from nibabel.openers import ImageOpener

    with ImageOpener(str(path)) as file:
        said = type(header).from_fileobj(file, check=False)
    sizes: np.ndarray = np.abs(said["pixdim"][1:4])
    return sizes
