"""A look at a source, before anything is planned of it: what it is, and its middle slice."""
