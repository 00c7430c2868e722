"""Unpack chunks of other people's, and never to more than a chunk may have.

Decoders make room for whatever comes out, and a few kilobytes may hold gigabytes.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import IO, Any

import imagecodecs
import zstandard

from voxlake.platform.errors import SourceError

type _Open = Callable[..., IO[bytes] | lzma.LZMAFile | bz2.BZ2File | gzip.GzipFile]

_STREAMS: dict[str, _Open] = {
    "gzip": lambda packed: gzip.GzipFile(fileobj=packed),
    "bz2": bz2.BZ2File,
    "lzma": lzma.LZMAFile,
}
"""Opens a packed file for reading what is in it; keywords are those of the kind."""

_SIZES: dict[str, Callable[[bytes], int]] = {
    "blosc": lambda body: int.from_bytes(body[4:8], "little"),
    "lz4": lambda body: int.from_bytes(body[:4], "little"),
    "zstd": zstandard.frame_content_size,
}
"""Bytes that will come out, by the head; below 0 if it does not say."""

_INTO: dict[str, Callable[[bytes, int], bytes | bytearray | memoryview]] = {
    "blosc": lambda body, most: imagecodecs.blosc_decode(body, out=most),
    "brotli": lambda body, most: imagecodecs.brotli_decode(body, out=most),
    "lz4": lambda body, most: imagecodecs.lz4_decode(body, header=True, out=most),
    "zstd": lambda body, most: imagecodecs.zstd_decode(body, out=most),
}
"""Unpacks into so many bytes, or fails."""

KINDS = frozenset({*_STREAMS, *_INTO, "zlib"})
"""What is unpacked here, by the names that numcodecs has for it."""

UNPACK_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    lzma.LZMAError,
    zstandard.ZstdError,
    imagecodecs.BloscError,
    imagecodecs.BrotliError,
    imagecodecs.Lz4Error,
    imagecodecs.ZstdError,
)
"""What `unpack` raises of torn bytes."""


def unpack(kind: str, body: bytes, most: int, **options: Any) -> bytes:
    r"""Return what is packed in `body`.

    Parameters
    ----------
    kind
        One of `KINDS`.
    most
        Bytes that may come out.
    options
        Of the kind: ``format`` and ``filters`` of lzma.

    Raises
    ------
    SourceError
        If more come out; the memory for them is never taken.
    UNPACK_ERRORS
        If it is torn.

    Examples
    --------
    >>> unpack("gzip", gzip.compress(bytes(4)), 4)
    b'\x00\x00\x00\x00'
    >>> unpack("gzip", gzip.compress(bytes(1 << 20)), 4)
    Traceback (most recent call last):
    voxlake.platform.errors.SourceError: it unpacks to more than the 4 bytes of a chunk
    """
    check_size(kind, body, most)
    if not body or (kind == "blosc" and int.from_bytes(body[12:16], "little") > len(body)):
        raise EOFError("its end is missing")  # which some decoders do not look at
    if kind in _INTO:
        return bytes(_INTO[kind](body, most))
    if kind == "zlib":
        stream = zlib.decompressobj()
        unpacked = stream.decompress(body, most + 1)
        if not stream.eof and len(unpacked) <= most:
            raise EOFError("its end is missing")
    else:
        with _STREAMS[kind](io.BytesIO(body), **options) as opened:
            unpacked = opened.read(most + 1)
    if len(unpacked) > most:
        raise _too_large(most)
    return unpacked


def check_size(kind: str, head: bytes, most: int) -> None:
    """Raise SourceError if the first bytes of what is packed promise more than `most` bytes."""
    if kind in _SIZES and _SIZES[kind](head) > most:
        raise _too_large(most)


def _too_large(most: int) -> SourceError:
    return SourceError(f"it unpacks to more than the {most} bytes of a chunk")
