"""What killed writers left in a dataset, its marks and its label index: files, and uploads.

The labels of an image lie inside its group, and what is written there is theirs: nobody but they
themselves look for it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from voxlake.ngff.stale import marks_url
from voxlake.platform import store
from voxlake.platform.store.s3.multipart import abandoned_uploads

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.platform.store import StoreURL
    from voxlake.platform.store.s3.multipart import Upload


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


def uploads(url: StoreURL, index: StoreURL | None) -> list[Upload]:
    """Return the uploads in parts that nobody ended, of a bucket, as `leftovers` does files.

    Raises
    ------
    StoreDeniedError
        If the store does not tell of them.
    StoreUnavailableError
        If it cannot be asked.
    """
    found = [
        upload
        for each in _own(url)
        for upload in abandoned_uploads(each)
        if not _is_key_of_labels(upload.url.key.removeprefix(f"{each.key}/"))
    ]
    return found if index is None else [*found, *abandoned_uploads(index)]


def _own(url: StoreURL) -> list[StoreURL]:
    marks = marks_url(url / "0")
    return [url] if marks is None else [url, marks]


def _is_of_labels(url: StoreURL, path: Path) -> bool:
    return _is_key_of_labels(path.relative_to(url.path).as_posix())


def _is_key_of_labels(key: str) -> bool:
    return key.startswith("labels/") and key.count("/") > 1
