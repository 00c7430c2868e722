"""The console: pages for people, made by the server, which need no script.

A room for each thing that a person looks for: `datasets`, `places`, `people`, `jobs`; their
templates lie in `templates` likewise. `pages` is how any of them is made.
"""

from voxlake.api.console.datasets import coverage, dataset, labels, listing
from voxlake.api.console.jobs import ingest, jobs
from voxlake.api.console.pages import files
from voxlake.api.console.people import account, groups, tokens, users, views
from voxlake.api.console.places import collections, deleted, editing, sharing

CONSOLE = (
    listing,
    collections,
    editing,
    deleted,
    sharing,
    dataset,
    coverage,
    labels,
    jobs,
    ingest,
    tokens,
    groups,
    users,
    views,
    account,
    files,
)
"""Modules with a `router` each."""
