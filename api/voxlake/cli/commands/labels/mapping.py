"""``voxlake mapping``: which supervoxels are one body; shown, or taken from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from cyclopts import Parameter

from voxlake.cli.opened.labels import open_labels
from voxlake.cli.options import Answering, InLake, Name
from voxlake.cli.shown.output import answer, facts
from voxlake.documents.labels.merges import change_document, mapping_document
from voxlake.ngff.labels.mapping.changes import import_mapping
from voxlake.ngff.labels.mapping.mapping import open_mapping
from voxlake.ngff.labels.mapping.neuroproof import read_transforms
from voxlake.platform.errors import SourceError
from voxlake.platform.processes import login_name

if TYPE_CHECKING:
    import numpy.typing as npt

    type Columns = tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]

PARQUET = b"PAR1"


def mapping(
    name: Name,
    /,
    *,
    lake: InLake = InLake(),
    answering: Answering = Answering(),
    file: Annotated[
        Path | None,
        Parameter(
            name="--import",
            metavar="FILE",
            help="Replace it by that of NeuroProof's HDF5 ('transforms'), or of Parquet with the "
            "columns supervoxel and body.",
        ),
    ] = None,
) -> None:
    """Show the mapping from supervoxels to bodies, or replace it by that of a file."""
    index_url = open_labels(lake, name).index_url
    changed = None
    if file is not None:
        changed = change_document(import_mapping(index_url, *_read(file), login_name()))
    current = open_mapping(index_url)
    bodies = int(np.count_nonzero(np.unique(current.pairs.bodies)))
    document = mapping_document(current, bodies, changed)
    shown = facts(
        (("mapping", current.number), ("supervoxels", document.supervoxels), ("bodies", bodies))
    )
    answer(document, [shown], json=answering.json)


def _read(file: Path) -> Columns:
    """Return supervoxels and bodies of a file."""
    try:
        with file.open("rb") as stream:
            is_parquet = stream.read(len(PARQUET)) == PARQUET
        if is_parquet:
            table = pq.read_table(file, columns=["supervoxel", "body"])
            return table["supervoxel"].to_numpy(), table["body"].to_numpy()
    except (OSError, pa.ArrowException) as error:
        raise SourceError(
            f"{file} cannot be read as a mapping ({error}); give NeuroProof's HDF5, or Parquet "
            "with the columns supervoxel and body"
        ) from error
    supervoxels, bodies = read_transforms(file).T
    return supervoxels, bodies
