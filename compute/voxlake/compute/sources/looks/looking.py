"""Look at a source: what is there, and its middle slice, before anything is planned of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.compute.sources.arranged_source import ArrangedSource
from voxlake.compute.sources.links import refuse_links_out
from voxlake.compute.sources.looks.middle_slice import read_middle
from voxlake.compute.sources.opening import open_known, opening_once
from voxlake.compute.sources.tiles.numbering import missing_slices
from voxlake.documents.jobs.look import MOST_MISSING, SliceFiles, SourceLook
from voxlake.platform.errors import StoreUnavailableError, VoxlakeError

if TYPE_CHECKING:
    import numpy as np

    from voxlake.compute.sources.source import Source

LABELS_BYTES = 4
"""Whole numbers of so many bytes are rather ids than intensities."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is found."""

    told: SourceLook
    picture: np.ndarray | None = None
    """Voxels of the middle slice (y, x), made fewer; None: they are not had cheaply."""


def look_at(location: str, axes: str = "") -> Look:
    """Look at the source at a location: what would be refused is told, and is no failure.

    Parameters
    ----------
    axes
        Letters for its axes as they are stored; empty: as the input says.

    Raises
    ------
    StoreUnavailableError
        If it cannot be reached: another time there is an answer.
    """
    told = SourceLook(source=location)
    try:
        refuse_links_out(location)
        with opening_once():
            kind, source = open_known(location, axes)
        told = told.model_copy(update=_facts(source) | {"kind": kind})
        source.check()
    except StoreUnavailableError:
        raise
    except VoxlakeError as error:
        return Look(told.model_copy(update={"refused": str(error)}))
    return _with_picture(told, source)


def _with_picture(told: SourceLook, source: Source) -> Look:
    try:
        found = read_middle(source, is_labels=told.as_kind == "labels")
    except StoreUnavailableError:
        raise
    except VoxlakeError as error:
        return Look(told.model_copy(update={"refused": str(error)}))
    if found is None:
        return Look(told)
    return Look(told.model_copy(update={"slice": found.told}), found.voxels)


def _facts(source: Source) -> dict[str, object]:
    said = source.calibration
    size = said.voxel_size
    arranged = source if isinstance(source, ArrangedSource) else None
    remarks = [arranged.remark] if arranged and arranged.remark else []
    if arranged and not arranged.arrangement.is_named:
        remarks.append("no names of axes: taken in this order")
    is_labels = source.dtype.kind in "iu" and source.dtype.itemsize >= LABELS_BYTES
    return {
        "axes": tuple(source.axes),
        "shape": tuple(source.shape),
        "dtype": source.dtype.name,
        "voxel_size": None if size is None else size.zyx,
        "unit": None if size is None else size.unit,
        "said": said.said,
        "unplaced": "; ".join(said.unplaced()),
        "remark": "; ".join(remarks),
        "files": None if arranged is None else _files(arranged),
        "as_kind": "labels" if is_labels and "c" not in source.axes else "image",
    }


def _files(source: ArrangedSource) -> SliceFiles | None:
    names = source.slices()
    if not names:
        return None
    missing, count = missing_slices(names, MOST_MISSING)
    return SliceFiles(
        count=len(names), first=names[0], last=names[-1], missing=missing, missing_count=count
    )
