"""Build a sample of reused nodes beside their relations, and compare: they must be the same."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from floe_core.ci.check import PRODUCTION, Tell, Watch, keeping_records_in, unwatched
from floe_core.ci.compilations import compile_at
from floe_core.ci.production import Production
from floe_core.ci.scratch_build import Built, build_in_scratch
from floe_core.ci.scratch_head import ScratchHead
from floe_core.ci.workplace import workplace
from floe_core.difference.data import TableDifference, data_difference
from floe_core.runs.build_events import NodeResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

SCRATCH = "verification"
# What else is reused has rows of earlier builds, or none.
_COMPARABLE = ("table", "view", "seed")


@dataclass(frozen=True)
class Verification:
    """Reused nodes that were built again: all of them, and what differs.

    `failures` is node id -> dbt's message, for those that could not be built. `reasons` is node id
    -> why the run reused it.
    """

    node_ids: tuple[str, ...] = ()
    differing: tuple[TableDifference, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_passed(self) -> bool:
        """Whether every node came to what the run reused."""
        return not (self.differing or self.failures or self.problem)

    def as_dict(self) -> dict[str, Any]:
        """Return this as `floe run --json` prints it."""
        return {
            "verified": list(self.node_ids),
            "differing": {each.node_id: self.reasons[each.node_id] for each in self.differing},
            "failures": dict(self.failures),
            "problem": self.problem,
        }


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


def verify_reuse(
    product: Path,
    job: str,
    sample: Mapping[str, str],
    tell: Tell = lambda text: None,
    watch: Watch = unwatched,
) -> Verification:
    """Build the sample in schemas of its own, from the relations of the run; they are dropped.

    `sample` is what `choose_sample` returns; `tell` and `watch` are as in `check_change`.

    Raises:
        UsageError: The warehouse can't be checked.
        InvalidProductError: A node would write outside the schemas.
        EnvironmentProblemError: The warehouse can't be reached or read.
    """
    if not sample:
        return Verification()
    with workplace(product.absolute(), tell) as work:
        production = Production(product.absolute(), work / "production")
        base = compile_at(product, work / "base", production.of_base, job=job)
        scratch = ScratchHead(base, work / "scratch", production, sample)
        state = base.write_state(work / "state")
        own = scratch.compilation
        with scratch.dropped(product.absolute(), tell):
            tell(f"building {len(sample)} reused nodes again, in {scratch.shown}")
            with keeping_records_in(state), watch(own.artifacts, len(sample)) as receive:
                built = build_in_scratch(own, state, sample, receive)
            places = base.place(PRODUCTION), own.place(SCRATCH)
            passed = [i for i in sample if i in built.results and built.results[i].passed]
            found = data_difference(*places, 0, passed).tables if passed else ()
            return Verification(
                tuple(sample), tuple(found), _failures(built, sample), _problem(built), sample
            )


def _failures(built: Built, node_ids: Iterable[str]) -> dict[str, str]:
    ended = {i: built.results[i] for i in node_ids if i in built.results}
    return {i: each.message or each.status for i, each in ended.items() if not each.passed}


def _problem(built: Built) -> str:
    return "" if built.succeeded or built.has_culprit else built.problem
