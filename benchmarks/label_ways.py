"""Ways to find what is in labels: ours, and those of others.

Of a block in memory, all want ids, how many voxels each has, and its box; of a stored shard, the
same chunk by chunk, and then how many voxels each label has. Peers are not asked for more than
they give: without boxes where they know none.

The peers, cc3d and fastremap, are imported where they are used: the tests do without.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from itertools import batched
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import zarr

from voxlake.compute.passes.threads import run_ordered
from voxlake.ngff.labels.scan.rows import scan_chunks
from voxlake.ngff.labels.scan.stored import BATCH_BYTES, stored_rows
from voxlake.ngff.shards.chunk_codec import unpack_chunks
from voxlake.ngff.shards.format import ABSENT, shard_format
from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from voxlake.ngff.volume import Volume

type Labels = npt.NDArray[Any]
type Found = dict[int, tuple[int, ...]]
"""Of each label: how many voxels; and its half-open box, from those who find it."""
type Counts = tuple[Labels, Labels]
"""Labels, and how many voxels each has."""


def by_voxlake(block: Labels) -> Found:
    """Find counts and boxes with our kernel, the block being one chunk."""
    rows, _ = scan_chunks(block, block.shape)
    return {int(row[0]): tuple(map(int, row[1:])) for row in rows}


def by_cc3d(block: Labels) -> Found:
    """Find counts and boxes with cc3d, which wants small ids."""
    statistics, ids = _cc3d_statistics(block)
    found = {}
    for label, small in ids.items():
        box = statistics["bounding_boxes"][small]
        edges = (*(part.start for part in box), *(part.stop for part in box))
        found[int(label)] = (int(statistics["voxel_counts"][small]), *map(int, edges))
    found.pop(0, None)
    return found


def _cc3d_statistics(block: Labels) -> tuple[Any, dict[int, int]]:
    small, ids = import_module("fastremap").renumber(block)
    return import_module("cc3d").statistics(small), ids


def _cc3d_counts(block: Labels) -> Counts:
    statistics, ids = _cc3d_statistics(block)
    labels = np.fromiter(ids.keys(), np.uint64, len(ids))
    return labels, statistics["voxel_counts"][np.fromiter(ids.values(), np.intp, len(ids))]


def by_fastremap(block: Labels) -> Found:
    """Count with fastremap: no boxes."""
    return _as_found(*_fastremap_unique(block))


def _fastremap_unique(block: Labels) -> Counts:
    labels, counts = import_module("fastremap").unique(block, return_counts=True)
    return labels, counts


def by_numpy(block: Labels) -> Found:
    """Count with NumPy: no boxes."""
    return _as_found(*np.unique(block, return_counts=True))


def _as_found(labels: Labels, counts: Labels) -> Found:
    pairs = zip(labels.tolist(), counts.tolist(), strict=True)
    return {label: (count,) for label, count in pairs if label}


KERNELS: dict[str, Callable[[Labels], Found]] = {
    "cc3d": by_cc3d,
    "fastremap": by_fastremap,
    "NumPy": by_numpy,
}

KERNEL_WORK: dict[str, Callable[[Labels], object]] = {
    "voxlake": lambda block: scan_chunks(block, block.shape),
    "fastremap.renumber + cc3d.statistics": _cc3d_statistics,
    "fastremap.unique, no boxes": _fastremap_unique,
    "np.unique, no boxes": lambda block: np.unique(block, return_counts=True),
}


def volumes_of(volume: Volume) -> Counts:
    """Count the voxels of each label of the shard with our index."""
    rows, _ = stored_rows(volume, (0, 0, 0), run_ordered)
    labels, first = np.unique(rows.labels, return_index=True)
    return labels, np.add.reduceat(rows.voxels, first)


def _decoded(volume: Volume) -> None:
    """Decode the shard as our index does, a few chunks at a time on all threads."""
    body = memoryview(store.read(volume.shard_url((0, 0, 0))).body)
    coding = shard_format(volume)
    first = coding.index_start(len(body))
    index = bytes(body[first : first + coding.index_bytes])
    entries = coding.decode_index(index, len(body), "the shard")
    places = [(int(at), int(size)) for at, size in entries if at != ABSENT]
    payloads = (body[at : at + size] for at, size in places)
    at_once = max(1, BATCH_BYTES // coding.chunk_bytes)
    works = (
        partial(unpack_chunks, coding, list(few), "the shard") for few in batched(payloads, at_once)
    )
    for _ in run_ordered(works):
        pass


def _decoded_by_tensorstore(volume: Volume) -> None:
    for z in range(0, volume.shape[0], volume.chunk[0]):
        volume.array[z : z + volume.chunk[0]].read(order="C").result()


def _chunk_by_chunk(volume: Volume, find: Callable[[Labels], Counts]) -> Counts:
    """Read with TensorStore, a chunk at a time on as many threads as voxlake has."""
    works = (
        lambda part=part: find(volume.read(part).result())
        for part in volume.box.tiles(volume.chunk)
    )
    return summed(run_ordered(works))


def _by_zarr(volume: Volume) -> Counts:
    array = zarr.open_array(str(volume.url.path), mode="r")
    parts = volume.box.tiles(volume.chunk)
    return summed(_numpy_statistics(np.asarray(array[part.slices])) for part in parts)


def _numpy_statistics(block: Labels) -> Counts:
    labels, inverse, counts = np.unique(block, return_inverse=True, return_counts=True)
    places = np.unravel_index(np.argsort(inverse, axis=None, kind="stable"), block.shape)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    for axis in places:  # the boxes
        np.minimum.reduceat(axis, first)
        np.maximum.reduceat(axis, first)
    return labels, counts


def summed(parts: Iterable[Counts]) -> Counts:
    """Add up the counts of parts; background is left out.

    Examples
    --------
    >>> import numpy as np
    >>> parts = [(np.array([0, 7]), np.array([5, 2])), (np.array([7, 3]), np.array([1, 1]))]
    >>> labels, counts = summed(parts)
    >>> labels.tolist(), counts.tolist()
    ([3, 7], [1, 3])
    """
    ids, voxels = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(ids, kind="stable")
    labels, first = np.unique(ids[order], return_index=True)
    counts = np.add.reduceat(voxels[order], first)
    return labels[labels != 0], counts[labels != 0]


SHARD_WORK: dict[str, Callable[[Volume], Counts | None]] = {
    "voxlake": volumes_of,
    "TensorStore + cc3d": lambda volume: _chunk_by_chunk(volume, _cc3d_counts),
    "TensorStore + fastremap.unique, no boxes": lambda volume: _chunk_by_chunk(
        volume, _fastremap_unique
    ),
    "zarr + NumPy": _by_zarr,
    "TensorStore, decoding alone": _decoded_by_tensorstore,
    "voxlake, decoding alone": _decoded,
}
