"""Where people look at a Dask cluster while a job runs on it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from distributed.utils import format_dashboard_link

if TYPE_CHECKING:
    from distributed import Client


def can_draw() -> bool:
    """Return whether a scheduler of this process could have a dashboard: bokeh draws it."""
    return find_spec("bokeh") is not None


def dashboard_of(client: Client, host: str | None = None) -> str | None:
    """Return the address of the scheduler's dashboard, as Dask's ``distributed.dashboard.link``.

    A scheduler without bokeh says there what it wants.

    Parameters
    ----------
    client
        Of the cluster.
    host
        Where its pages are; None: at the address of the scheduler.
    """
    try:
        if host is None:
            return str(client.dashboard_link)
        services = client.scheduler_info(n_workers=0)["services"]
        return str(format_dashboard_link(host, services["dashboard"]))
    except (KeyError, IndexError, ValueError):
        return None  # The link names what is not in the environment; no job fails of that.
