"""Which segments a viewer is told of, in one part of a path: its sources have no parameters."""

from __future__ import annotations

import re

from pydantic import Field, ValidationError

from voxlake.documents.document import Question
from voxlake.ngff.labels.objects.label_object import ObjectType
from voxlake.ngff.labels.objects.reading import MAX_PAGE, ObjectFilter
from voxlake.platform.errors import InvalidInputError, faults

PATTERN = r"^[a-z]+(=[^,=/]{1,100})?(,[a-z]+(=[^,=/]{1,100})?)*$"
"""Pattern of choices: names with their values, and commas between them."""


class SegmentChoice(Question):
    """The largest segments, of those whose objects fit all that is given."""

    largest: int = Field(1000, ge=1, le=MAX_PAGE)
    type: ObjectType | None = None
    name: str = ""
    status: str | None = None
    bodies: bool = False

    @property
    def where(self) -> ObjectFilter:
        """The filter of objects."""
        return ObjectFilter(self.type, self.name, self.status)


def parse_choice(text: str) -> SegmentChoice:
    """Return the segments that are chosen.

    Raises
    ------
    InvalidInputError
        If the text is none.

    Examples
    --------
    >>> parse_choice("largest=50,type=neuron,bodies")
    SegmentChoice(largest=50, type=<ObjectType.NEURON: 'neuron'>, name='', status=None, bodies=True)
    """
    if re.fullmatch(PATTERN, text) is None:
        raise InvalidInputError(f"{text[:100]!r} chooses no segments; write largest=N,type=neuron")
    pairs = [part.partition("=") for part in text.split(",")]
    given = {name: value if equals else "true" for name, equals, value in pairs}
    if len(given) < len(pairs):
        raise InvalidInputError(f"{text[:100]!r} says something twice; say it once")
    try:
        return SegmentChoice.model_validate(given)
    except ValidationError as error:
        wrong = faults(error.errors()[:5], lambda place: place or "choice")
        raise InvalidInputError(
            f"{text[:100]!r} chooses no segments ({wrong}); there are largest, type, name, status "
            "and bodies"
        ) from error
