"""Static files, sent compressed where they lie compressed beside: `name.br`, `name.gz`."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from voxlake.api.http.requests.codings import IDENTITY, preferred_coding

SUFFIXES = {"br": ".br", "gzip": ".gz"}
"""Codings that files may lie in, the smallest first."""


class PackedFiles(StaticFiles):
    """The files of a folder, of which whoever built them has compressed those that shrink."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Return a file in the best coding that it lies in and the client takes."""
        path, there = Path(full_path), {IDENTITY: stat_result}
        for coding, suffix in SUFFIXES.items():
            if (packed := path.with_name(path.name + suffix)).is_file():
                there[coding] = packed.stat()
        offered = [coding for coding in SUFFIXES if coding in there]
        coding = preferred_coding(Headers(scope=scope).get("accept-encoding"), offered)
        chosen = path.with_name(path.name + SUFFIXES.get(coding, ""))
        response = super().file_response(chosen, there[coding], scope, status_code)
        response.headers["Vary"] = "Accept-Encoding"
        if coding != IDENTITY:
            response.headers["Content-Encoding"] = coding
        return response
