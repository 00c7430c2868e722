# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Segment in bulk
#
# Blocks of an image are segmented by a Dask cluster, each for itself; what touches across their
# faces becomes one body by the mapping, so that no voxel is written twice. Then the label index
# is asked: it is current as soon as the voxels are written.
#
# It needs `pip install voxlake[tables]`. Cells of a computed phantom are segmented by a threshold
# here; a network of your own takes the place of `segment`. The lake is made for it, and is gone
# when the notebook ends.

# %%
import atexit
import json
import shutil
import subprocess
import sys
import tempfile
from itertools import product

import duckdb
import numpy as np
from distributed import Client
from scipy import ndimage, sparse

from voxlake.client import connect
from voxlake.ngff.grid.box import Box

# The command of the environment that runs this notebook.
VOXLAKE = [sys.executable, "-m", "voxlake.cli"]
SIZE = 128

folder = tempfile.mkdtemp(prefix="voxlake-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)
demo = ["demo", "--no-serve", "--size", str(SIZE), "--lake", f"{folder}/lake", "--workers", "0"]
subprocess.run([*VOXLAKE, *demo], check=True, capture_output=True)

server = subprocess.Popen(
    [*VOXLAKE, "serve", "--lake", f"{folder}/lake", "--port", "0", "--json"],
    stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL,
    text=True,
)
atexit.register(server.terminate)  # also if a cell fails
# Its first words are one JSON document, whose last line is a lone brace.
said = []
while not said or said[-1] not in {"}\n", ""}:
    said.append(server.stdout.readline())
serving = json.loads("".join(said))

# %% [markdown]
# ## Where it goes
#
# Empty labels of the image: all zeros, whatever their size, and many may write to them at once.

# %%
PLACE = f"phantom/cube-{SIZE}"
gateway = connect(serving["url"])
image = gateway[f"{PLACE}/em"]
gateway.create(f"{PLACE}/segments", "labels", of="em")
print("segments:", gateway[f"{PLACE}/segments"].shape)

# %% [markdown]
# ## A block
#
# Read with a margin, smoothed, cut at a threshold; connected components get ids of their block.
# The token is read where the work is done: it does not travel with the task.

# %%
EDGE, MARGIN = 64, 4
IDS = 2**20  # of one block


def segment(voxels):
    """Return components of bright voxels, from 1."""
    return ndimage.label(ndimage.gaussian_filter(voxels.astype(np.float32), 1, truncate=3) > 140)[0]


def segment_block(number, start):
    """Segment a block and write it; return how many segments it has."""
    with connect(serving["url"]) as lake:
        low = np.maximum(np.array(start) - MARGIN, 0)
        high = np.minimum(np.array(start) + EDGE + MARGIN, SIZE)
        read = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        inner = tuple(slice(a - b, a - b + EDGE) for a, b in zip(start, low, strict=True))
        bright = segment(lake[f"{PLACE}/em"][read])[inner] > 0
        components, count = ndimage.label(bright)
        ids = np.where(components, components + np.uint64(number * IDS), 0).astype(np.uint64)
        box = Box(tuple(start), tuple(each + EDGE for each in start))
        lake.write(f"{PLACE}/segments", box, ids)
        return count


# %% [markdown]
# ## All blocks
#
# The address of any Dask scheduler takes the place of the cluster of this machine.

# %%
starts = list(product(range(0, SIZE, EDGE), repeat=3))
with Client(processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None) as dask:
    counts = dask.gather(dask.map(segment_block, range(len(starts)), starts))
print(f"{sum(counts)} segments in {len(counts)} blocks")

# %% [markdown]
# ## Across faces
#
# Segments that touch are one body. Only two slices at each face are read, and of the voxels that
# are stored none is changed: `merge` writes a line to the mapping, which `undo` takes back.

# %%
stored = gateway[f"{PLACE}/segments"]
pairs = []
for axis, at in product(range(3), range(EDGE, SIZE, EDGE)):
    faces = [slice(None)] * 3
    faces[axis] = slice(at - 1, at + 1)
    below, above = np.moveaxis(stored[tuple(faces)], axis, 0)
    touching = (below != 0) & (above != 0)
    pairs.append(np.unique(np.stack([below[touching], above[touching]]), axis=1))
ids, edges = np.unique(np.concatenate(pairs, axis=1), return_inverse=True)
edges = edges.reshape(2, -1)
graph = sparse.coo_array((np.ones(edges.shape[1]), edges), shape=(len(ids), len(ids)))
groups, group_of = sparse.csgraph.connected_components(graph, directed=False)

segments = gateway.open_labels(f"{PLACE}/segments")
for group in range(groups):
    segments.merge(ids[group_of == group].tolist())
print(f"{len(ids)} segments at faces are {groups} bodies")

# %% [markdown]
# ## Ask
#
# The index has voxels and box of each body, as Arrow. DuckDB takes it as it is.

# %%
bodies = gateway.open_labels(f"{PLACE}/segments", bodies=True).all()
largest = duckdb.sql(
    "SELECT label, voxels, z1 - z0 FROM bodies ORDER BY voxels DESC, label LIMIT 5"
)
for label, voxels, height in largest.fetchall():
    print(f"body {label:>8} {voxels:>8} voxels, {height} slices")

# %% [markdown]
# ## The same in one piece
#
# What fits into memory can be segmented whole: the bodies must be its components, voxel by voxel.

# %%
whole = segment(image[...])
by_body = gateway.cutout(f"{PLACE}/segments", f"0:{SIZE},0:{SIZE},0:{SIZE}", bodies=True)
matches = np.unique(np.stack([whole[whole > 0].astype(np.uint64), by_body[whole > 0]]), axis=1)
print("the voxels agree:", np.array_equal(whole > 0, by_body > 0))
print("the bodies agree:", matches.shape[1] == whole.max() == len(bodies))
print("look at it:", gateway.neuroglancer_link(f"{PLACE}/segments"))

# %%
gateway.close()
server.terminate()
server.wait(30)
server.stdout.close()
