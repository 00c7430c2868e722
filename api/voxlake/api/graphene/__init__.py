"""Labels as a graph: the part of PyChunkedGraph's HTTP that Neuroglancer and CAVE's clients need.

A dataset of labels is the table ``COLLECTION.EXPERIMENT.DATASET``. Supervoxels are its labels,
roots its bodies; changes are merges and cleaves of its mapping, the same as anywhere else.
"""
