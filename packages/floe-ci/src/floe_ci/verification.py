"""Build a sample of reused nodes beside their relations, and compare: they must be the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from floe_ci.check import PRODUCTION, keeping_records_in
from floe_ci.compilations import compile_at
from floe_ci.production import Production
from floe_ci.scratch_build import Built, build_in_scratch
from floe_ci.scratch_head import ScratchHead
from floe_ci.workplace import workplace
from floe_core.foundation.stages import begin_stage
from floe_core.reuse.verification import Tell, Verification, Verifier, Watch
from floe_diff.data import data_difference

SCRATCH = "verification"


class ScratchVerifier(Verifier):
    """Builds in temporary schemas, as `floe ci` does."""

    def verify(
        self, product: Path, job: str, sample: Mapping[str, str], tell: Tell, watch: Watch
    ) -> Verification:
        """See `Verifier.verify`."""
        if not sample:
            return Verification()
        with workplace(product.absolute(), tell) as work:
            production = Production(product.absolute(), work / "production")
            base = compile_at(product, work / "base", production.of_base, job=job)
            scratch = ScratchHead(base, work / "scratch", production, sample)
            state = base.write_state(work / "state")
            own = scratch.compilation
            with scratch.dropped(product.absolute(), tell):
                begin_stage(f"building {len(sample)} reused nodes again, in {scratch.shown}")
                with keeping_records_in(state), watch(own.artifacts, len(sample)) as receive:
                    built = build_in_scratch(own, state, sample, receive)
                places = base.place(PRODUCTION), own.place(SCRATCH)
                passed = [i for i in sample if i in built.results and built.results[i].passed]
                found = data_difference(*places, 0, passed).tables if passed else ()
                differing = tuple(table.node_id for table in found)
                return Verification(
                    tuple(sample), differing, _failures(built, sample), _problem(built), sample
                )


def _failures(built: Built, node_ids: Iterable[str]) -> dict[str, str]:
    ended = {i: built.results[i] for i in node_ids if i in built.results}
    return {i: each.message or each.status for i, each in ended.items() if not each.passed}


def _problem(built: Built) -> str:
    return "" if built.succeeded or built.has_culprit else built.problem
