"""Views in Neuroglancer."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from voxlake.documents.document import Document


class NeuroglancerDocument(Document):
    """A view of a dataset in Neuroglancer."""

    link: str = Field(description="Opens the viewer.")
    state: dict[str, Any] = Field(description="Neuroglancer's state, to be changed and re-used.")
