"""Replace a dataset: another is made beside it, and takes its place by one write.

It is made in a folder of the old one's group that bears the name of the job, as a dataset of its
own: with its own mark of who makes it (see `Making`), and for labels with an index in a folder of
that name. Once it is whole, the document of the group is exchanged for one that names its levels.
Who reads finds the old one before that write and the new one after it, whole each. The old levels
are deleted then, their documents first.

Each step may be done again.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.making.create import delete_array_documents, delete_documents
from voxlake.ngff.making.unfinished import Making
from voxlake.ngff.metadata.model import folder_of_job, folder_of_level, is_folder
from voxlake.ngff.metadata.reading import parse_document, parse_multiscale, read_multiscale
from voxlake.ngff.metadata.seal import require_seal, sealed
from voxlake.ngff.metadata.writing import encoded
from voxlake.ngff.stale import delete_all_marks, delete_marks, list_marks
from voxlake.platform import store
from voxlake.platform.errors import UNREADABLE, ConflictError
from voxlake.platform.store.update import update

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.ngff.lake import Place
    from voxlake.platform.store import StoreURL


@dataclass(frozen=True, slots=True)
class Replacement:
    """The replacement of a dataset by one that a job makes."""

    lake: StoreURL
    place: Place
    """The dataset."""
    job: str
    """Id of the job."""
    levels: tuple[str, ...]
    """Paths of the levels that are to be replaced, below the group."""

    @property
    def folder(self) -> str:
        """Folder of the group that the new one is made in."""
        return folder_of_job(self.job)

    @property
    def beside(self) -> Place:
        """Where the new one is made."""
        return self.place.within(self.folder)

    @property
    def url(self) -> StoreURL:
        """Address of the group."""
        return self.lake / self.place.key

    def is_done(self) -> bool:
        """Return whether the new one is in the place of the old one; no, if that is unreadable."""
        try:
            return read_multiscale(self.url).folder == self.folder
        except UNREADABLE:
            return False

    def switch(self) -> None:
        """Put the new one, which is whole, in the place of the old one.

        The name that the group keeps stays, all else in its document is of the new one.

        Raises
        ------
        ConflictError
            If the group has other levels by now than those that are to be replaced.
        """
        Making(self.lake / self.beside.key, self.job).finish()
        made = _document(self.lake / self.beside.key)
        update(self.url / "zarr.json", lambda body: self._switched(body, made))

    def clear(self) -> None:
        """Delete the old levels, and what others left in the group who were to replace it."""
        left = filter(is_folder, store.list_children(self.url)[0])
        folders = {*left, *map(folder_of_level, self.levels)} - {self.folder, ""}
        for folder in sorted(folders):
            delete_documents(self.url / folder)
        levels = [path for path in self.levels if not folder_of_level(path)]
        for path in levels:
            delete_array_documents(self.url / path)
        if self.place.kind is Kind.LABELS:
            self._clear_index()
        for folder in folders:
            delete_all_marks(self.url / folder)
        for path in levels[:1]:  # the finest alone has marks
            level = self.url / path
            delete_marks(level, [mark.url.name for mark in list_marks(level)])
        for path in (*levels, *sorted(folders)):
            store.delete_tree(self.url / path)

    def discard(self) -> None:
        """Delete what was made beside; the old one stays."""
        _discard(self.lake, self.beside)

    def discard_others(self) -> None:
        """Delete what others began to make beside, who were given up meanwhile."""
        current = read_multiscale(self.url).folder
        for name in filter(is_folder, store.list_children(self.url)[0]):
            if name not in {self.folder, current}:
                _discard(self.lake, self.place.within(name))

    def _clear_index(self) -> None:
        """Delete the label index of the old ones."""
        index = self.lake / self.place.index_key
        folders, objects = store.list_children(index)
        for name in folders:
            if name != self.folder:
                store.delete_tree(index / name)
        for name in objects:
            store.delete(index / name)

    def _switched(self, body: bytes | None, made: dict[str, Any]) -> bytes:
        url = self.url / "zarr.json"
        found = parse_document(body or b"", url)
        require_seal(found, url)
        paths = tuple(_level_paths(found, self.url))
        if {*map(folder_of_level, paths)} == {self.folder}:
            return body or b""
        if paths != self.levels:
            raise ConflictError(
                f"{self.url} has the levels {', '.join(paths)} by now, and not those that were to "
                "be replaced; begin again"
            )
        return encoded(self._taking_place(found, made))

    def _taking_place(self, old: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
        """Return the document of the group once it is of the new one."""
        document = copy.deepcopy(made)
        for level in document["attributes"]["ome"]["multiscales"][0]["datasets"]:
            level["path"] = f"{self.folder}/{level['path']}"
        ours = old["attributes"].get("voxlake") or {}
        kept = {"named": ours["named"]} if "named" in ours else {}
        document["attributes"]["voxlake"] = kept | document["attributes"]["voxlake"]
        return sealed(document)


def _document(url: StoreURL) -> dict[str, Any]:
    document = parse_document(store.read(url / "zarr.json").body, url / "zarr.json")
    require_seal(document, url / "zarr.json")
    return document


def _level_paths(document: dict[str, Any], url: StoreURL) -> Iterable[str]:
    ome = (document.get("attributes") or {}).get("ome") or {}
    return (level.path for level in parse_multiscale(ome, str(url)).levels)


def _discard(lake: StoreURL, place: Place) -> None:
    delete_documents(lake / place.key)
    store.delete_tree(lake / place.index_key)
    delete_all_marks(lake / place.key)
    store.delete_tree(lake / place.key)
