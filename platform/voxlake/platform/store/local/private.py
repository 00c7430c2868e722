"""Files and folders of this machine that nobody but their owner may look into."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from voxlake.platform.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def private_folder(folder: Path) -> Path:
    """Return a folder of this user alone (mode 0700), made if it is not there.

    Raises
    ------
    StoreError
        If somebody else made it, or something else has its name: they could read and change what
        is put there.
    """
    with suppress(FileExistsError):  # of something else, too
        folder.mkdir(mode=0o700, parents=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise StoreError(
            f"{folder} should be a folder of this user alone and belongs to somebody else, or is "
            "no folder; move it away, or name another place for temporary files with TMPDIR"
        )
    if found.st_mode & _OTHERS:
        folder.chmod(0o700)
    return folder


def make_private(path: Path) -> None:
    """Take from others what they may do with a file of this user; make it if it is not there.

    Of a file that belongs to somebody else, or lies where nothing can be changed, nothing is.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        found = path.lstat()
        if found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) & _OTHERS:
            with suppress(OSError):
                path.chmod(0o600, follow_symlinks=False)
