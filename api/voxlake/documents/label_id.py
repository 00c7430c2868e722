"""Ids of labels, as JSON can carry all of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainSerializer

MAX_ID = (1 << 64) - 1
"""The largest label."""

type Label = Annotated[
    int,
    Field(ge=0, le=MAX_ID, examples=["18446744073709551615"]),
    PlainSerializer(str, return_type=str, when_used="json"),
]
"""An id of a label, or 0 for the background: a number inside, text in JSON; both are taken."""
