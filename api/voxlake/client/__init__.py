"""The Python client: read a lake, from its store or through a gateway.

`open_xarray` and `open_levels` take the address of a dataset, on a store or at a gateway. `Lake`
finds datasets and labels on the store itself; `Gateway` asks a server, with its permissions, and
both, in brackets, give a dataset that is sliced like a NumPy array, a
`DatasetArray`. `Gateway.open_labels` asks it about labels, bodies and what they are, and
`Gateway.jobs` has its workers do heavy work. `array` is for those who come from intern.
"""

from voxlake.client.arrays.boss_array import BossArray, array
from voxlake.client.arrays.dataset_array import DatasetArray
from voxlake.client.arrays.xarrays import open_levels, open_xarray
from voxlake.client.gateway import Gateway
from voxlake.client.jobs import GatewayJobs, RemoteJob
from voxlake.client.labels import Mask, RemoteLabels
from voxlake.client.lake import Lake
from voxlake.documents.datasets.dataset import DatasetDocument, DatasetSummary, LevelDocument
from voxlake.documents.labels.merges import ChangeDocument
from voxlake.ngff.labels.table import LabelExtent

__all__ = [
    "BossArray",
    "ChangeDocument",
    "DatasetArray",
    "DatasetDocument",
    "DatasetSummary",
    "Gateway",
    "GatewayJobs",
    "LabelExtent",
    "Lake",
    "LevelDocument",
    "Mask",
    "RemoteJob",
    "RemoteLabels",
    "array",
    "open_levels",
    "open_xarray",
]
