"""Readers of foreign input: one file for each kind, found through an entry-point group.

A source is opened from a location (text), says its shape, dtype and axes, and reads boxes. Tasks
carry only ``(location, fingerprint)`` and open it again where they run: see `cached_source`.
"""

from voxlake.compute.sources.arranged_source import ArrangedSource
from voxlake.compute.sources.arrangement import arrange
from voxlake.compute.sources.calibration import Calibration, scales_of
from voxlake.compute.sources.location import absolute_location
from voxlake.compute.sources.opening import cached_source, open_source, openers, opening_once
from voxlake.compute.sources.source import OpenSource, ReadsInto, Source

__all__ = [
    "ArrangedSource",
    "Calibration",
    "OpenSource",
    "ReadsInto",
    "Source",
    "absolute_location",
    "arrange",
    "cached_source",
    "open_source",
    "openers",
    "opening_once",
    "scales_of",
]
