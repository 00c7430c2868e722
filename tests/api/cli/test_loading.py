"""Garbage is collected as before once a command is loaded, however loading ended."""

from __future__ import annotations

import atexit
import gc
import sys

import pytest

from voxlake.cli import main
from voxlake.cli.loading import loading


def test_garbage_is_collected_again_after_loading() -> None:
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_also_after_loading_that_failed() -> None:
    with pytest.raises(ImportError), loading():
        raise ImportError
    assert gc.isenabled()


def test_a_process_that_does_not_collect_goes_on_so() -> None:
    gc.disable()
    try:
        with loading():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_only_the_process_of_the_command_ends_without_a_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registered: list[object] = []
    monkeypatch.setattr(atexit, "register", registered.append)
    monkeypatch.setattr(sys, "argv", ["voxlake", "--version"])
    main(["--version"])
    assert gc.freeze not in registered
    main()
    main()
    assert registered.count(gc.freeze) == 1
