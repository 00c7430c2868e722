"""What a process keeps of objects that never change: all kinds of it under one limit of bytes.

A module that keeps something declares a `Cached`, by the kind of its values. The values of all of
them lie in one `Cache` in the order of their last use, so that memory goes to what is asked.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

LIMIT_BYTES = 256 << 20
"""What is kept unless a program says how much."""


@dataclass(frozen=True, slots=True)
class CacheUse:
    """What is kept of one kind, and what came of the questions since the process began."""

    kind: str
    entries: int
    bytes: int
    """Of the entries together."""
    hits: int
    misses: int
    evictions: int
    """Entries dropped to make room."""


class Cache:
    """Values of several kinds, of which those unused for longest are dropped above the limit."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes, self.used_bytes = limit_bytes, 0
        self.kinds: list[Cached[Any]] = []
        self.lock = Lock()
        self.entries: OrderedDict[tuple[str, Hashable], tuple[Any, int, Cached[Any]]]
        self.entries = OrderedDict()

    def limit(self, limit_bytes: int) -> None:
        """Keep no more than `limit_bytes` from here on."""
        with self.lock:
            self.limit_bytes = limit_bytes
            self._make_room()

    def clear(self) -> None:
        """Forget all values, as a process does that ends; what was counted stays."""
        with self.lock:
            self.entries.clear()
            self.used_bytes = 0

    def put(self, key: tuple[str, Hashable], value: Any, size: int, kind: Cached[Any]) -> None:
        """Keep a value of `size` bytes, unless it alone is above the limit. Needs the lock."""
        self.used_bytes -= self.entries.pop(key, (None, 0, kind))[1]
        if size <= self.limit_bytes:
            self.entries[key] = value, size, kind
            self.used_bytes += size
            self._make_room()

    def use(self) -> list[CacheUse]:
        """Return how each kind is used."""
        with self.lock:
            entries = list(self.entries.values())
            counts = [(one, one.hits, one.misses, one.evictions) for one in self.kinds]
        sizes = {one: [size for _, size, kind in entries if kind is one] for one, *_ in counts}
        return [
            CacheUse(one.kind, len(sizes[one]), sum(sizes[one]), *counted)
            for one, *counted in counts
        ]

    def _make_room(self) -> None:
        while self.used_bytes > self.limit_bytes:
            _, (_, size, kind) = self.entries.popitem(last=False)
            self.used_bytes -= size
            kind.evictions += 1


CACHE = Cache(LIMIT_BYTES)
"""Of this process."""


class Cached[T]:
    """Values of one kind, by key, in a cache that other kinds share.

    Examples
    --------
    >>> kept = Cached[str]("doctest", Cache(limit_bytes=10))
    >>> [kept.get("a", lambda: "x", size=len) for _ in range(2)]
    ['x', 'x']
    """

    def __init__(self, kind: str, cache: Cache = CACHE) -> None:
        self.kind, self._cache = kind, cache
        self._entries, self._lock = cache.entries, cache.lock
        self.hits = self.misses = self.evictions = 0
        cache.kinds.append(self)

    def get(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int]) -> T:
        """Return the value of `key`, made if it is not there; two threads may both make it."""
        # As `peek`, whose call would cost a fifth of this one.
        place = self.kind, key
        with self._lock:
            entry = self._entries.get(place)
            if entry is not None:
                self._entries.move_to_end(place)
                self.hits += 1
                kept: T = entry[0]
                return kept
            self.misses += 1
        value = make()
        self.put(key, value, size(value))
        return value

    def peek(self, key: Hashable) -> T | None:
        """Return the value of `key`, if it is there."""
        place = self.kind, key
        with self._lock:
            entry = self._entries.get(place)
            if entry is None:
                self.misses += 1
                return None
            self._entries.move_to_end(place)
            self.hits += 1
        value: T = entry[0]
        return value

    def put(self, key: Hashable, value: T, size: int) -> None:
        """Keep the value of `key`, which takes `size` bytes."""
        with self._lock:
            self._cache.put((self.kind, key), value, size, self)
