"""Datasets whose ingest has not ended: what is not written yet reads as fill."""

from __future__ import annotations

import warnings


def warn_unless_whole(address: str, *, whole: bool) -> None:
    """Warn whoever called what calls this (`UserWarning`) of a dataset that is not whole."""
    if not whole:
        warnings.warn(
            f"{address} is not whole: its ingest has not ended, and what is not written yet reads "
            "as fill",
            stacklevel=3,
        )
