"""What a job will store, take and cost, before it runs: from a measured sample of its source."""

from voxlake.compute.forecast.costs import Cost, Prices, cost_of, read_prices, user_file
from voxlake.compute.forecast.forecast import Forecast, Level, Machines, forecast
from voxlake.compute.forecast.requests import Requests
from voxlake.compute.forecast.sampling import Bounds, Sample, take_sample
from voxlake.compute.forecast.stages import Stage
from voxlake.compute.forecast.target import Target, target_of_dataset, target_of_ingest

__all__ = [
    "Bounds",
    "Cost",
    "Forecast",
    "Level",
    "Machines",
    "Prices",
    "Requests",
    "Sample",
    "Stage",
    "Target",
    "cost_of",
    "forecast",
    "read_prices",
    "take_sample",
    "target_of_dataset",
    "target_of_ingest",
    "user_file",
]
