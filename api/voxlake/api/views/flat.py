"""Datasets without shards: each inner chunk is an object of its own, sent as it lies.

For clients that cannot read shards. The keys of zarr v3 and of zarr v2 are there side by side; of a
dataset that is stored as zarr v2 there are those that are stored.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from voxlake.api.data import portions
from voxlake.api.data.stored import flat
from voxlake.api.data.stored.flat import FlatLevel
from voxlake.api.guards.datasets import Granted
from voxlake.api.views.zarr import (
    folder_page,
    get,
    get_stored,
    get_telling,
    head,
    routes_of,
    send_made,
    visible_labels,
)
from voxlake.platform.access import ReadVoxels
from voxlake.platform.errors import NotFoundError

_NUMBER = r"(?:0|[1-9]\d{0,14})"
_CHUNK = re.compile(rf"(?:c/)?{_NUMBER}(?:/{_NUMBER})*")
_GROUPS = ("zarr.json", "labels/zarr.json")
_GROUP_V2 = (".zgroup", ".zattrs", ".zmetadata")
_LABELS_V2 = ("labels/.zgroup", "labels/.zattrs")


async def get_flat(scope: Scope, granted: Granted[ReadVoxels], key: str) -> Response:
    """Answer GET and HEAD of a document, a chunk or a folder."""
    level = await flat.find_level(granted, key)
    if level is not None:
        return await get_in_level(scope, granted, level, key)
    await portions.check_key(granted, key)
    if key in _GROUPS:
        return await get_telling(scope, granted, key, flat.without_consolidated)
    if key in _LABELS_V2 and granted.record.kind == "image":
        return await get_labels_v2(granted, key)
    made = await flat.group_documents_v2(granted) if key in _GROUP_V2 else {}
    if key in made:
        return send_made(scope, granted, key, _encoded(made[key]))
    return await get_stored(scope, granted, key)


async def get_in_level(
    scope: Scope, granted: Granted[ReadVoxels], level: FlatLevel, key: str
) -> Response:
    """Answer GET and HEAD of what lies in the array of a level.

    Raises
    ------
    ObjectNotFoundError
        If it is a chunk that is all fill, or there is no such thing.
    """
    below = key.removeprefix(level.path).removeprefix("/")
    if _CHUNK.fullmatch(below):
        cell = tuple(map(int, re.findall(r"\d+", below)))
        read = partial(flat.read_flat_chunk, granted, level, cell)
        if scope["method"] == "GET":
            return await get(scope, granted, key, read)
        return head(scope, granted, key, (await read(lambda _: None)).info)
    await portions.check_key(granted, f"{level.path}/zarr.json")
    documents = level.documents()
    if below == "" and key.endswith("/"):
        return folder_page(granted, documents)
    if below not in documents:
        there = ", ".join(documents)
        raise NotFoundError(f"{key[:80]} is not there; {level.path} has chunks and {there}")
    return send_made(scope, granted, key, _encoded(documents[below]))


async def get_labels_v2(granted: Granted[ReadVoxels], key: str) -> Response:
    """Answer GET and HEAD of the group that lists labels, for zarr v2.

    Who asks decides what it says, so it has no ETag.
    """
    names = sorted((await visible_labels(granted)).values())
    if not names:
        raise NotFoundError(f"{granted.record.name} has no labels; ask for its own voxels")
    document = {"zarr_format": 2} if key.endswith(".zgroup") else {"labels": names}
    return JSONResponse(document, headers={"Cache-Control": "no-store"})


def _encoded(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=2).encode()


routes = routes_of("flat", get_flat)
