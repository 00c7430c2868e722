"""Turn what the store libraries raise into our errors: absent is absent, a failure is a failure."""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from obstore import exceptions as obstore_errors

from voxlake.platform.deadline import check_deadline
from voxlake.platform.errors import (
    ConflictError,
    ObjectExistsError,
    ObjectNotFoundError,
    StoreDeniedError,
    StoreError,
    StoreFullError,
    StoreLinkError,
    StoreReadOnlyError,
    StoreUnavailableError,
    StoreUnfitError,
    VoxlakeError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.store.url import StoreURL

_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}
_ABSENT = (FileNotFoundError, obstore_errors.NotFoundError)

# What libraries say where they give no error code. Matched in the message alone, never in a path.
_SAYS_FULL = re.compile(r"No space left on device|os error 28\b|os error 122\b|quota exceeded")
_SAYS_REFUSED = re.compile(
    r"PERMISSION_DENIED|Permission denied|Read-only file system|os error (?:1|13|30)\b|AccessDenied"
)
# Codes of S3 answers with status 403 that are about who asks and not about what is asked:
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_SAYS_UNKNOWN = re.compile(r"SignatureDoesNotMatch|InvalidAccessKeyId|ExpiredToken|InvalidToken")


@contextmanager
def store_failures(action: str, url: StoreURL) -> Iterator[None]:
    """Translate the errors of an `action` ("read", "write", "list") on `url`.

    It is not begun after the deadline.
    """
    check_deadline()
    try:
        yield
    except VoxlakeError:
        raise
    except (OSError, obstore_errors.BaseError) as error:
        raise explain(action, url, error) from error
    except BaseException as error:
        # Obstore's way to say that Rust gave up, which is no Exception: no file could be opened.
        if type(error).__module__ != "pyo3_runtime":
            raise
        raise StoreUnavailableError(
            f"cannot {action} {url}: {_reason(error)}; try again"
        ) from error


def explain(action: str, url: StoreURL, error: Exception) -> VoxlakeError:
    """Return our error for what a library raised: absent is absent, a failure is a failure."""
    if isinstance(error, VoxlakeError):
        return error
    if _is_absent(action, error):
        return ObjectNotFoundError(f"{url} is not there")
    if isinstance(error, obstore_errors.AlreadyExistsError):
        return ObjectExistsError(f"{url} is there already; another writer made it")
    if isinstance(error, obstore_errors.PreconditionError):
        return ConflictError(f"{url} has changed since it was read; read it again")
    if isinstance(error, OSError) and not isinstance(error, obstore_errors.BaseError):
        return explain_os_error(action, url, error)
    return explain_text(action, url, error)


def explain_os_error(action: str, url: StoreURL, error: OSError) -> StoreError:
    """Return the store error that an OSError of the file system stands for."""
    if error.errno in _FULL:
        return _full(action, url)
    if error.errno in _REFUSED:
        return _refused(action, url, _reason(error))
    if error.errno == errno.ELOOP:
        return link_error(action, url, str(url))
    return StoreError(f"cannot {action} {url}: {_reason(error)}")


def explain_text(action: str, url: StoreURL, error: Exception) -> StoreError:
    """Return the store error that a library's message stands for (TensorStore gives only text)."""
    text = str(error)
    refused = (obstore_errors.PermissionDeniedError, obstore_errors.UnauthenticatedError)
    if _SAYS_UNKNOWN.search(text):
        return StoreError(
            f"cannot {action} {url}: the store does not know the credentials; "
            "check VOXLAKE_S3_ACCESS_KEY_ID and VOXLAKE_S3_SECRET_ACCESS_KEY"
        )
    if _SAYS_FULL.search(text):
        return _full(action, url)
    if isinstance(error, refused) or _SAYS_REFUSED.search(text):
        return _refused(action, url, _reason(error))
    if "non-partial response" in text:
        return StoreUnfitError(f"cannot {action} {url}: the store ignores ranges; use another one")
    if url.is_local:
        return StoreError(f"cannot {action} {url}: {_reason(error)}")
    return StoreUnavailableError(
        f"cannot {action} {url}: {_reason(error)}; check that the endpoint is right and answers"
    )


def _is_absent(action: str, error: Exception) -> bool:
    """Whether there is no such object; for a write, a file in a folder's place is a failure."""
    if isinstance(error, NotADirectoryError) or "os error 20" in str(error):
        return action != "write"
    return isinstance(error, _ABSENT)


def _reason(error: BaseException) -> str:
    """Return what the error says in one line; obstore adds a page of its own state."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def link_error(action: str, url: StoreURL, link: str) -> StoreLinkError:
    """Return the error of what lies at a symbolic link of a store, or behind one."""
    return StoreLinkError(
        f"cannot {action} {url}: {link} is a symbolic link, and links in a store are not followed; "
        "put what it leads to in its place, or mount it there"
    )


def _full(action: str, url: StoreURL) -> StoreFullError:
    return StoreFullError(f"cannot {action} {url}: no space is left; free some and try again")


def _refused(action: str, url: StoreURL, reason: str) -> StoreError:
    if action == "write":
        return StoreReadOnlyError(
            f"cannot write {url}: the store refuses it ({reason}); check its permissions"
        )
    return StoreDeniedError(f"cannot {action} {url}: access is denied ({reason})")
