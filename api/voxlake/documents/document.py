"""What all documents have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """A frozen JSON document that is answered; what a newer voxlake says besides is left alone.

    A value with the same attributes is taken for one: ``model_validate(status)``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", from_attributes=True)


class Question(BaseModel):
    """A frozen JSON document that is asked; what it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
