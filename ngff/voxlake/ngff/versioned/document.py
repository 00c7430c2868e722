"""Documents on the store: frozen, and strict about what they hold."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """What lies on the store as JSON.

    A field whose name on the store is another has it as ``validation_alias`` and
    ``serialization_alias``; programs use its own.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True
    )
