"""Files of the viewer are sent compressed where they lie so beside, and kept by their names."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from tests.api.asgi import InProcess

from voxlake.api.views.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCRIPT = b"export const one = 1;\n" * 100
PACKED = {"br": b"as Brotli has it", "gzip": gzip.compress(SCRIPT)}
"""What lies beside; the server does not look into it."""
ASSET = "/assets/index-1.js"


@pytest.fixture
def viewer(tmp_path: Path) -> Iterator[InProcess]:
    """A viewer of two scripts, one of which is too small to be compressed."""
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (assets / "index-1.js").write_bytes(SCRIPT)
    (assets / "index-1.js.br").write_bytes(PACKED["br"])
    (assets / "index-1.js.gz").write_bytes(PACKED["gzip"])
    (assets / "small-2.js").write_bytes(b"1")
    with InProcess(Viewer(tmp_path)) as server:
        yield server


@pytest.mark.parametrize(
    ("taken", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("zstd", None),
        (None, None),
    ],
)
def test_an_asset_is_sent_as_the_client_takes_it(
    viewer: InProcess, taken: str | None, coding: str | None
) -> None:
    answer = viewer.ask("GET", ASSET, {} if taken is None else {"accept-encoding": taken})
    assert answer.status == 200
    assert answer.headers.get("content-encoding") == coding
    assert answer.body == (SCRIPT if coding is None else PACKED[coding])
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "immutable" in answer.headers["cache-control"]


def test_each_coding_has_an_etag_of_its_own(viewer: InProcess) -> None:
    codings = ("br", "gzip", "identity")
    tags = {c: viewer.ask("GET", ASSET, {"accept-encoding": c}).headers["etag"] for c in codings}
    assert len(set(tags.values())) == 3
    for coding, tag in tags.items():
        again = viewer.ask("GET", ASSET, {"accept-encoding": coding, "if-none-match": tag})
        assert (again.status, again.body) == (304, b"")


def test_what_is_not_compressed_is_sent_as_it_is(viewer: InProcess) -> None:
    answer = viewer.ask("GET", "/assets/small-2.js", {"accept-encoding": "gzip, br"})
    assert (answer.status, answer.body) == (200, b"1")
    assert "content-encoding" not in answer.headers
    page = viewer.ask("GET", "/", {"accept-encoding": "gzip, br"})
    assert page.headers["cache-control"] == "no-cache"
