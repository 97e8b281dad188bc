"""Read the state of a platform's products, from their published artifacts and the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from floe_console.live_product import orchestrators_of, with_live_jobs
from floe_core.compiler.ports.products import Platform
from floe_core.compiler.settings import plugin_settings
from floe_core.foundation.errors import EnvironmentProblemError, StaleProductError
from floe_core.foundation.service_probe import read_in_threads
from floe_core.ports.decision import Decision, decide
from floe_core.ports.ledger import Ledger, ledger_at
from floe_core.ports.periods import PortPartitions, decide_period, partitions_in, stale_periods
from floe_core.ports.published import PublishedProduct
from floe_core.ports.record import ProductRecord, Start, Update
from floe_core.schedules import next_tick
from floe_core.schedules.live_schedules import check_schedules
from floe_core.schedules.ownership import other_owner
from floe_core.schedules.schedule_store import STORE_SETTING
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.environments import in_environment
from floe_core.schemas.policies import Job
from floe_core.schemas.ports import Port, UpdateTrigger
from floe_core.storage.environment_choice import chosen_environment


@dataclass(frozen=True, slots=True)
class OfferedPort:
    """A port, the products that read it, and its last update.

    `unknown` says why its updates are not known, "" if they are.
    """

    port: Port
    key: str
    consumers: tuple[str, ...] = ()
    last_update: Update | None = None
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class JobState:
    """A job that starts by itself. Moments are aware, in UTC.

    `orchestrator` is its owner, or the one that its product is compiled for. `is_paused`: neither
    ticks nor updates start it now. `waiting_for` are the ports without a new update, if another
    port has one, and `waits_for` says which partitions they lack as well; `is_due`: its trigger
    would start it now. `stale` are the partitions of which a port's partition was built again since
    the job ran for them. `unknown` says why none of these are known, nor its last start; "" if they
    are.
    """

    name: str
    orchestrator: str = ""
    schedule: str = ""
    next_tick: datetime | None = None
    trigger: UpdateTrigger | None = None
    is_paused: bool = False
    waiting_for: tuple[str, ...] = ()
    waits_for: str = ""
    is_due: bool = False
    stale: tuple[str, ...] = ()
    last_start: Start | None = None
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class ProductState:
    """A product. `problem` says why nothing else is known about it, "" for a published one.

    `not_offered` are the ports among `reads` that their products, as published, no longer offer.
    """

    name: str
    problem: str = ""
    version: str = ""
    orchestrator: str = ""
    owner: str = ""
    description: str = ""
    ports: tuple[OfferedPort, ...] = ()
    reads: tuple[str, ...] = ()
    not_offered: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    jobs: tuple[JobState, ...] = ()


@dataclass(frozen=True, slots=True)
class Mesh:
    """The products, each after those that it reads. `problem` is why records were not read.

    `cycle` are the products of a cycle, () if there is none.
    """

    name: str
    products: tuple[ProductState, ...]
    cycle: tuple[str, ...] = ()
    problem: str = ""


@dataclass
class _Records:
    """Reads each product's record once; without a ledger, all are empty.

    `problem` is why there is no ledger though one is named; `problems` say why the records of some
    products could not be read.
    """

    ledger: Ledger | None
    problem: str = ""
    problems: dict[str, str] = field(default_factory=dict)
    _found: dict[str, ProductRecord] = field(default_factory=dict)

    def read_ahead(self, products: Iterable[str]) -> None:
        """Read the records of these products at once, if each takes an answer over the network."""
        if self.ledger is not None and self.ledger.is_remote:
            names = list(products)
            self._found.update(zip(names, read_in_threads(self._read, names), strict=True))

    def of(self, product: str) -> ProductRecord:
        if product not in self._found:
            self._found[product] = self._read(product)
        return self._found[product]

    def unknown(self, *products: str) -> str:
        """Return why the record of one of these products is not known, "" if all are."""
        for product in products:
            self.of(product)
        return self.problem or next((self.problems[n] for n in products if n in self.problems), "")

    def told(self) -> str:
        """Return all that could not be read."""
        return "; ".join(filter(None, [self.problem, *self.problems.values()]))

    def updates(self, key: str) -> tuple[Update, ...]:
        product, _, port = key.partition("/")
        return self.of(product).updates.get(port, ())

    def _read(self, product: str) -> ProductRecord:
        if self.ledger is None:
            return ProductRecord()
        try:
            return self.ledger.read(product)
        except EnvironmentProblemError as error:
            self.problems[product] = str(error)
            return ProductRecord()


def read_mesh(
    platform: Platform,
    now: datetime | None = None,
    known: Mapping[str, CompiledArtifacts] | None = None,
) -> Mesh:
    """Return the state of all products of a platform, in the environment of FLOE_ENV.

    `known` are its `known_products`, if they have been read.

    Raises:
        EnvironmentProblemError: A schedule store cannot be read.
    """
    environment = chosen_environment()
    products = known_products(platform) if known is None else known
    problems = {**platform.problems, **_schedule_problems(products)}
    records = _records(platform, environment)
    records.read_ahead(products)
    consumers = _consumers(products)
    withdrawn = _withdrawn(products)
    moment = now or datetime.now(UTC)
    states = {
        name: _state(products[name], records, consumers, withdrawn, moment)
        if name in products and name not in problems
        else ProductState(name, problems.get(name, "not published"))
        for name in platform.products
    }
    order, cycle = _in_order(states)
    ordered = tuple(states[name] for name in order)
    return Mesh(platform.manifest.metadata.name, ordered, cycle, records.told())


def known_products(platform: Platform) -> dict[str, CompiledArtifacts]:
    """Return the products that are published, in the environment of FLOE_ENV if they have it.

    Their jobs are as they run now, unless `read_mesh` says what is wrong with a schedule.

    Raises:
        EnvironmentProblemError: A schedule store cannot be read.
    """
    environment = chosen_environment()
    found = {
        name: _bind(platform, name, _in_known_environment(each, environment))
        for name, each in platform.products.items()
        if each is not None
    }
    wrong = _schedule_problems(found)
    return {name: each if name in wrong else with_live_jobs(each) for name, each in found.items()}


def _in_known_environment(product: CompiledArtifacts, environment: str) -> CompiledArtifacts:
    return in_environment(product, environment) if environment in product.environments else product


def _bind(platform: Platform, name: str, product: CompiledArtifacts) -> CompiledArtifacts:
    """Bind a product to the folder where it is published, which may hold changed schedules.

    Any other store of schedules is the manifest's own: the product's may be any place, and name any
    variable of the reader.
    """
    own = plugin_settings(platform.manifest).get(STORE_SETTING)
    config = {**product.orchestrator.config, STORE_SETTING: own}
    chosen = product.orchestrator.model_copy(update={"config": config})
    product = product.model_copy(update={"orchestrator": chosen})
    published = PublishedProduct(platform.manifest.products[name], platform.path.parent)
    return product if published.is_url else product.bound_to(published.folder)


def _schedule_problems(products: Mapping[str, CompiledArtifacts]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, product in products.items():
        try:
            check_schedules(product)
        except StaleProductError as error:
            found[name] = error.problems[0].what
    return found


def _records(platform: Platform, environment: str) -> _Records:
    try:
        place = platform.manifest.ledger or ""
        return _Records(ledger_at(place, platform.path.parent, environment))
    except EnvironmentProblemError as error:
        return _Records(None, str(error))


def _consumers(products: Mapping[str, CompiledArtifacts]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, product in products.items():
        for port in product.input_ports:
            found.setdefault(port.key, []).append(name)
    return found


def _withdrawn(products: Mapping[str, CompiledArtifacts]) -> frozenset[str]:
    """Return the keys of ports that some product reads, and that their products do not offer."""
    offered = {port.key_in(name) for name, each in products.items() for port in each.ports}
    return frozenset(
        port.key
        for product in products.values()
        for port in product.input_ports
        if port.product in products and port.key not in offered
    )


def _state(
    product: CompiledArtifacts,
    records: _Records,
    consumers: dict[str, list[str]],
    withdrawn: frozenset[str],
    now: datetime,
) -> ProductState:
    name = product.product.name
    return ProductState(
        name,
        version=product.product.version,
        orchestrator=" and ".join(orchestrators_of(product)),
        owner=product.product.owner,
        description=product.product.description,
        ports=tuple(_offered_port(name, port, records, consumers) for port in product.ports),
        reads=tuple(port.key for port in product.input_ports),
        not_offered=tuple(p.key for p in product.input_ports if p.key in withdrawn),
        upstream=tuple(sorted({port.product for port in product.input_ports})),
        jobs=tuple(_job(product, job, records, now) for job in product.jobs),
    )


def _offered_port(
    product: str, port: Port, records: _Records, consumers: dict[str, list[str]]
) -> OfferedPort:
    key = port.key_in(product)
    updates = records.updates(key)
    last = updates[-1] if updates else None
    readers = tuple(sorted(consumers.get(key, ())))
    return OfferedPort(port, key, readers, last, records.unknown(product))


def _job(product: CompiledArtifacts, job: Job, records: _Records, now: datetime) -> JobState:
    name, keys = product.product.name, job.trigger.ports if job.trigger else ()
    unknown = records.unknown(name, *(key.partition("/")[0] for key in keys))
    record = records.of(name)
    starts = [start for start in record.starts.get(job.name, ()) if start.run_id]
    decision = Decision("wait") if unknown else _decision(job, record, records, now)
    waits = decision.action == "wait" and bool(decision.updates)
    schedule = job.schedule
    ticks = schedule is not None and schedule.enabled
    elsewhere = other_owner(job.owner, product.orchestrator.name)
    note = f" ({elsewhere})" if elsewhere else ""
    return JobState(
        job.name,
        orchestrator=job.owner.orchestrator if job.owner else product.orchestrator.name,
        schedule=f"{schedule.cron} in {schedule.timezone}{note}" if schedule else "",
        next_tick=next_tick(schedule.cron, schedule.timezone, now) if schedule and ticks else None,
        trigger=job.trigger,
        is_paused=job.is_paused,
        waiting_for=decision.missing if waits else (),
        waits_for=decision.waits_for if waits else "",
        is_due=decision.action == "run",
        stale=() if unknown else _stale(job, record, records, now),
        last_start=starts[-1] if starts else None,
        unknown=unknown,
    )


def _decision(job: Job, record: ProductRecord, records: _Records, now: datetime) -> Decision:
    if job.trigger is None:
        return Decision("wait")
    if job.trigger.every is not None:
        begun = record.periods.get(job.name, {})
        return decide_period(job.trigger.every, _built(job.trigger, records), begun, now)
    updates = {key: records.updates(key) for key in job.trigger.ports}
    seen, noticed = record.updates_seen_by(job.name), record.noticed.get(job.name, {})
    return decide(job.trigger, updates, seen, now, noticed=noticed)


def _stale(job: Job, record: ProductRecord, records: _Records, now: datetime) -> tuple[str, ...]:
    if job.trigger is None or job.trigger.every is None:
        return ()
    begun = record.periods.get(job.name, {})
    return stale_periods(job.trigger.every, _built(job.trigger, records), begun, now)


def _built(trigger: UpdateTrigger, records: _Records) -> dict[str, PortPartitions]:
    return {
        key: partitions_in(records.of(key.partition("/")[0]), key, calendar)
        for key, calendar in trigger.port_partitions.items()
    }


def _in_order(states: dict[str, ProductState]) -> tuple[list[str], tuple[str, ...]]:
    """Return the products, producers first, and a cycle among them."""
    from graphlib import CycleError, TopologicalSorter

    edges = {name: list(_known_upstream(state, states)) for name, state in states.items()}
    try:
        return list(TopologicalSorter(edges).static_order()), ()
    except CycleError as error:
        return sorted(states), tuple(error.args[1])


def _known_upstream(state: ProductState, states: dict[str, ProductState]) -> Iterator[str]:
    yield from (name for name in state.upstream if name in states)
