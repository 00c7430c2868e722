"""``voxlake catalog``: one that is lost is made again, and says what the one before did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.api.cli.conftest import Command, command_on
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels
from tests.servers.postgres import create_database

from voxlake.ngff.grid.layout import Kind
from voxlake.ngff.labels.handle import open_labels
from voxlake.ngff.lake import index_of, place_of
from voxlake.platform import store
from voxlake.platform.access import Principal
from voxlake.platform.catalog import open_catalog
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.catalog.data.plans import FirstShown, Plan
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.platform.catalog import Catalog

OWNER = Principal("owner", is_owner=True)
EM, CELLS = DatasetName.parse("lab/brain/em"), DatasetName.parse("lab/brain/cells")
RAW, FAR = EM.sibling("raw"), DatasetName.parse("else/where/far")


@pytest.fixture(params=["file-sqlite", "s3-postgres"])
def voxlake(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """The command, on an empty lake, which may register what lies in the folder `far`."""
    kinds = {"file-sqlite": "lake", "s3-postgres": "s3_store"}
    lake = request.getfixturevalue(kinds[request.param])
    monkeypatch.setenv("VOXLAKE_ALLOWED_STORES", str(tmp_path / "far"))
    if request.param == "s3-postgres":
        monkeypatch.setenv("VOXLAKE_DATABASE_URL", request.getfixturevalue("catalog_url"))
    command = command_on(str(lake), tmp_path, monkeypatch, capsys)
    command("init").ok()
    return command


@pytest.fixture
def lose(
    voxlake: Command, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """Lose the catalog: its file is gone, or its database is another."""

    def lose() -> None:
        if "://" in voxlake.lake:
            url = create_database(request.getfixturevalue("postgres_server"))
            monkeypatch.setenv("VOXLAKE_DATABASE_URL", url)
            return
        for path in (Path(voxlake.lake) / ".voxlake").glob("catalog*"):
            path.unlink()

    return lose


def _catalog(voxlake: Command) -> Catalog:
    return open_catalog(StoreURL.parse(voxlake.lake), Settings())


@pytest.fixture
def filled(voxlake: Command, tmp_path: Path) -> Command:
    """The command on a lake with one of everything; labels that are registered in place."""
    lake = StoreURL.parse(voxlake.lake)
    with _catalog(voxlake) as catalog:
        add_sample(lake, catalog, Sample(str(EM), image_voxels((20, 33, 37))))
        cells = Sample(str(CELLS), label_voxels((20, 33, 37)), Kind.LABELS, of="em", public=True)
        add_sample(lake, catalog, cells)
        catalog.frames.add(Frame("hemi", (0, -5, 0), (20, 40, 50), (8.0, 8.0, 8.5), "nanometer"))
        catalog.collections.add(["none"], description="nothing yet")
        catalog.collections.add(["none", "yet"], frame="hemi")
        catalog.collections.set_frame(["lab", "brain"], "hemi")
        catalog.plans.put(["lab", "brain"], Plan(levels=4, method="isotropic"))
        for place in (["lab"], ["lab", "brain"], EM.parts, CELLS.parts):
            catalog.metadata.describe(place, f"this is {place[-1]}")
            catalog.metadata.put_value(place, "stain", "osmium")
        catalog.plans.show_first(CELLS, FirstShown(level=1))
        catalog.provenance.put(CELLS, OWNER, [EM], [])
    far = StoreURL.parse(str(tmp_path / "far"))
    settings = Settings(database_url=f"sqlite:///{tmp_path}/theirs.sqlite")
    with open_catalog(far, settings) as other:
        far_cells = label_voxels((20, 33, 37), seed=5)
        add_sample(far, other, Sample("their/own/cells", far_cells, Kind.LABELS))
    voxlake("register", tmp_path / "far/their/own/cells.ome.zarr", FAR).ok()
    voxlake("index", FAR).ok()
    voxlake("mv", EM, RAW).ok()
    return voxlake


def _said(voxlake: Command) -> dict[str, Any]:
    """Return all that a catalog says of places, but who may read them."""
    with _catalog(voxlake) as catalog:
        records = catalog.list_datasets()
        places = [record.name.parts for record in records]
        above = catalog.saved.read()
        return {
            "datasets": [(r.name, r.kind, r.of, r.url, r.state, r.node) for r in records],
            "described": [record.description for record in records],
            "values": [catalog.metadata.list_values(place) for place in places],
            "shown": [catalog.plans.first_shown(record.name) for record in records],
            "from": [catalog.provenance.get(record.name, OWNER).sources for record in records],
            "frames": above.frames,
            "above": [
                (each.names, each.description, each.values, each.frame, each.plan)
                for each in above.places
                if each.dataset is None
            ],
        }


def test_it_says_what_the_one_before_did(filled: Command, lose: Callable[[], None]) -> None:
    before = _said(filled)
    saved = filled("catalog", "save").ok()
    assert (saved["places"], saved["frames"]) == (9, 1)
    lose()
    seen = filled("catalog", "rebuild", "--dry-run").ok()
    nothing = filled("ls")
    assert nothing.ok()["datasets"] == []
    assert "knows no datasets" in nothing.err
    assert "voxlake init" in nothing.err
    found = filled("catalog", "rebuild").ok()
    assert found == seen | {"dry_run": False}
    assert found["datasets"] == [str(RAW), str(CELLS)]
    assert found["registered"] == [str(FAR)]
    assert found["frames"] == ["hemi"]
    assert (found["values"], found["descriptions"]) == (4, 5)
    assert any("rights" in each for each in found["unknown"])
    assert _said(filled) == before
    assert not any(each["public"] for each in filled("ls").ok()["datasets"])
    # The index of what is registered in place is found by the id that it had.
    assert filled("info", FAR).ok()["index"]["missing"] == 0
    refused = filled("catalog", "rebuild")
    assert (refused.code, refused.kind) == (1, "conflict")
    assert "--merge" in refused.document["detail"]
    again = filled("catalog", "rebuild", "--merge").ok()
    assert not any(again[key] for key in ("datasets", "registered", "places", "frames", "values"))
    filled("catalog", "save").ok()


@pytest.mark.parametrize("voxlake", ["s3-postgres"], indirect=True)
def test_what_is_said_since_is_kept(filled: Command, lose: Callable[[], None]) -> None:
    filled("catalog", "save").ok()
    lose()
    filled("init").ok()
    with _catalog(filled) as catalog:
        catalog.metadata.describe(RAW.parts, "mine")
        catalog.metadata.put_value(RAW.parts, "stain", "none")
        catalog.metadata.put_value(RAW.parts, "age", "7")
    # The one before is not saved over before it was taken in.
    refused = filled("catalog", "save")
    assert (refused.code, refused.kind) == (1, "conflict")
    assert "catalog rebuild --merge" in refused.document["detail"]
    filled("worker", "--once", "--save", "1").ok()
    assert filled("catalog", "rebuild", "--merge").ok()["registered"] == [str(FAR)]
    with _catalog(filled) as catalog:
        assert catalog.get_dataset(RAW).description == "mine"
        assert catalog.metadata.list_values(RAW.parts) == {"age": "7", "stain": "none"}
        assert catalog.metadata.list_values(CELLS.parts) == {"stain": "osmium"}
        assert catalog.get_dataset(FAR).kind == "labels"


@pytest.mark.parametrize("voxlake", ["file-sqlite"], indirect=True)
def test_where_nothing_was_saved_it_knows_the_datasets(
    filled: Command, lose: Callable[[], None]
) -> None:
    with _catalog(filled) as catalog:
        index = place_of(catalog.get_dataset(FAR)).index_key
        node = catalog.get_dataset(FAR).node
    lose()
    found = filled("catalog", "rebuild").ok()
    assert (found["datasets"], found["registered"]) == ([str(RAW), str(CELLS)], [])
    assert any("no catalog saved them" in each for each in found["unknown"])
    lake = StoreURL.parse(filled.lake)
    with _catalog(filled) as catalog:
        place = place_of(catalog.get_dataset(CELLS))
        labels = open_labels(lake / place.key, index_of(lake, place))
        assert len(labels.view().all().labels) > 1
        # What was registered in place has left an index, which is no other dataset's.
        assert any(index in info.url.key for info in store.walk(lake))
        add_sample(lake, catalog, Sample("lab/brain/new", image_voxels((8, 8, 8)), levels=1))
        assert catalog.get_dataset(EM.sibling("new")).node > node


def test_a_worker_saves_what_has_changed(voxlake: Command) -> None:
    lake = StoreURL.parse(voxlake.lake)
    with _catalog(voxlake) as catalog:
        catalog.collections.add(["lab"])
    voxlake("worker", "--once", "--save", "1").ok()
    first = store.read(lake / ".voxlake/places.json")
    voxlake("worker", "--once", "--save", "1").ok()
    assert store.read(lake / ".voxlake/places.json").etag == first.etag
    voxlake("meta", "put", "lab", "k", "v").ok()
    voxlake("worker", "--once", "--save", "1").ok()
    assert b'"k":"v"' in store.read(lake / ".voxlake/places.json").body


@pytest.mark.parametrize("voxlake", ["file-sqlite"], indirect=True)
def test_a_damaged_copy_is_said(voxlake: Command) -> None:
    store.write(StoreURL.parse(voxlake.lake) / ".voxlake/places.json", b"{}")
    refused = voxlake("catalog", "rebuild")
    assert (refused.code, refused.kind) == (1, "corrupt-data")
    voxlake("worker", "--once", "--save", "1").ok()
