"""An image with the labels inside its source: all checked before anything is written, image first.

Each is a job of its own, so that the same request asked again goes on with the first that is left.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voxlake.compute.jobs.kinds.covered import covered_ingest
from voxlake.compute.jobs.kinds.ingest import begun_ingest, checked_ingest, is_ingested
from voxlake.compute.jobs.kinds.ingest_spec import IngestSpec, ingest_spec
from voxlake.compute.sources.source import HoldsLabels
from voxlake.ngff.covered import covered_dataset
from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.lake import Place
from voxlake.platform.errors import (
    ConflictError,
    InvalidInputError,
    InvalidNameError,
    NotFoundError,
)
from voxlake.platform.names import check_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxlake.compute.jobs.kinds.ingest_spec import IngestRequest
    from voxlake.compute.jobs.workspace import Workspace
    from voxlake.compute.sources import Source
    from voxlake.ngff.covered import CoveredImage
    from voxlake.platform.settings import Settings


def labels_of(source: Source) -> Mapping[str, str]:
    """Return the locations of the labels that lie inside a source, by their names.

    Raises
    ------
    SourceError
        If it is not known which there are.
    """
    return source.labels() if isinstance(source, HoldsLabels) else {}


def labels_requests(image: IngestRequest, *, index: bool) -> tuple[IngestRequest, ...]:
    """Return the requests for the labels inside the source of an image, by the names they have.

    Parameters
    ----------
    image
        What is asked for of the image. Sizes, reversed axes and who may read hold for all.
    index
        Whether to build their label indices too.

    Raises
    ------
    InvalidInputError
        If there are none, or one has a name that no dataset can have, or that of the image.
    SourceError
        If it is not known which there are.
    """
    if image.place.kind is not Kind.IMAGE:
        raise InvalidInputError("labels inside a source go with its image; give --kind image")
    if image.overwrite:
        raise InvalidInputError(
            "an image is overwritten without its labels, which stay; leave --with-labels out"
        )
    found = labels_of(image.open())
    if not found:
        raise InvalidInputError(f"{image.source} has no labels inside; leave --with-labels out")
    return tuple(_request(image, name, found[name], index=index) for name in found)


def _request(image: IngestRequest, name: str, location: str, *, index: bool) -> IngestRequest:
    try:
        check_name(name)
    except InvalidNameError as error:
        raise InvalidInputError(f"labels of the source cannot keep their name: {error}") from error
    if name == image.place.name.dataset:
        raise InvalidInputError(
            f"the source has labels that are called {name}, as the image is to be; call that "
            "otherwise"
        )
    of_image = tuple(axis for axis in image.reverse if axis in "zyx")
    return replace(
        image,
        source=location,
        place=Place(image.place.name.sibling(name), Kind.LABELS, image.place.name.dataset),
        levels=None,
        factors=None,
        reduction=None,
        axes="",
        dtype="",
        reverse=of_image,
        index=index,
    )


def check_together(
    workspace: Workspace, image: IngestRequest, labels: Sequence[IngestRequest]
) -> tuple[IngestRequest, ...]:
    """Check an image and its labels before anything is written; return what is left to be made.

    Raises
    ------
    SourceError, UnsupportedError, ConflictError, InvalidInputError
        As `voxlake.compute.jobs.kinds.ingest.checked_ingest` does, of each of them; and if all are
        there.
    """
    is_there = is_ingested(workspace, image)
    covered = (
        covered_dataset(workspace.dataset(workspace.place(image.place.name)))
        if is_there
        else covered_ingest(_begun_or_checked(workspace, image))
    )
    left = [] if is_there else [image]
    for each in labels:
        if is_there and is_ingested(workspace, each):
            continue
        if not (is_there and begun_ingest(workspace, each)):
            _check_free(workspace, each)
            ingest_spec(each, covered, workspace.settings)
        left.append(each)
    if not left:
        raise ConflictError(f"{image.place.name} is there with all labels of its source")
    return tuple(left)


def check_labels(spec: IngestSpec, labels: Sequence[IngestRequest], settings: Settings) -> None:
    """Check whether labels fit an image that is not there, and no lake has to be; as above."""
    covered: CoveredImage = covered_ingest(spec)
    for each in labels:
        ingest_spec(each, covered, settings)


def _begun_or_checked(workspace: Workspace, image: IngestRequest) -> IngestSpec:
    job = begun_ingest(workspace, image)
    return IngestSpec.model_validate(job.spec) if job else checked_ingest(workspace, image)


def _check_free(workspace: Workspace, labels: IngestRequest) -> None:
    try:
        there = workspace.catalog.get_dataset(labels.place.name)
    except NotFoundError:
        return
    raise ConflictError(
        f"dataset {there.name}, as labels of the source are called, exists and is {there.state}; "
        f"give it another name with: voxlake mv, or remove it with: voxlake rm {there.name}"
    )
