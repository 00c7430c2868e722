"""Clients of AWS, and of what speaks as it does: of S3 for what obstore does not do."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from voxlake.platform.store.process import prepare_process


@lru_cache(maxsize=8)
def client_of(service: Literal["s3", "sqs", "sts"], endpoint: str | None, region: str) -> Any:
    """Return a client with the keys of the settings: made once, as that takes a tenth of a second.

    Parameters
    ----------
    endpoint
        Its address; None: that of AWS.
    """
    # It takes as long to load as all else, and few are asked for.
    from botocore.config import Config  # type: ignore[import-untyped]  # it ships no types
    from botocore.session import get_session  # type: ignore[import-untyped]  # it ships no types

    settings = prepare_process()
    key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    return get_session().create_client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=key.get_secret_value() if key else None,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        config=Config(
            connect_timeout=settings.store_connect_timeout_s,
            read_timeout=settings.store_stall_timeout_s,
            retries={"max_attempts": 2},
            s3={"addressing_style": "path" if endpoint else "auto"},
        ),
    )
