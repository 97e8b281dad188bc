"""The check against small real servers; the real api-server is asked in the integration tests."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from free_port import free_port
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from talking_server import Talk, talking_server

from floe_core.plugin_interfaces import ValidationResult
from floe_orchestrator_airflow import AirflowPlugin
from floe_orchestrator_airflow.service.connection_check import LIMIT_SECONDS, SUPPORTED

SECRET = "s3cret-value"
# How long a server goes on that does not answer.
PATIENCE_SECONDS = 120
HEALTHY = {
    name: {"status": "healthy"}
    for name in ("metadatabase", "scheduler", "triggerer", "dag_processor")
}


def check(**settings: Any) -> ValidationResult:
    plugin = AirflowPlugin()
    plugin.configure(settings)
    return plugin.validate_connection()


def answering(answers: Callable[[str, str], tuple[int, Any]]) -> Talk:
    """Return a handler that answers `METHOD /path` and the request's text with status and body."""

    def handle(connection: socket.socket) -> None:
        request = _read_request(connection)
        status, body = answers(" ".join(request.split(" ")[:2]), request)
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/html" if isinstance(body, str) else "application/json"
        head = f"HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n"
        if status in (301, 302):
            head += f"Location: {text}\r\n"
        connection.sendall((head + "Connection: close\r\n\r\n" + text).encode())

    return handle


def _read_request(connection: socket.socket) -> str:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.decode().split("\r\n"):
        if line.lower().startswith("content-length:"):
            while len(body) < int(line.split(":")[1]):
                body += connection.recv(65536)
    return (head + b"\r\n\r\n" + body).decode()


def airflow(
    *,
    version: str = "3.3.2",
    health: Any = HEALTHY,
    dags: int = 200,
) -> Callable[[str, str], tuple[int, Any]]:
    """Return the answers of something that looks like an Airflow of one user, `floe`."""

    def answer(asked: str, request: str) -> tuple[int, Any]:
        if asked == "GET /api/v2/version":
            return 200, {"version": version, "git_version": None}
        if asked == "GET /api/v2/monitor/health":
            return 200, health
        if asked == "POST /auth/token":
            return (201, {"access_token": "t0ken"}) if SECRET in request else (401, {})
        if asked.startswith("GET /api/v2/dags"):
            return (dags, {"dags": []}) if "Bearer t0ken" in request else (401, {})
        return 404, {}

    return answer


def test_a_whole_airflow_that_knows_us_is_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_PASSWORD", SECRET)
    with talking_server(answering(airflow())) as url:
        result = check(url=url, username="floe", password="env:AIRFLOW_PASSWORD")
    assert result == ValidationResult(True, f"Airflow 3.3.2 at {url}: usable")


def test_a_token_from_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_TOKEN", "t0ken")
    with talking_server(answering(airflow())) as url:
        result = check(url=url, token="{{ env_var('AIRFLOW_TOKEN') }}")
    assert result == ValidationResult(True, f"Airflow 3.3.2 at {url}: usable")


def test_components_that_are_unwell_or_absent_are_named() -> None:
    health = {**HEALTHY, "scheduler": {"status": "unhealthy"}, "triggerer": {"status": None}}
    with talking_server(answering(airflow(health=health))) as url:
        result = check(url=url, username="floe", password=SECRET)
    assert result == ValidationResult(
        False,
        f"Airflow 3.3.2 at {url}: not usable",
        ["the scheduler is unhealthy: start `airflow scheduler`; without it no run starts"],
        [
            "no triggerer has reported: start `airflow triggerer`; without it the tasks of nodes "
            "never end"
        ],
    )


def errors_of(answers: Callable[[str, str], tuple[int, Any]], **settings: Any) -> list[str]:
    with talking_server(answering(answers)) as url:
        result = check(url=url, **settings)
        assert not result.success
        assert SECRET not in repr(result)
        return [error.replace(url, "URL") for error in result.errors]


def test_no_credentials_say_which_settings_are_missing() -> None:
    assert errors_of(airflow()) == [
        "Airflow requires authentication (HTTP 401); set `username` and `password`, or `token`, "
        "under plugins.orchestrator.config, as env:NAME"
    ]


def test_a_refused_password_is_called_so() -> None:
    assert errors_of(airflow(), username="floe", password="wrong") == [
        "Airflow refuses `username` and `password` (HTTP 401); correct them"
    ]


def test_a_refused_token_is_called_so() -> None:
    assert errors_of(airflow(), token="old") == [
        "Airflow refuses the `token` (HTTP 401): it is wrong or has expired; set a new one"
    ]


def test_a_user_without_rights_is_told_from_an_unknown_one() -> None:
    assert errors_of(airflow(dags=403), username="floe", password=SECRET) == [
        "the user may not read DAGs (HTTP 403); give it a role that may, or set other credentials "
        "under plugins.orchestrator.config"
    ]


def test_a_variable_that_is_not_set_is_named() -> None:
    assert errors_of(airflow(), token="env:FLOE_NO_SUCH_VARIABLE") == [
        "`token`: environment variable FLOE_NO_SUCH_VARIABLE is not set"
    ]


def test_an_older_airflow_is_refused() -> None:
    for version in ("2.11.0", "3.0.6", "4.0.0"):
        assert errors_of(airflow(version=version)) == [
            f"URL is Airflow {version}; floe needs Airflow 3.1 or a later 3.x"
        ]


def test_the_versions_taken_are_those_that_the_package_requires() -> None:
    [required] = [
        Requirement(text)
        for text in requires("floe-orchestration-airflow") or ()
        if text.startswith("apache-airflow") and Requirement(text).name == "apache-airflow"
    ]
    assert required.specifier == SpecifierSet(SUPPORTED)


def test_html_with_status_200_is_no_airflow() -> None:
    assert errors_of(lambda asked, request: (200, "<html>Welcome</html>")) == [
        "URL is not Airflow 3 (HTTP 200 to /api/v2/version); set `url` to the "
        "api-server, such as http://airflow.example.com:8080"
    ]


def test_json_of_another_service_is_no_airflow() -> None:
    assert errors_of(lambda asked, request: (200, {"version": "3.1"}))[0].startswith(
        "URL is not Airflow 3"
    )


def test_a_server_error_points_to_its_log() -> None:
    assert errors_of(lambda asked, request: (500, {})) == [
        "URL answers with HTTP 500; see the log of `airflow api-server`"
    ]


def test_endless_redirects_end() -> None:
    [error] = errors_of(lambda asked, request: (302, "/api/v2/version"))
    assert "redirects more than" in error


def test_nothing_listening_says_so() -> None:
    port = free_port()
    result = check(url=f"http://user:{SECRET}@127.0.0.1:{port}")
    assert SECRET not in repr(result)
    assert result.errors == [
        f"http://127.0.0.1:{port}/api/v2/version: connection refused: nothing listens there; "
        "check `url` under plugins.orchestrator.config, and that `airflow api-server` runs there"
    ]


def test_a_name_that_does_not_resolve_says_so() -> None:
    result = check(url="http://floe-no-such-host.invalid:8080")
    assert not result.success
    assert "floe-no-such-host.invalid" in result.errors[0]


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return the side of a server whose certificate nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_certificate_that_is_not_trusted_says_so(tmp_path: Path) -> None:
    context = self_signed(tmp_path)

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(1024)

    with talking_server(handle) as url:
        result = check(url=url.replace("http:", "https:"))
    assert "TLS failed" in result.errors[0]


def silent(connection: socket.socket) -> None:
    connection.recv(65536)
    time.sleep(PATIENCE_SECONDS)


def dripping(connection: socket.socket) -> None:
    connection.recv(65536)
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X" * PATIENCE_SECONDS:
        connection.sendall(bytes([byte]))
        time.sleep(1)


def late(connection: socket.socket) -> None:
    """Answer each question only after four seconds, so that three of them are too many."""
    time.sleep(4)
    answering(airflow())(connection)


@pytest.mark.long
@pytest.mark.timeout(PATIENCE_SECONDS)
def test_a_server_that_never_ends_its_answer_costs_less_than_ten_seconds() -> None:
    """All at once, so that the waiting is done once."""

    def found(handle: Talk) -> ValidationResult:
        with talking_server(handle) as url:
            return check(url=url, username="floe", password=SECRET)

    assert LIMIT_SECONDS < 10
    with ThreadPoolExecutor() as threads:
        for result in threads.map(found, (silent, dripping, late)):
            assert not result.success
            assert "gave up after" in result.errors[0]
