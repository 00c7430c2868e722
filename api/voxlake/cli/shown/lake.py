"""Lakes, and the checks of what work in them needs, as people see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.cli.shown.output import facts, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from voxlake.documents.lake import DoctorDocument, LakeDocument


def shown_lake(lake: LakeDocument) -> Iterable[RenderableType]:
    """Yield what people see of a lake that is ready."""
    yield facts(
        (
            ("lake", lake.lake),
            ("state", "made" if lake.made else "was there"),
            ("datasets", lake.datasets),
            ("restored", ", ".join(lake.restored) or None),
        )
    )
    yield table(
        ("store", "", ""),
        ((each.name, "ok" if each.ok else "fails", each.text) for each in lake.store),
    )


def shown_checks(document: DoctorDocument) -> Iterable[RenderableType]:
    """Yield a table of checks."""
    rows = ((check.name, check.state, check.found, check.advice) for check in document.checks)
    yield table(("", "", "found", "what to do"), rows)
