"""A platform whose three products run on three orchestrators, which are up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest
from dagster_pages import launched, webserver
from mesh_products import Mesh
from running_prefect import RunningPrefect

from floe_core.plugin_api.powers import RunOptions
from floe_orchestrator_airflow.local.home import USER
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow
from floe_orchestrator_dagster import DagsterPlugin

ON = {"crm": "dagster", "billing": "airflow", "marts": "prefect"}
PASSWORD = "FLOE_TEST_AIRFLOW_PASSWORD"


@dataclass(frozen=True)
class LivePlatform:
    """The products, and the services that run them. `manifests` are those for --access."""

    mesh: Mesh
    dagster: str
    airflow: LocalAirflow
    prefect: RunningPrefect

    @property
    def manifest(self) -> Path:
        return self.mesh.folder / "manifest-crm.yaml"

    @property
    def manifests(self) -> list[Path]:
        return [self.mesh.folder / f"manifest-{name}.yaml" for name in ("billing", "marts")]

    def run_crm(self) -> str:
        """Launch crm as Dagster's pages do, and return at once."""
        return launched(self.dagster, "crm", "crm")["runId"]

    def run_billing(self) -> str:
        """Run billing on Airflow to its end."""
        artifacts = self.mesh.artifacts("billing")
        return run_in(self.airflow, artifacts, RunOptions("billing"), lambda event: None).run_id

    def run_marts(self) -> str:
        """Run marts on Prefect to its end."""
        run_id = self.prefect.trigger("marts/floe")
        self.prefect.ended(run_id)
        return run_id


@contextmanager
def live_platform(
    folder: Path, more: Mapping[str, str] = MappingProxyType({}), schedule: str = "{onUpdate: all}"
) -> Iterator[LivePlatform]:
    """Give the platform, with a run of each product that has a producer's tables to read."""
    mesh = Mesh(folder / "mesh", ON, schedule=schedule, more=more)
    mesh.compile()
    prefect = RunningPrefect(folder)
    crm, billing = mesh.artifacts("crm"), mesh.artifacts("billing")
    DagsterPlugin().launch_run(crm, RunOptions("crm"), lambda event: None)
    airflow = LocalAirflow(folder / "airflow", billing)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        stack.enter_context(airflow)
        stack.enter_context(prefect.up())
        stack.enter_context(prefect.serving(mesh.folder / "marts"))
        url = stack.enter_context(webserver(crm, AT_ONCE))
        patch.setenv(PASSWORD, airflow.home.password)
        settings = {
            "crm": f"{{url: '{url}'}}",
            "billing": f"{{url: '{airflow.home.url}', username: {USER}, password: 'env:{PASSWORD}'}}",
            "marts": f"{{url: '{prefect.url}'}}",
        }
        for name, config in settings.items():
            file = mesh.folder / f"manifest-{name}.yaml"
            file.write_text(file.read_text().replace("config: {}}", f"config: {config}}}"))
        yield LivePlatform(mesh, url, airflow, prefect)


# Otherwise a run would wait for a daemon.
AT_ONCE = """
run_coordinator: {module: dagster._core.run_coordinator, class: DefaultRunCoordinator}
"""
