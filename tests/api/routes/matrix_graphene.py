"""The rows of labels as a graph: what each address below a table demands."""

from __future__ import annotations

from voxlake.platform.access import Permission

_READ, _CHANGE = Permission.READ_VOLUMETRIC_DATA, Permission.ADD_VOLUMETRIC_DATA
_TABLE, _API = "/segmentation/table/{table}", "/segmentation/api/v1/table/{table}"
_GETS = (
    "node/{node}/root",
    "node/{node}/leaves",
    "node/{node}/children",
    "root/{node}/change_log",
    "operation_details",
    "oldest_timestamp",
)
_POSTS = (
    "roots",
    "roots_binary",
    "node/leaves_many",
    "is_latest_roots",
    "root_timestamps",
    "lineage_graph_multiple",
    "graph/split_preview",
)

DATASETS: dict[tuple[str, str], Permission] = {
    ("GET", f"{_TABLE}/info"): _READ,
    ("GET", f"{_TABLE}/supervoxels/info"): _READ,
    ("GET", f"{_TABLE}/supervoxels/{{level}}/{{chunk}}"): _READ,
    **{("GET", f"{_API}/{path}"): _READ for path in _GETS},
    **{("POST", f"{_API}/{path}"): _READ for path in _POSTS},
    **{("POST", f"{_API}/{path}"): _CHANGE for path in ("merge", "split", "undo", "redo")},
}
FILLED = {"{node}": str((2 << 56) + 1), "{level}/{chunk}": "0/0-8_0-8_0-8"}
"""What parts of addresses are filled with that do not name a dataset: a root, and a chunk."""
ASKED_WRONGLY = ("operation_details", "{chunk}")
"""Ends of addresses that are answered 400: of no changes, and of a label that has no id."""
