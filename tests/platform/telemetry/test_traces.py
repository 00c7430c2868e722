"""A receiver of OpenTelemetry is told where time goes; without one nothing is loaded."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.servers.otlp import run_receiver
from tests.servers.processes import free_ports

from voxlake.platform import store
from voxlake.platform.errors import UnsupportedError
from voxlake.platform.settings import Settings
from voxlake.platform.store import StoreURL
from voxlake.platform.telemetry.traces import Origin, part, span, traced, traceparent

if TYPE_CHECKING:
    from pathlib import Path

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_without_a_receiver_nothing_is_loaded() -> None:
    look = (
        "import sys\n"
        "from voxlake.platform.settings import Settings\n"
        "from voxlake.platform.telemetry.traces import span, traced, traceparent\n"
        "with traced(Settings(), 'x'), span('a') as one:\n"
        "    one.tell('b', c=1)\n"
        "    assert one.trace_id is None and traceparent() is None\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-c", look], check=True, timeout=120)


def test_spans_are_told_with_what_they_are_part_of(tmp_path: Path) -> None:
    with run_receiver() as receiver:
        with traced(Settings(traces_url=receiver.url), "lake"):
            with span("outer", Origin(PARENT), job="7") as outer:
                assert outer.trace_id == PARENT.split("-")[1]
                with span("inner") as inner:
                    inner.tell("renamed", tasks=3, nothing=None)
                    store.write(StoreURL.parse(str(tmp_path)) / "key", b"body")
                going_on = traceparent()
            with part("of nothing"):
                assert traceparent() is None
        outer_span, inner_span = receiver.named("outer"), receiver.named("renamed")
    assert (outer_span.service, outer_span.parent) == ("lake", PARENT.split("-")[2])
    assert outer_span.facts == {"job": "7"}
    assert (inner_span.parent, inner_span.facts) == (outer_span.span, {"tasks": "3"})
    assert receiver.named("store write").parent == inner_span.span
    assert {each.trace for each in receiver.spans} == {PARENT.split("-")[1]}
    assert going_on is not None
    assert going_on.split("-")[1:3] == [outer_span.trace, outer_span.span]
    assert len(receiver.spans) == 3


def test_an_error_is_told_by_its_kind_and_not_by_its_words() -> None:
    with run_receiver() as receiver:
        with (
            traced(Settings(traces_url=receiver.url), "lake"),
            pytest.raises(ValueError, match="secret"),
            span("it fails"),
        ):
            raise ValueError("secret")
        failed = receiver.named("it fails")
    assert (failed.failed, failed.error) == (True, "ValueError")


@pytest.mark.parametrize(("parent", "told"), [(None, 0), (PARENT, 1)])
def test_a_share_is_told_unless_somebody_has_decided(parent: str | None, told: int) -> None:
    with run_receiver() as receiver:
        with (
            traced(Settings(traces_url=receiver.url, traces_share=0), "lake"),
            span("one", Origin(parent)),
        ):
            pass
        assert len(receiver.spans) == told


def test_a_receiver_that_is_away_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxlake.platform.telemetry.open_telemetry.ANSWER_S", 0.1)
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    with traced(Settings(traces_url=url), "lake"), span("one") as one:
        assert one.trace_id is not None


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "voxlake.platform.telemetry.open_telemetry", None)
    with (
        pytest.raises(UnsupportedError, match=r"pip install 'voxlake\[traces\]'"),
        traced(Settings(traces_url="http://localhost:4318"), "lake"),
    ):
        pass
