"""A file of nothing but voxels, with its layout in the location.

``volume.raw?dtype=uint16&shape=100,200,300``, then any of ``offset=BYTES``, ``order=C|F``,
``endian=little|big``, ``axes=zyx``, ``trailing=ignore``. ``axes`` name the extents of ``shape``;
the last of them lies fastest in the file, or with ``order=F`` the first. The file may have any name
if both dtype and shape are given.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from voxlake.compute.sources.arrangement import Arrangement, arrange_named
from voxlake.compute.sources.files.mapped_file import MappedFile, mapped_source
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.location import existing_file, local_path, options_of
from voxlake.ngff.grid.dtypes import NumberType
from voxlake.platform.errors import SourceError, faults

if TYPE_CHECKING:
    from voxlake.compute.sources.source import Source

SUFFIX = ".raw"
_USAGE = (
    "write FILE?dtype=uint16&shape=100,200,300, then any of "
    "&offset=BYTES&order=C|F&endian=little|big&axes=zyx&trailing=ignore"
)


def _split(text: object) -> object:
    return text.split(",") if isinstance(text, str) else text


class RawOptions(BaseModel):
    """What stands after the ``?`` of a raw file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dtype: Literal[NumberType, "float16"]
    shape: Annotated[
        tuple[Annotated[int, Field(ge=1)], ...],
        BeforeValidator(_split),
        Field(min_length=2, max_length=5),
    ]
    offset: int = Field(default=0, ge=0)
    order: Literal["C", "F"] = "C"
    endian: Literal["little", "big"] = "little"
    axes: str = ""
    """A letter for each extent of `shape`; by their number if empty."""
    trailing: Literal["refuse", "ignore"] = "refuse"
    """What is done with bytes after the last voxel."""

    @property
    def stored_dtype(self) -> np.dtype:
        """Type of the voxels, in the byte order of the file."""
        return np.dtype(self.dtype).newbyteorder("<" if self.endian == "little" else ">")

    def arrangement(self, what: str) -> Arrangement:
        """Return the arrangement of the file as an array in C order."""
        if self.axes and len(self.axes) != len(self.shape):
            raise SourceError(
                f"{what} has the axes {self.axes!r} and the shape {self.shape}; "
                "give one letter for each"
            )
        named = arrange_named(self.axes, self.shape, what)
        if named.doubt:
            raise SourceError(f"{named.doubt}; name them in its location, such as &axes=zyxc")
        return named if self.order == "C" else named.turned


def open_raw(location: str) -> Source | None:
    """Open a raw file.

    Raises
    ------
    SourceError
        If it is not there, its size is not what the options say, or an option is missing or wrong.
    """
    name, _, query = location.partition("?")
    path = local_path(name)
    pairs = options_of(query, location)
    if path is None or (query and Path(location).exists()):
        return None
    if path.suffix.lower() != SUFFIX and not {"dtype", "shape"} <= pairs.keys():
        return None
    existing_file(path)
    options = _options(pairs, name)
    arrangement = options.arrangement(f"raw file {name}")
    file = MappedFile(
        path,
        options.stored_dtype,
        options.offset,
        arrangement.stored_shape,
        trailing=sys.maxsize if options.trailing == "ignore" else 0,
    )
    fingerprint = fingerprint_files([path], "raw", options.model_dump_json())
    return mapped_source(file, arrangement, fingerprint)


def _options(pairs: dict[str, str], name: str) -> RawOptions:
    try:
        return RawOptions.model_validate(pairs)
    except ValidationError as error:
        wrong = faults(error.errors(), lambda place: place.partition(".")[0])
        raise SourceError(f"raw file {name} is not described: {wrong}; {_USAGE}") from error
