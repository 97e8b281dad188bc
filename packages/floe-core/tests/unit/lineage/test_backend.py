"""Each way to configure a backend, proved by where an event arrives."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from floe_core.lineage.backend import is_configured
from floe_core.lineage.facets import LineageJob, run_event
from floe_core.lineage.naming import run_id_from
from floe_core.lineage.sending.delivery_status import flush
from floe_core.schemas.policies import LineageSettings
from floe_core.storage.spooling.spool import Spool

from .conftest import Backend


def sent(project_dir: Path, settings: LineageSettings | None = None) -> int:
    """Let one event wait and flush; return how many were sent."""
    job = LineageJob("floe", "job", {})
    event = run_event("START", datetime.now(UTC), run_id_from("a"), {}, job)
    Spool(project_dir).append(event)
    return flush(project_dir, settings or LineageSettings(), 5).sent


def yml(backend: Backend) -> str:
    return json.dumps({"transport": {"type": "http", "url": backend.url}})


def test_nothing_is_configured_by_default(project_dir: Path) -> None:
    assert not is_configured(LineageSettings(), project_dir)


def test_by_url_in_the_environment(
    backend: Backend, project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", backend.url)
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "key-of-env")
    before = dict(os.environ)
    assert sent(project_dir) == 1
    assert backend.authorization == ["Bearer key-of-env"]
    assert dict(os.environ) == before, "the client's copies of the key do not stay behind"


def test_by_transport_variables(
    backend: Backend, project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "http")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__URL", backend.url)
    assert sent(project_dir) == 1


def test_by_one_variable_of_json(
    backend: Backend, project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps({"type": "http", "url": backend.url}))
    assert sent(project_dir) == 1


@pytest.mark.parametrize("place", ["home", "home/.openlineage", "product"])
def test_by_a_file_where_the_client_looks_or_beside_the_product(
    backend: Backend, project_dir: Path, place: str
) -> None:
    folder = project_dir.parent / place
    folder.mkdir(exist_ok=True)
    (folder / "openlineage.yml").write_text(yml(backend))
    assert sent(project_dir) == 1


def test_by_a_file_that_the_environment_names(
    backend: Backend, project_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(yml(backend))
    monkeypatch.setenv("OPENLINEAGE_CONFIG", str(file))
    assert sent(project_dir) == 1


@pytest.mark.parametrize("kind", ["http", "async_http"])
@pytest.mark.parametrize("is_nested", [True, False])
def test_by_the_manifest(
    backend: Backend, project_dir: Path, kind: str, *, is_nested: bool
) -> None:
    transport = {"type": kind, "url": backend.url}
    config: dict[str, Any] = {"transport": transport} if is_nested else transport
    assert sent(project_dir, LineageSettings(config=config)) == 1
    assert len(backend.events) == 1


def test_by_a_manifest_with_several_transports(backend: Backend, project_dir: Path) -> None:
    file = project_dir / "events.jsonl"
    transports = [
        {"type": "http", "url": backend.url},
        {"type": "file", "log_file_path": str(file), "append": True},
    ]
    config = {"type": "composite", "transports": transports}
    assert sent(project_dir, LineageSettings(config=config)) == 1
    assert json.loads(file.read_text()) == backend.events[0]


def test_the_environment_goes_before_the_manifest(
    backend: Backend, project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", backend.url)
    assert sent(project_dir, LineageSettings(config={"url": "http://127.0.0.1:9"})) == 1


def test_it_can_be_switched_off(
    backend: Backend, project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = LineageSettings(config={"url": backend.url})
    assert is_configured(settings, project_dir)
    assert not is_configured(settings.model_copy(update={"enabled": False}), project_dir)
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    assert not is_configured(settings, project_dir)
