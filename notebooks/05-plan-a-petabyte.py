# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Plan a petabyte
#
# What will an ingest of 1 PB store, how long will it take on how many cores, what will it cost, and
# what breaks first? `voxlake plan` reads metadata and a few boxes of the source, and writes
# nothing: a petabyte is planned as fast as a megabyte, and there need not be a lake.
#
# It needs `pip install matplotlib`. Here the source is a computed phantom of 100,000³ voxels of
# 10 nm, a whole mouse brain in miniature. Set `SOURCE` to plan your own; what is read of it is
# coded on this machine, so cores are taken to be as fast as those here.

# %%
import json
import os
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np

SOURCE = os.environ.get("SOURCE", "phantom:100000")
CORES = 1000


def plan(*words):
    """Return what ``voxlake plan`` says, as ``--json`` prints it."""
    command = [sys.executable, "-m", "voxlake.cli", "plan", *words, "--seconds", "2", "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


image = plan(SOURCE, "lab/whole/em", "--kind", "image", "--cores", str(CORES))
print(f"{image['understood']}, in {len(image['levels'])} levels")

# %% [markdown]
# ## What is stored
#
# All levels together are 8/7 of the finest. One shard is one object: 8.6 million of them, where
# chunks of their own would be four billion. Shards of nothing but 0 are not stored.

# %%
TB = 1e12
stored = image["stored"]
print(f"{image['levels'][0]['raw_bytes'] / TB:,.0f} TB of voxels")
print(f"{stored['bytes'] / TB:,.0f} TB stored, as the sample says")
print(f"{image['objects']:,} objects")

figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.bar(
    range(len(image["levels"])),
    [level["stored_bytes"] / TB for level in image["levels"]],
    color="#0072b2",
)
axes.set(yscale="log", xlabel="level", ylabel="TB stored")
plt.show()

# %% [markdown]
# ## How long it takes
#
# The core seconds of reading, reducing, coding and writing are measured in the sample. Tasks share
# nothing but the store, so cores divide them, until one of these is met: the process that sends
# tasks to the cluster takes 13.5 ms of its own for each (measured), and the network of a machine
# carries 10 Gb/s. Both are per job and per machine: several jobs and machines go past them.

# %%
DAY = 86_400
SEND_S = 0.0135
NODE_CORES, NODE_BYTES_PER_S = 64, 1.25e9
core_seconds = image["time"]["core_seconds"]
tasks = sum(stage["tasks"] for stage in image["stages"])
moved = image["levels"][0]["raw_bytes"] + stored["bytes"]

cores = np.geomspace(8, 100_000, 200)
computing = core_seconds / cores / DAY
network = moved / (NODE_BYTES_PER_S * np.maximum(cores / NODE_CORES, 1)) / DAY
sending = tasks * SEND_S / DAY
days = np.maximum(np.maximum(computing, network), sending)

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.loglog(cores, computing, label="computing")
axes.loglog(cores, network, label=f"network, 10 Gb/s for {NODE_CORES} cores")
axes.axhline(sending, color="#009e73", label="one process that sends tasks")
axes.loglog(cores, days, color="black", linestyle=":", label="the slowest of them")
axes.set(xlabel="cores", ylabel="days")
axes.legend()
plt.show()

# %%
print(f"{tasks:,} tasks, {core_seconds / 3600:,.0f} core hours")
print(f"memory of a task: {image['memory']['task_bytes'] / 2**20:.0f} MiB")
for goal in (30, 7, 1):
    enough = cores[days <= goal]
    print(f"{goal:>2} days: " + (f"{enough[0]:,.0f} cores" if len(enough) else "not by one job"))

# %% [markdown]
# ## What it costs
#
# Once for cores and requests, and then every month for what lies there. The table of prices that
# is read is shown by `voxlake plan --show-prices`; put your own in. Storage is what costs, so the
# class of the store and the compression are worth a thought. Requests are not: shards are for that.

# %%
cost = image["cost"]
currency = cost["currency"]
print(f"once: {cost['compute']:,.0f} {currency} for cores, {cost['requests']:,.0f} for requests")
print(f"every month: {cost['storage_month']:,.0f}, by {cost['prices']}, as of {cost['as_of']}")

chunks = sum(
    int(np.prod([-(-n // c) for n, c in zip(level["shape"], level["chunk"], strict=True)]))
    for level in image["levels"]
)
ways = {
    "shards": cost["once"],
    "an object a chunk": cost["compute"] + cost["requests"] * chunks / image["objects"],
    "stored for a year": 12 * cost["storage_month"],
}
figure, axes = plt.subplots(figsize=(7, 2), layout="constrained")
axes.bar_label(axes.barh(list(ways), list(ways.values()), color="#0072b2"), fmt=" {:,.0f}")
axes.set(xscale="log", xlabel=f"{currency}, once, and for a year")
axes.margins(x=0.3)
plt.show()

# %% [markdown]
# ## What breaks first
#
# Each of these grows with the lake, and has a limit with a remedy. The bars tell at how many voxels
# each is met, at the unit costs above and in `docs/explanation/performance.md`; a petabyte is the
# line. What is left of it wants its remedy before the ingest begins.

# %%
voxels = float(np.prod(image["levels"][0]["shape"]))
monthly = 30 * DAY
shards = image["levels"][0]["shards"]
limits = [
    (
        "one process that sends tasks for 30 days",
        monthly / (tasks * SEND_S),
        "a job for each dataset, by several workers",
    ),
    (
        "the network of one machine for 30 days",
        monthly * NODE_BYTES_PER_S / moved,
        "more machines: they share nothing but the store",
    ),
    (
        "the ledger, 4,000 tasks a second, for 30 days",
        monthly * 4000 / tasks,
        "larger tasks: VOXLAKE_TASK_BYTES",
    ),
    (
        "publishing a label index in 4 GiB, 1 kB a shard",
        4 * 2**30 / 1000 / shards,
        "a larger VOXLAKE_MEMORY_LIMIT_BYTES where that task runs",
    ),
    (
        "listing all objects within 8 hours, 1,000 in 0.1 s",
        8 * 3600 / 1e-4 / image["objects"],
        "shards of 1024³ are an eighth of the objects",
    ),
]
limits.sort(key=lambda limit: limit[1])
for what, times, remedy in limits:
    print(f"{times * voxels:.0e} voxels: {what}; {remedy}")

figure, axes = plt.subplots(figsize=(9, 2.6), layout="constrained")
names, sizes, _ = zip(*reversed(limits), strict=True)
axes.barh(names, np.multiply(sizes, voxels), color="#0072b2")
axes.axvline(voxels, color="#d55e00", label="this plan")
axes.set(xscale="log", xlabel="voxels at which it is met")
axes.legend()
plt.show()

# %% [markdown]
# [Growth](../docs/explanation/growth.md) has more of these limits, labels and users among them, and
# how they were measured.
