"""What a source becomes: the options of every command that reads a source into a dataset."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from cyclopts import Parameter

from voxlake.cli.options import Flag
from voxlake.platform.errors import InvalidInputError
from voxlake.platform.names import DatasetName, check_name

type KindName = Literal["image", "labels"]

SOURCE_HELP = (
    "A folder or glob of slices, a TIFF, HDF5 (FILE.h5::/dataset), .npy, .npz, NIfTI or zarr, or "
    "phantom:SIZE."
)

KIND_HELP = "Intensities, or ids of objects."

type SourceLocation = Annotated[str, Parameter(name="SOURCE", help=SOURCE_HELP)]
"""The argument that names a source."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class AsAnyKind:
    """What the source becomes, but for its kind."""

    voxel_size: Annotated[
        str | None,
        Parameter(
            metavar="Z,Y,XUNIT",
            help="Such as 40,4,4nm; by default that of the source or of the image.",
        ),
    ] = None
    of: Annotated[
        str | None,
        Parameter(
            metavar="IMAGE",
            help="The image of the experiment that labels belong to, by its name or its full name.",
        ),
    ] = None
    levels: Annotated[
        str,
        Parameter(metavar="auto|N", help="Levels of the pyramid, the finest included."),
    ] = "auto"
    factors: Annotated[
        list[str] | None,
        Parameter(
            metavar="Z,Y,X",
            help="Factors from each level to the next, such as 1,2,2, instead of --levels; once "
            "for each level after the first.",
        ),
    ] = None
    reduce: Annotated[
        Literal["mean", "mode", "min", "max", "stride"] | None,
        Parameter(
            help="How a voxel is made of those below it; by default the mean of an image, and of "
            "labels the mode."
        ),
    ] = None
    reverse: Annotated[
        list[str] | None,
        Parameter(
            metavar="AXIS",
            help="z, y or x: its first voxel is the source's last; once for each such axis.",
        ),
    ] = None
    axes: Annotated[
        str | None,
        Parameter(
            metavar="LETTERS",
            help="A letter for each axis of the source in the order of its shape, such as zyxc, "
            "instead of what it says itself.",
        ),
    ] = None
    dtype: Annotated[
        Literal["uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "uint64"] | None,
        Parameter(
            help="What the voxels of an image are converted to. Floats are rounded to float32, and "
            "refused if they become infinite; where integers are concerned, any loss is refused.",
        ),
    ] = None
    drop_transform: Annotated[
        Flag,
        Parameter(
            help="Leave out where the source says that its voxels lie: their size is kept, a "
            "translation, rotation, shear or flip is not."
        ),
    ] = False
    with_labels: Annotated[
        Flag,
        Parameter(
            help="Of an OME-Zarr image: its labels too, by the names they have, once the image is "
            "whole; --index is of these."
        ),
    ] = False
    index: Annotated[Flag, Parameter(help="Build the label index of labels too.")] = False
    public: Annotated[Flag, Parameter(help="Let everybody read it.")] = False


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class AsDataset(AsAnyKind):
    """What the source becomes."""

    kind: Annotated[Literal["image", "labels"], Parameter(help=KIND_HELP)] = field(kw_only=True)
    overwrite: Annotated[
        Flag,
        Parameter(
            help="Replace the dataset of that name, if there is one, once the new one is whole and "
            "verified; labels inside an image stay."
        ),
    ] = False


def image_of(labels: DatasetName, text: str) -> str:
    """Return the last part of the name of the image that labels belong to.

    Raises
    ------
    InvalidInputError
        If `text` is neither that nor the full name of a dataset of their experiment.

    Examples
    --------
    >>> image_of(DatasetName.parse("lab/mouse/cells"), "lab/mouse/em")
    'em'
    """
    if "/" not in text:
        return check_name(text, "image")
    image = DatasetName.parse(text)
    if labels.sibling(image.dataset) != image:
        raise InvalidInputError(
            f"image {image} is not in the experiment of the labels {labels}; they lie in one, so "
            f"call them {image.sibling(labels.dataset)}"
        )
    return image.dataset


def parse_factors(text: str) -> tuple[int, int, int]:
    """Return the factors of z, y, x that `text` holds.

    Raises
    ------
    InvalidInputError
        If it is not three whole numbers.

    Examples
    --------
    >>> parse_factors("1,2,2")
    (1, 2, 2)
    """
    try:
        z, y, x = map(int, text.split(","))
    except ValueError as error:
        raise InvalidInputError(
            f"factors {text!r} are not three whole numbers; write z,y,x such as 1,2,2"
        ) from error
    return z, y, x


def parse_levels(text: str) -> int | None:
    """Return the number of levels that `text` says; None: as many as it takes.

    Raises
    ------
    InvalidInputError
        If it is neither ``auto`` nor a number.
    """
    if text == "auto":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise InvalidInputError(f"levels {text!r} is neither 'auto' nor a number") from error
