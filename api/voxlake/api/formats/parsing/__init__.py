"""Parsers of bodies: what can be written. To add one: a file here, and an entry in `PARSERS`."""

from collections.abc import Sequence

from voxlake.api.formats.parsing.blosc import BLOSC_PARSER
from voxlake.api.formats.parsing.hdf5 import HDF5_PARSER
from voxlake.api.formats.parsing.npy import NPY_PARSER
from voxlake.api.formats.parsing.npz import NPZ_PARSER
from voxlake.api.formats.parsing.parser import (
    ENVELOPE_BYTES,
    KEPT_BYTES,
    PART_BYTES,
    Parser,
    Unpacking,
)
from voxlake.api.formats.parsing.raw import RAW_PARSER
from voxlake.platform.errors import UnknownFormatError

PARSERS: tuple[Parser, ...] = (RAW_PARSER, NPY_PARSER, NPZ_PARSER, BLOSC_PARSER, HDF5_PARSER)
"""What the gateway takes."""


def parser_of(content_type: str | None, parsers: Sequence[Parser] = PARSERS) -> Parser:
    """Return which of the `parsers` takes a body of a ``Content-Type``.

    Raises
    ------
    UnknownFormatError
        If nothing does.

    Examples
    --------
    >>> parser_of("application/x-npy").name
    'npy'
    """
    media_type = (content_type or "").partition(";")[0].strip().lower()
    for parser in parsers:
        if parser.media_type == media_type:
            return parser
    possible = ", ".join(f"{each.media_type} ({each.name})" for each in parsers)
    raise UnknownFormatError(
        f"a body of {media_type[:80] or 'no Content-Type'!r} was sent; send one of {possible}"
    )


__all__ = [
    "ENVELOPE_BYTES",
    "KEPT_BYTES",
    "PARSERS",
    "PART_BYTES",
    "Parser",
    "Unpacking",
    "parser_of",
]
