"""The answer that carries a cutout: read when it is its turn, sent without copies."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from voxlake.api.formats import Format
from voxlake.api.http.budget import Budget
from voxlake.api.http.leaving import ClientGoneError, run_while_wanted
from voxlake.ngff.grid.box import Box


class Readable(Protocol):
    """What cutouts are read from: a volume, or what is made of one as it is read."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel."""
        ...

    def read(self, box: Box) -> Awaitable[npt.NDArray[Any]]:
        """Read the voxels of a box, C order."""
        ...


@dataclass(frozen=True, slots=True)
class Cutout:
    """The voxels of a box, before any is read."""

    volume: Readable
    box: Box
    axes: tuple[str, ...]
    level: int
    format: Format
    more_headers: tuple[tuple[str, str], ...] = ()
    """What else describes the body."""
    copies: int = 1
    """How often the voxels are in memory while they are read."""

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return self.format.measure(self.box.shape, self.volume.dtype)

    def headers(self) -> dict[str, str]:
        """Return what describes the body."""
        return {
            "Content-Type": self.format.media_type,
            "Content-Length": str(self.size),
            "Content-Disposition": f'inline; filename="cutout{self.format.suffix}"',
            "Vary": "Accept, Authorization, Cookie",
            "Cache-Control": "no-cache",
            "X-Voxlake-Axes": ",".join(self.axes),
            "X-Voxlake-Box": ",".join(
                f"{lo}:{hi}" for lo, hi in zip(self.box.start, self.box.stop, strict=True)
            ),
            "X-Voxlake-Dtype": self.volume.dtype.name,
            "X-Voxlake-Level": str(self.level),
            "X-Voxlake-Shape": ",".join(map(str, self.box.shape)),
            **dict(self.more_headers),
        }


class CutoutResponse(Response):
    """Reads a cutout and sends it.

    The bytes count against `budget` until the last is sent. If the client goes away, waiting and
    reading are cancelled.
    """

    def __init__(self, cutout: Cutout, budget: Budget) -> None:
        super().__init__()
        self.cutout, self.budget = cutout, budget
        self.raw_headers = MutableHeaders(headers=cutout.headers()).raw

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Serve one request."""
        try:
            await run_while_wanted(receive, self._serve(send))
        except ClientGoneError:
            return

    async def _serve(self, send: Send) -> None:
        async with self.budget.hold(self.cutout.size * self.cutout.copies):
            voxels: npt.NDArray[Any] = await self.cutout.volume.read(self.cutout.box)
            parts = self.cutout.format.encode(voxels)
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(start)
            for number, part in enumerate(parts, 1):
                more = number < len(parts)
                await send({"type": "http.response.body", "body": part, "more_body": more})
