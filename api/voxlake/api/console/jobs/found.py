"""What a look at a source has found, and the choices that an ingest of it leaves."""

from __future__ import annotations

import re
from dataclasses import dataclass

from voxlake.api.guards.askers import grant_place
from voxlake.api.guards.jobs import GrantedJob
from voxlake.api.places import channels
from voxlake.documents.jobs.job import JobDocument
from voxlake.platform.access import Add, Read
from voxlake.platform.errors import ForbiddenError, NotFoundError

_CLOUD = re.compile(r"^(?:s3|gs|az)://")
_OPTIONS = re.compile(r"\?\w+=[^/]*$")
_MAGIC = re.compile(r"[*?\[{]")
_OTHER = re.compile(r"[^A-Za-z0-9_-]+")
MOST_LETTERS = 100


@dataclass(frozen=True, slots=True)
class Choices:
    """What the form that plans an ingest begins with."""

    experiment: str
    name: str
    images: list[str]
    """Those of the experiment, to which labels may belong."""


async def choices_of(granted: GrantedJob[Read], job: JobDocument) -> Choices | None:
    """Return what is chosen next of a look that is done; None if the asker may ingest nothing."""
    if job.look is None:
        return None
    experiment = job.dataset.rpartition("/")[0]
    try:
        place = await grant_place(granted.asker, experiment, Add)
    except (ForbiddenError, NotFoundError):
        return None
    near = [each.record for each in await channels.list_channels(place)]
    images = [each.name.dataset for each in near if each.kind == "image"]
    taken = {each.name.dataset for each in near}
    return Choices(experiment, _free(suggested_name(job.look.source), taken), images)


def suggested_name(source: str) -> str:
    """Return a name for a dataset that is made of a source.

    Examples
    --------
    >>> suggested_name("/data/mouse 7/em_*.tif"), suggested_name("s3://lab/raw/cells.ome.zarr")
    ('mouse-7', 'cells')
    >>> suggested_name("/data/all.h5::/volumes/raw"), suggested_name("/***")
    ('raw', 'dataset')
    """
    outer, _, inner = source.partition("::")
    path = _CLOUD.sub("", _OPTIONS.sub("", outer))
    plain = [part for part in f"{path}/{inner}".split("/") if part and not _MAGIC.search(part)]
    stem = plain[-1].lstrip(".").partition(".")[0] if plain else ""
    return _OTHER.sub("-", stem).strip("-_")[:MOST_LETTERS] or "dataset"


def _free(name: str, taken: set[str]) -> str:
    """Return a name that is not taken, by a number behind it.

    Examples
    --------
    >>> _free("em", {"em", "em-2"}), _free("em", set())
    ('em-3', 'em')
    """
    if name not in taken:
        return name
    return next(f"{name}-{n}" for n in range(2, len(taken) + 3) if f"{name}-{n}" not in taken)
