"""The error tree is an interface: kinds and statuses reach clients."""

from __future__ import annotations

import inspect
import re

import pytest

from voxlake.platform import errors
from voxlake.platform.errors import VoxlakeError

TREE = {
    "VoxlakeError": ("error", 500, ()),
    "InvalidInputError": ("invalid-input", 400, (ValueError,)),
    "InvalidNameError": ("invalid-name", 400, (ValueError,)),
    "OutOfBoundsError": ("out-of-bounds", 400, (ValueError,)),
    "NoSuchLevelError": ("out-of-bounds", 400, (ValueError,)),
    "UnsupportedError": ("unsupported", 400, (ValueError,)),
    "UnknownFormatError": ("unknown-format", 415, (ValueError,)),
    "SourceError": ("bad-source", 400, (ValueError,)),
    "LimitExceededError": ("limit-exceeded", 413, (ValueError,)),
    "NotAcceptableError": ("not-acceptable", 406, ()),
    "UnauthenticatedError": ("unauthenticated", 401, ()),
    "ForbiddenError": ("forbidden", 403, ()),
    "NotFoundError": ("not-found", 404, (LookupError,)),
    "ObjectNotFoundError": ("object-not-found", 404, (LookupError,)),
    "UserNotFoundError": ("not-found", 404, (LookupError,)),
    "GroupNotFoundError": ("not-found", 404, (LookupError,)),
    "ConflictError": ("conflict", 409, ()),
    "ObjectExistsError": ("object-exists", 409, ()),
    "PlanChangedError": ("plan-changed", 409, ()),
    "LeaseLostError": ("lease-lost", 409, ()),
    "OutdatedError": ("outdated", 409, ()),
    "PreconditionFailedError": ("precondition-failed", 412, ()),
    "ThrottledError": ("throttled", 429, ()),
    "QuotaError": ("quota", 429, ()),
    "TimedOutError": ("timed-out", 504, ()),
    "SlowBodyError": ("slow-body", 408, ()),
    "CorruptDataError": ("corrupt-data", 500, ()),
    "MetadataError": ("bad-metadata", 409, ()),
    "IssuerUnavailableError": ("issuer-unavailable", 503, ()),
    "StoreError": ("store-error", 502, (OSError,)),
    "StoreUnavailableError": ("store-unavailable", 503, (OSError,)),
    "StorageQuotaError": ("storage-quota", 507, (OSError,)),
    "StoreFullError": ("store-full", 507, (OSError,)),
    "StoreForbiddenError": ("store-forbidden", 403, (OSError,)),
    "StoreDeniedError": ("store-denied", 502, (OSError,)),
    "StoreReadOnlyError": ("store-read-only", 502, (OSError,)),
    "StoreUnfitError": ("store-unfit", 502, (OSError,)),
    "StoreLinkError": ("store-link", 403, (OSError,)),
    "JobFailedError": ("job-failed", 500, ()),
    "ClusterLostError": ("cluster-lost", 500, ()),
}

FOUND = {
    name: kind
    for name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, VoxlakeError)
}


def test_the_tree_is_whole() -> None:
    assert set(FOUND) == set(TREE)


@pytest.mark.parametrize("name", TREE)
def test_kind_status_and_builtins(name: str) -> None:
    kind, status, builtins = TREE[name]
    error = FOUND[name]
    assert (error.kind, error.status) == (kind, status)
    assert all(issubclass(error, builtin) for builtin in builtins)


@pytest.mark.parametrize("name", TREE)
def test_the_picture_at_the_top_shows_it(name: str) -> None:
    lines = (inspect.getdoc(errors) or "").splitlines()
    (line,) = [line for line in lines if name in line.split()]
    shown = re.search(r"\((\d+)", line)
    # Without a number it has its parent's.
    expected = int(shown[1]) if shown else getattr(FOUND[name].__mro__[1], "status", 500)
    assert FOUND[name].status == (expected if name != "VoxlakeError" else 500)


def test_kinds_are_unique() -> None:
    """Those that an error has of its own: some are told apart in this process alone."""
    kinds = [error.kind for error in FOUND.values() if "kind" in vars(error)]
    assert len(kinds) == len(set(kinds))


def test_an_io_failure_is_never_taken_for_absence() -> None:
    assert not issubclass(errors.StoreError, LookupError)
    assert not issubclass(errors.ObjectNotFoundError, OSError)
