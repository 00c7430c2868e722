"""What a job will store, take and cost, before it runs: from a measured sample of its source."""

from voxlake.compute.forecast.costs import read_prices, user_file
from voxlake.compute.forecast.forecast import Machines, forecast
from voxlake.compute.forecast.sampling import take_sample
from voxlake.compute.forecast.target import Target, target_of_dataset, target_of_ingest

__all__ = [
    "Machines",
    "Target",
    "forecast",
    "read_prices",
    "take_sample",
    "target_of_dataset",
    "target_of_ingest",
    "user_file",
]
