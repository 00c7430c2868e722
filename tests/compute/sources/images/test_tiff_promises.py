"""What the metadata of TIFF files promise is held against what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.compute.sources.reading import assert_whole, cut, fails

from voxlake.compute.sources import open_source
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RNG = np.random.default_rng(5)
Z, Y, X = 6, 20, 30
VOXELS = RNG.integers(1, 60000, (Z, Y, X), "u2")
SET = RNG.integers(1, 60000, (2, 2, 3, Y, X), "u2")
"""t, c, z, y, x: a file for each t and c."""

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="'
)
"""The beginning of OME-XML."""


def one_page(path: Path, voxels: np.ndarray, description: str, **options: Any) -> None:
    """Write one page, then all the other planes behind it in the order of `voxels`."""
    planes = voxels.reshape(-1, *voxels.shape[-2:])
    tifffile.imwrite(path, planes[0], description=description, metadata=None, **options)
    with tifffile.TiffFile(path) as tif:
        assert tif.pages.first.dataoffsets[0] + planes[0].nbytes == path.stat().st_size
    with path.open("ab") as file:
        file.write(planes[1:].tobytes())


IMAGEJ = {
    "a stack": ("images=6\nslices=6", (Z, Y, X)),
    "a hyperstack": ("images=6\nchannels=2\nslices=3\nhyperstack=true", (3, 2, Y, X)),
    "times": ("images=6\nframes=6", (Z, 1, Y, X)),
    "no images": ("slices=6", (Z, Y, X)),
}


@pytest.mark.parametrize("kind", IMAGEJ)
def test_imagej_stack_of_one_page_is_read_whole(tmp_path: Path, kind: str) -> None:
    text, shape = IMAGEJ[kind]
    one_page(tmp_path / "v.tif", VOXELS, f"ImageJ=1.54f\n{text}\nloop=false\n")
    source = open_source(str(tmp_path / "v.tif"))
    voxels = VOXELS.reshape(shape)
    assert_whole(source, voxels.swapaxes(0, 1) if "channels" in text else voxels)


@pytest.mark.parametrize("kind", IMAGEJ)
@pytest.mark.parametrize("lost", [1, Y * X * 2, 3 * Y * X * 2])
def test_torn_imagej_stack_of_one_page_is_refused(tmp_path: Path, kind: str, lost: int) -> None:
    one_page(tmp_path / "v.tif", VOXELS, f"ImageJ=1.54f\n{IMAGEJ[kind][0]}\n")
    cut(tmp_path / "v.tif", -lost)
    fails(tmp_path / "v.tif", "v.tif", "1 planes", "promise 6")


def test_imagej_numbers_that_differ_are_refused(tmp_path: Path) -> None:
    one_page(tmp_path / "v.tif", VOXELS, "ImageJ=1.54f\nimages=6\nslices=4\n")
    fails(tmp_path / "v.tif", "images=6 slices=4")
    tifffile.imwrite(
        tmp_path / "w.tif", VOXELS, metadata=None, description="ImageJ=1\nimages=3\nslices=3\n"
    )
    fails(tmp_path / "w.tif", "w.tif", "6", "3")


def test_imagej_colours_are_no_planes(tmp_path: Path) -> None:
    rgb = RNG.integers(0, 256, (4, Y, X, 3), "u1")
    tifffile.imwrite(tmp_path / "v.tif", rgb, imagej=True, metadata={"axes": "ZYXS"})
    assert_whole(open_source(str(tmp_path / "v.tif")), np.moveaxis(rgb, -1, 0))
    for number, pixels in enumerate(rgb):
        tifffile.imwrite(tmp_path / f"s{number}.tif", pixels, imagej=True)
    assert_whole(open_source(str(tmp_path / "s*.tif")), np.moveaxis(rgb, -1, 0))


STACKS = {
    "ImageJ": ("ImageJ=1.54f\nimages=6\nslices=6\n", ()),
    "tifffile": (f'{{"shape": [{Z}, {Y}, {X}], "truncated": true}}', ()),
    "MetaMorph": ("", ((33629, 5, Z, (0, 1) * Z, True),)),
}


@pytest.mark.parametrize("kind", STACKS)
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_stacks_of_one_page_are_no_slices(
    tmp_path: Path, kind: str, compression: str | None
) -> None:
    text, tags = STACKS[kind]
    for number in range(3):
        path = tmp_path / f"s{number}.tif"
        tifffile.imwrite(
            path,
            VOXELS[0],
            metadata=None,
            description=text or None,
            compression=compression,
            extratags=tags,
        )
    fails(tmp_path, "s0.tif", "6 planes", "a slice of a stack is one plane")


def test_torn_stack_of_tifffile_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "v.tif", VOXELS, truncate=True)
    assert_whole(open_source(str(tmp_path / "v.tif")), VOXELS)
    cut(tmp_path / "v.tif", -1)
    fails(tmp_path / "v.tif", "v.tif")
    text = f'{{"shape": [9, {Y}, {X}]}}'
    tifffile.imwrite(
        tmp_path / "w.tif", VOXELS, metadata=None, description=text, compression="zlib"
    )
    fails(tmp_path / "w.tif", "w.tif")


def ome(sizes: Sequence[int], data: str = "<TiffData/>", uuid: str = "urn:uuid:7") -> str:
    """Return OME-XML of the sizes t, c, z."""
    t, c, z = sizes
    channels = "".join(f'<Channel ID="Channel:0:{n}" SamplesPerPixel="1"/>' for n in range(c))
    return (
        f'{HEAD}{uuid}"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" '
        f'Type="uint16" SizeX="{X}" SizeY="{Y}" SizeZ="{z}" SizeC="{c}" SizeT="{t}">'
        f"{channels}{data}</Pixels></Image></OME>"
    )


def binary_only(uuid: str, companion: str, companion_uuid: str) -> str:
    """Return the OME-XML of a file whose metadata are in another."""
    return f'{HEAD}{uuid}"><BinaryOnly MetadataFile="{companion}" UUID="{companion_uuid}"/></OME>'


def pages(path: Path, planes: np.ndarray, xml: str, **options: Any) -> None:
    """Write a page for each plane, the first with OME-XML."""
    with tifffile.TiffWriter(path) as writer:
        for number, plane in enumerate(planes.reshape(-1, Y, X)):
            writer.write(
                plane,
                contiguous=False,
                metadata=None,
                description=None if number else xml,
                **options,
            )


@pytest.mark.parametrize("sizes", [(1, 1, 3), (1, 2, 2), (5, 1, 1)])
@pytest.mark.parametrize("data", ["<TiffData/>", '<TiffData IFD="0" PlaneCount="{}"/>'])
def test_ome_tiff_with_more_pages_is_refused(
    tmp_path: Path, sizes: tuple[int, int, int], data: str
) -> None:
    planes = int(np.prod(sizes))
    pages(tmp_path / "v.ome.tif", VOXELS, ome(sizes, data.format(planes)))
    fails(tmp_path / "v.ome.tif", "v.ome.tif", "6 pages", f"name {planes}")


@pytest.mark.parametrize("sizes", [(1, 1, 7), (2, 2, 2), (1, 12, 1)])
def test_ome_tiff_with_fewer_pages_is_refused(tmp_path: Path, sizes: tuple[int, int, int]) -> None:
    pages(tmp_path / "v.ome.tif", VOXELS, ome(sizes))
    fails(tmp_path / "v.ome.tif", "v.ome.tif", "lacks page 6")


@pytest.mark.parametrize("length", [-1, -40, -300])
def test_torn_ome_xml_is_refused(tmp_path: Path, length: int) -> None:
    pages(tmp_path / "v.ome.tif", VOXELS, ome((3, 2, 1))[:length])
    fails(tmp_path / "v.ome.tif", "OME-XML")


@pytest.mark.parametrize("behind", ["<!-- by a microscope -->", "<?stage 7?>" + "\n" * 20])
def test_ome_xml_with_something_behind_it_is_no_plain_stack(tmp_path: Path, behind: str) -> None:
    pages(tmp_path / "v.ome.tif", VOXELS, ome((3, 2, 1)) + behind)
    fails(tmp_path / "v.ome.tif", "OME-XML")


def test_ome_tiff_that_names_a_page_twice_is_refused(tmp_path: Path) -> None:
    data = "".join(f'<TiffData FirstZ="{z}" IFD="{min(z, 4)}" PlaneCount="1"/>' for z in range(Z))
    pages(tmp_path / "v.ome.tif", VOXELS, ome((1, 1, Z), data))
    fails(tmp_path / "v.ome.tif", "one page for several planes")


def test_ome_tiff_of_other_extents_is_refused(tmp_path: Path) -> None:
    pages(tmp_path / "v.ome.tif", VOXELS, ome((1, 1, Z)).replace('SizeX="30"', 'SizeX="15"'))
    fails(tmp_path / "v.ome.tif", "v.ome.tif", "does not fit its pages")


@pytest.mark.parametrize("planes", [1, Z])
@pytest.mark.parametrize(
    ("name", "metadata"),
    [("v.ome.tif", {"axes": "ZYX"}), ("v.tif", {"axes": "ZYX"}), ("v.tif", None)],
)
def test_a_pyramid_is_read_at_its_finest_level(
    tmp_path: Path, planes: int, name: str, metadata: dict[str, Any] | None
) -> None:
    voxels = RNG.integers(1, 60000, (planes, 64, 96), "u2")
    options: dict[str, Any] = {"photometric": "minisblack", "tile": (16, 16)}
    with tifffile.TiffWriter(tmp_path / name) as writer:
        writer.write(voxels, subifds=2, metadata=metadata, **options)
        for step in (2, 4):
            writer.write(voxels[:, ::step, ::step], subfiletype=1, metadata=None, **options)
    assert_whole(open_source(str(tmp_path / name)), voxels)


def test_ome_tiff_under_another_name_is_read(tmp_path: Path) -> None:
    data = '<TiffData PlaneCount="6"><UUID FileName="old.ome.tif">urn:uuid:1</UUID></TiffData>'
    pages(tmp_path / "new.ome.tif", VOXELS, ome((1, 1, Z), data, uuid="urn:uuid:1"))
    assert_whole(open_source(str(tmp_path / "new.ome.tif")), VOXELS)


def ome_set(folder: Path, companion: str) -> None:
    """Write a set of four files whose metadata are in `companion`, which may be one of them."""
    entries = "".join(
        f'<TiffData FirstZ="0" FirstC="{c}" FirstT="{t}" IFD="0" PlaneCount="3">'
        f'<UUID FileName="t{t}c{c}.ome.tif">urn:uuid:{t}{c}</UUID></TiffData>'
        for t, c in np.ndindex(2, 2)
    )
    own = companion.endswith(".tif")
    whole = ome((2, 2, 3), entries, "urn:uuid:00" if own else "urn:uuid:99")
    if not own:
        (folder / companion).write_text(whole)
    for t, c in np.ndindex(2, 2):
        name, uuid = f"t{t}c{c}.ome.tif", "urn:uuid:00" if own else "urn:uuid:99"
        only = binary_only(f"urn:uuid:{t}{c}", companion, uuid)
        pages(folder / name, SET[t, c], whole if name == companion else only)


@pytest.mark.parametrize("companion", ["all.companion.ome", "t0c0.ome.tif"])
@pytest.mark.parametrize("given", ["t0c0.ome.tif", "t1c1.ome.tif", "all.companion.ome"])
def test_ome_tiff_set_is_read_whole(tmp_path: Path, companion: str, given: str) -> None:
    ome_set(tmp_path, companion)
    location = tmp_path / (companion if given.endswith(".ome") else given)
    assert_whole(open_source(str(location)), SET)


@pytest.mark.parametrize("companion", ["all.companion.ome", "t0c0.ome.tif"])
def test_ome_tiff_set_that_lacks_a_file_is_refused(tmp_path: Path, companion: str) -> None:
    ome_set(tmp_path, companion)
    (tmp_path / "t0c1.ome.tif").unlink()
    fails(tmp_path / "t1c1.ome.tif", "lacks t0c1.ome.tif")
    (tmp_path / companion).unlink()
    fails(tmp_path / "t1c1.ome.tif", companion, "not there")


def test_ome_tiff_set_with_metadata_of_another_is_refused(tmp_path: Path) -> None:
    ome_set(tmp_path, "all.companion.ome")
    text = (tmp_path / "all.companion.ome").read_text()
    (tmp_path / "all.companion.ome").write_text(text.replace("urn:uuid:99", "urn:uuid:98"))
    fails(tmp_path / "t1c1.ome.tif", "another all.companion.ome")
    (tmp_path / "all.companion.ome").write_text(text[:-20])
    fails(tmp_path / "t1c1.ome.tif", "all.companion.ome", "torn OME-XML")


def test_folder_of_an_ome_tiff_set_is_no_stack(tmp_path: Path) -> None:
    for number in range(3):
        only = binary_only(f"urn:uuid:{number}", "all.companion.ome", "urn:uuid:99")
        pages(tmp_path / f"s{number}.tif", VOXELS[number], only)
    fails(tmp_path, "s0.tif", "a set")
    for number in range(3):
        pages(tmp_path / f"s{number}.tif", VOXELS[number], ome((1, 1, 3)))
    fails(tmp_path, "s0.tif", "3 planes")


def retag(path: Path, code: int, change: Any) -> None:
    """Change the values of a tag of every page, in place."""
    with tifffile.TiffFile(path, mode="r+") as tif:
        for page in tif.pages:
            assert isinstance(page, tifffile.TiffPage)
            value = page.tags[code].value
            page.tags[code].overwrite(
                [change(n) for n in value] if len(value) > 1 else change(value[0])
            )


LAYOUTS: dict[str, dict[str, Any]] = {
    "one strip": {},
    "strips": {"rowsperstrip": 7},
    "big": {"bigtiff": True, "rowsperstrip": 7},
    "big-endian": {"byteorder": ">"},
    "tiles": {"tile": (16, 16)},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_byte_counts_of_zero_are_computed(tmp_path: Path, layout: str) -> None:
    code = 325 if layout == "tiles" else 279
    for number, plane in enumerate(VOXELS):
        path = tmp_path / f"s{number}.tif"
        tifffile.imwrite(path, plane, metadata=None, **LAYOUTS[layout])
        retag(path, code, lambda _: 0)
    assert_whole(open_source(str(tmp_path / "s*.tif")), VOXELS)
    tifffile.imwrite(tmp_path / "v.tif", VOXELS, metadata=None, **LAYOUTS[layout])
    retag(tmp_path / "v.tif", code, lambda _: 0)
    assert_whole(open_source(str(tmp_path / "v.tif")), VOXELS)
    size = (tmp_path / "s3.tif").stat().st_size
    if layout != "big-endian":
        cut(tmp_path / "s3.tif", size - 8)
        fails(tmp_path / "s*.tif", "s3.tif")


@pytest.mark.parametrize(
    ("options", "code"), [({"rowsperstrip": 7}, 279), ({"tile": (16, 16)}, 325)]
)
@pytest.mark.parametrize("count", [0, 1, 30])
def test_byte_counts_that_cannot_be_are_refused(
    tmp_path: Path, options: dict[str, Any], code: int, count: int
) -> None:
    """Of coded data nothing says how long they are; of others they would be too short."""
    compression = None if count else "zlib"
    tifffile.imwrite(tmp_path / "v.tif", VOXELS, metadata=None, compression=compression, **options)
    retag(tmp_path / "v.tif", code, lambda _: count)
    fails(tmp_path / "v.tif", "page 0", "v.tif", f"{count} bytes")
    with pytest.raises(SourceError, match=r"page 0"):
        open_source(str(tmp_path / "v.tif")).read(Box((0, 0, 0), (1, Y, X)))


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("nodata", [None, "7"])
def test_sparse_tiles_are_what_stands_for_no_data(
    tmp_path: Path, compression: str | None, nodata: str | None
) -> None:
    """As GDAL writes them: neither a place nor a length."""
    path, tags = tmp_path / "v.tif", [(42113, "s", 0, nodata, True)] if nodata else []
    options: Any = {"tile": (16, 16), "compression": compression, "extratags": tags}
    tifffile.imwrite(path, VOXELS[:1], metadata=None, **options)
    for code in (324, 325):
        retag(path, code, _every_other())
    expected = VOXELS[:1].copy()
    expected[:, :, :16] = int(nodata or 0)
    assert_whole(open_source(str(path)), expected)


def _every_other() -> Any:
    """Return a function that makes every other value 0, beginning with the first."""
    numbers = iter(range(10**6))
    return lambda value: value if next(numbers) % 2 else 0


def test_strips_that_were_never_written_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "v.tif"
    tifffile.imwrite(path, VOXELS[:1], metadata=None, rowsperstrip=7)
    for code in (273, 279):
        retag(path, code, _every_other())
    fails(path, "page 0", "v.tif", "0 bytes from byte 0")
    one = tmp_path / "w.tif"
    tifffile.imwrite(one, VOXELS[:1], metadata=None)
    for code in (273, 279):
        retag(one, code, lambda _: 0)
    fails(one, "page 0", "w.tif", "0 bytes from byte 0")


ODD = {
    "turned": (VOXELS[3].T.copy(), {}, "not alike (incompatible keyframe)"),
    "smaller": (VOXELS[3][:10], {}, "another height than page 0"),
    "signed": (VOXELS[3].view("i2"), {}, "another format of samples than page 0"),
    "white is 0": (
        VOXELS[3],
        {"photometric": "miniswhite"},
        "another photometric interpretation than page 0",
    ),
    "packed": (VOXELS[3], {"compression": "zlib"}, "another compression than page 0"),
    "in strips": (VOXELS[3], {"rowsperstrip": 10}, "not alike (incompatible keyframe)"),
}
"""A page that is unlike the others, how it is written, and what the error names."""


@pytest.mark.parametrize(("page", "options", "named"), ODD.values(), ids=ODD)
def test_a_page_among_many_that_is_not_alike(
    tmp_path: Path, page: np.ndarray, options: dict[str, Any], named: str
) -> None:
    """Of eight pages and more tifffile looks at the first, the second, the eighth and the last."""
    with tifffile.TiffWriter(tmp_path / "v.tif") as writer:
        for number in range(10):
            pixels, how = (page, options) if number == 3 else (VOXELS[number % Z], {})
            writer.write(pixels, metadata=None, contiguous=False, **how)
    fails(tmp_path / "v.tif", "v.tif", named, "save all pages alike")


def test_strips_as_long_as_the_page_are_alike_however_long_they_are_said_to_be(
    tmp_path: Path,
) -> None:
    with tifffile.TiffWriter(tmp_path / "v.tif") as writer:
        for number in range(10):
            writer.write(VOXELS[number % Z], metadata=None, contiguous=False)
    with tifffile.TiffFile(tmp_path / "v.tif", mode="r+") as tif:
        tif.pages[3].aspage().tags["RowsPerStrip"].overwrite(2**32 - 1, dtype="I")
    assert_whole(open_source(str(tmp_path / "v.tif")), VOXELS[np.arange(10) % Z])


def test_pages_of_jpeg_have_tables_of_their_own(tmp_path: Path) -> None:
    """Of a page among many tifffile keeps little but these; those of the first are others."""
    pages = np.repeat(np.add.outer(np.arange(32), 3 * np.arange(32)).astype("u1")[None], 10, 0)
    for number, quality in enumerate([95] * 3 + [20] + [95] * 6):
        Image.fromarray(pages[number]).save(
            tmp_path / f"{number}.tif", compression="jpeg", quality=quality
        )
    merged = []
    with tifffile.TiffWriter(tmp_path / "v.tif") as writer:
        for number in range(10):
            with tifffile.TiffFile(tmp_path / f"{number}.tif") as tif:
                page = tif.pages.first
                merged.append(page.asarray())
                (offset,), (length,) = page.dataoffsets, page.databytecounts
                coded = (tmp_path / f"{number}.tif").read_bytes()[offset : offset + length]
                assert page.jpegtables
                writer.write(
                    iter([coded]),
                    shape=page.shape,
                    dtype=page.dtype,
                    compression="jpeg",
                    jpegtables=page.jpegtables,
                    rowsperstrip=page.rowsperstrip,
                    metadata=None,
                )
    assert not np.array_equal(merged[3], merged[2])
    assert_whole(open_source(str(tmp_path / "v.tif")), np.stack(merged))
