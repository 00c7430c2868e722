"""Hostile names in every parameter of a path, and as places: nothing outside is ever read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.asgi import InProcess
from tests.api.conftest import TOKEN
from tests.api.lakes import Sample, add_sample, label_voxels
from tests.api.routes import matrix_v1
from tests.api.routes.matrix import DATASETS, OTHERS, PLACES

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

CANARY = b"the canary outside"
OWNER = {"authorization": f"Bearer {TOKEN}"}
NAMED = {"collection": "alps", "experiment": "north", "dataset": "sunny", "key": "zarr.json"}
NAMED |= {"table": "alps.north.sunny", "choice": "largest=5", "node": str((2 << 56) + 1)}
NAMED |= {
    "plane": "xy",
    "level": "0",
    "slice": "0",
    "column": "0",
    "row": "0",
    "chunk": "0-8_0-8_0-8",
}
NAMED |= {part.strip("{}"): text for part, text in matrix_v1.FILLED.items()}
NAMED |= {
    "job": "1",
    "job_id": "0" * 25 + "Z",
    "shard": "0",
    "label": "1",
    "link": "1",
    "token": "1",
    "user": "ada",
    "group": "ada",
    "frame": "common",
    "deleted": "999999",
}
NAMED |= {"role": "resource-manager", "minor": "8", "rest": "collection"}
HOSTILE = [
    "..", "%2e%2e", "..%2f..%2fcanary", "..%5c..%5ccanary", "..\\..\\canary", "%2fetc%2fpasswd",
    "%00", "canary%00", "%252e%252e%252fcanary", "~", "*", "%c0%ae%c0%ae", "..;", "%0d%0aX:y", "-1",
    "file:%2f%2f%2fcanary", "999999999999999999999999", "a" * 300, "\uff0e\uff0e", "' OR 1=1 --",
]  # fmt: skip
PARTS = ["..", "%2f", "canary", "%00", "\\", ".", "%5c", "//"]
ROUTES = sorted({*DATASETS, *OTHERS, *PLACES} - {("*", "/neuroglancer")})
SLOTS = [(row, slot) for row in ROUTES for slot in re.findall(r"\{(\w+)", row[1])]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """A lake with a canary in every folder from a dataset's parent to the one above the lake."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("hostile") / "lake"))
    chosen = Settings(failed_logins_per_minute=0, requests_per_minute=0)
    with open_catalog(lake, chosen) as catalog:
        new = Sample("alps/north/sunny", label_voxels((8, 8, 8)), Kind.LABELS, levels=1)
        add_sample(lake, catalog, new)
        for above in ("alps/north", "alps", ".", ".."):
            (lake.path / above / "canary").write_bytes(CANARY)
        local = LocalIdentity(TOKEN, "voxlake-session-test")
        with InProcess(create_app(chosen, lake, catalog, local)) as asked:
            (lake.path / "alps/north/sunny.ome.zarr/canary").write_bytes(b"inside")
            assert asked.ask("GET", "/zarr/alps/north/sunny/canary", OWNER).body == b"inside"
            yield asked


def filled(template: str, slot: str, text: str) -> str:
    """Return an address with a hostile text in one place of its path, and good ones else."""
    names = NAMED | {slot: text}
    return re.sub(r"\{(\w+)(?::path)?\}", lambda found: names[found[1]], template)


def check(server: InProcess, method: str, target: str) -> None:
    """Hold that an address leads nowhere: told so, with nothing of what lies outside."""
    answer = server.ask(method, target, OWNER)
    assert CANARY not in answer.body
    assert answer.status in {400, 404, 405}, (method, target, answer)
    assert "x" not in answer.headers


@pytest.mark.parametrize(("row", "slot"), SLOTS)
def test_no_hostile_name_leads_anywhere(server: InProcess, row: tuple[str, str], slot: str) -> None:
    method, template = row
    for text in HOSTILE:
        check(server, method, filled(template, slot, quote(text, safe="%*~;:\\'=")))


@settings(max_examples=150)
@given(
    row=st.sampled_from(SLOTS),
    parts=st.lists(
        st.sampled_from(["..", "%2f", "canary", "%00", "\\", ".", "%5c", "//"]), min_size=2
    ),
)
def test_no_random_name_leads_anywhere(
    server: InProcess, row: tuple[tuple[str, str], str], parts: list[str]
) -> None:
    (method, template), slot = row
    answer = server.ask(method, filled(template, slot, "".join(parts)), OWNER)
    assert CANARY not in answer.body
    assert answer.status < 500


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("row", [row for row in PLACES if "{collection}" not in row[1]])
def test_no_hostile_place_leads_anywhere(
    server: InProcess, row: tuple[str, str], text: str
) -> None:
    method, template = row
    place = quote(text, safe="%")
    check(server, method, filled(template, "", "") + f"?place=alps/{place}")
