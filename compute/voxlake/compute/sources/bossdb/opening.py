"""Open what an address of bossDB names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.compute.sources.bossdb.location import parse_location

if TYPE_CHECKING:
    from voxlake.compute.sources.source import Source


def open_bossdb(location: str) -> Source | None:
    """Open a channel of a bossDB; None if the address is of another kind.

    Raises
    ------
    SourceError
        If the server does not answer, or does not let it be read.
    """
    address = parse_location(location)
    if address is None:
        return None
    # What asks servers is loaded only where one is asked.
    from voxlake.compute.sources.bossdb.volume import open_channel

    return open_channel(location, address)
