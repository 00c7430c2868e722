"""Seals: no flipped bit of what is sealed goes unseen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ngff.datasets import Sample, create

from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.metadata.seal import check_seal, sealed
from voxlake.ngff.volume import open_volume
from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError, VoxlakeError

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL


@settings(max_examples=60)
@given(key=st.sampled_from(["zarr.json", "0/zarr.json"]), share=st.floats(0, 1, exclude_max=True))
def test_a_flipped_bit_breaks_the_seal_or_the_document(
    lake: StoreURL, key: str, share: float
) -> None:
    dataset = create(lake, Sample())
    before = store.read(dataset.url / key).body
    body, at = bytearray(before), int(share * 8 * len(before))
    body[at // 8] ^= 1 << at % 8
    try:
        document = json.loads(bytes(body))
    except ValueError:
        return
    assert check_seal(document) is not True or document == json.loads(before)


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("0/zarr.json", '"separator": "/"', '"separator": "."'),
        ("0/zarr.json", '"fill_value": 0', '"fill_value": 8'),
        ("zarr.json", '"path": "1"', '"path": "0"'),
    ],
)
def test_what_does_not_fit_its_seal_is_not_used(
    any_store: StoreURL, key: str, old: str, new: str
) -> None:
    """Each of these is one bit away, valid, and would give other voxels."""
    dataset = create(any_store, Sample())
    url = dataset.url / key
    body = store.read(url).body.decode()
    assert old in body
    store.write(url, body.replace(old, new).encode())
    with pytest.raises(CorruptDataError, match="voxlake fsck"):
        open_dataset(dataset.url).level(0)


def test_what_others_write_has_no_seal_and_is_read(lake: StoreURL) -> None:
    dataset = create(lake, Sample())
    url = dataset.url / "0" / "zarr.json"
    document: dict[str, Any] = json.loads(store.read(url).body)
    del document["attributes"]["voxlake"]
    store.write(url, json.dumps(document).encode())
    assert open_volume(dataset.level_url(0)).shape == Sample().shape


def test_a_seal_takes_the_place_of_an_older_one() -> None:
    document = sealed({"zarr_format": 3, "attributes": {"voxlake": {"seal": "old"}, "lab": 1}})
    assert check_seal(document) is True
    assert document["attributes"]["lab"] == 1
    assert sealed(document) == document


def test_no_json_is_no_array(lake: StoreURL) -> None:
    dataset = create(lake, Sample())
    store.write(dataset.url / "0" / "zarr.json", b'{"zarr_format": 3')
    with pytest.raises(VoxlakeError, match="damaged"):
        dataset.level(0)
