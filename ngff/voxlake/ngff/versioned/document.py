"""Documents on the store: JSON objects with a checksum, which say who made them."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict
from ulid import ULID

from voxlake.platform import store
from voxlake.platform.errors import CorruptDataError, ObjectExistsError

if TYPE_CHECKING:
    from voxlake.ngff.memory.cache import Cached
    from voxlake.ngff.versioned.numbered import Numbered
    from voxlake.platform.store import StoreURL

_ENVELOPE = re.compile(rb'\{"crc32":(\d+),(?:"maker":"(\w+)",)?"(\w+)":(\{.*\})\}', re.DOTALL)


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
    key: str = "document"
    """Below which it lies, its checksum beside it."""
    cached: Cached[Numbered[T]] | None = None
    """Those that were read as the newest of a folder."""


def encode[T: Document](form: Form[T], document: T, maker: str = "") -> bytes:
    """Return a document as it lies on the store; equal ones of one maker give equal bytes.

    Parameters
    ----------
    maker
        A ULID of the call that makes it, if it is created only if absent: whoever did not hear
        whether it was stored reads it there.
    """
    text = document.model_dump_json()
    made = f'"maker":"{maker}",' if maker else ""
    return f'{{"crc32":{zlib.crc32((maker + text).encode())},{made}"{form.key}":{text}}}'.encode()


def decode[T: Document](form: Form[T], url: StoreURL, body: bytes) -> T:
    """Return the document that lies at `url`, given its bytes.

    The checksum is that of the maker's name and the document's own bytes. Earlier versions wrote
    blocks of ids, entries of the mapping, manifests of objects and markers without one: the object
    is the document.

    Raises
    ------
    CorruptDataError
        If they are none that this version can read, or their checksum does not hold.
    """
    try:
        return form.kind.model_validate_json(_checked(form, body))
    except ValueError as error:
        raise CorruptDataError(
            f"{url}, of {len(body)} bytes, is damaged ({error}); {form.advice}"
        ) from error


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


def write[T: Document](form: Form[T], url: StoreURL, document: T) -> None:
    """Write a document over what may be there."""
    store.write(url, encode(form, document))


def create[T: Document](form: Form[T], url: StoreURL, document: T) -> bool:
    """Write a document unless there is one; say whether this one is there."""
    try:
        store.create(url, encode(form, document, str(ULID())))
    except ObjectExistsError:
        return False
    return True


def _checked[T: Document](form: Form[T], body: bytes) -> bytes:
    """Return the bytes of the document itself, of which the checksum, if there is one, holds."""
    envelope = _ENVELOPE.fullmatch(body)
    if envelope is None:
        return body
    checksum, maker, key, text = envelope.groups(b"")
    if key.decode() != form.key or zlib.crc32(maker + text) != int(checksum):
        raise ValueError("its checksum does not hold")
    return text
