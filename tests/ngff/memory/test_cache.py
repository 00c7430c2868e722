"""The cache of a process: never above its limit, by last use over all kinds, and counted."""

from __future__ import annotations

import random
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from voxlake.ngff.memory.cache import Cache, Cached


def test_any_history_equals_a_model() -> None:
    rng = random.Random(5)
    cache = Cache(100)
    kinds = [Cached[int](name, cache) for name in "abc"]
    model: OrderedDict[tuple[str, int], int] = OrderedDict()
    asked = dict.fromkeys("abc", 0)
    for _ in range(5000):
        kind, key, size = rng.choice(kinds), rng.randrange(30), rng.randrange(1, 110)
        held = (kind.kind, key) in model
        asked[kind.kind] += 1
        value = kind.get(key, partial(int, size), lambda made: made)
        assert value == model.get((kind.kind, key), size)
        if held:
            model.move_to_end((kind.kind, key))
        elif size <= 100:
            model[kind.kind, key] = size
            while sum(model.values()) > 100:
                model.popitem(last=False)
        assert cache.used_bytes == sum(model.values()) <= 100
    for use in cache.use():
        sizes = [size for (kind, _), size in model.items() if kind == use.kind]
        assert (use.entries, use.bytes) == (len(sizes), sum(sizes))
        assert use.hits + use.misses == asked[use.kind]
        assert use.hits > 0
        assert use.evictions > 0


def test_a_value_above_the_limit_is_returned_and_drops_nothing() -> None:
    cache = Cache(10)
    kept = Cached[bytes]("bytes", cache)
    kept.put("small", b"1234", 4)
    assert kept.get("large", lambda: bytes(11), len) == bytes(11)
    assert kept.peek("large") is None
    assert kept.peek("small") == b"1234"


def test_a_value_put_again_counts_once() -> None:
    cache = Cache(10)
    kept = Cached[bytes]("bytes", cache)
    for size in (4, 9, 2):
        kept.put("one", bytes(size), size)
    assert cache.used_bytes == 2
    kept.put("one", bytes(20), 20)
    assert (cache.used_bytes, kept.peek("one")) == (0, None)


def test_a_smaller_limit_drops_what_was_unused_for_longest() -> None:
    cache = Cache(10)
    kept = Cached[str]("text", cache)
    for name in "abcde":
        kept.put(name, name, 2)
    kept.peek("a")
    cache.limit(4)
    assert [kept.peek(name) for name in "abcde"] == ["a", None, None, None, "e"]
    assert cache.use()[0].evictions == 3


def test_what_was_counted_stays_when_all_is_forgotten() -> None:
    cache = Cache(10)
    kept = Cached[str]("text", cache)
    kept.put("a", "a", 1)
    kept.peek("a")
    cache.clear()
    [use] = cache.use()
    assert (use.entries, use.bytes, use.hits) == (0, 0, 1)


@pytest.mark.parametrize("limit", [50, 10_000])
def test_threads_leave_the_counts_exact(limit: int) -> None:
    cache = Cache(limit)
    kinds = [Cached[int](name, cache) for name in "ab"]

    def work(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(3000):
            key = rng.randrange(40)
            kept = rng.choice(kinds)
            assert kept.get(key, partial(int, key), lambda made: made % 7) == key

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    uses = cache.use()
    assert sum(use.hits + use.misses for use in uses) == 8 * 3000
    assert sum(use.bytes for use in uses) == cache.used_bytes <= limit
