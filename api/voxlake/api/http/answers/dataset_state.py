"""A header that says of an answer that it is of a dataset which is not whole."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import Scope

from voxlake.platform.catalog import DatasetState

HEADER = "X-Voxlake-State"
_KEY = "dataset_state"


def tell_state(scope: Scope, state: DatasetState) -> None:
    """Remember the state of the dataset that a request is about, for its answer."""
    scope.setdefault("state", {})[_KEY] = state


def head_with_state(scope: Scope, headers: MutableHeaders) -> None:
    """Put the state of a dataset that is not ready into the headers of the answer about it."""
    state = scope["state"].get(_KEY, DatasetState.READY)
    if state is not DatasetState.READY:
        headers[HEADER] = state.value
