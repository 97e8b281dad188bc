"""Start the processes that a run needs while its product is being compiled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from floe_core.plugin_api.powers import RunLauncher

_DBT_LIBRARY = "dbt.cli.main"


@contextmanager
def start_early(product: Path, on: str | None) -> Iterator[RunLauncher | None]:
    """Start the processes of one run, and stop them when the block ends; None if not possible.

    Errors are ignored here: the compile or the launch reports them.
    """
    with ExitStack() as stack:
        yield _start(product.absolute(), on, stack)


def _start(folder: Path, on: str | None, stack: ExitStack) -> RunLauncher | None:
    from floe_core import plugin_registry
    from floe_core.compiler.checks.choices import choose_orchestrator
    from floe_core.compiler.findings import Findings
    from floe_core.compiler.inputs import read_inputs
    from floe_core.compiler.settings import plugin_settings
    from floe_core.foundation.errors import FloeError
    from floe_core.plugin_api.powers import EarlyStarter, UncompiledProduct
    from floe_core.schemas.artifacts_reader import COPY_MARK

    if (folder / COPY_MARK).exists():
        return None
    findings = Findings(lambda notice: None)
    try:
        inputs = read_inputs(folder, findings)
        name = choose_orchestrator(inputs, on, findings)
        findings.raise_if_any()
        plugin = plugin_registry.load(name, plugin_settings(inputs.manifest))
        if not isinstance(plugin, EarlyStarter):
            return None
        imports = () if inputs.spec.execution.dbt_executable else (_DBT_LIBRARY,)
        uncompiled = UncompiledProduct(folder, inputs.spec.metadata.name, imports)
        return stack.enter_context(plugin.start_early(uncompiled))
    except (FloeError, OSError):
        return None
