"""What people said of a channel of bossDB goes into the catalog, beside what is said there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from voxlake.ngff.grid.units import length_unit
from voxlake.platform.catalog.data.frames import Frame
from voxlake.platform.errors import InvalidInputError, NotFoundError
from voxlake.platform.names import DatasetName, check_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voxlake.compute.sources.bossdb.said import PlaceSaid, Said
    from voxlake.documents.bossdb.said import FrameSaid
    from voxlake.platform.access import Principal
    from voxlake.platform.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Brought:
    """What was written, and what was not and why, in words."""

    written: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def bring_metadata(
    catalog: Catalog, name: DatasetName, said: Said, principal: Principal
) -> Brought:
    """Write what was said of a channel to the catalog, where nothing else is said there.

    Doing it again writes what could not be before, and changes nothing else.

    Parameters
    ----------
    name
        The dataset that the channel has become.
    principal
        Sees the datasets that it was made from.
    """
    brought = Brought()
    for depth, place in enumerate(said.places, 1):
        _bring_place(catalog, name.parts[:depth], place, brought)
    _bring_frame(catalog, name, said.frame, brought)
    _bring_sources(catalog, name, said, principal, brought)
    return brought


def _bring_place(
    catalog: Catalog, names: tuple[str, ...], said: PlaceSaid, brought: Brought
) -> None:
    where = "/".join(names)
    if said.refused:
        brought.left.append(f"what is said of {where}: {said.refused}")
    there = _description(catalog, names)
    if said.description and not there:
        catalog.metadata.describe(names, said.description)
        brought.written.append(f"description of {where}")
    elif said.description not in {"", there}:
        brought.left.append(f"description of {where}: it has another here")
    values = catalog.metadata.list_values(names)
    for key, value in said.values.items():
        if key not in values:
            _put_value(catalog, names, key, value, brought)
        elif values[key] != value:
            brought.left.append(f"value of {key!r} of {where}: it has another here")


def _description(catalog: Catalog, names: Sequence[str]) -> str:
    if len(names) < 3:
        return catalog.collections.get(names).description
    return catalog.get_dataset(DatasetName(*names)).description


def _put_value(
    catalog: Catalog, names: tuple[str, ...], key: str, value: str, brought: Brought
) -> None:
    where = f"value of {key!r} of {'/'.join(names)}"
    try:
        catalog.metadata.put_value(names, key, value)
    except InvalidInputError as error:
        brought.left.append(f"{where}: {error}")
    else:
        brought.written.append(where)


def _bring_frame(catalog: Catalog, name: DatasetName, said: FrameSaid, brought: Brought) -> None:
    """Have the experiment lie in the frame, if it lies in none."""
    if "." in said.name:  # No frame of bossDB: a gateway of voxlake makes it of the channels.
        return
    where = f"frame {said.name}"
    experiment = catalog.collections.get(name.parts[:2])
    try:
        frame = _frame_of(said)
        there = _same_frame(catalog, frame)
    except InvalidInputError as error:
        brought.left.append(f"{where}: {error}")
        return
    if experiment.frame == frame.name and there:
        return
    others = [
        str(record.name)
        for record in catalog.list_datasets()
        if record.name.parts[:2] == name.parts[:2] and record.name != name
    ]
    if experiment.frame is not None or others:
        why = f"lies in {experiment.frame}" if experiment.frame else f"holds {', '.join(others)}"
        brought.left.append(
            f"{where}: {experiment} {why}; if all of it lies in that frame, say so with: voxlake "
            f"frame add, and voxlake experiment frame {experiment} {frame.name}"
        )
        return
    if not there:
        catalog.frames.add(frame)
    catalog.collections.set_frame(name.parts[:2], frame.name)
    brought.written.append(where)


def _frame_of(said: FrameSaid) -> Frame:
    unit = length_unit(said.voxel_unit)
    return Frame(said.name, said.start, said.stop, said.voxel_size, unit, said.description)


def _same_frame(catalog: Catalog, frame: Frame) -> bool:
    """Return whether the lake has it; raise InvalidInputError if it has another of that name."""
    try:
        there = catalog.frames.get(frame.name)
    except NotFoundError:
        return False
    if replace(there, description=frame.description, group=None) != frame:
        raise InvalidInputError("the lake has another of that name, with other places or sizes")
    return True


def _bring_sources(
    catalog: Catalog, name: DatasetName, said: Said, principal: Principal, brought: Brought
) -> None:
    """Say which datasets of the experiment it was made from, as far as they are here."""
    origin = catalog.provenance.get(name, principal)
    known = {*origin.sources, *origin.related, name}
    made_from = _siblings(catalog, name, said.sources, known, brought)
    related = _siblings(catalog, name, said.related, known | made_from, brought)
    if made_from or related:
        sources, near = {*origin.sources, *made_from}, {*origin.related, *related}
        catalog.provenance.put(name, principal, sources, near)
        brought.written.extend(f"source {each}" for each in sorted(made_from))
        brought.written.extend(f"related {each}" for each in sorted(related))


def _siblings(
    catalog: Catalog,
    name: DatasetName,
    others: Iterable[str],
    known: set[DatasetName],
    brought: Brought,
) -> set[DatasetName]:
    """Return the datasets of the experiment that channels have become and are not known yet."""
    found = set()
    for other in others:
        try:
            sibling = name.sibling(check_name(other))
            catalog.get_dataset(sibling)
        except (InvalidInputError, NotFoundError):
            brought.left.append(
                f"source or related channel {other!r}: it is no dataset of the experiment here; "
                "import it, and then this once more"
            )
            continue
        found.add(sibling)
    return found - known
