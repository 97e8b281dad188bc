"""The web application: the page's files, and JSON that it polls. Nothing in it writes."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from floe_console.data.as_data import platform_as_data, run_as_data
from floe_console.data.detail import node_detail, run_detail
from floe_console.data.refresh import Platform
from floe_console.data.run_book import ListedRun, Search
from floe_console.mesh_data import product_as_data

# Deadlines pass and ticks come although nothing was read.
SECONDS = 10.0

MOST_LISTED = 500
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
# Everything is from here, nothing is inline, and no other page may frame it.
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
_STATIC = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "elements.js": "text/javascript",
    "graph.js": "text/javascript",
    "views.js": "text/javascript",
    "details.js": "text/javascript",
    "server.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


def application(platform: Platform, hosts: Sequence[str] = LOCAL_HOSTS) -> Starlette:
    """Return the application. It answers requests for `hosts` only, against DNS rebinding."""
    pages = _Pages(platform)
    return Starlette(
        routes=[
            Route("/", _static("index.html", "text/html")),
            Route("/dagre.js", _library),
            *(Route(f"/{name}", _static(name, kind)) for name, kind in _STATIC.items()),
            Route("/api/platform", pages.platform),
            Route("/api/product", pages.product),
            Route("/api/runs", pages.runs),
            Route("/api/run", pages.run),
            Route("/api/node", pages.node),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts)),
            Middleware(_SecurityHeaders),
            Middleware(GZipMiddleware, minimum_size=2000, compresslevel=5),
        ],
    )


class _Pages:
    """The answers to the page's requests. Not async: they may read files, in a thread each."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._snapshot = CachedSnapshot(platform)

    def platform(self, request: Request) -> Response:
        snapshot = self._snapshot.get()
        if request.headers.get("if-none-match") == snapshot.etag:
            return Response(status_code=304, headers={"etag": snapshot.etag})
        return Response(
            snapshot.body,
            media_type="application/json",
            headers={"etag": snapshot.etag, "cache-control": "no-cache"},
        )

    def product(self, request: Request) -> Response:
        name = request.query_params.get("name", "")
        for each in self._platform.known.mesh.products:
            if each.name == name:
                return JSONResponse(product_as_data(each))
        return PlainTextResponse("no such product is known", 404)

    def runs(self, request: Request) -> Response:
        asked = request.query_params
        try:
            wanted = Search(
                text=asked.get("text", ""),
                product=asked.get("product", ""),
                state=asked.get("state", ""),
                place=asked.get("place", ""),
                since=_moment(asked.get("since")),
                until=_moment(asked.get("until")),
            )
            limit, offset = int(asked.get("limit", 100)), int(asked.get("offset", 0))
        except ValueError as error:
            return PlainTextResponse(str(error), 400)
        limit, offset = min(max(limit, 0), MOST_LISTED), max(offset, 0)
        found, count = self._platform.book.search(wanted, limit, offset)
        return JSONResponse({"count": count, "runs": [run_as_data(each) for each in found]})

    def run(self, request: Request) -> Response:
        listed = self._find(request)
        if listed is None:
            return PlainTextResponse("no such run is known", 404)
        return JSONResponse(run_detail(self._platform, listed))

    def node(self, request: Request) -> Response:
        listed = self._find(request)
        node_id = request.query_params.get("node", "")
        found = node_detail(self._platform, listed, node_id) if listed else None
        if found is None:
            return PlainTextResponse("no such node is known", 404)
        return JSONResponse(found)

    def _find(self, request: Request) -> ListedRun | None:
        asked = request.query_params
        names = (asked.get(name, "") for name in ("place", "product", "run"))
        return self._platform.find(*names)


class _SecurityHeaders:
    """Adds the headers to each response."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app
        self._headers = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_with_headers(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._headers]}
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _static(name: str, kind: str) -> Callable[[Request], Response]:
    content = files(__package__).joinpath("static", name).read_bytes()

    def respond(request: Request) -> Response:
        return Response(content, media_type=kind, headers={"cache-control": "no-cache"})

    return respond


def _library(request: Request) -> Response:
    """Return the library that lays out the graph, which floe's other pages use too."""
    libraries = files("floe_core.cli.pages").joinpath("page_libraries")
    licence = libraries.joinpath("dagre.LICENSE").read_text("utf-8")
    code = libraries.joinpath("dagre.min.js").read_text("utf-8")
    return Response(f"/*!\n{licence}\n*/\n{code}", media_type="text/javascript")


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The bytes of the JSON, and a tag that differs if anything but the time of making does."""

    body: bytes
    etag: str


class CachedSnapshot:
    """The last snapshot; requests that come at once make one."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._lock = threading.Lock()
        self._made_of: tuple[int, int] | None = None
        self._snapshot = Snapshot(b"", "")

    def get(self) -> Snapshot:
        """Return a snapshot that is current."""
        with self._lock:
            now = self._platform.version, int(time.monotonic() / SECONDS)
            if self._made_of != now:
                self._snapshot, self._made_of = self._make(), now
            return self._snapshot

    def _make(self) -> Snapshot:
        data = platform_as_data(self._platform)
        for port in (port for each in data["products"] for port in each["ports"]):
            del port["columns"]  # `/api/product` has them.
        body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
        told = {key: value for key, value in data.items() if key not in ("at", "read_at")}
        told["places"] = [{**each, "read_at": None} for each in data["places"]]
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        return Snapshot(body, f'"{digest[:32]}"')
