"""Changes of one shard that wait for it are made in one commit, and each is answered for itself."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from voxlake.api.data.writing.commits import MOST_TOGETHER, Commits, Part, WriteShard
from voxlake.ngff.grid.box import Box
from voxlake.ngff.shards.splice import Change
from voxlake.platform.errors import CorruptDataError, StoreError, VoxlakeError
from voxlake.platform.store import StoreURL

if TYPE_CHECKING:
    from collections.abc import Sequence

CHUNK = 8
LAKE = StoreURL.parse("memory://commits")


class Shard:
    """A shard that tells what was made of it, and waits before the first commit ends."""

    def __init__(self, failing: int | None = None, error: VoxlakeError | None = None) -> None:
        self.commits = list[list[int]]()
        self.by, self.failing, self.error = "", failing, error
        self.began, self.go_on = threading.Event(), threading.Event()

    def write(self, changes: Sequence[Change], by: str, _known: str | None) -> str:
        self.commits.append([change.box.start[0] for change in changes])
        self.by = by
        self.began.set()
        assert self.go_on.wait(60)
        if self.error and any(change.box.start[0] == self.failing for change in changes):
            raise self.error
        return f"e{len(self.commits)}"


def part(write: WriteShard, at: int, by: str = "ada", known: str | None = None) -> Part:
    """Return a change of one voxel."""
    box = Box((at,), (at + 1,))
    change = Change(box, np.zeros(1))
    return Part(LAKE, (0,), write, change, box.aligned((CHUNK,)), by, known)


async def done(shard: Shard, parts: Sequence[Part]) -> list[str | BaseException]:
    """Return what becomes of changes, the first of which is being made when others come."""
    commits = Commits()
    asked = [commits.ask(parts[0])]
    assert await asyncio.to_thread(shard.began.wait, 10)
    asked += [commits.ask(each) for each in parts[1:]]
    shard.go_on.set()
    return await asyncio.gather(*asked, return_exceptions=True)


def test_those_who_wait_are_taken_together() -> None:
    async def run() -> None:
        shard = Shard()
        places = [0, 8, 16, 17, 24, 25, 40]
        parts = [part(shard.write, at, f"user{at}") for at in places]
        assert await done(shard, parts) == ["e1", "e2", "e2", "e3", "e2", "e3", "e2"]
        # No two of a commit are in one chunk.
        assert shard.commits == [[0], [8, 16, 24, 40], [17, 25]]
        assert shard.by == "user17, user25"

    asyncio.run(run())


def test_what_depends_on_a_state_is_made_alone() -> None:
    async def run() -> None:
        shard = Shard()
        parts = [part(shard.write, 0), part(shard.write, 8), part(shard.write, 16, known="e")]
        parts += [part(shard.write, 24), part(shard.write, 32, known="f")]
        await done(shard, parts)
        assert shard.commits == [[0], [8, 24], [16], [32]]

    asyncio.run(run())


def test_a_commit_has_a_most() -> None:
    async def run() -> None:
        shard = Shard()
        await done(shard, [part(shard.write, 8 * at) for at in range(MOST_TOGETHER + 5)])
        assert list(map(len, shard.commits)) == [1, MOST_TOGETHER, 4]

    asyncio.run(run())


@pytest.mark.parametrize("error", [CorruptDataError("chunk 16"), StoreError("full")])
def test_a_failure_is_told_to_those_it_is_of(error: VoxlakeError) -> None:
    async def run() -> None:
        shard = Shard(16, error)
        answers = await done(shard, [part(shard.write, at) for at in (0, 8, 16, 24)])
        if isinstance(error, CorruptDataError):
            # Which of them met the damage shows when each is made alone.
            assert answers == ["e1", "e3", error, "e5"]
        else:
            assert answers == ["e1", error, error, error]
        after = part(shard.write, 1)
        assert (await done(shard, [after]))[0] == f"e{len(shard.commits)}"

    asyncio.run(run())


def test_who_leaves_ends_nothing() -> None:
    async def run() -> None:
        shard, commits = Shard(), Commits()
        first, second = part(shard.write, 0), part(shard.write, 8)

        leaving = commits.ask(first)
        assert await asyncio.to_thread(shard.began.wait, 10)
        leaving.cancel()
        commits.ask(second)
        shard.go_on.set()
        assert await second.done == "e2"
        assert shard.commits == [[0], [8]]

    asyncio.run(run())
