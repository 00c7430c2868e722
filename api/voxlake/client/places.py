"""What is at a gateway, who asks, and who else may: found, made, shared, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlake.client.arrays.shown import Listed
from voxlake.client.http.pages import listed
from voxlake.client.jobs import GatewayJobs
from voxlake.documents.datasets.dataset import DatasetList, DatasetSummary, DeletionDocument
from voxlake.documents.people.people import MeDocument, ShareDocument, ShareList
from voxlake.documents.places.deleted import DeletedDocument, DeletedList, RestoredDocument
from voxlake.documents.places.places import PlaceDocument, PlacePage
from voxlake.platform.names import DatasetName, check_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Literal

    from voxlake.client.http.connection import Connection
    from voxlake.client.jobs import RemoteJob

_NOTHING: Mapping[str, str] = {}
_PLACE = ("name", "kind", "public", "description")


class Places:
    """The part of `Gateway` that is about places and people.

    A place is ``collection``, ``collection/experiment`` or ``collection/experiment/dataset``.
    Notebooks show what is listed as tables.
    """

    _connection: Connection

    def me(self) -> MeDocument:
        """Return who asks, as the gateway knows them: name, groups, and what they may at most."""
        return self._connection.ask(MeDocument, "/v2/me")

    def datasets(self) -> Listed[DatasetSummary]:
        """Return the datasets that the asker may read, sorted by name."""
        datasets = self._connection.ask(DatasetList, "/v2/datasets").datasets
        return Listed.of(datasets, "name", "kind", "state", "public", "description")

    def search(self, words: str, *, limit: int | None = None) -> Listed[PlaceDocument]:
        """Return all places that the asker may read and words find, or the first `limit` of them.

        Each word must begin one of the name, the description, or a key or value of a place.
        """
        return self._places("/v2/search", {"q": words}, limit)

    def collections(self) -> Listed[PlaceDocument]:
        """Return the collections that the asker may read, sorted by name."""
        return self._places("/v2/collections")

    def experiments(self, collection: str) -> Listed[PlaceDocument]:
        """Return the experiments of a collection that the asker may read, sorted by name."""
        return self._places(f"/v2/collections/{check_name(collection, 'collection')}/experiments")

    def create_collection(self, name: str, description: str = "") -> PlaceDocument:
        """Make a collection, which the asker owns; raise ConflictError if there is one."""
        asked = {"name": name, "description": description}
        return self._connection.ask(PlaceDocument, "/v2/collections", "POST", json=asked)

    def create_experiment(
        self, collection: str, name: str, description: str = "", *, frame: str | None = None
    ) -> PlaceDocument:
        """Make an experiment in a collection, in a coordinate frame if one is named."""
        path = f"/v2/collections/{check_name(collection, 'collection')}/experiments"
        asked: dict[str, Any] = {"name": name, "description": description, "frame": frame}
        return self._connection.ask(PlaceDocument, path, "POST", json=asked)

    def share(
        self,
        place: str,
        group: str,
        role: Literal["viewer", "annotator", "editor", "owner"] = "viewer",
        *,
        ends_at: datetime | None = None,
    ) -> ShareDocument:
        """Let a group have a role at a place and below it, in the place of one that it had.

        Parameters
        ----------
        group
            Each user has one of their name; ``public`` is everybody.
        ends_at
            With its time zone; None: never.

        Raises
        ------
        NotFoundError, ForbiddenError
            If there is no such place or group, or the asker may not.
        """
        asked = {"role": role} | ({} if ends_at is None else {"ends_at": ends_at.isoformat()})
        path, where = f"/v2/shares/{check_name(group, 'group')}", {"place": place}
        return self._connection.ask(ShareDocument, path, "PUT", params=where, json=asked)

    def unshare(self, place: str, group: str) -> None:
        """Take back all that a group was granted at a place; what it has from above stays."""
        path = f"/v2/shares/{check_name(group, 'group')}"
        self._connection.send(path, "DELETE", params={"place": place})

    def shares(self, place: str) -> Listed[ShareDocument]:
        """Return what is shared at a place and above it, as far as the asker may know."""
        shares = self._connection.ask(ShareList, "/v2/shares", params={"place": place}).shares
        return Listed.of(shares, "place", "group", "role", "starts_at", "ends_at")

    def delete(self, name: str, *, with_labels: bool = False) -> RemoteJob:
        """Hide a dataset at once, and return the job that deletes it from the store.

        For as long as the gateway says the job waits, and `restore` brings the dataset back.

        Raises
        ------
        ConflictError
            If labels belong to it and are not to go with it, or a job works on it.
        """
        path, how = f"/v2/datasets/{DatasetName.parse(name)}", {"with_labels": with_labels}
        hidden = self._connection.ask(DeletionDocument, path, "DELETE", params=how)
        return GatewayJobs(self._connection)[hidden.job]

    def deleted(self) -> Listed[DeletedDocument]:
        """Return what was deleted and the asker can bring back, the last deleted first."""

        def ask(part: dict[str, Any]) -> DeletedList:
            return self._connection.ask(DeletedList, "/v2/deleted", params=part)

        found = listed(ask, lambda page: page.deleted)
        return Listed.of(found, "id", "name", "kind", "deleted_at", "purge_at")

    def restore(self, deleted: int, name: str | None = None) -> RestoredDocument:
        """Bring back something that was deleted, by its id, as it was or under another name.

        Raises
        ------
        NotFoundError
            If nothing of the id was deleted, or it is gone for good.
        ConflictError
            If the name is taken, what it lay in is deleted, or a worker has begun to purge it.
        """
        path, asked = f"/v2/deleted/{deleted:d}/restore", {"name": name}
        return self._connection.ask(RestoredDocument, path, "POST", json=asked)

    def _places(
        self, path: str, asked: Mapping[str, str] = _NOTHING, limit: int | None = None
    ) -> Listed[PlaceDocument]:
        def ask(part: dict[str, Any]) -> PlacePage:
            return self._connection.ask(PlacePage, path, params={**asked, **part})

        return Listed.of(listed(ask, lambda page: page.places, limit), *_PLACE)
