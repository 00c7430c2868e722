"""The Python client: read a lake, from its store or through a gateway.

`connect` takes the address of either: of a gateway it returns a `Gateway`, which is asked with the
permissions of a user, of a store a `Lake`, which finds datasets and labels by itself. Both, in
brackets, give a dataset that is sliced like a NumPy array, a `DatasetArray`. `open_xarray` and
`open_levels` take the address of one dataset, of either kind. `Gateway.open_labels` asks about
labels, bodies and what they are, and `Gateway.jobs` has workers do heavy work. `array` is for those
who come from intern.
"""

from voxlake.client.arrays.boss_array import BossArray, array
from voxlake.client.arrays.dataset_array import DatasetArray
from voxlake.client.arrays.xarrays import open_levels, open_xarray
from voxlake.client.connecting import connect
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
    "connect",
    "open_levels",
    "open_xarray",
]
