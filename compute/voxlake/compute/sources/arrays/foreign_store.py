"""Foreign folders, prefixes of buckets and web addresses, as TensorStore's key-value stores."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

import tensorstore as ts

from voxlake.compute.sources.location import STORES, local_path, options_of
from voxlake.platform.errors import SourceError
from voxlake.platform.store import StoreURL, as_tensorstore
from voxlake.platform.store.adapters import is_in_tensorstore
from voxlake.platform.store.process import prepare_process


def foreign_store(address: str, *, is_named: bool = True) -> ts.KvStore | None:
    """Return the store whose root is `address`: a folder, a bucket or ``http(s)://``.

    None if it is an address of another kind; or of a store that TensorStore does not speak to,
    unless `is_named` as one that it is to read. Nothing is read yet.

    Raises
    ------
    InvalidInputError
        If the address is malformed; UnsupportedError if TensorStore does not speak to its store.
    """
    if not is_named and not _is_spoken_to(address):
        return None
    spec = kvstore_spec(address)
    return None if spec is None else ts.KvStore.open(spec).result()


def kvstore_spec(address: str, prefix: str = "") -> dict[str, Any] | None:
    """Return TensorStore's spec of what lies below `prefix` in `foreign_store`.

    The spec that an open store gives leaves out how often requests are tried again.
    """
    spec = _root_spec(address)
    return None if spec is None else spec | {"path": spec.get("path", "") + prefix}


def _is_spoken_to(address: str) -> bool:
    return not address.startswith("az://") or is_in_tensorstore(StoreURL.parse(address))


def _root_spec(address: str) -> dict[str, Any] | None:
    scheme = address.partition("://")[0]
    if local_path(address) is not None or scheme in STORES:
        return as_tensorstore(StoreURL.parse(address))
    if scheme not in {"http", "https"}:
        return None
    return {
        "driver": "http",
        "base_url": f"{address.rstrip('/')}/",
        "http_request_retries": {
            "max_retries": prepare_process().store_retries + 1,
            "initial_delay": "200ms",
            "max_delay": "4s",
        },
    }


def read_key(store: ts.KvStore, key: str) -> bytes | None:
    """Return what lies at `key`; None if nothing does.

    Raises
    ------
    SourceError
        If the store fails, or refuses.
    """
    return received(store.read(key), store, key)


def received(answer: ts.Future[ts.KvStore.ReadResult], store: ts.KvStore, key: str) -> bytes | None:
    """Wait for the `answer` to a read of `key`; as `read_key`."""
    try:
        entry = answer.result()
    except (ValueError, OSError) as error:
        raise SourceError(
            f"{store.url}{key} cannot be read ({first_line(error)}); "
            "check the address, and that it can be reached"
        ) from error
    return bytes(entry.value) if entry.state == "value" else None


def read_json(store: ts.KvStore, key: str) -> dict[str, Any] | None:
    """Return the JSON object at `key`; None if nothing is there.

    Raises
    ------
    SourceError
        If the store fails, or what lies there is no JSON object.
    """
    body = read_key(store, key)
    if body is None:
        return None
    try:
        document = json.loads(body)
    except ValueError as error:
        raise SourceError(f"{store.url}{key} is no JSON ({error}); restore it") from error
    if not isinstance(document, dict):
        raise SourceError(f"{store.url}{key} is no JSON object; restore it")
    return document


def first_line(error: Exception) -> str:
    """Return what a TensorStore error says, without the annotations behind it."""
    return re.split(r" \[\w+='|\n", str(error), maxsplit=1)[0]


def split_options(location: str, *names: str) -> tuple[str, dict[str, str]]:
    """Take the options of those `names` out of the query of `location`; the others stay.

    Examples
    --------
    >>> split_options("s3://b/em?endpoint=e&scale=1", "scale")
    ('s3://b/em?endpoint=e', {'scale': '1'})
    """
    address, mark, query = location.rpartition("?")
    if not mark:
        return location, {}
    options = options_of(query, location)
    taken = {name: value for name, value in options.items() if name in names}
    rest = {name: value for name, value in options.items() if name not in names}
    if not taken:
        return location, {}
    return (f"{address}?{urlencode(rest)}" if rest else address), taken
