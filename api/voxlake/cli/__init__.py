"""The ``voxlake`` command."""

from voxlake.cli.app import main

__all__ = ["main"]
