"""The console: pages for people, made by the server, which need no script."""

from voxlake.api.console import dataset, datasets, editing, files, places

CONSOLE = (datasets, places, editing, dataset, files)
"""Modules with a `router` each."""
