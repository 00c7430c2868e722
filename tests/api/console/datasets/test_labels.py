"""The pages of labels: one by its id, in the viewer, merged and split again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import numpy as np
from tests.api.console.conftest import SHAPE
from tests.api.lakes import label_voxels

from voxlake.platform.access import Role

if TYPE_CHECKING:
    import httpx2
    from tests.api.console.conftest import Workshop

CELLS = "/datasets/lab/brain/cells"


def largest(count: int) -> list[int]:
    """Return the ids of the labels of most voxels."""
    ids, counts = np.unique(label_voxels(SHAPE), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [int(each) for each in ids[order] if each][:count]


def ids_on(page: httpx2.Response) -> list[str]:
    """Return the ids that the rows of a page are about."""
    return re.findall(r'<th scope="row">(?:<a [^>]*>)?(\d+)', page.text)


def test_bodies_are_merged_and_split_again(workshop: Workshop) -> None:
    first, second, third = largest(3)
    with workshop.browser("ada") as ada:
        page = ada.fill_in(f"{CELLS}/labels/merge", labels=f"{first}, {second}\n {third}")
        assert page.url.params["label"] == str(first)
        counts = np.isin(label_voxels(SHAPE), [first, second, third]).sum()
        assert f'<td class="number">{counts:,}</td>' in page.text
        assert f'<a href="?label={third}">{third}</a>' in page.text
        page = ada.get(f"{CELLS}/labels?label={second}")
        assert f'<a href="?label={first}&amp;bodies=true">{first}</a>' in page.text
        page = ada.get(f"{CELLS}/labels/history")
        assert ids_on(page) == ["1"]
        page = ada.fill_in(f"{CELLS}/labels/undo", number="1")
        assert ids_on(page) == ["2", "1"]
        assert ids_on(ada.get(f"{CELLS}/labels/history?before=2")) == ["1"]
        assert "itself" in ada.get(f"{CELLS}/labels?label={second}").text


def test_who_may_not_write_sees_no_forms(workshop: Workshop) -> None:
    workshop.catalog.shares.share(["lab", "brain", "cells"], "public", Role.VIEWER)
    with workshop.browser("bob") as bob:
        bob.await_status(f"{CELLS}/labels", 200)
        assert '<h2 id="merge">' not in bob.get(f"{CELLS}/labels").text
        assert bob.fill_in(f"{CELLS}/labels/merge", labels="1 2").status_code == 403
        assert bob.fill_in(f"{CELLS}/labels/undo", number="1").status_code == 403


def test_what_are_no_labels_is_refused(workshop: Workshop) -> None:
    with workshop.browser("ada") as ada:
        for labels in ("", "1", "0 1", "1 -2", "1 x", f"1 {1 << 64}", "1 \u0662"):
            assert ada.fill_in(f"{CELLS}/labels/merge", labels=labels).status_code == 400
        assert ada.fill_in(f"{CELLS}/labels/undo", number="0").status_code == 400


def test_the_viewer_opens_at_a_label(workshop: Workshop) -> None:
    label, voxels = largest(5)[-1], label_voxels(SHAPE)
    with workshop.browser("ada") as ada:
        page = ada.get(f"{CELLS}/labels?label={label}").text
        assert f'href="/view/lab/brain/cells?label={label}"' in page
        answer = ada.get(f"/view/lab/brain/cells?label={label}", follow_redirects=False)
        state = json.loads(unquote(answer.headers["location"].partition("#!")[2]))
        x, y, z = (int(place) for place in state["position"])
        assert voxels[z, y, x] == label
        [cells] = [each for each in state["layers"] if each["name"] == "cells"]
        assert cells["segments"] == [str(label)]
        assert ada.get("/view/lab/brain/cells?label=987654321").status_code == 404


def test_a_view_is_shared_by_a_short_link_until_it_is_ended(workshop: Workshop) -> None:
    label = str(largest(3)[-1])
    with workshop.browser("ada") as ada, workshop.browser("carl") as carl:
        page = ada.fill_in("/views", dataset="lab/brain/cells", label=label)
        found = re.search(r"<code>(http\S+/s/(\S+))</code>", page.text)
        assert found
        opened = carl.get(found[1], follow_redirects=False)
        assert "/neuroglancer/#!" in opened.headers["location"]
        state = carl.get(opened.headers["location"].partition("#!")[2]).json()
        assert [label] in [layer.get("segments") for layer in state["layers"]]
        assert carl.fill_in("/views", dataset="lab/brain/em").status_code == 404
        assert carl.fill_in("/views/end", id=found[2]).status_code == 404
        page = ada.fill_in("/views/end", id=found[2])
        assert found[1] not in page.text
        assert carl.get(f"/v2/states/{found[2]}").status_code == 404
