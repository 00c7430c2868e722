"""Formats of cutouts. To add one: a file here, and an entry in `FORMATS`."""

from voxlake.api.formats.format import Format
from voxlake.api.formats.negotiate import negotiate
from voxlake.api.formats.npy import NPY
from voxlake.api.formats.raw import RAW

FORMATS: tuple[Format, ...] = (RAW, NPY)
"""What the gateway can send, the preferred first."""

__all__ = ["FORMATS", "Format", "negotiate"]
