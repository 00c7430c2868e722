# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Query annotations
#
# How large are labels, which are neighbours, what do people say of them? All of it is asked of the
# label index by SQL: it is Arrow in memory and Parquet on the store, and DuckDB takes both as they
# are. No voxel is read, but to prove the answers at the end.
#
# It needs `pip install voxlake[tables] matplotlib`. Set `VOXLAKE_LAKE` and `LABELS` to query your
# own labels; nothing is written to them. Otherwise a small lake is made, of a computed phantom with
# known cells; it is gone when the notebook ends.

# %%
import atexit
import os
import shutil
import subprocess
import sys
import tempfile

import duckdb
import matplotlib.pyplot as plt
import numpy as np
import pyarrow as pa

from voxlake.client import connect, open_xarray
from voxlake.ngff.labels.queries.arrow import labels_to_arrow

location = os.environ.get("VOXLAKE_LAKE")
name = os.environ.get("LABELS", "flyem/fib25/bodies")
if not location:
    folder = tempfile.mkdtemp(prefix="voxlake-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    location, name = f"{folder}/lake", "phantom/cube-128/cells"
    demo = ["demo", "--no-serve", "--size", "128", "--lake", location, "--workers", "0"]
    subprocess.run([sys.executable, "-m", "voxlake.cli", *demo], check=True, capture_output=True)

# %% [markdown]
# ## All labels are one table
#
# `label`, `voxels`, the tight half-open box `z0 y0 x0 z1 y1 x1` in voxels of level 0, and how many
# chunks and shards it is in. DuckDB finds it by the name of the variable.

# %%
lake = connect(location)
labels = lake.open_labels(name)
view = labels.view()
cells = labels_to_arrow(view.all())
duckdb.sql("SELECT label, voxels, z0, z1, y0, y1, x0, x1 FROM cells ORDER BY voxels DESC LIMIT 5")

# %%
count, median, largest = duckdb.sql(
    "SELECT count(*), median(voxels), max(voxels) FROM cells"
).fetchall()[0]
print(f"{count} labels, half of them below {median:.0f} voxels, the largest {largest}")

# %% [markdown]
# ## How large are they?
#
# In physical units, by the voxel size of the dataset. Volumes are spread over orders of magnitude,
# so the bins are logarithmic. Few large labels often hold most of the volume: the second curve.

# %%
lake_voxels = open_xarray(lake.address(name))
cubic_microns = float(np.prod(lake_voxels.attrs["voxel_size"])) / 1e9
volumes = cells["voxels"].to_numpy() * cubic_microns
share = np.cumsum(np.sort(volumes)[::-1]) / volumes.sum()

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
left.hist(volumes, bins=np.geomspace(volumes.min(), volumes.max() * 1.001, 25), color="#0072b2")
left.set(xscale="log", xlabel="volume of a label, µm³", ylabel="labels")
right.plot(np.arange(1, count + 1), share, color="#0072b2")
right.set(xlabel="largest labels", ylabel="share of all labelled voxels", ylim=(0, 1.02))
plt.show()

# %% [markdown]
# ## Which are neighbours?
#
# Labels that are near one another have boxes that are, so a join of boxes finds every pair that may
# be neighbours. It needs no voxels. Cells have membranes between them: a gap of 8 voxels is near.

# %%
GAP = 8
candidates = duckdb.sql(
    """
    SELECT a.label AS one, b.label AS other
    FROM cells a JOIN cells b
      ON a.label < b.label
     AND a.z0 < b.z1 + $gap AND b.z0 < a.z1 + $gap
     AND a.y0 < b.y1 + $gap AND b.y0 < a.y1 + $gap
     AND a.x0 < b.x1 + $gap AND b.x0 < a.x1 + $gap
    """,
    params={"gap": GAP},
).to_arrow_table()
print(f"{len(candidates)} of {count * (count - 1) // 2} pairs have boxes that are near")

# %% [markdown]
# A label that fills little of its box, a thin process that crosses the volume, has many candidates:

# %%
duckdb.sql("""
    SELECT label, voxels, round(voxels / ((z1 - z0) * (y1 - y0) * (x1 - x0)), 2) AS filled
    FROM cells ORDER BY filled LIMIT 5
""")

# %% [markdown]
# Whether two are neighbours, only their voxels say: of one pair those where the two boxes are near,
# of all pairs those of the whole volume, if it is as small as here. The boxes miss no pair.

# %%
voxels = lake_voxels.to_numpy()
ids = np.unique(np.append(voxels, voxels.dtype.type(0)))  # 0 is the background
numbers = np.searchsorted(ids, voxels)
found = []
for axis in range(3):
    along = np.moveaxis(numbers, axis, 0)
    for distance in range(1, GAP + 1):
        here, there = along[:-distance], along[distance:]
        near = (here != there) & (here != 0) & (there != 0)
        one, other = np.minimum(here[near], there[near]), np.maximum(here[near], there[near])
        found.append(np.unique(one * len(ids) + other))
one, other = np.divmod(np.unique(np.concatenate(found)), len(ids))
neighbours = pa.table({"one": ids[one], "other": ids[other]})

missed = duckdb.sql("SELECT * FROM neighbours ANTI JOIN candidates USING (one, other)")
print(f"{len(neighbours)} pairs of labels are neighbours")
print("the boxes agree:", missed.fetchall() == [])

# %% [markdown]
# ## What do people say of them?
#
# Names, types and whatever else is known are a table, too: `list_objects(labels.index_url).table`,
# or a spreadsheet of yours. Here the larger half is *traced*, by two annotators.

# %%
ranked = cells.sort_by([("voxels", "descending"), ("label", "ascending")])["label"]
notes = pa.table(
    {
        "id": ranked,
        "status": ["traced" if rank < count // 2 else "open" for rank in range(count)],
        "author": [("ada", "ben")[rank % 2] for rank in range(count)],
    }
)
progress = duckdb.sql("""
    SELECT status, author, count(*) AS labels, sum(voxels)::BIGINT AS voxels
    FROM cells JOIN notes ON label = id
    GROUP BY ALL ORDER BY status DESC, author
""")
progress

# %%
done = duckdb.sql("SELECT sum(voxels) FILTER (status = 'traced') / sum(voxels) FROM progress")
print(f"traced: {done.fetchall()[0][0]:.0%} of all labelled voxels")

# %% [markdown]
# Which labels that are still open have most neighbours that are traced: what to look at next.

# %%
duckdb.sql("""
    WITH pairs AS (FROM neighbours UNION ALL SELECT other, one FROM neighbours)
    SELECT one AS label, any_value(cells.voxels) AS voxels, count(*) AS traced_neighbours
    FROM pairs
    JOIN notes AS mine ON mine.id = one AND mine.status = 'open'
    JOIN notes AS theirs ON theirs.id = other AND theirs.status = 'traced'
    JOIN cells ON cells.label = one
    GROUP BY one ORDER BY traced_neighbours DESC, label LIMIT 5
""")

# %% [markdown]
# ## Where is it crowded?
#
# On the store the index is one Parquet file for each shard, with a row for each label of each
# chunk. DuckDB reads it where it lies, `s3://` as well, and only the columns that it needs.

# %%
in_chunks = duckdb.sql(
    """
    SELECT count(*) AS labels, sum(voxels)::BIGINT AS voxels
    FROM read_parquet($sidecars, filename = true) GROUP BY filename, chunk
    """,
    params={"sidecars": f"{labels.index_url}/shards/*.parquet"},
).to_arrow_table()
print(f"{len(in_chunks)} chunks, {max(in_chunks['labels'].to_pylist())} labels in the fullest")

figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
axes.hist(in_chunks["labels"], bins=20, color="#0072b2")
axes.set(xlabel="labels in a chunk of 64³ voxels", ylabel="chunks")
plt.show()

# %% [markdown]
# ## The same by voxels
#
# What the index says is what is there: the sizes of all labels, counted anew.

# %%
sizes = np.bincount(numbers.ravel())[1:]
counted = dict(zip(ids[1:].tolist(), sizes.tolist(), strict=True))
indexed = dict(zip(cells["label"].to_pylist(), cells["voxels"].to_pylist(), strict=True))
print("the sizes agree:", counted == indexed)
print("the sidecars agree:", sum(in_chunks["voxels"].to_pylist()) == sum(counted.values()))

# %% [markdown]
# Bodies of supervoxels are asked the same way (`open_labels(name, bodies=True)`), and a server that
# has the labels answers by the same tables: `gateway.open_labels(name).all()`.
