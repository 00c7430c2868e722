"""How long things are kept is told, and what is older than that is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import insert

from voxlake.api.checks.kept import LATE, look_at_kept
from voxlake.platform.catalog import open_catalog
from voxlake.platform.catalog.retention import Kept
from voxlake.platform.catalog.tables import audit
from voxlake.platform.database import now
from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL


def test_what_is_older_than_it_is_kept_is_told(lake: StoreURL) -> None:
    settings = Settings(audit_days=30, deleted_days=1)
    with open_catalog(lake, settings) as catalog:
        for age in (timedelta(days=30) + LATE / 2, timedelta(0)):
            row = {"at": now() - age, "by": "ada", "action": "add user"}
            with catalog.database.write() as connection:
                connection.execute(insert(audit).values(row | {"subject": "x", "detail": ""}))
        state, found, _ = look_at_kept(catalog, settings)
        assert state == "ok"
        assert found == (
            "what is deleted for 1 day, audit for 30 days, usage for ever, jobs for ever; "
            "0 deleted can be brought back"
        )
        stricter = settings.model_copy(update={"audit_days": 20})
        state, found, advice = look_at_kept(catalog, stricter)
        assert (state, found.endswith("older than that is audit")) == ("warn", True)
        assert "voxlake catalog prune" in (advice or "")
        assert catalog.retention.prune(Kept.by(stricter)).audit == 1
        assert look_at_kept(catalog, stricter)[0] == "ok"
