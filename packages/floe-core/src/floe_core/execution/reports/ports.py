"""Record in the ledger the start of a run, and the ports that a green run updated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from floe_core.foundation.errors import EnvironmentProblemError, NothingNewError
from floe_core.lineage.backend import is_configured
from floe_core.lineage.calling_run import NamedRun
from floe_core.lineage.facets import Json, job_dependency
from floe_core.lineage.naming import run_id_of_build
from floe_core.partitions.calendar import Partition
from floe_core.partitions.store import name_of, store_of
from floe_core.ports.decision import numbers_of, ports_of
from floe_core.ports.ledger import Ledger, ledger_of
from floe_core.ports.periods import updates_of_period
from floe_core.ports.record import LineageRun, Update
from floe_core.runs.build_events import PASSED, BuildEnded, BuildEvent, NodeResult
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.ports import Port


class PortsOfBuild:
    """The ports of one build. A product without ports or without a ledger records nothing."""

    def __init__(
        self,
        artifacts: CompiledArtifacts,
        request: BuildRequest,
        wanted: Iterable[str],
        partitions: Sequence[Partition] = (),
    ) -> None:
        self._artifacts = artifacts
        self._request = request
        self._wanted = frozenset(wanted)
        self._partitions = partitions
        has_ports = bool(artifacts.ports or artifacts.input_ports)
        self._ledger: Ledger | None = ledger_of(artifacts) if has_ports else None
        self._built = {r.unique_id: r for r in request.settled if r.is_new}
        # Key of port -> its last update at the start of the run.
        self._read: dict[str, Update] = {}

    @property
    def upstream(self) -> list[Json]:
        """Return the runs that last updated this run's input ports, as lineage names them.

        They are known once the run has started; a run of a few nodes has none.
        """
        started_for = dict(self._request.updates)
        runs: dict[LineageRun, bool] = {}
        for port, update in self._read.items():
            if update.lineage is not None:
                has_started = update.port_in_epoch(port) in started_for
                runs[update.lineage] = runs.get(update.lineage, False) or has_started
        return [
            job_dependency(NamedRun(run.run_id, run.namespace, run.job), has_started=has_started)
            for run, has_started in runs.items()
        ]

    def begin(self) -> None:
        """Record that a run starts with the current updates of its ports.

        A retry has seen what the run did that it retries; if that one ended before it got here,
        the retry begins, even if another run has begun with the same updates.

        Raises:
            NothingNewError: Another run has begun with the updates that this run was started for.
            EnvironmentProblemError: The ledger cannot be read or written.
        """
        request, ports = self._request, self._artifacts.input_ports
        if self._ledger is None or not ports or not self._is_whole_job():
            return
        is_retry = request.attempt > 1 or bool(request.root_run_id)
        product = self._artifacts.product.name
        before = self._ledger.read(product).updates_seen_by(request.job)
        self._read = self._ledger.last_updates((port.key for port in ports), before)
        seen = numbers_of(self._read)
        started_for = {} if is_retry else dict(request.updates)
        if not self._ledger.begin(
            product,
            request.job,
            request.root_run_id or request.whole_run_id,
            seen,
            datetime.now(UTC),
            started_for,
            self._periods(self._ledger),
        ):
            ports_named = ", ".join(ports_of(started_for))
            what = f"another run of {request.job} has begun with the updates of {ports_named}"
            raise NothingNewError(what)

    def _periods(self, ledger: Ledger) -> dict[str, dict[str, int]]:
        """Return the key of each partition that the run builds, and what it sees of the ports."""
        trigger = self._artifacts.job(self._request.job).trigger
        if trigger is None or trigger.every is None:
            return {}
        built = ledger.partitions(trigger.port_partitions)
        return {each.key: updates_of_period(built, each) for each in self._partitions}

    def receive(self, event: BuildEvent) -> None:
        """Keep the result of a node that was built."""
        if isinstance(event, NodeResult) and event.is_new:
            self._built[event.unique_id] = event

    def record_updates(self, end: BuildEnded) -> BuildEnded:
        """Return the end of a build; it has failed if its updates could not be recorded."""
        ports = [port for port in self._artifacts.ports if port.node_id in self._built]
        if self._ledger is None or not end.succeeded or not ports:
            return end
        try:
            self._write(ports)
        except EnvironmentProblemError as error:
            what = f"every node passed, but updates of ports cannot be written: {error}"
            return BuildEnded(succeeded=False, message=what)
        return end

    def _write(self, ports: Iterable[Port]) -> None:
        assert self._ledger is not None
        declared = self._artifacts.partitions
        update = Update(
            number=0,
            moment=datetime.now(UTC),
            run_id=self._request.run_id,
            attempt=self._request.attempt,
            nominal_time=self._request.nominal_time,
            version=self._artifacts.product.version,
            orchestrator=self._artifacts.orchestrator.name,
            lineage=self._lineage_run(),
            calendar=name_of(declared) if declared else "",
        )
        keys = {port.key: self._partitions_of(port) for port in ports}
        self._ledger.add_updates(self._artifacts.product.name, keys, update, keys)

    def _partitions_of(self, port: Port) -> tuple[str, ...]:
        """Return the partitions that the run built, and those of failed runs before it."""
        declared, statuses = self._artifacts.partitions, self._built[port.node_id].partitions
        built = {key for key, status in statuses if status in PASSED}
        if declared is None or self._ledger is None or not built:
            return ()
        port_key = port.key_in(self._artifacts.product.name)
        known = self._ledger.partitions({port_key: declared.calendar})[port_key].numbers
        records = store_of(self._artifacts).read(declared).get(port.node_id)
        done = {each for each, record in (records or {}).items() if record.status == "done"}
        return tuple(sorted(built | (done - known.keys())))

    def _lineage_run(self) -> LineageRun | None:
        settings, product = self._artifacts.lineage, self._artifacts.product.name
        if not is_configured(settings, self._artifacts.folder):
            return None
        run_id = run_id_of_build(settings.namespace, product, self._request)
        return LineageRun(run_id=run_id, namespace=settings.namespace, job=product)

    def _is_whole_job(self) -> bool:
        """Return whether the run covers its whole job; one of a few nodes sees no updates."""
        if self._request.parameters.empty:
            return False
        nodes = self._artifacts.nodes_of(self._artifacts.job(self._request.job))
        return self._wanted.union(self._request.beside) >= {node.unique_id for node in nodes}
