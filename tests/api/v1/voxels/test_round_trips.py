"""What intern writes is what it reads: every type, in time, in frames that begin below zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intern.resource.boss.resource import (
    ChannelResource,
    CollectionResource,
    CoordinateFrameResource,
    ExperimentResource,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt
    from tests.api.conftest import Served

START, STOP = (-20, -7, 5), (45, 60, 30)
"""x, y, z of the frame, and below `SHAPE` of it: z, y, x."""
SHAPE = tuple(stop - start for start, stop in zip(reversed(START), reversed(STOP), strict=True))
TIMES = 3
TYPES = {"raw8": "uint8", "raw16": "uint16", "cells8": "uint8", "cells64": "uint64"}

type Voxels = npt.NDArray[Any]


@pytest.fixture(scope="module")
def channel(boss: Any) -> Iterator[Callable[[str], Any]]:
    """A function that returns a channel of `film`, which has 3 time points, or of `still`."""
    frame = [end for ends in zip(START, STOP, strict=True) for end in ends]
    sizes = (4, 4, 40, "nanometers")
    made = [
        CollectionResource("trips", "by intern"),
        CoordinateFrameResource("below", "zero", *frame, *sizes),
        *(
            ExperimentResource(name, "trips", "below", "", 2, "anisotropic", times)
            for name, times in (("film", TIMES), ("still", 1))
        ),
        *(_channel(name, experiment) for experiment in ("film", "still") for name in TYPES),
    ]
    for each in made:
        boss.create_project(each)

    def get(name: str) -> Any:
        experiment, _, own = name.partition("/")
        return boss.get_project(ChannelResource(own, "trips", experiment))

    yield get
    for each in reversed(made):
        boss.delete_project(each)


def _channel(name: str, experiment: str) -> Any:
    kind, sources = ("annotation", ["raw8"]) if name.startswith("cells") else ("image", [])
    return ChannelResource(name, "trips", experiment, kind, "", 0, TYPES[name], 0, sources=sources)


@st.composite
def spans(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Draw spans x, y, z of the frame."""
    ends = zip(START, STOP, strict=True)
    drawn = [sorted(draw(st.sets(st.integers(lo, hi), min_size=2, max_size=2))) for lo, hi in ends]
    return [(lo, hi) for lo, hi in drawn]


def part(box: list[tuple[int, int]]) -> tuple[slice, ...]:
    """Return a box of the frame as what it is of an array z, y, x."""
    own = [slice(lo - start, hi - start) for (lo, hi), start in zip(box, START, strict=True)]
    return tuple(reversed(own))


def noise(shape: tuple[int, ...], dtype: str, seed: int) -> Voxels:
    """Return voxels of any value, the largest among them, and none of them 0."""
    random = np.random.default_rng(seed)
    most = np.iinfo(dtype).max
    voxels = random.integers(1, most, shape, dtype, endpoint=True)
    voxels.flat[0] = most
    return voxels


@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=4)
@given(box=spans(), seed=st.integers(0, 99))
def test_a_box_of_any_type(
    boss: Any, channel: Callable[[str], Any], name: str, box: list[tuple[int, int]], seed: int
) -> None:
    resource = channel(f"still/{name}")
    shape = tuple(hi - lo for lo, hi in reversed(box))
    voxels = noise(shape, TYPES[name], seed)
    boss.create_cutout(resource, 0, *map(list, box), voxels)
    got = boss.get_cutout(resource, 0, *map(list, box))
    assert got.dtype == TYPES[name]
    np.testing.assert_array_equal(got, voxels)
    if name == "cells64":
        ids = boss.get_ids_in_region(resource, 0, *map(list, box))
        assert ids == np.unique(voxels).tolist()


@pytest.mark.parametrize("name", ["raw8", "raw16"])
def test_boxes_in_time(boss: Any, channel: Callable[[str], Any], name: str) -> None:
    resource = channel(f"film/{name}")
    whole = np.zeros((TIMES, *SHAPE), TYPES[name])
    frame = [[lo, hi] for lo, hi in zip(START, STOP, strict=True)]
    for times, box in [
        ([0, 1], [(-20, -3), (-7, 60), (5, 30)]),
        ([1, 3], [(-2, 45), (0, 33), (7, 8)]),
        ([2, 3], [(-20, 45), (59, 60), (5, 30)]),
    ]:
        where = (slice(*times), *part(box))
        voxels = noise(whole[where].shape, TYPES[name], times[0])
        boss.create_cutout(resource, 0, *map(list, box), voxels, time_range=times)
        whole[where] = voxels
    got = boss.get_cutout(resource, 0, *frame, time_range=[0, TIMES])
    np.testing.assert_array_equal(got, whole)
    # Who names no time writes and reads the first.
    np.testing.assert_array_equal(boss.get_cutout(resource, 0, *frame), whole[0])


def test_an_id_above_all_signed_ones(
    bossdb: Served, boss: Any, channel: Callable[[str], Any]
) -> None:
    resource, label = channel("still/cells64"), 2**64 - 1
    voxels = np.full((2, 3, 4), label, np.uint64)
    box = [[-20, -16], [-7, -4], [5, 7]]
    boss.create_cutout_to_black(
        resource, 0, *([lo, hi] for lo, hi in zip(START, STOP, strict=True))
    )
    boss.create_cutout(resource, 0, *box, voxels)
    assert boss.get_ids_in_region(resource, 0, *box) == [label]
    tight = boss.get_bounding_box(resource, 0, label, "tight")
    assert [tight[f"{axis}_range"] for axis in "xyz"] == box
    kept = boss.get_cutout(resource, 0, *box, id_list=[label])
    np.testing.assert_array_equal(kept, voxels)
