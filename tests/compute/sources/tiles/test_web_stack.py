"""Slices on a web server, as its index lists them; and files by ``file://``."""

from __future__ import annotations

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image
from tests.compute.sources.reading import assert_whole, fails

from voxlake.compute.sources import absolute_location, open_source
from voxlake.compute.sources.links import refuse_links_out
from voxlake.compute.sources.tiles.web_listing import parse_listing
from voxlake.ngff.grid.box import Box
from voxlake.platform.errors import InvalidInputError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RNG = np.random.default_rng(12)
VOXELS = RNG.integers(0, 256, (12, 19, 27), np.uint8)

APACHE = """<html><head><title>Index of /em</title></head><body><table>
<tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last modified</a></th></tr>
<tr><td><a href="/">Parent Directory</a></td></tr>
{rows}</table><address>Apache/2.4.52 (Ubuntu) Server</address></body></html>"""
APACHE_ROW = """<tr><td><img src="/icons/image2.gif"></td><td><a href="{0}">{1}</a></td>
<td align="right">2024-01-{2:02} 10:00  </td><td align="right"> 12K</td></tr>"""
NGINX = """<html><head><title>Index of /em/</title></head><body><h1>Index of /em/</h1><hr><pre>
<a href="../">../</a>\n{rows}</pre><hr></body></html>"""
NGINX_ROW = """<a href="{0}">{1}</a>            {2:02}-Jan-2024 10:00        512\n"""


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder quietly, with a list of its own making if there is a `page`."""

    page: str | None = None
    status = 200
    failing: tuple[str, ...] = ()
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path.endswith(self.failing):
            self.send_error(500)
        elif self.path.endswith("/") and self.status != 200:
            self.send_error(self.status)
        elif self.path.endswith("/") and self.page is not None:
            body = self.page.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (as in the base)
        pass


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> type[Handler]:
    monkeypatch.setenv("VOXLAKE_STORE_RETRIES", "0")

    class Own(Handler):
        asked: list[str] = []  # noqa: RUF012

    return Own


@pytest.fixture
def served(tmp_path: Path, handler: type[Handler]) -> Iterator[str]:
    where = functools.partial(handler, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), where)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def save(folder: Path, name: str = "s{}.png", voxels: np.ndarray = VOXELS) -> Path:
    folder.mkdir(exist_ok=True)
    for number, plane in enumerate(voxels):
        path = folder / name.format(number)
        if path.suffix == ".tif":
            tifffile.imwrite(path, plane, photometric="minisblack")
        else:
            Image.fromarray(plane).save(path)
    return folder


@pytest.mark.parametrize("name", ["s{}.png", "s{}.tif", "a slice #{}, 50%.bmp", "s{}.gif"])
def test_a_folder_that_python_lists(served: str, tmp_path: Path, name: str) -> None:
    save(tmp_path / "my em", name)
    for address in (f"{served}/my%20em/", f"{served}/my%20em"):
        source = open_source(address, colours=True)
        assert_whole(source, VOXELS)
        assert source.block == (1, 19, 27)
        box = Box((3, 2, 5), (9, 17, 20))
        np.testing.assert_array_equal(source.read(box), VOXELS[box.slices])


@pytest.mark.parametrize(("page", "row"), [(APACHE, APACHE_ROW), (NGINX, NGINX_ROW)])
@pytest.mark.parametrize("above", ["", "/em/", "{served}/em/"])
def test_folders_as_other_servers_list_them(
    served: str, tmp_path: Path, handler: type[Handler], page: str, row: str, above: str
) -> None:
    save(tmp_path / "em", "s {}.png")

    def listing(day: int) -> str:
        names = [f"s {n}.png" for n in range(len(VOXELS))]
        prefix = above.format(served=served)
        return page.format(rows="".join(row.format(prefix + quote(n), n, day) for n in names))

    handler.page = listing(1)
    source = open_source(f"{served}/em/")
    assert_whole(source, VOXELS)
    assert open_source(f"{served}/em/").fingerprint == source.fingerprint
    handler.page = listing(2)
    assert open_source(f"{served}/em/").fingerprint != source.fingerprint


def test_only_links_into_the_folder_count() -> None:
    links = [
        "s1.png", "./s2.png", "/em/s3.png", "http://host/em/s4.png", "//host/em/s5.png",
        "../s6.png", "/s7.png", "deeper/s8.png", "http://other/em/s9.png", "..%2fs10.png",
        "https://host/em/s11.png", "s12.png?download=1", "/em/../s13.png", "%2e%2e/s14.png",
        "http://host:81/em/s15.png", "http://[", "file:///em/s16.png", "s17.png%00", "",
    ]  # fmt: skip
    page = "".join(f"<a href='{link}'>x</a>" for link in links)
    assert list(parse_listing(page, "http://host/em/")) == [f"s{n}.png" for n in range(1, 6)]
    moved = "<base href='/other/'><a href='s1.png'>x</a><a href='/em/s2.png'>x</a>"
    assert list(parse_listing(moved, "http://host/em/")) == ["s2.png"]


def test_a_pattern_chooses_slices(served: str, tmp_path: Path) -> None:
    save(tmp_path / "em", "raw_{}.png")
    save(tmp_path / "em", "ids_{}.png", VOXELS // 2)
    assert_whole(open_source(f"{served}/em/ids_*.png"), VOXELS // 2)
    fails(f"{served}/em/", "follow different patterns", "glob")
    fails(f"{served}/em/none_*.png", "no PNG")


def test_slices_that_are_missing_torn_or_odd_are_named(
    served: str, tmp_path: Path, handler: type[Handler]
) -> None:
    folder = save(tmp_path / "em")
    (folder / "s4.png").rename(folder / "t4.png.part")
    fails(f"{served}/em", "lacks slices: 4")
    (folder / "t4.png.part").rename(folder / "s4.png.part")
    fails(f"{served}/em", "s4.png.part")
    (folder / "s4.png.part").rename(folder / "s4.png")
    whole = (folder / "s4.png").read_bytes()
    (folder / "s4.png").write_bytes(whole[:60])
    fails(f"{served}/em", f"{served}/em/s4.png")
    (folder / "s4.png").write_bytes(whole)
    source = open_source(f"{served}/em")
    handler.failing = ("s4.png",)
    with pytest.raises(SourceError, match=r"s4\.png"):
        source.read(Box.of_shape(source.shape))
    handler.failing = ()
    (folder / "s4.png").unlink()
    with pytest.raises(SourceError, match=r"em/s4\.png is listed, and not there"):
        source.read(Box.of_shape(source.shape))


@pytest.mark.parametrize("status", [200, 403, 404])
def test_what_is_not_listed_is_refused_with_what_to_do(
    served: str, tmp_path: Path, handler: type[Handler], status: int
) -> None:
    save(tmp_path / "em")
    handler.status, handler.page = status, "<html><script>app()</script></html>"
    fails(f"{served}/em", "does not list it", "download")


def test_a_zarr_that_is_listed_is_a_zarr(served: str, tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "v.zarr", data=VOXELS, chunks=(8, 8, 8), zarr_format=2)
    save(tmp_path / "v.zarr", voxels=VOXELS[:2])
    assert_whole(open_source(f"{served}/v.zarr"), VOXELS)


def url(path: object) -> str:
    return f"file://{quote(str(path))}"


def test_file_urls_are_paths(tmp_path: Path) -> None:
    folder = save(tmp_path / "my em")
    np.save(tmp_path / "v 1.npy", VOXELS)
    np.savez(tmp_path / "v.npz", a=VOXELS, b=VOXELS[0])
    tifffile.imwrite(tmp_path / "v.tif", VOXELS, photometric="minisblack")
    VOXELS.tofile(tmp_path / "v 1.raw")
    zarr.create_array(tmp_path / "v.zarr", data=VOXELS, chunks=(8, 8, 8))
    for location in (
        url(folder),
        f"file://localhost{quote(str(folder))}",
        f"{url(folder)}/s*.png",
        f"{url(folder)}/s{{z}}.png",
        url(tmp_path / "v 1.npy"),
        f"{url(tmp_path / 'v.npz')}::a",
        url(tmp_path / "v.tif"),
        f"{url(tmp_path / 'v 1.raw')}?dtype=uint8&shape=12,19,27",
        url(tmp_path / "v.zarr"),
    ):
        assert_whole(open_source(location), VOXELS)
        assert_whole(open_source(absolute_location(location)), VOXELS)
        assert absolute_location(location).startswith(str(tmp_path))
    fails(url(tmp_path / "absent"), "is not there")
    with pytest.raises(InvalidInputError, match="names the machine host"):
        open_source("file://host/em")


def test_links_out_of_a_folder_are_seen_behind_file_urls(tmp_path: Path) -> None:
    folder = save(tmp_path / "em")
    (folder / "s3.png").rename(tmp_path / "elsewhere.png")
    (folder / "s3.png").symlink_to(tmp_path / "elsewhere.png")
    for location in (url(folder), f"{url(folder)}/*.png", f"{url(folder)}/s{{z}}.png"):
        with pytest.raises(SourceError, match="leads out of its folder"):
            refuse_links_out(location)
