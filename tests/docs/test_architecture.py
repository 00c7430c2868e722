"""What the page on the architecture names is there: every function and class of its walks."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
LAYERS = ("platform", "ngff", "documents", "compute", "api", "client", "cli")
SMALL = {"commands", "shown", "sample"}
"""Rooms that the drawing speaks of in other words."""
NAMES = sorted(set(re.findall(rf"`((?:{'|'.join(LAYERS)})\.[\w.]+)`", PAGE)))


def test_the_walks_name_something() -> None:
    assert PAGE.count("\n## A ") == 6
    assert len(NAMES) > 40


@pytest.mark.parametrize("name", NAMES)
def test_what_a_walk_names_is_there(name: str) -> None:
    module, _, member = name.rpartition(".")
    assert hasattr(import_module(f"voxlake.{module}"), member)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_drawing_names_every_room(layer: str) -> None:
    top = layer if layer in {"platform", "ngff", "compute"} else "api"
    folder = ROOT / top / "voxlake" / layer
    rooms = {file.parent.name for file in folder.glob("*/__init__.py")}
    drawing = PAGE.split("```")[1]
    assert {room for room in rooms if not re.search(rf"\b{room}\b", drawing)} <= SMALL
