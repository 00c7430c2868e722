"""A dataset in the making says so, by whom, and when it is whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.ngff.datasets import Sample, create, new_dataset

from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.making.create import create_dataset
from voxlake.ngff.making.unfinished import Making, is_whole
from voxlake.ngff.validate import validate_dataset
from voxlake.platform import store
from voxlake.platform.errors import ConflictError, CorruptDataError, LeaseLostError

if TYPE_CHECKING:
    from voxlake.platform.store import StoreURL

FIRST, SECOND = "01JAAAAAAAAAAAAAAAAAAAAAAA", "01JBBBBBBBBBBBBBBBBBBBBBBB"


def _made(lake: StoreURL, job: str) -> Making:
    return Making(create_dataset(lake, new_dataset(Sample()), job), job)


def test_it_is_whole_when_its_job_says_so(any_store: StoreURL) -> None:
    making = _made(any_store, FIRST)
    assert not is_whole(making.url)
    making.check()
    assert list(validate_dataset(making.url)) == []
    _made(any_store, FIRST)
    making.finish()
    assert is_whole(making.url)
    assert open_dataset(making.url).levels
    # Resumed after it was finished: nothing changes.
    before = store.read(making.url / "zarr.json").body
    _made(any_store, FIRST)
    making.finish()
    assert store.read(making.url / "zarr.json").body == before


def test_a_writer_of_a_dataset_that_is_whole_is_refused(any_store: StoreURL) -> None:
    making = _made(any_store, FIRST)
    making.finish()
    with pytest.raises(LeaseLostError, match="whole by now"):
        making.check()
    with pytest.raises(ConflictError, match="whole dataset"):
        _made(any_store, SECOND)


def test_a_writer_of_a_dataset_that_another_job_makes_is_refused(any_store: StoreURL) -> None:
    """The second job makes the same dataset: the first was cancelled, or failed."""
    first, second = _made(any_store, FIRST), _made(any_store, SECOND)
    second.check()
    for late in (first.check, first.finish):
        with pytest.raises(LeaseLostError, match=SECOND):
            late()
    assert not is_whole(second.url)


def test_a_dataset_without_a_mark_is_whole(lake: StoreURL) -> None:
    """Older ones, and those that other programs made; unfinished ones are taken over."""
    url = create(lake, Sample()).url
    assert is_whole(url)
    Making(url, FIRST).check()
    assert not is_whole(_made(lake, FIRST).url)


@pytest.mark.parametrize(("old", "new"), [("whole", "vhole"), (FIRST[:20], FIRST[:19] + "B")])
def test_a_flipped_bit_in_the_mark_is_seen(lake: StoreURL, old: str, new: str) -> None:
    url = _made(lake, FIRST).url
    text = store.read(url / "zarr.json").body.decode()
    store.write(url / "zarr.json", text.replace(f'"{old}', f'"{new}').encode())
    for look in (is_whole, open_dataset):
        with pytest.raises(CorruptDataError, match="fsck NAME --seal"):
            look(url)


def test_attributes_of_others_stay(lake: StoreURL) -> None:
    making = _made(lake, FIRST)
    document = json.loads(store.read(making.url / "zarr.json").body)
    document["attributes"]["lab"] = {"microscope": 7}
    store.write(making.url / "zarr.json", json.dumps(document).encode())
    making.finish()
    found = json.loads(store.read(making.url / "zarr.json").body)
    assert found["attributes"]["lab"] == {"microscope": 7}
    assert found["attributes"]["voxlake"]["whole"] is True
