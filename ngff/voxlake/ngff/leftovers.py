"""Temporary files that killed writers left in a dataset, its marks and its label index.

The labels of an image lie inside its group, and what is written there is theirs: nobody but they
themselves look for it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from voxlake.ngff.stale import marks_url
from voxlake.platform import store

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.platform.store import StoreURL


def leftovers(url: StoreURL, index: StoreURL | None) -> list[Path]:
    """Return those of a dataset, not those of the labels in it, and those of its label index."""
    found = [
        path
        for each in _own(url)
        for path in store.leftovers(each, spared=partial(_is_of_labels, each))
    ]
    return found if index is None else [*found, *store.leftovers(index)]


def sweep(url: StoreURL, index: StoreURL | None) -> None:
    """Delete the `leftovers` of a dataset."""
    for each in _own(url):
        store.sweep(each, spared=partial(_is_of_labels, each))
    if index is not None:
        store.sweep(index)


def _own(url: StoreURL) -> list[StoreURL]:
    marks = marks_url(url / "0")
    return [url] if marks is None else [url, marks]


def _is_of_labels(url: StoreURL, path: Path) -> bool:
    parts = path.relative_to(url.path).parts
    return parts[0] == "labels" and len(parts) > 2
