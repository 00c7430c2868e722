"""Datasets in Neuroglancer's precomputed format, made as they are asked for.

A chunk of one channel that is stored as voxlake writes is a chunk of the format, compressed by
zstd: it is sent as it lies to clients that take zstd. Those at the edge are cut, and all chunks are
decoded for other clients and other encodings.

Chunks that are not stored are sent too, as voxels of fill: for some readers of the format what is
not found is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope as Asked

from voxlake.api.data.stored import precomputed as data
from voxlake.api.data.stored.objects import part_of
from voxlake.api.data.stored.precomputed import PrecomputedLevel
from voxlake.api.guards.datasets import Granted
from voxlake.api.http.requests.codings import IDENTITY, preferred_coding
from voxlake.api.views.precomputed_encodings import CODINGS, ENCODINGS
from voxlake.api.views.precomputed_info import check_taken, volume_info
from voxlake.api.views.zarr import (
    check_conditions,
    choose,
    folder_page,
    made_info,
    routes_of,
    send_made,
    send_part,
)
from voxlake.ngff.grid.box import Box
from voxlake.platform.access import ReadVoxels
from voxlake.platform.errors import NotFoundError
from voxlake.platform.store.info import ObjectInfo

_TIME = re.compile(r"t=(\d{1,15})(?:/(.*))?")
_CHUNK = re.compile(r"(\d{1,3})/([^/]+)")


@dataclass(frozen=True, slots=True)
class ChunkRequest:
    """A chunk that is asked for, how it is to be encoded, and in which coding it is sent."""

    asked: Asked
    granted: Granted[ReadVoxels]
    level: PrecomputedLevel
    box: Box
    encoding: str
    coding: str

    @property
    def headers(self) -> dict[str, str]:
        """What describes the body, besides what describes objects."""
        coded = {} if self.coding == IDENTITY else {"Content-Encoding": self.coding}
        private = "" if self.granted.record.public else ", Authorization, Cookie"
        return {"Content-Type": self.media_type, "Vary": f"Accept-Encoding{private}", **coded}

    @property
    def media_type(self) -> str:
        """Of the encoding."""
        return "image/jpeg" if self.encoding == "jpeg" else "application/octet-stream"

    def tagged(self, info: ObjectInfo) -> ObjectInfo:
        """Return what a chunk is, given what the stored one is: each form has an ETag."""
        form = f"{self.encoding}-{self.coding}"
        return replace(info, etag=f'{info.etag[:-1]}-{form}"')

    def send(self, body: bytes | None, stored: ObjectInfo | None) -> Response:
        """Answer with an encoded chunk, of a stored one or else of what was read.

        None for the body: the client has it already, or asked for another.
        """
        content = body or b""
        if stored is None:
            info = made_info(self.granted, content)
        else:
            info = replace(self.tagged(stored), size=len(content))
        status, span = choose(self.asked, info)
        part = part_of(content, info, span)
        return send_part(self.asked, self.granted, "", status, part, self.headers)

    def encode(self, voxels: data.Voxels) -> bytes:
        """Return the body that has such voxels."""
        body = ENCODINGS[self.encoding](voxels)
        return body if self.coding == IDENTITY else CODINGS[self.coding](body)


async def get_precomputed(asked: Asked, granted: Granted[ReadVoxels], key: str) -> Response:
    """Answer GET of the info or of a chunk, at the time and in the encoding that begin the key."""
    timed = _TIME.fullmatch(key)
    time, key = (int(timed[1]), timed[2] or "") if timed else (None, key)
    first, _, rest = key.partition("/")
    encoding, key = (first, rest) if first in ENCODINGS else ("raw", key)
    if key == "info":
        return await get_info(asked, granted, encoding, time)
    found = _CHUNK.fullmatch(key)
    if found is None:
        if not key:
            return folder_page(granted, ["info"])
        raise NotFoundError(f"{key[:80]!r} is not there; ask for info, or chunks as it says")
    level = await data.open_level(granted, int(found[1]), time)
    check_taken(level.scale, level.dtype, encoding, labels=granted.record.kind == "labels")
    box = level.scale.box_named(found[2])
    await data.check_chunk(granted, level, box)
    # JPEG is as small as it gets.
    coding = IDENTITY if encoding == "jpeg" else coding_for(asked)
    return await get_chunk(ChunkRequest(asked, granted, level, box, encoding, coding))


def coding_for(asked: Asked) -> str:
    """Return how chunks are compressed for who asks."""
    return preferred_coding(Headers(scope=asked).get("accept-encoding"), tuple(CODINGS))


async def get_info(
    asked: Asked, granted: Granted[ReadVoxels], encoding: str, time: int | None
) -> Response:
    """Answer GET of what there is."""
    levels = await data.open_levels(granted, time)
    labels = granted.record.kind == "labels"
    for level in levels:
        check_taken(level.scale, level.dtype, encoding, labels=labels)
    scales = [level.scale for level in levels]
    info = volume_info(scales, levels[0].dtype, encoding, labels=labels)
    body = info.model_dump_json(indent=2, by_alias=True, exclude_none=True).encode()
    # The content type is that of JSON by the name that such a document has in zarr.
    return send_made(asked, granted, "zarr.json", body)


async def get_chunk(chunk: ChunkRequest) -> Response:
    """Answer GET of a chunk."""
    level, box = chunk.level, chunk.box
    if level.coding is None:
        return chunk.send(await data.encode_read(chunk.granted, level, box, chunk.encode), None)
    if chunk.encoding == "raw" and chunk.coding == "zstd" and level.lies_so(box):
        return await send_as_it_lies(chunk)

    def pick(info: ObjectInfo) -> tuple[int, int] | None:
        # Nothing is decoded for a client that has it already.
        known = check_conditions(chunk.asked, chunk.tagged(info)) is not None
        return None if known else (0, info.size)

    info, body = await data.encode_stored(chunk.granted, level, box, pick, chunk.encode)
    return chunk.send(body, info)


async def send_as_it_lies(chunk: ChunkRequest) -> Response:
    """Send the stored bytes of a chunk."""
    status = HTTPStatus.OK

    def pick(info: ObjectInfo) -> tuple[int, int] | None:
        nonlocal status
        status, span = choose(chunk.asked, chunk.tagged(info))
        return span

    part = await data.read_stored(chunk.level, chunk.box, pick)
    if part is None:
        return chunk.send(_filled(chunk.level.volume.chunk_bytes, chunk.level.fill_bytes), None)
    part = replace(part, info=chunk.tagged(part.info))
    return send_part(chunk.asked, chunk.granted, "", status, part, chunk.headers)


@lru_cache(maxsize=64)
def _filled(size: int, voxel: bytes) -> bytes:
    """Return `size` bytes of one voxel again and again, compressed."""
    return CODINGS["zstd"](voxel * (size // len(voxel)))


routes = routes_of("precomputed", get_precomputed)
