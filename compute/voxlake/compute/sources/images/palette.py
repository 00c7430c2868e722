"""Pixels that are indices into a palette: labels as they are, an image in its colours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np

from voxlake.compute.sources.arrangement import arrange_named
from voxlake.compute.sources.channels import sample_channels
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tifffile import TiffPage

    from voxlake.compute.sources.arranged_source import ArrangedSource

INDICES = "indices into a palette"
COLOURS = "colours of a palette"
LOOKUP = "values, without the colours of ImageJ's look-up table"

TIFF_PALETTE = 3
"""Photometric interpretation of indices."""


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """The colours that indices mean."""

    entries: np.ndarray
    """(index, 4): red, green, blue, alpha; alpha 255 (65535 of uint16) is opaque."""

    @classmethod
    def of(cls, colours: np.ndarray, alpha: Mapping[int, int] | None = None) -> Self:
        """Return the palette of `colours` (index, 3), opaque but where `alpha` has another."""
        opacity = np.full((len(colours), 1), np.iinfo(colours.dtype).max, colours.dtype)
        for index, value in (alpha or {}).items():
            opacity[index] = value
        return cls(np.hstack([colours, opacity]))

    @property
    def colours(self) -> np.ndarray:
        """(index, sample): 1 sample if all are gray and opaque, 3 if all are opaque, else 4.

        Examples
        --------
        >>> import numpy as np
        >>> Palette.of(np.array([[9, 9, 9], [0, 0, 0]], np.uint8)).colours.tolist()
        [[9], [0]]
        """
        if (self.entries[:, 3] != np.iinfo(self.entries.dtype).max).any():
            return self.entries
        is_gray = (self.entries[:, :3] == self.entries[:, :1]).all()
        return self.entries[:, :1] if is_gray else self.entries[:, :3]

    @property
    def is_ramp(self) -> bool:
        """Whether each index is its own gray, so that the palette says nothing."""
        colours = self.colours
        return colours.shape[1] == 1 and bool((colours[:, 0] == np.arange(len(colours))).all())

    @property
    def trimmed(self) -> np.ndarray:
        """The entries but for black ones at the end, with which palettes are filled up."""
        coloured = self.entries[:, :3].any(axis=1)
        return self.entries[: int(np.flatnonzero(coloured)[-1]) + 1 if coloured.any() else 0]


_RAMP = Palette.of(np.repeat(np.arange(256, dtype=np.uint8)[:, np.newaxis], 3, axis=1))


def odd_palettes(palettes: Sequence[Palette | None]) -> list[int]:
    """Return the places of those that give an index another colour than the longest does.

    What has none has grays.
    """
    if not any(palettes):
        return []
    entries = [(palette or _RAMP).trimmed for palette in palettes]
    longest = max(entries, key=len)
    return [n for n, one in enumerate(entries) if not np.array_equal(one, longest[: len(one)])]


def tiff_palette(page: TiffPage) -> Palette | None:
    """Return the palette of a TIFF page; None if it has none.

    Where its 16 bits hold nothing but 8, written as TIFF 6.0 has it (v * 257) or shifted, it is
    uint8. ImageJ's colours are a look-up table for looking at values, which are the image.
    """
    if page.photometric != TIFF_PALETTE or page.description.startswith("ImageJ="):
        return None
    entries = np.ascontiguousarray(np.asarray(page.colormap, np.uint16).T)
    high = entries >> 8
    if (high << 8 == entries).all() or (high * 257 == entries).all():
        entries = high.astype(np.uint8)
    return Palette.of(entries)


def coloured(indices: np.ndarray, palette: Palette, what: object) -> np.ndarray:
    """Return the colours of `indices`: with an axis of samples behind theirs.

    Raises
    ------
    SourceError
        If an index is beyond the palette.
    """
    if palette.is_ramp:
        return indices[..., np.newaxis]
    count = len(palette.entries)
    if int(indices.max(initial=0)) >= count:
        raise SourceError(
            f"{what} has the index {indices.max()} in a palette of {count} colours; restore it, "
            "or ingest its indices with --kind labels"
        )
    colours: np.ndarray = palette.colours[indices]
    return colours


def in_colours(source: ArrangedSource, palette: Palette, what: str) -> ArrangedSource:
    """Return a source of indices into one palette as the source of its colours."""
    samples = palette.colours.shape[1]
    stored, shape = source.arrangement.stored, source.arrangement.stored_shape
    return replace(
        source,
        arrangement=arrange_named((*stored, "c"), (*shape, samples), what),
        dtype=palette.colours.dtype,
        read_stored=partial(_read_colours, source, palette, what),
        fill_stored=None,
        stored_block=(*(source.stored_block or (1,) * len(shape)), samples),
        remark=COLOURS,
        colours=None,
        described=sample_channels(samples, palette.colours.dtype),
    )


def _read_colours(source: ArrangedSource, palette: Palette, what: str, box: Box) -> np.ndarray:
    indices = source.read_stored(Box(box.start[:-1], box.stop[:-1]))
    return coloured(indices, palette, what)[..., box.slices[-1]]
