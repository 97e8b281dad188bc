from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from floe_core import plugin_registry
from floe_core.foundation.errors import InvalidProductError
from floe_core.plugin_api.powers import ChartOwner, EntryPointWriter, RunLauncher
from floe_core.plugin_interfaces import OrchestratorPlugin, ResourceSpec
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow import AirflowOrchestratorPlugin, AirflowPlugin


def test_core_finds_the_plugin_with_its_powers() -> None:
    plugin = plugin_registry.load("airflow")
    assert type(plugin) is AirflowOrchestratorPlugin is AirflowPlugin
    assert isinstance(plugin, OrchestratorPlugin)
    assert isinstance(plugin, EntryPointWriter)
    assert isinstance(plugin, RunLauncher)


LOADING = "from floe_core import plugin_registry; plugin_registry.load('airflow')"
# What a local run imports to follow an Airflow's run, and to report its end.
FOLLOWING = (
    "import floe_orchestrator_airflow.local.launch, floe_orchestrator_airflow.names.airflow_names, "
    "floe_orchestrator_airflow.task.run_end"
)


@pytest.mark.parametrize("work", [LOADING, FOLLOWING], ids=["loading", "following a run"])
def test_neither_airflow_nor_dbt_is_imported_for(work: str) -> None:
    program = (
        f"import sys; {work};"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & {'airflow', 'dbt', 'duckdb'}))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (found.stdout, found.stderr) == ("[]\n", "")


def test_the_sizes_of_a_task_pod_grow_strictly() -> None:
    plugin = AirflowPlugin()
    assert [plugin.get_resource_requirements(size) for size in ("small", "medium", "large")] == [
        ResourceSpec("250m", "500m", "512Mi", "512Mi"),
        ResourceSpec("1", "2", "2Gi", "2Gi"),
        ResourceSpec("2", "4", "4Gi", "4Gi"),
    ]


def test_the_platforms_presets_replace_what_they_name() -> None:
    plugin = AirflowPlugin()
    plugin.configure(
        {"resource_presets": {"small": {"memory_request": "1Gi", "memory_limit": "1Gi"}}}
    )
    assert plugin.get_resource_requirements("small") == ResourceSpec("250m", "500m", "1Gi", "1Gi")


def test_an_unknown_size_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="small, medium, large"):
        AirflowPlugin().get_resource_requirements("huge")


def test_helm_values_name_every_wrong_setting() -> None:
    plugin = AirflowPlugin()
    plugin.configure({"helm": {"size": "huge", "exectuor": "CeleryExecutor"}})
    with pytest.raises(InvalidProductError) as caught:
        plugin.get_helm_values()
    assert str(caught.value) == (
        "plugins.orchestrator.config.helm: size: 'huge' is not one of 'small', 'medium' or 'large'\n"
        "fix: write one of those\n"
        "\n"
        "plugins.orchestrator.config.helm: unknown key 'exectuor'\n"
        "fix: did you mean 'executor'?"
    )


def test_it_brings_its_chart() -> None:
    plugin = AirflowPlugin()
    assert isinstance(plugin, ChartOwner)
    assert (plugin.chart_folder() / "Chart.yaml").is_file()


@pytest.mark.parametrize(
    ("cron", "zone", "reason"),
    [("61 * * * *", "UTC", "cron expression"), ("0 6 * * *", "Europe/Lundon", "Europe/London")],
)
def test_schedule_job_refuses_what_is_no_schedule(cron: str, zone: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        AirflowPlugin().schedule_job("shop", cron, zone)


def test_a_good_schedule_needs_a_product() -> None:
    with pytest.raises(ValueError) as caught:
        AirflowPlugin().schedule_job("shop", "0 6 * * *", "UTC")
    assert str(caught.value) == (
        "schedules belong to a product, and this plugin has none yet; call "
        "create_definitions(artifacts) first, or configure() it with `project_dir`, the compiled "
        "folder"
    )


def test_artifacts_from_no_folder_name_the_loader(
    make_artifacts: Callable[..., CompiledArtifacts],
) -> None:
    with pytest.raises(InvalidProductError) as refused:
        AirflowPlugin().create_definitions(make_artifacts())
    assert str(refused.value) == (
        "these artifacts of 'shop' come from no folder, and a DAG runs the dbt project in one\n"
        "fix: load them with "
        "floe_orchestrator_airflow.loader.load_product_dag('shop', project_dir)"
    )


def test_create_definitions_reports_every_problem_at_once(
    make_artifacts: Callable[..., CompiledArtifacts],
) -> None:
    artifacts = make_artifacts(
        execution={"granularity": "group"},
        jobs=[
            {"name": "shop", "schedule": {"cron": "61 * * * *", "timezone": "UTC"}},
            {"name": "shop", "node_ids": ["model.shop.gone"]},
        ],
    )
    with pytest.raises(InvalidProductError) as refused:
        AirflowPlugin().create_definitions(artifacts)
    problems = [problem.what for problem in refused.value.problems]
    assert [problem.partition(": cron")[0] for problem in problems] == [
        "two jobs are named 'shop'",
        "schedule of job 'shop'",
        "job 'shop' runs model.shop.gone, which is not a node",
    ]


def test_the_entry_point_is_thin_and_the_same_every_time() -> None:
    file = AirflowPlugin().entry_point_file("shop")
    assert file == AirflowPlugin().entry_point_file("shop")
    assert file.filename == "dag.py"
    imports = [line for line in file.text.splitlines() if line.startswith(("import", "from"))]
    assert imports == [
        "from pathlib import Path",
        "from airflow.sdk import DAG",
        "from floe_orchestrator_airflow import load_product_dags",
    ]
