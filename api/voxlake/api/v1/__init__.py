"""bossDB's API, so that its clients run as they are. It translates, and knows nothing itself.

Axes are in the order x, y, z here, and nowhere else. Errors have bossDB's form.
"""

from voxlake.api.v1 import ingest, ping
from voxlake.api.v1.people import groups, metric, permissions, users
from voxlake.api.v1.places import channels, collections, experiments, frames, metadata
from voxlake.api.v1.voxels import annotations, cutout_writing, downsample, pictures

RESOURCES = (
    collections,
    experiments,
    channels,
    downsample,
    frames,
    annotations,
    metadata,
    pictures,
    cutout_writing,
    ingest,
    groups,
    permissions,
    users,
    metric,
    ping,
)
"""Modules with a `router` each, besides `cutout`."""
