"""A dbt plugin that adds the ports of other products: `ref('their_project', 'model')`.

dbt imports every module named `dbt_...` and gets models of other projects from its `plugins`.
`floe compile` writes them to `target/upstream_ports.json`; plain dbt reads them from there, so
a project with input ports also works without floe.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from dbt.flags import get_flags
from dbt.plugins import dbt_hook, dbtPlugin
from dbt.plugins.manifest import ModelNodeArgs, PluginNodes

FILE = "upstream_ports.json"
FILE_VARIABLE = "FLOE_UPSTREAM_PORTS"
# A constant, so that a project's manifest is the same whenever it is parsed.
_NEVER = datetime(1970, 1, 1)


class UpstreamPorts(dbtPlugin):  # type: ignore[misc]
    """Gives dbt the models behind a product's input ports."""

    @dbt_hook  # type: ignore[untyped-decorator]
    def get_nodes(self) -> PluginNodes:
        """Return one public model for each relation behind a port of another product."""
        found = PluginNodes()
        for each in _models():
            found.add_model(ModelNodeArgs(**each, access="public", generated_at=_NEVER))
        return found


def _models() -> list[dict[str, Any]]:
    """Return the arguments of the models, as `floe compile` wrote them; [] if there is no file."""
    try:
        text = _file().read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return []
    models: list[dict[str, Any]] = json.loads(text)["models"]
    return models


def _file() -> Path:
    """Return the file that floe names while it compiles, or the one in the project's target."""
    named = os.environ.get(FILE_VARIABLE)
    if named:
        return Path(named)
    project = Path(getattr(get_flags(), "PROJECT_DIR", None) or ".")
    environment = os.environ.get("FLOE_ENV")
    own = project / "target" / f"upstream_ports.{environment}.json"
    return own if environment and own.is_file() else project / "target" / FILE


plugins = [UpstreamPorts]
