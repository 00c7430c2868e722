"""The labels that a command is about, and who gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Flag, InLake, Whole, read_settings
from voxlake.ngff.labels import handle
from voxlake.ngff.lake import address_of, index_of, place_of
from voxlake.platform.errors import UnsupportedError
from voxlake.platform.names import DatasetName

if TYPE_CHECKING:
    from voxlake.ngff.labels.handle import Labels

AsBodies = Annotated[
    Flag,
    Parameter(help="Apply the mapping from supervoxels to bodies: ids are of bodies."),
]

AtTime = Annotated[
    Whole | None,
    Parameter(
        name="--time", metavar="T", help="Time point of labels in time; by default the first."
    ),
]


def open_labels(lake: InLake, name: str, *, bodies: bool = False) -> Labels:
    """Open the labels called `name`, all time points; with `bodies` the mapping is applied.

    Raises
    ------
    NotFoundError
        If the lake has no such dataset.
    UnsupportedError
        If it is an image.
    """
    dataset = DatasetName.parse(name)
    with opened_catalog(lake) as catalog:
        record = catalog.get_dataset(dataset)
    if record.kind != "labels":
        raise UnsupportedError(f"{dataset} is an image; only labels have a label index")
    index = index_of(lake.url, place_of(record))
    return handle.open_labels(address_of(lake.url, record, read_settings()), index, bodies=bodies)
