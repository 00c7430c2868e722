"""Documents keep their form on the store: bytes of before are read, and made again."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from voxlake.ngff.labels.bulk.fragment import FRAGMENTS
from voxlake.ngff.labels.bulk.pieces import PIECES, RANGES
from voxlake.ngff.labels.mapping.log import ENTRIES
from voxlake.ngff.labels.objects.manifest import MANIFESTS as OBJECTS
from voxlake.ngff.labels.segments.manifest import MANIFESTS
from voxlake.ngff.labels.upkeep.marker import BULK_MARKERS, MARKERS
from voxlake.ngff.labels.upkeep.reservation import BLOCKS
from voxlake.ngff.versioned.document import Form, decode, encode
from voxlake.platform.errors import CorruptDataError
from voxlake.platform.store import StoreURL

FOLDER = Path(__file__).parent / "documents"


FORMS = pytest.mark.parametrize(
    ("name", "form"),
    [
        ("manifest", MANIFESTS),
        ("fragment", FRAGMENTS),
        ("pieces", PIECES),
        ("merged", RANGES),
        ("objects_manifest", OBJECTS),
        ("merge", ENTRIES),
        ("cleave", ENTRIES),
        ("replace", ENTRIES),
        ("block", BLOCKS),
        ("marker", MARKERS),
        ("bulk_marker", BULK_MARKERS),
    ],
)

WHERE = StoreURL.parse("memory://a")
MAKER = "01JABCDEFGHJKMNPQRSTVWXYZ1"


def stored(name: str) -> bytes:
    """Return a document as the first release stored it: some of them without a checksum."""
    return (FOLDER / f"{name}.json").read_bytes()


@FORMS
def test_a_document_of_before_is_read(name: str, form: Form[Any]) -> None:
    body = stored(name)
    document = decode(form, WHERE, body)
    text = document.model_dump_json().encode()
    assert body in (text, encode(form, document))
    assert encode(form, document).endswith(b'"%b":%b}' % (form.key.encode(), text))


@FORMS
def test_every_flipped_bit_is_found(name: str, form: Form[Any]) -> None:
    document = decode(form, WHERE, stored(name))
    body = encode(form, document, MAKER)
    assert decode(form, WHERE, body) == document
    for place, bit in product(range(len(body)), range(8)):
        with pytest.raises(CorruptDataError):
            decode(form, WHERE, body[:place] + bytes([body[place] ^ 1 << bit]) + body[place + 1 :])
