"""bossDB's API, so that its clients run as they are. It translates, and knows nothing itself.

Axes are in the order x, y, z here, and nowhere else. Errors have bossDB's form.
"""

from voxlake.api.v1 import (
    annotations,
    channels,
    collections,
    cutout_writing,
    downsample,
    experiments,
    frames,
    groups,
    ingest,
    metadata,
    metric,
    permissions,
    pictures,
    ping,
    users,
)

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
