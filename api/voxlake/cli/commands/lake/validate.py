"""``voxlake validate``: whether an OME-Zarr, anybody's, is as the specification says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from voxlake.cli.manual.exit_codes import FAILURE
from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, InLake, read_settings
from voxlake.cli.shown.output import answer
from voxlake.cli.shown.validation import shown_validation
from voxlake.documents.datasets.validation import BreachDocument, ValidationDocument
from voxlake.ngff.lake import address_of, is_group
from voxlake.ngff.validate import Severity, validate_dataset
from voxlake.platform.errors import InvalidNameError, NotFoundError
from voxlake.platform.names import DatasetName
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from voxlake.documents.datasets.validation import Verdict

type Where = Annotated[
    str,
    Parameter(
        name="WHERE",
        help="An OME-Zarr group: a folder, s3://BUCKET/PATH, gs://, az:// or http(s)://HOST/PATH; "
        "or COLLECTION/EXPERIMENT/DATASET of the lake.",
    ),
]


def validate(
    where: Where, /, *, lake: InLake = InLake(), answering: Answering = Answering()
) -> int:
    """Tell what is wrong with the metadata of an OME-Zarr, anybody's, and of the labels in it.

    All that NGFF 0.4, 0.5 or 0.6 says an image or labels MUST be is looked at; voxels are not read.
    Ends with exit code 1 if a MUST is broken. What voxlake does not use, a plate or a rotation, is
    unsupported and not broken.
    """
    document = validation(_address(where, lake))
    answer(document, shown_validation(document), json=answering.json)
    return FAILURE if document.verdict == "broken" else 0


def validation(url: StoreURL) -> ValidationDocument:
    """Return what is wrong with the OME-Zarr group at `url`.

    Raises
    ------
    NotFoundError
        If there is no zarr group.
    StoreError
        If the store fails: nothing is known of it then.
    """
    if not is_group(url):
        raise NotFoundError(f"there is no zarr group at {url}; check the address")
    findings = validate_dataset(url)
    severities = {finding.severity for finding in findings}
    verdict: Verdict = "unsupported" if Severity.UNSUPPORTED in severities else "right"
    return ValidationDocument(
        url=str(url),
        verdict="broken" if Severity.MUST in severities else verdict,
        findings=tuple(BreachDocument.model_validate(finding) for finding in findings),
    )


def _address(where: str, lake: InLake) -> StoreURL:
    """Return the address that `where` is or, if nothing lies there, of the dataset it names."""
    if "://" in where or Path(where).expanduser().exists() or lake.lake is None:
        return StoreURL.parse_readable(where, read_settings())
    try:
        name = DatasetName.parse(where)
    except InvalidNameError:
        return StoreURL.parse(where)
    with opened_catalog(lake) as catalog:
        return address_of(lake.url, catalog.get_dataset(name), read_settings())
