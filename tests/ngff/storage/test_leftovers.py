"""Uploads in parts that nobody ended, of a dataset: its own, and those of its label index."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.platform.store.test_multipart import NOW, begin

from voxlake.ngff.storage import leftovers
from voxlake.platform.store.s3.multipart import abandoned_uploads

if TYPE_CHECKING:
    import pytest

    from voxlake.platform.store import StoreURL


def test_those_of_labels_in_an_image_are_theirs(
    s3_store: StoreURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, index = s3_store / "em.ome.zarr", s3_store / "em.index/cells"
    mine = {"0/c/0/0/0", "labels/zarr.json"}
    for key in (*mine, "labels/cells/0/c/0/0/0"):
        begin(image / key, b"x")
    begin(index / "shards/0.0.0.parquet", b"x")
    begin(s3_store / "em.stale/0-1", b"x")
    begin(s3_store / "other.ome.zarr/0/c/0/0/0", b"x")
    assert leftovers.uploads(image, index) == []  # they may go on
    monkeypatch.setattr(
        leftovers, "abandoned_uploads", partial(abandoned_uploads, older_than_s=NOW)
    )
    own = {str(image / key) for key in mine} | {str(s3_store / "em.stale/0-1")}
    assert {str(each.url) for each in leftovers.uploads(image, None)} == own
    of_index = {str(index / "shards/0.0.0.parquet")}
    assert {str(each.url) for each in leftovers.uploads(image, index)} == own | of_index
