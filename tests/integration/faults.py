"""What clients of a store do while it fails, each held to what may have come of it.

An answer is right, or there is an error of voxlake's; an object that a failed write was to change
is as it was or as it was to be; and no change is made twice.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import zarr
from tests.ngff.labels.samples import new_volume
from tests.servers.s3_proxy import Fault

from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.writing import write_labels
from voxlake.ngff.shards.whole import write_shard
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.errors import ObjectExistsError, VoxlakeError
from voxlake.platform.store.update import update

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.servers.s3_proxy import Request

    from voxlake.platform.store import StoreURL

COMMON = (
    Fault.BUSY,
    Fault.BUSY_FOR_A_SECOND,
    Fault.RESET,
    Fault.LOST,
    Fault.LIED,
    Fault.TRUNCATED,
    Fault.STALLED,
)
SHORTENED = (*COMMON, Fault.SHORT)
"""Besides, answers that seem whole: only what has a checksum, or a size that is known, tells."""


class Client(Protocol):
    """Uses a store that may fail."""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What may go wrong with its requests."""
        ...

    def act(self, number: int) -> None:
        """Do something; raise VoxlakeError if it failed, AssertionError if it is wrong."""
        ...

    def check(self) -> None:
        """Check what is stored, by a store that is well."""
        ...


class Chance:
    """Has requests fail by chance."""

    def __init__(self, chance: random.Random, faults: tuple[Fault, ...], share: float) -> None:
        self.chance, self.faults, self.share = chance, faults, share
        self.failed = 0

    def __call__(self, _: Request) -> Fault | None:
        """Return what goes wrong with a request, mostly nothing."""
        if self.chance.random() >= self.share:
            return None
        self.failed += 1
        return self.chance.choice(self.faults)


@dataclass
class WholeObjects:
    """Objects are written, read, looked at and deleted."""

    url: StoreURL
    well: StoreURL
    faults: tuple[Fault, ...] = COMMON
    possible: dict[str, set[bytes | None]] = field(default_factory=dict)
    """What may be stored at each key; None: nothing."""

    def act(self, number: int) -> None:
        """Write an object, read it, and delete some."""
        key, body = str(number % 3), f"{number} ".encode() * 200
        states = self.possible.setdefault(key, {None})
        states.add(body)
        etag = store.write(self.url / key, body)
        self.possible[key] = {body}
        found = store.read(self.url / key)
        assert (found.body, found.etag) == (body, etag)
        assert store.head(self.url / key).size == len(body)
        if number % 4 == 3:
            self.possible[key] = {body, None}
            store.delete(self.url / key)
            self.possible[key] = {None}

    def check(self) -> None:
        """Look at what each key has."""
        for key, states in self.possible.items():
            found = store.read_if_there(self.well / key)
            assert (None if found is None else found.body) in states, key


@dataclass
class Ranges:
    """Ranges of an object are read."""

    url: StoreURL
    well: StoreURL
    faults: tuple[Fault, ...] = SHORTENED
    body: bytes = bytes(range(256)) * 64

    def act(self, number: int) -> None:
        """Read a few, in each way."""
        if number == 0:
            store.write(self.well / "ranges", self.body)
        start, stop = 100 + number, 9000 + 2 * number
        assert store.read_range(self.url / "ranges", start, stop) == self.body[start:stop]
        opened = store.open_ranges(self.url / "ranges")
        assert opened.read_many([(3, 5), (start, stop)]) == [b"\3\4", self.body[start:stop]]

    def check(self) -> None:
        """Find it unchanged."""
        assert store.read(self.well / "ranges").body == self.body


@dataclass
class Lists:
    """What lies below a prefix is listed."""

    url: StoreURL
    well: StoreURL
    faults: tuple[Fault, ...] = SHORTENED

    def act(self, number: int) -> None:
        """Add an object, and list all."""
        store.write(self.well / f"list/{number}", b"x")
        names = sorted(map(str, range(number + 1)))
        assert store.list_children(self.url / "list") == ([], names)
        assert sorted(info.url.name for info in store.walk(self.url / "list")) == names

    def check(self) -> None:
        """Nothing was changed."""


@dataclass
class Creators:
    """Numbered documents are created, each by one alone."""

    url: StoreURL
    well: StoreURL
    faults: tuple[Fault, ...] = COMMON
    made: dict[int, bytes] = field(default_factory=dict)
    tried: dict[int, set[bytes]] = field(default_factory=dict)

    def act(self, number: int) -> None:
        """Create one of which two believe that it is the next."""
        try:
            for who in (b"one", b"other"):
                self.tried.setdefault(number, set()).add(who)
                with suppress(ObjectExistsError):
                    store.create(self.url / f"numbered/{number}", who)
                    assert number not in self.made, "two were told that they made it"
                    self.made[number] = who
        finally:
            self.check()

    def check(self) -> None:
        """Each is as the one made it who was told so."""
        for number, tried in self.tried.items():
            found = store.read_if_there(self.well / f"numbered/{number}")
            if number in self.made:
                assert found is not None
                assert found.body == self.made[number]
            assert found is None or found.body in tried


@dataclass
class Counters:
    """A list of names in an object grows by conditional writes, by obstore and by TensorStore."""

    url: StoreURL
    well: StoreURL
    faults: tuple[Fault, ...] = COMMON
    added: list[str] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    def act(self, number: int) -> None:
        """Add a name in each way."""
        for how, add in (("ts", self._update), ("ob", self._replace)):
            name = f"{how}{number}"
            self.tried.append(name)
            add(name)
            self.added.append(name)

    def _update(self, name: str) -> None:
        def add(body: bytes | None) -> bytes:
            names = (body or b"").decode().split()
            return " ".join(names if name in names else [*names, name]).encode()

        update(self.url / "names", add)

    def _replace(self, name: str) -> None:
        found = store.read_if_there(self.url / "names")
        body, etag = (found.body, found.etag) if found else (b"", "")
        store.replace(self.url / "names", body + f" {name}".encode(), etag)

    def check(self) -> None:
        """Each name is there once whose addition was told; nobody else's."""
        found = store.read_if_there(self.well / "names")
        names = found.body.decode().split() if found else []
        assert len(names) == len(set(names))
        assert set(self.added) <= set(names) <= set(self.tried)


class Readers:
    """Voxels are read by our reader, by TensorStore and by zarr-python."""

    faults = SHORTENED

    def __init__(self, url: StoreURL, well: StoreURL) -> None:
        volume = new_volume(well / "read", (16, 16, 32), (8, 8, 8), (16, 16, 16), dtype="uint16")
        self.voxels = np.random.default_rng(1).integers(0, 999, volume.shape, "uint16")
        for cell in volume.box.cells(volume.shard):
            box = volume.shard_box(cell)
            write_shard(volume, cell, np.ascontiguousarray(self.voxels[box.slices]))
        self.well = volume
        self.url = url / "read"

    def act(self, number: int) -> None:
        """Read a box in each way, by what was opened just now."""
        box = Box((number % 7, 0, 3), (16, 11, 20 + number % 9))
        volume = open_volume(self.url, 0)
        for read in (volume.read, lambda box: volume.array[box.slices].read()):
            with translated():
                np.testing.assert_array_equal(read(box).result(), self.voxels[box.slices])
        with translated():
            array: Any = zarr.open_array(store.as_zarr(self.url), mode="r")
            np.testing.assert_array_equal(array[box.slices], self.voxels[box.slices])

    def check(self) -> None:
        """Nothing was changed."""
        np.testing.assert_array_equal(self.well.read(self.well.box).result(), self.voxels)


class Writers:
    """Labels are written to parts of shards, by ourselves and by TensorStore."""

    faults = COMMON

    def __init__(self, url: StoreURL, well: StoreURL) -> None:
        self.well = new_volume(well / "write", (16, 16, 32), (8, 8, 8), (16, 16, 16))
        self.url, self.index = url / "write", url / "index"
        self.possible = np.zeros((2, *self.well.shape), np.uint64)
        """What each voxel was told to be, and what it may be besides."""

    def act(self, number: int) -> None:
        """Write a box that cuts through both shards."""
        box = Box((number % 5, 2, 9), (number % 5 + 6, 9, 25))
        values = np.full(box.shape, number + 1, np.uint64)
        self.possible[1][box.slices] = number + 1
        volume = open_volume(self.url, 0)
        if number % 2:
            volume.write(box, values).result()
        else:
            write_labels(Labels(volume, self.index), box, values)
        self.possible[0][box.slices] = number + 1

    def check(self) -> None:
        """Each voxel is as it was told to be, or as a write that failed would have it."""
        found = self.well.read(self.well.box).result()
        told, tried = self.possible
        assert ((found == told) | (found == tried)).all()
        self.possible[0] = self.possible[1] = found


class translated:  # noqa: N801  (as a context manager of contextlib)
    """Take what zarr and TensorStore raise of failures for an error of voxlake's."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Translate; what is wrong stays so."""
        if error is not None and not isinstance(error, AssertionError | VoxlakeError):
            raise VoxlakeError(str(error)) from error


CLIENTS: dict[str, Callable[[StoreURL, StoreURL], Client]] = {
    "whole objects": WholeObjects,
    "ranges": Ranges,
    "lists": Lists,
    "creators": Creators,
    "counters": Counters,
    "readers": Readers,
    "writers": Writers,
}
