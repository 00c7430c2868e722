"""Documents on the store: JSON objects that are created once and never changed."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError, ObjectExistsError

if TYPE_CHECKING:
    from voxlake.ngff.memory.cache import Cached
    from voxlake.ngff.versioned.numbered import Numbered
    from voxlake.platform.store import StoreURL


class Document(BaseModel):
    """What lies on the store as JSON; frozen, and strict about what it holds.

    A field whose name on the store is another has it as ``validation_alias`` and
    ``serialization_alias``; programs use its own.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True
    )


@dataclass(frozen=True, slots=True)
class Form[T: Document]:
    """How documents of one kind lie on the store."""

    kind: type[T]
    advice: str
    """What to do about one that is damaged."""
    key: str = ""
    """Below which it lies, its checksum beside it; empty if it lies there without one."""
    cached: Cached[Numbered[T]] | None = None
    """Those that were read as the newest of a folder."""


def encode[T: Document](form: Form[T], document: T) -> bytes:
    """Return a document as it lies on the store; equal documents give equal bytes."""
    text = document.model_dump_json()
    if not form.key:
        return text.encode()
    return f'{{"crc32":{zlib.crc32(text.encode())},"{form.key}":{text}}}'.encode()


def decode[T: Document](form: Form[T], url: StoreURL, body: bytes) -> T:
    """Return the document that lies at `url`, given its bytes.

    Raises
    ------
    CorruptDataError
        If they are none that this version can read, or their checksum does not hold.
    """
    try:
        return _decoded(form, body)
    except (ValueError, LookupError, TypeError) as error:
        raise CorruptDataError(f"{url} is damaged ({error}); {form.advice}") from error


def read[T: Document](form: Form[T], url: StoreURL) -> T:
    """Return the document at `url`.

    Raises
    ------
    ObjectNotFoundError
        If there is none.
    CorruptDataError
        If it is damaged.
    """
    return decode(form, url, store.read(url).body)


def create[T: Document](form: Form[T], url: StoreURL, document: T) -> bool:
    """Write a document unless there is one; say whether this one is there."""
    body = encode(form, document)
    try:
        store.create(url, body)
    except ObjectExistsError:
        # A request that was sent twice, because the first answer was lost, finds its own.
        stored = store.read_if_there(url)
        return stored is not None and stored.body == body
    return True


def _decoded[T: Document](form: Form[T], body: bytes) -> T:
    if not form.key:
        return form.kind.model_validate_json(body)
    stored = json.loads(body)
    document = form.kind.model_validate_json(json.dumps(stored[form.key]))
    if zlib.crc32(document.model_dump_json().encode()) != stored["crc32"]:
        raise ValueError("its checksum does not hold")
    return document
