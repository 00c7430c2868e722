"""Bodies of requests as the voxels of a box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
from anyio import to_thread
from starlette.requests import Request

from voxlake.api.formats.cutout import Cutout
from voxlake.api.formats.parsing import (
    ENVELOPE_BYTES,
    KEPT_BYTES,
    PARSERS,
    PART_BYTES,
    Parser,
    Unpacking,
    parser_of,
)
from voxlake.api.http.requests.bytes_body import (
    check_coding,
    has_digests,
    length_of,
    parts_of,
    read_bytes,
)
from voxlake.platform.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class VoxelsBody:
    """A body that has the voxels of a box; nothing of it is read yet."""

    request: Request
    cutout: Cutout
    parser: Parser
    length: int
    """Its bytes, at most."""

    @classmethod
    def of(
        cls, request: Request, cutout: Cutout, parsers: Sequence[Parser] = PARSERS
    ) -> VoxelsBody:
        """Return the body of a request, which is to have the voxels of a cutout.

        Raises
        ------
        UnsupportedError, UnknownFormatError
            If it is compressed, or of a format that is not read.
        InvalidInputError
            If it says that it is longer than the voxels can take.
        """
        check_coding(request)
        parser = parser_of(request.headers.get("content-type"), parsers)
        return cls(request, cutout, parser, length_of(request, cutout.nbytes + ENVELOPE_BYTES))

    @property
    def held_bytes(self) -> int:
        """Memory that it takes to read it."""
        whole = self.parser.unpack is None or has_digests(self.request)
        kept = self.length if whole else min(self.length, KEPT_BYTES)
        return kept + self.parser.copies * self.cutout.nbytes + self.parser.besides_bytes

    async def read(self) -> npt.NDArray[Any]:
        """Return the voxels; raise InvalidInputError if the body does not hold them."""
        if self.parser.unpack is not None and not has_digests(self.request):
            return await self._unpacked(self.parser.unpack(self.cutout))
        body = await read_bytes(self.request, self.length)
        return await to_thread.run_sync(self.parser.parse, self.cutout, body)

    async def _unpacked(self, unpacking: Unpacking) -> npt.NDArray[Any]:
        """Return the voxels, decoded as the body comes."""
        waiting = bytearray()
        async for part in parts_of(self.request, self.length):
            waiting += part
            if len(waiting) >= PART_BYTES:
                await to_thread.run_sync(unpacking.take, waiting)
                waiting = bytearray()
        await to_thread.run_sync(unpacking.take, waiting)
        return await to_thread.run_sync(unpacking.finish)


def refuse_body(request: Request) -> None:
    """Raise InvalidInputError if a request has a body, where a value is given in its place."""
    length = request.headers.get("content-length", "0")
    if "transfer-encoding" in request.headers or int(length):
        raise InvalidInputError("a body was sent and fill was given; send one of them")
