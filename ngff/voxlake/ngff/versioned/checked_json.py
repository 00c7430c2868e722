"""Documents of the index as JSON with a checksum: a flipped bit is found wherever it is."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel


def encode_checked(key: str, document: BaseModel) -> bytes:
    """Return a document below `key`, with its checksum beside it."""
    text = document.model_dump_json()
    return f'{{"crc32":{zlib.crc32(text.encode())},"{key}":{text}}}'.encode()


def decode_checked[T: BaseModel](key: str, body: bytes, kind: type[T]) -> T:
    """Return the document below `key`.

    Raises
    ------
    ValueError
        If the bytes are not those that were written.
    """
    try:
        found = json.loads(body)
        document = kind.model_validate_json(json.dumps(found[key]))
        checksum = found["crc32"]
    except (LookupError, TypeError) as error:
        raise ValueError(f"it has no {key} with a checksum") from error
    if zlib.crc32(document.model_dump_json().encode()) != checksum:
        raise ValueError("its checksum does not hold")
    return document
