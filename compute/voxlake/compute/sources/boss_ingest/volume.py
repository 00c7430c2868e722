"""A boss-ingest configuration as a source."""

from __future__ import annotations

import collections
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voxlake.compute.sources.arranged_source import ArrangedSource, filled
from voxlake.compute.sources.arrangement import arrange
from voxlake.compute.sources.boss_ingest.document import read_config
from voxlake.compute.sources.boss_ingest.plugins import Plugins
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.listing import listed
from voxlake.compute.sources.source import native
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from voxlake.compute.sources.boss_ingest.plugins import Index
    from voxlake.compute.sources.source import Source
    from voxlake.ngff.grid.box import Box

_MISSING_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Pieces:
    """The tiles or chunks of an ingest job, in the extent that the job has."""

    location: str
    extent: Box
    """Of the job: t, z, y, x in voxels of the experiment. Its start is the origin of the source."""
    size: tuple[int, int, int]
    """Extents of a tile or chunk along z, y and x. Their indices count from voxel 0."""
    plugins: Plugins
    dtype: np.dtype
    """Of the first tile or chunk; `fill` holds the others to it."""
    is_local: bool
    """Whether the path of the first tile or chunk, or of the last, is that of a file."""

    def fill(self, box: Box, out: np.ndarray) -> None:
        """Ask the plug-ins once for every tile or chunk that `box` touches."""
        box = box.shifted(self.extent.start)
        for part in box.tiles((1, *self.size)):
            out[part.within(box).slices] = self._read_piece(part)

    def _read_piece(self, part: Box) -> np.ndarray:
        """Return the voxels of `part`, which lies in one piece: (z, y, x)."""
        piece = part.aligned((1, *self.size))
        t, z, y, x = (lo // n for lo, n in zip(part.start, (1, *self.size), strict=True))
        voxels = self.plugins.piece((x, y, z, t))
        needed = (piece & self.extent).within(piece).stop[1:]
        fits = all(a <= n <= b for a, n, b in zip(needed, voxels.shape, self.size, strict=True))
        if not fits or native(voxels.dtype, self.location) != self.dtype:
            raise SourceError(
                f"boss-ingest {self.location}: the tile or chunk at index x {x}, y {y}, z {z}, "
                f"t {t} is {voxels.dtype} of {voxels.shape} voxels, but should be {self.dtype} "
                f"(as the first) of {needed} to {self.size} voxels; check the sizes in the "
                "configuration"
            )
        return voxels[part.within(piece).slices[1:]]

    def check(self) -> None:
        """Ask for the path of every tile and chunk, and look which files are there.

        Some plug-ins make up for files that are not there. So those, and only those, are read.

        Raises
        ------
        SourceError
            If a plug-in gives no path, or nothing for a file that is not there.
        """
        indices = ((x, y, z, t) for t, z, y, x in self.extent.cells((1, *self.size)))
        missing = (index for index in indices if not _is_there(self.plugins.path(index)))
        if self.is_local:
            self._check_missing(missing)
        else:  # no paths of files here: in a bucket, or none at all
            collections.deque(missing, maxlen=0)

    def _check_missing(self, missing: Iterator[Index]) -> None:
        bad: list[str] = []
        last: SourceError | None = None
        for index in missing:
            try:
                self.plugins.piece(index)
            except SourceError as error:
                last = error
                bad.append(self.plugins.path(index))
            if len(bad) > _MISSING_SHOWN:
                break
        if last is not None:
            raise SourceError(
                f"boss-ingest {self.location} lacks files: {listed(bad)}; restore them, or check "
                f"the configuration ({last})"
            ) from last


def open_boss_ingest(location: str) -> Source | None:
    """Open a ``.json`` file that is a configuration of boss-ingest.

    The first tile or chunk is read, because nothing else tells the type of the voxels. The plug-ins
    that the configuration names are imported and run: open only those that you trust.

    Raises
    ------
    SourceError
        If the configuration is not valid, or a plug-in fails.
    """
    document = read_config(location)
    if document is None:
        return None
    path, config, raw = document
    extent = config.ingest_job.box
    kind = "chunk" if config.is_volumetric else "tile"
    plugins = Plugins(raw, kind, path.parent.absolute())
    ends = [(x, y, z, t) for t, z, y, x in _ends(extent, (1, *config.ingest_job.piece))]
    files = dict.fromkeys(Path(name) for name in map(plugins.path, ends) if _is_there(name))
    words = json.dumps(raw, sort_keys=True), *plugins.digests
    fingerprint = fingerprint_files(files, "boss-ingest", *words)
    dtype = native(plugins.piece(ends[0]).dtype, f"boss-ingest {location}")
    pieces = Pieces(location, extent, config.ingest_job.piece, plugins, dtype, is_local=bool(files))
    return ArrangedSource(
        arrangement=arrange("tzyx", extent.shape, f"boss-ingest {location}"),
        dtype=dtype,
        fingerprint=fingerprint,
        read_stored=filled(pieces.fill, dtype),
        fill_stored=pieces.fill,
        stored_block=(1, *config.ingest_job.piece),  # on this grid only if the extent begins on it
        check_stored=pieces.check,
    )


def _ends(extent: Box, step: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the first and the last cell of `step` that `extent` touches."""
    first = tuple(lo // n for lo, n in zip(extent.start, step, strict=True))
    last = tuple((hi - 1) // n for hi, n in zip(extent.stop, step, strict=True))
    return first, last


def _is_there(path: str) -> bool:
    return bool(path) and os.path.isfile(path)  # noqa: PTH113  (asked for every tile)
