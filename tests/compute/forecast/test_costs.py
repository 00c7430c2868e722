"""Prices: a table of one's own, and what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from voxlake.compute.forecast.costs import Prices, StorageClass, cost_of, read_prices, user_file
from voxlake.documents.jobs.plan import Requests
from voxlake.platform.errors import InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path

OWN = """
as_of = 2026-01-01
source = "ours"
currency = "EUR"
storage_tb_month = 2
put_per_1000 = 1
get_per_1000 = 0.5
core_hour = 3
egress_tb = 10
"""


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_costs_are_prices_times_what_is_taken(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    prices, where, text = read_prices(tmp_path / "own.toml")
    assert (where, text, prices.currency) == (str(tmp_path / "own.toml"), OWN, "EUR")
    cost = cost_of(prices, where, 7200, Requests(put=2000, get=3000, head=1000, delete=9), 5e12)
    assert (cost.compute, cost.requests, cost.storage_month, cost.read_out) == (6, 4, 10, 50)
    assert cost.once == 10


def test_the_user_s_table_stands_before_the_examples(tmp_path: Path) -> None:
    examples, where, _ = read_prices()
    assert "examples" in where
    assert "examples" in examples.source
    user_file().parent.mkdir(parents=True)
    user_file().write_text(OWN)
    assert read_prices()[0].source == "ours"
    (tmp_path / "third.toml").write_text(OWN.replace('"ours"', '"third"'))
    assert read_prices(tmp_path / "third.toml")[0].source == "third"


def test_the_examples_can_be_copied_and_say_their_day(tmp_path: Path) -> None:
    prices, _, text = read_prices()
    (tmp_path / "copy.toml").write_text(text)
    assert read_prices(tmp_path / "copy.toml")[0] == prices
    assert str(prices.as_of) in text
    named = {line.split(" ")[0].strip("[]") for line in text.splitlines()}
    assert {*Prices.model_fields, *StorageClass.model_fields} <= named


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("core_hour = [", "no TOML"),
        (OWN.replace("core_hour = 3", ""), "core_hour"),
        (OWN.replace("core_hour = 3", "core_hour = -1"), "core_hour"),
        (OWN.replace("core_hour = 3", "core_hour = nan"), "core_hour"),
        (OWN + "disk_hour = 3\n", "disk_hour"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, wrong: str, named: str) -> None:
    (tmp_path / "own.toml").write_text(wrong)
    with pytest.raises(InvalidInputError, match=named):
        read_prices(tmp_path / "own.toml")


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"nowhere\.toml"):
        read_prices(tmp_path / "nowhere.toml")
