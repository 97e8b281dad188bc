"""Lineage: OpenLineage events of runs, written to disk first and sent in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

from floe_core.foundation.lazy_names import importer

if TYPE_CHECKING:
    from floe_core.lineage.backend import is_configured as is_configured
    from floe_core.lineage.calling_run import CONTEXT as CONTEXT
    from floe_core.lineage.calling_run import CallingRun as CallingRun
    from floe_core.lineage.calling_run import NamedRun as NamedRun
    from floe_core.lineage.emission import emit_lineage_event as emit_lineage_event
    from floe_core.lineage.run_recorder import RunLineage as RunLineage
    from floe_core.lineage.sending.delivery_status import LineageStatus as LineageStatus
    from floe_core.lineage.sending.delivery_status import flush as flush
    from floe_core.lineage.sending.delivery_status import status as status
    from floe_core.storage.spooling.draining import Flushed as Flushed

_HOMES = {
    "CONTEXT": "floe_core.lineage.calling_run",
    "CallingRun": "floe_core.lineage.calling_run",
    "NamedRun": "floe_core.lineage.calling_run",
    "is_configured": "floe_core.lineage.backend",
    "Flushed": "floe_core.storage.spooling.draining",
    "LineageStatus": "floe_core.lineage.sending.delivery_status",
    "RunLineage": "floe_core.lineage.run_recorder",
    "emit_lineage_event": "floe_core.lineage.emission",
    "flush": "floe_core.lineage.sending.delivery_status",
    "status": "floe_core.lineage.sending.delivery_status",
}


# Import a part when it is first used.
__getattr__ = importer(__name__, _HOMES)
