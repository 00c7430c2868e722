"""The benchmark of bit flips at a hundredth of its length, and what it must come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.platform.store import StoreURL


@pytest.mark.folder
@pytest.mark.parametrize(("damage", "count"), [("flipped", 120), ("cut", 60)])
def test_damage_is_found_and_never_read(lake: StoreURL, damage: str, count: int) -> None:
    from benchmarks import bit_flips

    inflict: Callable[..., bytes] = getattr(bit_flips, damage)
    tallies = bit_flips.damage_all(bit_flips.make_lake(lake), inflict, count, seed=7)
    assert len(tallies) == 6
    for kind, tally in tallies.items():
        done, found, _, harmless, missed, wrong = map(int, tally.cells())
        assert done == count // 6
        assert missed == 0, kind
        assert found + harmless == done
        # A list of labels holds names, of which a flip makes others: they are told, not refused.
        assert wrong == 0 or kind == "list of labels"
        if damage == "cut" or "shards" in kind:
            assert found >= done - 1
