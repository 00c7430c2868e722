"""The console: pages for people, made by the server, which need no script."""

from voxlake.api.console import (
    account,
    dataset,
    datasets,
    editing,
    files,
    groups,
    jobs,
    labels,
    places,
    sharing,
    tokens,
    users,
    views,
)

CONSOLE = (
    datasets,
    places,
    editing,
    sharing,
    dataset,
    labels,
    jobs,
    tokens,
    groups,
    users,
    views,
    account,
    files,
)
"""Modules with a `router` each."""
