"""Check whether an orchestrator responds and is healthy, and has the pools of a product."""

from __future__ import annotations

from pathlib import Path

from floe_core import plugin_registry
from floe_core.cli.doctor.compiled_folder import findings_in
from floe_core.cli.doctor.finding import Finding
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import FLOE_FILE, read_inputs
from floe_core.compiler.settings import plugin_settings
from floe_core.foundation.errors import EnvironmentProblemError, InvalidProductError, PluginError
from floe_core.plugin_api.powers import PoolChecker
from floe_core.plugin_interfaces import OrchestratorPlugin, ValidationResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice

SUBJECT = "orchestrator"


def choose_orchestrator(folder: Path, on: str | None) -> OrchestratorChoice:
    """Return what a product's manifest chooses, or the orchestrator `on`.

    The manifest's settings apply to its own choice only. `on` needs no product.

    Raises:
        InvalidProductError: The folder holds no product, or its files have problems.
    """
    if on is not None and not (folder / FLOE_FILE).exists():
        return OrchestratorChoice(name=on)
    manifest = read_inputs(folder, Findings(lambda notice: None)).manifest
    name = manifest.plugins.orchestrator.type
    return override(OrchestratorChoice(name=name, config=plugin_settings(manifest)), on)


def override(choice: OrchestratorChoice, on: str | None) -> OrchestratorChoice:
    """Return a choice, or that of the orchestrator `on` at its default address."""
    return choice if on in (None, choice.name) else OrchestratorChoice(name=str(on))


def check_chosen(folder: Path, on: str | None) -> list[Finding]:
    """Return the state of what `choose_orchestrator` returns; nothing outside a product."""
    if on is None and not (folder / FLOE_FILE).exists():
        return []
    try:
        choice = choose_orchestrator(folder, on)
    except InvalidProductError as error:
        return findings_in(error)
    return check_orchestrator(choice, is_named=on is not None)


def check_orchestrator(choice: OrchestratorChoice, is_named: bool) -> list[Finding]:
    """Return the state of an orchestrator's service; see `findings_of` for `is_named`."""
    try:
        plugin = plugin_registry.load(choice.name, choice.config)
    except PluginError as error:
        return [
            Finding(
                SUBJECT, "problem", str(error), "install the plugin, or choose another orchestrator"
            )
        ]
    return findings_of(choice, plugin.validate_connection(), is_named)


def check_compiled_for(artifacts: CompiledArtifacts, on: str | None) -> list[Finding]:
    """Return the state of a product's orchestrator and, if it is healthy, of its pools."""
    choice = override(artifacts.orchestrator, on)
    found = check_orchestrator(choice, is_named=on is not None)
    if found[0].severity != "ok" or choice.name != artifacts.orchestrator.name:
        return found
    return [*found, *_pools(artifacts, plugin_registry.load(choice.name, choice.config))]


def findings_of(
    choice: OrchestratorChoice, result: ValidationResult, is_named: bool
) -> list[Finding]:
    """Return what a check of the service means.

    A missing service is a problem only if the manifest has its address or if the user named it:
    `floe run` needs none.
    """
    warnings = [Finding(SUBJECT, "warning", f"{choice.name}: {each}") for each in result.warnings]
    if result.success:
        return [Finding(SUBJECT, "ok", f"{choice.name}: {result.message}"), *warnings]
    what = "; ".join([f"{choice.name}: {result.message}", *result.errors])
    if is_named or choice.config.get("url"):
        fix = "start it, or correct `plugins.orchestrator.config` in manifest.yaml"
        return [Finding(SUBJECT, "problem", what, fix), *warnings]
    fix = "set `plugins.orchestrator.config.url` to check a server; `floe run` needs none"
    return [Finding(SUBJECT, "warning", f"{choice.name}: none is running here", fix)]


def _pools(artifacts: CompiledArtifacts, plugin: OrchestratorPlugin) -> list[Finding]:
    if not artifacts.pools or not isinstance(plugin, PoolChecker):
        return []
    try:
        problems = plugin.check_pools(artifacts)
    except EnvironmentProblemError as error:
        return [Finding("pools", "warning", str(error), "see whether its user may read pools")]
    if not problems:
        return [Finding("pools", "ok", f"there are slots of {', '.join(artifacts.pools)}")]
    return [
        Finding("pools", "problem" if each.blocks else "warning", each.what, each.fix)
        for each in problems
    ]
