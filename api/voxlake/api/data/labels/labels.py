"""Labels, bodies and where they are: as `data`, every function demands the right for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import numpy as np
import numpy.typing as npt
from anyio import to_thread

from voxlake.api.data.labels.mappings import newest_mapping
from voxlake.api.data.opened import (
    index_url,
    opened_dataset,
    opened_labels,
    store_url,
)
from voxlake.api.guards.datasets import Granted
from voxlake.api.http.limits.questions import QUESTION_BYTES
from voxlake.documents.labels.labels import (
    PointsDocument,
    StateDocument,
    chunks_document,
)
from voxlake.ngff.grid.box import Box
from voxlake.ngff.labels.handle import Labels
from voxlake.ngff.labels.mapping.mapping import (
    Mapping,
    bodies_of,
    merged_bodies,
    renumbered,
)
from voxlake.ngff.labels.mapping.table import Pairs
from voxlake.ngff.labels.objects.reading import ObjectFilter, list_ids
from voxlake.ngff.labels.queries.in_box import LabelsInBox
from voxlake.ngff.labels.queries.points import POINTS_BYTES
from voxlake.ngff.labels.table import LabelTable
from voxlake.ngff.labels.upkeep import reservation
from voxlake.ngff.labels.view import View
from voxlake.ngff.metadata.reading import read_multiscale
from voxlake.platform.access import AddVoxels, DeleteVoxels, ReadVoxels, Right
from voxlake.platform.deadline import until
from voxlake.platform.errors import (
    ConflictError,
    LimitExceededError,
    NotFoundError,
)
from voxlake.platform.parallel import in_parallel

MAX_CELLS = 1_000_000
"""Chunks of one label that are listed."""
MAX_SHARDS = 1 << 15
"""Shards that are looked into for one question."""
BYTES_A_ROW = 100
"""Memory that a row of the index takes while all labels are listed."""


EVERY_OBJECT = ObjectFilter()


async def mapping_of(granted: Granted[ReadVoxels]) -> Mapping:
    """Return which body each supervoxel belongs to, as of now."""
    return await newest_mapping(granted.record, await index_url(granted))


async def list_pairs(
    granted: Granted[ReadVoxels], after: int, limit: int
) -> tuple[int, Pairs, int | None]:
    """Return a page of the supervoxels that the mapping names, and their bodies.

    First its number, last what is `after` for the next page.
    """
    mapping = await mapping_of(granted)
    first = int(np.searchsorted(mapping.pairs.supervoxels, np.uint64(after), "right"))
    stop = min(first + limit, len(mapping.pairs))
    pairs = mapping.pairs.take(np.arange(first, stop))
    is_last = stop == len(mapping.pairs)
    return mapping.number, pairs, None if is_last else int(pairs.supervoxels[-1])


async def find_bodies(granted: Granted[ReadVoxels], labels: Sequence[int]) -> tuple[int, Pairs]:
    """Return the number of the mapping, and the body of each label, in their order."""
    mapping, supervoxels = await mapping_of(granted), np.array(labels, np.uint64)
    return mapping.number, Pairs(supervoxels, bodies_of(mapping, supervoxels))


async def list_merged_bodies(granted: Granted[ReadVoxels], most: int) -> list[list[int]] | None:
    """Return the labels of each body that has several, as of now.

    None if more than `most` supervoxels have another number than their body.
    """
    mapping = await mapping_of(granted)
    return None if len(renumbered(mapping)) > most else merged_bodies(mapping)


async def ask[T](
    granted: Granted[ReadVoxels],
    question: Callable[[View], T],
    *,
    time: int | None = None,
    bodies: bool = False,
    held_bytes: int = QUESTION_BYTES,
) -> T:
    """Return the answer to a question by a view of labels as they are, in a thread.

    What it is to tell of the state that it is true of is asked of the same view.

    Parameters
    ----------
    time
        Time point; None: the first, which may be the only one.

    Raises
    ------
    OutOfBoundsError
        If there is no such time point.
    LimitExceededError
        If more than `MAX_SHARDS` are not in the index, and would have to be looked into.
    """
    labels = (await opened_labels(granted, bodies=bodies)).at_time(time)
    asked = partial(labels.ask, partial(_checked, question))
    return await granted.gateway.questions.ask(asked, held_bytes)


async def ask_each_time[T](
    granted: Granted[ReadVoxels], question: Callable[[View], T]
) -> dict[int, T]:
    """Return the answers to a question, as `ask`, of the time points that have what is asked for.

    Those of which it says NotFoundError are left out.
    """
    labels = await opened_labels(granted)

    def ask_one(point: Labels) -> T | None:
        with suppress(NotFoundError):
            return point.ask(partial(_checked, question))
        return None

    def ask_all() -> dict[int, T]:
        answers = in_parallel(ask_one, list(labels.each_time()))
        return {time: answer for time, answer in enumerate(answers) if answer is not None}

    return await granted.gateway.questions.ask(ask_all)


def _checked[T](question: Callable[[View], T], view: View) -> T:
    _check_shards(len(view.state.dirty), "have to be looked into, as the index is behind")
    return question(view)


async def ask_for_all[T](
    granted: Granted[ReadVoxels],
    question: Callable[[View], T],
    *,
    time: int | None = None,
    bodies: bool = False,
) -> T:
    """Return the answer to a question that all labels are listed for, as `ask`.

    Raises
    ------
    LimitExceededError
        If the index is too large to be listed by a server.
    """
    most = granted.gateway.whole_answer_bytes // BYTES_A_ROW

    def checked(view: View) -> T:
        if view.state.rows > most:
            raise LimitExceededError(
                f"all labels were asked for and the index has {view.state.rows} rows, of which a "
                f"server lists {most}; ask the Parquet files of the index themselves, with DuckDB "
                "or polars"
            )
        return question(view)

    held_bytes = granted.gateway.answers.limit_bytes // 2
    return await ask(granted, checked, time=time, bodies=bodies, held_bytes=held_bytes)


async def list_largest(
    granted: Granted[ReadVoxels],
    count: int,
    where: ObjectFilter = EVERY_OBJECT,
    *,
    time: int | None = None,
    bodies: bool,
) -> tuple[StateDocument, LabelTable]:
    """Return the labels of most voxels, of those whose objects fit a filter if it says anything.

    Raises
    ------
    LimitExceededError
        If too many fit, or the index is too large.
    """
    if where == EVERY_OBJECT:
        return await ask_for_all(
            granted,
            lambda view: (StateDocument.of(view), view.largest(count)),
            time=time,
            bodies=bodies,
        )
    most = granted.gateway.whole_answer_bytes // BYTES_A_ROW
    find = partial(list_ids, await index_url(granted), where, most)
    ids = await granted.gateway.questions.ask(find)
    return await ask(
        granted,
        lambda view: (StateDocument.of(view), view.find(ids).largest(count)),
        time=time,
        bodies=bodies,
    )


async def list_page(
    granted: Granted[ReadVoxels], after: int, most: int, *, time: int | None = None, bodies: bool
) -> tuple[StateDocument, LabelTable]:
    """Return the first `most` labels above `after`; of bodies as `ask_for_all`."""
    return await (ask_for_all if bodies else ask)(
        granted,
        lambda view: (StateDocument.of(view), view.page(after, most)),
        time=time,
        bodies=bodies,
    )


async def list_chunks(
    granted: Granted[ReadVoxels],
    label: int,
    *,
    time: int | None = None,
    bodies: bool,
    listed: bool,
) -> tuple[StateDocument, npt.NDArray[np.int64]]:
    """Return the chunks that hold a label: a document, and their cells (n, 3).

    Parameters
    ----------
    listed
        Whether the document lists the chunks; else it tells of the state alone.

    Raises
    ------
    LimitExceededError
        If there are more than `MAX_CELLS`.
    """

    def question(view: View) -> tuple[StateDocument, npt.NDArray[np.int64]]:
        cells = view.chunks(label)
        if len(cells) > MAX_CELLS:
            raise LimitExceededError(
                f"{label} is in {len(cells)} chunks and {MAX_CELLS} are listed; ask for its coarse "
                "sparse volume"
            )
        return chunks_document(view, label, cells) if listed else StateDocument.of(view), cells

    return await ask(granted, question, time=time, bodies=bodies)


async def draw_points(
    granted: Granted[ReadVoxels],
    label: int,
    count: int,
    seed: int,
    *,
    time: int | None = None,
    bodies: bool,
) -> tuple[PointsDocument, npt.NDArray[np.int64]]:
    """Return voxels of a label, drawn uniformly, and the same (count, 3) again."""

    def question(view: View) -> tuple[PointsDocument, npt.NDArray[np.int64]]:
        points = view.points(label, count, seed)
        return PointsDocument.of(view, label=label, points=points.tolist()), points

    return await ask(granted, question, time=time, bodies=bodies)


def _check_shards(count: int, which: str) -> None:
    if count > MAX_SHARDS:
        raise LimitExceededError(
            f"{count} shards {which}, and the server looks into {MAX_SHARDS} for one question; ask "
            "for a smaller box, or build the index: voxlake index"
        )


async def labels_in_box(
    granted: Granted[ReadVoxels],
    box: Box,
    page: tuple[int, int | None],
    *,
    time: int | None = None,
    counts: bool,
    bodies: bool = False,
) -> tuple[LabelsInBox, int | None, int | None]:
    """Return the labels that have voxels in `box` (z, y, x of level 0), or a page of them.

    Beside it what is `after` for the next page, and the number of the mapping.

    Parameters
    ----------
    page
        Above which label it begins, and how many labels it has at most; None: all.

    Raises
    ------
    LimitExceededError
        If there are more than `MAX_SHARDS` shards in the box, or too many labels.
    """
    labels = (await opened_labels(granted, bodies=bodies)).at_time(time)
    _check_shards(box.count_cells(labels.volume.shard), "are in the box")
    found = await granted.gateway.questions.ask(partial(labels.in_box, box, counts=counts))
    inside, after = found.page(*page)
    most = granted.gateway.whole_answer_bytes // BYTES_A_ROW
    if len(inside.labels) > most:
        raise LimitExceededError(
            f"{len(inside.labels)} labels are in the box and the server lists {most}; ask for a "
            "smaller box, or for pages"
        )
    return inside, after, labels.mapping_number


async def labels_at(
    granted: Granted[ReadVoxels],
    points: npt.NDArray[np.int64],
    *,
    time: int | None = None,
    bodies: bool = False,
) -> tuple[npt.NDArray[np.uint64], int | None]:
    """Return the label (n,) at each of `points` (n, 3), and the number of the mapping."""
    labels = (await opened_labels(granted, bodies=bodies)).at_time(time)
    found = await granted.gateway.questions.ask(
        partial(labels.at, points), QUESTION_BYTES + POINTS_BYTES
    )
    return found, labels.mapping_number


async def reserve(granted: Granted[AddVoxels], count: int) -> range:
    """Return `count` ids in a row that nothing has and nobody else is given."""
    labels = await opened_labels(granted)
    return await change(granted, reservation.reserve, labels, count, granted.asker)


async def change[*Given, T](
    granted: Granted[AddVoxels] | Granted[DeleteVoxels],
    work: Callable[[*Given], T],
    *given: *Given,
) -> T:
    """Return what a change of labels returns, in a thread; it is not given up halfway.

    Raises
    ------
    ConflictError
        If the labels were replaced meanwhile: what was changed is of the old ones.
    """
    folder = (await opened_dataset(granted)).multiscale.folder
    with until(None):
        changed = await to_thread.run_sync(work, *given)
        await check_not_replaced(granted, folder)
    return changed


async def check_not_replaced(granted: Granted[Right], folder: str) -> None:
    """Raise ConflictError if a dataset lies in another folder of its group than it did."""
    present = await to_thread.run_sync(read_multiscale, store_url(granted))
    if present.folder != folder:
        raise ConflictError(
            f"{granted.record.name} was replaced meanwhile; look at what it has by now, and try "
            "again"
        )
