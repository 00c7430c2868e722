"""The directories of a TIFF file: the tags of each page, and where in the file their values lie.

TIFF 6.0, sections 2 and 8; BigTIFF as of Adobe's note.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

type Tag = tuple[int, int, int, bytes]
"""Code, type, number of values; then the values if they fit, else where they begin."""

BEGINNINGS: dict[bytes, tuple[str, Literal["I", "Q"]]] = {
    b"II*\0": ("<", "I"),
    b"MM\0*": (">", "I"),
    b"II+\0": ("<", "Q"),
    b"MM\0+": (">", "Q"),
}
"""Byte order and width of offsets by the first bytes of the file."""
_WHOLE = {1: "B", 3: "H", 4: "I", 16: "Q"}
"""Types of tags whose values are whole numbers, as `struct` has them."""
_SIZES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a value, by the type of its tag; those not listed take 1."""


@dataclass(frozen=True, slots=True)
class Directories:
    """Those of an open file, whose position is not moved."""

    file: int
    """Descriptor."""
    order: str
    """Byte order, as `struct` has it."""
    word: Literal["I", "Q"]
    """An offset, as `struct` has it: of 32 bits, or of 64 in BigTIFF."""

    def __iter__(self) -> Iterator[list[Tag]]:
        """Yield the tags of each page.

        Raises
        ------
        struct.error
            If the chain leaves the file.
        ValueError
            If it runs in a circle.
        """
        counted, entry = ("H", "HHI4s") if self.word == "I" else ("Q", "HHQ8s")
        entry = self.order + entry
        seen: set[int] = set()
        (offset,) = self._unpack(self.word, struct.calcsize(self.word))
        while offset:
            if offset in seen:
                raise ValueError("the list of pages runs in a circle")
            seen.add(offset)
            (count,) = self._unpack(counted, offset)
            start, size = offset + struct.calcsize(counted), count * struct.calcsize(entry)
            body = os.pread(self.file, size + struct.calcsize(self.word), start)
            yield list(struct.iter_unpack(entry, body[:size]))
            (offset,) = struct.unpack(self.order + self.word, body[size:])

    def whole_numbers(self, tags: Iterable[Tag]) -> dict[int, Sequence[int]]:
        """Return, by their code, the values of those of `tags` that hold whole numbers."""
        return {
            code: self._values(f"{count}{_WHOLE[kind]}", inline)
            for code, kind, count, inline in tags
            if kind in _WHOLE
        }

    def _values(self, layout: str, inline: bytes) -> Sequence[int]:
        if struct.calcsize(self.order + layout) <= len(inline):
            return struct.unpack_from(self.order + layout, inline)
        return self._unpack(layout, self._offset(inline))

    def text(self, tags: Iterable[Tag], code: int) -> str:
        """Return the text of the tag with that code; empty if there is none."""
        for tag in tags:
            if tag[0] == code and tag[2] <= len(tag[3]):
                return tag[3].rstrip(b"\0").decode("latin-1")
            if tag[0] == code:
                body = os.pread(self.file, tag[2], self._offset(tag[3]))
                return body.rstrip(b"\0").decode("latin-1")
        return ""

    def end(self, tag: Tag) -> int:
        """Return where the values of a tag end in the file; 0 if they are in the tag."""
        _, kind, count, inline = tag
        length = count * _SIZES.get(kind, 1)
        return 0 if length <= len(inline) else self._offset(inline) + length

    def _offset(self, inline: bytes) -> int:
        (offset,) = struct.unpack(self.order + self.word, inline)
        return int(offset)

    def _unpack(self, layout: str, offset: int) -> tuple[int, ...]:
        layout = self.order + layout
        return struct.unpack(layout, os.pread(self.file, struct.calcsize(layout), offset))


def read_directories(file: int) -> Directories | None:
    """Return those of the file with that descriptor; None if it does not begin as a TIFF file."""
    begun = BEGINNINGS.get(os.pread(file, 4, 0))
    return None if begun is None else Directories(file, *begun)
