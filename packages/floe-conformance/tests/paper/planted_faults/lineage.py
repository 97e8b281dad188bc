"""Plugins broken in the lineage events that they emit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paper_orchestrator import PaperPlugin

from floe_core.plugin_interfaces import Dataset


class LosesOutputs(PaperPlugin):
    caught_by = "test_every_lineage_event_arrives_in_order"

    def send(self, event: Any, inputs: list[Dataset], outputs: list[Dataset]) -> None:
        super().send(event, inputs, [])


class EmitsNoValidEvent(PaperPlugin):
    caught_by = "test_every_lineage_event_is_openlineages"

    def send(self, event: Any, inputs: list[Dataset], outputs: list[Dataset]) -> None:
        object.__setattr__(event, "eventTime", "yesterday")
        super().send(event, inputs, outputs)


class PairsNoEvents(PaperPlugin):
    caught_by = "test_a_run_ends_as_the_run_that_began"

    def run_id(self, event_type: str, job: str) -> str:
        self.open_runs.clear()
        return super().run_id(event_type, job)


class ClosesAnotherJobsRun(PaperPlugin):
    caught_by = "test_a_run_ends_as_the_run_that_began"

    def run_id(self, event_type: str, job: str) -> str:
        return super().run_id(event_type, "the last one")


class EmitsAnyType(PaperPlugin):
    caught_by = "test_an_unknown_event_type_is_refused_with_those_there_are"

    def emit_lineage_event(
        self, event_type: str, job: str, inputs: list[Dataset], outputs: list[Dataset]
    ) -> None:
        kind = "OTHER" if event_type == "DONE" else event_type
        super().emit_lineage_event(kind, job, inputs, outputs)


class WritesEventsThatNobodyWants(PaperPlugin):
    caught_by = "test_without_a_lineage_backend_nothing_happens"

    def has_backend(self) -> bool:
        Path("paper-spool").mkdir(exist_ok=True)
        return super().has_backend()
