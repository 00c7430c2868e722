"""What goes wrong at the other end, as voxlake's own errors."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2
from pydantic import ValidationError

from voxlake.documents.problem import Problem
from voxlake.platform.errors import StoreError, StoreUnavailableError, VoxlakeError

if TYPE_CHECKING:
    from collections.abc import Iterator


def error_of(response: httpx2.Response) -> VoxlakeError:
    """Return the error that an answer stands for: of the class that the server raised.

    An answer that is no problem document comes from something else than a gateway, and means
    nothing about datasets: it is a `StoreError`, never a `NotFoundError`.
    """
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        return StoreError(
            f"{response.url.copy_with(query=None)} answered {response.status_code} and not as a "
            "gateway does; check the address and what stands in between"
        )
    return _class_of(problem.kind)(problem.detail)


@contextmanager
def gateway_failures(url: str) -> Iterator[None]:
    """Translate what cannot be sent, received or understood while asking the gateway at `url`.

    Raises
    ------
    StoreUnavailableError
        If the gateway cannot be reached, breaks off, or takes too long.
    StoreError
        If its answer is not what a gateway answers.
    """
    try:
        yield
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        raise StoreUnavailableError(
            f"the gateway {url} did not answer ({reason}); check the address, and that it runs"
        ) from error
    except (ValidationError, httpx2.DecodingError) as error:
        raise StoreError(
            f"the answer of {url} is not understood; check that it is a voxlake gateway of about "
            f"this version ({error})"
        ) from error


def _class_of(kind: str) -> type[VoxlakeError]:
    """Return the class of errors of that kind; the root if this version knows none."""
    waiting: list[type[VoxlakeError]] = [VoxlakeError]
    while waiting:
        candidate = waiting.pop()
        if candidate.kind == kind:
            return candidate
        waiting += candidate.__subclasses__()
    return VoxlakeError
