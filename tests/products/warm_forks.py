"""What the server of forks imports: it parses dbt's own macros, so that its forks need not."""

from __future__ import annotations

import gc
from importlib import import_module

from warm_floe_server import OF_DBT, parse_macros

for module in (
    *OF_DBT,
    "floe_core.execution",
    "floe_orchestrator_dagster.loader",
    "floe_orchestrator_prefect.loader",
):
    import_module(module)
parse_macros()
gc.freeze()
