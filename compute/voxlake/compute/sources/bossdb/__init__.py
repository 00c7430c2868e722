"""Channels of a running bossDB, or of a voxlake gateway, read by bossDB's API.

``location`` reads addresses, ``tokens`` finds by which token a server is asked, ``server`` asks it,
``channel`` holds what it says of a channel, ``volume`` shows that as a source, and ``said`` reads
what people said of it: descriptions, keys and values, the coordinate frame.
"""

from voxlake.compute.sources.bossdb.opening import open_bossdb

__all__ = ["open_bossdb"]
