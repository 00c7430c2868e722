"""Sorted files: Parquet objects, sorted by id, that are written once and read by row groups.

Who names a file knows its size and the checksum of its footer; the footer knows where each row
group lies and which ids it has. So a look-up is one range of bytes once the footer was read, and
every flipped bit is found, whichever row groups are read. Files never change under their names:
what was read of them is kept, within a bound.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from voxlake.ngff.versioned.document import Document
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from voxlake.ngff.memory.cache import Cached
    from voxlake.platform.store import StoreURL

GROUP_ROWS = 8192
"""Rows of a row group: the least that is read."""

GAP_BYTES = 1 << 20
"""Row groups that lie nearer than this are read with what is between them."""

DAMAGED = (pa.ArrowException, OSError, ValueError, LookupError, MemoryError)
"""What pyarrow raises for damaged bytes: a mix of its own and of Python's errors."""

_MAGIC = b"PAR1"
# A Parquet file ends with the length of the footer, four bytes, and the magic.
_TAIL = 8


class SortedFile(Protocol):
    """What a document says of a file that it names: ``runs/<ulid>.parquet``."""

    @property
    def ulid(self) -> str:
        """Its name, sorted by the time of its making."""

    @property
    def bytes(self) -> int:
        """Size of the file."""

    @property
    def footer(self) -> int:
        """Size of the Parquet footer at its end, in bytes."""

    @property
    def crc32(self) -> int:
        """Checksum of the footer."""


class RowGroup(Document):
    """Where one row group lies, and which ids it has."""

    start: int
    """First byte in the file."""
    bytes: int
    crc32: int | None
    """Of these bytes; None if its pages have checksums instead, as earlier files of objects do."""
    first: int
    last: int

    @property
    def stop(self) -> int:
        """One past its last byte in the file."""
        return self.start + self.bytes


class RowGroups(Document):
    """What a footer holds under ``voxlake``."""

    groups: tuple[RowGroup, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Footer:
    """The footer of a file: all that is needed to read any of its row groups."""

    metadata: pq.FileMetaData
    groups: tuple[RowGroup, ...]
    first: npt.NDArray[np.uint64]
    """(groups,) smallest id of each."""
    last: npt.NDArray[np.uint64]
    """(groups,) largest id of each."""


@dataclass(frozen=True, slots=True, eq=False)
class FileKind[T]:
    """What rows of files of one kind are in memory, and what was read of such files."""

    decode: Callable[[pa.Table], T]
    size: Callable[[T], int]
    """Gives the bytes that rows take."""
    advice: str
    """What to do about a file that is damaged."""
    footers: Cached[Footer]
    groups: Cached[T]


def encode_groups(table: pa.Table, ids: npt.NDArray[np.uint64], **options: Any) -> bytes:
    """Return a table as a file, with the checksum of each row group in its footer.

    Parameters
    ----------
    ids
        (n,) of its rows, ascending.
    options
        Of pyarrow's writer.
    """
    body = io.BytesIO()
    with pq.ParquetWriter(body, table.schema, compression="zstd", **options) as writer:
        groups = []
        for first in range(0, len(table), GROUP_ROWS):
            start = body.tell()
            writer.write_table(table.slice(first, GROUP_ROWS), row_group_size=GROUP_ROWS)
            inside = ids[first : first + GROUP_ROWS]
            groups.append(
                RowGroup(
                    start=start,
                    bytes=body.tell() - start,
                    crc32=zlib.crc32(body.getbuffer()[start:]),
                    first=int(inside[0]),
                    last=int(inside[-1]),
                )
            )
        described = RowGroups(groups=tuple(groups)).model_dump_json()
        writer.add_key_value_metadata({"voxlake": described})
    return body.getvalue()


def footer_of(body: bytes) -> tuple[int, int]:
    """Return size and checksum of the footer of a file."""
    size = int.from_bytes(body[-_TAIL:-4], "little") + _TAIL
    return size, zlib.crc32(body[-size:])


def file_url(base: StoreURL, ulid: str) -> StoreURL:
    """Return the address of a file, given that of the index or the objects that it belongs to."""
    return base / "runs" / f"{ulid}.parquet"


def read_footer[T](kind: FileKind[T], base: StoreURL, file: SortedFile) -> Footer:
    """Return the footer of a file below `base`.

    Raises
    ------
    ObjectNotFoundError
        If the file is gone: a newer document names others in its place.
    CorruptDataError
        If the footer is not the one that was written.
    """
    url = file_url(base, file.ulid)
    # What pyarrow makes of a footer takes several times its size.
    return kind.footers.get(url, lambda: _stored_footer(kind, url, file), lambda _: 4 * file.footer)


def check_file[T](kind: FileKind[T], base: StoreURL, file: SortedFile) -> None:
    """Read a whole file as it is stored, whatever is kept of it; raises as `read_footer`."""
    url = file_url(base, file.ulid)
    if store.head(url).size != file.bytes or store.read_range(url, 0, len(_MAGIC)) != _MAGIC:
        raise _damaged(kind, url, f"it is no Parquet file of {file.bytes} bytes")
    footer = _stored_footer(kind, url, file)
    for number, group in enumerate(footer.groups):
        body = memoryview(store.read_range(url, group.start, group.stop))
        _decoded(kind, url, footer, number, body)


def groups_between(footer: Footer, first: int, last: int) -> list[int]:
    """Return the numbers of the row groups that may have ids from `first` to `last`."""
    return [
        number
        for number, group in enumerate(footer.groups)
        if group.first <= last and group.last >= first
    ]


def groups_with(footer: Footer, ids: npt.NDArray[np.uint64]) -> list[int]:
    """Return the numbers of the row groups between whose ends one of `ids`, ascending, lies."""
    begin = np.searchsorted(ids, footer.first, "left")
    end = np.searchsorted(ids, footer.last, "right")
    return [int(number) for number in np.flatnonzero(end > begin)]


def read_groups[T](
    kind: FileKind[T],
    base: StoreURL,
    file: SortedFile,
    groups: Sequence[int],
    *,
    keep: bool = False,
) -> Iterator[T]:
    """Yield the rows of row groups, ascending; those near one another come in one request.

    With `keep` they are kept for the next who asks: for look-ups, not for whole files. Raises as
    `read_footer`.
    """
    url, footer = file_url(base, file.ulid), read_footer(kind, base, file)
    kept = {number: kind.groups.peek((url, number)) for number in groups} if keep else {}
    missing = [number for number in groups if kept.get(number) is None]
    spans = {span[0]: span for span in _spans(footer, missing)}
    start, body = 0, memoryview(b"")
    for number in groups:
        rows = kept.get(number)
        if rows is None:
            if number in spans:
                start = footer.groups[number].start
                stop = footer.groups[spans[number][-1]].stop
                body = memoryview(store.read_range(url, start, stop))
            group = footer.groups[number]
            rows = _decoded(
                kind, url, footer, number, body[group.start - start : group.stop - start]
            )
            if keep:
                kind.groups.put((url, number), rows, kind.size(rows))
        yield rows


def _stored_footer[T](kind: FileKind[T], url: StoreURL, file: SortedFile) -> Footer:
    body = store.read_range(url, file.bytes - file.footer, file.bytes)
    if len(body) != file.footer or zlib.crc32(body) != file.crc32:
        raise _damaged(kind, url, "the checksum of its footer does not hold")
    return _footer(kind, url, body)


def _footer[T](kind: FileKind[T], url: StoreURL, body: bytes) -> Footer:
    try:
        # A footer is understood without the row groups before it; a file begins with the magic.
        metadata = pq.read_metadata(pa.BufferReader(_MAGIC + body))
        groups = _groups(metadata)
    except DAMAGED as error:
        raise _damaged(kind, url, str(error)) from error
    first = np.array([group.first for group in groups], np.uint64)
    last = np.array([group.last for group in groups], np.uint64)
    return Footer(metadata, groups, first, last)


def _groups(metadata: pq.FileMetaData) -> tuple[RowGroup, ...]:
    described = (metadata.metadata or {}).get(b"voxlake")
    if described is not None:
        return RowGroups.model_validate_json(described).groups
    return tuple(_group(metadata.row_group(i)) for i in range(metadata.num_row_groups))


def _group(group: pq.RowGroupMetaData) -> RowGroup:
    columns = [group.column(i) for i in range(group.num_columns)]
    ids = columns[0].statistics
    if ids is None:
        raise ValueError("a row group tells no smallest and largest id")
    return RowGroup(
        start=min(column.dictionary_page_offset or column.data_page_offset for column in columns),
        bytes=sum(column.total_compressed_size for column in columns),
        crc32=None,
        first=int(ids.min or 0),
        last=int(ids.max or 0),
    )


def _decoded[T](
    kind: FileKind[T], url: StoreURL, footer: Footer, number: int, body: memoryview
) -> T:
    group = footer.groups[number]
    checked = group.crc32 is not None
    if len(body) != group.bytes or (checked and zlib.crc32(body) != group.crc32):
        raise _damaged(kind, url, "the checksum of a row group does not hold")
    try:
        file = pq.ParquetFile(
            pa.PythonFile(_Window(group.start, body), mode="r"),
            metadata=footer.metadata,
            page_checksum_verification=not checked,
        )
        return kind.decode(file.read_row_group(number, use_threads=False))
    except DAMAGED as error:
        raise _damaged(kind, url, str(error)) from error


def _spans(footer: Footer, groups: Sequence[int]) -> list[list[int]]:
    spans: list[list[int]] = []
    for number in groups:
        if spans and footer.groups[number].start - footer.groups[spans[-1][-1]].stop < GAP_BYTES:
            spans[-1].append(number)
        else:
            spans.append([number])
    return spans


def _damaged[T](kind: FileKind[T], url: StoreURL, why: str) -> CorruptDataError:
    return CorruptDataError(f"{url} is damaged ({why}); {kind.advice}")


class _Window(io.RawIOBase):
    """A file of which only the bytes from `start` on are there."""

    def __init__(self, start: int, body: memoryview) -> None:
        self._start, self._body, self._place = start, body, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place}
        self._place = offset + base.get(whence, self._start + len(self._body))
        return self._place

    def read(self, size: int | None = -1, /) -> bytes:
        first = self._place - self._start
        if first < 0:
            raise OSError(f"byte {self._place} was asked of a window from {self._start} on")
        stop = len(self._body) if size is None or size < 0 else first + size
        read = bytes(self._body[first:stop])
        self._place += len(read)
        return read
