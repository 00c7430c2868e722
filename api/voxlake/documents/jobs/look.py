"""What is found where a source lies, before an ingest of it is planned."""

from __future__ import annotations

import base64
import io
import zlib
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from voxlake.documents.document import Document

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_MISSING = 20
"""Numbers of missing slices that are named."""


class SliceFiles(Document):
    """The files of a source that has one for each slice."""

    count: int
    first: str = Field(description="Name of the file of the first slice.")
    last: str
    missing: tuple[int, ...] = Field(
        (), description="Numbers between those of the files that none has, the first few."
    )
    missing_count: int = Field(0, description="How many such numbers there are.")


class SliceFound(Document):
    """The slice that is drawn of a source."""

    z: int
    y: tuple[int, int] = Field(description="The part of it, half-open: all, unless it is large.")
    x: tuple[int, int]
    low: float = Field(description="The least value that is drawn as black.")
    high: float = Field(description="The value that is drawn as white.")


class SourceLook(Document):
    """What lies at a location, as far as it is known without reading all of it."""

    source: str
    refused: str | None = Field(
        None, description="Why it cannot be ingested as it is, and what to do; null: it can."
    )
    kind: str | None = Field(
        None, description="Which reader knows it: `stack`, `tiff`, `zarr`, say; null: none does."
    )
    axes: tuple[str, ...] = Field((), description="As voxlake takes them; empty: not known.")
    shape: tuple[int, ...] = Field((), description="Voxels along each of `axes`.")
    dtype: str | None = None
    voxel_size: tuple[float, float, float] | None = Field(
        None, description="z, y, x; null: the source does not say it in lengths."
    )
    unit: str | None = Field(None, description="Of `voxel_size`.")
    said: str = Field("", description="What it says of sizes of voxels, in its own words.")
    unplaced: str = Field(
        "",
        description="What it says of places that cannot be kept; an ingest leaves it out if "
        "`drop_transform` is asked for.",
    )
    remark: str = Field("", description="What else is to be known of its voxels.")
    files: SliceFiles | None = Field(None, description="Null: it is not of a file a slice.")
    as_kind: Literal["image", "labels"] = Field(
        "image", description="What it looks like, by the type of its voxels alone."
    )
    slice: SliceFound | None = Field(
        None,
        description="The middle slice, which `GET /v2/jobs/{job_id}/picture` draws; null: its "
        "voxels cannot be had without decoding too many others.",
    )


def pack_voxels(voxels: npt.NDArray[Any]) -> str:
    """Return a few voxels as text, which `unpack_voxels` reads.

    Examples
    --------
    >>> import numpy as np
    >>> unpack_voxels(pack_voxels(np.array([[1, 2]], np.uint16)))
    array([[1, 2]], dtype=uint16)
    """
    import numpy as np  # commands that only tell of jobs do without

    body = io.BytesIO()
    np.save(body, voxels, allow_pickle=False)
    return base64.b64encode(zlib.compress(body.getvalue())).decode("ascii")


def unpack_voxels(text: str) -> npt.NDArray[Any]:
    """Return the voxels that `pack_voxels` made a text of."""
    import numpy as np

    body = io.BytesIO(zlib.decompress(base64.b64decode(text)))
    voxels: npt.NDArray[Any] = np.load(body, allow_pickle=False)
    return voxels
