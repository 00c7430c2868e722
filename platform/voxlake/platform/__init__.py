"""The ground of voxlake: errors, settings, stores, names, catalog, jobs, access."""
