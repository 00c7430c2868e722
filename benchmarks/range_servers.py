"""Servers of ranges of files as frameworks have them.

``python -m benchmarks.range_servers KIND FOLDER`` prints its URL, and serves. KIND is
``file-response`` (Starlette's), or ``obstore`` (a stream of it).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, Response, StreamingResponse
from obstore.store import LocalStore

from voxlake.api.workers.listeners import listen

if TYPE_CHECKING:
    from collections.abc import Callable


def of_files(folder: Path) -> FastAPI:
    """Answer with Starlette's files, which know ranges."""
    app = FastAPI()

    @app.get("/{key:path}")
    async def get(key: str) -> Response:
        return FileResponse(folder / key)

    return app


def of_obstore(folder: Path) -> FastAPI:
    """Answer with streams of obstore."""
    app, store = FastAPI(), LocalStore(folder)

    @app.get("/{key:path}")
    async def get(key: str, request: Request) -> Response:
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""))
        if asked is None:
            found = await obstore.get_async(store, key)
            return StreamingResponse(found.stream())
        start, last = int(asked[1]), int(asked[2])
        found = await obstore.get_async(store, key, options={"range": (start, last + 1)})
        headers = {
            "Content-Range": f"bytes {start}-{last}/{found.meta['size']}",
            "Content-Length": str(last + 1 - start),
            "ETag": str(found.meta["e_tag"]),
        }
        return StreamingResponse(found.stream(), 206, headers)

    return app


KINDS: dict[str, Callable[[Path], FastAPI]] = {"file-response": of_files, "obstore": of_obstore}


def main() -> None:
    """Serve until told to end."""
    app = KINDS[sys.argv[1]](Path(sys.argv[2]))
    with listen("127.0.0.1", 0) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
