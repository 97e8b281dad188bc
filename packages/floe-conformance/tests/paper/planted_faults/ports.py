"""Plugins broken in what their runs write into the ledger."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

from paper_orchestrator import PaperPage, PaperPlugin

from floe_core.execution import BuildRequest
from floe_core.ports.ledger import ledger_of
from floe_core.ports.record import Update
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class KeepsUpdatesToItself(PaperPlugin):
    """As one does that runs dbt by itself."""

    is_run = True
    caught_by = "test_a_green_run_updates_what_it_offers"

    def build(self, artifacts: CompiledArtifacts, request: BuildRequest, page: PaperPage) -> None:
        super().build(artifacts, request, page)
        shutil.rmtree(artifacts.folder / "ledger", ignore_errors=True)


class UpdatesWhateverHappens(PaperPlugin):
    """As one does that looks at single nodes."""

    is_run = True
    caught_by = "test_a_failed_run_updates_nothing"

    def build(self, artifacts: CompiledArtifacts, request: BuildRequest, page: PaperPage) -> None:
        super().build(artifacts, request, page)
        ledger = ledger_of(artifacts)
        if artifacts.ports and not page.is_green and ledger is not None:
            ports = [port.key for port in artifacts.ports]
            update = Update(number=0, moment=datetime.now(UTC), run_id=request.run_id)
            ledger.add_updates(artifacts.product.name, ports, update)
