"""What the lake of a test lies on, where the test does not choose: a folder, or servers.

`make installations` runs the tests that have the fixture `lake` on S3 with PostgreSQL. Those that
look into its folder, or need one, are marked `folder`; others choose what they are on.
"""

from __future__ import annotations

import os
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pytest

from voxlake.platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.platform.store import StoreURL


class Installation(StrEnum):
    """What a lake and its catalog lie on."""

    FOLDER = "folder-sqlite"
    SERVERS = "s3-postgres"


HERE = os.environ.get("VOXLAKE_TEST_INSTALLATION", Installation.FOLDER)
"""What this run is on."""

_CHOOSING = frozenset({"any_database", "any_store", "new_database", "postgres_url", "s3_store"})
"""Fixtures of tests that are on servers in each run, besides others or not."""
_OF_RUN = pytest.StashKey[Counter[str]]()
_SENT = "installations"


def check() -> None:
    """Refuse an installation that there is not."""
    if HERE not in set(Installation):
        known = " or ".join(Installation)
        raise pytest.UsageError(f"VOXLAKE_TEST_INSTALLATION is {HERE!r}; set it to {known}")


def begin_lake(lake: StoreURL) -> StoreURL:
    """Make a lake of an empty place, as `voxlake init` does: on S3 commands look for its mark."""
    # Loads all commands, which most tests do without.
    from voxlake.cli.opened.lake import make_lake

    make_lake(lake, Settings())
    return lake


def is_on_servers(test: pytest.Item) -> bool:
    """Return whether the lake of a test is to be on servers."""
    return HERE == Installation.SERVERS and test.get_closest_marker("folder") is None


def choose(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests that this installation is for, and count the others."""
    if HERE == Installation.FOLDER:
        return
    kinds = {id(item): _kind_of(item) for item in items}
    left = [item for item in items if kinds[id(item)] != "servers"]
    items[:] = [item for item in items if kinds[id(item)] == "servers"]
    config.hook.pytest_deselected(items=left)
    counts = Counter(kinds.values())
    config.stash[_OF_RUN] = counts
    if hasattr(config, "workeroutput"):
        config.workeroutput[_SENT] = dict(counts)


def _kind_of(item: pytest.Item) -> str:
    """Return what a test is for: servers, folders alone, both in each run, or no lake."""
    info = getattr(item, "_fixtureinfo", None)
    fixtures: Mapping[str, Any] = {} if info is None else info.name2fixturedefs
    own = fixtures.get("lake", ())
    has_lake = bool(own) and own[-1].baseid == "tests"
    if _CHOOSING & fixtures.keys():
        return "both"
    if not has_lake:
        return "none"
    return "servers" if is_on_servers(item) else "folders"


def hear(node: Any) -> None:
    """Take from a process of the run what it counted: all count the same tests."""
    if (counts := getattr(node, "workeroutput", {}).get(_SENT)) is not None:
        node.config.stash[_OF_RUN] = Counter(counts)


def say(reporter: pytest.TerminalReporter) -> None:
    """Say how many tests had their lake on servers, and how many have none there."""
    if (counts := reporter.config.stash.get(_OF_RUN, None)) is not None:
        reporter.write_line(
            f"{counts['servers']} tests on S3 and PostgreSQL; {counts['folders']} of folders alone "
            f"left out, and {counts['both']} that choose servers themselves, in each run"
        )
