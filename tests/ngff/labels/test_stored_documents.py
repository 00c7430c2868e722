"""Documents keep their form on the store: bytes of the first release are read, and made again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from voxlake.ngff.labels.bulk.fragment import FRAGMENTS
from voxlake.ngff.labels.bulk.pieces import PIECES, RANGES
from voxlake.ngff.labels.mapping.log import ENTRIES
from voxlake.ngff.labels.objects.manifest import MANIFESTS as OBJECTS
from voxlake.ngff.labels.segments.manifest import MANIFESTS
from voxlake.ngff.labels.upkeep.marker import BulkState, MarkerState
from voxlake.ngff.labels.upkeep.reservation import BLOCKS
from voxlake.ngff.versioned.document import Form, decode, encode
from voxlake.platform.store import StoreURL

FOLDER = Path(__file__).parent / "documents"


@pytest.mark.parametrize(
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
        ("marker", Form(MarkerState, "")),
        ("bulk_marker", Form(BulkState, "")),
    ],
)
def test_a_document_has_the_bytes_that_it_had(name: str, form: Form[Any]) -> None:
    body = (FOLDER / f"{name}.json").read_bytes()
    assert encode(form, decode(form, StoreURL.parse("memory://a"), body)) == body
