"""Servers that answer as no service should, and what the check says of each."""

from __future__ import annotations

import json
import socket
import time

import pytest
from free_port import free_port
from talking_server import Talk, talking_server

from floe_core.plugin_interfaces import ValidationResult
from floe_orchestrator_dagster import DagsterPlugin
from floe_orchestrator_dagster.service.connection import LIMIT_SECONDS

SECRET = "s3cr3t-t0ken"
# How long a server goes on that does not answer.
PATIENCE_SECONDS = 120
NO_SERVER = "start dagster-webserver or set plugins.orchestrator.config.url"


def silent(connection: socket.socket) -> None:
    time.sleep(PATIENCE_SECONDS)


def dripping(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(PATIENCE_SECONDS):
        connection.sendall(b" ")
        time.sleep(1)


def answering(status: str, body: bytes = b"", headers: str = "") -> Talk:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        connection.sendall(head.encode() + body)

    return answer


redirecting = answering("302 Found", headers="Location: /graphql\r\n")


def check(**settings):
    plugin = DagsterPlugin()
    plugin.configure(settings)
    result = plugin.validate_connection()
    assert SECRET not in repr(result)
    return result


def failed(message, error):
    return ValidationResult(success=False, message=message, errors=[error])


def not_dagster(url, status):
    return failed(
        f"{url} is not Dagster's webserver",
        f"POST {url}/graphql gave status {status} and no answer in Dagster's GraphQL; check "
        "plugins.orchestrator.config.url",
    )


def test_nothing_listens():
    url = f"http://127.0.0.1:{free_port()}"
    assert check(url=url) == failed(
        f"no answer from Dagster at {url}",
        f"{url}/graphql: connection refused: nothing listens there; {NO_SERVER}",
    )


def test_a_name_that_does_not_resolve():
    result = check(url="http://floe-no-such-host.invalid:3000")
    assert not result.success
    assert "floe-no-such-host.invalid" in result.message


@pytest.mark.timeout(PATIENCE_SECONDS)
@pytest.mark.parametrize("handler", [silent, dripping], ids=["silent", "dripping"])
def test_a_server_that_does_not_come_to_the_end(handler):
    with talking_server(handler) as url:
        result = check(url=url)
    assert result.message == f"no answer from Dagster at {url}"
    assert LIMIT_SECONDS < 10
    assert "gave up after" in result.errors[0] or "timed out" in result.errors[0]


def test_redirects_without_end():
    with talking_server(redirecting) as url:
        assert check(url=url) == failed(
            f"no answer from Dagster at {url}",
            f"{url}/graphql: redirects more than 3 times; {NO_SERVER}",
        )


def test_no_tls_behind_https():
    with talking_server(answering("200 OK")) as url:
        result = check(url=url.replace("http:", "https:"))
    assert "TLS failed" in result.errors[0]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("200 OK", b"<html>Welcome</html>"),
        ("200 OK", b"[1, 2]"),
        ("200 OK", b'{"data": {"version": "1.13"}}'),
        ("200 OK", b'{"errors": [{"message": "no field version"}]}'),
        ("500 Internal Server Error", b"oops"),
        ("404 Not Found", b""),
    ],
)
def test_what_does_not_speak_dagsters_graphql(status, body):
    with talking_server(answering(status, body)) as url:
        assert check(url=url) == not_dagster(url, status.split()[0])


def test_a_refused_token_is_told_and_not_shown(monkeypatch):
    monkeypatch.setenv("DAGSTER_TOKEN", SECRET)
    with talking_server(answering("401 Unauthorized", SECRET.encode())) as url:
        assert check(url=url, token="env:DAGSTER_TOKEN") == failed(
            f"{url} denies access (401)",
            "set plugins.orchestrator.config.token to env:NAME of a token that may read",
        )


@pytest.mark.parametrize("reference", ["env:DAGSTER_TOKEN", "{{ env_var('DAGSTER_TOKEN') }}"])
def test_the_token_goes_into_the_header(monkeypatch, reference):
    monkeypatch.setenv("DAGSTER_TOKEN", SECRET)
    heard = []

    def listen(connection):
        heard.append(connection.recv(65536).decode().lower())
        connection.sendall(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")

    with talking_server(listen) as url:
        check(url=url, token=reference)
    assert f"dagster-cloud-api-token: {SECRET}" in heard[0]


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"token": SECRET}, "`token` must be a reference: env:NAME or file:/PATH"),
        (
            {"token": "env:NOT_SET"},
            "`token`: environment variable NOT_SET is not set",
        ),
        (
            {"url": "localhost:3000"},
            "url must begin with http:// or https://, such as http://localhost:3000",
        ),
    ],
)
def test_settings_that_cannot_be_used(settings, error):
    message = "the settings of the Dagster webserver cannot be used"
    assert check(**settings) == failed(message, error)


def test_a_password_in_the_url_is_not_shown():
    port = free_port()
    result = check(url=f"http://me:{SECRET}@127.0.0.1:{port}")
    assert result.message == f"no answer from Dagster at http://127.0.0.1:{port}"


# As Dagster writes it.
LIMIT = "- key: floe/product\n  limit: 1\n  value:\n    applyLimitPerUniqueValue: true\n"
NO_TURNS = (
    "runs of one product do not wait for each other in the queue: add "
    "{key: floe/product, value: {applyLimitPerUniqueValue: true}, limit: 1} to "
    "concurrency.runs.tag_concurrency_limits in dagster.yaml"
)


def answer_of_dagster(daemons, locations, queue=LIMIT):
    data = {
        "version": "1.13.27",
        "workspaceOrError": {"__typename": "Workspace", "locationEntries": locations},
        "instance": {
            "daemonHealth": {"allDaemonStatuses": daemons},
            "runQueueConfig": queue if queue is None else {"tagConcurrencyLimitsYaml": queue},
        },
    }
    return answering("200 OK", json.dumps({"data": data}).encode())


def daemon(kind, *, required=True, healthy=True, errors=()):
    said = [{"message": text} for text in errors]
    return {
        "daemonType": kind,
        "required": required,
        "healthy": healthy,
        "lastHeartbeatErrors": said,
    }


def location(name, status="LOADED", error=""):
    kind = {"__typename": "PythonError", "message": error} if error else {"__typename": "Location"}
    return {
        "name": name,
        "loadStatus": status,
        "locationOrLoadError": None if status == "LOADING" else kind,
    }


def test_everything_wrong_is_told_at_once_without_secrets(monkeypatch):
    monkeypatch.setenv("DAGSTER_TOKEN", SECRET)
    daemons = [
        daemon("SCHEDULER", healthy=False),
        daemon("SENSOR", healthy=False, errors=[f"no {SECRET} at db://me:pw@host\nmore"]),
        daemon("BACKFILL", required=False, healthy=None),
        daemon("ASSET"),
    ]
    locations = [
        location("good"),
        location("slow", "LOADING"),
        location("bad", error="ImportError: no module named shop\nStack Trace:"),
    ]
    with talking_server(answer_of_dagster(daemons, locations)) as url:
        assert check(url=url, token="env:DAGSTER_TOKEN") == ValidationResult(
            success=False,
            message=f"Dagster 1.13.27 at {url} is running, but not healthy; code locations: 3",
            errors=[
                "code location bad does not load: ImportError: no module named shop; fix it and "
                "reload the location",
                "the daemon SCHEDULER is required and not healthy; start or restart dagster-daemon",
                "the daemon SENSOR is required and not healthy; its last error: no *** at "
                "db://***@host",
            ],
            warnings=["code location slow is still loading"],
        )


def test_an_instance_without_code_locations_is_well_with_a_warning():
    with talking_server(answer_of_dagster([daemon("ASSET")], [])) as url:
        assert check(url=url) == ValidationResult(
            success=True,
            message=f"Dagster 1.13.27 at {url} is running and healthy; code locations: 0",
            warnings=["no code location is loaded: there is nothing to run"],
        )


@pytest.mark.parametrize(
    ("queue", "warnings"),
    [
        (LIMIT, []),
        (f"- {{key: team, limit: 5}}\n{LIMIT}", []),
        # Dagster says None if there is no limit, and of a Dagster without a queue as well.
        ("", [NO_TURNS]),
        (None, [NO_TURNS]),
        ("- {key: floe/product, limit: 1}\n", [NO_TURNS]),
        (LIMIT.replace("limit: 1", "limit: 2"), [NO_TURNS]),
    ],
)
def test_a_queue_that_lets_runs_overlap_is_a_warning(queue, warnings):
    with talking_server(answer_of_dagster([daemon("ASSET")], [location("good")], queue)) as url:
        result = check(url=url)
    assert (result.success, result.warnings) == (True, warnings)
