"""Ids of labels, as JSON can carry all of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainSerializer

from voxlake.ngff.labels.label_id import MAX_LABEL

type Text = Annotated[int, PlainSerializer(str, return_type=str, when_used="json")]
"""A number inside, text in JSON, whose numbers end at 2^53 in much of the world; both are taken."""

type Label = Annotated[Text, Field(ge=0, le=MAX_LABEL, examples=["18446744073709551615"])]
"""An id of a label, or 0 for the background."""

type LabelAsked = Annotated[Label, Field(ge=1)]
"""The same, without the background."""
