"""What the demo makes: a sample as two datasets of a lake, whole and compared with its source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from voxlake.cli.commands.lake.info import describe
from voxlake.cli.shown.output import note
from voxlake.cli.work import run
from voxlake.compute.jobs import IngestRequest, start_index, start_ingest, start_verify
from voxlake.compute.jobs.cancelling import cancel_job
from voxlake.compute.sample.fib25 import Sample, open_sample, phantom_sample
from voxlake.documents.demo import DemoDataset
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.view import View
from voxlake.ngff.lake import Place
from voxlake.platform.catalog import DatasetState
from voxlake.platform.errors import (
    CorruptDataError,
    NotFoundError,
    PlanChangedError,
    StoreUnavailableError,
)
from voxlake.platform.jobs.record import UNFINISHED
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.compute.jobs import Workspace
    from voxlake.documents.jobs.job import JobDocument

IMAGE = DatasetName("flyem", "fib25", "em")
LABELS = DatasetName("flyem", "fib25", "bodies")

PHANTOM_SIZE = 250
"""Edge of the phantom that stands in for the sample, which is as large."""


@dataclass(frozen=True, slots=True)
class Demo:
    """A sample and the names it gets."""

    sample: Sample
    image: DatasetName
    labels: DatasetName


def choose_demo(workspace: Workspace, sample_dir: Path | None, size: int | None) -> Demo:
    """Return the demo: of the sample in a folder, else downloaded, else of a phantom.

    The phantom stands in under the names of the sample, which the documentation uses, unless the
    lake has the sample already.

    Parameters
    ----------
    workspace
        The lake; where it has the phantom under those names, that is shown again.
    sample_dir
        A folder with the sample; None to download it.
    size
        Edge of a phantom, in voxels; None for the sample.

    Raises
    ------
    SourceError
        If the folder does not hold the sample.
    StoreUnavailableError, CorruptDataError
        If it cannot be downloaded, and the lake has it already.
    """
    if size is not None:
        experiment = f"cube-{size}"
        return Demo(
            phantom_sample(size),
            DatasetName("phantom", experiment, "em"),
            DatasetName("phantom", experiment, "cells"),
        )
    there = _source_of(workspace, IMAGE)
    if there.startswith("phantom:"):
        note("the lake has a phantom for the sample; the sample can go into another --lake")
        return Demo(phantom_sample(PHANTOM_SIZE), IMAGE, LABELS)
    try:
        note("opening the FlyEM FIB-25 sample" + ("" if sample_dir else ", downloaded once"))
        sample = open_sample(sample_dir)
    except (StoreUnavailableError, CorruptDataError) as error:
        if there:
            error.add_note(f"{workspace.lake} has it already; show it with: voxlake serve")
            raise
        note(f"{error}")
        note("the sample cannot be had: a phantom with known labels stands in for it")
        sample = phantom_sample(PHANTOM_SIZE)
    return Demo(sample, IMAGE, LABELS)


def make_datasets(workspace: Workspace, demo: Demo) -> tuple[DemoDataset, DemoDataset]:
    """Ingest and verify the image and its labels; what is there already is used, or gone on with.

    Raises
    ------
    JobFailedError
        If a job ended with tasks undone.
    """
    image = IngestRequest(
        demo.sample.image, Place(demo.image, Kind.IMAGE), demo.sample.voxel_size, public=True
    )
    labels = replace(
        image,
        source=demo.sample.labels,
        place=Place(demo.labels, Kind.LABELS, demo.image.dataset),
        index=True,
    )
    return _make(workspace, image), _make(workspace, labels)


def _source_of(workspace: Workspace, name: DatasetName) -> str:
    """Return what a dataset was or is being made of; nothing if it is not there."""
    try:
        workspace.catalog.get_dataset(name)
    except NotFoundError:
        return ""
    made = workspace.catalog.ledger.jobs_of(name, kind="ingest")
    return str(made[0].spec["source"]) if made else ""


def _make(workspace: Workspace, request: IngestRequest) -> DemoDataset:
    name = request.place.name
    made = _ingested(workspace, request)
    verify = run(workspace, start_verify(workspace, name, request.source))
    record = workspace.catalog.get_dataset(name)
    dataset = describe(workspace.lake, record)
    if dataset.index is not None and dataset.index.indexed < dataset.index.shards:
        run(workspace, start_index(workspace, name))
        dataset = describe(workspace.lake, record)
    labels = None
    if request.place.kind is Kind.LABELS:
        volume = workspace.dataset(request.place).level(0)
        labels = len(Labels(volume, workspace.lake / request.place.index_key).ask(View.all))
    return DemoDataset(
        dataset=dataset, ingest=made, labels=labels, verified=verify.verified is True
    )


def _ingested(workspace: Workspace, request: IngestRequest) -> JobDocument | None:
    """Return the report of the ingest, or None if the dataset was complete before."""
    name = request.place.name
    try:
        if workspace.catalog.get_dataset(name).state is DatasetState.READY:
            note(f"{name} is there already")
            return None
    except NotFoundError:
        pass
    begun = workspace.catalog.ledger.jobs_of(name, kind="ingest", states=UNFINISHED)
    if begun:
        note(f"{name} was begun before; job {begun[0].id} goes on")
        try:
            return run(workspace, begun[0])
        except PlanChangedError:
            note("its source has changed since, so it is made anew")
            cancel_job(workspace, begun[0].id)
    return run(workspace, start_ingest(workspace, request))
