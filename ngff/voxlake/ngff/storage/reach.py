"""What of a dataset keys of its store reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.platform.store.s3.temporary import Reach

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlake.ngff.dataset import Dataset
    from voxlake.ngff.lake import Place

_DOCUMENTS = ("zarr.json", ".zgroup", ".zattrs", ".zmetadata")


def reach_of(
    dataset: Dataset, place: Place, labels: Iterable[Place] = (), *, all_labels: bool = False
) -> Reach:
    """Return what may be read of a dataset: its documents, its levels, and some labels inside it.

    Parameters
    ----------
    labels
        Those of it that may be read; what does not lie inside it counts for nothing.
    all_labels
        Whether these are all that it has: then their list may be read, which tells of each.
    """
    inside = f"{place.key}/"
    keys = (each.key for each in labels if each.elsewhere is None)
    folders = [f"{key.removeprefix(inside)}/" for key in keys if key.startswith(inside)]
    lists = [f"labels/{document}" for document in _DOCUMENTS] if all_labels else []
    return Reach((*_DOCUMENTS, *levels_of(dataset), *folders, *lists))


def levels_of(dataset: Dataset) -> tuple[str, ...]:
    """Return the folders that the levels of a dataset lie in, each with a slash at its end."""
    paths = (level.path for level in dataset.multiscale.levels)
    return tuple(dict.fromkeys(f"{path.partition('/')[0]}/" for path in paths))
