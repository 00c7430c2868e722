"""OME-TIFF sets: the OME-XML of a file may lie in another, and name others in turn.

https://docs.openmicroscopy.org/ome-model/latest/ome-tiff/specification.html: a file of a set whose
OME-XML is ``BinaryOnly`` names the ``MetadataFile`` that has it, an OME-TIFF or ``.companion.ome``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tifffile import TiffFile

from voxlake.compute.sources.images.slice_image import TIFF
from voxlake.compute.sources.images.tiff.promise import is_ome, ome_root
from voxlake.compute.sources.listing import listed
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

COMPANION = (".companion.ome", ".ome.xml")
"""Endings of the names of files that hold nothing but OME-XML."""


@dataclass(frozen=True, slots=True)
class DescribedTiff:
    """An open TIFF file, and the metadata that tell what it holds."""

    tif: TiffFile
    description: str
    """Of its first page, or the OME-XML that stands for it."""
    companion: tuple[Path, ...] = ()
    """The file that this is from, if it is another."""


def open_described(path: Path) -> DescribedTiff:
    """Open a TIFF file, or one of those that a companion file names.

    Raises
    ------
    SourceError
        If the file that should have the OME-XML is not there or is another, or if a file that the
        OME-XML names is not there.
    tifffile.TiffFileError, OSError
        If the file is no TIFF file.
    """
    if path.name.lower().endswith(COMPANION):
        names = _check_files(path, _text(path))
        if not names:
            raise SourceError(f"{path} names no TIFF file; give one of its set")
        return _by_companion(path.parent / names[0], path)
    tif = TiffFile(path)
    try:
        description = tif.pages.first.description
        companion = _companion(path, description) if is_ome(description) else None
        if companion is None:
            _check_files(path, description)
            return DescribedTiff(tif, description)
    except BaseException:
        tif.close()
        raise
    tif.close()
    # A TIFF file that has the metadata of the set is one of it: the way in, in place of `path`.
    return open_described(companion) if _is_tiff(companion) else _by_companion(path, companion)


def _companion(path: Path, description: str) -> Path | None:
    """Return the file with the OME-XML of a file that has none itself; None if it has."""
    for element in ome_root(description, f"TIFF {path}"):
        if not element.tag.endswith("BinaryOnly"):
            continue
        name, uuid = element.get("MetadataFile", ""), element.get("UUID")
        file = path.parent / name
        if not name or not file.is_file():
            raise SourceError(
                f"TIFF {path} is one of a set whose metadata are in {name or 'another file'}, "
                "which is not there; put the files of the set into one folder"
            )
        root = ome_root(_text(file), str(file))
        if (uuid and root.get("UUID") != uuid) or any(e.tag.endswith("BinaryOnly") for e in root):
            raise SourceError(
                f"TIFF {path} is one of a set whose metadata are in another {name}, of the UUID "
                f"{uuid}; put the files of the set into one folder"
            )
        return file
    return None


def _is_tiff(file: Path) -> bool:
    return file.name.lower().endswith(TIFF)


def _text(file: Path) -> str:
    """Return the OME-XML of a file: a TIFF file, or one of nothing else."""
    if not _is_tiff(file):
        return file.read_text(encoding="utf-8")
    with TiffFile(file) as tif:
        return tif.pages.first.description


def _by_companion(path: Path, companion: Path) -> DescribedTiff:
    """Open `path` with the OME-XML of `companion`."""
    xml = _text(companion).strip()
    _check_files(companion, xml)
    return DescribedTiff(TiffFile(path, omexml=xml), xml, (companion,))


def _check_files(path: Path, xml: str) -> list[str]:
    """Return the other files that OME-XML names; raise SourceError unless all are there."""
    if not is_ome(xml):
        return []
    root = ome_root(xml, str(path))
    own = (root.get("UUID") or "").lower()  # by which a file that was renamed knows itself
    found = (
        each.get("FileName") for each in root.iter() if (each.text or "").strip().lower() != own
    )
    names = list(dict.fromkeys(name for name in found if name))
    absent = [name for name in names if not (path.parent / name).is_file()]
    if absent:
        raise SourceError(
            f"TIFF {path} is of a set that lacks {listed(absent)}; put all of its files into one "
            "folder"
        )
    return names
