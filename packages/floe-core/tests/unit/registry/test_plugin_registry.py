"""The registry, on distributions thrown into a temporary site folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from floe_core import plugin_registry
from floe_core.foundation.errors import PluginError
from floe_core.plugin_api.powers import EntryPointWriter, RunLauncher

JUST_SEVEN = """
from floe_core.plugin_interfaces import OrchestratorPlugin, ResourceSpec, ValidationResult

class Plugin(OrchestratorPlugin):
    name = "{name}"
    version = "3.2.1"
    floe_api_version = "{api}"

    def create_definitions(self, artifacts):
        return [node.unique_id for node in artifacts.nodes]

    def create_assets_from_transforms(self, transforms):
        return [transform.name for transform in transforms]

    def get_helm_values(self):
        return {{}}

    def validate_connection(self):
        return ValidationResult(True, "{distribution}")

    def get_resource_requirements(self, workload_size):
        return ResourceSpec("1", "1", "1Gi", "1Gi")

    def emit_lineage_event(self, event_type, job, inputs, outputs):
        return None

    def schedule_job(self, job_name, cron, timezone):
        return None
"""

Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return a function that installs one distribution with one plugin."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules = []

    def install(distribution: str, name: str, code: str = JUST_SEVEN, api: str = "1.0") -> str:
        module = distribution.replace("-", "_")
        text = (
            code.format(name=name, api=api, distribution=distribution) if "{name}" in code else code
        )
        (tmp_path / f"{module}.py").write_text(text)
        info = tmp_path / f"{module}-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0.1\n"
        )
        (info / "entry_points.txt").write_text(f"[floe.orchestrators]\n{name} = {module}:Plugin\n")
        modules.append(module)
        return module

    yield install
    for module in modules:
        sys.modules.pop(module, None)


def test_a_plugin_with_just_the_seven_methods_is_listed_and_loaded(install: Install) -> None:
    install("someone-elses-plugin", "argonaut")
    assert "argonaut" in plugin_registry.installed()
    plugin = plugin_registry.load("argonaut", {"anything": 1})
    assert (plugin.name, plugin.version) == ("argonaut", "3.2.1")
    assert not isinstance(plugin, EntryPointWriter)
    assert not isinstance(plugin, RunLauncher)


def test_listing_plugins_imports_none_of_them(install: Install) -> None:
    module = install("lazy-plugin", "lazy", code="raise RuntimeError('imported')")
    assert "lazy" in plugin_registry.installed()
    assert "lazy" in [found.name for found in plugin_registry.describe()]
    assert module not in sys.modules


def test_a_plugin_that_fails_to_import_is_reported_and_hides_no_other(install: Install) -> None:
    install("broken-plugin", "broken", code="import no_such_module_anywhere")
    install("sound-plugin", "sound")
    with pytest.raises(PluginError) as caught:
        plugin_registry.load("broken")
    assert str(caught.value) == (
        "orchestrator plugin 'broken' (broken-plugin 0.1, broken_plugin:Plugin) does not load: "
        "ModuleNotFoundError: No module named 'no_such_module_anywhere'"
    )
    assert plugin_registry.load("sound").name == "sound"


@pytest.mark.parametrize("api", ["2.0", "1.1", "0.9", "one", "1", ""])
def test_a_plugin_made_for_another_floe_is_refused(install: Install, api: str) -> None:
    install("other-floe", "other", api=api)
    with pytest.raises(PluginError) as caught:
        plugin_registry.load("other")
    if api:
        assert str(caught.value) == (
            f"orchestrator plugin 'other' (other-floe 0.1), version 3.2.1, was made for floe API {api}; "
            "this floe has 1.0. Install a version of either that fits the other."
        )
    else:
        assert str(caught.value) == (
            "orchestrator plugin 'other' (other-floe 0.1) lacks floe_api_version; each must be a text"
        )


def test_of_two_that_claim_one_name_the_same_wins_and_both_are_named(install: Install) -> None:
    install("zebra-plugin", "twice")
    install("aardvark-plugin", "twice")
    with pytest.warns(UserWarning) as warned:
        plugin = plugin_registry.load("twice")
    assert plugin.validate_connection().message == "aardvark-plugin"
    assert {str(warning.message) for warning in warned} == {
        "the orchestrator name 'twice' is claimed by aardvark-plugin 0.1 and zebra-plugin 0.1; "
        "aardvark-plugin 0.1 is used. Uninstall the other."
    }


def test_what_is_no_plugin_is_refused(install: Install) -> None:
    install("not-a-plugin", "notone", code="Plugin = dict")
    with pytest.raises(PluginError, match="is not an OrchestratorPlugin but dict"):
        plugin_registry.load("notone")


def test_an_unknown_name_is_answered_with_the_nearest(install: Install) -> None:
    install("argonaut-plugin", "argonaut")
    with pytest.raises(
        PluginError, match="no orchestrator plugin named 'argonat'; did you mean 'argonaut'"
    ):
        plugin_registry.load("argonat")
