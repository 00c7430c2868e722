"""``voxlake register``: an OME-Zarr that lies elsewhere is a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from voxlake.cli.ingest_options import image_of
from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, InLake, Name, read_settings
from voxlake.cli.shown.dataset import shown_summary
from voxlake.cli.shown.output import answer
from voxlake.documents.datasets.dataset import dataset_summary
from voxlake.ngff.making.registering import register as register_dataset
from voxlake.platform.names import DatasetName


def register(
    url: Annotated[
        str,
        Parameter(
            name="URL",
            help="An OME-Zarr group: a folder, s3://BUCKET/PATH, gs://, az:// or https://HOST/PATH.",
        ),
    ],
    name: Name,
    /,
    *,
    of: Annotated[
        str | None,
        Parameter(
            metavar="IMAGE",
            help="The image of the experiment that labels belong to, by its name or its full name.",
        ),
    ] = None,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
) -> None:
    """Make an OME-Zarr that lies elsewhere a dataset, without a copy: it is only read.

    Its store has to be on the list VOXLAKE_ALLOWED_STORES, here and where the gateway runs.
    `voxlake rm` forgets it and deletes nothing there.
    """
    dataset = DatasetName.parse(name)
    image = None if of is None else image_of(dataset, of)
    where = url if "://" in url else str(Path(url).expanduser().resolve())
    with opened_catalog(lake) as catalog:
        record = register_dataset(lake.url, catalog, read_settings(), where, dataset, image)
    document = dataset_summary(record)
    answer(document, shown_summary(document), json=answering.json)
