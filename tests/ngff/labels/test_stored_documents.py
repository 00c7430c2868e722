"""Documents keep their form on the store: bytes of the first release are read, and made again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from voxlake.ngff.labels.bulk.fragment import Fragment
from voxlake.ngff.labels.bulk.pieces import Merged, Pieces
from voxlake.ngff.labels.mapping.operation import Entry
from voxlake.ngff.labels.objects.manifest import Manifest as ObjectsManifest
from voxlake.ngff.labels.segments.manifest import Manifest
from voxlake.ngff.labels.upkeep.marker import BulkState, MarkerState
from voxlake.ngff.labels.upkeep.reservation import Block
from voxlake.ngff.versioned.checked_json import decode_checked, encode_checked

if TYPE_CHECKING:
    from pydantic import BaseModel

FOLDER = Path(__file__).parent / "documents"


@pytest.mark.parametrize(
    ("name", "key", "kind"),
    [
        ("manifest", "manifest", Manifest),
        ("fragment", "document", Fragment),
        ("pieces", "document", Pieces),
        ("merged", "document", Merged),
    ],
)
def test_with_a_checksum(name: str, key: str, kind: type[BaseModel]) -> None:
    body = (FOLDER / f"{name}.json").read_bytes()
    assert encode_checked(key, decode_checked(key, body, kind)) == body


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("objects_manifest", ObjectsManifest),
        ("merge", Entry),
        ("cleave", Entry),
        ("replace", Entry),
        ("block", Block),
        ("marker", MarkerState),
        ("bulk_marker", BulkState),
    ],
)
def test_plain(name: str, kind: type[BaseModel]) -> None:
    body = (FOLDER / f"{name}.json").read_bytes()
    assert kind.model_validate_json(body).model_dump_json().encode() == body
