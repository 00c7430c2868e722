"""Uploads of local data: shards are coded here and sent whole, by any number of clients.

Each client takes shards for a while (a lease), and says that it lives as long as it does. What one
that is gone had is taken by others, at once if it said that it leaves. What is uploaded is not
uploaded again, whoever goes on.
"""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from ulid import ULID

from voxlake.client.jobs import RemoteJob
from voxlake.documents.jobs.job import JobDocument
from voxlake.documents.jobs.upload import ShardsTaken, UploadDocument
from voxlake.ngff.grid.box import Box, cell_box, grid_shape
from voxlake.ngff.shards.coded import coded_shard
from voxlake.ngff.shards.format import ShardFormat
from voxlake.platform.errors import InvalidInputError, StoreUnavailableError
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy.typing as npt

    from voxlake.client.http.connection import Connection

MOST_BYTES = 2 << 30
"""Voxels of the shards that a client works on at the same time; of one shard at least."""
AT_ONCE = 8
"""Shards that a client works on at the same time, at most."""
PATIENCE_S = 300.0
"""How long a gateway that is away is waited for."""
LOOK_S = 1.0
"""Seconds between two looks whether others have given up what they had taken."""

type ReadBox = Callable[[Box], npt.NDArray[Any]]


@dataclass(frozen=True)
class Upload:
    """An upload that this client takes part in; its threads read, code and send shards."""

    connection: Connection
    told: UploadDocument
    read: ReadBox
    """Returns the voxels of a box of level 0, in the order of its axes."""
    holder: str = field(default_factory=lambda: str(ULID()))
    """What this client is called, and no other."""
    stop: Event = field(default_factory=Event)
    """Set when nothing more is to be sent."""

    def run(self, sent: Callable[[int], None] = lambda _: None) -> RemoteJob:
        """Upload until nothing is left, by whoever; return the job that then finishes the dataset.

        Parameters
        ----------
        sent
            Called with how many shards are left, whenever one of this client is there.

        Raises
        ------
        ConflictError
            If the upload was given up, or another client has uploaded other voxels.
        StoreUnavailableError
            If the gateway is away for longer than `PATIENCE_S`.
        """
        try:
            with self._alive():
                self._share(sent)
                done = self._patiently(
                    lambda: self.connection.ask(JobDocument, self._at("finish"), "POST")
                )
        except BaseException:
            # Others would have what it took once its leases are over; so they have it at once.
            with suppress(Exception):
                self._take(0, leaves=True)
            raise
        return RemoteJob(self.connection, done)

    @cached_property
    def coding(self) -> ShardFormat:
        """How shards are coded."""
        told = self.told
        dtype = np.dtype(told.dtype)
        return ShardFormat(
            told.chunk,
            told.shard,
            told.index_first,
            dtype,
            told.zstd_level,
            told.zstd_checksum,
            dtype.type(told.fill).item(),
        )

    @property
    def _at_once(self) -> int:
        each = int(np.prod(self.told.shard, dtype=object)) * self.coding.dtype.itemsize
        return max(1, min(AT_ONCE, MOST_BYTES // each))

    @contextmanager
    def _alive(self) -> Iterator[None]:
        """Say that this client lives, within a ``with`` block; all that it does stops after it."""
        heart = Thread(target=self._beat, daemon=True)
        heart.start()
        try:
            yield
        finally:
            self.stop.set()
            heart.join()

    def _share(self, sent: Callable[[int], None]) -> None:
        """Upload by many threads until nothing is left; the first that fails stops all."""
        with ThreadPoolExecutor(self._at_once) as pool:
            works = [pool.submit(self._work, sent) for _ in range(self._at_once)]
            try:
                for work in as_completed(works):
                    work.result()
            except BaseException:  # Ctrl-C, too.
                self.stop.set()
                raise

    def _work(self, sent: Callable[[int], None]) -> None:
        while not self.stop.is_set():
            taken = self._take(1)
            for shard in taken.shards:
                self._send(shard)
                sent(max(0, taken.left - 1))
            if taken.left == 0:
                return
            if not taken.shards:
                self.stop.wait(LOOK_S)

    def _send(self, number: int) -> None:
        told = self.told
        grid = grid_shape(told.shape, told.shard)
        cell = tuple(map(int, np.unravel_index(number, grid)))
        box = cell_box(cell, told.shard) & Box.of_shape(told.shape)
        voxels = np.ascontiguousarray(self.read(box))
        if voxels.shape != box.shape or voxels.dtype != self.coding.dtype:
            raise InvalidInputError(
                f"{voxels.dtype} voxels of shape {voxels.shape} were read for box {box} of "
                f"{told.dataset}, which has {self.coding.dtype}; give a source that has those"
            )
        body = coded_shard(self.coding, voxels) or b""
        digest = b64encode(hashlib.sha256(body).digest()).decode()
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Digest": f"sha-256=:{digest}:",
        }
        self._patiently(
            lambda: self.connection.send(
                self._at(f"shards/{number}"), "PUT", content=body, headers=headers
            )
        )

    def _take(self, count: int, *, leaves: bool = False) -> ShardsTaken:
        asked = {"holder": self.holder, "count": count} | ({"leaves": True} if leaves else {})
        return self._patiently(
            lambda: self.connection.ask(ShardsTaken, self._at("take"), "POST", json=asked)
        )

    def _beat(self) -> None:
        while not self.stop.wait(self.told.lease_s / 3):
            try:
                asked = {"holder": self.holder, "count": 0}
                self.connection.ask(ShardsTaken, self._at("take"), "POST", json=asked)
            except Exception:  # noqa: BLE001, S112  (whoever sends shards meets it, and tells)
                continue

    def _patiently[T](self, ask: Callable[[], T]) -> T:
        """Return an answer, waiting for a gateway that is away, unless all is to stop."""
        ends, pause = time.monotonic() + PATIENCE_S, 0.1
        while True:
            try:
                return ask()
            except StoreUnavailableError:
                if time.monotonic() + pause > ends or self.stop.wait(pause):
                    raise
                pause = min(2 * pause, 5.0)

    def _at(self, what: str) -> str:
        return f"/v2/jobs/{self.told.job}/upload/{what}"


def upload_array(
    connection: Connection,
    name: str,
    source: Any,
    kind: Literal["image", "labels"],
    *,
    voxel_size: Iterable[float] | None = None,
    sent: Callable[[int], None] = lambda _: None,
    **more: Any,
) -> RemoteJob:
    """Make a dataset of local data: shards are coded here, and sent whole.

    Any number of clients may call it alike, at the same time or after one that was killed: each
    uploads what is left. Return the job by which a worker makes levels and label index; the dataset
    is ready once it is done (`RemoteJob.wait`).

    Parameters
    ----------
    name
        ``collection/experiment/dataset`` that is to be.
    source
        An array with `shape` and `dtype` that is sliced as NumPy's are, from several threads at
        once; or what returns the voxels of a `Box`, if `shape` and `dtype` are given.
    voxel_size
        z, y, x in nanometers, or in the `unit` that is given with it.
    sent
        Called with how many shards are left, whenever one of this client is there.
    more
        As of `Gateway.create`.

    Raises
    ------
    ConflictError
        If there is one of that name that is not being uploaded, or as another; or if another client
        uploads other voxels.
    StoreUnavailableError
        If the gateway is away for minutes.
    """
    read = source if callable(source) else reader_of(source)
    shape, dtype = more.pop("shape", None), more.pop("dtype", None)
    given = {
        "kind": kind,
        "dtype": np.dtype(source.dtype if dtype is None else dtype).name,
        # Of labels of an image it is compared: they have a voxel for each of its.
        "shape": list(map(int, source.shape if shape is None else shape)),
        "voxel_size": None if voxel_size is None else list(map(float, voxel_size)),
    }
    asked = {key: value for key, value in (given | more).items() if value is not None}
    path = f"/v2/uploads/{DatasetName.parse(name)}"
    told = connection.ask(UploadDocument, path, "POST", json=asked)
    return Upload(connection, told, read).run(sent)


def reader_of(source: Any) -> ReadBox:
    """Return what reads boxes of an array: of NumPy, zarr, Dask, h5py, or anything sliced so."""

    def read(box: Box) -> npt.NDArray[Any]:
        return np.asarray(source[box.slices])

    return read
