"""All that is kept beside labels, opened: index, merges, objects, reserved ids, work of bulk jobs.

Each object is read past every cache, whole, and held against its checksums and its name.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from voxlake.ngff.labels.bulk.build import building_url
from voxlake.ngff.labels.bulk.fragment import FRAGMENTS
from voxlake.ngff.labels.bulk.pieces import PIECES, RANGES
from voxlake.ngff.labels.mapping.log import ENTRIES, Entry, Replace
from voxlake.ngff.labels.mapping.table import read_table, table_url
from voxlake.ngff.labels.objects import manifest as objects
from voxlake.ngff.labels.objects import segment as objects_segment
from voxlake.ngff.labels.objects.reading import objects_url
from voxlake.ngff.labels.segments.boxes import boxes_url
from voxlake.ngff.labels.segments.boxes_reader import check_boxes
from voxlake.ngff.labels.segments.cover import check_cover, cover_url
from voxlake.ngff.labels.segments.manifest import MANIFESTS, manifests_url, newest_manifest
from voxlake.ngff.labels.segments.segment_file import FILES
from voxlake.ngff.labels.times import all_indices
from voxlake.ngff.labels.upkeep.marker import BULK_MARKERS, MARKERS, list_markers
from voxlake.ngff.labels.upkeep.reservation import BLOCKS
from voxlake.ngff.versioned import document
from voxlake.ngff.versioned.numbered import numbered_url, numbers
from voxlake.ngff.versioned.sorted_file import check_file, file_url
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError, ObjectNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from voxlake.ngff.labels.segments.manifest import Segment
    from voxlake.ngff.versioned.document import Document, Form
    from voxlake.platform.store import StoreURL


_SCRATCH: dict[str, Form[Any]] = {"fragments": FRAGMENTS, "ranges": RANGES}


@dataclass(frozen=True, slots=True)
class Kept:
    """One object that is kept beside labels."""

    url: StoreURL
    open: Callable[[], object]
    """Reads all of it; raises CorruptDataError if it is damaged, ObjectNotFoundError if absent."""
    is_needed: Callable[[], bool] = lambda: False
    """Whether it is a fault that it is absent: what was listed may have been swept since."""
    named: Callable[[Any], Iterable[Kept]] = lambda _: ()
    """Gives what is looked at with it, as it is the one that names it; given what `open` did."""


def faults(index_url: StoreURL, part: int = 0, parts: int = 1) -> Iterator[tuple[StoreURL, str]]:
    """Yield address and fault of each damaged or absent object, of one of `parts` equal parts.

    Sidecars are looked at with their shards, and not here.
    """
    for kept in islice(kept_beside(index_url), part, None, parts):
        yield from _faults_of(kept)


def _faults_of(kept: Kept) -> Iterator[tuple[StoreURL, str]]:
    try:
        opened = kept.open()
    except CorruptDataError as error:
        yield kept.url, str(error)
    except ObjectNotFoundError:
        if kept.is_needed():
            yield kept.url, "it is not there, and others name it"
    else:
        for named in kept.named(opened):
            yield from _faults_of(named)


def kept_beside(index_url: StoreURL) -> Iterator[Kept]:
    """Yield all objects that are kept in and below a label index, but sidecars."""
    for each in all_indices(index_url):
        yield from _of_voxels(each)
    yield from _blocks(index_url / "ids")
    yield from _mapping(index_url / "mapping")
    yield from _objects(objects_url(index_url))


def _of_voxels(index_url: StoreURL) -> Iterator[Kept]:
    """Yield what is kept of the voxels of one time point."""
    yield from _index(index_url)
    for marker in list_markers(index_url):
        yield _document(BULK_MARKERS if marker.cell is None else MARKERS, marker.url)
    for job in store.list_children(building_url(index_url))[0]:
        yield from _scratch(building_url(index_url) / job)


def _index(index_url: StoreURL) -> Iterator[Kept]:
    folder = manifests_url(index_url)
    listed = numbers(folder)
    yield from _numbered(MANIFESTS, folder, listed, lambda one: one.number)
    segments = {
        segment.cover: segment
        for manifest in _readable(MANIFESTS, folder, listed)
        for segment in manifest.segments
    }

    def is_in_force(segment: Segment) -> bool:
        newest = newest_manifest(index_url)
        return newest is not None and segment in newest.segments

    for segment in segments.values():
        yield from _segment(index_url, segment, partial(is_in_force, segment))


def _segment(
    base: StoreURL, segment: Segment, is_needed: Callable[[], bool] = lambda: False
) -> Iterator[Kept]:
    cover = cover_url(base, segment.cover)
    yield Kept(cover, partial(check_cover, base, segment), is_needed)
    for file in segment.files:
        rows, boxes = file_url(base, file.ulid), boxes_url(base, file.ulid)
        yield Kept(rows, partial(check_file, FILES, base, file), is_needed)
        yield Kept(boxes, partial(check_boxes, base, file), is_needed)


def _scratch(scratch: StoreURL) -> Iterator[Kept]:
    yield _document(PIECES, scratch / "pieces.json")
    for name, form in _SCRATCH.items():
        yield from (_document(form, url) for url in _files(scratch / name, ".json"))
    for url in _files(scratch / "fragments", ".json"):
        with suppress(CorruptDataError, ObjectNotFoundError):
            for segment in document.read(FRAGMENTS, url).segments:
                yield from _segment(scratch, segment)


def _blocks(folder: StoreURL) -> Iterator[Kept]:
    """Yield the blocks of ids: each begins where the one before ends, and is named for that."""
    listed = numbers(folder)
    yield from _numbered(BLOCKS, folder, listed, lambda one: one.first)
    for first, after in pairwise(listed):
        yield Kept(numbered_url(folder, first), partial(_check_next, folder, first, after))
    if listed and listed[0] != 1:
        yield _absent(numbered_url(folder, 1))


def _check_next(folder: StoreURL, first: int, after: int) -> None:
    url = numbered_url(folder, first)
    stop = document.read(BLOCKS, url).stop
    if stop != after:
        raise CorruptDataError(f"{url} ends at {stop}, and the next block begins at {after}")


def _mapping(url: StoreURL) -> Iterator[Kept]:
    log = url / "log"
    listed = numbers(log)
    for entry in _numbered(ENTRIES, log, listed, lambda one: one.number):
        yield replace(entry, named=partial(_table_of, url))
    gaps = set(range(1, max(listed, default=0))).difference(listed)
    yield from (_absent(numbered_url(log, number)) for number in sorted(gaps))
    for folder in (url / "tables", url / "snapshots"):
        yield from (Kept(each, partial(read_table, each)) for each in _files(folder, ".parquet"))


def _table_of(url: StoreURL, entry: Entry) -> Iterator[Kept]:
    if isinstance(entry.operation, Replace):
        table = table_url(url, entry.operation.table)
        yield Kept(table, partial(store.head, table), lambda: True)


def _objects(url: StoreURL) -> Iterator[Kept]:
    folder = url / "manifest"
    listed = numbers(folder)
    yield from _numbered(objects.MANIFESTS, folder, listed)
    named = {
        segment.ulid: segment
        for manifest in _readable(objects.MANIFESTS, folder, listed)
        for segment in manifest.segments
    }

    def is_in_force(segment: objects_segment.Segment) -> bool:
        return segment in objects.newest_manifest(url).document.segments

    for segment in named.values():
        check = partial(check_file, objects_segment.FILES, url, segment)
        yield Kept(file_url(url, segment.ulid), check, partial(is_in_force, segment))


def _numbered[T: Document](
    form: Form[T],
    folder: StoreURL,
    listed: list[int],
    number_of: Callable[[T], int] | None = None,
) -> Iterator[Kept]:
    for number in listed:
        yield Kept(
            numbered_url(folder, number), partial(_open_numbered, form, folder, number, number_of)
        )


def _open_numbered[T: Document](
    form: Form[T], folder: StoreURL, number: int, number_of: Callable[[T], int] | None
) -> T:
    url = numbered_url(folder, number)
    read = document.read(form, url)
    if number_of is not None and number_of(read) != number:
        raise CorruptDataError(f"{url} is of the number {number_of(read)}; {form.advice}")
    return read


def _readable[T: Document](form: Form[T], folder: StoreURL, listed: list[int]) -> Iterable[T]:
    """Yield the documents of a folder that are whole; what is wrong with others is found anyway."""
    for number in listed:
        with suppress(CorruptDataError, ObjectNotFoundError):
            yield document.read(form, numbered_url(folder, number))


def _document(form: Form[Any], url: StoreURL) -> Kept:
    return Kept(url, lambda: document.read(form, url))


def _files(folder: StoreURL, ending: str) -> list[StoreURL]:
    return [folder / name for name in store.list_children(folder)[1] if name.endswith(ending)]


def _absent(url: StoreURL) -> Kept:
    return Kept(url, partial(store.head, url), lambda: True)
