"""Keys and values of places, put and asked for by intern, and by requests as it sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from intern.resource.boss.resource import (
    ChannelResource,
    CollectionResource,
    ExperimentResource,
)
from intern.service.boss.httperrorlist import HTTPErrorList

if TYPE_CHECKING:
    import httpx2

PLACES = [
    CollectionResource("lab"),
    ExperimentResource("brain", "lab"),
    ChannelResource("em", "lab", "brain"),
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: type(place).__name__)
def test_a_key_from_its_birth_to_its_end(boss: Any, place: Any) -> None:
    said = {"author": "ana", "a b": "x&y=1+2 ü", "empty?": "=", "c+d": "1"}
    boss.create_metadata(place, said)
    assert set(boss.list_metadata(place)) == set(said)
    assert boss.get_metadata(place, list(said)) == said
    with pytest.raises(HTTPErrorList, match="400"):
        boss.create_metadata(place, {"author": "ben"})
    boss.update_metadata(place, {"author": "ben"})
    assert boss.get_metadata(place, ["author"]) == {"author": "ben"}
    boss.delete_metadata(place, list(said))
    assert boss.list_metadata(place) == []
    with pytest.raises(HTTPErrorList, match="400"):
        boss.get_metadata(place, ["author"])
    with pytest.raises(HTTPErrorList, match="400"):
        boss.update_metadata(place, {"author": "ben"})
    with pytest.raises(HTTPErrorList, match="400"):
        boss.delete_metadata(place, ["author"])


def test_what_is_not_allowed(web: httpx2.Client, nobody: httpx2.Client) -> None:
    assert nobody.get("/v1/meta/lab/brain/em/").json() == {"keys": []}
    for path, client, method, status, code in [
        ("lab/brain/em", nobody, "POST", 401, 3004),
        ("lab/brain/em", nobody, "DELETE", 401, 3004),
        ("lab/brain/secret", nobody, "GET", 401, 3004),
        ("lab/absent", web, "POST", 404, 4000),
        ("lab/brain", web, "GET", 400, 1003),
        ("lab/brain", web, "PATCH", 405, 1000),
    ]:
        answer = client.request(method, f"/latest/meta/{path}/?key=k&value=v")
        assert (answer.status_code, answer.json()["code"]) == (status, code), (path, method)
    assert web.post("/v1/meta/lab/?key=k").json()["code"] == 1003
