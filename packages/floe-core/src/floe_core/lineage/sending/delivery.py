"""Send a product's lineage events in the background, without delaying its runs."""

from __future__ import annotations

from pathlib import Path

from floe_core.lineage.backend import config_file, manifest_transport
from floe_core.schemas.policies import LineageSettings
from floe_core.storage.spooling.sending_process import SendingProcess, SendingProgram
from floe_core.storage.spooling.spool import Spool

_MODULE = "floe_core.lineage.sending.drainer_process"


class Delivery(SendingProcess):
    """A process that drains a product's spool of lineage events as long as this one lives."""

    def __init__(self, project_dir: Path, settings: LineageSettings) -> None:
        found = config_file(project_dir)
        program = SendingProgram(
            module=_MODULE,
            folder=project_dir,
            start={"project_dir": str(project_dir), "settings": settings.model_dump(mode="json")},
            environment={"OPENLINEAGE_CONFIG": str(found)} if found else {},
            shows_errors=manifest_transport(settings).get("type") == "console",
        )
        super().__init__([Spool(project_dir)], program)
