from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from free_port import free_port
from talking_server import Talk, talking_server

from floe_core.foundation.service_probe import Answer, NoAnswerError, send_request, without_secrets

Serve = Callable[[Talk], int]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Listen on a free port and let a function talk on every connection; give the port."""
    with ExitStack() as stack:
        yield lambda talk: int(stack.enter_context(talking_server(talk)).rpartition(":")[2])


def saying(answer: bytes) -> Talk:
    def speak(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    return speak


def silent(connection: socket.socket) -> None:
    connection.recv(65536)
    time.sleep(120)


def dripping(head: bytes) -> Talk:
    def speak(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head)
        while True:
            time.sleep(0.1)
            connection.sendall(b"a")

    return speak


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def reason_of(url: str, seconds: float = 5.0) -> str:
    with pytest.raises(NoAnswerError) as refused:
        send_request("GET", url, deadline=soon(seconds))
    assert str(refused.value) == refused.value.reason
    return refused.value.reason


def test_an_answer_comes_back_whatever_its_status(serve: Serve) -> None:
    port = serve(saying(b"HTTP/1.1 503 No\r\nX-Kind: Down\r\ncontent-length: 4\r\n\r\nbusy"))
    answer = send_request("GET", f"http://127.0.0.1:{port}/", deadline=soon())
    assert answer == Answer(503, {"x-kind": "Down", "content-length": "4"}, b"busy")


def test_body_and_headers_reach_the_service(serve: Serve) -> None:
    heard: list[bytes] = []

    def speak(connection: socket.socket) -> None:
        while not heard or b"}" not in heard[-1]:
            heard.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    url = f"http://127.0.0.1:{serve(speak)}/graphql"
    send_request("POST", url, json_body={"a": 1}, headers={"x-token": "t"}, deadline=soon())
    request = b"".join(heard)
    assert request.startswith(b"POST /graphql HTTP/1.1\r\n")
    assert b"x-token: t\r\n" in request
    assert request.endswith(b'\r\n\r\n{"a":1}')


def test_a_redirect_is_followed(serve: Serve) -> None:
    end = serve(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"))
    location = f"http://127.0.0.1:{end}/".encode()
    start = serve(
        saying(b"HTTP/1.1 302 Go\r\nlocation: " + location + b"\r\ncontent-length: 0\r\n\r\n")
    )
    assert send_request("GET", f"http://127.0.0.1:{start}/", deadline=soon()).body == b"ok"


def test_endless_redirects_end(serve: Serve) -> None:
    port = serve(saying(b"HTTP/1.1 302 Go\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n"))
    url = f"http://127.0.0.1:{port}/x"
    assert reason_of(url) == f"{url}: redirects more than 3 times"


def test_nothing_listening_is_refused() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert reason_of(url) == f"{url}: connection refused: nothing listens there"


def test_an_unknown_host_is_named() -> None:
    url = "http://no-such-host.invalid/api"
    assert reason_of(url) == f"{url}: no such host name"


# The servers go on for longer than this.
@pytest.mark.long
@pytest.mark.timeout(100)
@pytest.mark.parametrize(
    ("speak", "while_doing"),
    [
        (silent, "waiting for an answer on an accepted connection"),
        (dripping(b"HTTP/1.1 200 OK\r\nx: "), "waiting for an answer on an accepted connection"),
        (
            dripping(b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n"),
            "reading an answer that kept coming",
        ),
    ],
    ids=["silent", "dripping headers", "dripping body"],
)
def test_the_deadline_holds_and_the_thread_ends(
    serve: Serve, speak: Talk, while_doing: str
) -> None:
    url = f"http://127.0.0.1:{serve(speak)}/"
    reason = reason_of(url, seconds=2)
    assert reason.startswith(f"{url}: ")
    assert reason.endswith(f"while {while_doing}")
    ended = soon(60)
    while any(t.name == "floe-service-probe" for t in threading.enumerate()):
        assert time.monotonic() < ended, "the abandoned thread still reads"
        time.sleep(0.05)


def test_a_silent_tls_handshake_counts_too(serve: Serve) -> None:
    url = f"https://127.0.0.1:{serve(silent)}/"
    assert reason_of(url, seconds=2).endswith("while waiting for the TLS handshake")


def test_redirects_share_one_deadline(serve: Serve) -> None:
    asked = []

    def speak(connection: socket.socket) -> None:
        asked.append(connection.recv(65536))
        time.sleep(1.5)
        connection.sendall(b"HTTP/1.1 302 Go\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n")

    reason_of(f"http://127.0.0.1:{serve(speak)}/", seconds=2)
    # Each of four requests would take 1.5 s.
    assert len(asked) <= 2


def test_a_passed_deadline_asks_nothing(serve: Serve) -> None:
    heard: list[bytes] = []
    port = serve(lambda connection: heard.append(connection.recv(65536)))
    url = f"http://127.0.0.1:{port}/"
    assert reason_of(url, seconds=-1) == f"{url}: no time left to send a request"
    time.sleep(0.2)
    assert heard == []


def test_plain_http_behind_https_is_a_tls_failure(serve: Serve) -> None:
    port = serve(saying(b"HTTP/1.1 400 Bad\r\ncontent-length: 0\r\n\r\n"))
    reason = reason_of(f"https://127.0.0.1:{port}/")
    assert reason.startswith(f"https://127.0.0.1:{port}/: TLS failed: ")


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate of localhost that nobody trusts, and what a server speaks TLS with."""
    folder = tmp_path_factory.mktemp("certificate")
    certificate, key = folder / "c.pem", folder / "k.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    files = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out"]
    subprocess.run([*request, *files, str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


def in_tls(context: ssl.SSLContext) -> Talk:
    def speak(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as encrypted:
            saying(OK)(encrypted)

    return speak


def test_an_untrusted_certificate_is_a_tls_failure_until_it_is_trusted(
    serve: Serve, signed: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, context = signed
    url = f"https://localhost:{serve(in_tls(context))}/"
    assert reason_of(url) == f"{url}: TLS failed: self-signed certificate"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert send_request("GET", url, deadline=soon()).status == 200
    monkeypatch.delenv("SSL_CERT_FILE")
    assert reason_of(url) == f"{url}: TLS failed: self-signed certificate"


def test_trusted_certificates_are_read_once(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{serve(saying(OK))}/"
    send_request("GET", url, deadline=soon())
    # Each time would be 20 ms and, in a process that goes on, a megabyte.
    monkeypatch.delattr(ssl, "create_default_context")
    assert send_request("GET", url, deadline=soon()).status == 200


def test_a_huge_body_is_refused(serve: Serve) -> None:
    port = serve(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n" + b"x" * 3_000_000))
    url = f"http://127.0.0.1:{port}/"
    assert reason_of(url) == f"{url}: the answer is larger than 1,000,000 bytes"


def test_what_is_no_http_is_said_so(serve: Serve) -> None:
    url = f"http://127.0.0.1:{serve(saying(b'SSH-2.0-OpenSSH'))}/"
    reason = reason_of(url)
    assert reason.startswith(f"{url}: the connection broke or did not speak HTTP while ")


@pytest.mark.parametrize("url", ["ftp://h/x", "http://", "no url", "", "http://h:port/"])
def test_an_unusable_url_is_a_reason_too(url: str) -> None:
    assert reason_of(url).endswith("not a usable http or https URL or header")


SECRETS = [
    "http://user:s3cret@127.0.0.1:1/x",
    "http://127.0.0.1:1/x?token=s3cret",
    "http://127.0.0.1:1/x#s3cret",
    "http://user:s3cret/s3cret@127.0.0.1:1/x",
    "http://user:s3cret?s3cret@127.0.0.1:1/x",
    "http://user@s3cret/s3cret@127.0.0.1:1/x",
    "http://s3cret:s3cret",
    "http://user:s3cret@[broken",
]


@pytest.mark.parametrize("url", SECRETS)
def test_no_secret_of_a_url_is_shown(url: str) -> None:
    assert "s3cret" not in without_secrets(url)
    with pytest.raises(NoAnswerError) as refused:
        send_request("GET", url, headers={"Authorization": "Bearer s3cret"}, deadline=soon())
    assert "s3cret" not in refused.value.reason


def test_an_abandoned_question_does_not_keep_the_process() -> None:
    code = """
import socket, time
from floe_core.foundation.service_probe import NoAnswerError, send_request
listener = socket.create_server(("127.0.0.1", 0))
try:
    send_request("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/", deadline=time.monotonic() + 0.3)
except NoAnswerError:
    print("no answer")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "no answer\n", "")
