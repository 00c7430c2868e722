"""What jobs read that are asked for over HTTP: what lies below the list, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlake.platform.errors import InvalidInputError, StoreForbiddenError
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL
from voxlake.platform.store.allowed.sources import check_source

LAKE = StoreURL.parse("/data/lake")
S3_LAKE = StoreURL.parse("s3://raw/lake")
LISTED = Settings(
    ingest_stores=(
        "/data/raw",
        "/data/lake/inbox",
        "s3://raw/2026",
        "s3://raw/lake",
        "gs://raw/2026",
    )
)


@pytest.mark.parametrize(
    "source",
    [
        "/data/raw",
        "/data/raw/em/slice_*.tif",
        "/data/raw/em/{z}_{y}_{x}.png",
        "/data/raw/em.h5::/main/raw",
        "/data/raw/em.raw?dtype=uint8&shape=9,9,9",
        "s3://raw/2026/em.zarr",
        "s3://raw/2026/n5::volumes/raw",
        "gs://raw/2026/n5::volumes/raw",
    ],
)
def test_what_is_listed_is_read(source: str) -> None:
    check_source(source, LAKE, LISTED)


@pytest.mark.parametrize(
    "source",
    [
        "/data",
        "/data/rawer/em",
        "/data/r*",
        "/data/lake/inbox/em.npy",
        "/data/[r]aw/../x",
        "/data/raw::../../etc",
        "/data/raw/../lake/em",
        "s3://raw/2026er/em",
        "s3://raw",
        "s3://raw/2026::../lake",
        "gs://raw",
        "gs://raw/2026/../lake",
        "az://raw/2026?account=lab",
        "s3://raw/2026/../lake",
        "s3://raw/2026/em?endpoint=http://169.254.169.254",
        "s3://user:secret@raw/2026",
        "/data/raw/em.h5?links=anywhere::/em",
        "/data/raw/boss.json",
        "/data/raw/boss.JSON::x",
        "phantom:9",
        "https://raw/2026",
        "file:///data/raw/em",
        "data/raw",
        "~/raw",
        "",
    ],
)
def test_nothing_else_is(source: str) -> None:
    with pytest.raises((InvalidInputError, StoreForbiddenError)):
        check_source(source, LAKE, LISTED)


def test_a_lake_that_is_listed_is_not_read() -> None:
    for source in ("s3://raw/lake/c/e/d.ome.zarr", "s3://raw/lake"):
        with pytest.raises(StoreForbiddenError):
            check_source(source, S3_LAKE, LISTED)
    with pytest.raises(StoreForbiddenError, match="VOXLAKE_INGEST_STORES"):
        check_source("/data/raw/em", LAKE, Settings())


@given(st.lists(st.sampled_from(["/", "..", "data", "raw", "lake", "*", "::", "link", "?a=b"])))
def test_whatever_is_read_lies_below_the_list(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
) -> None:
    top = tmp_path_factory.getbasetemp() / "sources"
    raw, lake = top / "data" / "raw", top / "data" / "lake"
    raw.mkdir(parents=True, exist_ok=True)
    lake.mkdir(exist_ok=True)
    if not (raw / "link").is_symlink():
        (raw / "link").symlink_to(lake)
    source = f"{top}/{''.join(parts)}"
    try:
        check_source(source, StoreURL.parse(str(lake)), Settings(ingest_stores=(str(raw),)))
    except (InvalidInputError, StoreForbiddenError):
        return
    outer, _, inner = source.partition("::")
    for place in (outer.partition("?")[0], os.path.join(outer.partition("?")[0], inner.strip("/"))):  # noqa: PTH118
        assert Path(place).resolve().is_relative_to(raw.resolve())
