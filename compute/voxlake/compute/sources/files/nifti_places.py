"""Where the voxels of a NIfTI file lie: the affine of its header, and the times.

https://nifti.nimh.nih.gov/nifti-1/documentation/nifti1fields: the sform if it has a code, else the
qform if that has one, else nothing but the sizes in ``pixdim``. What nibabel makes of a header
without either, voxels around the origin with x backwards, no file says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxlake.compute.sources.calibration import AxisScale, Calibration, axis_scale, known_scales

if TYPE_CHECKING:
    import numpy.typing as npt

_NAMES = "xyz"
_SPACE = {1: "meter", 2: "millimeter", 3: "micrometer"}
_TIME = {8: "second", 16: "millisecond", 24: "microsecond"}
"""Units by the bits that ``xyzt_units`` has for them; others count no time but frequencies."""
_CLOSE = 1e-4
"""How far an affine of 32 bits may be off what it should be, for one voxel."""


def nifti_calibration(header: Any, sizes: npt.NDArray[Any]) -> Calibration:
    """Return what a header says of places: ``pixdim``, its unit, and the affine.

    Parameters
    ----------
    header
        As nibabel has it.
    sizes
        Of voxels along x, y, z; 0 where the file does not say.
    """
    space, time = _units(header)
    affine = _affine(header)
    lost = _lost(affine, sizes)
    scales: dict[str, AxisScale | None] = {}
    for row, name in enumerate(_NAMES):
        step, start = sizes[row], 0
        if affine is not None and not lost:
            step, start = step or abs(affine[row, row]), affine[row, 3]
            step = np.copysign(step, affine[row, row])
        scales[name] = axis_scale(step, space, start)
    scales["t"] = axis_scale(header["pixdim"][4], time, header["toffset"])
    return Calibration(known_scales(scales), lost)


def _affine(header: Any) -> npt.NDArray[Any] | None:
    """Return the affine that the header has, to the digits of 32 bits; None if it has none."""
    for code, affine in (
        (header["sform_code"], header.get_sform),
        (header["qform_code"], header.get_qform),
    ):
        if int(code) > 0:
            return np.asarray(affine(), np.float32)
    return None


def _lost(affine: npt.NDArray[Any] | None, sizes: npt.NDArray[Any]) -> tuple[str, ...]:
    """Return, in words, what of the affine no scale and translation can say."""
    if affine is None:
        return ()
    if not np.isfinite(affine).all():
        return ("an affine that is not all numbers",)
    matrix = affine[:3, :3]
    diagonal = np.diagonal(matrix)
    if np.abs(matrix - np.diag(diagonal)).max() > _CLOSE * float(np.abs(matrix).max()):
        rows = "; ".join(", ".join(f"{value:g}" for value in row) for row in matrix.round(4))
        return (f"a rotation or shear of its axes, the affine {rows}",)
    if not np.allclose(np.abs(diagonal)[sizes > 0], sizes[sizes > 0], rtol=_CLOSE, atol=0):
        said, other = (", ".join(f"{n:g}" for n in each) for each in (np.abs(diagonal), sizes))
        return (f"an affine with voxels of {said}, where pixdim has {other} for x, y, z",)
    return ()


def _units(header: Any) -> tuple[str, str]:
    """Return the units of space and time; empty where their code is 0, or none that NIfTI has."""
    code = int(header["xyzt_units"])
    return _SPACE.get(code & 0b111, ""), _TIME.get(code & 0b111000, "")
