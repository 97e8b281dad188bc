"""Other releases of charts/floe-dagster, started as they are rendered: see `test_dagster_smoke`."""

from __future__ import annotations

from pathlib import Path

import probes
import pytest
from dagster_release import release

from floe_orchestrator_dagster import DagsterPlugin

LOCATIONS = "{ workspaceOrError { ... on Workspace { locationEntries { name } } } }"
SCHEDULES = """
{ schedulesOrError(repositorySelector: {
    repositoryLocationName: "hello", repositoryName: "__repository__"
}) { ... on Schedules { results { name cronSchedule } } } }
"""
SHARED = "/opt/schedules"


@pytest.mark.long
def test_a_release_without_code_locations_starts_and_without_hooks_its_daemon_migrates(
    tmp_path: Path,
) -> None:
    nothing = {"codeLocations": [], "migrations": {"useHelmHooks": False}}
    with release(tmp_path, nothing, ["daemon", "webserver"]) as running:
        migrated = (running.around.folder / "daemon" / "migrate.log").read_text()
        assert "migrat" in migrated.lower()
        failed = {name: probes.failures(each) for name, each in running.processes.items()}
        assert failed == {"webserver": {}, "daemon": {}}
        assert running.query(LOCATIONS)["workspaceOrError"] == {"locationEntries": []}


@pytest.mark.slow
def test_a_changed_schedule_is_taken_up_without_a_restart(tmp_path: Path) -> None:
    """With code servers that load again, and a store that they share with who changes it."""
    changes = {
        "floe": {"scheduleStore": SHARED},
        "codeServers": {
            "reloadable": True,
            "extraVolumes": [{"name": "schedules", "emptyDir": {}}],
            "extraVolumeMounts": [{"name": "schedules", "mountPath": SHARED}],
        },
    }
    with release(tmp_path, changes, ["code-server", "webserver"]) as running:
        assert probes.failures(running.processes["code-server"]) == {}
        before = running.query(SCHEDULES)["schedulesOrError"]["results"]
        store = running.around.folder / "code-server" / "volumes" / "schedules"
        plugin = DagsterPlugin()
        plugin.configure(
            {"url": running.url, "project_dir": str(running.product), "schedule_store": str(store)}
        )
        plugin.schedule_job("hello", "15 3 * * *", "UTC")
        after = running.query(SCHEDULES)["schedulesOrError"]["results"]
    assert [each["cronSchedule"] for each in before] == ["0 6 * * *"]
    assert [each["cronSchedule"] for each in after] == ["15 3 * * *"]
