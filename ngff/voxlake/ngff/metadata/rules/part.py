"""Parts of a JSON document with their places in it, and checks of what they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

type Breaches = Generator[str]
"""What is not as it must be, in words."""

type Checked = Generator[str, None, Part | None]
"""Breaches, and then the part if it is what it must be."""


@dataclass(frozen=True, slots=True)
class Part:
    """A value in a document."""

    place: str
    """Such as ``multiscales[0].axes``."""
    value: Any

    def __getitem__(self, key: str) -> Part:
        """Return the value of a key of an object, None if it has not that key."""
        return Part(f"{self.place}.{key}".lstrip("."), self.value.get(key))

    @property
    def items(self) -> list[Part]:
        """The items of a list."""
        return [Part(f"{self.place}[{n}]", value) for n, value in enumerate(self.value)]

    def breach(self, text: str) -> str:
        """Return a breach in words."""
        return f"{self.place} {text}"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of JSON value."""

    name: str
    fits: Callable[[Any], bool]


OBJECT = Kind("an object", lambda value: isinstance(value, dict))
TEXT = Kind("a text", lambda value: isinstance(value, str))
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
NUMBER = Kind(
    "a number",
    lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
    ),
)
INTEGER = Kind("a whole number", lambda value: NUMBER.fits(value) and value == int(value))
LIST = Kind("a list", lambda value: isinstance(value, list))
FULL_LIST = Kind("a list of one or more", lambda value: isinstance(value, list) and len(value) > 0)
NUMBERS = Kind("a list of numbers", lambda value: LIST.fits(value) and all(map(NUMBER.fits, value)))


def required(part: Part, key: str, kind: Kind) -> Checked:
    """Return the value of a key that an object must have."""
    if key not in part.value:
        yield part.breach(f"has no {key!r}").lstrip()
        return None
    return (yield from is_a(part[key], kind))


def optional(part: Part, key: str, kind: Kind) -> Checked:
    """Return the value of a key that an object may have; None if it has not."""
    return (yield from is_a(part[key], kind)) if key in part.value else None


def is_a(part: Part, kind: Kind) -> Checked:
    """Return the part if it is of that kind."""
    if kind.fits(part.value):
        return part
    yield part.breach(f"is {_shown(part.value)}, not {kind.name}")
    return None


def objects(part: Part) -> Generator[str, None, list[Part]]:
    """Return the items of a list that are objects, as all of them must be."""
    found = []
    for item in part.items:
        checked = yield from is_a(item, OBJECT)
        if checked:
            found.append(checked)
    return found


def unique(parts: list[Part], what: str) -> Breaches:
    """Yield a breach for each value that was there before."""
    before: list[Any] = []
    for part in parts:
        if part.value in before:
            yield part.breach(f"is {_shown(part.value)}, as another {what}")
        before.append(part.value)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
