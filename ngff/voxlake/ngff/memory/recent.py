"""A bounded memory of what was read of objects that never change."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


_all: WeakSet[Recent[Any]] = WeakSet()


def forget_all() -> None:
    """Forget what was read of any index, as a process does that ends."""
    for recent in list(_all):
        recent.clear()


class Recent[T]:
    """Values by key, of which those unused for longest are dropped above `limit` bytes.

    Examples
    --------
    >>> recent = Recent[str](limit=10)
    >>> [recent.get("a", lambda: "x", size=len) for _ in range(2)]
    ['x', 'x']
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._used = limit, 0
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._lock = Lock()
        _all.add(self)

    def get(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int]) -> T:
        """Return the value of `key`, made if it is not there; two threads may both make it."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found[0]
        value = make()
        self.put(key, value, size(value))
        return value

    def peek(self, key: Hashable) -> T | None:
        """Return the value of `key`, if it is there."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: T, size: int) -> None:
        """Keep the value of `key`, which takes `size` bytes."""
        with self._lock:
            _, before = self._kept.pop(key, (value, 0))
            self._kept[key] = (value, size)
            self._used += size - before
            while self._used > self._limit and self._kept:
                _, (_, freed) = self._kept.popitem(last=False)
                self._used -= freed

    def clear(self) -> None:
        """Forget all values."""
        with self._lock:
            self._kept.clear()
            self._used = 0
