"""``array("bossdb://collection/experiment/channel")``: for those who come from intern.

A channel of any server that speaks bossDB's API is sliced as `intern.array` slices it, and as who
intern asks it: by ``~/.intern/intern.cfg``, or ``INTERN_HOST``, ``INTERN_PROTOCOL`` and
``INTERN_TOKEN``, and else by the token of everybody.
"""

from __future__ import annotations

import operator
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import ValidationError

from voxlake.client.http.connection import Connection
from voxlake.client.http.failures import error_of
from voxlake.client.http.pieces import read_in_pieces
from voxlake.documents.bossdb.resources import CUBOID
from voxlake.documents.bossdb.said import (
    ChannelSaid,
    ExperimentSaid,
    FrameSaid,
    LevelsSaid,
    RefusalSaid,
    Triple,
    channel_path,
    experiment_path,
    frame_path,
    levels_path,
)
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import (
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    OutOfBoundsError,
    StoreError,
    UnauthenticatedError,
    VoxlakeError,
)
from voxlake.platform.names import DatasetName
from voxlake.platform.secrets.intern_tokens import configured_server, token_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2
    import numpy.typing as npt

type AxisOrder = Literal["ZYX", "XYZ"]
type Part = int | slice

PIECE = (64, CUBOID[1], CUBOID[0])
"""Voxels z, y, x of what is asked for at once, on the grid of cuboids."""
_REFUSALS = {401: UnauthenticatedError, 403: ForbiddenError, 404: NotFoundError}


class BossConnection(Connection):
    """A connection to a server of bossDB."""

    scheme = "Token"

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token)
        # Arrays are not closed by whoever slices them.
        weakref.finalize(self, self._http.close)

    def failure(self, response: httpx2.Response) -> VoxlakeError:
        """Return the error that bossDB means."""
        kind = _REFUSALS.get(response.status_code)
        try:
            said = RefusalSaid.model_validate_json(response.content).message
        except ValidationError:
            said = None
        if said is None:
            return error_of(response)
        text = f"{response.url.copy_with(query=None)} answered {response.status_code}: {said}"
        return StoreError(text) if kind is None else kind(f"{text}; check the names, and the token")


@dataclass(frozen=True, slots=True)
class BossArray:
    """One level of a channel of bossDB, sliced in the coordinates of its frame.

    Indices are numbers and ranges without steps, one for each of z, y, x (or x, y, z, as
    `axis_order` says) or fewer; a range without an end goes to the end of the channel. They count
    from the origin of the frame, as bossDB's do: where a frame begins below zero, so do they, and
    none counts from the end.
    """

    connection: BossConnection = field(repr=False)
    name: str
    """``collection/experiment/channel``."""
    resolution: int
    dtype: np.dtype[Any]
    start: Triple = field(repr=False)
    """The first voxel z, y, x."""
    extent: Triple = field(repr=False)
    """Voxels z, y, x."""
    voxel_size: tuple[float, float, float]
    """Along x, y and z, as intern has it, in `voxel_unit`."""
    voxel_unit: str
    axis_order: AxisOrder = "ZYX"

    @property
    def shape(self) -> Triple:
        """Voxels of the channel along each of its axes; intern tells those of its frame."""
        return self._ordered(self.extent)

    @property
    def ndim(self) -> int:
        """Number of axes: three."""
        return 3

    def __getitem__(self, key: Part | tuple[Part, ...]) -> Any:
        """Return voxels, in the order of the axes; an axis with a number is left out.

        Raises
        ------
        OutOfBoundsError
            If the channel has no such voxels.
        InvalidInputError
            If it is no number and no range.
        StoreError, NotFoundError, UnauthenticatedError, ForbiddenError
            If they cannot be read.
        """
        box, kept = self._asked(key)
        voxels = np.empty(box.shape, self.dtype)
        if not box.is_empty:
            voxels = read_in_pieces(self._read, box, PIECE, self.dtype)
        return (voxels if self.axis_order == "ZYX" else voxels.T)[kept]

    def __setitem__(self, key: Part | tuple[Part, ...], value: npt.ArrayLike) -> None:
        """Write voxels, which are broadcast as NumPy does, at resolution 0.

        Raises
        ------
        InvalidInputError
            If the channel cannot hold the values, or they do not fit.
        """
        box, kept = self._asked(key)
        voxels = np.empty(self._ordered(box.shape), self.dtype)
        given = np.asarray(value)
        if self.resolution or given.dtype.kind not in "bui":
            raise InvalidInputError(
                f"{given.dtype} voxels were to be written to {self.dtype} voxels of resolution "
                f"{self.resolution}; write whole numbers at resolution 0"
            )
        try:
            voxels[kept] = given
            held = np.array_equal(voxels[kept], np.broadcast_to(given, voxels[kept].shape))
        except (ValueError, OverflowError) as error:
            raise InvalidInputError(f"the voxels do not fit: {error}") from error
        if not held:
            raise InvalidInputError(
                f"{self.dtype} does not hold all of the {given.dtype} voxels; convert them as they "
                "are meant"
            )
        if not box.is_empty:
            from numcodecs.blosc import Blosc  # which takes long to load

            stored = np.ascontiguousarray(voxels if self.axis_order == "ZYX" else voxels.T)
            headers = {"Content-Type": "application/blosc"}
            body = bytes(Blosc(typesize=stored.itemsize).encode(stored))
            self.connection.send(self._path(box), "POST", content=body, headers=headers)

    def _ordered(self, numbers: tuple[int, ...]) -> Triple:
        z, y, x = numbers
        return (z, y, x) if self.axis_order == "ZYX" else (x, y, z)

    def _asked(self, key: Any) -> tuple[Box, tuple[Part, ...]]:
        """Return the box z, y, x from the first voxel, and what of it is kept, as axes are."""
        given = key if isinstance(key, tuple) else (key,)
        if len(given) > 3:
            raise InvalidInputError(
                f"{len(given)} indices were given for the axes {self.axis_order}"
            )
        parts = (*given, *[slice(None)] * (3 - len(given)))
        starts, ends, kept = [], [], []
        for part, axis, first, n in zip(
            parts, self.axis_order, self._ordered(self.start), self.shape, strict=True
        ):
            lo, hi = _ends(part, axis, first, n)
            starts.append(lo - first)
            ends.append(hi - first)
            kept.append(slice(None) if isinstance(part, slice) else 0)
        return Box(self._ordered(tuple(starts)), self._ordered(tuple(ends))), tuple(kept)

    def _read(self, box: Box) -> npt.NDArray[Any]:
        from numcodecs.blosc import Blosc  # which takes long to load

        headers = {"Accept": "application/blosc"}
        path = self._path(box)
        body = self.connection.send(path, headers=headers, params={"access-mode": "no-cache"})
        voxels = np.empty(box.shape, self.dtype.newbyteorder("<"))
        try:
            Blosc().decode(body.content, out=voxels)
        except (ValueError, RuntimeError, TypeError) as error:
            raise StoreError(
                f"what {self.connection.url}{path} sent is no Blosc of {box.shape} voxels ({error})"
            ) from error
        return voxels

    def _path(self, box: Box) -> str:
        moved = box.shifted(self.start)
        z, y, x = (f"{lo}:{hi}" for lo, hi in zip(moved.start, moved.stop, strict=True))
        return f"/v1/cutout/{self.name}/{self.resolution}/{x}/{y}/{z}/"


def array(
    channel: str,
    resolution: int = 0,
    *,
    axis_order: AxisOrder = "ZYX",
    boss_config: Mapping[str, str] | None = None,
) -> BossArray:
    """Open a channel of bossDB, or of a gateway, to be sliced as `intern.array` is.

    Parameters
    ----------
    channel
        ``bossdb://collection/experiment/channel``, or the same without its scheme, and with a
        resolution at its end if one likes.
    resolution
        0 is the finest.
    boss_config
        ``host``, ``protocol`` and ``token``, as intern has them; None: those of
        ``~/.intern/intern.cfg`` or ``INTERN_*``, and else https://api.bossdb.io by the token of
        everybody.

    Raises
    ------
    NotFoundError, UnauthenticatedError, ForbiddenError, StoreError
        If there is none, or it cannot be read.
    OutOfBoundsError
        If it has no such resolution.
    CorruptDataError
        If what is said of it does not go together.
    """
    collection, experiment, name, level = _names(channel, resolution)
    if axis_order not in {"ZYX", "XYZ"}:
        raise InvalidInputError(f"axes in the order {axis_order!r} were asked for; give ZYX or XYZ")
    given = boss_config or {}
    host = given.get("host")
    server = f"{given.get('protocol') or 'https'}://{host}" if host else configured_server()
    connection = BossConnection(server, given.get("token") or token_for(server.lower()))
    try:
        return _opened(connection, DatasetName(collection, experiment, name), level, axis_order)
    except BaseException:
        connection.close()
        raise


def _opened(
    connection: BossConnection, name: DatasetName, level: int, axis_order: AxisOrder
) -> BossArray:
    """Ask what a level of a channel is."""
    said = connection.ask(ChannelSaid, channel_path(name.parts))
    around = connection.ask(ExperimentSaid, experiment_path(name.parts))
    frame = connection.ask(FrameSaid, frame_path(around))
    levels = connection.ask(LevelsSaid, levels_path(name.parts))
    if level not in levels.numbers():
        there = ", ".join(map(str, levels.numbers())) or "none"
        raise OutOfBoundsError(f"resolution {level} of {name} was asked for; it has {there}")
    factors = levels.factors(level, frame)
    size, step = frame.voxel_size[::-1], factors[::-1]
    return BossArray(
        connection,
        str(name),
        level,
        np.dtype(said.datatype),
        frame.start_at(factors),
        levels.shape(level),
        (size[0] * step[0], size[1] * step[1], size[2] * step[2]),
        frame.voxel_unit,
        axis_order,
    )


def _names(channel: str, resolution: int) -> tuple[str, str, str, int]:
    names = channel.removeprefix("bossdb://").strip("/").split("/")
    if len(names) == 4 and names[3].isdecimal():
        resolution = int(names.pop())
    if len(names) != 3 or "://" in names[0]:
        raise InvalidInputError(
            f"{channel!r} is no channel of bossDB; write bossdb://COLLECTION/EXPERIMENT/CHANNEL"
        )
    checked = DatasetName(*names)
    return checked.collection, checked.experiment, checked.dataset, resolution


def _ends(part: Any, axis: str, first: int, extent: int) -> tuple[int, int]:
    """Return the first voxel of an index along an axis, and the first beyond it."""
    try:
        if isinstance(part, slice):
            if part.step not in {None, 1}:
                raise InvalidInputError(f"{part} along {axis} steps; read it whole, and step then")
            lo = first if part.start is None else operator.index(part.start)
            hi = first + extent if part.stop is None else operator.index(part.stop)
        else:
            lo = operator.index(part)
            hi = lo + 1
    except TypeError as error:
        raise InvalidInputError(f"{part!r} along {axis} is no number and no range") from error
    if not first <= lo <= hi <= first + extent:
        raise OutOfBoundsError(
            f"[{lo}, {hi}) along {axis} was asked for; there is [{first}, {first + extent})"
        )
    return lo, hi
