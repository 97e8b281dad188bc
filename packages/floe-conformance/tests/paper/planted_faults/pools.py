"""Plugins broken in what nodes of a pool wait for."""

from __future__ import annotations

import time
from collections.abc import Sequence

from paper_orchestrator import PaperPlugin
from paper_slots import PaperSlots

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import PoolProblem
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class OverfilledSlots(PaperSlots):
    def is_full(self) -> bool:
        return False


class HoardedSlots(PaperSlots):
    """A slot that is not needed any more is there for the next, and stays taken until then."""

    idle: str = ""

    def is_full(self) -> bool:
        self.taken.discard(self.idle)
        return super().is_full()

    def free(self, pool: str, node_id: str) -> None:
        self.idle = node_id


class CountsNoSlots(PaperPlugin):
    is_run = True
    caught_by = "test_nodes_of_a_pool_of_one_slot_run_one_at_a_time"

    def slots(self, slots: int) -> PaperSlots:
        return OverfilledSlots(slots)


class GivesNoSlotBack(PaperPlugin):
    """Until another node asks for it."""

    is_run = True
    caught_by = "test_no_slot_is_taken_after_a_run"

    def slots(self, slots: int) -> PaperSlots:
        return HoardedSlots(slots)


class RunsOneNodeAtATime(PaperPlugin):
    """Whatever pool it is in."""

    is_run = True
    caught_by = "test_a_node_in_no_pool_does_not_wait"

    def pooled(self, artifacts: CompiledArtifacts) -> CompiledArtifacts:
        policy = artifacts.execution.model_copy(update={"max_parallel": 1})
        return artifacts.model_copy(update={"execution": policy}).bound_to(artifacts.folder)


class VouchesForPoolsItCannotSee(PaperPlugin):
    caught_by = "test_pools_of_a_bad_service_are_an_error"

    def check_pools(self, artifacts: CompiledArtifacts) -> Sequence[PoolProblem]:
        try:
            return super().check_pools(artifacts)
        except EnvironmentProblemError:
            return []


class RaisesWhatItMeetsOfPools(PaperPlugin):
    caught_by = "test_pools_of_a_bad_service_are_an_error"

    def check_pools(self, artifacts: CompiledArtifacts) -> Sequence[PoolProblem]:
        try:
            return super().check_pools(artifacts)
        except EnvironmentProblemError as error:
            raise ConnectionError(*error.args) from None


class ShowsTheAddressOfPools(PaperPlugin):
    """In time, on a machine that is busy: it is the answer that is shown with it."""

    caught_by = "test_no_secret_is_shown_where_pools_are_asked_for"

    def end_of_pools(self) -> float:
        return time.monotonic() + 3

    def no_paper(self, url: str) -> str:
        return f"{url} is no paper orchestrator; set url"
