"""Stored bytes: ranges of the objects of a dataset, as they lie (RFC 9110).

Plain ASGI, as this is the hot path of every viewer and zarr client.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from html import escape
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from voxlake.api.data import datasets as data
from voxlake.api.data import portions
from voxlake.api.data.stored.objects import Choose, Part, part_of
from voxlake.api.guards.datasets import Granted, Requires, grant, relatives
from voxlake.api.http.answers.problems import problem
from voxlake.api.http.answers.stream import SOCKET_BYTES, send_end, send_start
from voxlake.api.http.file_span import FileSpan, takes_file_spans
from voxlake.api.http.limits.budget import Budget
from voxlake.api.http.requests.parameters import refuse_parameters
from voxlake.api.http.requests.ranges import early_status, parse_range, range_applies, resolve
from voxlake.api.views.keys import is_chunk_key, labels_key
from voxlake.api.views.labels_list import TELLING, only_labels
from voxlake.api.views.levels_list import only_levels
from voxlake.api.views.store_redirect import prefers_redirect, redirect
from voxlake.platform.access import ReadVoxels
from voxlake.platform.errors import ConflictError, NotFoundError, ObjectNotFoundError
from voxlake.platform.store.info import ObjectInfo

METHODS = ("GET", "HEAD")


_NO_HEADERS: Mapping[str, str] = MappingProxyType({})

type Answer = Callable[[Scope, Granted[ReadVoxels], str], Awaitable[Response]]
"""Answers GET and HEAD of a key below a dataset; in charge of what those may read who are limited
to a part of it."""


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """A route of keys; its guard is asked each time, for the dataset that the key lies in."""

    guard: Requires[ReadVoxels]
    answer: Answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        granted, key = await locate(scope, self.guard.right)
        refuse_parameters(scope)
        if scope["method"] not in METHODS:
            detail = f"{scope['method']} is not possible here; use GET or HEAD"
            headers = {"Allow": ", ".join(METHODS)}
            answer: Response = problem(
                scope, "method-not-allowed", HTTPStatus.METHOD_NOT_ALLOWED, detail, headers
            )
        elif key is None:
            # Not a redirect: for clients, what is not there without a slash is a folder with it.
            detail = f"{granted.record.name} is a folder; ask for it with a slash at its end"
            answer = problem(scope, "not-found", HTTPStatus.NOT_FOUND, detail)
        else:
            answer = await self.answer(scope, granted, key)
        await answer(scope, receive, send)


async def get_stored(scope: Scope, granted: Granted[ReadVoxels], key: str) -> Response:
    """Answer GET and HEAD of an object, or of a folder."""
    await portions.check_key(granted, key)
    if key == "" or key.endswith("/"):
        return await get_listing(granted, key)
    return await get_object(scope, granted, key)


def routes_of(view: str, answer: Answer) -> tuple[Route, Route]:
    """Return the routes of a view of datasets by keys: below a dataset, and of itself."""
    app = StoredBytes(Requires(ReadVoxels, portions=True), answer)
    dataset = f"/{view}/{{collection}}/{{experiment}}/{{dataset}}"
    return Route(f"{dataset}/{{key:path}}", app, name=view), Route(dataset, app)


routes = routes_of("zarr", get_stored)


async def locate(scope: Scope, right: type[ReadVoxels]) -> tuple[Granted[ReadVoxels], str | None]:
    """Return the dataset that a path lies in, if the asker may read it, and the key below it.

    The key is None of the dataset's own path without a slash at its end.

    What lies in the labels of an image is governed by the permissions of those labels, and not by
    the image's. Of a dataset that is being deleted nothing is there, and chunks are in conflict
    with that: clients take those that are not there for fill.
    """
    names = ("collection", "experiment", "dataset")
    collection, experiment, image = (scope["path_params"][name] for name in names)
    key = scope["path_params"].get("key")
    deleted = ConflictError if is_chunk_key(key or "") else NotFoundError
    if (inner := labels_key(key or "")) is None:
        parts = (collection, experiment, image)
        return await grant(scope, parts, right, deleted=deleted, portions=True), key
    labels, key = inner
    parts = (collection, experiment, labels)
    return await grant(scope, parts, right, of=image, deleted=deleted, portions=True), key


async def get_object(scope: Scope, granted: Granted[ReadVoxels], key: str) -> Response:
    """Answer GET and HEAD of an object.

    Raises
    ------
    ObjectNotFoundError
        If there is none.
    ConflictError
        If it would be a shard of an array that is not there.
    """
    if key in TELLING and (granted.record.kind == "image" or granted.portion):
        return await get_telling(scope, granted, key)
    if prefers_redirect(scope) and (address := await data.signed_address(granted, key)):
        return redirect(address)
    try:
        if scope["method"] == "HEAD":
            return head(scope, granted, key, await data.summarize_object(granted, key))
        return await get(scope, granted, key, partial(data.read_object, granted, key))
    except ObjectNotFoundError:
        await data.check_array(granted, key)
        raise


def head(scope: Scope, granted: Granted[ReadVoxels], key: str, summary: ObjectInfo) -> Response:
    """Answer HEAD: all headers, no body."""
    early = check_conditions(scope, summary)
    headers = describe(granted, key, summary)
    if early is not None:
        return refuse(scope, early, headers)
    return Response(headers={**headers, "Content-Length": str(summary.size)})


async def get(
    scope: Scope,
    granted: Granted[ReadVoxels],
    key: str,
    read: Callable[[Choose], Awaitable[Part]],
) -> Response:
    """Answer GET: what is read, a part of it, or that the client has it already."""
    status = HTTPStatus.OK

    def pick(summary: ObjectInfo) -> tuple[int, int] | None:
        nonlocal status
        status, span = choose(scope, summary)
        return span

    part = await read(pick)
    return send_part(scope, granted, key, status, part)


def send_part(
    scope: Scope,
    granted: Granted[ReadVoxels],
    key: str,
    status: HTTPStatus,
    part: Part,
    more: Mapping[str, str] = _NO_HEADERS,
) -> Response:
    """Return the answer that carries what was chosen of an object, if anything was.

    `more` are headers that describe it besides, or instead.
    """
    headers = {
        **describe(granted, key, part.info),
        **describe_range(status, part.info, part.span),
        **more,
    }
    if part.span is None:
        return refuse(scope, status, headers)
    return PartResponse(part, status, headers, granted.gateway.answers)


async def get_listing(granted: Granted[ReadVoxels], key: str) -> Response:
    """Answer GET and HEAD of a folder: links to what is in it.

    Clients that open a group (xarray, zarr-python, Neuroglancer's completion) find its arrays so.
    """
    names = await data.list_folder(granted, key)
    if granted.record.kind == "image" and key == "labels/":
        visible = await visible_labels(granted)
        shown = {f"{folder}/": f"{name}/" for folder, name in visible.items()}
        names = sorted(shown.get(name, name) for name in names if name in shown or name[-1] != "/")
    if granted.portion and not key:
        starts = {path.partition("/")[0] for path in await portions.open_levels(granted)}
        names = [name for name in names if name in portions.GROUP or name.rstrip("/") in starts]
    return folder_page(granted, names)


def folder_page(granted: Granted[ReadVoxels], names: Collection[str]) -> Response:
    """Return the page of a folder in which there are so many names, those of folders with ``/``."""
    links = "".join(f'<li><a href="{quote(name)}">{escape(name)}</a></li>' for name in names)
    page = f"<!doctype html><title>{granted.record.name}</title><ul>{links}</ul>"
    return HTMLResponse(page, headers={"Cache-Control": "no-store"})


def _as_it_is(body: bytes) -> bytes:
    return body


async def get_telling(
    scope: Scope,
    granted: Granted[ReadVoxels],
    key: str,
    cut: Callable[[bytes], bytes] = _as_it_is,
) -> Response:
    """Answer GET and HEAD of a document that may tell of labels or levels, cut to what may be read.

    What is cut differs from asker to asker, so it has no ETag and is sent whole. A view may `cut`
    more; it returns the same body if there is nothing to cut.
    """
    whole = await data.read_object(granted, key, lambda summary: (0, summary.size))
    try:
        body = b"".join([bytes(block) async for block in whole.blocks])
    finally:
        whole.release()
    shown = body
    if granted.record.kind == "image" and b"labels" in body:
        shown = only_labels(key, body, await visible_labels(granted))
    if granted.portion:
        shown = only_levels(shown, await portions.open_levels(granted))
    shown = cut(shown)
    if shown is not body:
        return Response(shown, headers={"Cache-Control": "no-store"}, media_type="application/json")
    if scope["method"] == "HEAD":
        return head(scope, granted, key, whole.info)
    status, span = choose(scope, whole.info)
    return send_part(scope, granted, key, status, part_of(body, whole.info, span))


def send_made(scope: Scope, granted: Granted[ReadVoxels], key: str, body: bytes) -> Response:
    """Answer GET and HEAD with bytes that were made of what is stored; of them is the ETag."""
    info = made_info(granted, body)
    if scope["method"] == "HEAD":
        return head(scope, granted, key, info)
    status, span = choose(scope, info)
    return send_part(scope, granted, key, status, part_of(body, info, span))


def made_info(granted: Granted[ReadVoxels], body: bytes) -> ObjectInfo:
    """Return size and ETag of bytes that were made."""
    return ObjectInfo(granted.lake, len(body), f'"{sha256(body).hexdigest()[:32]}"')


async def visible_labels(granted: Granted[ReadVoxels]) -> dict[str, str]:
    """Return the labels of an image that the asker may see: names by their folders on the store."""
    records = [each.record for each in await relatives(granted)]
    folders = (each.url.partition("?")[0].rpartition("/")[2] for each in records)
    return {
        folder: each.name.dataset for folder, each in zip(folders, records, strict=True) if each.of
    }


def choose(scope: Scope, summary: ObjectInfo) -> tuple[HTTPStatus, tuple[int, int] | None]:
    """Return status and bytes ``[start, stop)`` that answer a GET request; None: no bytes."""
    early = check_conditions(scope, summary)
    if early is not None:
        return early, None
    headers = Headers(scope=scope)
    wanted = parse_range(headers.get("range"))
    if wanted is None or not range_applies(headers.get("if-range"), summary.etag):
        return HTTPStatus.OK, (0, summary.size)
    span = resolve(wanted, summary.size)
    return HTTPStatus.PARTIAL_CONTENT if span else HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, span


def describe_range(
    status: HTTPStatus, summary: ObjectInfo, span: tuple[int, int] | None
) -> dict[str, str]:
    """Return the headers that say which bytes are sent."""
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return {"Content-Range": f"bytes */{summary.size}"}
    if span is None:
        return {}
    start, stop = span
    headers = {"Content-Length": str(stop - start)}
    if status == HTTPStatus.PARTIAL_CONTENT:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{summary.size}"
    return headers


def check_conditions(scope: Scope, summary: ObjectInfo) -> HTTPStatus | None:
    """Return the status that ends the request early, by RFC 9110 13.2.2; None to go on."""
    return early_status(Headers(scope=scope), summary.etag)


def describe(granted: Granted[ReadVoxels], key: str, summary: ObjectInfo) -> dict[str, str]:
    """Return the headers of an object, whichever part of it is sent.

    Objects may be written anew at any time: caches keep them, and ask with the ETag whether they
    still hold. Those of a private dataset are kept by nobody but the reader.
    """
    shared = "public" if granted.record.public else "private"
    is_json = key.rpartition("/")[2] in {"zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata"}
    return {
        "Content-Type": "application/json" if is_json else "application/octet-stream",
        "ETag": summary.etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": f"{shared}, no-cache",
        **({} if granted.record.public else {"Vary": "Authorization, Cookie"}),
    }


def refuse(scope: Scope, status: HTTPStatus, headers: dict[str, str]) -> Response:
    """Return the answer that carries no bytes of the object."""
    if status == HTTPStatus.NOT_MODIFIED:
        headers.pop("Content-Type")
        return Response(status_code=status, headers=headers)
    kind, detail = {
        HTTPStatus.PRECONDITION_FAILED: (
            "precondition-failed",
            "the object is not the one that If-Match names; read it again",
        ),
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: (
            "range-not-satisfiable",
            f"the range begins after the end, {headers.get('Content-Range')}; ask within it",
        ),
    }[status]
    kept = {name: headers[name] for name in headers if name in {"ETag", "Content-Range"}}
    return problem(scope, kind, status, detail, kept)


class PartResponse(Response):
    """Sends a part of an object as it is read.

    What of it is in memory counts against `budget` until the socket took it, but it never waits for
    that: a viewer's chunks are little and many.
    """

    def __init__(
        self, part: Part, status: HTTPStatus, headers: dict[str, str], budget: Budget
    ) -> None:
        self.part, self.budget = part, budget
        super().__init__(status_code=status)
        self.raw_headers = [(k.lower().encode(), v.encode()) for k, v in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Serve one request."""
        try:
            with self.budget.count(self.part.held_bytes):
                await self._send(send, as_spans=takes_file_spans(scope))
        finally:
            self.part.release()

    async def _send(self, send: Send, *, as_spans: bool) -> None:
        """Send the blocks, the first before the next is read."""
        await send_start(send, self.raw_headers, self.status_code)
        more = self.part.size > SOCKET_BYTES
        async for block in self.part.blocks:
            body = block if as_spans or not isinstance(block, FileSpan) else bytes(block)
            await send({"type": "http.response.body", "body": body, "more_body": more})
        if more or self.part.size == 0:
            # The server waits for the socket before it ends the body.
            await send_end(send)
