"""What counts as a delivery: a direct 2xx of a backend, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from floe_core.lineage.sending.delivery_status import flush, status
from floe_core.storage.spooling.draining import Flushed

from .conftest import Backend
from .test_delivery import fill, names, to


@pytest.mark.parametrize("answer", [301, 302, 303, 300])
def test_a_redirect_that_turns_the_post_into_a_get_loses_no_event(
    backend: Backend, project_dir: Path, answer: int
) -> None:
    backend.behave = lambda _: answer
    backend.headers = {"Location": f"{backend.url}/login?token=t0ken-of-a-login"}
    fill(project_dir, 3)
    done = flush(project_dir, to(backend), 0.3)
    assert (done.sent, done.refused, done.waiting) == (0, 0, 3)
    assert f"the backend redirects to {backend.url.rpartition(':')[0]}/login" in done.reason
    assert "t0ken" not in status(project_dir).last_failure
    assert set(backend.paths) == {"POST /api/v1/lineage"}
    backend.behave, backend.headers = lambda _: 201, {}
    assert flush(project_dir, to(backend), 10) == Flushed(sent=3, refused=0, waiting=0)


@pytest.mark.parametrize("answer", [307, 308])
def test_a_redirect_that_keeps_the_post_is_followed_with_its_event_and_its_token(
    backend: Backend, project_dir: Path, answer: int
) -> None:
    backend.behave = lambda number: answer if number % 2 == 0 else 201
    backend.headers = {"Location": "/moved"}
    auth = {"type": "api_key", "apiKey": "the-key"}
    expected = fill(project_dir, 2)
    done = flush(project_dir, to(backend, auth=auth), 10)
    assert done == Flushed(sent=2, refused=0, waiting=0)
    assert names(backend.events) == expected
    assert backend.paths == 2 * ["POST /api/v1/lineage", "POST /moved"]
    assert backend.authorization == 2 * ["Bearer the-key"]


def test_a_redirect_to_another_host_is_not_followed(backend: Backend, project_dir: Path) -> None:
    backend.behave = lambda _: 307
    port = backend.url.rpartition(":")[2]
    backend.headers = {"Location": f"http://localhost:{port}/elsewhere"}
    fill(project_dir, 1)
    done = flush(project_dir, to(backend), 0.3)
    assert done.waiting == 1
    assert "the backend redirects to http://localhost/elsewhere" in done.reason
    assert backend.paths == ["POST /api/v1/lineage"]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "text/html; charset=utf-8"}, b"<p>Sign in</p>"),
        ({}, b"\n<!DOCTYPE html><title>Sign in</title>"),
        ({}, b"\xef\xbb\xbf<html><title>Sign in</title>"),
        ({}, "\ufeff<html>".encode("utf-16")),
    ],
)
def test_a_page_with_status_200_is_no_acceptance(
    backend: Backend, project_dir: Path, headers: dict[str, str], body: bytes
) -> None:
    backend.behave, backend.headers, backend.body = lambda _: 200, headers, body
    fill(project_dir, 1)
    done = flush(project_dir, to(backend), 0.3)
    assert (done.sent, done.waiting) == (0, 1)
    assert done.reason.startswith("NotAcceptedError: 200 OK with an HTML page")


@pytest.mark.parametrize("answer", [200, 201, 202, 204])
def test_every_direct_2xx_of_a_backend_is_a_delivery(
    backend: Backend, project_dir: Path, answer: int
) -> None:
    backend.behave = lambda _: answer
    fill(project_dir, 1)
    assert flush(project_dir, to(backend), 10) == Flushed(sent=1, refused=0, waiting=0)


def test_members_of_a_composite_are_as_strict(backend: Backend, project_dir: Path) -> None:
    backend.behave, backend.headers = lambda _: 302, {"Location": "/login"}
    fill(project_dir, 1)
    members = {"one": {"type": "http", "url": backend.url}}
    settings = to(backend).model_copy(
        update={"config": {"type": "composite", "transports": members}}
    )
    assert flush(project_dir, settings, 0.3).waiting == 1
    assert backend.paths == ["POST /api/v1/lineage"]
