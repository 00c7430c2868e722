"""Files that a command writes beside its answer: there whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedWriter
from pathlib import Path

import pyarrow as pa

from voxlake.documents.labels.labels import FileDocument
from voxlake.platform.errors import InvalidInputError


def write_file(what: str, file: str, fill: Callable[[BufferedWriter], None]) -> FileDocument:
    """Let `fill` fill the file, and say so.

    Raises
    ------
    InvalidInputError
        If it cannot be written.
    """
    path = Path(file)
    with _renamed(path) as stream:
        fill(stream)
    return FileDocument(what=what, file=file, bytes=path.stat().st_size)


def write_arrow(file: str, batches: pa.RecordBatchReader) -> FileDocument:
    """Write Arrow batches to the file, as they come (IPC file, "Feather 2"), likewise."""

    def fill(stream: BufferedWriter) -> None:
        with pa.ipc.new_file(stream, batches.schema) as writer:
            for batch in batches:
                writer.write_batch(batch)

    return write_file("Arrow", file, fill)


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
