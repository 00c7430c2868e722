"""Formats of cutouts. To add one: a file here, and an entry in `FORMATS`."""

from voxlake.api.formats.arrow import ARROW
from voxlake.api.formats.blosc import BLOSC
from voxlake.api.formats.cutout import Cutout
from voxlake.api.formats.format import Format
from voxlake.api.formats.hdf5 import HDF5
from voxlake.api.formats.negotiate import negotiate
from voxlake.api.formats.nifti import NIFTI
from voxlake.api.formats.npy import NPY
from voxlake.api.formats.npz import NPZ
from voxlake.api.formats.nrrd import NRRD
from voxlake.api.formats.pictures import JPEG, PNG, WEBP
from voxlake.api.formats.raw import RAW
from voxlake.api.formats.tiff import TIFF
from voxlake.api.formats.zarr_zip import OZX, ZARR

FORMATS: tuple[Format, ...] = (
    RAW,
    NPY,
    NPZ,
    BLOSC,
    HDF5,
    ZARR,
    OZX,
    TIFF,
    NIFTI,
    NRRD,
    ARROW,
    PNG,
    JPEG,
    WEBP,
)
"""What the gateway can send, the preferred first."""

__all__ = ["FORMATS", "Cutout", "Format", "negotiate"]
