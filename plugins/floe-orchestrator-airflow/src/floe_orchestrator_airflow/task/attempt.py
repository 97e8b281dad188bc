"""Which attempt of a run this is, and what it still has to build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from floe_core.build_events import NodeResult
from floe_core.execution import remaining
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of the build task. `number` counts all tries of the run, from 1.

    `is_retry` tells Airflow's own retry from a first try, and from a task that a person cleared.
    """

    number: int
    is_retry: bool

    @classmethod
    def of(cls, try_number: int, max_tries: int, retries: int) -> Attempt:
        """Return the attempt of a task instance.

        Clearing a task sets its `max_tries` to the tries so far and its retries, so the first try
        after it is the one that leaves all of its retries.
        """
        return cls(number=try_number, is_retry=try_number > max_tries - retries + 1)

    def to_build(
        self,
        artifacts: CompiledArtifacts,
        wanted: tuple[str, ...],
        before: Mapping[str, NodeResult],
        failures: Mapping[str, int],
    ) -> tuple[str, ...]:
        """Return the ids of the nodes to build, given the attempts before.

        `before` maps node id to its result, `failures` to how often it failed.

        A retry leaves out what passed and the tests that failed. A person who clears a failed build
        has mended something, so its failed tests run too; one who clears a build that passed wants
        it all again.
        """
        if self.is_retry:
            return remaining(artifacts, wanted, before, failures)
        missing = tuple(i for i in wanted if i not in before or not before[i].passed)
        return missing or wanted
