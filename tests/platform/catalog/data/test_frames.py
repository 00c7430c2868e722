"""Coordinate frames, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from voxlake.platform.access import Permission, Principal
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    InvalidNameError,
    NotFoundError,
)

if TYPE_CHECKING:
    from voxlake.platform.catalog import Catalog

HEMIBRAIN = Frame("hemibrain", (-5, 0, 1), (41_394, 39_743, 34_432), (8, 8.5, 8), "nanometer", "x")


def test_they_are_made_changed_and_deleted(catalog: Catalog) -> None:
    made = catalog.frames.add(HEMIBRAIN)
    assert made == catalog.frames.get("hemibrain") == HEMIBRAIN
    other = catalog.frames.add(replace(HEMIBRAIN, name="Other", stop=(1 << 40, 1, 2)))
    assert catalog.frames.list_all() == [other, made]
    changed = catalog.frames.change("hemibrain", to="fly", description="")
    assert changed == replace(HEMIBRAIN, name="fly", description="")
    assert catalog.frames.change("fly", to="fly") == changed
    with pytest.raises(ConflictError, match="Other exists already"):
        catalog.frames.change("fly", to="Other")
    with pytest.raises(ConflictError, match="Other exists already"):
        catalog.frames.add(other)
    catalog.frames.remove("fly")
    for ask in (catalog.frames.get, catalog.frames.remove, catalog.frames.change):
        with pytest.raises(NotFoundError, match="no frame fly"):
            ask("fly")
    assert [each.action for each in reversed(catalog.audit.list_entries())] == [
        "add frame",
        "add frame",
        "update frame",
        "update frame",
        "remove frame",
    ]


def test_one_that_an_experiment_lies_in_stays(catalog: Catalog) -> None:
    for name in ("hemibrain", "other"):
        catalog.frames.add(replace(HEMIBRAIN, name=name))
    catalog.collections.add(("flyem",))
    catalog.collections.add(("flyem", "medulla"), frame="hemibrain")
    with pytest.raises(ConflictError, match="an experiment lies in frame hemibrain"):
        catalog.frames.remove("hemibrain")
    assert catalog.frames.change("hemibrain", to="fly").name == "fly"
    assert catalog.collections.get(("flyem", "medulla")).frame == "fly"
    assert catalog.collections.set_frame(("flyem", "medulla"), "other").frame == "other"
    catalog.frames.remove("fly")
    catalog.collections.remove(("flyem", "medulla"))
    catalog.frames.remove("other")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"name": "a b"}, InvalidNameError),
        ({"unit": "parsec"}, InvalidInputError),
        ({"stop": (41_394, 39_743, 1)}, InvalidInputError),
        ({"stop": (1 << 63, 39_743, 10)}, InvalidInputError),
        ({"voxel_size": (8, 0, 8)}, InvalidInputError),
        ({"voxel_size": (8, float("nan"), 8)}, InvalidInputError),
        ({"voxel_size": (8, float("inf"), 8)}, InvalidInputError),
        ({"description": "a\0b"}, InvalidInputError),
    ],
)
def test_what_is_none_is_refused(wrong: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        replace(HEMIBRAIN, **wrong)


def test_who_made_one_may_change_it(catalog: Catalog) -> None:
    for name in ("ada", "bob"):
        catalog.people.add_user(name)
    frame = catalog.frames.add(HEMIBRAIN, owner="ada")
    ada, bob = map(catalog.people.principal_of, ("ada", "bob"))
    update = Permission.UPDATE
    assert frame.may_be_changed_by(ada, update)
    assert frame.may_be_changed_by(Principal("x", is_owner=True), update)
    assert not frame.may_be_changed_by(bob, update)
    assert not frame.may_be_changed_by(replace(ada, permissions=frozenset()), update)
    assert not frame.may_be_changed_by(replace(ada, within=7), update)
    assert not catalog.frames.add(replace(HEMIBRAIN, name="free")).may_be_changed_by(ada, update)
