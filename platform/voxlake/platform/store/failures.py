"""Turn what the store libraries raise into our errors: absent is absent, a failure is a failure."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from obstore import exceptions as obstore_errors

from voxlake.platform.errors import (
    ConflictError,
    ObjectExistsError,
    ObjectNotFoundError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
    VoxlakeError,
)

if TYPE_CHECKING:
    from voxlake.platform.store.url import StoreURL

_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}


@contextmanager
def store_failures(action: str, url: StoreURL) -> Iterator[None]:
    """Translate the errors of an `action` ("read", "write") on `url`."""
    try:
        yield
    except VoxlakeError:
        raise
    except (FileNotFoundError, obstore_errors.NotFoundError) as error:
        raise ObjectNotFoundError(f"{url} is not there") from error
    except (FileExistsError, obstore_errors.AlreadyExistsError) as error:
        raise ObjectExistsError(f"{url} is there already; another writer made it") from error
    except obstore_errors.PreconditionError as error:
        raise ConflictError(f"{url} has changed since it was read; read it again") from error
    except (PermissionError, obstore_errors.PermissionDeniedError) as error:
        raise _refused(action, url, error) from error
    except obstore_errors.UnauthenticatedError as error:
        raise StoreError(f"cannot {action} {url}: credentials are refused ({error})") from error
    except OSError as error:
        raise explain_os_error(action, url, error) from error
    except obstore_errors.BaseError as error:
        raise _from_text(action, url, error) from error


def explain_os_error(action: str, url: StoreURL, error: OSError) -> StoreError:
    """Return the store error that an OSError of the file system stands for."""
    if error.errno in _FULL:
        return _full(action, url)
    if error.errno in _REFUSED:
        return _refused(action, url, error)
    return StoreError(f"cannot {action} {url}: {error}")


def explain_text(action: str, url: StoreURL, error: Exception) -> StoreError:
    """Return the store error that a library's message stands for (TensorStore gives only text)."""
    return _from_text(action, url, error)


def _from_text(action: str, url: StoreURL, error: Exception) -> StoreError:
    text = str(error)
    if "No space left" in text or "os error 28" in text or "quota" in text.lower():
        return _full(action, url)
    if any(sign in text for sign in ("Permission denied", "Read-only file system", "AccessDenied")):
        return _refused(action, url, error)
    first = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    if url.is_local:
        return StoreError(f"cannot {action} {url}: {first}")
    return StoreUnavailableError(
        f"cannot {action} {url}: {first}; check that the endpoint is right and answers"
    )


def _full(action: str, url: StoreURL) -> StoreFullError:
    return StoreFullError(f"cannot {action} {url}: no space is left; free some and try again")


def _refused(action: str, url: StoreURL, error: Exception) -> StoreError:
    if action == "write":
        return StoreReadOnlyError(
            f"cannot write {url}: the store refuses it ({error}); check its permissions"
        )
    return StoreError(f"cannot {action} {url}: access is denied ({error})")
