"""How much lies on the store of a dataset: its voxels and metadata, its label index, its marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.ngff.grid.layout import Kind
from voxlake.platform import store

if TYPE_CHECKING:
    from voxlake.ngff.lake import Place
    from voxlake.platform.store import StoreURL

_LABELS = "labels/"


@dataclass(frozen=True, slots=True)
class Size:
    """Objects, and their bytes."""

    objects: int
    bytes: int


def stored_size(lake: StoreURL, place: Place) -> Size:
    """Return what lies on the store of a dataset, by listing it; labels of an image are their own.

    Raises
    ------
    StoreError
        If the store fails.
    """
    group = lake / place.key
    folders = [group] if place.kind is Kind.IMAGE else [group, lake / place.index_key]
    sizes = [
        each.size
        for folder in folders
        if not folder.is_local or folder.path.is_dir()
        for each in store.walk(folder)
        if not (folder == group and _is_of_labels(each.url.key, group.key))
    ]
    return Size(len(sizes), sum(sizes))


def _is_of_labels(key: str, group: str) -> bool:
    """Return whether an object in the group of an image is of labels in it."""
    below = key.removeprefix(f"{group}/")
    return below.startswith(_LABELS) and below.count("/") > 1
