"""Check a change: compile both sides, build the affected nodes, compare, and clean up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from floe_ci.affected import Affected, affected_nodes
from floe_ci.breaking import breaks_of
from floe_ci.compilations import Compilation, compile_at
from floe_ci.production import OWNER, Production
from floe_ci.report import ChangeReport
from floe_ci.revisions import check_side, is_product, product_at
from floe_ci.scratch_head import SNAPSHOT, Built, ScratchHead, build_in_scratch
from floe_ci.workplace import workplace
from floe_core.cli.console import count_of
from floe_core.compiler.ports.products import Consumers, consumers_of
from floe_core.foundation.process_environment import environment_with
from floe_core.foundation.stages import begin_stage
from floe_core.reuse.verification import Tell, Watch
from floe_core.runs.build_events import BuildEvent
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.state_folder import STATE_DIR_VARIABLE
from floe_diff import difference
from floe_diff.data import DataDifference, data_difference
from floe_parity.sides.scratch_journal import drop_left

PRODUCTION, CHANGE = "production", "head"
DAYS_OF_TICKS = 90


@contextmanager
def unwatched(artifacts: CompiledArtifacts, total: int) -> Iterator[Callable[[BuildEvent], None]]:
    """Ignore the events of a build."""
    yield lambda event: None


@dataclass(frozen=True)
class Change:
    """A change to check, between two folders or commits.

    `product` is the product's folder where one is a commit. At most `samples` rows of each kind are
    shown for each table.
    """

    base: str
    head: str
    product: Path = Path()
    samples: int = 0

    @property
    def home(self) -> Path:
        """The folder whose state records what a killed check left."""
        return Path(self.head).absolute() if is_product(self.head) else self.product.absolute()

    @property
    def production(self) -> Path:
        """The folder from which relative paths of the base's profile lead to production."""
        return Path(self.base).absolute() if is_product(self.base) else self.product.absolute()


def check_change(
    change: Change, tell: Tell = lambda text: None, watch: Watch = unwatched
) -> ChangeReport:
    """Return what the change does. Whatever is built is gone afterwards.

    `tell` receives what was cleaned up; `watch` gets the artifacts and the number of nodes of the
    build, and receives its events.

    Raises:
        UsageError: A side is not available, or its warehouse can't be checked.
        InvalidProductError: A side does not compile, or would write outside the scratch schemas.
        EnvironmentProblemError: The warehouse can't be reached or read.
    """
    for side in (change.base, change.head):
        check_side(side, change.product)
    with workplace(change.home, tell) as work:
        production = Production(change.production, work / "production")
        base, head = _compile_both(change, work, production)
        begin_stage("comparing the two, column by column")
        with keeping_records_in(work):
            affected = affected_nodes(base, head)
        sides = _Sides(change, base, head, affected)
        if not sides.affected.why:
            if not production.is_copied:
                drop_left(change.home, base.artifacts, OWNER, tell)
            return sides.report()
        scratch = ScratchHead(head, work / "scratch", production, sides.affected.why)
        state = base.write_state(work / "state")
        return sides.build(scratch, state, tell, watch)


def keeping_records_in(folder: Path) -> AbstractContextManager[None]:
    """Make runs in this process keep their records in a folder that is removed with the check."""
    return environment_with({STATE_DIR_VARIABLE: str(folder / "records")})


def _compile_both(
    change: Change, work: Path, production: Production
) -> tuple[Compilation, Compilation]:
    begin_stage(f"compiling {change.base}")
    source = product_at(change.base, change.product, work / "base-tree")
    base = compile_at(source, work / "base", production.of_base)
    begin_stage(f"compiling {change.head}")
    source = product_at(change.head, change.product, work / "head-tree")
    return base, compile_at(source, work / "head", production.of_head)


@dataclass(frozen=True)
class _Sides:
    """The inputs of a check: both compilations, and the affected nodes of the head."""

    change: Change
    base: Compilation
    head: Compilation
    affected: Affected

    def build(self, scratch: ScratchHead, state: Path, tell: Tell, watch: Watch) -> ChangeReport:
        """Build what is affected, compare it, drop it, and return the report."""
        wanted = [i for i in self.affected.why if i not in scratch.left_out]
        own = scratch.compilation
        with scratch.dropped(self.change.home, tell):
            begin_stage(f"building {count_of(len(wanted), 'node')} in {scratch.shown}")
            with keeping_records_in(state), watch(own.artifacts, len(wanted)) as receive:
                built = build_in_scratch(own, state, wanted, receive)
            begin_stage("comparing with production")
            relations = self._built_relations(built)
            steady = [i for i in relations if not self._is_snapshot(i)]
            return replace(
                self.report(),
                results=built.results,
                problem="" if built.succeeded or built.has_culprit else built.problem,
                breaking=breaks_of(self.base, self.head, own, relations),
                data=self._data(own, steady),
                not_compared=tuple(i for i in relations if self._is_snapshot(i)),
                left_out=tuple(i for i in self.affected.why if i in scratch.left_out),
            )

    def report(self) -> ChangeReport:
        """Return the report of a change before anything is built."""
        start = datetime.now(UTC)
        span = (start, start + timedelta(days=DAYS_OF_TICKS))
        artifacts = self.head.artifacts
        ignored = (n.unique_id for n in artifacts.runnable if n.is_step or n.is_freshness)
        consumers = self._consumers()
        return ChangeReport(
            product=artifacts.product.name,
            base=self.change.base,
            head=self.change.head,
            difference=difference(self.base.artifacts, artifacts, *span, consumers.published),
            why=self.affected.why,
            total=len(artifacts.built),
            breaking=breaks_of(self.base, self.head, None, ()),
            never_built=tuple(sorted(ignored)),
            unread_products=tuple(consumers.notes()),
        )

    def _consumers(self) -> Consumers:
        """Return the products that may read the ports of this one."""
        if not self.base.artifacts.ports:
            return Consumers()
        return consumers_of(self.head.artifacts.product.name, self.head.source, None)

    def _built_relations(self, built: Built) -> list[str]:
        """Return the relations that exist both in production and beside it."""
        of_base = (i for i in built.results if i in self.affected.in_production)
        nodes = (self.head.artifacts.by_id[i] for i in of_base)
        return [n.unique_id for n in nodes if n.is_relation and built.results[n.unique_id].passed]

    def _is_snapshot(self, node_id: str) -> bool:
        return self.head.artifacts.by_id[node_id].resource_type == SNAPSHOT

    def _data(self, own: Compilation, node_ids: list[str]) -> DataDifference | None:
        if not node_ids:
            return None
        places = self.base.place(PRODUCTION), own.place(CHANGE)
        return data_difference(*places, self.change.samples, node_ids)
