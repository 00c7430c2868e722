"""The parts that a virtual HDF5 dataset is made of, as its metadata name them.

A name may count: ``part%b.h5`` stands for part0.h5, part1.h5 and so on, for as many as there are
(HDF5 reference, `H5Pset_virtual`; ``%%`` is a percent sign). The library ends such a dataset
before the first that it cannot open, without an error.
"""

from __future__ import annotations

import glob
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

from voxlake.compute.sources.files.hdf5_links import names_in, open_file
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from voxlake.compute.sources.files.hdf5_links import Reach

_COUNTED = re.compile("%([%b])")
"""What a name has in place of a number, or of a percent sign."""


@dataclass(frozen=True, slots=True)
class Part:
    """Of a virtual dataset."""

    file: str
    name: str
    """Of the dataset in that file."""
    selected: h5py.h5s.SpaceID
    """What of that dataset is taken."""
    voxels: int
    """Voxels of the virtual dataset that it fills."""


@dataclass(frozen=True, slots=True)
class _Mapping:
    """One part, or many whose names count."""

    file: str
    name: str
    selected: h5py.h5s.SpaceID
    into: h5py.h5s.SpaceID
    """What of the virtual dataset they fill."""

    @property
    def is_counted(self) -> bool:
        """Whether the names count."""
        return any("b" in _COUNTED.findall(text) for text in (self.file, self.name))

    def part(self, number: int, voxels: int) -> Part:
        """Return the part of that number, counted from 0."""
        file, name = (_with_number(text, str(number)) for text in (self.file, self.name))
        return Part(file, name, self.selected, voxels)


def parts_of(dataset: h5py.Dataset) -> Iterator[Part]:
    """Yield the parts of a virtual dataset; of those that are counted at least the first."""
    for mapping in _mappings(dataset):
        endless = _endless(mapping.into)
        if endless is None:
            yield mapping.part(0, mapping.into.get_select_npoints())
            continue
        extents = _filled(mapping.into, endless, dataset.shape)
        if not mapping.is_counted:
            yield mapping.part(0, math.prod(map(sum, extents)))
            continue
        # Each block along the axis that has no end is a part.
        across = math.prod(sum(each) for axis, each in enumerate(extents) if axis != endless)
        for number, extent in enumerate(extents[endless] or [0]):
            yield mapping.part(number, across * extent)


def check_extents(dataset: h5py.Dataset, reach: Reach) -> None:
    """Raise SourceError if a dataset has no shape, because a part that gives it is torn."""
    try:
        dataset.id.get_space()
    except RuntimeError as error:
        for mapping in _mappings(dataset):
            for number in sorted(_numbers(dataset, mapping, reach)):
                part = mapping.part(number, 0)
                open_file(reach.file(dataset.file.filename, part.file), reach.what)
        raise SourceError(
            f"{reach.what} is virtual, of parts that cannot be read ({error}); restore them"
        ) from error


def check_numbers(dataset: h5py.Dataset, reach: Reach) -> None:
    """Raise SourceError if there are parts after the last one that counts.

    Those before it are known to be there by `parts_of`.
    """
    for mapping in _mappings(dataset):
        endless = _endless(mapping.into)
        if not mapping.is_counted or endless is None:
            continue
        count = len(_filled(mapping.into, endless, dataset.shape)[endless])
        later = [number for number in _numbers(dataset, mapping, reach) if number >= count]
        if later:
            first, absent = mapping.part(min(later), 0), mapping.part(count, 0)
            raise SourceError(
                f"{reach.what} is virtual, of parts that are counted, and ends before "
                f"{absent.file}::{absent.name}, which is not there or cannot be read, though "
                f"{first.file}::{first.name} is there; restore it, or remove what comes after it"
            )


def is_in(part: Part, source: h5py.Dataset) -> bool:
    """Return whether what is taken of a source is there; all of it has no bounds of its own."""
    if part.selected.get_select_type() == h5py.h5s.SEL_ALL:
        return bool(source.size == part.voxels)
    if _endless(part.selected) is not None:  # is as long as the source
        return bool(len(part.selected.shape) == source.ndim)
    _, last = part.selected.get_select_bounds()
    return len(last) == source.ndim and all(
        n > hi for n, hi in zip(source.shape, last, strict=True)
    )


def _mappings(dataset: h5py.Dataset) -> Iterator[_Mapping]:
    # Not kept with the dataset: see voxlake.compute.sources.files.hdf5_parts.
    plist = dataset.id.get_create_plist()
    for index in range(plist.get_virtual_count()):
        yield _Mapping(
            plist.get_virtual_filename(index),
            plist.get_virtual_dsetname(index),
            plist.get_virtual_srcspace(index),
            plist.get_virtual_vspace(index),
        )


def _with_number(text: str, number: str) -> str:
    return _COUNTED.sub(lambda found: "%" if found[1] == "%" else number, text)


def _endless(space: h5py.h5s.SpaceID) -> int | None:
    """Return the axis along which a selection has no end; None if it has one."""
    if space.get_select_type() != h5py.h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        return None
    _, _, counts, blocks = space.get_regular_hyperslab()
    both = zip(counts, blocks, strict=True)
    return next((axis for axis, each in enumerate(both) if h5py.h5s.UNLIMITED in each), None)


def _filled(space: h5py.h5s.SpaceID, endless: int, shape: tuple[int, ...]) -> list[list[int]]:
    """Return the extents, along each axis, of the blocks of a selection without an end.

    Along that axis they are those that lie in `shape`, the last of them as far as it does.
    """
    extents = []
    for axis, each in enumerate(zip(*space.get_regular_hyperslab(), shape, strict=True)):
        start, stride, count, block, size = map(int, each)
        step = block if block == h5py.h5s.UNLIMITED else stride
        inside = [min(block, size - at) for at in range(start, size, step)]
        extents.append(inside if axis == endless else [block] * count)
    return extents


def _numbers(dataset: h5py.Dataset, mapping: _Mapping, reach: Reach) -> set[int]:
    """Return the numbers of the parts that lie where a mapping looks for them."""
    beside = Path(dataset.file.filename).parent
    if "b" in _COUNTED.findall(mapping.file):
        return _numbered(glob.glob(_wild(str(beside / mapping.file))), str(beside / mapping.file))  # noqa: PTH207
    path = reach.file(dataset.file.filename, _with_number(mapping.file, ""))
    names, links = names_in(open_file(path, reach.what))
    return _numbered([*names, *links], mapping.name.strip("/"))


def _wild(text: str) -> str:
    """Return the pattern of a counted path."""
    parts = re.split("(%[%b])", text)
    return "".join({"%b": "[0-9]*", "%%": "%"}.get(part, glob.escape(part)) for part in parts)


def _numbered(names: Iterable[str], text: str) -> set[int]:
    """Return the numbers for which names are what `text` says, without zeros before them."""
    pattern = "".join(
        {"%b": "([0-9]+)", "%%": "%"}.get(part, re.escape(part))
        for part in re.split("(%[%b])", text)
    )
    found = (match[1] for name in names if (match := re.fullmatch(pattern, os.fspath(name))))
    return {int(number) for number in found if _with_number(text, str(int(number))) in names}
