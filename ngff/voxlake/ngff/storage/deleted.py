"""What was deleted: brought back, or gone from the store for good, as a listing proves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlake.ngff.lake import keep_names
from voxlake.ngff.making.create import remove_dataset
from voxlake.ngff.stale import marks_url
from voxlake.platform import store
from voxlake.platform.errors import StoreError
from voxlake.platform.names import DatasetName
from voxlake.platform.nodes.tree import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxlake.ngff.lake import Place
    from voxlake.platform.access import Principal
    from voxlake.platform.catalog import Catalog
    from voxlake.platform.store import ObjectInfo, StoreURL

ATTEMPTS = 3
"""How often is deleted what others write meanwhile."""


@dataclass(frozen=True, slots=True)
class Purged:
    """What was deleted of a dataset; below its folders nothing is left."""

    folders: tuple[str, ...]
    """Their paths below the lake: of the group, of the label indexes and of the marks."""
    objects: int
    bytes: int
    keeps_versions: bool
    """Whether the bucket keeps versions of objects that were deleted, until a rule of it ends
    them."""


def purge_dataset(lake: StoreURL, place: Place) -> Purged:
    """Delete a dataset, its label index and its marks, and look that nothing is left of them.

    Of one that is registered in place, that is the index alone: its voxels are not the lake's.

    Raises
    ------
    StoreError
        If the store fails, or others go on writing there.
    """
    folders = folders_of(lake, place)
    count = size = 0
    first: StoreURL | None = None
    for each in (found for folder in folders for found in _walk(folder)):
        first, count, size = first or each.url, count + 1, size + each.size
    keeps_versions = first is not None and store.keeps_versions(first)
    left = _delete(lake, place, folders)
    if left:
        raise StoreError(
            f"something is written to what is deleted of {place.name}: {', '.join(left)} is not "
            "empty; stop whoever writes there, and delete it again"
        )
    below = f"{lake.key}/" if lake.key else ""
    told = tuple(folder.key.removeprefix(below) for folder in folders)
    return Purged(told, count, size, keeps_versions)


def folders_of(lake: StoreURL, place: Place) -> list[StoreURL]:
    """Return all folders below which something of a dataset may lie; none holds another's."""
    if place.elsewhere:
        return [lake / place.index_key]
    group, index = lake / place.key, place.index_key
    marks = marks_url(group / "0")
    index = index if place.of is not None else index.rpartition("/")[0]
    return [group, lake / index, *([] if marks is None else [marks])]


def _delete(lake: StoreURL, place: Place, folders: Sequence[StoreURL]) -> list[str]:
    """Delete a dataset; return the folders in which something is left."""
    left: list[str] = []
    for _ in range(ATTEMPTS):
        if place.elsewhere:
            store.delete_tree(lake / place.index_key)
        else:
            remove_dataset(lake, place)
        left = [str(folder) for folder in folders if not _is_empty(folder)]
        if not left:
            break
    return left


def _walk(folder: StoreURL) -> Iterator[ObjectInfo]:
    return iter(()) if folder.is_local and not folder.path.is_dir() else store.walk(folder)


def _is_empty(folder: StoreURL) -> bool:
    if folder.is_local:
        return not folder.path.exists()
    return next(store.walk(folder), None) is None


def restore_place(
    lake: StoreURL,
    catalog: Catalog,
    number: int,
    principal: Principal,
    to: Sequence[str] | None = None,
) -> tuple[str, ...]:
    """Bring back what was deleted, and let its group say what it is called if that is another name.

    Parameters
    ----------
    number
        The id of its node.
    principal
        Who asks.
    to
        What it is to be called, from the collection down; None: as it was.

    Returns
    -------
    Its names. Errors are those of `voxlake.platform.catalog.data.deleted.Deleted.restore`.
    """
    before = catalog.deleted.get(number, principal).names
    names = catalog.deleted.restore(number, principal, to)
    if names != before and len(names) == len(KINDS):
        name = DatasetName(*names)
        keep_names(lake, [catalog.get_dataset(name), *catalog.labels_of(name)])
    return names
