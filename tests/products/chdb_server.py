"""A server for tests: the HTTP interface of ClickHouse, answered by the real engine (chdb).

It is not a ClickHouse server: one process without clusters, roles and quotas, which compresses no
answers. What a client sees of databases, tables, sessions, settings and errors is the engine's own.

    CLICKHOUSE_PASSWORD=... python chdb_server.py FOLDER PORT
"""

from __future__ import annotations

import gzip
import os
import re
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import chdb
import lz4.frame

# Arguments of the interface itself; every other one is a setting of the query.
OF_THE_INTERFACE = frozenset(
    {
        *("query", "database", "default_format", "query_id", "quota_key", "role", "user"),
        *("password", "session_id", "session_timeout", "session_check", "compress", "decompress"),
        *("wait_end_of_query", "buffer_size", "client_protocol_version"),
        *("enable_http_compression", "send_progress_in_http_headers"),
        "http_headers_progress_interval_ms",
    }
)
COMMENTS = rb"\s*(?:/\*.*?\*/\s*|--[^\n]*\n\s*)*"
# One with data in a format after it; its settings may have texts.
INSERT = re.compile(
    rb"(" + COMMENTS + rb"insert\s+into\b(?:'[^']*'|(?!\b(?:values|select|with)\b)[^'])*?)"
    rb"\bformat\s+(\w+)[ \t\r]*\n?(.+)",
    re.I | re.S,
)
READS = re.compile(COMMENTS + rb"\(*(select|with|show|desc|describe|exists|explain)\b", re.I | re.S)
CODE = re.compile(r"Code: (\d+)\. DB::")
SYNTAX, UNAUTHENTICATED = 62, 516
UNKNOWN = frozenset({16, 46, 47, 50, 56, 60, 81, 115})
IDLE_SECONDS = 60
DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.decompress,
    "lz4": lz4.frame.decompress,
}


class QueryError(Exception):
    """An error of the engine, with the text that its server would send."""

    def __init__(self, text: str) -> None:
        text = text[text.find("Code: ") :].strip() if "Code: " in text else text
        super().__init__(text if "(version " in text else f"{text} (version {chdb.engine_version})")
        found = CODE.match(text)
        self.code = int(found[1]) if found else 1001

    @property
    def status(self) -> int:
        """Return the HTTP status that ClickHouse gives it."""
        if self.code == UNAUTHENTICATED:
            return 403
        return 404 if self.code in UNKNOWN else 400 if self.code == SYNTAX else 500


@dataclass
class Session:
    """A connection to the engine, with temporary tables and settings of its own."""

    connection: Any
    lock: threading.Lock = field(default_factory=threading.Lock)
    used: float = field(default_factory=time.monotonic)

    def run(self, text: str | bytes, form: str = "TabSeparated", **values: str) -> bytes:
        """Return what a statement gives, in a format; an inserting one gets its data after it."""
        encoded = text.encode() if isinstance(text, str) else text
        try:
            if found := INSERT.fullmatch(encoded):
                statement, kind, data = found.groups()
                with self.connection.send_insert(statement.decode(), kind.decode()) as rows:
                    rows.append(data)
                    rows.finish()
                return b""
            if b";" in encoded.rstrip(b"; \n\t"):  # chdb would run several statements.
                self.connection.query(f"select formatQuery({quote(encoded.decode())})")
            return bytes(
                self.connection.query(encoded.decode(), form, params=values or None).bytes()
            )
        except RuntimeError as error:
            raise QueryError(str(error)) from error

    @contextmanager
    def settings(self, database: str, values: Mapping[str, str]) -> Iterator[None]:
        """Apply a database and settings for one query, as the server does."""
        before = self.run("select currentDatabase()").decode().strip()
        names = ", ".join(map(quote, values)) or "''"
        known = self.run(f"select name, value from system.settings where name in ({names})")
        former = dict(line.split("\t") for line in known.decode().splitlines())
        try:
            self._set(database, values)
            yield
        finally:
            with suppress(QueryError):  # The query may have dropped the database.
                self._set(before, former)

    def _set(self, database: str, values: Mapping[str, str]) -> None:
        if values:
            self.run("set " + ", ".join(f"`{name}` = {quote(values[name])}" for name in values))
        if database:
            self.run(f"use `{database}`")


class Engine:
    """The engine in a folder, and its sessions by name."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()
        self._kept_open = self._open()

    @contextmanager
    def session(self, name: str) -> Iterator[Session]:
        """Give a session for one query; without a name, one that ends with it."""
        with self._lock:
            session = self._sessions.pop(name, None) or self._open()
            if name:
                self._sessions[name] = session
            self._end_idle()
        with session.lock:
            try:
                yield session
            finally:
                session.used = time.monotonic()
                if not name:
                    session.connection.close()

    def _open(self) -> Session:
        session = Session(chdb.connect(self._folder))
        session.run("set implicit_select = 0")  # A server has no expressions without SELECT.
        return session

    def _end_idle(self) -> None:
        for name, each in list(self._sessions.items()):
            if time.monotonic() - each.used > IDLE_SECONDS and not each.lock.locked():
                self._sessions.pop(name).connection.close()


class Handler(BaseHTTPRequestHandler):
    """Answer one client."""

    protocol_version = "HTTP/1.1"
    engine: Engine
    authorization: str

    def do_GET(self) -> None:
        """Answer a ping, or a query in the URL."""
        if urlsplit(self.path).path == "/ping":
            self._answer(200, b"Ok.\n")
        else:
            self.do_POST()

    def do_POST(self) -> None:
        """Answer a query in the URL and the body."""
        given = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        query = b"\n".join(filter(None, (given.get("query", "").encode(), self._content())))
        form = given.get("default_format", "TabSeparated")
        headers = {"X-ClickHouse-Query-Id": given.get("query_id", "")}
        try:
            self._authenticate()
            found = self._ask(query, form, given)
        except QueryError as error:
            headers["X-ClickHouse-Exception-Code"] = str(error.code)
            self._answer(error.status, f"{error}\n".encode(), headers)
            return
        if READS.match(query):
            headers["X-ClickHouse-Format"] = form
        self._answer(200, found, headers)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""

    def _ask(self, query: bytes, form: str, given: Mapping[str, str]) -> bytes:
        values = {k[6:]: v for k, v in given.items() if k.startswith("param_")}
        settings = {
            name: value
            for name, value in given.items()
            if name not in OF_THE_INTERFACE and not name.startswith("param_")
        }
        with (
            self.engine.session(given.get("session_id", "")) as session,
            session.settings(given.get("database", ""), settings),
        ):
            return session.run(query, form, **values)

    def _authenticate(self) -> None:
        if self.headers.get("Authorization") != self.authorization:
            raise QueryError(
                f"Code: {UNAUTHENTICATED}. DB::Exception: default: Authentication failed: password "
                "is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)"
            )

    def _content(self) -> bytes:
        return DECODERS[self.headers.get("Content-Encoding", "")](self._body())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def quote(text: str) -> str:
    """Return a text as a literal of SQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def serve(folder: str, port: int, password: str) -> None:
    """Answer on a port of this machine, until the process ends."""
    Handler.engine = Engine(folder)
    Handler.authorization = "Basic " + b64encode(f"default:{password}".encode()).decode()
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), os.environ["CLICKHOUSE_PASSWORD"])
