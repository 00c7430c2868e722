"""Questions and answers that are sent in parts never wait for one another."""

from __future__ import annotations

import asyncio

from voxlake.api.http.limits.budget import Budget
from voxlake.api.http.limits.questions import AT_ONCE, QUESTION_BYTES, Questions


def test_an_answer_goes_on_while_all_others_wait_for_its_memory() -> None:
    """Its memory is what they wait for, each of them in a turn."""

    async def run() -> list[int]:
        budget = Budget(QUESTION_BYTES)
        questions = Questions(budget)
        async with budget.hold(QUESTION_BYTES):
            waiting = [asyncio.create_task(questions.ask(lambda: 1)) for _ in range(2 * AT_ONCE)]
            await asyncio.sleep(0)
            assert await asyncio.wait_for(questions.go_on(lambda: 2), 10) == 2
        return await asyncio.wait_for(asyncio.gather(*waiting), 10)

    assert asyncio.run(run()) == [1] * 2 * AT_ONCE
