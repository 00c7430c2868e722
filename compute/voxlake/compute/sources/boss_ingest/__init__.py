"""Configurations of boss-ingest, run with their own Path, Tile and Chunk plug-ins, unmodified.

``document`` reads a configuration, ``plugins`` finds its classes and calls them, ``stand_in`` gives
them the base classes where boss-ingest is not installed, ``tile_image`` decodes what they return,
and ``volume`` shows it all as a source.
"""

from voxlake.compute.sources.boss_ingest.document import suggested_name
from voxlake.compute.sources.boss_ingest.volume import open_boss_ingest

__all__ = ["open_boss_ingest", "suggested_name"]
