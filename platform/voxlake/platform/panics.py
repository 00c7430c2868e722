"""Panics of native libraries: what Rust code raises where it did not expect to fail.

pyo3, by which such libraries are bound, derives them from BaseException, so that ``except
Exception`` lets them pass: https://docs.rs/pyo3/latest/pyo3/panic/struct.PanicException.html.
"""

from __future__ import annotations


def is_panic(error: BaseException) -> bool:
    """Return whether a native library panicked; each has a class of its own of that name.

    Examples
    --------
    >>> is_panic(KeyboardInterrupt())
    False
    """
    return (type(error).__module__, type(error).__name__) == ("pyo3_runtime", "PanicException")
