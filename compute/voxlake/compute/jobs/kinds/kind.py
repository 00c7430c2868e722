"""The seam between jobs and what they do: all that running, resuming and cancelling one asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.bulk.build import RENEW_S as MARK_RENEW_S
from voxlake.ngff.lake import Place, index_of
from voxlake.ngff.storage import leftovers
from voxlake.platform.errors import NotFoundError
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.plan import Plan
    from voxlake.compute.verify.results import ComparedShard
    from voxlake.ngff.dataset import Dataset
    from voxlake.platform.jobs.ledger import Ledger
    from voxlake.platform.jobs.record import JSON, Job
    from voxlake.platform.store import StoreURL

RENEW_S = MARK_RENEW_S
"""Seconds after which a job that runs says again that it lives (see `JobKind.renew`)."""


class Spec(BaseModel):
    """What a job is to do, as the catalog keeps it: enough to plan it again, and the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    name: str
    """Of the dataset that the job works on."""
    kind_of_dataset: Kind
    of: str | None = None
    """The image that the labels belong to."""

    @property
    def place(self) -> Place:
        """The dataset that the job works on."""
        return Place(DatasetName.parse(self.name), self.kind_of_dataset, self.of)

    @property
    def is_image(self) -> bool:
        """Whether the dataset is an image."""
        return self.kind_of_dataset is Kind.IMAGE


def at(place: Place) -> dict[str, Any]:
    """Return what of a spec says which dataset it is about."""
    return {"name": str(place.name), "kind_of_dataset": place.kind, "of": place.of}


@dataclass(frozen=True, slots=True)
class Work[S: Spec]:
    """A job, and where it works."""

    workspace: Workspace
    job: str
    """Its id."""
    spec: S
    folder: str = ""
    """Folder of the dataset's group in which it makes what is to replace it; empty: it does not."""
    found: dict[str, JSON] = field(default_factory=dict, compare=False)
    """What its steps have found out, for `JobKind.answer` to tell."""

    @property
    def place(self) -> Place:
        """The dataset that the job works on, where the catalog has it."""
        try:
            return self.workspace.place(self.spec.place.name).within(self.folder)
        except NotFoundError:
            return self.spec.place

    @property
    def ledger(self) -> Ledger:
        """Where the job is kept."""
        return self.workspace.catalog.ledger

    @property
    def index_url(self) -> StoreURL:
        """Address of the label index of the labels."""
        place = self.place
        if place.folder:
            return self.workspace.lake / place.index_key
        return index_of(self.workspace.lake, place)

    def dataset(self) -> Dataset:
        """Open the dataset."""
        return self.workspace.dataset(self.place)


def nothing(_: Work[Spec]) -> None:
    """Do nothing: a kind that leaves no mark and makes no dataset."""


def never(_: Work[Spec]) -> bool:
    """Say no."""
    return False


def no_differences(_: Work[Spec]) -> Iterable[ComparedShard]:
    """Return none: a kind that compares nothing."""
    return ()


def no_answer(_: Work[Spec]) -> dict[str, JSON] | None:
    """Return nothing: a kind that finds nothing out."""
    return None


@dataclass(frozen=True, slots=True)
class JobKind[S: Spec]:
    """What is done for a job of one kind, and when."""

    spec: type[S]
    """How the catalog keeps what such a job is to do; its default `kind` is the kind's name."""
    stages: Callable[[Work[S]], list[Plan]]
    """Returns the plans of the stages, in the order in which they run. Reads metadata only."""
    prepare: Callable[[Work[S]], None] = nothing
    """Makes what the stages work on, before they are planned; again when the job is resumed."""
    begin: Callable[[Work[S]], None] = nothing
    """Marks the dataset before the first task that is left to do."""
    renew: Callable[[Work[S]], None] = nothing
    """Says, now and then while tasks run, that the job lives."""
    finish: Callable[[Work[S]], None] = nothing
    """Completes the work when all tasks are done, before the job is."""
    differences: Callable[[Work[S]], Iterable[ComparedShard]] = no_differences
    """Returns the shards that a job, once it is done, has found to differ from what they must."""
    answer: Callable[[Work[S]], dict[str, JSON] | None] = no_answer
    """Returns what a job whose tasks are done has found out as a whole: fields of a `JobDocument`,
    which are kept for who asked."""
    fail: Callable[[Work[S]], None] = nothing
    """Marks the dataset of a job that ended without being done."""
    cancel: Callable[[Work[S]], None] = nothing
    """Takes back what a job that is given up has left; again, if that was cut off."""
    removes: Callable[[Work[S]], bool] = never
    """Whether `cancel` removes the dataset, so that nobody else may work on it meanwhile."""

    @property
    def name(self) -> str:
        """What the ledger calls it."""
        return str(self.spec.model_fields["kind"].default)


def record_job(workspace: Workspace, spec: Spec) -> Job:
    """Record a job, for its maker to run or to queue."""
    ledger = workspace.catalog.ledger
    return ledger.create_job(spec.kind, spec.place.name, spec.model_dump(mode="json"))


def sweep(work: Work[Spec]) -> None:
    """Delete the temporary files of killed writers from the dataset and its label index.

    In a bucket there are none: nothing is asked of it.
    """
    if not work.workspace.lake.is_local:
        return
    leftovers.sweep(work.workspace.lake / work.place.key, work.index_url)
