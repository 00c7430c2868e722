"""The benchmark of the label index holds those who take part to one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from benchmarks.label_index import NotTheSameError, Rate, check, goals_table, rates_table
from benchmarks.label_ways import KERNEL_WORK, SHARD_WORK, by_numpy, by_voxlake, volumes_of

from benchmarks import label_index

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from benchmarks.label_ways import Counts

    from voxlake.ngff.volume import Volume


@pytest.fixture
def labels() -> npt.NDArray[np.uint64]:
    coarse = np.random.default_rng(0).integers(0, 9, (8, 8, 8)).astype(np.uint64)
    return coarse.repeat(4, 0).repeat(4, 1).repeat(4, 2) << np.uint64(58)


def test_numpy_finds_the_same_voxels_of_each_label(labels: npt.NDArray[np.uint64]) -> None:
    check("NumPy", by_numpy(labels), by_voxlake(labels))


@pytest.mark.parametrize("change", ["label", "count", "box"])
def test_another_result_is_refused(labels: npt.NDArray[np.uint64], change: str) -> None:
    found = by_voxlake(labels)
    label, row = next(iter(found.items()))
    wrong = {
        "label": {**found, 1: row},
        "count": {**found, label: (row[0] + 1, *row[1:])},
        "box": {**found, label: (*row[:-1], row[-1] + 1)},
    }[change]
    with pytest.raises(NotTheSameError):
        check("somebody", wrong, found)


def test_all_find_the_same_voxels_in_a_stored_shard(
    tmp_path: Path, labels: npt.NDArray[np.uint64], monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = label_index.stored(tmp_path / "labels", labels, 8)
    ours = {"voxlake", "zarr + NumPy", "TensorStore, decoding alone", "voxlake, decoding alone"}
    work = {way: one for way, one in SHARD_WORK.items() if way in ours}
    monkeypatch.setattr(label_index, "SHARD_WORK", work)
    monkeypatch.setattr(label_index, "PASS_S", 1e-6)
    rates = label_index.measure_shard("blocks", volume, 1)
    assert {one.way for one in rates} == ours
    ids, voxels = volumes_of(volume)
    found = {label: (count,) for label, count in zip(ids.tolist(), voxels.tolist(), strict=True)}
    assert found == by_numpy(labels)
    assert len(found) > 1


def test_who_counts_other_voxels_in_a_shard_is_refused(
    tmp_path: Path, labels: npt.NDArray[np.uint64], monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = label_index.stored(tmp_path / "labels", labels, 8)

    def wrong(volume: Volume) -> Counts:
        ids, voxels = volumes_of(volume)
        return ids, np.concatenate([voxels[:-1], voxels[-1:] + 1])

    monkeypatch.setattr(label_index, "SHARD_WORK", {"voxlake": volumes_of, "peer": wrong})
    monkeypatch.setattr(label_index, "PASS_S", 1e-6)
    with pytest.raises(NotTheSameError, match="peer"):
        label_index.measure_shard("blocks", volume, 1)


def test_who_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_index, "find_spec", lambda _: None)
    assert list(label_index.installed(KERNEL_WORK)) == [
        "voxlake",
        "np.unique, no boxes",
    ]
    monkeypatch.setattr(label_index, "find_spec", lambda name: name)
    assert label_index.installed(SHARD_WORK) == SHARD_WORK


def test_ratios_are_of_voxlake_to_each() -> None:
    table = rates_table("t", [Rate("d", "voxlake", 300, 90), Rate("d", "peer", 100, 45)])
    last = [cell.strip() for cell in table.strip().splitlines()[-1].strip("|").split("|")]
    assert last == ["d", "peer", "100", "45", "3.00", "2.00", ""]


def test_goals_are_held_to_the_least_ratio() -> None:
    peer = "zarr + NumPy"
    rates = [Rate("a", "voxlake", 300, 90), Rate("a", peer, 10, 5)]
    rates += [Rate("b", "voxlake", 300, 90), Rate("b", peer, 30, 5)]
    last = [cell.strip() for cell in goals_table(rates).strip().splitlines()[-1][1:-1].split("|")]
    assert last == [peer, "20", "10.00", "20.00", "1 of 2", "18.00", "18.00"]


def test_data_of_the_same_name_is_refused() -> None:
    with pytest.raises(ValueError, match="same way and data"):
        rates_table("t", [Rate("d", "voxlake", 300, 90), Rate("d", "voxlake", 200, 45)])
