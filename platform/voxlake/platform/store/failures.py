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
    CorruptDataError,
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
from voxlake.platform.panics import is_panic
from voxlake.platform.store.counts import COUNTS
from voxlake.platform.telemetry.traces import part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlake.platform.store.url import StoreURL

_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}
_NO_ROOM = {errno.EMFILE, errno.ENFILE}
_NO_PLACE = {errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}
_ABSENT = (FileNotFoundError, obstore_errors.NotFoundError)

# What libraries say where they give no error code. Matched in the message alone, never in a path.
_SAYS_FULL = re.compile(r"No space left on device|os error 28\b|os error 122\b|quota exceeded")
_SAYS_REFUSED = re.compile(
    r"PERMISSION_DENIED|Permission denied|Read-only file system|os error (?:1|13|30)\b|AccessDenied"
)
# Codes of S3 answers with status 403 that are about who asks and not about what is asked:
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_UNKNOWN = r"SignatureDoesNotMatch|InvalidAccessKeyId|ExpiredToken|InvalidToken"
# Where nothing is configured, libraries ask the machine for a role, which only clouds give it:
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
_NO_KEYS = r"169\.254\.169\.254|/latest/(?:api/token|meta-data)|EC2MetadataError"
_KEYS = "VOXLAKE_S3_ACCESS_KEY_ID and VOXLAKE_S3_SECRET_ACCESS_KEY"
_GOOGLE_KEYS = (
    "there are no credentials for it; set GOOGLE_APPLICATION_CREDENTIALS to the file of a service "
    "account, or VOXLAKE_GCS_ANONYMOUS=1 for a public bucket"
)
_SAYS = {
    r"metadata\.google\.internal|/computeMetadata/|Anonymous caller": _GOOGLE_KEYS,
    "/metadata/identity/": "there are no credentials for it; set VOXLAKE_AZURE_ACCOUNT and "
    "VOXLAKE_AZURE_ACCOUNT_KEY, or VOXLAKE_AZURE_ANONYMOUS=1 for a public container",
    "AuthenticationFailed|Server failed to authenticate": "the store does not know the "
    "credentials; check VOXLAKE_AZURE_ACCOUNT and VOXLAKE_AZURE_ACCOUNT_KEY",
    "ContainerNotFound": "the account has no such container; check its name, or make it",
    _NO_KEYS: f"there are no credentials for it; set {_KEYS}, or VOXLAKE_S3_ANONYMOUS=1 for a "
    "public bucket",
    _UNKNOWN: f"the store does not know the credentials; check {_KEYS}",
    "NoSuchBucket": "the store has no such bucket; check its name, or make it",
    "CaUsedAsEndEntity": "its certificate is one of an authority, and none of a server; have one "
    "signed for it",
    "UnknownIssuer|unable to get (?:local )?issuer|self.signed certificate": "no authority that is "
    "trusted here has signed its certificate; set VOXLAKE_CA_FILE to the file of yours",
    "InvalidCertificate|OpenSSL verify result|CERTIFICATE_VERIFY_FAILED": "its certificate is not "
    "good; see that it has not ended, and that it is for this very host",
    "Problem with the SSL CA cert": "the file of VOXLAKE_CA_FILE holds no certificates in PEM",
    "RequestTimeTooSkewed": "the clock of this machine is too far from the store's; set it right",
}
"""What is to be said of answers that a pattern is found in."""

# What an S3 server says of an object that it does not have: a code; to HEAD nothing.
_NO_OBJECT = re.compile(
    r"404 Not Found: \s*(?:\n\s*Debug source|\Z|.*?<Code>(?!NoSuchBucket|ContainerNotFound))",
    re.DOTALL,
)
# What an S3 server says of a failure, and what obstore puts around that and around other failures.
_ANSWER = re.compile(r"<Code>([^<]*)</Code>(?:\s*<Message>([^<]*)</Message>)?")
_AROUND = re.compile(
    r"Generic \w+ error: |Error performing .{0,40}?request: |HTTP error: |"
    r"Error performing [A-Z]+ \S+ in \S+?(?:, after \d+ retries.*?)? - |"
    r"<\?xml.*|\s*Debug source:.*",
    re.DOTALL,
)


@contextmanager
def store_failures(action: str, url: StoreURL) -> Iterator[None]:
    """Translate the errors of an `action` ("read", "write", "list") on `url`.

    It is not begun after the deadline.
    """
    check_deadline()
    COUNTS.count_request(action)
    try:
        with part(f"store {action}"):
            yield
    except VoxlakeError:
        raise
    except (OSError, obstore_errors.BaseError) as error:
        raise explain(action, url, error) from error
    except BaseException as error:
        # Obstore's way to say that Rust gave up, which is no Exception: no file could be opened.
        if not is_panic(error):
            raise
        COUNTS.count_failure(StoreUnavailableError.kind)
        raise StoreUnavailableError(
            f"cannot {action} {url}: {_reason(error)}; try again"
        ) from error


def explain(action: str, url: StoreURL, error: Exception) -> VoxlakeError:
    """Return our error for what a library raised: absent is absent, a failure is a failure."""
    explained = _explain(action, url, error)
    if isinstance(explained, StoreError) and explained.status >= 500:  # no refusal of ours
        COUNTS.count_failure(explained.kind)
    return explained


def _explain(action: str, url: StoreURL, error: Exception) -> VoxlakeError:
    if isinstance(error, VoxlakeError):
        return error
    if _is_absent(action, error):
        return _absent(action, url, error)
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
    if error.errno in _NO_ROOM:
        return StoreUnavailableError(
            f"cannot {action} {url}: {_reason(error)}; try again, or let this process open more "
            "files (ulimit -n)"
        )
    if error.errno == errno.ELOOP:
        return link_error(action, url, str(url))
    return StoreError(f"cannot {action} {url}: {_reason(error)}")


def explain_text(action: str, url: StoreURL, error: Exception) -> StoreError:
    """Return the store error that a library's message stands for (TensorStore gives only text)."""
    text = str(error)
    refused = (obstore_errors.PermissionDeniedError, obstore_errors.UnauthenticatedError)
    if (said := known_reason(text)) is not None:
        return StoreError(f"cannot {action} {url}: {said}")
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


def known_reason(text: str) -> str | None:
    """Return what is to be said of what a library says, and what to do; None: nothing is known."""
    return next((said for pattern, said in _SAYS.items() if re.search(pattern, text)), None)


def _is_absent(action: str, error: Exception) -> bool:
    """Whether there is no such object; for a write, a file in a folder's place is a failure."""
    if isinstance(error, OSError) and error.errno in _NO_PLACE:
        return action != "write"
    return isinstance(error, _ABSENT)


def _absent(action: str, url: StoreURL, error: Exception) -> VoxlakeError:
    """Return that there is no such object, if it is the store that says so."""
    text = str(error)
    if not url.is_bucket or "404 Not Found: " not in text or _NO_OBJECT.search(text):
        return ObjectNotFoundError(f"{url} is not there")
    if "NoSuchBucket" in text or "ContainerNotFound" in text:
        return explain_text(action, url, error)
    return StoreUnavailableError(
        f"cannot {action} {url}: what answers 404 there is not the store, but something before "
        "it; try again, and check the endpoint"
    )


def _reason(error: BaseException) -> str:
    r"""Return what the error says in one line; obstore adds a page of its own state.

    Examples
    --------
    >>> _reason(ValueError("Generic S3 error: Error performing GET http://s/b in 2ms - HTTP "
    ...                    "error: error sending request\n\nDebug source:\nGeneric { store }"))
    'error sending request'
    """
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if (answer := _ANSWER.search(str(error))) is not None:
        return ": ".join(map(_first_line, filter(None, answer.groups()))).rstrip(".")
    return _first_line(_AROUND.sub("", str(error)).strip(" :\n")) or type(error).__name__


def _first_line(said: object) -> str:
    return "".join(str(said).strip().splitlines()[:1])


def link_error(action: str, url: StoreURL, link: str) -> StoreLinkError:
    """Return the error of what lies at a symbolic link of a store, or behind one."""
    return StoreLinkError(
        f"cannot {action} {url}: {link} is a symbolic link, and links in a store are not followed; "
        "put what it leads to in its place, or mount it there"
    )


def folder_error(path: str) -> CorruptDataError:
    """Return the error of a folder that lies in the place of an object."""
    return CorruptDataError(f"{path} is a folder, where an object should be; move it away")


def _full(action: str, url: StoreURL) -> StoreFullError:
    return StoreFullError(f"cannot {action} {url}: no space is left; free some and try again")


def _refused(action: str, url: StoreURL, reason: str) -> StoreError:
    if action == "write":
        return StoreReadOnlyError(
            f"cannot write {url}: the store refuses it ({reason}); check its permissions"
        )
    return StoreDeniedError(f"cannot {action} {url}: access is denied ({reason})")
