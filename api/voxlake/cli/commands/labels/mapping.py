"""``voxlake mapping``: which supervoxels are one body; shown, or taken from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from voxlake.cli.label_documents import OpenLabels, open_labels
from voxlake.cli.mapping_documents import (
    ChangeDocument,
    MappingDocument,
    change_document,
    shown_mapping,
    who,
)
from voxlake.cli.options import Answering, InLake, Name, grouped
from voxlake.cli.shown.output import answer
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    type Columns = tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]

PARQUET = b"PAR1"


@grouped
def mapping(
    name: Name,
    lake: InLake,
    answering: Answering,
    file: Annotated[
        Path | None,
        Option(
            "--import",
            metavar="FILE",
            help="Replace it by that of NeuroProof's HDF5 ('transforms'), or of Parquet with the "
            "columns supervoxel and body.",
        ),
    ] = None,
) -> None:
    """Show the mapping from supervoxels to bodies, or replace it by that of a file."""
    import numpy as np

    from voxlake.ngff.labels.mapping import open_mapping

    opened = open_labels(lake, name)
    changed = None if file is None else _imported(name, opened, file)
    found = open_mapping(opened.index_url)
    bodies = np.unique(found.pairs.bodies)
    document = MappingDocument(
        name=name,
        number=found.number,
        supervoxels=len(found.pairs),
        bodies=int(np.count_nonzero(bodies)),
        changed=changed,
    )
    answer(document, shown_mapping(document), json=answering.json)


def _imported(name: str, opened: OpenLabels, file: Path) -> ChangeDocument:
    from voxlake.ngff.labels.mapping import import_mapping

    supervoxels, bodies = _read(file)
    return change_document(name, import_mapping(opened.index_url, supervoxels, bodies, who()))


def _read(file: Path) -> Columns:
    """Return supervoxels and bodies of a file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from voxlake.ngff.labels.mapping import read_transforms

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
