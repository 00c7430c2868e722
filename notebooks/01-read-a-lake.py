# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Read a lake
#
# A dataset is a folder of OME-Zarr: an image or labels, at several levels of resolution. This
# notebook reads one in four ways: with xarray and Dask, TensorStore and zarr-python straight from
# the store, and through the gateway. All get the same voxels.
#
# Set `VOXLAKE_LAKE` to read your own lake. Otherwise a small one is made, of a computed phantom
# with known cells; it is gone when the notebook ends. It needs `pip install matplotlib`.

# %%
import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter

import dask
import matplotlib.pyplot as plt
import numpy as np
import tensorstore as ts
import zarr

from voxlake.client import connect, open_levels, open_xarray
from voxlake.ngff.grid.box import Box
from voxlake.platform.store import StoreURL, as_tensorstore, as_zarr

# The command of the environment that runs this notebook.
VOXLAKE = [sys.executable, "-m", "voxlake.cli"]

location = os.environ.get("VOXLAKE_LAKE")
if not location:
    folder = tempfile.mkdtemp(prefix="voxlake-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    location = f"{folder}/lake"
    demo = [*VOXLAKE, "demo", "--no-serve", "--size", "160", "--lake", location, "--workers", "0"]
    subprocess.run(demo, check=True, capture_output=True)

# %% [markdown]
# ## What is there
#
# On the address of a store, `connect` looks there itself: it needs no server and no catalog.

# %%
lake = connect(location)
for dataset in lake.datasets():
    print(f"{dataset.name}  {dataset.kind}" + (f" of {dataset.of}" if dataset.of else ""))

# Labels that belong to an image, and that image.
labels_name = next(dataset.name for dataset in lake.datasets() if dataset.of)
image_name = next(
    labels_name.sibling(dataset.of) for dataset in lake.datasets() if dataset.name == labels_name
)

# %% [markdown]
# ## xarray and Dask
#
# Every level is a lazy array in physical coordinates: those of the centres of the voxels. The Dask
# chunks are the shards, so each stored object is read once.

# %%
image_levels = open_levels(lake.address(str(image_name)))
for level in image_levels:
    print(f"level {level.attrs['level']}: {dict(level.sizes)}, voxel {level.attrs['voxel_size']}")

# The finest level that fits easily into the memory of a laptop.
number = next(k for k, level in enumerate(image_levels) if level.nbytes <= 1 << 30)
image = image_levels[number]
image

# %% [markdown]
# The middle slice, and the mean intensity of each, computed shard by shard:

# %%
profile = image.mean(("y", "x")).compute()
print(f"mean intensity by z: {float(profile.min()):.2f} to {float(profile.max()):.2f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
middle = image.isel({axis: 0 for axis in image.dims if axis in "tc"}).isel(z=image.sizes["z"] // 2)
middle.plot.imshow(ax=left, cmap="gray", yincrease=False, add_colorbar=False)
left.set_aspect("equal")
profile.plot.line(x="z", ax=right)
plt.show()

# %% [markdown]
# The ten largest labels: count in each shard, then add up.

# %%
labels = open_xarray(lake.address(str(labels_name)), number)
count = dask.delayed(np.unique)
blocks = [count(block, return_counts=True) for block in labels.data.to_delayed().ravel()]

sizes: Counter[int] = Counter()
for ids, counts in dask.compute(*blocks):
    sizes.update(dict(zip(ids.tolist(), counts.tolist(), strict=True)))
del sizes[0]  # background

for label, voxels in sizes.most_common(10):
    print(f"label {label:>20}  {voxels:>10} voxels")

# %% [markdown]
# ## Which labels are in a box
#
# The label index answers without reading the voxels, but for chunks that the faces of the box cut.
# Boxes are half-open voxels of level 0, in the order z, y, x.

# %%
shape = image_levels[0].shape[-3:]
box = Box(tuple(n // 4 for n in shape), tuple(n // 4 + min(n // 2, 64) for n in shape))
inside = lake.labels(str(labels_name), box)
print(f"{len(inside)} labels in {box}")

largest = int(inside[np.argmax([sizes[int(label)] for label in inside])])
extent = lake.label(str(labels_name), largest)
print(f"label {largest} has {extent.voxels} voxels in {extent.box}")

# %% [markdown]
# ## TensorStore and zarr-python
#
# The store holds plain zarr v3. `as_tensorstore` and `as_zarr` fill in endpoint and credentials,
# for a folder and for S3 alike.

# %%
array_url = StoreURL.parse(lake.address(str(image_name))) / "0"
region = (..., *box.slices)

with_tensorstore = ts.open({"driver": "zarr3", "kvstore": as_tensorstore(array_url)}, open=True)
cutout = with_tensorstore.result()[region].read().result()

with_zarr = zarr.open_array(as_zarr(array_url), mode="r")
print("zarr-python and TensorStore agree:", np.array_equal(with_zarr[region], cutout))
print("xarray agrees:", np.array_equal(image_levels[0][region], cutout))

# %% [markdown]
# ## Through the gateway
#
# `voxlake serve` answers those who may not reach the store. On your own machine the owner's token
# lies in a file that only you can read, and `connect` finds it.

# %%
server = subprocess.Popen(
    [*VOXLAKE, "serve", "--lake", location, "--port", "0", "--json"],
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

gateway = connect(serving["url"])
print("datasets:", ", ".join(dataset.name for dataset in gateway.datasets()))

# %%
answer = gateway.cutout(str(image_name), box)
print("the gateway agrees:", np.array_equal(answer, cutout))
print("and finds the same labels:", np.array_equal(gateway.labels(str(labels_name), box), inside))

# The same lazy array as from the store, over HTTP.
remote = open_xarray(gateway.address(str(image_name)), token=gateway.token)
print("and so does xarray over it:", np.array_equal(remote[region], cutout))

# %% [markdown]
# The image with its labels in Neuroglancer. First log in with the one-time link, in the browser
# that is to show them.

# %%
link = gateway.neuroglancer_link(str(image_name))
print("log in:", serving["login_link"])
print("then open:", link)

# %% [markdown]
# Stop the gateway when you have seen enough.

# %%
gateway.close()
server.terminate()
server.wait(30)
server.stdout.close()
