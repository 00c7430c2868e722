"""What a look at something ends with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from voxlake.documents.service.lake import CheckDocument
from voxlake.platform.errors import UNREADABLE, StoreLinkError, VoxlakeError

UNREADABLE_HERE = (*UNREADABLE, StoreLinkError)
"""Why one dataset cannot be looked at, which holds up no other."""

type Outcome = tuple[Literal["ok", "warn", "fail"], str, str | None]
"""How it is, what was found, and what to do if it is not well."""


def checked(name: str, look: Callable[[], Outcome]) -> CheckDocument:
    """Return what a look found; an error that it ends with is a fault of what it looks at."""
    try:
        state, found, advice = look()
    except VoxlakeError as error:
        advice = "; ".join(getattr(error, "__notes__", ())) or None
        state, found = "fail", str(error)
    return CheckDocument(name=name, state=state, found=found, advice=advice)
