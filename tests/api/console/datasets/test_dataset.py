"""The page of a dataset, and that of its labels."""

from __future__ import annotations

import html
import re
from collections import Counter
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from tests.api.conftest import SHAPE

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2
    from tests.api.conftest import Served

EM, CELLS, SECRET = (f"/datasets/lab/brain/{name}" for name in ("em", "cells", "secret"))
EVIL = '"><svg onload=alert(1)>&'


def picture(client: httpx2.Client, page: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the pixels of the picture that a page shows."""
    found = re.search(r'<img src="([^"]+)"', page)
    assert found
    answer = client.get(html.unescape(found[1]))
    assert answer.headers["content-type"] == "image/png"
    with Image.open(BytesIO(answer.content)) as image:
        return np.asarray(image)


def test_the_middle_slice_is_shown_and_what_is_known(served: Served, owner: httpx2.Client) -> None:
    page = owner.get(EM)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    middle = (SHAPE[0] - 1) // 2
    np.testing.assert_array_equal(picture(owner, page.text), served.voxels["lab/brain/em"][middle])
    assert "45 \u00d7 67 \u00d7 71" in page.text
    assert 'href="/datasets/lab/brain/cells"' in page.text


@pytest.mark.parametrize(("across", "axis"), [("z", 0), ("y", 1), ("x", 2)])
def test_any_slice_is_shown(served: Served, owner: httpx2.Client, across: str, axis: int) -> None:
    page = owner.get(EM, params={"across": across, "level": 0, "at": 3})
    shown = picture(owner, page.text)
    np.testing.assert_array_equal(shown, served.voxels["lab/brain/em"].take(3, axis))


def test_the_slice_that_is_seen_stays_where_it_is(served: Served, owner: httpx2.Client) -> None:
    coarse = owner.get(EM, params={"across": "y", "level": 1, "at": 40, "seen": "y.0"})
    assert "y = 20 of 0 to" in coarse.text
    other = owner.get(EM, params={"across": "z", "level": 0, "at": 40, "seen": "y.0"})
    assert f"z = {(SHAPE[0] - 1) // 2} of 0 to" in other.text


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("level=9", "levels 0 to"),
        ("at=45", "0 to 44"),
        ("across=z&at=45&seen=y.0&level=0&window=nan", "window"),
        ("at=67&seen=y.0", "0 to 66"),
        ("window=nan", "0:255"),
        ("t=1", "0 to 0"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(
    served: Served, owner: httpx2.Client, asked: str, words: str
) -> None:
    page = owner.get(f"{EM}?{asked}", headers={"Accept": "text/html"})
    assert page.status_code == 400
    assert words in page.text


def test_snippets_run(
    served: Served, owner: httpx2.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those for Python whose programs are here, of a public dataset, for who has no token."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    text = owner.get(EM).text
    titles = re.findall(r"<h3>(.+?)</h3>\s*<pre[^>]*><code>(.+?)</code>", text, re.DOTALL)
    code = {title: html.unescape(lines) for title, lines in titles}
    expected = served.voxels["lab/brain/em"]
    for title in ("Python", "xarray", "zarr", "Dask", "TensorStore", "intern"):
        names: dict[str, Any] = {}
        exec(code[title], names)
        if title == "intern":
            np.testing.assert_array_equal(names["corner"], expected[:64, :64, :64])
            continue
        voxels = names["voxels"]
        voxels = voxels.read().result() if title == "TensorStore" else voxels
        np.testing.assert_array_equal(np.asarray(voxels[:]), expected)
        if title == "Python":
            names["lake"].close()
    address = re.search(r'curl "([^"]+)"', code["curl"])
    assert address
    np.testing.assert_array_equal(
        np.load(BytesIO(owner.get(address[1]).content)), expected[:64, :64, :64]
    )


def test_what_is_stored_is_counted_and_drawn(served: Served, owner: httpx2.Client) -> None:
    page = owner.get(f"{EM}/coverage", params={"level": 1}).text
    assert re.search(r"<dt>Stored</dt><dd>(\d+) of \1 shards \(100 %\)", page)
    address = re.search(r'<img src="([^"]+coverage\.svg[^"]*)"', page)
    assert address
    picture = owner.get(address[1])
    assert picture.headers["content-type"] == "image/svg+xml"
    axes = ElementTree.fromstring(picture.text).findall("{http://www.w3.org/2000/svg}g")
    assert len(axes) == 3
    assert address[1].split("?")[0] in owner.get(EM).text
    assert owner.get(f"{EM}/coverage", params={"level": 9}).status_code == 400


def test_who_may_not_see_it_is_told_nothing(anonymous: httpx2.Client) -> None:
    for page in (SECRET, f"{SECRET}/thumbnail", f"{SECRET}/labels", f"{SECRET}/coverage.svg"):
        absent = page.replace("secret", "nothing")
        assert anonymous.get(page).status_code == anonymous.get(absent).status_code == 401


def test_a_thumbnail_is_a_small_picture(owner: httpx2.Client) -> None:
    answer = owner.get(f"{EM}/thumbnail", follow_redirects=True)
    with Image.open(BytesIO(answer.content)) as image:
        assert max(image.size) <= 256


def test_labels_are_listed_and_looked_up(served: Served, owner: httpx2.Client) -> None:
    ids, counts = np.unique(served.voxels["lab/brain/cells"], return_counts=True)
    largest = ids[ids != 0][np.argmax(counts[ids != 0])]
    listed = owner.get(f"{CELLS}/labels").text
    first = re.search(
        r'<th scope="row"><a [^>]*>(\d+)</a></th><td class="number">([\d,]+)</td>', listed
    )
    assert first
    assert int(first[2].replace(",", "")) == counts[ids != 0].max()
    bins = re.findall(
        r'class="number">([\d,]+)(?: to [\d,]+)?</th><td class="number">([\d,]+)', listed
    )
    told = {int(size.replace(",", "")): int(labels) for size, labels in bins}
    sizes = [1 << (int(count).bit_length() - 1) for count in counts[ids != 0]]
    assert {size: labels for size, labels in told.items() if labels} == Counter(sizes)
    assert listed.count("<rect ") == len(told)
    found = owner.get(f"{CELLS}/labels", params={"label": int(largest)}).text
    assert re.findall(r'<th scope="row">(\d+)</th>', found) == [str(largest)]
    assert "No voxel has the id 987654321" in owner.get(f"{CELLS}/labels?label=987654321").text


def test_what_people_say_stays_text(served: Served, owner: httpx2.Client) -> None:
    place = "/v2/datasets/lab/brain/draft"
    assert owner.patch(place, json={"description": EVIL}).status_code == 200
    key = "/v2/metadata/value?place=lab/brain/draft&key=licence"
    assert owner.put(key, json={"value": EVIL + "CC0"}).is_success
    assert "<dd>&#34;&gt;&lt;svg onload=alert(1)&gt;&amp;CC0</dd>" in owner.get(place[3:]).text
    for page in ("/", "/datasets/lab/brain/draft", "/?q=svg", f"{EM}?window={quote(EVIL)}"):
        text = owner.get(page, headers={"Accept": "text/html"}).text
        assert "<svg" not in text
        assert "&lt;svg onload=alert(1)&gt;" in text, page
    assert "script" not in owner.get("/").headers["content-security-policy"]
