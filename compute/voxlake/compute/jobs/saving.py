"""Save what the catalog says of places on the store, beside the voxels: ``.voxlake/places.json``.

A catalog that is lost is made again of the store; what people said of it would be lost otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from voxlake.documents.places.saved import SavedPlacesDocument
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, CorruptDataError
from voxlake.platform.store.allowed.stores import MARK
from voxlake.platform.store.local.private import make_private

if TYPE_CHECKING:
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.platform.store import StoreURL

PLACES = "places.json"


def places_url(lake: StoreURL) -> StoreURL:
    """Return where a lake has the document."""
    return lake / MARK / PLACES


def read_places(lake: StoreURL) -> SavedPlacesDocument | None:
    """Return what was saved of the catalog of a lake; None if nothing was.

    Raises
    ------
    CorruptDataError
        If it is no such document.
    """
    stored = store.read_if_there(places_url(lake))
    return None if stored is None else _parsed(lake, stored.body)


def save_places(workspace: Workspace, *, replace: bool = False) -> SavedPlacesDocument:
    """Save what the catalog says of places, unless it is saved already.

    Parameters
    ----------
    workspace
        The lake, and its catalog.
    replace
        Whether what another catalog of the lake saved may go: it was taken in.

    Raises
    ------
    ConflictError
        If another catalog of the lake saved what is there.
    """
    # TensorStore takes as long to load as all else.
    from voxlake.platform.store.update import update

    lake = workspace.lake
    saved = SavedPlacesDocument.model_validate(workspace.catalog.saved.read())

    def change(body: bytes | None) -> bytes:
        before = None if body is None or replace else _parsed(lake, body)
        if before is not None and before.made_at != saved.made_at:
            raise ConflictError(
                f"{places_url(lake)} was saved by a catalog of this lake that was made at "
                f"{before.made_at:%Y-%m-%d %H:%M}, and is not this one; take it in with: voxlake "
                "catalog rebuild --merge"
            )
        if body is not None and before is not None and before.changes >= saved.changes:
            return body
        return saved.model_dump_json().encode()

    update(places_url(lake), change)
    if lake.is_local:
        # As the catalog itself: it tells of what not everybody may read.
        make_private(places_url(lake).path)
    return saved


@dataclass(slots=True)
class Saver:
    """Saves the places of a lake when they have changed."""

    workspace: Workspace
    _changes: int = -1

    def look(self) -> None:
        """Save them, if the catalog had changes since the last look."""
        changes = self.workspace.catalog.saved.count_changes()
        if changes != self._changes:
            save_places(self.workspace)
            self._changes = changes


def _parsed(lake: StoreURL, body: bytes) -> SavedPlacesDocument:
    try:
        return SavedPlacesDocument.model_validate_json(body)
    except ValidationError as error:
        raise CorruptDataError(
            f"{places_url(lake)} is not what a catalog saves; restore it, or delete it to have it "
            "made anew of what the catalog says"
        ) from error
