"""What an image of so many voxels takes, with labels of the same size and their index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.growth.units import MEASURED, USUAL, Installed, Units

if TYPE_CHECKING:
    from voxlake.compute.forecast.costs import Prices

PYRAMID = 8 / 7
"""All levels of a volume that is halved along three axes, over its finest."""
LABEL_BYTES = 8
CHUNK_VOXELS = 64**3
HEADLINE_BITS_PER_S = 2.3e9
"""That bossDB's paper says it ingested, sustained."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What a lake takes. Bytes are 10^9 to the GB."""

    voxels: float
    """Of the image, of one byte each, and of its labels, of eight."""
    shards: float
    """Of image and labels, all levels."""
    sidecars: float
    """Objects of the label index, one for each shard of the finest labels."""
    image_bytes: float
    labels_bytes: float
    sidecar_bytes: float
    index_bytes: float
    """Of the index by label."""
    puts: float
    gets: float
    """With HEAD; a GET and a HEAD for each shard, reading the source aside."""
    tasks: float
    """Rows of the job ledger."""
    ledger_bytes: float
    ingest_core_s: float
    """Of image and labels, with their levels."""
    index_core_s: float
    client_s: float
    """CPU of the one process that sends the tasks."""
    publish_s: float
    """Until the index by label is in force, once it is built."""
    fsck_list_s: float
    """Until one task has listed what is there of the image, and of the index of its labels."""
    cores: float
    """That end in the days there are."""
    gateway_nodes: int
    month: float
    """Money for what is stored, for a month."""
    once: float
    """Money for cores and requests, until all is there."""
    sent_month: float
    """Money for what the users read in a month of 22 days of 6 hours."""

    @property
    def stored_bytes(self) -> float:
        """Bytes of all objects."""
        return self.image_bytes + self.labels_bytes + self.sidecar_bytes + self.index_bytes

    @property
    def objects(self) -> float:
        """Objects, but for a few documents and files of the index by label."""
        return self.shards + self.sidecars


def growth(
    voxels: float, prices: Prices, units: Units = MEASURED, installed: Installed = USUAL
) -> Growth:
    """Return what a lake of an image of `voxels`, its labels and their index takes.

    Examples
    --------
    >>> from voxlake.compute.forecast.costs import read_prices
    >>> petabyte = growth(1e15, read_prices()[0])
    >>> f"{petabyte.objects / 1e6:.1f} million objects, {petabyte.stored_bytes / 1e12:.0f} TB"
    '24.5 million objects, 1081 TB'
    """
    finest = voxels / installed.shard_voxels
    shards = 2 * finest * PYRAMID
    image = voxels * PYRAMID / units.image_ratio
    labels = voxels * LABEL_BYTES * PYRAMID / units.labels_ratio
    rows = voxels * units.labels_per_voxel
    chunk_rows = voxels / CHUNK_VOXELS * units.rows_per_chunk
    sidecars, index = chunk_rows * units.sidecar_row_bytes, rows * units.index_row_bytes
    tasks = voxels * (1 + LABEL_BYTES) / installed.task_bytes + finest
    ingest = voxels / units.ingest_bytes_per_core_s
    ingest += voxels * LABEL_BYTES / units.labels_bytes_per_core_s
    indexing = voxels * LABEL_BYTES / units.scan_bytes_per_core_s + rows / units.rows_per_core_s
    puts, gets = shards + 3 * finest, 2 * shards + 5 * finest
    core_hours = (ingest + indexing) / 3600
    asked = puts / 1000 * prices.put_per_1000 + gets / 1000 * prices.get_per_1000
    return Growth(
        voxels=voxels,
        shards=shards,
        sidecars=finest,
        image_bytes=image,
        labels_bytes=labels,
        sidecar_bytes=sidecars,
        index_bytes=index,
        puts=puts,
        gets=gets,
        tasks=tasks,
        ledger_bytes=tasks * units.ledger_row_bytes,
        ingest_core_s=ingest,
        index_core_s=indexing,
        client_s=tasks * units.client_task_s,
        publish_s=finest * units.publish_shard_s + listing_s(finest, units),
        fsck_list_s=listing_s(finest * PYRAMID + finest, units),
        cores=(ingest + indexing) / (installed.days * 86400),
        gateway_nodes=gateway_nodes(units, installed),
        month=(image + labels + sidecars + index) / 1e12 * prices.storage_tb_month,
        once=core_hours * prices.core_hour + asked,
        sent_month=_sent_bytes(units, installed) * 22 * 6 * 3600 / 1e12 * prices.egress_tb,
    )


def listing_s(keys: float, units: Units) -> float:
    """Return how long one process takes to list so many keys."""
    return keys * (units.list_key_s + units.list_page_s / 1000)


def gateway_nodes(units: Units = MEASURED, installed: Installed = USUAL) -> int:
    """Return how many machines the gateways of so many users need, by cores and by the network.

    Examples
    --------
    >>> gateway_nodes(), gateway_nodes(installed=Installed(users=2000))
    (1, 7)
    """
    people = installed.users * installed.active
    cores = people * installed.chunks_per_s * units.chunk_request_s
    cores += people * installed.cutout_bytes_per_s / units.cutout_bytes_per_core_s
    by_cores = cores / (installed.node_cores * installed.busy)
    by_network = _sent_bytes(units, installed) / (installed.node_bytes_per_s * installed.busy)
    return max(1, -int(-max(by_cores, by_network) // 1))


def cores_for(bits_per_s: float, units: Units = MEASURED) -> float:
    """Return how many cores ingest so many bits of an image in a second, with all levels.

    Examples
    --------
    >>> round(cores_for(HEADLINE_BITS_PER_S), 1)
    1.0
    """
    return bits_per_s / 8 / units.ingest_bytes_per_core_s


def _sent_bytes(units: Units, installed: Installed) -> float:
    """Return the bytes that users are sent in a second."""
    chunk = CHUNK_VOXELS / units.image_ratio
    each = installed.chunks_per_s * chunk + installed.cutout_bytes_per_s
    return installed.users * installed.active * each
