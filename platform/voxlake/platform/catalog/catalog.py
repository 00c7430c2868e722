"""A lake's catalog, by rooms; what it knows of datasets is asked and changed here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from voxlake.platform.access import Protected
from voxlake.platform.catalog.audit import Audit, Writer
from voxlake.platform.catalog.data.collections import Collections
from voxlake.platform.catalog.data.datasets import (
    add_record,
    find_record,
    is_of_family,
    is_there,
    list_records,
    move_record,
    remove_record,
    renew_record,
    set_public,
    set_state,
    taken_urls,
)
from voxlake.platform.catalog.data.deleted import Deleted
from voxlake.platform.catalog.data.deletion import Deletion
from voxlake.platform.catalog.data.frames import Frames
from voxlake.platform.catalog.data.jobs import Jobs
from voxlake.platform.catalog.data.metadata import Metadata
from voxlake.platform.catalog.data.node_records import EVERYTHING, Page, within
from voxlake.platform.catalog.data.plans import Plans
from voxlake.platform.catalog.data.provenance import Provenance
from voxlake.platform.catalog.data.record import EVERY_DATASET
from voxlake.platform.catalog.data.saved import Saved
from voxlake.platform.catalog.data.search import Search, finds_dataset
from voxlake.platform.catalog.data.uploads import Uploads, give_up_uploads
from voxlake.platform.catalog.data.viewer_states import ViewerStates
from voxlake.platform.catalog.identity.identities import Identities
from voxlake.platform.catalog.identity.lake_roles import LakeRoles
from voxlake.platform.catalog.identity.people import People
from voxlake.platform.catalog.identity.sessions import Sessions
from voxlake.platform.catalog.identity.tokens import Tokens
from voxlake.platform.catalog.retention import Retention
from voxlake.platform.catalog.rights.grants import is_allowed, read_grants
from voxlake.platform.catalog.rights.links import Links
from voxlake.platform.catalog.rights.permission_sets import PermissionSets
from voxlake.platform.catalog.rights.shares import Shares
from voxlake.platform.catalog.stored import StoredSizes
from voxlake.platform.catalog.tables import datasets
from voxlake.platform.catalog.usage import UsageLedger
from voxlake.platform.database import now
from voxlake.platform.errors import NotFoundError
from voxlake.platform.nodes.tree import KINDS, NOWHERE

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from voxlake.platform.access import Permission, Principal
    from voxlake.platform.catalog.data.record import (
        DatasetFilter,
        DatasetRecord,
        DatasetState,
        Kind,
    )
    from voxlake.platform.jobs.ledger import Ledger
    from voxlake.platform.names import DatasetName


@dataclass(frozen=True, slots=True)
class Catalog(Writer):
    """The open catalog of one lake. Its methods may be called from any thread."""

    ledger: Ledger
    """The job ledger, in the same database."""

    @property
    def people(self) -> People:
        """The users and groups, in the same database."""
        return People(self.database, self.by)

    @property
    def identities(self) -> Identities:
        """Whom the issuer speaks of, in the same database."""
        return Identities(self.database, self.by)

    @property
    def lake_roles(self) -> LakeRoles:
        """Who looks after what of the lake as a whole, in the same database."""
        return LakeRoles(self.database, self.by)

    @property
    def tokens(self) -> Tokens:
        """The tokens of users, in the same database."""
        return Tokens(self.database, self.by)

    @property
    def sessions(self) -> Sessions:
        """The browsers in which users are signed in, in the same database."""
        return Sessions(self.database, self.by)

    @property
    def links(self) -> Links:
        """The links to datasets, in the same database."""
        return Links(self.database, self.by)

    @property
    def viewer_states(self) -> ViewerStates:
        """The states of the viewer that people share, in the same database."""
        return ViewerStates(self.database, self.by)

    @property
    def shares(self) -> Shares:
        """Who may do what, in the same database."""
        return Shares(self.database, self.by)

    @property
    def permission_sets(self) -> PermissionSets:
        """Rights as plain sets, which do not inherit, in the same database."""
        return PermissionSets(self.database, self.by)

    @property
    def collections(self) -> Collections:
        """The collections and experiments, in the same database."""
        return Collections(self.database, self.by)

    @property
    def frames(self) -> Frames:
        """The coordinate frames, in the same database."""
        return Frames(self.database, self.by)

    @property
    def metadata(self) -> Metadata:
        """What people say of places, in the same database."""
        return Metadata(self.database, self.by)

    @property
    def stored(self) -> StoredSizes:
        """How much is stored, in the same database."""
        return StoredSizes(self.database)

    @property
    def deletion(self) -> Deletion:
        """Deletes datasets by workers."""
        return Deletion(self.database, self.by, self.ledger)

    @property
    def deleted(self) -> Deleted:
        """What was deleted and can be brought back."""
        return Deleted(self.database, self.by)

    @property
    def retention(self) -> Retention:
        """Forgets what is older than it is kept."""
        return Retention(self.database, self.by)

    @property
    def uploads(self) -> Uploads:
        """What clients of boss-ingest upload to datasets."""
        return Uploads(self.database, self.by, self.ledger)

    @property
    def jobs(self) -> Jobs:
        """The jobs as people ask for them, in the same database."""
        return Jobs(self.database, self.by)

    @property
    def plans(self) -> Plans:
        """What new datasets are made by, in the same database."""
        return Plans(self.database, self.by)

    @property
    def provenance(self) -> Provenance:
        """Where datasets came from, in the same database."""
        return Provenance(self.database, self.by)

    @property
    def saved(self) -> Saved:
        """What is saved of it beside the voxels, and taken in."""
        return Saved(self.database, self.by)

    @property
    def search(self) -> Search:
        """Finds what is in the lake, in the same database."""
        return Search(self.database)

    @property
    def usage(self) -> UsageLedger:
        """What was used of the lake, in the same database."""
        return UsageLedger(self.database, self.by)

    @property
    def audit(self) -> Audit:
        """Who changed what, in the same database."""
        return Audit(self.database)

    def signed(self, by: str) -> Self:
        """Return the catalog for changes that somebody else makes."""
        return replace(self, by=by)

    def add_dataset(self, record: DatasetRecord, *, owner: str | None = None) -> None:
        """Add a dataset, which is to be a user's; somebody who is no user of the lake is none.

        Raises
        ------
        ConflictError
            If there is one of that name, or another lies where it would.
        NotFoundError
            If labels name an image that the catalog does not have.
        """
        with self.database.write() as connection:
            add_record(connection, record, owner)
            self._note_dataset(connection, "add", record.name)

    def get_dataset(self, name: DatasetName) -> DatasetRecord:
        """Return the dataset; raise NotFoundError if there is none of that name."""
        with self.database.read() as connection:
            return find_record(connection, name)

    def get_protected(self, name: DatasetName) -> Protected:
        """Return the dataset, and who may do what with it; raise NotFoundError if there is none.

        The database is asked the same for both: nobody can tell them apart by the time it takes.
        """
        with self.database.read() as connection:
            try:
                record = find_record(connection, name)
            except NotFoundError:
                read_grants(connection, [NOWHERE] * (len(KINDS) + 1))
                raise
            return Protected(record, read_grants(connection, record.path))

    def list_datasets(
        self, collection: str | None = None, experiment: str | None = None
    ) -> list[DatasetRecord]:
        """Return all datasets, or those of a collection or experiment, sorted by name."""
        with self.database.read() as connection:
            return list_records(connection, *within((collection, experiment)))

    def list_allowed(
        self,
        principal: Principal,
        permission: Permission,
        collection: str | None = None,
        experiment: str | None = None,
        *,
        page: Page = EVERYTHING,
        where: DatasetFilter = EVERY_DATASET,
    ) -> list[DatasetRecord]:
        """Return those datasets that `decide` allows the principal to use so, sorted by name.

        Those that are being deleted are not among them. `page` is the part that is wanted.

        Raises
        ------
        InvalidInputError
            If `where` asks for words, and for none or too many.
        """
        which, many = [*within((collection, experiment)), is_there], True
        if where.kind is not None:
            which.append(datasets.c.kind == where.kind)
        if where.family:
            which.append(is_of_family(where.family))
        if where.words:
            with self.database.read() as connection:
                found, many = finds_dataset(connection, where.words)
            which += found
        which.append(is_allowed(principal, permission, now()))
        with self.database.read(in_order=many and page.limit is not None) as connection:
            return list_records(connection, *which, page=page)

    def taken_urls(self) -> set[str]:
        """Return where datasets lie, those included that are being deleted and have no name."""
        with self.database.read() as connection:
            return taken_urls(connection)

    def labels_of(self, image: DatasetName) -> list[DatasetRecord]:
        """Return the labels that belong to an image, sorted by name."""
        near = self.list_datasets(image.collection, image.experiment)
        return [record for record in near if record.of == image.dataset]

    def set_dataset_state(self, name: DatasetName, state: DatasetState) -> None:
        """Say how far the dataset is; raise NotFoundError if there is none of that name."""
        with self.database.write() as connection:
            set_state(connection, name, state)

    def set_public(self, name: DatasetName, *, public: bool) -> None:
        """Say whether everybody may read it.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        ConflictError
            If it is to be private, and what lies above it is public.
        """
        with self.database.write() as connection:
            set_public(connection, name, public=public)
            self._note_dataset(connection, "publish" if public else "unpublish", name)

    def move_dataset(self, name: DatasetName, to: DatasetName) -> None:
        """Give the dataset another name; its labels and its jobs go with it, its voxels stay.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        ConflictError
            If a new name is taken, if a job is unfinished, or if labels would leave the experiment
            of their image.
        """
        with self.database.write() as connection:
            move_record(connection, name, to)
            self._note_dataset(connection, "rename", to, f"before {name}")

    def renew_dataset(self, name: DatasetName, kind: Kind) -> None:
        """Say that the dataset is another from now on: of that kind, ready, made at this moment.

        Its name and who may do what with it stay. A job that has yet to be done on the one before
        it is given up, but for those that run or wait for their turn.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        with self.database.write() as connection:
            renew_record(connection, name, kind)

    def remove_dataset(self, name: DatasetName, detail: str = "") -> None:
        """Forget the dataset; its voxels stay on the store, and its jobs in the ledger.

        `detail` is what the audit is to say besides.

        A job that has yet to be done is given up, but for one that runs: the next dataset of the
        name has no part in any of them.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        ConflictError
            If labels still belong to it.
        """
        with self.database.write() as connection:
            node = find_record(connection, name).node
            self._note_dataset(connection, "remove", name, detail)
            remove_record(connection, name)
            give_up_uploads(connection, node)

    def _note_dataset(
        self, connection: Connection, action: str, name: DatasetName, detail: str = ""
    ) -> None:
        node = find_record(connection, name).node
        self.note(connection, f"{action} dataset", str(name), node=node, detail=detail)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
