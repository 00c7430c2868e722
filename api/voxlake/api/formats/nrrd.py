"""NRRD: a header in lines of text, then the voxels.

https://teem.sourceforge.net/nrrd/format.html
"""

from __future__ import annotations

from collections.abc import Iterator

from voxlake.api.formats.cutout import Blocks, Cutout, as_bytes
from voxlake.api.formats.format import Format
from voxlake.ngff.grid.axes import SPATIAL

_FLOATS = {"float32": "float", "float64": "double"}


def encode(cutout: Cutout, blocks: Blocks) -> Iterator[memoryview]:
    """Yield the header, then the voxels without copying them."""
    yield memoryview(header(cutout))
    yield from map(as_bytes, blocks)


def header(cutout: Cutout) -> bytes:
    """Return the header: axes from the fastest, x; lengths in micrometres if they are known."""
    names = cutout.names[::-1]
    size = cutout.size_in("micrometer")
    fields = {
        "type": _FLOATS.get(cutout.dtype.name, cutout.dtype.name),
        "dimension": len(names),
        "sizes": " ".join(map(str, cutout.shape[::-1])),
        "kinds": " ".join("domain" if name in SPATIAL else "list" for name in names),
        **({} if size is None else _space(cutout, size)),
        "encoding": "raw",
        **({"endian": "little"} if cutout.dtype.itemsize > 1 else {}),
    }
    lines = ["NRRD0004", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\n".join(lines).encode("ascii")


def _space(cutout: Cutout, size: tuple[float, float, float]) -> dict[str, object]:
    steps = {name: ["0", "0", "0"] for name in SPATIAL}
    for place, (name, length) in enumerate(zip(reversed(SPATIAL), reversed(size), strict=True)):
        steps[name][place] = repr(length)
    vectors = (f"({','.join(steps[n])})" if n in steps else "none" for n in cutout.names[::-1])
    place_zyx = cutout.place_in("micrometer") or (0.0, 0.0, 0.0)
    return {
        "space dimension": 3,
        "space units": '"um" "um" "um"',
        "space directions": " ".join(vectors),
        "space origin": f"({','.join(map(repr, reversed(place_zyx)))})",
    }


def measure(cutout: Cutout) -> int:
    """Return the bytes of header and voxels."""
    return len(header(cutout)) + cutout.nbytes


def accepts(cutout: Cutout) -> bool:
    """Accept the usual axes; there are no floats of 16 bits."""
    return cutout.is_usual and cutout.dtype != "f2"


NRRD = Format("nrrd", "application/x-nrrd", ".nrrd", encode, measure, accepts=accepts)
