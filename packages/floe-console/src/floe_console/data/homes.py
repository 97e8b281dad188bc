"""Where the jobs of a product are started, and what is known of their runs there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from floe_console.data.refresh import PlaceState
from floe_console.data.run_book import ListedRun, RunKey
from floe_console.data.run_nodes import RunNodes
from floe_console.live_product import orchestrators_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


@dataclass(frozen=True, slots=True)
class Homes:
    """A product that is published, and each place that has it, by its orchestrator.

    A place that starts no job of it any more still lists its runs from before.
    """

    product: CompiledArtifacts
    places: Mapping[str, PlaceState]

    @property
    def name(self) -> str:
        """The names of the places that start its jobs."""
        names = [self._name(each) for each in orchestrators_of(self.product)]
        return " and ".join(filter(None, names))

    @property
    def unknown(self) -> str:
        """Why the runs that are started now cannot be read, "" if they were."""
        problems = map(self._problem, orchestrators_of(self.product))
        return "; ".join(dict.fromkeys(filter(None, problems)))

    @property
    def running(self) -> Mapping[RunKey, RunNodes]:
        """The nodes of its runs under way."""
        return {key: each for p in self.places.values() for key, each in p.running.items()}

    @property
    def reasons(self) -> Mapping[RunKey, str]:
        """Why its last failed runs failed."""
        return {key: each for p in self.places.values() for key, each in p.reasons.items()}

    def not_begun(self, runs: Sequence[ListedRun]) -> str:
        """Return which jobs have run, but not yet where they are started now, "" for none."""
        found = [
            f"{job.name} has not run on {job.owner.orchestrator} yet"
            for job in self.product.jobs
            if job.owner and not self._has_begun(job.name, job.owner.orchestrator, runs)
        ]
        return ", ".join(found)

    def _has_begun(self, job: str, orchestrator: str, runs: Sequence[ListedRun]) -> bool:
        places = {each.place for each in runs if each.run.job == job}
        return not places or self._name(orchestrator) in places

    def _name(self, orchestrator: str) -> str:
        found = self.places.get(orchestrator)
        return found.place.name if found else ""

    def _problem(self, orchestrator: str) -> str:
        if found := self.places.get(orchestrator):
            return found.problem
        return f"{orchestrator} starts it, and its runs are not listed here"
