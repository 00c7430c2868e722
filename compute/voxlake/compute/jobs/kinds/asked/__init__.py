"""Jobs that are asked for over HTTP: checked by a worker, as the gateway opens no source.

A plan tells what one would do; a start becomes the job that does it.
"""

from voxlake.compute.jobs.kinds.asked.plan import PLAN
from voxlake.compute.jobs.kinds.asked.start import START_ASKED

__all__ = ["PLAN", "START_ASKED"]
