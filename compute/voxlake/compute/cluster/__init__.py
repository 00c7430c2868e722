"""Run tasks on a Dask cluster: the one room that talks to one."""
