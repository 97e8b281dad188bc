"""Find out which orchestrators serve which products, before they are compiled."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from floe_core import plugin_registry
from floe_core.compiler.checks.choices import choose_orchestrator
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs, read_inputs
from floe_core.compiler.settings import plugin_settings
from floe_core.foundation.errors import InvalidProductError, PluginError, UsageError
from floe_core.plugin_api.powers import DevServer, UncompiledProduct
from floe_core.schemas.artifacts_reader import COPY_MARK
from floe_core.schemas.manifest_yaml import Manifest
from floe_dev.product_files import ProductFiles, paths_outside

LOOK_SECONDS = 0.5
_LIBRARY = "dbt.cli.main"


@dataclass(frozen=True, slots=True)
class Choice:
    """A product, and the orchestrator that serves it: its name and its plugin."""

    product: UncompiledProduct
    orchestrator: str
    server: DevServer


def await_choice(
    folder: Path, choose: Callable[[], list[Choice]], say_error: Callable[[str, str], None]
) -> list[Choice]:
    """Return what `choose` returns, once the files below a folder are right.

    Raises:
        FloeError: What `choose` raises, except for errors in these files.
    """
    files = ProductFiles(folder)
    while True:
        files.outside = paths_outside(folder)
        before = files.snapshot()
        try:
            return choose()
        except InvalidProductError as error:
            say_error("waiting for a change of what is wrong:", str(error))
        while files.snapshot() == before:
            time.sleep(LOOK_SECONDS)


def choose_for_product(folder: Path, on: str | None) -> list[Choice]:
    """Return the choice for one product.

    Raises:
        InvalidProductError: Its files are wrong.
        PluginError: The plugin can't serve a product, or does not load.
        UsageError: The folder is no product, or a copy that `floe compile --out` made.
    """
    if (folder / COPY_MARK).exists():
        raise UsageError(f"{folder} is a copy; run `floe dev` in the folder that it was made of")
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    findings = Findings(lambda notice: None)
    inputs = read_inputs(folder, findings)
    name = choose_orchestrator(inputs, on, findings)
    findings.raise_if_any()
    return [Choice(uncompiled(folder, inputs), name, dev_server(name, inputs.manifest))]


def uncompiled(folder: Path, inputs: Inputs) -> UncompiledProduct:
    """Return a product as it is before its compile."""
    imports = () if inputs.spec.execution.dbt_executable else (_LIBRARY,)
    return UncompiledProduct(folder, inputs.spec.metadata.name, imports)


def dev_server(name: str, manifest: Manifest) -> DevServer:
    """Return the plugin of an orchestrator, with the manifest's settings.

    Raises:
        PluginError: The plugin can't serve a product, or does not load.
    """
    plugin = plugin_registry.load(name, plugin_settings(manifest))
    if not isinstance(plugin, DevServer):
        raise PluginError(
            f"the plugin '{name}' has no local orchestrator that `floe dev` can start"
        )
    return plugin
