"""A database that cannot be worked with is told of, and left as it is."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from voxlake.api.checks.catalog import CLOCK_S, look_at_database, outcome_of
from voxlake.platform.catalog import open_catalog
from voxlake.platform.catalog.condition import NEWEST, Condition, condition_of
from voxlake.platform.catalog.migrate import REVISIONS
from voxlake.platform.catalog.opening import catalog_database

if TYPE_CHECKING:
    from voxlake.platform.settings import Settings
    from voxlake.platform.store import StoreURL


def test_one_that_is_well_is_of_this_version(lake: StoreURL, new_database: Settings) -> None:
    with closing(catalog_database(lake, new_database)) as database:
        assert look_at_database(database)[0] == "fail"
        open_catalog(lake, new_database).close()
        state, found, _ = look_at_database(database)
        assert (state, NEWEST in found) == ("ok", True)


def test_a_look_makes_no_file(lake: StoreURL, new_database: Settings) -> None:
    with closing(catalog_database(lake, new_database)) as database:
        assert condition_of(database).revision is None
    assert not (lake.path / ".voxlake").exists()


@pytest.mark.parametrize(
    ("revision", "state", "to_do"),
    [(REVISIONS[-2], "warn", "back it up"), ("9999", "fail", "upgrade voxlake")],
)
def test_another_version_is_told_and_nothing_is_changed(
    lake: StoreURL, any_database: Settings, revision: str, state: str, to_do: str
) -> None:
    open_catalog(lake, any_database).close()
    with closing(catalog_database(lake, any_database)) as database:
        with database.write() as connection:
            connection.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))
        told, found, advice = look_at_database(database)
        assert told == state
        assert revision in found
        assert to_do in (advice or "")
        assert condition_of(database).revision == revision


@pytest.mark.parametrize("ahead_s", [CLOCK_S + 1, -CLOCK_S - 1])
def test_a_clock_that_is_wrong_is_told(ahead_s: float) -> None:
    state, found, advice = outcome_of("PostgreSQL", Condition(NEWEST, ahead_s))
    assert state == "warn"
    assert "differs from that of this machine by 6 s" in found
    assert "NTP" in (advice or "")
