"""NumPy's files: ``.npy``, mapped into memory, and ``.npz``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from voxlake.compute.sources.arrangement import arrange_named
from voxlake.compute.sources.files.mapped_file import MappedFile, mapped_source
from voxlake.compute.sources.files.npz import open_npz
from voxlake.compute.sources.fingerprint import fingerprint_files
from voxlake.compute.sources.location import named_file
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.compute.sources.source import Source


def open_npy(location: str) -> Source | None:
    """Open a ``.npy`` or ``.npz`` file.

    Raises
    ------
    SourceError
        If it is not there, torn, or holds Python objects.
    """
    path = named_file(location, (".npy",))
    if path is None:
        return open_npz(location)
    try:
        # That the file is as long as its header says is seen when it is mapped.
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise SourceError(f"NumPy file {path} cannot be read ({error}); restore it") from error
    _check_end(path, mapped)
    order: Literal["C", "F"] = "C" if mapped.flags.c_contiguous else "F"
    file = MappedFile(path, mapped.dtype, mapped.offset, mapped.shape, order=order)
    arrangement = arrange_named((), mapped.shape, f"NumPy file {path}")
    return mapped_source(file, arrangement, fingerprint_files([path], "npy"))


def _check_end(path: Path, mapped: np.memmap) -> None:
    """Raise SourceError if there is more behind the array, such as a second one."""
    if more := path.stat().st_size - mapped.offset - mapped.nbytes:
        raise SourceError(
            f"NumPy file {path} has {more} bytes behind its array of shape {mapped.shape}, which "
            "would be left out; save each array in a file of its own"
        )
