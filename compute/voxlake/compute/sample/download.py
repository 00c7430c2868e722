"""Fetch files by name and SHA-256 into a cache folder, several at a time."""

from __future__ import annotations

import errno
import logging
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import pooch

from voxlake.platform.errors import (
    CorruptDataError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

type Progress = Callable[[int, int], None]
"""Called with the files done and the files in all."""


def say_nothing(done: int, total: int) -> None:
    """Report no progress."""


_PARALLEL = 8
_TIMEOUT_S = 30


def download(
    cache: Path, base_url: str, registry: dict[str, str], remote: dict[str, str], report: Progress
) -> None:
    """Bring the files of `registry` (name below `cache` -> SHA-256) into `cache`.

    Files that are there and whole are left alone, so a download that broke off goes on where it
    stopped. A file is checked before it takes its name.

    Parameters
    ----------
    remote : dict
        Name -> address below `base_url`.
    report : callable
        Called after each file, from one thread.

    Raises
    ------
    StoreUnavailableError
        If the server cannot be reached or does not have a file.
    CorruptDataError
        If it sends other bytes than the registry tells.
    StoreFullError
        If no space is left for the cache.
    """
    pooch.get_logger().setLevel(logging.WARNING)  # it announces each file
    urls = {name: f"{base_url.rstrip('/')}/{address}" for name, address in remote.items()}
    client = pooch.create(cache, base_url, registry=registry, urls=urls)

    for folder in {(cache / name).parent for name in registry}:
        _make_folder(folder)  # pooch's threads would race to do it

    def fetch(name: str) -> None:
        # Not streamed: of an error, pooch would leave the connection open.
        fetcher = pooch.HTTPDownloader(timeout=_TIMEOUT_S, stream=False)
        try:
            client.fetch(name, downloader=fetcher)
        except ValueError as error:
            raise CorruptDataError(
                f"{urls[name]} does not have the bytes of the sample (another SHA-256): something "
                "on the way answers in its place, or it has changed; try from another network"
            ) from error
        except OSError as error:  # requests' errors are of this kind
            raise _explain(urls[name], cache, error) from error

    _fetch_all(sorted(registry), fetch, report)


def _fetch_all(names: list[str], fetch: Callable[[str], None], report: Progress) -> None:
    with ThreadPoolExecutor(_PARALLEL) as pool:
        pending = {pool.submit(fetch, name) for name in names}
        try:
            while pending:
                done, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                report(len(names) - len(pending), len(names))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the cache folder {folder} cannot be made ({error}); name another"
        ) from error


def _explain(url: str, cache: Path, error: OSError) -> StoreUnavailableError | StoreFullError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StoreFullError(f"no space is left for the sample in {cache}; free some")
    return StoreUnavailableError(
        f"the sample's file {url} cannot be downloaded ({error}); check the network, or give a "
        "folder that has the sample"
    )
