"""The C library of zstd, as code that runs without the interpreter calls it.

numcodecs brings it along. Where its functions cannot be found there, TensorStore decodes.
https://facebook.github.io/zstd/zstd_manual.html
"""

from __future__ import annotations

import ctypes
import weakref
from functools import cache
from threading import local

import numcodecs.zstd


class ZstdLibrary:
    """The functions that are called."""

    def __init__(self, path: str) -> None:
        library = ctypes.CDLL(path)
        self._create, self._free = library.ZSTD_createDCtx, library.ZSTD_freeDCtx
        self._create.restype = ctypes.c_void_p
        self._free.argtypes = [ctypes.c_void_p]
        self._is_error, self._name = library.ZSTD_isError, library.ZSTD_getErrorName
        self._is_error.argtypes = self._name.argtypes = [ctypes.c_size_t]
        self._name.restype = ctypes.c_char_p
        self.decompress = int(ctypes.cast(library.ZSTD_decompressDCtx, ctypes.c_void_p).value or 0)
        """Address of the function."""
        self._kept = local()

    @property
    def context(self) -> int:
        """The context that this thread decodes by; it is freed with the thread."""
        kept = self._kept
        if not hasattr(kept, "context"):
            kept.context = _Context(int(self._create()))
            weakref.finalize(kept.context, self._free, kept.context.address)
        return int(kept.context.address)

    def error(self, code: int) -> str:
        """Return what a size that was returned stands for, if it is an error."""
        return str(self._name(code).decode()) if self._is_error(code) else f"it has {code} bytes"


class _Context:
    def __init__(self, address: int) -> None:
        self.address = address


@cache
def libzstd() -> ZstdLibrary:
    """Return the library."""
    return ZstdLibrary(numcodecs.zstd.__file__)


@cache
def has_libzstd() -> bool:
    """Return whether the library can be called."""
    try:
        libzstd()
    except (OSError, AttributeError):
        return False
    return True
