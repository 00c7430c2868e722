"""Measurements that are old, and limits that hold nothing, are told of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.api.lakes import Sample, add_sample, image_voxels

from voxlake.api.checks import measured
from voxlake.api.checks.measured import OLD, look_at_measured
from voxlake.platform.catalog import open_catalog
from voxlake.platform.catalog.usage import SYSTEM, Metric
from voxlake.platform.database import now
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    import pytest

    from voxlake.platform.store import StoreURL


def test_an_old_measurement_is_told(lake: StoreURL, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_catalog(lake, Settings()) as catalog:
        add_sample(lake, catalog, Sample("lab/brain/em", image_voxels((16, 16, 16))))
        assert look_at_measured(catalog.database)[0] == "ok"
        catalog.usage.set_limit(SYSTEM, Metric.STORED, 1 << 30)
        assert look_at_measured(catalog.database)[0] == "warn"
        [record] = catalog.list_datasets()
        catalog.stored.put(record.node, 3, 1000)
        assert look_at_measured(catalog.database)[0] == "ok"
        later = now() + OLD
        monkeypatch.setattr(measured, "now", lambda: later)
        state, found, advice = look_at_measured(catalog.database)
        assert state == "warn"
        assert "1 datasets" in found
        assert "usage measure" in (advice or "")
