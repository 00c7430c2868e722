"""Files that a command writes beside its answer: there whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BufferedWriter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from voxlake.documents.written import WrittenDocument
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy.typing as npt


def write_file(what: str, file: str, fill: Callable[[BufferedWriter], None]) -> WrittenDocument:
    """Fill the file, and say so.

    Raises
    ------
    InvalidInputError
        If it cannot be written.
    """
    path = Path(file)
    with _renamed(path) as stream:
        fill(stream)
    return WrittenDocument(what=what, file=file, bytes=path.stat().st_size)


def fill_with_bytes(parts: Iterable[bytes]) -> Callable[[BufferedWriter], None]:
    """Return what fills a file with `parts`, as they come."""
    return lambda stream: stream.writelines(parts)


def fill_with_arrow(batches: pa.RecordBatchReader) -> Callable[[BufferedWriter], None]:
    """Return what fills a file with Arrow batches, as they come (IPC file, "Feather 2")."""

    def fill(stream: BufferedWriter) -> None:
        with pa.ipc.new_file(stream, batches.schema) as writer:
            for batch in batches:
                writer.write_batch(batch)

    return fill


def fill_with_array(array: npt.NDArray[np.generic]) -> Callable[[BufferedWriter], None]:
    """Return what fills a file with an array, as ``.npy``."""
    return lambda stream: np.save(stream, array, allow_pickle=False)


@contextmanager
def _renamed(path: Path) -> Iterator[BufferedWriter]:
    part = path.with_name(f"{path.name}.part")
    try:
        stream = part.open("wb")
    except OSError as error:
        raise InvalidInputError(
            f"cannot write {path}: {error.strerror or error}; name another file"
        ) from error
    try:
        with stream:
            yield stream
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
