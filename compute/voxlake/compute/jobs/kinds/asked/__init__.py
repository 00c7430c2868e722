"""Jobs that are asked for over HTTP: checked by a worker, as the gateway opens no source.

A look tells what a source holds, a plan what a job would do; a start becomes the job that does it.
"""

from voxlake.compute.jobs.kinds.asked.look import LOOK
from voxlake.compute.jobs.kinds.asked.plan import PLAN
from voxlake.compute.jobs.kinds.asked.start import START_ASKED

__all__ = ["LOOK", "PLAN", "START_ASKED"]
