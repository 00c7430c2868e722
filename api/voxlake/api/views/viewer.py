"""The viewer's static files, and a page that explains what to do where they are not built."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from voxlake.api.guards.datasets import PublicApp
from voxlake.api.http.layers.layer import with_headers
from voxlake.api.views.neuroglancer import PUBLIC_VIEWER
from voxlake.api.views.packed_files import PackedFiles
from voxlake.api.views.viewer_folder import VIEWER_FOLDER

VIEWER_POLICY = "; ".join(
    (
        "default-src 'none'",
        # Its decoders are WebAssembly.
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        # A state may name sources on any server.
        "connect-src 'self' http: https: data: blob:",
        "form-action 'none'",
        "base-uri 'none'",
        # Notebooks show the viewer in a frame of the same machine.
        "frame-ancestors 'self'",
    )
)

WORKER_POLICY = VIEWER_POLICY.replace("'wasm-unsafe-eval'", "'wasm-unsafe-eval' 'unsafe-eval'")
"""Of the files of workers, which follow their own policy: the decoders of zstd and blosc build
functions from text. The page itself, which has the DOM and draws what states say, may not."""

_NOT_BUILT = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>voxlake: viewer not built</title></head>
<body>
<h1>The viewer is not built</h1>
<p>This installation has no viewer files. In a checkout of voxlake, with Node 20 or newer:</p>
<pre>cd api/viewer
npm ci --ignore-scripts
npm run build</pre>
<p>Then load this page again. Until then the
<a id="public" href="{PUBLIC_VIEWER}">public viewer</a> shows <em>public</em> datasets of this
server: copy what follows <code>#</code> in this page's address to the end of its own.</p>
</body></html>
"""


class Viewer(PublicApp):
    """Serves the built viewer, looked for at each request so that no restart is needed."""

    def __init__(self, folder: Path = VIEWER_FOLDER) -> None:
        self.folder = folder
        self.files = PackedFiles(directory=folder, html=True, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        built = (self.folder / "index.html").is_file()
        app: ASGIApp = self.files if built else HTMLResponse(_NOT_BUILT, status_code=503)
        hashed = "/assets/" in scope["path"]
        # Names of assets change with their content.
        lasting = "public, max-age=31536000, immutable"
        own = {
            "Content-Security-Policy": WORKER_POLICY if hashed else VIEWER_POLICY,
            "X-Frame-Options": "SAMEORIGIN",
            "Cache-Control": lasting if hashed else "no-cache",
        }
        await app(scope, receive, with_headers(send, lambda headers: headers.update(own)))
