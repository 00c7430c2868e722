"""The budget of bytes admits in turn, and forgets those who leave."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from voxlake.api.http.limits.account import ACCOUNT
from voxlake.api.http.limits.budget import Budget


def test_no_more_than_the_limit_is_held_at_any_time() -> None:
    async def run() -> None:
        budget, rng, most = Budget(100), random.Random(3), 0

        async def work(size: int) -> None:
            nonlocal most
            async with budget.hold(size) as held:
                most = max(most, budget.used_bytes)
                await asyncio.sleep(rng.random() / 500)
                held.shrink(rng.randint(0, 150))
                await asyncio.sleep(rng.random() / 500)

        tasks = [asyncio.ensure_future(work(rng.randint(1, 150))) for _ in range(200)]
        for task in rng.sample(tasks, 60):
            await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait(tasks)
        assert sum(not task.cancelled() for task in tasks) >= 140
        assert 0 < most <= 100
        assert (budget.used_bytes, budget.waiting) == (0, 0)

    asyncio.run(run())


def test_a_large_one_is_not_overtaken_for_ever() -> None:
    async def run() -> list[str]:
        budget, order = Budget(10), []

        async def work(name: str, size: int) -> None:
            async with budget.hold(size):
                order.append(name)
                await asyncio.sleep(0)

        await asyncio.gather(work("a", 6), work("large", 10), work("b", 1), work("c", 1))
        return order

    assert asyncio.run(run()) == ["a", "large", "b", "c"]


def test_what_is_given_back_early_lets_others_in() -> None:
    async def run() -> None:
        budget = Budget(10)
        async with budget.hold(10) as held:
            other = asyncio.ensure_future(_hold(budget, 4))
            await asyncio.sleep(0)
            held.shrink(7)
            await asyncio.sleep(0)
            assert (budget.used_bytes, budget.waiting) == (7, 1)
            held.shrink(6)
            held.shrink(8)  # nobody holds more again
            await other
            assert budget.used_bytes == 6
        assert budget.used_bytes == 0

    asyncio.run(run())


def test_what_must_not_wait_counts_at_once_and_lets_nobody_in() -> None:
    async def run() -> None:
        budget = Budget(10)
        async with budget.hold(8):
            with budget.count(5):
                assert budget.used_bytes == 13
                other = asyncio.ensure_future(_hold(budget, 2))
                await asyncio.sleep(0)
                assert budget.waiting == 1
            await other
        assert budget.used_bytes == 0

    asyncio.run(run())


async def _as(account: str, budget: Budget, size: int, order: list[str] | None = None) -> None:
    """Hold bytes for a moment, as an account."""
    ACCOUNT.set(account)
    async with budget.hold(size):
        if order is not None:
            order.append(account)
        await asyncio.sleep(0.01)


def test_one_account_holds_three_quarters_and_others_have_the_rest() -> None:
    async def run() -> None:
        budget = Budget(100)
        order: list[str] = []
        greedy = [asyncio.ensure_future(_as("ana", budget, 25, order)) for _ in range(10)]
        await asyncio.sleep(0)
        assert (budget.used_bytes, budget.waiting) == (75, 7)
        await _as("bob", budget, 25, order)
        assert order[:4] == ["ana"] * 3 + ["bob"]
        await asyncio.gather(*greedy)
        assert (budget.used_bytes, budget.waiting) == (0, 0)

    asyncio.run(run())


def test_one_that_wants_more_than_its_share_gets_its_share() -> None:
    async def run() -> None:
        budget = Budget(100)
        large = asyncio.ensure_future(_as("ana", budget, 1000))
        await asyncio.sleep(0)
        assert budget.used_bytes == 75
        await large

    asyncio.run(run())


def test_those_who_hold_least_are_let_in_first() -> None:
    async def run() -> list[str]:
        budget, order = Budget(20), list[str]()
        long = asyncio.ensure_future(_as("ana", budget, 10))
        await asyncio.sleep(0)
        async with budget.hold(10):
            waiting = [
                asyncio.ensure_future(_as(name, budget, 5, order))
                for name in ("ana", "ana", "bob", "cy", "bob")
            ]
            await asyncio.sleep(0)
            assert budget.waiting == 5
        await asyncio.gather(long, *waiting)
        return order

    assert asyncio.run(run()) == ["bob", "cy", "ana", "ana", "bob"]


def test_no_account_holds_more_than_its_share_at_any_time() -> None:
    async def run() -> None:
        budget, rng, most = Budget(100), random.Random(5), Counter[str]()

        async def work(account: str, size: int) -> None:
            ACCOUNT.set(account)
            async with budget.hold(size):
                assert budget.used_bytes <= 100
                most[account] = max(most[account], budget._held[account])
                await asyncio.sleep(rng.random() / 500)

        tasks = [
            asyncio.ensure_future(work(rng.choice(["ana", "bob"]), rng.randint(1, 120)))
            for _ in range(200)
        ]
        for task in rng.sample(tasks, 60):
            await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait(tasks)
        assert max(most.values()) <= 75
        assert (budget.used_bytes, budget.waiting, len(budget._held)) == (0, 0, 0)

    asyncio.run(run())


async def _hold(budget: Budget, size: int) -> None:
    async with budget.hold(size):
        await asyncio.sleep(0)
