"""The FIB-25 sample: part of the medulla of a fruit fly, with a dense segmentation.

250 x 250 x 250 voxels of 10 nm, 8 bit, and 526 bodies.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pooch

from voxlake.compute.sample.download import download, say_nothing
from voxlake.compute.sample.folder import IMAGES, SampleFolder, write_bodies
from voxlake.ngff.grid.axes import VoxelSize

if TYPE_CHECKING:
    from voxlake.compute.sample.download import Progress

COMMIT = "ce839e17deaf4c01153827c6d028dfecfbb4b958"
BASE_URL = (
    "https://raw.githubusercontent.com/janelia-flyem/neuroproof_examples/"
    f"{COMMIT}/training_sample2/"
)
"""Where the sample is published, at a commit that does not change."""

VOXEL_SIZE = VoxelSize(10, 10, 10, "nanometer")
CREDIT = (
    "FIB-25, Drosophila medulla: FlyEM project, Janelia Research Campus "
    "(Takemura et al. 2015, PNAS 112:13711, doi:10.1073/pnas.1509820112); "
    "github.com/janelia-flyem/neuroproof_examples. Bodies were joined from supervoxels."
)
LICENCE = (
    "Creative Commons Attribution: https://github.com/janelia-flyem/neuroproof_examples/"
    f"blob/{COMMIT}/LICENSE.txt"
)


def open_sample(
    sample_dir: Path | None = None,
    cache: Path | None = None,
    base_url: str | None = None,
    report: Progress = say_nothing,
) -> Sample:
    """Return the sample: from `sample_dir` if given, else downloaded once into `cache`.

    Parameters
    ----------
    sample_dir : Path, optional
        A folder with ``em/iso.NNNN.png`` and ``groundtruth.h5.gz``.
    cache : Path, optional
        Where downloads and the converted labels are kept; by default the user's cache folder.
    base_url : str, optional
        Where the sample is published; by default `BASE_URL`.
    report : callable
        Called with the files downloaded and the files in all.

    Raises
    ------
    SourceError
        If `sample_dir` lacks the files, or they are torn.
    StoreUnavailableError, CorruptDataError
        If the download fails, or brings other bytes; a phantom can stand in.
    """
    kept = Path(cache) if cache is not None else Path(pooch.os_cache("voxlake"))
    folder = SampleFolder(Path(sample_dir)) if sample_dir else SampleFolder(kept / "fib25")
    if sample_dir is None:
        registry = read_registry()
        remote = {name: name.replace(f"{IMAGES}/", "grayscale_maps/") for name in registry}
        download(folder.path, base_url or BASE_URL, registry, remote, report)
    folder.check()
    return Sample(
        name="FIB-25",
        image=str(folder.images.absolute()),
        labels=str(write_bodies(folder, kept / "fib25-bodies", VOXEL_SIZE).absolute()),
        voxel_size=VOXEL_SIZE,
        credit=CREDIT,
        licence=LICENCE,
    )


def phantom_sample(size: int = 250, seed: int = 0) -> Sample:
    """Return a phantom cube of `size` voxels, image and labels in register.

    Examples
    --------
    >>> phantom_sample(64).labels
    'phantom:64?seed=0&kind=labels'
    """
    return Sample(
        name=f"phantom {size}",
        image=f"phantom:{size}?seed={seed}&kind=image",
        labels=f"phantom:{size}?seed={seed}&kind=labels",
        voxel_size=VOXEL_SIZE,
        credit="Computed by voxlake; no specimen.",
        licence="CC0-1.0",
    )


def read_registry() -> dict[str, str]:
    """Return the SHA-256 of each file of the sample, by its name in the sample folder."""
    text = files("voxlake.compute.sample").joinpath("fib25.txt").read_text("ascii")
    lines = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return {name: f"sha256:{digest}" for name, digest in lines}


@dataclass(frozen=True, slots=True)
class Sample:
    """An image and its labels, in register, as locations of sources."""

    name: str
    image: str
    """Location of the image, for `open_source`."""
    labels: str
    """Location of the labels, uint64, of the same shape."""
    voxel_size: VoxelSize
    credit: str
    """Whom to name when the data are shown."""
    licence: str
    """Under which terms they may be used."""
