"""Build a sample of reused nodes beside their relations, and compare: they must be the same."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from floe_ci.check import PRODUCTION, keeping_records_in
from floe_ci.compilations import compile_at
from floe_ci.production import Production
from floe_ci.scratch_head import Built, ScratchHead, build_in_scratch
from floe_ci.workplace import workplace
from floe_core.cli.console import count_of
from floe_core.foundation.stages import begin_stage
from floe_core.reuse.verification import Tell, Verifier, Watch
from floe_core.runs.build_events import NodeResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_diff.data import data_difference

SCRATCH = "verification"
# What else is reused has rows of earlier builds, or none.
_COMPARABLE = ("table", "view", "seed")
_HELP = "run with --no-reuse, and report it: reuse must never change a result"


@dataclass(frozen=True)
class ScratchVerification:
    """Reused nodes that were built again: node id -> why the run reused it; and what differs.

    `failures` is node id -> dbt's message, for those that could not be built. `labels` is node id
    -> how messages name it.
    """

    reasons: Mapping[str, str] = field(default_factory=dict)
    differing: tuple[str, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_passed(self) -> bool:
        """See `Verification.has_passed`."""
        return not (self.differing or self.failures or self.problem)

    def as_dict(self) -> dict[str, Any]:
        """See `Verification.as_dict`."""
        return {
            "verified": list(self.reasons),
            "differing": {each: self.reasons[each] for each in self.differing},
            "failures": dict(self.failures),
            "problem": self.problem,
        }

    def lines(self) -> Iterator[str]:
        """See `Verification.lines`."""
        for each in self.differing:
            yield f"{self.labels[each]} was reused, and a build of it comes to other rows"
            yield f"  the run's reason: {self.reasons[each]}"
        for each, message in self.failures.items():
            yield f"{self.labels[each]} was reused, and can't be built: {message}"
        if self.problem:
            yield self.problem
        nodes = count_of(len(self.reasons), "reused node")
        yield f"verified {nodes}: {'no difference' if self.has_passed else _HELP}"


class ScratchVerifier(Verifier):
    """Builds in temporary schemas, as `floe ci` does."""

    def verify(
        self,
        artifacts: CompiledArtifacts,
        job: str,
        results: Mapping[str, NodeResult],
        percent: float,
        tell: Tell,
        watch: Watch,
    ) -> ScratchVerification:
        """See `Verifier.verify`."""
        sample = choose_sample(artifacts, results, percent)
        if not sample:
            return ScratchVerification()
        product = artifacts.folder.absolute()
        with workplace(product, tell) as work:
            production = Production(product, work / "production")
            base = compile_at(product, work / "base", production.of_base, job=job)
            scratch = ScratchHead(base, work / "scratch", production, sample)
            state = base.write_state(work / "state")
            own = scratch.compilation
            with scratch.dropped(product, tell):
                begin_stage(f"building {len(sample)} reused nodes again, in {scratch.shown}")
                with keeping_records_in(state), watch(own.artifacts, len(sample)) as receive:
                    built = build_in_scratch(own, state, sample, receive)
                places = base.place(PRODUCTION), own.place(SCRATCH)
                passed = [i for i in sample if i in built.results and built.results[i].passed]
                found = data_difference(*places, 0, passed).tables if passed else ()
                return ScratchVerification(
                    sample,
                    tuple(table.node_id for table in found),
                    _failures(built, sample),
                    _problem(built),
                    {node_id: artifacts.by_id[node_id].label for node_id in sample},
                )


def choose_sample(
    artifacts: CompiledArtifacts, results: Mapping[str, NodeResult], percent: float
) -> dict[str, str]:
    """Return node id -> why it was reused, for a random part of the reused tables and views."""
    reused = {i: each.message for i, each in sorted(results.items()) if each.status == "reused"}
    nodes = (artifacts.by_id[node_id] for node_id in reused)
    known = [
        node.unique_id
        for node in nodes
        if (node.materialization or "seed") in _COMPARABLE and not node.reuse.lag_seconds
    ]
    count = math.ceil(len(known) * percent / 100)
    return {node_id: reused[node_id] for node_id in sorted(random.sample(known, count))}


def _failures(built: Built, node_ids: Iterable[str]) -> dict[str, str]:
    ended = {i: built.results[i] for i in node_ids if i in built.results}
    return {i: each.message or each.status for i, each in ended.items() if not each.passed}


def _problem(built: Built) -> str:
    return "" if built.succeeded or built.has_culprit else built.problem
