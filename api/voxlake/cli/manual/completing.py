"""What a shell completes beside commands and options: names of what is in the lake.

A completion script asks the command itself, whenever the key for it is pressed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cyclopts.completion import CompletionContext


def complete_datasets(context: CompletionContext) -> list[str]:
    """Return the names of all datasets of the lake that is named; none if none is."""
    url = context["--lake"].raw if context.get("--lake") else None
    if url is None:
        return []
    # Much to load for a command that completes nothing.
    from voxlake.cli.opened.lake import opened_catalog
    from voxlake.cli.options import InLake

    with opened_catalog(InLake(url)) as catalog:
        return [str(each.name) for each in catalog.list_datasets()]


def complete_places(context: CompletionContext) -> list[str]:
    """Return the names of datasets, and of the collections and experiments that they are in."""
    names = [name.split("/") for name in complete_datasets(context)]
    return sorted({"/".join(parts[:depth]) for parts in names for depth in (1, 2, 3)})
