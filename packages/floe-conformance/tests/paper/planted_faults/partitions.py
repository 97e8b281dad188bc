"""Plugins broken in the partitions that their runs build."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from paper_orchestrator import NO_PARAMETERS, PaperPage, PaperPlugin

from floe_core.execution import BuildRequest
from floe_core.ports.ledger import ledger_of
from floe_core.ports.record import Update
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class BuildsTheLastOfARange(PaperPlugin):
    """As one does that passes a single key on."""

    is_run = True
    caught_by = "test_a_run_builds_the_partitions_that_it_names"

    def told(self, parameters: RunParameters) -> RunParameters:
        is_this = parameters.partitions.startswith("2026-03")
        last = parameters.partitions.rpartition("...")[2]
        return parameters.model_copy(update={"partitions": last}) if is_this else parameters


class BuildsTheFirstPartition(PaperPlugin):
    """If a run names none."""

    is_run = True
    caught_by = "test_a_run_that_names_none_builds_the_last_that_is_over"

    def run(
        self, artifacts: CompiledArtifacts, parameters: RunParameters = NO_PARAMETERS
    ) -> PaperPage:
        if artifacts.partitions is not None and not parameters.partitions:
            parameters = RunParameters(partitions=artifacts.partitions.start)
        return super().run(artifacts, parameters)


class SwallowsAFailedPartition(PaperPlugin):
    """As one does that looks at the last of them."""

    is_run = True
    caught_by = "test_a_partition_that_fails_fails_the_run_and_stops_no_other"

    def run(
        self, artifacts: CompiledArtifacts, parameters: RunParameters = NO_PARAMETERS
    ) -> PaperPage:
        page = super().run(artifacts, parameters)
        return replace(page, is_green=page.is_green or bool(parameters.partitions))


class UpdatesAPortAsAWhole(PaperPlugin):
    """As one does that writes updates by itself."""

    is_run = True
    caught_by = "test_the_update_of_a_port_names_its_partitions"

    def build(self, artifacts: CompiledArtifacts, request: BuildRequest, page: PaperPage) -> None:
        unread = artifacts.model_copy(update={"ports": ()}).bound_to(artifacts.folder)
        super().build(unread, request, page)
        ledger = ledger_of(artifacts)
        if page.is_green and ledger is not None:
            ports = [port.key for port in artifacts.ports]
            update = Update(
                number=0,
                moment=datetime.now(UTC),
                run_id=request.run_id,
                version=artifacts.product.version,
            )
            ledger.add_updates(artifacts.product.name, ports, update)
