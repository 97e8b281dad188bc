from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

from floe_core import plugin_registry
from floe_core.foundation.errors import InvalidProductError
from floe_core.plugin_api.powers import ChartOwner, EntryPointWriter, RunLauncher
from floe_core.plugin_interfaces import ResourceSpec
from floe_orchestrator_dagster import DagsterPlugin, __version__


def test_core_finds_it_with_both_powers():
    plugin = plugin_registry.load("dagster")
    assert isinstance(plugin, DagsterPlugin)
    assert isinstance(plugin, EntryPointWriter)
    assert isinstance(plugin, RunLauncher)


def test_its_version_is_the_distributions():
    assert DagsterPlugin.version == __version__ == version("floe-orchestration-dagster")


def test_importing_it_and_its_class_imports_neither_dagster_nor_dbt():
    code = (
        "import sys; from floe_orchestrator_dagster import DagsterPlugin; DagsterPlugin();"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & {'dagster', 'dbt', 'duckdb'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_entry_point_file_is_thin_and_finds_its_own_folder():
    file = DagsterPlugin().entry_point_file("web-shop")
    assert (file.filename, file.text) == (
        "definitions.py",
        '"""What Dagster loads of the product web-shop."""\n'
        "\n"
        "from pathlib import Path\n"
        "\n"
        "from floe_orchestrator_dagster import load_product_definitions\n"
        "\n"
        'defs = load_product_definitions("web-shop", Path(__file__).parent)\n',
    )


def test_run_pods_have_three_sizes_that_grow():
    plugin = DagsterPlugin()
    sizes = [plugin.get_resource_requirements(size) for size in ("small", "medium", "large")]
    assert sizes == [
        ResourceSpec("500m", "1", "1Gi", "1Gi"),
        ResourceSpec("1", "2", "4Gi", "4Gi"),
        ResourceSpec("4", "8", "8Gi", "8Gi"),
    ]


def test_the_manifests_presets_replace_what_they_name():
    plugin = DagsterPlugin()
    plugin.configure({"resource_presets": {"small": {"memory_limit": "3Gi"}}})
    assert plugin.get_resource_requirements("small") == ResourceSpec("500m", "1", "1Gi", "3Gi")


def test_another_size_is_refused_with_the_three():
    with pytest.raises(ValueError, match="small, medium, large"):
        DagsterPlugin().get_resource_requirements("huge")


def test_helm_values_name_every_wrong_setting():
    plugin = DagsterPlugin()
    plugin.configure({"helm": {"size": "huge", "reloadabel": True}})
    with pytest.raises(InvalidProductError) as caught:
        plugin.get_helm_values()
    assert str(caught.value) == (
        "plugins.orchestrator.config.helm: size: 'huge' is not one of 'small', 'medium' or 'large'\n"
        "fix: write one of those\n"
        "\n"
        "plugins.orchestrator.config.helm: unknown key 'reloadabel'\n"
        "fix: did you mean 'reloadable'?"
    )


def test_it_brings_its_chart():
    plugin = DagsterPlugin()
    assert isinstance(plugin, ChartOwner)
    assert (plugin.chart_folder() / "Chart.yaml").is_file()


@pytest.mark.parametrize(("cron", "zone"), [("61 * * * *", "UTC"), ("0 6 * * *", "Mars/Phobos")])
def test_a_schedule_that_is_none_is_refused_first(cron, zone):
    with pytest.raises(ValueError, match=r"61|Mars/Phobos"):
        DagsterPlugin().schedule_job("orders", cron, zone)


def test_a_good_schedule_needs_a_product():
    with pytest.raises(ValueError) as caught:
        DagsterPlugin().schedule_job("orders", "0 6 * * *", "UTC")
    assert str(caught.value) == (
        "schedules belong to a product, and this plugin has none yet; call "
        "create_definitions(artifacts) first, or configure() it with `project_dir`, the compiled "
        "folder"
    )


def test_an_unknown_lineage_event_type_is_refused():
    with pytest.raises(ValueError, match="START"):
        DagsterPlugin().emit_lineage_event("BEGIN", "orders", [], [])


def test_the_port_of_a_database_with_schedules_is_open_in_the_chart():
    plugin = DagsterPlugin()
    plugin.configure({"helm": {"schedule_store": "postgresql://floe@db:6432/floe"}})
    assert plugin.get_helm_values()["networkPolicy"] == {"storePorts": [443, 6432]}
    plugin.configure({"helm": {"schedule_store": "s3://acme/schedules"}})
    assert "networkPolicy" not in plugin.get_helm_values()


@pytest.mark.parametrize("place", ["env:SCHEDULES", "postgresql://floe:secret@db/floe"])
def test_a_store_that_is_a_reference_or_has_a_password_is_refused(place):
    plugin = DagsterPlugin()
    plugin.configure({"helm": {"schedule_store": place}})
    with pytest.raises(InvalidProductError, match="FLOE_SCHEDULE_STORE from a Secret") as raised:
        plugin.get_helm_values()
    assert "secret@" not in str(raised.value)
