"""Jobs are asked for: looked at as far as a gateway can, and left to a worker."""

from __future__ import annotations

from functools import partial

from starlette.types import Scope

from voxlake.api.guards.askers import Asker, grant_place
from voxlake.api.guards.datasets import grant
from voxlake.api.places import datasets
from voxlake.documents.jobs.asked import (
    DeleteQuestion,
    DownsampleQuestion,
    IndexQuestion,
    IngestQuestion,
    JobQuestion,
    LookQuestion,
)
from voxlake.documents.jobs.job import JobDocument, job_document
from voxlake.ngff.lake import check_writable, place_of
from voxlake.platform.access import Add, Delete, Read, Update
from voxlake.platform.catalog import Catalog, DatasetRecord, DatasetState
from voxlake.platform.errors import ConflictError, UnsupportedError
from voxlake.platform.jobs.record import JSON, LOOK, START
from voxlake.platform.names import DatasetName
from voxlake.platform.store.allowed.sources import check_source

PLAN = "plan"


async def look(asker: Asker, asked: LookQuestion) -> JobDocument:
    """Have a worker tell what lies at a location; errors are those of `plan`."""
    await _check_new(asker, asked.name, asked.source)

    def begin(catalog: Catalog) -> JobDocument:
        spec: dict[str, JSON] = {
            "kind": LOOK,
            "name": asked.dataset,
            "kind_of_dataset": "image",
            "asked": asked.model_dump(mode="json"),
        }
        job = catalog.jobs.begin(LOOK, asked.name, spec, asker.principal)
        return _document(catalog, job.id)

    return await asker.of_catalog(begin)


async def plan(scope: Scope, asker: Asker, asked: JobQuestion) -> JobDocument:
    """Have a worker tell what a job would do, and take.

    Raises
    ------
    NotFoundError, ForbiddenError
        If they may not ask for it.
    StoreForbiddenError, InvalidInputError
        If its source is not one that is read for others.
    """
    about = await _allowed(scope, asker, asked)
    return await _queue(asker, PLAN, asked, about)


async def start(scope: Scope, asker: Asker, asked: JobQuestion) -> JobDocument:
    """Queue a job, which a worker checks and runs; errors are those of `plan`, and more.

    Raises
    ------
    ConflictError
        If the dataset is not ready, or is there and was to be made.
    UnsupportedError
        If there is no such job on such a dataset.
    """
    question = asked.root
    if isinstance(question, DeleteQuestion):
        granted = await grant(scope, question.name.parts, Delete)
        deletion = await datasets.remove(granted, with_labels=question.with_labels)
        return await asker.of_catalog(partial(_document, job=deletion.job))
    about = await _allowed(scope, asker, asked)
    if about is not None:
        _check_state(asked, about)
    return await _queue(asker, START, asked, about)


async def _allowed(scope: Scope, asker: Asker, asked: JobQuestion) -> DatasetRecord | None:
    """Return the dataset that somebody may have a job on; None of one that is to be made."""
    question = asked.root
    if isinstance(question, IngestQuestion):
        name = question.name
        await _check_new(asker, name, question.source)
        if question.of is not None:
            await grant(scope, name.sibling(question.of).parts, Read)
        about = None
    else:
        right = Delete if isinstance(question, DeleteQuestion) else Update
        about = (await grant(scope, question.name.parts, right)).record
        if asked.source is not None:
            _check_source(asker, asked.source)
    return about


async def _check_new(asker: Asker, name: DatasetName, source: str) -> None:
    """Raise unless somebody may have a dataset made of a source."""
    await grant_place(asker, f"{name.collection}/{name.experiment}", Add)
    _check_source(asker, source)


def _check_source(asker: Asker, source: str) -> None:
    gateway = asker.gateway
    check_source(source, gateway.lake, gateway.settings)


def _check_state(asked: JobQuestion, about: DatasetRecord) -> None:
    question = asked.root
    if isinstance(question, DownsampleQuestion | IndexQuestion):
        if about.state is not DatasetState.READY:
            raise ConflictError(f"{about.name} is {about.state} and not ready; wait for its job")
        if isinstance(question, DownsampleQuestion):
            check_writable(place_of(about), "downsample")
        elif about.kind != "labels":
            raise UnsupportedError(f"{about.name} is an image; only labels have a label index")


async def _queue(
    asker: Asker, kind: str, asked: JobQuestion, about: DatasetRecord | None
) -> JobDocument:
    question = asked.root
    makes = kind == START and about is None

    def begin(catalog: Catalog) -> JobDocument:
        spec = _spec(kind, asked, about)
        job = catalog.jobs.begin(kind, question.name, spec, asker.principal, makes=makes)
        return _document(catalog, job.id)

    return await asker.of_catalog(begin)


def _document(catalog: Catalog, job: str) -> JobDocument:
    return job_document(catalog.ledger, catalog.ledger.get_job(job))


def _spec(kind: str, asked: JobQuestion, about: DatasetRecord | None) -> dict[str, JSON]:
    """Return what the job is to do, as `compute.jobs.kinds.asked` has it."""
    question = asked.root
    kind_of_dataset, of = (None, None) if about is None else (about.kind, about.of)
    if isinstance(question, IngestQuestion):
        kind_of_dataset, of = question.as_kind, question.of
    return {
        "kind": kind,
        "name": question.dataset,
        "kind_of_dataset": kind_of_dataset,
        "of": of,
        "asked": question.model_dump(mode="json"),
    }
