"""Links in a source: within its folder they are followed, and elsewhere only if asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import zarr
from PIL import Image

from voxlake.compute.sources.links import refuse_links_out
from voxlake.platform.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that belongs to nobody's source."""
    (tmp_path / "private").mkdir()
    Image.fromarray(np.full((8, 9), 7, np.uint8)).save(tmp_path / "private/z2.png")
    return tmp_path / "private/z2.png"


def _stack(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for number in range(2):
        Image.fromarray(np.full((8, 9), 7, np.uint8)).save(folder / f"z{number}.png")
    return folder


@pytest.mark.parametrize("ending", ["", "/*.png", "/z?.png", "/z{z}.png", "/z{z}.png?missing=fill"])
def test_a_slice_elsewhere_is_refused_by_name(
    tmp_path: Path, secret: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _stack(tmp_path / "stack")
    location = f"{folder}{ending}"
    (folder / "z2.png").symlink_to(folder / "z1.png")
    refuse_links_out(location)
    (folder / "z2.png").unlink()
    (folder / "z2.png").symlink_to(secret)
    with pytest.raises(SourceError, match=r"z2\.png, which leads out"):
        refuse_links_out(location)
    monkeypatch.setenv("VOXLAKE_FOLLOW_LINKS", "true")
    refuse_links_out(location)


@pytest.mark.parametrize("key", ["0/c/0", "0/zarr.json", "0"])
def test_parts_of_a_zarr_elsewhere_are_refused(tmp_path: Path, key: str) -> None:
    group = tmp_path / "em.zarr"
    zarr.create_array(str(group / "0"), shape=(8, 8), chunks=(4, 4), dtype="u1")[...] = 3
    refuse_links_out(str(group))
    (group / key).rename(tmp_path / "elsewhere")
    (group / key).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SourceError, match="leads out"):
        refuse_links_out(str(group))
    with pytest.raises(SourceError, match="leads out"):
        refuse_links_out(f"{group}::/0")


def test_what_is_named_may_be_a_link_itself(tmp_path: Path, secret: Path) -> None:
    _stack(tmp_path / "disk/stack")
    (tmp_path / "stack").symlink_to(tmp_path / "disk/stack")
    (tmp_path / "one.png").symlink_to(secret)
    for location in ("stack", "stack/*.png", "one.png", "nothing", "nothing/*.png"):
        refuse_links_out(str(tmp_path / location))
    for location in ("phantom:32", "s3://bucket/em", "https://host/em.zarr"):
        refuse_links_out(location)
