from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_interfaces import ValidationResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_prefect import PrefectPlugin

Pages = Mapping[str, tuple[int, str]]


@contextmanager
def answering(pages: Pages) -> Iterator[str]:
    """Serve path -> status and body; yield the API's address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = pages.get(self.path, (404, "{}"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *about: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api"
        server.shutdown()


def asked(**settings: str) -> ValidationResult:
    plugin = PrefectPlugin()
    plugin.configure(settings)
    return plugin.validate_connection()


@pytest.mark.parametrize(
    ("pages", "message", "error"),
    [
        (
            {"/api/health": (200, "true"), "/api/admin/version": (200, '"2.20.1"')},
            "WHERE is Prefect 2.20.1",
            "floe needs Prefect 3.7 or a later 3.x",
        ),
        (
            {"/api/health": (200, "true"), "/api/admin/version": (200, '"3.6.9"')},
            "WHERE is Prefect 3.6.9",
            "floe needs Prefect 3.7 or a later 3.x",
        ),
        (
            {"/api/health": (200, "true"), "/api/admin/version": (200, "{}")},
            "WHERE is not Prefect 3",
            "GET /admin/version gave status 200; floe needs Prefect 3",
        ),
        (
            {"/api/health": (200, "[true]")},
            "WHERE is not Prefect, or is unhealthy",
            "GET /health gave status 200 and not Prefect's `true`; the url is that of the API, "
            "such as http://prefect.example.com:4200/api",
        ),
        (
            {"/api/health": (401, "")},
            "WHERE denies access (401)",
            "set api_key or auth_string under plugins.orchestrator.config, as env:NAME",
        ),
    ],
)
def test_what_is_not_prefect_3_and_well_is_told(pages, message, error):
    with answering(pages) as url:
        expected = ValidationResult(False, message.replace("WHERE", url), [error])
        assert asked(url=url) == expected


def test_no_server_is_told_with_what_works_without(monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert asked() == ValidationResult(
        False,
        "no Prefect server is named",
        [
            "set plugins.orchestrator.config.url or PREFECT_API_URL; without a server `floe run` "
            "still runs, on one of its own, but no schedule ticks"
        ],
    )


def test_prefects_own_variable_names_the_server(monkeypatch):
    pages = {"/api/health": (200, "true"), "/api/admin/version": (200, '"3.9.1"')}
    with answering(pages) as url:
        monkeypatch.setenv("PREFECT_API_URL", url)
        assert asked() == ValidationResult(True, f"Prefect 3.9.1 at {url} is running and healthy")


@pytest.mark.parametrize("version", ["3.7.7", "3.8.2"])
def test_a_server_that_may_schedule_nothing_is_warned_of(version):
    pages = {"/api/health": (200, "true"), "/api/admin/version": (200, f'"{version}"')}
    with answering(pages) as url:
        found = asked(url=url)
    assert found.success
    assert found.warnings == [
        "a server of Prefect 3.7 or 3.8 schedules no runs with SQLAlchemy 2.1: install "
        "sqlalchemy<2.1 there, or Prefect 3.9"
    ]


def test_a_secret_that_is_written_out_is_refused_without_being_shown():
    found = asked(url="http://localhost:1/api", api_key="pnu_secret")
    assert found.errors == ["`api_key` must be a reference: env:NAME or file:/PATH"]


def test_a_schedule_for_what_is_not_prefects_api_names_its_address(
    product: Callable[..., CompiledArtifacts], tmp_path: Path
) -> None:
    page = "/api/deployments/name/web-shop/floe"
    with answering({page: (200, "<html>Welcome</html>")}) as url:
        plugin = PrefectPlugin()
        plugin.configure({"url": url})
        plugin.create_definitions(product(jobs=(Job(name="web-shop"),)).bound_to(tmp_path))
        with pytest.raises(EnvironmentProblemError) as found:
            plugin.schedule_job("web-shop", "0 6 * * *", "UTC")
    assert f"but not applied: {url} is not Prefect's API: Expecting value" in str(found.value)
    assert (tmp_path / "schedules.json").is_file()
