"""Labels whose index does not describe what is stored are told of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels

from voxlake.api.checks import sidecars
from voxlake.api.checks.sidecars import look_at_sidecars
from voxlake.ngff.grid.layout import Kind
from voxlake.platform import store
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    import pytest

    from voxlake.platform.store import StoreURL


def test_a_shard_without_rows_is_told(lake: StoreURL, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_catalog(lake, Settings()) as catalog:
        add_sample(lake, catalog, Sample("a/b/em", image_voxels((20, 30, 40))))
        add_sample(
            lake, catalog, Sample("a/b/cells", label_voxels((20, 30, 40)), Kind.LABELS, of="em")
        )
        records = catalog.list_datasets()
    assert look_at_sidecars(lake, records)[0] == "ok"
    [sidecar, *_] = store.walk(lake / "a/b/em.index/cells/shards")
    store.delete(sidecar.url)
    state, found, advice = look_at_sidecars(lake, records)
    assert (state, found) == ("warn", "1 of 2 shards of a/b/cells are not in its index")
    assert "voxlake audit" in (advice or "")
    monkeypatch.setattr(sidecars, "MOST_SHARDS", 1)
    assert look_at_sidecars(lake, records)[0] == "ok"
    store.write(lake / "a/b/em.ome.zarr/labels/cells/zarr.json", b"{")
    assert "a/b/cells cannot be read" in look_at_sidecars(lake, records)[1]
