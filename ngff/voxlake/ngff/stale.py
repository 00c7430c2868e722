"""Stale boxes: where level 0 may have changed since the coarser levels were made of it.

A writer marks a box before its voxels change; the mark is an object that bears the box in its name.
So whatever happens to the writer, no change is without a mark, and one listing tells all of them.
A mark is never changed, and deleted only by who has made the levels anew of voxels that were read
`SETTLED_S` after it was made. A writer relies on its own mark for `OPEN_S`, so that of any number
of writes to a place few make one; and marks the box again, once it is written, where that took so
long that the mark may have been deleted meanwhile. Clocks that differ by half a minute do no harm.

Marks lie beside the group, never inside: in ``<image>.stale``, and there in folders of the names
that the folders of level 0 have below ``<image>.ome.zarr``.
"""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from ulid import ULID

from voxlake.ngff.grid.box import Box
from voxlake.ngff.lake import GROUP_SUFFIX
from voxlake.ngff.time_point import TimePoint
from voxlake.platform import store
from voxlake.platform.deadline import under_deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from voxlake.ngff.grid.box import Cell
    from voxlake.ngff.volume import Volume
    from voxlake.platform.store import StoreURL

STALE_SUFFIX = ".stale"

OPEN_S = 5.0
"""Seconds for which a process writes under a mark that it has made."""

LATE_S = 20.0
"""Seconds after which who has written marks the box again."""

SETTLED_S = 60.0
"""Seconds after which all that was written under a mark is written, or marked again."""

MOST_APART = 64
"""Boxes of one shard that a process marks one by one; then all of the shard is."""

_MOST_SHARDS = 4096
_MOST_MARKS = 4 * MOST_APART
"""Shards whose marks a process remembers, and marks of each."""

_IN_GROUP = f"{GROUP_SUFFIX}/"
_NAME = re.compile(r"(\d+-\d+(?:_\d+-\d+)*)\.([0-7][0-9A-HJKMNP-TV-Z]{25})")


@dataclass(frozen=True, slots=True)
class Mark:
    """A box of level 0 that may have changed: ``<start>-<stop>_<start>-<stop>_....<ulid>``."""

    url: StoreURL
    box: Box
    """Of whole chunks, cut at the volume; one range for each axis in its name."""
    ulid: str
    """Sorted by the time of its making."""

    @property
    def made(self) -> datetime:
        """When it was made, by the clock of its writer."""
        return ULID.from_str(self.ulid).datetime

    def is_settled(self, now: datetime) -> bool:
        """Return whether the levels that are made from now on are of all that it stands for."""
        return now - self.made > timedelta(seconds=SETTLED_S)


def marks_url(level: StoreURL) -> StoreURL | None:
    """Return where the marks of a level 0 lie; None if it lies in no group of a lake.

    Examples
    --------
    >>> from voxlake.platform.store import StoreURL
    >>> lake = StoreURL("s3", "lab")
    >>> marks_url(lake / "c/e/em.ome.zarr/0").key
    'c/e/em.stale'
    >>> marks_url(lake / "c/e/em.ome.zarr/labels/cells/by-01J/0").key
    'c/e/em.stale/labels/cells/by-01J'
    """
    if _IN_GROUP in level.key:
        return replace(level, key=_beside(level.key))
    path = f"{level.root}/{level.key}".removesuffix("/")
    if level.scheme != "file" or _IN_GROUP not in path:
        return None
    # Of a folder that is the root itself, which the marks lie outside of.
    root = path.rpartition(_IN_GROUP)[0].rpartition("/")[0]
    return replace(level, root=root, key=_beside(path).removeprefix(f"{root}/"))


def _beside(path: str) -> str:
    group, _, below = path.rpartition(_IN_GROUP)
    return f"{group}{STALE_SUFFIX}/{below.rpartition('/')[0]}".removesuffix("/")


def list_marks(level: StoreURL) -> list[Mark]:
    """Return the marks of a level 0, the oldest first, by one listing; other objects are no marks.

    Raises
    ------
    StoreError
        If the store fails: what is stale is not known then.
    """
    url = marks_url(level)
    if url is None:
        return []
    marks = (mark_of(url / name) for name in store.list_children(url)[1])
    return sorted((mark for mark in marks if mark is not None), key=lambda mark: mark.ulid)


def mark_of(url: StoreURL) -> Mark | None:
    """Return the mark of that name; None for what is none."""
    match = _NAME.fullmatch(url.name)
    if match is None:
        return None
    ranges = [tuple(map(int, each.split("-"))) for each in match[1].split("_")]
    if any(lo >= hi for lo, hi in ranges):
        return None
    return Mark(url, Box(*zip(*ranges, strict=True)), match[2])


def delete_marks(level: StoreURL, names: Iterable[str]) -> None:
    """Delete marks by their names, once the levels are made; that they are gone is no error."""
    url = marks_url(level)
    if url is not None:
        for name in names:
            store.delete(url / name)


def delete_all_marks(group: StoreURL) -> None:
    """Delete the marks of a dataset, and of all that lies in its group: labels, replacements."""
    url = marks_url(group / "0")
    if url is not None:
        forget_marks()
        store.delete_tree(url)


@contextmanager
def marked(volume: Volume, boxes: Iterable[Box]) -> Iterator[None]:
    """Mark boxes of level 0, which are then written to in a ``with`` block.

    Parameters
    ----------
    volume
        Level 0. One that lies in no group of a lake is not marked: nobody makes its levels.
    boxes
        Half-open voxels; rounded to whole chunks.

    Raises
    ------
    StoreError
        Before the block if a mark cannot be stored; after it, if it has to be again and cannot.
    """
    with marked_while(volume, boxes, lambda: None):
        yield


@contextmanager
def marked_while[T](
    volume: Volume, boxes: Iterable[Box], meanwhile: Callable[[], T]
) -> Iterator[T]:
    """Mark as `marked` does, and do what else must be done before; the block gets its answer."""
    url = marks_url(volume.url)
    if url is None:
        yield meanwhile()
        return
    whole = volume.whole if isinstance(volume, TimePoint) else volume
    parts = [part for box in boxes for part in _parts(whole, _in_whole(volume, box))]

    def mark_all() -> list[_Opened]:
        return [_mark(url, whole, cell, part) for cell, part in parts]

    if all(_covering(_known(url, cell), part) for cell, part in parts):
        opened, answer = mark_all(), meanwhile()
    else:
        with ThreadPoolExecutor(1, "marks") as pool:
            marking = pool.submit(under_deadline(mark_all))
            answer = meanwhile()
            opened = marking.result()
    try:
        yield answer
    finally:
        for (_, part), mark in zip(parts, opened, strict=True):
            if mark.age_s > LATE_S:
                store.write(_new(url, part).url, b"")


def _in_whole(volume: Volume, box: Box) -> Box:
    return volume.box_in_whole(box) if isinstance(volume, TimePoint) else box


def _parts(volume: Volume, box: Box) -> Iterator[tuple[Cell, Box]]:
    around, shard = box.aligned(volume.chunk) & volume.box, volume.shard
    for cell in around.cells(shard):
        yield cell, volume.shard_box(cell) & around


@dataclass(frozen=True, slots=True)
class _Opened:
    """A mark that this process has made."""

    mark: Mark
    clocks: tuple[float, float] = field(default_factory=lambda: (time.monotonic(), time.time()))
    """From before it was stored. One of them stands while the machine sleeps, the other is set."""

    @property
    def age_s(self) -> float:
        """Seconds since it was made, or more."""
        return max(time.monotonic() - self.clocks[0], time.time() - self.clocks[1])


_opened: dict[tuple[StoreURL, Cell], list[_Opened]] = {}
"""By the place of their shard, the oldest first."""
_opening = Lock()


def _mark(url: StoreURL, volume: Volume, cell: Cell, box: Box) -> _Opened:
    """Return a mark of this process that covers a box of a shard: an open one, or one more."""
    known = _known(url, cell)
    covering = _covering(known, box)
    if covering is not None:
        return covering
    fresh = [each for each in known if each.age_s < OPEN_S]
    if len(fresh) >= MOST_APART:
        box = volume.shard_box(cell)
    opened = _stored(url, box)
    past = [each for each in known if each not in fresh and box.contains(each.mark.box)]
    _remember((url, cell), opened, _deleted(past))
    return opened


def _known(url: StoreURL, cell: Cell) -> list[_Opened]:
    with _opening:
        return list(_opened.get((url, cell), ()))


def _covering(known: list[_Opened], box: Box) -> _Opened | None:
    """Return an open mark that covers a box, if there is one."""
    covering = (each for each in known if each.age_s < OPEN_S and each.mark.box.contains(box))
    return next(covering, None)


def _stored(url: StoreURL, box: Box) -> _Opened:
    """Store a mark, and another if that took so long that it may be taken for settled."""
    while True:
        opened = _Opened(_new(url, box))
        store.write(opened.mark.url, b"")
        if opened.age_s < LATE_S:
            return opened


def _deleted(past: list[_Opened]) -> list[_Opened]:
    """Delete marks that another stands for, but for the first, which tells since when."""
    first = next((each for each in past if store.exists(each.mark.url)), None)
    deleted = [each for each in past if each is not first]
    for each in deleted:
        store.delete(each.mark.url)
    return deleted


def _remember(place: tuple[StoreURL, Cell], opened: _Opened, deleted: list[_Opened]) -> None:
    with _opening:
        known = [each for each in _opened.pop(place, ()) if each not in deleted]
        _opened[place] = [*known[-_MOST_MARKS:], opened]
        while len(_opened) > _MOST_SHARDS:
            del _opened[next(iter(_opened))]


def forget_marks() -> None:
    """Forget which marks this process has made: its next writes make others."""
    with _opening:
        _opened.clear()


def _new(url: StoreURL, box: Box) -> Mark:
    ulid = str(ULID())
    ranges = "_".join(f"{lo}-{hi}" for lo, hi in zip(box.start, box.stop, strict=True))
    return Mark(url / f"{ranges}.{ulid}", box, ulid)
