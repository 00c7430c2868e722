"""``voxlake create``: a dataset without voxels, by the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.api.cli.conftest import Command


def test_by_the_command(voxlake: Command) -> None:
    voxlake("init").ok()
    shape = ["--shape", "3,100,400,400", "--axes", "tzyx", "--voxel-size", "40,4,4nm"]
    made = voxlake("create", "lab/brain/em", "--kind", "image", "--dtype", "uint8", *shape).ok()
    assert made["state"] == "ready"
    voxlake("create", "lab/brain/cells", "--kind", "labels", "--of", "em", "--public").ok()
    cells = voxlake("info", "lab/brain/cells").ok()
    assert (cells["shape"], cells["of"], cells["public"]) == (
        [3, 100, 400, 400],
        "lab/brain/em",
        True,
    )
    em = voxlake("info", "lab/brain/em").ok()
    assert [level["shape"] for level in em["levels"]][1] == [3, 100, 200, 200]
    again = voxlake("create", "lab/brain/em", "--kind", "image", "--dtype", "uint8", *shape)
    assert again.kind == "conflict"
    for wrong in (
        ["--shape", "1,x,1"],
        ["--levels", "many"],
        ["--shape", "1,1,1", "--axes", "xyz"],
    ):
        size = ["--voxel-size", "1,1,1nm", "--dtype", "uint8"]
        assert voxlake("create", "lab/brain/x", "--kind", "image", *size, *wrong).code != 0
    assert voxlake("fsck", "lab/brain/cells").code == 0
