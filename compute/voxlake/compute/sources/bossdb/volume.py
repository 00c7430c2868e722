"""A channel of bossDB as a source: its cutouts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np

from voxlake.compute.sources.arranged_source import ArrangedSource, filled
from voxlake.compute.sources.arrangement import arrange
from voxlake.compute.sources.arrays.bounded import UNPACK_ERRORS, unpack
from voxlake.compute.sources.arrays.precomputed import PREFIX, open_precomputed
from voxlake.compute.sources.bossdb.channel import read_channel, read_said
from voxlake.compute.sources.bossdb.server import BossServer, PassingError
from voxlake.compute.sources.fingerprint import fingerprint_text
from voxlake.documents.bossdb.resources import CUBOID
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from voxlake.compute.sources.bossdb.channel import Channel
    from voxlake.compute.sources.bossdb.location import BossLocation
    from voxlake.compute.sources.source import Source
    from voxlake.documents.bossdb.said import ChannelSaid

BLOCK = (1, *CUBOID[::-1])
"""Voxels t, z, y, x of what a bossDB stores as a whole."""

REQUEST_BYTES = 16 << 20
"""Voxels that are asked for at once, about: of a bossDB that waits for each, enough."""

_OVERHEAD_BYTES = 1 << 16
"""Bytes that Blosc may need beside voxels that do not compress."""

PUBLIC_BUCKETS = "https://s3.amazonaws.com"
"""Where the buckets are that a bossDB keeps volumes in that CloudVolume wrote."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class Cutouts:
    """The voxels of a channel, (t, z, y, x) from the first that is read."""

    server: BossServer
    channel: Channel
    dtype: np.dtype

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Time points, and voxels z, y, x."""
        first, end = self.channel.times
        return (end - first, *self.channel.shape)

    @property
    def _request(self) -> tuple[int, int, int, int]:
        """Extents of what is asked for at once, on the grid of blocks."""
        t, z, y, x = BLOCK
        return t, z * max(1, REQUEST_BYTES // (z * y * x * self.dtype.itemsize)), y, x

    def fill(self, box: Box, out: np.ndarray) -> None:
        """Ask for every block that `box` touches once."""
        for part in box.tiles(self._request):
            out[part.within(box).slices] = self._read(part)

    def check(self) -> None:
        """Read the last voxel: what cannot be read is known before anything is written."""
        self._read(Box(tuple(n - 1 for n in self.shape), self.shape))

    def _read(self, box: Box) -> np.ndarray:
        path, count = self._path(box), box.size * self.dtype.itemsize
        body = self.server.patiently(path, lambda: self._voxels(path, count))
        return np.frombuffer(body, self.dtype.newbyteorder("<")).reshape(box.shape)

    def _voxels(self, path: str, count: int) -> bytes:
        body = bytes(self.server.body(path, "application/blosc", count + _OVERHEAD_BYTES))
        try:
            voxels = unpack("blosc", body, count)
        except (*UNPACK_ERRORS, SourceError) as error:
            raise PassingError(
                f"its {len(body)} bytes are no Blosc of {count} bytes ({str(error)[:200]}); have "
                "the channel mended"
            ) from error
        if len(voxels) != count:
            raise PassingError(
                f"it sent {len(voxels)} bytes of voxels, and {count} were asked for; the channel "
                "is not of the type or extent that it says"
            )
        return voxels

    def _path(self, box: Box) -> str:
        channel = self.channel
        moved = box.shifted((channel.times[0], *channel.start))
        t, z, y, x = (f"{lo}:{hi}" for lo, hi in zip(moved.start, moved.stop, strict=True))
        time = f"{t}/" if channel.experiment.num_time_samples > 1 else ""
        where = f"{channel.location.resource}/{channel.level}/{x}/{y}/{z}/{time}"
        return f"/v1/cutout/{where}?access-mode=no-cache"


def open_channel(location: str, address: BossLocation) -> Source:
    """Open a channel of a bossDB, or the precomputed volume that it says it is.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    server = BossServer(address.server)
    said = read_said(server, address)
    if said.storage_type == "cloudvol":
        return _open_bucket(location, address, said)
    channel = read_channel(server, address, said)
    dtype = np.dtype(said.datatype)
    cutouts = Cutouts(server, channel, dtype)
    return ArrangedSource(
        arrangement=arrange("tzyx", cutouts.shape, f"bossDB {location}"),
        dtype=dtype,
        fingerprint=_fingerprint(channel),
        read_stored=filled(cutouts.fill, dtype),
        fill_stored=cutouts.fill,
        stored_block=BLOCK,
        calibration=channel.calibration,
        check_stored=cutouts.check,
    )


def _fingerprint(channel: Channel) -> str:
    """Return a digest of what a channel is: bossDB says nothing of when its voxels changed.

    Whether it is downsampled changes without them, so that is not in it.
    """
    words = (channel.said.datatype, channel.level, channel.shape, channel.start, channel.times)
    return fingerprint_text("bossdb", *map(str, words), repr(channel.calibration))


def _open_bucket(location: str, address: BossLocation, said: ChannelSaid) -> Source:
    """Open the precomputed volume that a channel is in truth: bossDB only passes it on."""
    bucket, path = said.bucket or "", (said.cv_path or "").strip("/")
    if not _BUCKET.fullmatch(bucket) or not path:
        raise SourceError(
            f"{location} is a volume of CloudVolume in the bucket {bucket!r} at {path!r}, which is "
            f"no place in S3; give its own address, as {PREFIX}s3://BUCKET/PATH"
        )
    scale = "" if address.level is None else f"?scale={address.level}"
    opened = open_precomputed(f"{PREFIX}{PUBLIC_BUCKETS}/{bucket}/{quote(path)}{scale}")
    if opened is None:
        raise SourceError(f"{location} is no precomputed volume in the bucket {bucket} at {path}")
    return opened
