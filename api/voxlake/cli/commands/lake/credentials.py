"""``voxlake credentials``: temporary keys that read one dataset where it lies."""

from __future__ import annotations

from voxlake.cli.opened.lake import opened_catalog
from voxlake.cli.options import Answering, InLake, Name, read_settings
from voxlake.cli.shown.output import answer, facts
from voxlake.documents.people.credentials import credentials_document
from voxlake.ngff.dataset import open_dataset
from voxlake.ngff.lake import address_of, check_writable, place_of
from voxlake.ngff.storage.reach import reach_of
from voxlake.platform.names import DatasetName
from voxlake.platform.processes import login_name
from voxlake.platform.store.s3.temporary import temporary_keys


def credentials(
    name: Name, /, *, lake: InLake = InLake(), answering: Answering = Answering()
) -> None:
    """Make temporary keys of S3 that read one dataset, the labels inside it included.

    They are given by the role VOXLAKE_STS_ROLE_ARN, and good for VOXLAKE_STS_SECONDS. Who has no
    keys of the lake asks the gateway for some.
    """
    settings = read_settings()
    with opened_catalog(lake) as catalog:
        record = catalog.get_dataset(DatasetName.parse(name))
        labels = catalog.labels_of(record.name)
    place = place_of(record)
    check_writable(place, "direct access")
    url = address_of(lake.url, record, settings)
    reach = reach_of(open_dataset(url), place, map(place_of, labels), all_labels=True)
    seconds = settings.sts_seconds
    keys = temporary_keys(url, reach, settings, name=login_name(), seconds=seconds)
    document = credentials_document(url, reach, keys)
    rows = (
        ("AWS_ACCESS_KEY_ID", document.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", document.secret_access_key),
        ("AWS_SESSION_TOKEN", document.session_token),
        ("AWS_ENDPOINT_URL", document.endpoint),
        ("AWS_REGION", document.region),
        ("address", f"s3://{document.bucket}/{document.prefix}"),
        ("until", document.expires_at),
    )
    answer(document, [facts(rows)], json=answering.json)
