"""Run the command as ``python -m voxlake.cli``."""

import sys

from voxlake.cli import main

if __name__ == "__main__":
    sys.exit(main())
