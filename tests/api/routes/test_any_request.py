"""Any request that the OpenAPI document allows, or does not: answered as it says, never a failure.

``VOXLAKE_API_REQUESTS`` says how many are tried, by the owner, by users who may do some of it or
none, by nobody, and with a token that is none (``make requests``).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.api.conftest import TOKEN, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.access import Role
from voxlake.platform.catalog import open_catalog
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis.schemas import BaseSchema

REQUESTS = int(os.environ.get("VOXLAKE_API_REQUESTS", "150"))
SHAPE = (20, 21, 22)
WHO = ("owner", "editor", "stranger", "nobody", "wrong")
BINARY = [
    "application/x-npy",
    "application/x-npz",
    "application/x-blosc",
    "application/x-hdf5",
    "application/blosc",
    "application/npygz",
    "application/hdf5",
]
schemathesis.serializer.alias(BINARY, "application/octet-stream")
type Gateway = tuple[str, BaseSchema, dict[str, dict[str, str]]]
"""Its URL, what it says it does, and what each of `WHO` sends to say who they are."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway over a lake that requests change."""
    lake = StoreURL.parse(str(tmp_path_factory.mktemp("any-request") / "lake"))
    chosen = Settings(cutout_limit_bytes=1 << 20, failed_logins_per_minute=0)
    with open_catalog(lake, chosen) as catalog:
        for sample in (
            Sample("lab/brain/em", image_voxels(SHAPE), public=True),
            Sample("lab/brain/cells", label_voxels(SHAPE), Kind.LABELS, of="em", public=True),
            Sample("lab/brain/draft", label_voxels(SHAPE, 5), Kind.LABELS, of="em"),
        ):
            add_sample(lake, catalog, sample)
        tokens = {"owner": TOKEN, "wrong": "vxl_none"}
        for name in ("editor", "stranger"):
            catalog.people.add_user(name)
            _, tokens[name] = catalog.tokens.make(name, "test")
        catalog.shares.share(("lab",), "editor", Role.EDITOR)
        sent = {name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()}
        app = create_app(chosen, lake, catalog, LocalIdentity(TOKEN, "voxlake-session-test"))
        with run_app(app) as url:
            yield url, schemathesis.openapi.from_dict(app.openapi()), {**sent, "nobody": {}}


@pytest.mark.parametrize("who", WHO)
@settings(
    max_examples=REQUESTS // len(WHO),
    deadline=None,
    # Shrinking asks a server that others' requests change.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_any_request_is_answered_as_it_is_described(
    gateway: Gateway, data: st.DataObject, who: str
) -> None:
    url, schema, sent = gateway
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    operation = data.draw(st.sampled_from(operations))
    mode = data.draw(st.sampled_from(schemathesis.GenerationMode))
    named: dict[str, Any] = {}
    if data.draw(st.booleans()) and any(p.name == "dataset" for p in operation.path_parameters):
        dataset = data.draw(st.sampled_from(["em", "cells", "cells", "draft", "none"]))
        if operation.path.endswith("{dataset}") and operation.method in {"delete", "patch"}:
            # What others ask for keeps its name, and stays.
            dataset = "none"
        named = {"collection": "lab", "experiment": "brain", "dataset": dataset}
        if any(p.name == "label" for p in operation.path_parameters):
            named["label"] = data.draw(st.integers(1, 20))
        if any(p.name == "key" for p in operation.path_parameters):
            named["key"] = data.draw(st.sampled_from(["zarr.json", "0", "a b", ".zattrs"]))
    given_names = {"path_parameters": named} if named else {}
    case = data.draw(operation.as_strategy(mode, **given_names))
    answer = case.call(base_url=url, headers=sent[who], allow_redirects=False)
    assert answer.status_code < 500, answer.text
    # Whether there are such voxels, no schema says.
    case.validate_response(answer, excluded_checks=[positive_data_acceptance])
