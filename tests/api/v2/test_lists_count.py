"""Long lists in JSON count against the memory for answers while they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx2
    from tests.api.conftest import Served

CELLS = "/v2/datasets/lab/brain/cells"


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("GET", f"{CELLS}/labels", None),
        ("GET", f"{CELLS}/labels/top?n=9", None),
        ("POST", f"{CELLS}/labels/lookup", {"labels": [1, 2, 77]}),
        ("GET", f"{CELLS}/labels/1/chunks", None),
        ("GET", f"{CELLS}/objects", None),
    ],
)
def test_the_bytes_of_a_list_count_until_it_is_sent(
    method: str,
    address: str,
    body: object,
    served: Served,
    owner: httpx2.Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = served.app.state.gateway.answers
    held, hold = list[int](), answers.hold

    def noting(size: int) -> object:
        held.append(size)
        return hold(size)

    monkeypatch.setattr(answers, "hold", noting)
    answer = owner.request(method, address, json=body)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert held[-1] == len(answer.content) == int(answer.headers["content-length"])
