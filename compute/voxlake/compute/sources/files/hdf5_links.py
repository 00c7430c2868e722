"""Links of HDF5 files: to names of the same file, and to other files.

The HDF5 library opens whatever a link names, and looks for files by rules of its own. Here a link
has to lead to something, and into the folder of the file unless all links are allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py

from voxlake.platform.errors import SourceError

ANYWHERE = "?links=anywhere"
"""At the end of a location: links may lead out of the folder of the file."""

_MOST_LINKS = 16
"""One after the other, as the HDF5 library has it."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far links may lead."""

    what: str
    """Kind and location, for messages."""
    folder: Path
    """Of the file that was given, without symbolic links."""
    anywhere: bool

    def file(self, beside: str, name: str) -> Path:
        """Return the file that `name` in the file `beside` means.

        Raises
        ------
        SourceError
            If it is not there, or lies outside of the folder.
        """
        path = Path(beside) if name == "." else Path(beside).parent / name
        if not path.is_file():
            raise SourceError(
                f"{self.what} is in part in {path}, which is not there; put it there, or give a "
                "file that has all of its parts"
            )
        if not self.anywhere and not path.resolve().is_relative_to(self.folder):
            raise SourceError(
                f"{self.what} is in part in {path}, outside of the folder {self.folder}; append "
                f"{ANYWHERE} to the location to have it read from there"
            )
        return path


def open_file(path: Path, what: str) -> h5py.File:
    """Open an HDF5 file; raise SourceError if it is none, or torn."""
    try:
        # No lock: it fails on read-only and some network file systems, and nothing is written.
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        raise SourceError(f"{what}: {path} cannot be read ({error}); restore the file") from error


def _opened(group: h5py.Group, key: bytes) -> object:
    """Return a member; of a dataset, files of raw voxels are looked for beside the file.

    The library looks in the working directory, and has a dataset open in one way at a time.
    """
    if h5py.h5o.get_info(group.id, key).type != h5py.h5o.TYPE_DATASET:
        return group[key]
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    access.set_efile_prefix(b"${ORIGIN}")
    try:
        opened = h5py.h5d.open(group.id, key)
    except KeyError:  # it is open in the other way
        return h5py.Dataset(h5py.h5d.open(group.id, key, access))
    if not opened.get_create_plist().get_external_count():
        return h5py.Dataset(opened)
    del opened
    return h5py.Dataset(h5py.h5d.open(group.id, key, access))


def follow(group: h5py.Group, name: str, reach: Reach, links: int = 0) -> object | None:
    """Return what lies at `name` below `group`, over soft and external links; None if nothing.

    Raises
    ------
    SourceError
        If a link leads to nothing, in a circle, or to where it may not.
    """
    node: object | None = group.file["/"] if name.startswith("/") else group
    for part in filter(None, name.split("/")):
        node = _member(node, part, reach, links) if isinstance(node, h5py.Group) else None
    return node


def names_in(file: h5py.File) -> tuple[list[str], list[str]]:
    """Return the names of the datasets of a file, and of its soft and external links."""
    names: list[str] = []
    links: list[str] = []

    def visit(name: bytes, info: h5py.h5o.ObjInfo) -> None:
        if info.type == h5py.h5o.TYPE_DATASET:
            names.append(name.decode())

    def visit_link(name: str, link: object) -> None:
        if isinstance(link, h5py.SoftLink | h5py.ExternalLink):
            links.append(name)

    h5py.h5o.visit(file.id, visit, info=True)
    file.visititems_links(visit_link)
    return names, links


def _member(group: h5py.Group, part: str, reach: Reach, links: int) -> object | None:
    known, key = group.id.links, part.encode()
    if not known.exists(key):
        return None
    kind = known.get_info(key).type
    if kind not in {h5py.h5l.TYPE_SOFT, h5py.h5l.TYPE_EXTERNAL}:
        return _opened(group, key)
    if links == _MOST_LINKS:
        raise SourceError(f"{reach.what} has links that run in a circle at {part}; mend the file")
    value = known.get_val(key)
    if kind == h5py.h5l.TYPE_SOFT:
        target, path = group, value.decode()
    else:
        file, path = (text.decode() for text in value)
        target, path = open_file(reach.file(group.file.filename, file), reach.what), f"/{path}"
    found = follow(target, path, reach, links + 1)
    if found is None:
        raise SourceError(
            f"{reach.what} has the link {part} to {path} of {target.file.filename}, which is not "
            "there; mend the file"
        )
    return found
