"""The benchmarks are run from the root of the repository and are not installed."""

import sys
from pathlib import Path

# At the end: the folders beside benchmarks/ must hide nothing.
sys.path.append(str(Path(__file__).parents[2]))
