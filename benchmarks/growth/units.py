"""What one of each thing costs: measured, simulated or assumed, and each says which."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Units:
    """Unit costs, on two virtual cores of an AMD EPYC; docs/explanation/performance.md has more."""

    ingest_bytes_per_core_s: float = 284e6
    """Voxels of an image in bytes, all levels with them. Measured: whole jobs, FIB-25, TIFF."""
    labels_bytes_per_core_s: float = 300e6
    """The same of labels, uint64. Measured: bodies of FIB-25 side by side, 2.1 GB, 226 to 300."""
    scan_bytes_per_core_s: float = 1.2e9
    """Voxels of labels in bytes, to their rows. Measured: stored bodies, two threads 2.4e9."""
    rows_per_core_s: float = 0.4e6
    """Rows of the index by label, through fragments and ranges. Measured at 10^7 rows."""
    image_ratio: float = 1.17
    """Bytes of voxels to bytes stored. Measured: zstd 1 of FIB-25."""
    labels_ratio: float = 90.0
    """The same of labels, uint64. Measured: zstd 3 of the bodies of FIB-25."""
    rows_per_chunk: float = 21.0
    """Labels of a chunk of 64^3. Measured: the bodies of FIB-25."""
    sidecar_row_bytes: float = 11.3
    """A row (label, chunk) of a sidecar. Measured: the same."""
    labels_per_voxel: float = 526 / 250**3
    """Labels of a lake. Measured: the same, whose faces cut many bodies: in truth it is less."""
    index_row_bytes: float = 52.5
    """A row (label, shard) of the index by label. Measured at 10^7 rows."""
    block_index_bytes: float = 8 / 85
    """Memory of a gateway for a label of which it knows the block. By the format."""
    publish_shard_bytes: float = 1000
    """Memory of the task that puts an index in force, for a shard. What its plan is refused by."""
    publish_shard_s: float = 3.2e-6
    """CPU of that task for a shard, listing aside. Simulated: 10^6 shards."""
    ledger_row_bytes: float = 85
    """A task in SQLite; 150 in PostgreSQL. Measured: 931,588 tasks."""
    ledger_rows_per_s: float = 4000
    """Tasks recorded in a second, by PostgreSQL. Measured: the same, on a busy machine."""
    client_task_s: float = 0.0135
    """CPU of whoever sends tasks to a cluster, for one. Measured: 11 to 16 ms."""
    index_file_bytes: float = 64 * 2**20 / 24.6 * 52.5
    """Of the index by label, for a file that the manifest names. By the format."""
    manifest_file_s: float = 9.4e-6
    """CPU of a gateway for one of these files, whenever there is a new manifest. Simulated."""
    list_key_s: float = 1.1e-5
    """CPU of listing a key and seeing that it belongs there. Simulated: 10^6 keys."""
    list_page_s: float = 0.1
    """Until a store sends 1,000 keys. Assumed: S3, in the same region."""
    chunk_request_s: float = 0.001
    """CPU of a gateway for a chunk that is sent as it lies. Measured: 0.6 to 1 ms."""
    cutout_bytes_per_core_s: float = 500e6
    """Voxels of cutouts that it sends. Measured: 380 to 547 MB, on the grid of chunks."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What work runs on, and what it is asked: settings, all to be changed."""

    users: int = 100
    """People who have an account."""
    active: float = 0.1
    """Share of them at work at the same moment."""
    chunks_per_s: float = 20.0
    """That each of these sees in a viewer."""
    cutout_bytes_per_s: float = 20e6
    """That each of these reads by programs."""
    node_cores: int = 8
    """Of a machine that gateways run on."""
    node_bytes_per_s: float = 1.25e9
    """Of the network of a machine: 10 Gb/s."""
    busy: float = 0.6
    """Share of a machine that is used before another is added."""
    days: float = 30.0
    """In which all is to be ingested."""
    task_bytes: float = 8 * 2**30
    """Voxels of a task: eight times `VOXLAKE_TASK_BYTES`, as large volumes have."""
    shard_voxels: float = 512**3
    memory_limit_bytes: float = 4 * 2**30
    """`VOXLAKE_MEMORY_LIMIT_BYTES`."""
    gateway_memory_bytes: float = 4 * 2**30
    """`VOXLAKE_GATEWAY_MEMORY_BYTES`."""
    manifest_s: float = 0.5
    """CPU of each gateway that a new manifest of a label index may take."""
    listing_s: float = 8 * 3600.0
    """A night: what lists all of a dataset should end in it."""


MEASURED = Units()
USUAL = Installed()
