"""Find out which orchestrator serves a product, before it is compiled."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from floe_core import plugin_registry
from floe_core.compiler.checks.choices import choose_orchestrator
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import read_inputs
from floe_core.compiler.settings import plugin_settings
from floe_core.foundation.errors import InvalidProductError, PluginError, UsageError
from floe_core.plugin_api.powers import DevServer, UncompiledProduct
from floe_core.schemas.artifacts_reader import COPY_MARK
from floe_dev.product_files import ProductFiles, paths_outside

LOOK_SECONDS = 0.5
_LIBRARY = "dbt.cli.main"
Choice = tuple[str, DevServer, UncompiledProduct]


def await_choice(folder: Path, on: str | None, say_error: Callable[[str, str], None]) -> Choice:
    """Return the orchestrator's name, its plugin and the product, once floe.yaml is right.

    Raises:
        PluginError: The plugin can't serve a product, or does not load.
        UsageError: The folder is no product, or a copy that `floe compile --out` made.
    """
    if (folder / COPY_MARK).exists():
        raise UsageError(f"{folder} is a copy; run `floe dev` in the folder that it was made of")
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    files = ProductFiles(folder)
    while True:
        files.outside = paths_outside(folder)
        before = files.snapshot()
        try:
            return _choose(folder, on)
        except InvalidProductError as error:
            say_error("waiting for a change of what is wrong:", str(error))
        while files.snapshot() == before:
            time.sleep(LOOK_SECONDS)


def _choose(folder: Path, on: str | None) -> Choice:
    findings = Findings(lambda notice: None)
    inputs = read_inputs(folder, findings)
    name = choose_orchestrator(inputs, on, findings)
    findings.raise_if_any()
    plugin = plugin_registry.load(name, plugin_settings(inputs.manifest))
    if not isinstance(plugin, DevServer):
        raise PluginError(
            f"the plugin '{name}' has no local orchestrator that `floe dev` can start"
        )
    imports = () if inputs.spec.execution.dbt_executable else (_LIBRARY,)
    return name, plugin, UncompiledProduct(folder, inputs.spec.metadata.name, imports)
