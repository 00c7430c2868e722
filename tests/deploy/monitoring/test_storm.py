"""A storm of alerts is a few messages, in which all of them are told."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.deploy.monitoring.receivers import Receivers, receiving, text_of
from tests.deploy.monitoring.watching import LAKE, alertmanager, until

if TYPE_CHECKING:
    from pathlib import Path


def alert(number: int, severity: str) -> dict[str, Any]:
    """Return one of many, each of another name and server."""
    return {
        "labels": {
            "alertname": f"Trial{number}",
            "severity": severity,
            "instance": f"gateway-{number}:8080",
        },
        "annotations": {"summary": f"Gateway {number} is not well.", "todo": "See its log."},
        "startsAt": datetime.now(UTC).isoformat(),
    }


def wait_for(receivers: Receivers, count: int) -> None:
    """Wait until so many were told of by both ways."""
    left = partial(receivers.unheard, {f"Trial{number}" for number in range(count)})
    until(lambda: not left(), lambda: f"{left()} are not told of")


def test_thirty_alerts_are_two_messages(tmp_path: Path) -> None:
    with receiving() as receivers, alertmanager(tmp_path, receivers) as manager:
        manager.post([alert(number, "page" if number < 20 else "look") for number in range(30)])
        wait_for(receivers, 30)
        assert [len(receivers.posted), len(receivers.mailed)] == [2, 2]
        subjects = {mail["Subject"] for mail in receivers.mailed}
        # One that comes later is told of with those that go on.
        manager.post([alert(30, "page")])
        wait_for(receivers, 31)
    assert subjects == {
        f"[FIRING 20] Trial0 and others at {LAKE}",
        f"[FIRING 10] Trial20 and others at {LAKE}",
    }
    last = text_of(receivers.mailed[-1])
    assert receivers.mailed[-1]["Subject"].startswith("[FIRING 21] ")
    assert all(
        f"Trial{number}: Gateway {number} is not well.\nTo do: " in last for number in range(20)
    )
    assert last.count("now.") == 21
