"""The Python client: read a lake, from its store or through a gateway.

`open_xarray` and `open_levels` take the address of a dataset, on a store or at a gateway. `Lake`
finds datasets and labels on the store itself; `Gateway` asks a server, with its permissions.
"""

from voxlake.client.answers import DatasetInfo, DatasetSummary, Extent, LevelInfo
from voxlake.client.arrays import open_levels, open_xarray
from voxlake.client.gateway import Gateway
from voxlake.client.lake import Lake

__all__ = [
    "DatasetInfo",
    "DatasetSummary",
    "Extent",
    "Gateway",
    "Lake",
    "LevelInfo",
    "open_levels",
    "open_xarray",
]
