"""ZIP files that are sent while they are written, their members as they are."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator

from voxlake.api.formats.cutout import as_bytes

__all__ = ["MEMBER_BYTES", "as_bytes", "zip_parts"]

MEMBER_BYTES = 400
"""What a member with a name of up to 100 characters takes besides its body, at most.

Twice its name, a header before it and one in the directory, sizes of 64 bits behind it.
"""
END_BYTES = 200
"""What the end of the directory takes."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of members: the same cutout is the same file."""

type Member = tuple[str, Iterable[bytes | memoryview]]


def zip_parts(members: Iterable[Member], comment: bytes = b"") -> Iterator[memoryview]:
    """Yield the parts of a file with the members, each given by its name and parts of its body."""
    sent = _Sent()
    with zipfile.ZipFile(sent, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        archive.comment = comment
        for name, parts in members:
            info = zipfile.ZipInfo(name, _EPOCH)
            with archive.open(info, "w", force_zip64=True) as member:
                for part in parts:
                    member.write(part)
                    del part  # it may be large, and is sent before the next is taken
                    yield from sent.take()
            yield from sent.take()
    yield from sent.take()


class _Sent(io.RawIOBase):
    """A file that cannot be sought in, and gives what was written to it away."""

    def __init__(self) -> None:
        self._parts: list[memoryview] = []

    def writable(self) -> bool:
        return True

    def write(self, part: object) -> int:
        view = memoryview(part)  # type: ignore[arg-type]  # bytes-like, as all files take
        if view.nbytes:
            self._parts.append(view)
        return view.nbytes

    def take(self) -> Iterator[memoryview]:
        """Yield what was written since the last time."""
        while self._parts:
            yield self._parts.pop(0)
