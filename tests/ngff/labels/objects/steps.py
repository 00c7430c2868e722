"""What a step is: one operation on the store. Something can happen right before any of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from voxlake.platform import store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OPERATIONS = (
    "read",
    "read_if_there",
    "read_range",
    "exists",
    "head",
    "write",
    "create",
    "delete",
    "walk",
    "last_object",
    "list_children",
)


class Crash(BaseException):
    """The process ends here: nobody catches it."""


def crash() -> None:
    raise Crash


@contextmanager
def before_step(step: int, happens: Callable[[], Any]) -> Iterator[list[str]]:
    """Call `happens` once, right before the operation number `step`, from 0.

    Yields the names of the operations so far.
    """
    done: list[str] = []

    def hooked(name: str, operation: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            done.append(name)
            if len(done) == step + 1:
                happens()
            return operation(*args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in _OPERATIONS:
            patch.setattr(store, name, hooked(name, getattr(store, name)))
        yield done
