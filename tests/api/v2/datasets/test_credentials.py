"""Temporary keys of a real store: they reach what the asker may read, and nothing else."""

from __future__ import annotations

import json
import pickle
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import botocore.session  # type: ignore[import-untyped]  # it ships no types
import httpx2
import numpy as np
import obstore
import obstore.store
import pytest
import s3fs
import zarr
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # it ships no types
from hypothesis import given
from hypothesis import strategies as st
from obstore.exceptions import PermissionDeniedError
from tests.api.conftest import TOKEN, Served, run_app
from tests.api.lakes import Sample, add_sample, image_voxels, label_voxels
from tests.servers.s3 import ACCESS_KEY, ROLE, SECRET_KEY, S3Server

from voxlake.api.app import create_app
from voxlake.api.identity.local import LocalIdentity
from voxlake.client import Gateway, open_xarray
from voxlake.client.arrays.direct import KeysOfGateway, open_bucket
from voxlake.ngff.grid.layout import Kind
from voxlake.platform.access import Role
from voxlake.platform.catalog import open_catalog
from voxlake.platform.errors import ForbiddenError, LimitExceededError, UnsupportedError
from voxlake.platform.names import DatasetName
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL
from voxlake.platform.store.s3.temporary import Reach, policy_of, temporary_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

SHAPE = (20, 33, 37)
EM = "lab/brain/em"
SAMPLES = [
    Sample(EM, image_voxels(SHAPE)),
    Sample("lab/brain/cells", label_voxels(SHAPE), Kind.LABELS, of="em"),
    Sample("lab/brain/secret", label_voxels(SHAPE), Kind.LABELS, of="em"),
    Sample("lab/brain/em2", image_voxels(SHAPE)),
]


@dataclass(frozen=True, slots=True)
class Keyed:
    """A gateway of a lake on S3, and a user of it."""

    served: Served
    token: str

    def ask(self, name: str, **options: Any) -> dict[str, Any]:
        """Return the keys that the user gets."""
        with self.client() as client:
            answer = client.post(f"/v2/credentials/{name}", **options)
        assert answer.is_success, answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        document = answer.json()
        assert isinstance(document, dict)
        return document

    def client(self) -> Any:
        """Return a client of the user."""
        client = self.served.client()
        client.headers["Authorization"] = f"Bearer {self.token}"
        return client


@pytest.fixture
def keyed(s3_store: StoreURL) -> Iterator[Keyed]:
    """A user who may view `em` and `cells`, and write `cells`."""
    settings = Settings(sts_role_arn=ROLE)
    with open_catalog(s3_store, settings) as catalog:
        for sample in SAMPLES:
            add_sample(s3_store, catalog, sample)
        user = catalog.people.add_user("ann")
        for name, role in ((EM, Role.VIEWER), ("lab/brain/cells", Role.ANNOTATOR)):
            catalog.shares.share(DatasetName.parse(name).parts, "ann", role)
        _, token = catalog.tokens.make(user.name, "test")
        identity = LocalIdentity(TOKEN, "voxlake-session-test")
        app = create_app(settings, s3_store, catalog, identity)
        with run_app(app) as url:
            yield Keyed(Served(url, s3_store, catalog, app, identity, {}), token)


def s3_client(keys: dict[str, Any]) -> Any:
    """Return a client of the store with temporary keys."""
    return botocore.session.get_session().create_client(
        "s3",
        endpoint_url=keys["endpoint"],
        region_name=keys["region"],
        aws_access_key_id=keys["access_key_id"],
        aws_secret_access_key=keys["secret_access_key"],
        aws_session_token=keys["session_token"],
    )


def is_denied(ask: Any, **what: Any) -> bool:
    """Return whether the store refuses something: for the key, or for its odd name."""
    try:
        ask(**what)
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 403}
    return False


def test_own_prefix_is_read_by_every_client(keyed: Keyed) -> None:
    keys = keyed.ask(EM)
    assert not keys["writes"]
    files = s3fs.S3FileSystem(
        key=keys["access_key_id"],
        secret=keys["secret_access_key"],
        token=keys["session_token"],
        client_kwargs={"endpoint_url": keys["endpoint"]},
        asynchronous=True,
    )
    path = f"{keys['bucket']}/{keys['prefix']}"
    array = zarr.open_array(zarr.storage.FsspecStore(files, path=f"{path}/0"), mode="r")
    assert np.array_equal(np.asarray(array[...]), SAMPLES[0].voxels)
    bucket = obstore.store.S3Store(
        keys["bucket"],
        prefix=keys["prefix"],
        endpoint=keys["endpoint"],
        region=keys["region"],
        access_key_id=keys["access_key_id"],
        secret_access_key=keys["secret_access_key"],
        session_token=keys["session_token"],
        client_options={"allow_http": True},
        virtual_hosted_style_request=False,
    )
    group = zarr.open_group(zarr.storage.ObjectStore(bucket), mode="r", zarr_format=3)
    for found in (group["0"], group["labels/cells/0"]):
        assert isinstance(found, zarr.Array)
        assert found.shape == SHAPE
    assert np.array_equal(np.asarray(group["0"]), SAMPLES[0].voxels)


def test_the_client_reads_directly(keyed: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    served = keyed.served
    found = open_xarray(served.zarr(EM)[:-1], token=keyed.token, direct=True)
    # Dask sends it to workers, which ask for keys by tokens of their own.
    pickled = pickle.dumps(found)
    assert keyed.token.encode() not in pickled
    monkeypatch.setenv("VOXLAKE_GATEWAY", served.url)
    monkeypatch.setenv("VOXLAKE_TOKEN", keyed.token)
    again = pickle.loads(pickled)
    for each in (found, again):
        np.testing.assert_array_equal(each.values, SAMPLES[0].voxels)
    with Gateway(served.url, keyed.token) as gateway:
        assert gateway.credentials("lab/brain/cells", write=True).writes
        with pytest.raises(ForbiddenError):
            gateway.credentials(EM, write=True)
    # It is with these keys, and not with those of the lake that this process has.
    bucket = open_bucket(served.url, EM, keyed.token)
    with pytest.raises(PermissionDeniedError):
        obstore.get(bucket, "labels/secret/zarr.json")
    keys = KeysOfGateway(served.url, EM, keyed.token)
    assert keyed.token not in repr(keys)
    assert keys()["expires_at"] is not None


def test_all_else_is_denied(keyed: Keyed) -> None:
    keys = keyed.ask(EM)
    client, bucket, own = s3_client(keys), keys["bucket"], keys["prefix"]
    above = own.rpartition("/")[0]
    for key in (
        f"{own}/labels/secret/zarr.json",
        f"{own}/labels/secret/0/c/0/0/0",
        f"{own}/labels/zarr.json",
        f"{above}/em2.ome.zarr/zarr.json",
        f"{above}/em.index/cells/shards/0.0.0.parquet",
        f"{own}/../em2.ome.zarr/zarr.json",
        f"{above}/em.ome.zarr2/zarr.json",
    ):
        assert is_denied(client.get_object, Bucket=bucket, Key=key), key
        assert is_denied(client.head_object, Bucket=bucket, Key=key), key
    for prefix in ("", above, f"{above}/", f"{own}/", f"{own}/labels/", f"{own}/labels/secret/"):
        assert is_denied(client.list_objects_v2, Bucket=bucket, Prefix=prefix), prefix
    listed = client.list_objects_v2(Bucket=bucket, Prefix=f"{own}/0/")
    assert f"{own}/0/zarr.json" in {each["Key"] for each in listed["Contents"]}
    one = {"Bucket": bucket, "Key": f"{own}/0/zarr.json"}
    assert is_denied(client.put_object, **one, Body=b"")
    assert is_denied(client.delete_object, **one)
    assert is_denied(client.create_multipart_upload, **one)
    source = f"{bucket}/{above}/em2.ome.zarr/zarr.json"
    assert is_denied(client.copy_object, **one, CopySource=source)
    assert is_denied(client.put_object_tagging, **one, Tagging={"TagSet": []})
    assert client.list_buckets()["Buckets"] == []


def test_keys_give_no_others(keyed: Keyed) -> None:
    keys = keyed.ask(EM)
    client = botocore.session.get_session().create_client(
        "sts",
        endpoint_url=keys["endpoint"],
        region_name=keys["region"],
        aws_access_key_id=keys["access_key_id"],
        aws_secret_access_key=keys["secret_access_key"],
        aws_session_token=keys["session_token"],
    )
    assert is_denied(client.assume_role, RoleArn=ROLE, RoleSessionName="wider")


def test_labels_are_written_by_who_may(keyed: Keyed) -> None:
    keys = keyed.ask("lab/brain/cells", params={"write": "true"})
    assert keys["writes"]
    client, bucket, own = s3_client(keys), keys["bucket"], keys["prefix"]
    shard = f"{own}/0/c/0/0/0"
    body = client.get_object(Bucket=bucket, Key=shard)["Body"].read()
    client.put_object(Bucket=bucket, Key=shard, Body=body)
    assert is_denied(client.delete_object, Bucket=bucket, Key=shard)
    assert is_denied(client.put_object, Bucket=bucket, Key=f"{own}/zarr.json", Body=b"")
    for labels in ("secret", "cells2"):
        key = f"{own.rpartition('/')[0]}/{labels}/0/c/0/0/0"
        assert is_denied(client.put_object, Bucket=bucket, Key=key, Body=b"")


def test_who_may_see_all_labels_reads_their_list(keyed: Keyed) -> None:
    secret = DatasetName.parse("lab/brain/secret").parts
    keyed.served.catalog.shares.share(secret, "ann", Role.VIEWER)
    time.sleep(1.1)  # What the gateway knows of a user is that old at most.
    keys = keyed.ask(EM)
    client, bucket, own = s3_client(keys), keys["bucket"], keys["prefix"]
    for key in ("labels/zarr.json", "labels/secret/zarr.json"):
        assert client.get_object(Bucket=bucket, Key=f"{own}/{key}")["ContentLength"]


def test_who_may_not_gets_none(keyed: Keyed) -> None:
    with keyed.client() as client:
        for name in ("lab/brain/secret", "lab/brain/em2", "lab/brain/none"):
            assert client.post(f"/v2/credentials/{name}").status_code == 404
        refused = client.post(f"/v2/credentials/{EM}", params={"write": "true"})
        assert refused.status_code == 403
    with keyed.served.client() as nobody:
        for name in (EM, "lab/brain/none"):
            assert nobody.post(f"/v2/credentials/{name}").status_code == 401


def test_a_link_gets_none(keyed: Keyed) -> None:
    with keyed.served.client(owner=True) as owner:
        link = owner.post(f"/v2/links/{EM}", json={}).json()["url"].rstrip("/")
    assert httpx2.get(f"{link}/v2/datasets/{EM}").is_success
    assert httpx2.post(f"{link}/v2/credentials/{EM}").status_code == 401


def test_keys_end(s3_store: StoreURL, s3_server: S3Server) -> None:
    group, reach = s3_store / "em.ome.zarr", Reach(("0/",))
    keys = temporary_keys(group, reach, Settings(sts_role_arn=ROLE), name="ann b", seconds=900)
    assert timedelta(minutes=14) < keys.expires_at - datetime.now(UTC) <= timedelta(minutes=15)
    assert keys.secret_access_key not in repr(keys)
    # Of the same policy for as long as the server gives unasked, which is no time at all.
    short = botocore.session.get_session().create_client(
        "sts",
        endpoint_url=s3_server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    policy = json.dumps(policy_of(group, reach))
    asked = {"Bucket": group.root, "Prefix": f"{group.key}/0/"}
    for _ in range(10):  # On a busy machine they may end before they are used.
        given = short.assume_role(RoleArn=ROLE, RoleSessionName="ann", Policy=policy)["Credentials"]
        client = s3_client(
            {
                "endpoint": s3_server.endpoint,
                "region": "us-east-1",
                "access_key_id": given["AccessKeyId"],
                "secret_access_key": given["SecretAccessKey"],
                "session_token": given["SessionToken"],
            }
        )
        if not is_denied(client.list_objects_v2, **asked):
            break
    else:
        pytest.fail("keys were never good")
    left = given["Expiration"] - datetime.now(UTC)
    time.sleep(max(0, left.total_seconds()) + 1)
    assert is_denied(client.list_objects_v2, **asked)


@pytest.mark.folder
def test_a_store_without_sts_says_so(lake: StoreURL) -> None:
    for settings in (Settings(), Settings(sts_role_arn=ROLE)):
        with pytest.raises(UnsupportedError, match="VOXLAKE_STS_ROLE_ARN"):
            temporary_keys(lake / "em.ome.zarr", Reach(("0/",)), settings, name="a", seconds=900)


def test_a_policy_that_is_too_long_is_not_asked_for() -> None:
    reach = Reach(tuple(f"labels/{'x' * 60}{number}/" for number in range(40)))
    url, settings = StoreURL("s3", "bucket", "em.ome.zarr"), Settings(sts_role_arn=ROLE)
    with pytest.raises(LimitExceededError, match="2048"):
        temporary_keys(url, reach, settings, name="ann", seconds=900)


@given(st.text(min_size=1, max_size=8))
def test_what_stands_for_others_in_a_policy_is_refused(folder: str) -> None:
    url = StoreURL("s3", "bucket", "em.ome.zarr")
    try:
        policy = policy_of(url, Reach((f"{folder}/",)))
    except UnsupportedError:
        assert set(folder) & set("*?$")
        return
    assert policy["Statement"][0]["Resource"] == [f"arn:aws:s3:::bucket/em.ome.zarr/{folder}/*"]
