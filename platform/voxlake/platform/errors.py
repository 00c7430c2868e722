"""Every error that voxlake raises on purpose, as one tree.

* VoxlakeError
  + InvalidInputError          what was asked cannot mean anything   (400, ValueError)
    - InvalidNameError
    - OutOfBoundsError         a box or time point outside the dataset
      . NoSuchLevelError       a level that it has not
    - UnsupportedError         valid, but not something voxlake does
      . UnknownFormatError     a body of a format that is not read   (415)
    - SourceError              a source that is missing, torn or inconsistent
    - LimitExceededError       more than a limit allows              (413)
  + NotAcceptableError         no format satisfies the request       (406)
  + UnauthenticatedError       who is asking is not known            (401)
  + ForbiddenError             known, and not allowed to write       (403)
  + ThrottledError             too much of it, or too often          (429)
    - QuotaError               more than there is for a month
  + NotFoundError              it does not exist, or not for you     (404)
    - ObjectNotFoundError      an object on the store
    - UserNotFoundError        a user
    - GroupNotFoundError       a group
  + ConflictError              it is there already, or has changed   (409)
    - ObjectExistsError        an object on the store
    - PlanChangedError         a job's plan is not what it was
    - LeaseLostError           another process runs the job by now
    - OutdatedError            a view that is held answers no more
    - PreconditionFailedError  not what the change was made of       (412)
  + TimedOutError              not done in time, or not wanted       (504)
    - SlowBodyError            the body of a request is slow         (408)
  + CorruptDataError           stored bytes do not decode            (500)
    - MetadataError            metadata that break their format      (409)
  + IssuerUnavailableError     who knows people does not answer      (503)
  + StoreError                 the store failed or refused           (502)
    - StoreUnavailableError    not reachable, or too slow            (503)
    - StoreFullError           no space left                         (507)
      . StorageQuotaError      a place holds all that it may
    - StoreDeniedError         access is refused
    - StoreReadOnlyError       writing is refused
    - StoreUnfitError          it lacks what safe writing needs
    - StoreLinkError           a symbolic link, which is not followed (403)
    - StoreForbiddenError      not on the list of stores that may be opened (403)
  + JobFailedError             a job ended with tasks undone
    - ClusterLostError         the Dask scheduler is gone

A message says what was asked, what is so, and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class VoxlakeError(Exception):
    """The root: catch this to catch everything that voxlake raises on purpose."""

    kind: ClassVar[str] = "error"
    """Stable machine-readable name, the last part of the problem type in HTTP answers."""
    status: ClassVar[int] = 500
    """HTTP status of the error at the gateway (RFC 9110)."""


class InvalidInputError(VoxlakeError, ValueError):
    """What was asked cannot mean anything: a malformed box, unit, level count."""

    kind = "invalid-input"
    status = 400


class InvalidNameError(InvalidInputError):
    """A collection, experiment or dataset name outside the grammar of names."""

    kind = "invalid-name"


class OutOfBoundsError(InvalidInputError):
    """A box or a level that the dataset does not have."""

    kind = "out-of-bounds"


class NoSuchLevelError(OutOfBoundsError):
    """A level that the dataset does not have."""


class UnsupportedError(InvalidInputError):
    """Input that is valid in itself but that voxlake does not take: float64 images, say."""

    kind = "unsupported"


class UnknownFormatError(UnsupportedError):
    """A body of a request in a format that voxlake does not read."""

    kind = "unknown-format"
    status = 415


class SourceError(InvalidInputError):
    """A source that is missing, torn, or inconsistent with itself."""

    kind = "bad-source"


class LimitExceededError(InvalidInputError):
    """More than a limit allows: a cutout too large, a plan that would not fit in memory."""

    kind = "limit-exceeded"
    status = 413


class NotAcceptableError(VoxlakeError):
    """No format that the server has satisfies the request."""

    kind = "not-acceptable"
    status = 406


class UnauthenticatedError(VoxlakeError):
    """Who is asking is not known; credentials would help."""

    kind = "unauthenticated"
    status = 401


class ForbiddenError(VoxlakeError):
    """Known, allowed to read, and not allowed to do this."""

    kind = "forbidden"
    status = 403


class ThrottledError(VoxlakeError):
    """More, or more often, than one asker may have of what others want too."""

    kind = "throttled"
    status = 429


class QuotaError(ThrottledError):
    """More than what there is for a month."""

    kind = "quota"

    def __init__(self, detail: str, seconds: int = 0) -> None:
        super().__init__(detail)
        self.seconds = seconds
        """After which there is something again."""


class NotFoundError(VoxlakeError, LookupError):
    """It does not exist, or the asker may not know that it does."""

    kind = "not-found"
    status = 404


class ObjectNotFoundError(NotFoundError):
    """An object that the store says it does not have. Never used for an I/O failure."""

    kind = "object-not-found"


class UserNotFoundError(NotFoundError):
    """A user of the lake, or one that the asker may not know of."""


class GroupNotFoundError(NotFoundError):
    """A group of the lake, or one that the asker may not know of."""


class ConflictError(VoxlakeError):
    """It exists already, or has changed since it was read."""

    kind = "conflict"
    status = 409


class ObjectExistsError(ConflictError):
    """A create-if-absent write found an object."""

    kind = "object-exists"


class PlanChangedError(ConflictError):
    """A job was resumed, but its source or target is no longer what was planned."""

    kind = "plan-changed"


class LeaseLostError(ConflictError):
    """A runner of a job was taken for dead, and the job is no longer its own."""

    kind = "lease-lost"


class OutdatedError(ConflictError):
    """A view of something has been held for so long that it can no longer answer."""

    kind = "outdated"


class PreconditionFailedError(ConflictError):
    """A change was to be made to a state that is not the present one."""

    kind = "precondition-failed"
    status = 412


class TimedOutError(VoxlakeError):
    """What was asked could not be done in time, or nobody waits for it any more."""

    kind = "timed-out"
    status = 504


class SlowBodyError(TimedOutError):
    """The body of a request did not come in time."""

    kind = "slow-body"
    status = 408


class CorruptDataError(VoxlakeError):
    """Stored bytes that do not decode: a flipped bit, a torn object."""

    kind = "corrupt-data"


class MetadataError(CorruptDataError):
    """Metadata of a dataset that break their format: damaged, or written so by somebody.

    It is the state of that dataset, and no failure of whoever reads it.
    """

    kind = "bad-metadata"
    status = 409


class IssuerUnavailableError(VoxlakeError):
    """The issuer of people's tokens does not answer: nobody can be known by one."""

    kind = "issuer-unavailable"
    status = 503


class StoreError(VoxlakeError, OSError):
    """The store failed or refused. Never read as "the object is not there"."""

    kind = "store-error"
    status = 502


class StoreUnavailableError(StoreError):
    """The store cannot be reached, or does not answer in time."""

    kind = "store-unavailable"
    status = 503


class StoreFullError(StoreError):
    """No space is left on the store."""

    kind = "store-full"
    status = 507


class StorageQuotaError(StoreFullError):
    """A place of the lake holds all that it may."""

    kind = "storage-quota"


class StoreDeniedError(StoreError):
    """The store refuses access: permissions; S3 says so too of what those who may not list miss."""

    kind = "store-denied"


class StoreReadOnlyError(StoreError):
    """The store refuses writes: permissions, or a read-only file system."""

    kind = "store-read-only"


class StoreUnfitError(StoreError):
    """The store lacks something that safe writing needs (see the store self-test)."""

    kind = "store-unfit"


class StoreLinkError(StoreError):
    """A symbolic link in a folder of a store: it could lead anywhere, and is not followed."""

    kind = "store-link"
    status = 403


class StoreForbiddenError(StoreError):
    """A store that is not on the list of those that may be opened, or leads off it."""

    kind = "store-forbidden"
    status = 403


class JobFailedError(VoxlakeError):
    """A job ended with tasks undone; its ledger says which."""

    kind = "job-failed"


class ClusterLostError(JobFailedError):
    """The Dask scheduler went away while a job was running; the job can be resumed."""

    kind = "cluster-lost"


UNREADABLE = (NotFoundError, UnsupportedError, CorruptDataError)
"""Why what is stored cannot be opened as a dataset or a level, although the store answers."""


def faults(
    errors: Iterable[Mapping[str, Any]], named: Callable[[str], str] = lambda place: place
) -> str:
    """Return, for a message, where a document is wrong and how, given pydantic's `errors`.

    Parameters
    ----------
    named
        Gives the name of a place; places are dotted paths, and that of the whole is empty.

    Examples
    --------
    >>> faults([{"loc": ("box", 0), "msg": "is no number"}, {"loc": (), "msg": "is empty"}])
    'box.0: is no number; is empty'
    """
    pairs = ((named(".".join(map(str, each["loc"]))), each["msg"]) for each in errors)
    return "; ".join(f"{place}: {text}" if place else text for place, text in pairs)
