"""Feature tables: labels and their objects as a table of the image, as ngio reads it.

Written after ngio's specification, version 1, with its Parquet backend:
``docs/table_specs/table_types/feature_table.md`` and ``docs/table_specs/backend.md`` of
BioVisionCenter/ngio. A group ``tables`` is the one thing beside levels and labels that readers of
OME-Zarr expect in the group of an image.
"""

from __future__ import annotations

import io
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from voxlake.ngff.labels.objects.reading import get_objects
from voxlake.ngff.labels.objects.segment_properties import spread_over
from voxlake.ngff.memory.columns import BOX
from voxlake.platform import store
from voxlake.platform.errors import UnsupportedError
from voxlake.platform.names import check_name
from voxlake.platform.store.update import update

if TYPE_CHECKING:
    from voxlake.ngff.labels.table import LabelTable
    from voxlake.platform.store import StoreURL

_MEASURED = ["voxels", *BOX, "confidence"]
_CATEGORIES = ["type", "status"]
_FREE = ["name", "author", "parent", "key_values"]


def feature_table(index_url: StoreURL, labels: LabelTable) -> pa.Table:
    """Return a line for each of `labels`, ascending, with what is known of its object.

    Columns: ``label`` and ``voxels`` int64, the tight half-open box ``z0 y0 x0 z1 y1 x1`` int64
    in voxels of level 0, ``confidence`` float64, and text: ``type``, ``status``, ``name``,
    ``author``, ``parent`` in decimal, ``key_values`` as JSON. Null where nothing is known.

    Raises
    ------
    UnsupportedError
        If a label is above 2^63 - 1: the index of such a table is a signed integer.
    """
    lines = labels.take(np.argsort(labels.labels))
    if len(lines) and int(lines.labels[-1]) >= 1 << 63:
        raise UnsupportedError(
            f"label {lines.labels[-1]} does not fit a feature table, whose index is int64; "
            "leave out labels above 2^63 - 1"
        )
    objects = spread_over(lines.labels, get_objects(index_url, lines.labels))
    boxes = dict(zip(BOX, [*lines.start.T, *lines.stop.T], strict=True))
    columns: dict[str, Any] = {
        "label": lines.labels.astype(np.int64),
        "voxels": lines.voxels.astype(np.int64),
        **boxes,
        **{name: objects[name] for name in ("confidence", "type", "status", "name", "author")},
        "parent": objects["parent"].cast(pa.string()),
        "key_values": pa.array(
            [
                None if pairs is None else json.dumps(dict(pairs))
                for pairs in objects["key_values"].to_pylist()
            ],
            pa.string(),
        ),
    }
    return pa.table(columns)


def write_feature_table(image_url: StoreURL, labels: str, name: str, table: pa.Table) -> None:
    """Write a table of `feature_table` into the image's group, and list it in ``tables``.

    Parameters
    ----------
    image_url
        Group of the image, OME-Zarr 0.5.
    labels
        Name of its labels.
    name
        Name of the table; one of that name is replaced.

    Raises
    ------
    InvalidNameError
        If `name` is no name.
    UnsupportedError
        If there is no zarr v3 group at `image_url`.
    """
    check_name(name)
    if not store.exists(image_url / "zarr.json"):
        raise UnsupportedError(
            f"{image_url} is no group of zarr v3; write tables to images of OME-Zarr 0.5"
        )
    body = io.BytesIO()
    pq.write_table(table, body, compression="zstd")
    url = image_url / "tables" / name
    store.write(url / "table.parquet", body.getvalue())
    store.write(url / "zarr.json", _group(_attributes(labels)))
    update(image_url / "tables" / "zarr.json", partial(_listed, name))


def _attributes(labels: str) -> dict[str, Any]:
    return {
        "type": "feature_table",
        "table_version": "1",
        "region": {"path": f"../labels/{labels}"},
        "backend": "parquet",
        "index_key": "label",
        "index_type": "int",
        "instance_key": "label",
        "categorical_columns": _CATEGORIES,
        "measurement_columns": _MEASURED,
        "metadata_columns": _FREE,
    }


def _listed(name: str, before: bytes | None) -> bytes:
    """Return the group of tables with `name` among those that it lists."""
    group = json.loads(before or _group({}))
    attributes = group.setdefault("attributes", {})
    attributes["tables"] = sorted({*attributes.get("tables", []), name})
    return json.dumps(group).encode()


def _group(attributes: dict[str, Any]) -> bytes:
    group = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    return json.dumps(group).encode()
