"""What is asked of a gateway by bossDB's API, and by its own for the same."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numcodecs import blosc

from benchmarks.gateway_requests import IMAGE, LABELS
from voxlake.ngff.grid.box import Box

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PLACE = "bench/phantom"
BOXES = {
    "64^3": ((64, 64, 64), 40),
    "512x512x16": ((16, 512, 512), 12),
    "512x512x96": ((96, 512, 512), 4),
}
"""Boxes z, y, x, and how many of them are asked for in a round."""
SMALL = 40
"""Requests for what has no voxels, in a round."""
WRITES = 12
V1, V2 = "v1", "v2"
BOSS = f"/v1/%s/{IMAGE}"


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: bytes | None = None


type Ask = Callable[[int], Request]
"""Makes the request of a number: neighbours ask for different boxes."""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that can be asked for in several ways."""

    what: str
    ways: Mapping[str, Ask]
    count: int
    """Requests in a round."""
    nbytes: int = 0
    """Voxels of each answer, or body."""


def questions(shape: tuple[int, int, int], label: int) -> list[Question]:
    """Return all that is measured of an image, and labels, of a shape z, y, x."""
    return [
        *_cutouts(shape),
        _tiles(shape),
        *_resources(),
        *_annotations(shape, label),
        _write(shape),
    ]


def boxes(shape: Sequence[int], extent: Sequence[int]) -> list[Box]:
    """Return boxes that begin at the grid of chunks, and lie in the shape."""
    extent = [min(n, most) for n, most in zip(extent, shape, strict=True)]
    starts = [range(0, most - n + 1, 64) for n, most in zip(extent, shape, strict=True)]
    return [
        Box(lo, tuple(a + n for a, n in zip(lo, extent, strict=True))) for lo in product(*starts)
    ]


def boss_box(box: Box) -> str:
    """Return a box as bossDB's API has it: x first."""
    return "/".join(f"{lo}:{hi}" for lo, hi in zip(box.start[::-1], box.stop[::-1], strict=True))


def own_box(box: Box) -> str:
    """Return a box as the gateway's API has it."""
    ends = zip("zyx", box.start, box.stop, strict=True)
    return "&".join(f"{axis}={lo}:{hi}" for axis, lo, hi in ends)


def _cutouts(shape: tuple[int, int, int]) -> list[Question]:
    found = []
    for name, (extent, count) in BOXES.items():
        these = boxes(shape, extent)

        def boss(form: str, these: list[Box] = these) -> Ask:
            return lambda n: Request(
                f"/v1/cutout/{IMAGE}/0/{boss_box(these[n % len(these)])}/",
                {"Accept": f"application/{form}"},
            )

        def own(n: int, these: list[Box] = these) -> Request:
            asked = own_box(these[n % len(these)])
            return Request(f"/v2/datasets/{IMAGE}/cutout?{asked}&format=blosc")

        ways = {"v1 blosc": boss("blosc"), "v2 blosc": own, "v1 npygz": boss("npygz")}
        found.append(Question(f"cutout {name}", ways, count, these[0].size))
    return found


def _tiles(shape: tuple[int, int, int]) -> Question:
    depth, size = shape[0], min(512, *shape[1:])
    return Question(
        f"tile {size}^2",
        {
            V1: lambda n: Request(f"/v1/tile/{IMAGE}/xy/{size}/0/0/0/{n % depth}"),
            V2: lambda n: Request(f"/v2/datasets/{IMAGE}/tiles/xy/0/{n % depth}/0/0?size={size}"),
        },
        BOXES["512x512x16"][1],
        size * size,
    )


def _resources() -> list[Question]:
    collection, experiment = PLACE.split("/")
    above = f"collection/{collection}/experiment/{experiment}"
    pairs = {
        "collection": (f"/v1/collection/{collection}", f"/v2/collections/{collection}"),
        "experiment": (f"/v1/{above}/", f"/v2/collections/{collection}/experiments/{experiment}"),
        "channel": (f"/v1/{above}/channel/em/", f"/v2/datasets/{IMAGE}"),
        "coordinate frame": ("/v1/coord/whole/", "/v2/frames/whole"),
        "levels": (f"/v1/downsample/{IMAGE}/", f"/v2/datasets/{IMAGE}"),
        "metadata": (
            f"/v1/meta/{PLACE}/?key=stain",
            f"/v2/metadata/value?place={PLACE}&key=stain",
        ),
    }
    return [_pair(name, *each) for name, each in pairs.items()]


def _pair(what: str, boss: str, own: str) -> Question:
    return Question(what, {V1: lambda _: Request(boss), V2: lambda _: Request(own)}, SMALL)


def _annotations(shape: tuple[int, int, int], label: int) -> list[Question]:
    these = boxes(shape, (64, 64, 64))
    ids = Question(
        "ids in 64^3",
        {
            V1: lambda n: Request(f"/v1/ids/{LABELS}/0/{boss_box(these[n % len(these)])}/0:1/"),
            V2: lambda n: Request(f"/v2/datasets/{LABELS}/labels?{own_box(these[n % len(these)])}"),
        },
        SMALL,
    )
    place = _pair(
        "bounding box",
        f"/v1/boundingbox/{LABELS}/0/{label}/?type=tight",
        f"/v2/datasets/{LABELS}/labels/{label}",
    )
    return [ids, place]


def _write(shape: tuple[int, int, int]) -> Question:
    these = boxes(shape, (64, 64, 64))

    def body(n: int) -> bytes:
        voxels = np.full(these[0].shape, (1 << 40) + n, np.uint64)
        return bytes(blosc.compress(voxels.tobytes(), b"lz4", 5, blosc.NOSHUFFLE))

    return Question(
        "write 64^3 labels",
        {
            V1: lambda n: Request(
                f"/v1/cutout/{LABELS}/0/{boss_box(these[n % len(these)])}/",
                {"Content-Type": "application/blosc"},
                "POST",
                body(2 * n),
            ),
            V2: lambda n: Request(
                f"/v2/datasets/{LABELS}/cutout?{own_box(these[n % len(these)])}",
                {"Content-Type": "application/x-blosc"},
                "PUT",
                body(2 * n + 1),
            ),
        },
        WRITES,
        math.prod(these[0].shape) * 8,
    )
