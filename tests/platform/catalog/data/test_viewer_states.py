"""States of the viewer that people share, on SQLite and on PostgreSQL."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from voxlake.platform.catalog.data import viewer_states
from voxlake.platform.catalog.data.viewer_states import LONGEST, MAX_BYTES, USUAL
from voxlake.platform.database import now
from voxlake.platform.errors import InvalidInputError, LimitExceededError, NotFoundError

if TYPE_CHECKING:
    from voxlake.platform.catalog import Catalog

TEXT = '{"layers":[],"title":"\\u0000 \u00e4"}'


def test_a_state_is_kept_listed_and_deleted(catalog: Catalog) -> None:
    states, ada = catalog.viewer_states, catalog.people.add_user("ada").id
    before = now()
    first = states.add(TEXT, ada, for_users=False)
    second = states.add("{}", ada, before + timedelta(days=1), for_users=True)
    owners = states.add("{}", None, for_users=False)
    assert before + USUAL <= first.ends_at <= now() + USUAL
    assert len({len(each.serial) for each in (first, second, owners)}) == 1
    assert states.text(first.serial) == TEXT
    assert (first.characters, first.for_users, second.for_users) == (len(TEXT), False, True)
    assert states.get(second.serial) == second
    assert states.list_states(ada) == [first, second]
    assert states.list_states(ada, limit=1, after=first.id) == [second]
    assert states.list_states(None) == [owners]
    states.delete(first.serial)
    states.delete(first.serial)
    for ask in (states.get, states.text):
        with pytest.raises(NotFoundError, match="no such state"):
            ask(first.serial)
    assert states.list_states(ada) == [second]


def test_a_state_that_is_over_is_gone(catalog: Catalog) -> None:
    states = catalog.viewer_states
    state = states.add("{}", None, now() + timedelta(seconds=0.2), for_users=False)
    time.sleep(0.25)
    assert states.list_states(None) == []
    for ask in (states.get, states.text):
        with pytest.raises(NotFoundError):
            ask(state.serial)
    # The next one takes its place, in the table too.
    states.add("{}", None, for_users=False)
    with catalog.database.read() as connection:
        kept = connection.exec_driver_sql("SELECT count(*) FROM viewer_states").scalar_one()
    assert kept == 1


def test_what_is_no_state_is_refused(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    states = catalog.viewer_states
    for ends_at in (now() - timedelta(seconds=1), now() + LONGEST + timedelta(days=1)):
        with pytest.raises(InvalidInputError, match="give an end that is to come"):
            states.add("{}", None, ends_at, for_users=False)
    assert states.add("x" * MAX_BYTES, None, for_users=False).characters == MAX_BYTES
    with pytest.raises(LimitExceededError, match=f"has {MAX_BYTES + 2} bytes"):
        states.add("ä" + "x" * MAX_BYTES, None, for_users=False)
    monkeypatch.setattr(viewer_states, "MAX_STATES", 2)
    states.add("{}", None, for_users=False)
    with pytest.raises(LimitExceededError, match="delete some"):
        states.add("{}", None, for_users=False)
