"""Every document: frozen, explained, and the same after a way through JSON."""

from __future__ import annotations

import importlib
import pkgutil
import types
from datetime import UTC, date, datetime
from enum import Enum
from itertools import chain
from typing import Annotated, Any, Literal, TypeAliasType, Union, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, JsonValue, ValidationError
from pydantic.fields import FieldInfo

import voxlake.api
import voxlake.cli
import voxlake.client
import voxlake.documents
from voxlake.documents import forms
from voxlake.documents.bossdb import ingest as boss_ingest
from voxlake.documents.document import Document, Question
from voxlake.ngff.grid.axes import VoxelSize
from voxlake.ngff.grid.units import METRES
from voxlake.ngff.metadata.channels import Channel, Window


def load(package: types.ModuleType) -> list[types.ModuleType]:
    """Import all modules below a package."""
    names = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [importlib.import_module(each.name) for each in names if "__main__" not in each.name]


def below(kind: type[BaseModel]) -> set[type[BaseModel]]:
    """Return all classes below one."""
    return {each for sub in kind.__subclasses__() for each in (sub, *below(sub))}


MODELS = sorted(
    {
        each
        for module in load(voxlake.documents)
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, BaseModel)
        and each.__module__ == module.__name__
        and each not in {Document, Question}
        # The format of others, which is read and never written.
        and module is not boss_ingest
    },
    key=lambda model: model.__name__,
)

SIZES = st.floats(1e-3, 1e6)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    date: st.dates(date(1970, 1, 1), date(8999, 12, 30)),
    AwareDatetime: st.datetimes(datetime(1970, 1, 1), datetime(8999, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    Any: st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
    JsonValue: st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text())),
    Channel: st.builds(
        Channel,
        label=st.text(),
        window=st.one_of(st.none(), st.builds(Window, *[st.floats(-1e9, 1e9)] * 4)),
    ),
    VoxelSize: st.builds(VoxelSize, SIZES, SIZES, SIZES, st.sampled_from(sorted(METRES))),
}
CHECKED: dict[type[BaseModel], dict[str, st.SearchStrategy[Any]]] = {
    forms.MergeForm: {
        "labels": st.lists(st.integers(1, 2**64 - 2), min_size=2, max_size=5).map(
            lambda ids: " ".join(map(str, ids))
        )
    },
    forms.IngestForm: dict.fromkeys(("size_z", "size_y", "size_x"), SIZES),
    forms.DatasetForm: {
        **dict.fromkeys("zyx", st.integers(1, 10**6)),
        **dict.fromkeys(("size_z", "size_y", "size_x"), SIZES),
    },
}
"""Of fields that a validator checks: what passes it."""


def values_of(annotation: Any, metadata: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:  # noqa: PLR0911  (one line a form)
    """Return values of a type that documents use, as JSON can carry them."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, TypeAliasType):
        return PLAIN.get(annotation) or values_of(annotation.__value__, metadata)
    if origin is Annotated:
        inner = (each.metadata if isinstance(each, FieldInfo) else [each] for each in parts[1:])
        return values_of(parts[0], (*chain(*inner), *metadata))
    if origin in {Union, types.UnionType}:
        return st.one_of([values_of(part, metadata) for part in parts])
    if origin is Literal:
        return st.sampled_from(parts)
    if origin is list or (origin is tuple and parts[-1] is ...):
        least = max((getattr(each, "min_length", None) or 0 for each in metadata), default=0)
        most = [found for each in metadata if (found := getattr(each, "max_length", None))]
        sizes = {"min_size": least, "max_size": min([*most, least + 3])}
        return st.lists(values_of(parts[0]), **sizes).map(origin)
    if origin is tuple:
        return st.tuples(*map(values_of, parts))
    if origin is dict:
        return st.dictionaries(values_of(parts[0]), values_of(parts[1]), max_size=3)
    return plain_values(annotation, metadata)


def plain_values(annotation: Any, metadata: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """Return values of a type without parts."""
    if annotation in {int, float}:
        ends = [(getattr(each, "ge", None), getattr(each, "le", None)) for each in metadata]
        low = max((lo for lo, _ in ends if lo is not None), default=-(2**63))
        high = min((hi for _, hi in ends if hi is not None), default=2**64 - 1)
        below = [each.lt for each in metadata if getattr(each, "lt", None) is not None]
        high = min([high, *(end - 1 for end in below)])
        above = any(getattr(each, "gt", None) is not None for each in metadata)
        sizes = SIZES if above else st.floats(float(low), float(high))
        return st.integers(low, high) if annotation is int else sizes
    if annotation is str:
        return texts(metadata)
    if annotation in PLAIN:
        return PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return documents(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    return st.from_type(annotation)


def texts(metadata: tuple[Any, ...]) -> st.SearchStrategy[str]:
    """Return texts of a pattern, if one is asked for."""
    patterns = [str(found) for each in metadata if (found := getattr(each, "pattern", None))]
    lengths = [found for each in metadata if (found := getattr(each, "max_length", None))]
    least = max((getattr(each, "min_length", None) or 0 for each in metadata), default=0)
    if not patterns:
        return st.text(min_size=least, max_size=min(lengths, default=None))
    # A pattern's end is that of the text, and no line's.
    return st.from_regex(patterns[0].removesuffix("$") + r"\Z").filter(
        lambda text: least <= len(text) <= min(lengths, default=len(text))
    )


def documents(model: type[BaseModel]) -> st.SearchStrategy[BaseModel]:
    """Return documents of a model."""
    fields = {
        name: values_of(field.annotation, tuple(field.metadata))
        for name, field in model.model_fields.items()
    }
    fields |= CHECKED.get(model, {})
    return st.builds(model, **fields) if "root" not in fields else fields["root"].map(model)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_document_is_frozen_and_explains_itself(model: type[BaseModel]) -> None:
    assert model.model_config.get("frozen")
    assert (model.__doc__ or "").splitlines()[0].endswith(".")
    known = "forbid" if issubclass(model, Question) else "ignore"
    assert "root" in model.model_fields or model.model_config.get("extra") == known


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_document_is_the_same_after_json(model: type[BaseModel]) -> None:
    @settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
    @given(documents(model))
    def check(document: BaseModel) -> None:
        assert model.model_validate_json(document.model_dump_json()) == document
        name = next(iter(model.model_fields))
        with pytest.raises(ValidationError):
            setattr(document, name, getattr(document, name))

    check()


def test_what_crosses_the_wire_lives_in_documents() -> None:
    for package in (voxlake.api, voxlake.client, voxlake.cli):
        load(package)
    strangers = {
        each.__module__
        for kind in (Document, Question)
        for each in below(kind)
        if not each.__module__.startswith("voxlake.documents.")
    }
    assert strangers == set()
