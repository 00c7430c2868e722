"""Coordinate transformations of NGFF: documents, and the scale and translation they amount to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from voxlake.ngff.grid.units import exact
from voxlake.platform.errors import InvalidInputError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterable

type Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A number; text that looks like one is none."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A scale along each axis, and then a translation."""

    scale: tuple[float, ...]
    translation: tuple[float, ...]

    @classmethod
    def identity(cls, ndim: int) -> Self:
        """Return the placement that leaves all where it is."""
        return cls((1.0,) * ndim, (0.0,) * ndim)

    def then(self, scale: tuple[float, ...] = (), translation: tuple[float, ...] = ()) -> Placement:
        """Return what this, then a scale, then a translation amount to; computed in decimals.

        Raises
        ------
        InvalidInputError
            If they are not as many as the axes.

        Examples
        --------
        >>> Placement((0.1, 2.0), (1.0, 0.0)).then((3.0, 1.0), (5.0, 5.0))
        Placement(scale=(0.3, 2.0), translation=(8.0, 5.0))
        """
        ndim = len(self.scale)
        by, moved = scale or (1.0,) * ndim, translation or (0.0,) * ndim
        for numbers in (by, moved):
            if len(numbers) != ndim:
                raise InvalidInputError(
                    f"a transformation has {len(numbers)} numbers for {ndim} axes"
                )
        factors = [exact(value) for value in by]
        return Placement(
            tuple(float(exact(a) * f) for a, f in zip(self.scale, factors, strict=True)),
            tuple(
                float(exact(a) * f + exact(b))
                for a, f, b in zip(self.translation, factors, moved, strict=True)
            ),
        )

    def inverse(self) -> Placement:
        """Return the placement that undoes this one.

        Examples
        --------
        >>> Placement((2.0, 0.5), (1.0, 0.0)).inverse()
        Placement(scale=(0.5, 2.0), translation=(-0.5, 0.0))
        """
        if not all(self.scale):
            raise InvalidInputError("a scale of 0 cannot be undone")
        return Placement(
            tuple(float(1 / exact(s)) for s in self.scale),
            tuple(
                float(-exact(t) / exact(s)) + 0.0
                for s, t in zip(self.scale, self.translation, strict=True)
            ),
        )


class Document(BaseModel):
    """A frozen part of a document; keys that the spec does not name are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class SystemReference(Document):
    """What a transformation leads from or to: a coordinate system, in this group or another."""

    name: str | None = None
    path: str | None = None


class TransformationDocument(Document):
    """Any transformation. What it leads from and to is said since NGFF 0.6."""

    type: str
    input: SystemReference | str | None = None
    output: SystemReference | str | None = None

    def after(self, before: Placement) -> Placement:
        """Return what `before` and then this amount to.

        Raises
        ------
        UnsupportedError
            If that is no scale and translation, or its numbers are kept elsewhere.
        InvalidInputError
            If it has not one number for each axis.
        """
        del before
        raise UnsupportedError(f"{article(self.type)} {self.type}")


class IdentityDocument(TransformationDocument):
    """``{"type": "identity"}``."""

    type: Literal["identity"]

    def after(self, before: Placement) -> Placement:
        """Return `before`."""
        return before


class ScaleDocument(TransformationDocument):
    """``{"type": "scale", "scale": [...]}``; NGFF 0.4 and 0.5 also know a path to the numbers."""

    type: Literal["scale"]
    scale: tuple[Number, ...] | None = Field(default=None, min_length=1)
    path: str | None = None

    def after(self, before: Placement) -> Placement:
        """Return `before`, scaled."""
        return before.then(scale=_given(self.scale, self))


class TranslationDocument(TransformationDocument):
    """``{"type": "translation", "translation": [...]}``, or with a path, as a scale."""

    type: Literal["translation"]
    translation: tuple[Number, ...] | None = Field(default=None, min_length=1)
    path: str | None = None

    def after(self, before: Placement) -> Placement:
        """Return `before`, moved."""
        return before.then(translation=_given(self.translation, self))


class SequenceDocument(TransformationDocument):
    """Several transformations, applied in order."""

    type: Literal["sequence"]
    transformations: tuple[Transformation, ...]

    def after(self, before: Placement) -> Placement:
        """Return `before` and then all of them."""
        return applied(self.transformations, before)


def _kind(document: Any) -> str:  # whatever stands in the JSON
    given = document.get("type") if isinstance(document, dict) else getattr(document, "type", "")
    known = ("identity", "scale", "translation", "sequence")
    return next((kind for kind in known if kind == given), "other")


type Transformation = Annotated[
    Annotated[IdentityDocument, Tag("identity")]
    | Annotated[ScaleDocument, Tag("scale")]
    | Annotated[TranslationDocument, Tag("translation")]
    | Annotated[SequenceDocument, Tag("sequence")]
    | Annotated[TransformationDocument, Tag("other")],
    Discriminator(_kind),
]


def applied(transformations: Iterable[Transformation], before: Placement) -> Placement:
    """Return what `before` and then the transformations, in order, amount to.

    Raises
    ------
    UnsupportedError, InvalidInputError
        As `TransformationDocument.after`.
    """
    for transformation in transformations:
        before = transformation.after(before)
    return before


def check_level(transformations: tuple[Transformation, ...]) -> None:
    """Raise InvalidInputError unless they are "exactly one scale", then at most one translation.

    NGFF 0.4 and 0.5, "multiscales" metadata; 0.6 says the same of the sequence of a level.
    """
    kinds = [transformation.type for transformation in transformations]
    if kinds not in (["scale"], ["scale", "translation"]):
        scales = "no scale" if "scale" not in kinds else f"the transformations {', '.join(kinds)}"
        others = f", but {', '.join(kinds)}" if kinds and "scale" not in kinds else ""
        raise InvalidInputError(
            f"a level has {scales}{others}; it has to have exactly one scale, and may have one "
            "translation after it"
        )


def article(word: str) -> str:
    """Return the indefinite article of a word.

    Examples
    --------
    >>> article("affine"), article("rotation")
    ('an', 'a')
    """
    return "an" if word[:1].lower() in "aeiou" else "a"


def _given(
    numbers: tuple[float, ...] | None, document: ScaleDocument | TranslationDocument
) -> tuple[float, ...]:
    if numbers is not None:
        return numbers
    if document.path is not None:
        raise UnsupportedError(f"a {document.type} whose numbers lie in {document.path!r}")
    raise InvalidInputError(f"a {document.type} has no numbers")
