"""Configure a plugin for `floe helm` with a manifest, products and a size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from floe_core import plugin_registry
from floe_core.alerts.alert_store import STORE_SETTING, STORE_VARIABLE
from floe_core.cli.console import notice
from floe_core.compiler.checks.choices import check_helm_section
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import FLOE_FILE, Inputs, read_inputs
from floe_core.compiler.settings import plugin_settings
from floe_core.foundation.errors import PluginError, UsageError
from floe_core.plugin_api.helm.outgoing_ports import ports_of_place
from floe_core.plugin_api.helm.settings import HelmProduct
from floe_core.plugin_api.powers import ChartOwner
from floe_core.plugin_interfaces import WORKLOAD_SIZES, OrchestratorPlugin
from floe_core.schemas.floe_yaml import FloeSpec
from floe_core.schemas.manifest_yaml import Environment, Manifest
from floe_core.storage.environment_choice import chosen_environment
from floe_core.warehouse.duckdb_file import duckdb_file
from floe_kubernetes.helm.manifest_settings import (
    helm_section,
    image_template,
    open_ports,
    products_of,
    starts_step_pods,
)
from floe_kubernetes.helm.values_file import Place, value_comments, values_text

_MOUNT = "mount a volume there that all pods share"


@dataclass(frozen=True)
class HelmRelease:
    """A configured plugin, and the choices that it was configured with, as words."""

    plugin: OrchestratorPlugin
    words: str

    @classmethod
    def of(
        cls, product: Path, on: str | None, size: str | None, others: Sequence[str]
    ) -> HelmRelease:
        """Return the release for the product in a folder and other products.

        Raises:
            InvalidProductError: The files or `helm` in the manifest are invalid.
            UsageError: The size or another product is invalid.
        """
        if size is not None and size not in WORKLOAD_SIZES:
            raise UsageError(f"no size '{size}'; the sizes are {', '.join(WORKLOAD_SIZES)}")
        inputs = None
        if on is None or (product / FLOE_FILE).exists():
            inputs = read_inputs(product.absolute(), Findings(notice))
            check_helm_section(inputs)
            _warn_if_pods_lose_alerts(inputs)
        name, settings = _choose_plugin(inputs, on)
        plugin = plugin_registry.load(name, settings)
        plugin.configure({**settings, "helm": _section(inputs, settings, size, others)})
        words = [name, *([f"size {size}"] if size else [])]
        return cls(plugin, ", ".join(words))

    def values_text(self) -> str:
        """Return the plugin's Helm values as YAML with comments."""
        found = self.plugin.get_helm_values()
        header = [f"Values for {self.plugin.name} by floe {self.plugin.version} ({self.words})."]
        header.append("Written by `floe helm values`; change the manifest rather than this file.")
        return values_text(found, self._comments(), header)

    def chart(self) -> Path:
        """Return the folder of the plugin's chart.

        Raises:
            PluginError: The plugin has no chart.
        """
        if not isinstance(self.plugin, ChartOwner):
            raise PluginError(f"the plugin '{self.plugin.name}' has no Helm chart")
        return self.plugin.chart_folder()

    def _comments(self) -> dict[Place, str]:
        if not isinstance(self.plugin, ChartOwner):
            return {}
        return value_comments((self.plugin.chart_folder() / "values.yaml").read_text("utf-8"))


def _choose_plugin(inputs: Inputs | None, on: str | None) -> tuple[str, dict[str, Any]]:
    """Return the plugin's name and settings; the manifest's settings apply to its own plugin only.

    The exception is `resource_presets`, which any plugin gets.
    """
    if inputs is None:
        return str(on), {}
    chosen = inputs.manifest.plugins.orchestrator.type
    settings = plugin_settings(inputs.manifest, chosen_environment())
    if on in (None, chosen):
        return chosen, settings
    kept = ("resource_presets",)
    return str(on), {key: settings[key] for key in kept if key in settings}


def _warn_if_pods_lose_alerts(inputs: Inputs) -> None:
    manifest = inputs.manifest
    given = plugin_settings(manifest, chosen_environment()).get(STORE_SETTING)
    if (inputs.spec.alerts or manifest.alerts) and not given:
        what = "a pod that ends loses waiting alerts, and its record of failures and met deadlines"
        fix = (
            f"add `{STORE_SETTING}` to plugins.orchestrator.config, or set {STORE_VARIABLE} in pods"
        )
        notice(f"{inputs.spec.metadata.name} has alerts: {what}; {fix}")


def _section(
    inputs: Inputs | None, settings: Mapping[str, Any], size: str | None, others: Sequence[str]
) -> Any:
    given = settings.get("helm") or {}
    if not isinstance(given, Mapping):
        return given
    folders = [Path(other) for other in others if "=" not in other]
    read = [read_inputs(folder.absolute(), Findings(notice)) for folder in folders]
    specs = [each.spec for each in [*([inputs] if inputs else []), *read]]
    products = products_of(specs, image_template(given))
    products += [_parse_product(other) for other in others if "=" in other]
    store = str(settings.get(STORE_SETTING) or "")
    environment = chosen_environment()
    ports = open_ports(inputs.manifest, specs, store, environment) if inputs else {}
    for warning in find_unshared_files(inputs.manifest, specs, environment) if inputs else ():
        notice(warning)
    found = {**ports, **starts_step_pods(specs), **given}
    section = helm_section(inputs.manifest if inputs else None, found, products)
    chosen = {"environment": environment} if environment and inputs else {}
    return {**section, **chosen, **({"size": size} if size else {})}


def _parse_product(product: str) -> dict[str, str]:
    name, _, image = product.partition("=")
    try:
        HelmProduct(name=name, image=image)
    except ValidationError:
        example = "shop=registry.example.com/shop:1.0.0"
        raise UsageError(f"--product {product}: not NAME=IMAGE, such as {example}") from None
    return {"name": name, "image": image}


def find_unshared_files(
    manifest: Manifest, specs: Sequence[FloeSpec], environment: str
) -> Iterator[str]:
    """Yield a warning for a DuckDB file, and for a ledger that is a folder.

    The warehouse of a product with its own profiles.yml is not known.
    """
    names = ", ".join(spec.metadata.name for spec in specs)
    if _builds_in_file(manifest, environment):
        yield (
            f"{names}: the warehouse is a DuckDB file, which a pod loses when it ends and no other "
            f"pod can read; use a warehouse with a server, or {_MOUNT}"
        )
    with_ports = [s.metadata.name for s in specs if s.output_ports or s.input_ports]
    if with_ports and manifest.ledger and not ports_of_place(manifest.ledger):
        yield (
            f"{', '.join(with_ports)}: the ledger is the folder {manifest.ledger}, so no pod sees "
            "the updates that others record; set `ledger` to a URL such as postgresql://, or "
            f"{_MOUNT}"
        )


def _builds_in_file(manifest: Manifest, environment: str) -> bool:
    compute = manifest.plugins.compute
    if compute is None:
        return False
    changed = manifest.environments.get(environment, Environment()).compute
    profile = {**compute.config, **changed, "type": compute.type}
    return duckdb_file(profile, Path()) is not None
