"""What is logged: a line an event, of facts that are on a list, and no secret."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from structlog.contextvars import bound_contextvars

from voxlake.platform.settings import Settings
from voxlake.platform.telemetry.logs import written_logs

KEY = "wJalrXUtnFEMI/K7MDENG"


class Terminal(io.StringIO):
    """Somebody sits before it."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


def refuse() -> None:
    """Fail, with a value at hand that is nobody's business."""
    value = f"a value, {len(KEY)}"
    if value:
        raise ValueError(f"refused {KEY}")


def written(stream: io.StringIO, **settings: Any) -> str:
    """Return what is written of events of every kind."""
    with written_logs(Settings(s3_secret_access_key=KEY, **settings), stream):
        ours, others = logging.getLogger("voxlake.api.test"), logging.getLogger("httpx")
        with bound_contextvars(request_id="abc"):
            ours.info("served", extra={"status": 200, "authorization": "Bearer x"})
            others.info("GET https://issuer/token?code=123")
            others.warning("slow")
        logging.getLogger("uvicorn.error").info("started")
        try:
            refuse()
        except ValueError as error:
            ours.error("failed: %s", error, exc_info=error, extra={"request_id": "def"})
    return stream.getvalue()


def test_each_event_is_a_line_of_json() -> None:
    events = [json.loads(line) for line in written(io.StringIO()).splitlines()]
    assert [event["event"] for event in events] == [
        "served",
        "slow",
        "started",
        "failed: refused [redacted]",
    ]
    assert events[0] == {
        "event": "served",
        "request_id": "abc",
        "status": 200,
        "level": "info",
        "logger": "voxlake.api.test",
        "timestamp": events[0]["timestamp"],
    }
    assert events[0]["timestamp"].endswith("Z")
    assert [event.get("request_id") for event in events] == ["abc", "abc", None, "def"]
    assert events[3]["exception"].endswith("ValueError: refused [redacted]")


def test_a_terminal_gets_words_and_warnings_alone() -> None:
    said = written(Terminal())
    assert "served" not in said
    assert "started" not in said
    assert "slow" in said
    assert "Traceback" in said
    assert KEY not in said
    assert "a value, 21" not in said  # values of variables are not shown


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_settings_stand_above_what_a_terminal_is(stream: type[io.StringIO]) -> None:
    assert "served" in written(stream(), log_level="info", log_format="human")
    errors = written(stream(), log_level="error", log_format="json").splitlines()
    assert [json.loads(line)["event"] for line in errors] == ["slow", "failed: refused [redacted]"]


def test_afterwards_logs_are_as_before() -> None:
    root, ours = logging.getLogger(), logging.getLogger("voxlake")
    before = [*root.handlers], ours.level
    written(io.StringIO())
    assert ([*root.handlers], ours.level) == before
