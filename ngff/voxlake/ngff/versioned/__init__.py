"""Versioned tables: numbered documents that name immutable, sorted segments.

Everything is created once and never changed, so any number of processes may read what another is
about to replace: the document of the highest number says what is in force, of several that make
one number one succeeds, and what no document names any more is swept when it is old.
"""
