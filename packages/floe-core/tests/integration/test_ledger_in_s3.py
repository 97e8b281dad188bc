"""The ledger in S3: what its servers answer, and what users get wrong, is told and loses nothing."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from s3_server import BUCKET, App, Fault, S3Server, answered, s3_server
from s3fs import S3FileSystem

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.ports.ledger import Ledger
from floe_core.ports.record import Update
from floe_core.storage import objects
from floe_core.storage.objects import KEPT_VERSIONS

PLACE = f"s3://{BUCKET}/floe"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


def add(run_id: str, place: str = PLACE) -> None:
    Ledger(place).add_updates("crm", ["a@1"], Update(number=0, moment=NOW, run_id=run_id))


def runs() -> list[tuple[int, str]]:
    found = Ledger(PLACE).updates(["crm/a@1"])["crm/a@1"]
    return [(update.number, update.run_id) for update in found]


def told(act: Callable[[], object]) -> str:
    with pytest.raises(EnvironmentProblemError) as caught:
        act()
    return str(caught.value)


def once(method: str, answer: Fault) -> Fault:
    """Return a fault of the first request of a method."""
    left = [answer]

    def fault(request: dict[str, Any], start: Callable[..., Any], app: App) -> Any:
        if request["REQUEST_METHOD"] == method and left:
            return left.pop()(request, start, app)
        return app(request, start)

    return fault


def after_it_was_done(answer: Fault) -> Fault:
    """Return a fault that answers so after the request has been carried out."""

    def fault(request: dict[str, Any], start: Callable[..., Any], app: App) -> Any:
        b"".join(app(request, lambda *_: None))
        return answer({"wsgi.input": request["wsgi.input"]}, start, app)

    return fault


def after_another_writer(answer: Fault) -> Fault:
    """Return a fault that answers so after another writer has taken the number."""

    def fault(request: dict[str, Any], start: Callable[..., Any], app: App) -> Any:
        content = b'{"updates":{"a@1":[{"number":1,"moment":"2026-01-01T00:00:00Z","run_id":"b"}]}}'
        put_object(app, request["PATH_INFO"], content)
        return answer(request, start, app)

    return fault


def put_object(app: App, path: str, content: bytes) -> None:
    from werkzeug.test import Client

    assert Client(app).put(path, data=content).status_code == 200


def test_updates_are_numbered_and_old_objects_go(
    server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "KEPT_FOR", timedelta(seconds=-5))
    for number in range(9):
        add(f"r{number}")
    assert runs() == [(number + 1, f"r{number}") for number in range(9)]
    S3FileSystem().invalidate_cache()
    assert len(S3FileSystem().ls(f"{BUCKET}/floe/crm")) == KEPT_VERSIONS


def test_a_mistyped_bucket_is_told_and_not_created(server: S3Server) -> None:
    why = "it cannot be written (FileNotFoundError: The specified bucket does not exist)"
    assert told(lambda: add("r", "s3://ledger/floe")) == f"s3://ledger/floe/crm: {why}"
    assert "PUT" not in {method for method, path in server.requests if path == "/ledger"}


def test_missing_credentials_are_told(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    S3FileSystem.clear_instance_cache()
    why = "it cannot be read (NoCredentialsError: Unable to locate credentials)"
    assert told(runs) == f"{PLACE}/crm: {why}"


def test_a_server_that_does_not_answer_is_told(
    server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    S3FileSystem.clear_instance_cache()
    assert "it cannot be read (EndpointConnectionError: Could not connect" in told(runs)


def test_a_refused_write_is_told(server: S3Server) -> None:
    server.fault = once("PUT", answered("403 Forbidden", "AccessDenied"))
    why = "it cannot be written (PermissionError: it says AccessDenied)"
    assert told(lambda: add("r")) == f"{PLACE}/crm: {why}"
    assert runs() == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        # Servers other than Amazon's do not say which condition failed.
        ("412 Precondition Failed", "PreconditionFailed"),
        ("409 Conflict", "ConditionalRequestConflict"),
    ],
)
def test_two_writers_at_once_lose_nothing(server: S3Server, status: str, code: str) -> None:
    server.fault = once("PUT", after_another_writer(answered(status, code)))
    add("a")
    assert runs() == [(1, "b"), (2, "a")]


@pytest.mark.parametrize("status", ["500 Internal Server Error", "503 Slow Down"])
def test_an_update_whose_answer_was_lost_is_recorded_once(server: S3Server, status: str) -> None:
    server.fault = once("PUT", after_it_was_done(answered(status, "InternalError")))
    add("a")
    assert runs() == [(1, "a")]
    assert sum(method == "PUT" for method, path in server.requests if "crm" in path) > 1
