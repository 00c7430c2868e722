"""Keys of S3 that are good for a short while and for a part of a bucket alone, by STS.

What a session may do is what its role may do and the policy of the session allows, both:
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlake.platform.aws.clients import client_of
from voxlake.platform.errors import (
    LimitExceededError,
    StoreDeniedError,
    StoreUnavailableError,
    UnsupportedError,
)
from voxlake.platform.store.failures import known_reason

if TYPE_CHECKING:
    from datetime import datetime

    from voxlake.platform.settings import Settings
    from voxlake.platform.store.url import StoreURL

MOST_POLICY = 2048
"""Characters of the policy of a session, says the reference of AssumeRole."""

_NO_NAME = re.compile(r"[^\w+=,.@-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reach:
    """What of a dataset may be read, and written. Paths below its group; folders end in ``/``."""

    read: tuple[str, ...]
    """Objects, and folders with all below them; the latter may be listed too."""
    write: tuple[str, ...] = ()
    """Folders."""
    may_delete: bool = False
    """Whether objects of `write` may be deleted."""


@dataclass(frozen=True, slots=True)
class TemporaryKeys:
    """Keys, and until when they are good."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"TemporaryKeys({self.access_key_id!r}, until {self.expires_at})"


def temporary_keys(
    url: StoreURL, reach: Reach, settings: Settings, *, name: str, seconds: int
) -> TemporaryKeys:
    """Return keys for a part of what lies below `url`, good for `seconds`.

    Parameters
    ----------
    name
        Who asks: the log of the store says it.

    Raises
    ------
    UnsupportedError
        If the store is not S3, or no role is set.
    LimitExceededError
        If the policy would be longer than STS takes.
    StoreError
        If STS refuses, or does not answer.
    """
    if url.scheme != "s3" or settings.sts_role_arn is None:
        raise UnsupportedError(
            f"{url} is read through the gateway: temporary keys are for lakes on S3 whose "
            "administrator has set VOXLAKE_STS_ROLE_ARN"
        )
    policy = json.dumps(policy_of(url, reach), separators=(",", ":"))
    if len(policy) > MOST_POLICY:
        raise LimitExceededError(
            f"what may be read of {url} takes a policy of {len(policy)} characters and STS takes "
            f"{MOST_POLICY}; ask for its labels one by one, or read it through the gateway"
        )
    found = _assume_role(
        url,
        settings,
        RoleArn=settings.sts_role_arn,
        RoleSessionName=_NO_NAME.sub("-", name)[:64].ljust(2, "-"),
        DurationSeconds=seconds,
        Policy=policy,
    )
    return TemporaryKeys(
        found["AccessKeyId"],
        found["SecretAccessKey"],
        found["SessionToken"],
        found["Expiration"],
    )


def policy_of(url: StoreURL, reach: Reach) -> dict[str, Any]:
    """Return the policy of a session that may do what `reach` says below `url`, and no more.

    It may not take up a role again either: there the policy would not count.
    """
    bucket, base = f"arn:aws:s3:::{url.root}", _literal(url.key)
    folders = [f"{base}/{each}*" for each in map(_literal, reach.read) if each.endswith("/")]
    statements = [
        _allow(["s3:GetObject"], [f"{bucket}/{base}/{_star(each)}" for each in reach.read]),
        _allow(["s3:ListBucket"], [bucket]) | {"Condition": {"StringLike": {"s3:prefix": folders}}},
    ]
    if reach.write:
        actions = ["s3:PutObject", "s3:AbortMultipartUpload"]
        actions += ["s3:DeleteObject"] if reach.may_delete else []
        written = [f"{bucket}/{base}/{_star(each)}" for each in reach.write]
        statements.append(_allow(actions, written))
    statements.append({"Effect": "Deny", "Action": ["sts:*"], "Resource": ["*"]})
    return {"Version": "2012-10-17", "Statement": statements}


def _allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def _star(path: str) -> str:
    return _literal(path) + ("*" if path.endswith("/") else "")


def _literal(path: str) -> str:
    """Return a path as policies take it for itself; others would match more than it.

    Raises
    ------
    UnsupportedError
        If it has characters that stand for others there.
    """
    if set(path) & set("*?$"):
        raise UnsupportedError(
            f"{path!r} has '*', '?' or '$' in it, which stand for others where keys are limited "
            "to it; read it through the gateway"
        )
    return path


def _assume_role(url: StoreURL, settings: Settings, **asked: str | int) -> dict[str, Any]:
    # It takes as long to load as all else, and few are asked for.
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # it ships no types

    endpoint = settings.sts_endpoint or url.endpoint
    try:
        answer = client_of("sts", endpoint, url.region or settings.s3_region).assume_role(**asked)
    except ClientError as error:
        raise StoreDeniedError(f"cannot get keys for {url}: {error}") from error
    except BotoCoreError as error:
        reason = known_reason(str(error)) or f"{error}; try again"
        raise StoreUnavailableError(f"cannot get keys for {url}: {reason}") from error
    found: dict[str, Any] = answer["Credentials"]
    return found
