"""A platform as JSON: what `floe mesh --json`, the page and the tools of `floe mcp` return."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from floe_console.data.product_records import ProductRecords
from floe_console.data.product_status import late_job, status_of
from floe_console.data.refresh import PlaceState, Platform
from floe_console.data.run_book import ListedRun, RunKey
from floe_console.data.run_nodes import RunNodes
from floe_console.live_product import orchestrators_of
from floe_console.mesh import ProductState
from floe_console.mesh_data import as_data as mesh_as_data
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

# The format of the JSON: raised when a field changes its meaning or goes.
FORMAT = 1
# How many of its last runs are listed with each product.
LAST_RUNS = 12


def platform_as_data(platform: Platform, now: datetime | None = None) -> dict[str, Any]:
    """Return all products, and the places that they run on."""
    now, known, places = now or datetime.now(UTC), platform.known, dict(platform.places)
    of_mesh = mesh_as_data(known.mesh)
    by_name = {each["name"]: each for each in of_mesh["products"]}
    homes = _homes(known.artifacts.values(), places.values())
    products = [
        by_name[state.name] | _of_product(platform, state, homes.get(state.name), now)
        for state in known.mesh.products
    ]
    return {
        **of_mesh,
        "format": FORMAT,
        "at": now.isoformat(),
        "problem": "; ".join(filter(None, [of_mesh["problem"], platform.problem])),
        "read_at": _text(known.read_at),
        "places": [_place(each) for each in places.values()],
        "products": products,
    }


def _place(state: PlaceState) -> dict[str, Any]:
    return {
        "name": state.place.name,
        "orchestrator": state.place.orchestrator,
        "url": state.place.url,
        "products": [each.product.name for each in state.place.products],
        "read_at": _text(state.read_at),
        "problem": state.problem,
    }


def _homes(products: Iterable[CompiledArtifacts], places: Iterable[PlaceState]) -> dict[str, Homes]:
    found: dict[str, dict[str, PlaceState]] = {each.product.name: {} for each in products}
    for state in places:
        for each in state.place.products:
            found.setdefault(each.product.name, {})[state.place.orchestrator] = state
    return {each.product.name: Homes(each, found[each.product.name]) for each in products}


def _of_product(
    platform: Platform, state: ProductState, homes: Homes | None, now: datetime
) -> dict[str, Any]:
    product, runs = homes and homes.product, platform.book.of_product(state.name)
    unknown = homes.unknown if homes else "the product is not published"
    jobs = product.jobs if product else ()
    own = [each.run for each in runs]
    late = [] if unknown else [each for job in jobs if (each := late_job(job, own, now))]
    reasons = homes.reasons if homes else {}
    reason = next((reasons[each.key] for each in runs if each.key in reasons), "")
    not_begun = homes.not_begun(runs) if homes else ""
    status, why = status_of(state, runs, late, unknown, reason=reason, not_begun=not_begun)
    records = platform.known.records.get(state.name, ProductRecords())
    under_way = [each for each in runs if not each.run.is_over]
    return {
        "place": homes.name if homes else "",
        "status": status,
        "why": why,
        "runs_unknown": unknown,
        "nodes": len(product.runnable) if product else 0,
        "running": [_running(each, homes) for each in under_way],
        "last_runs": [run_as_data(each) for each in runs[:LAST_RUNS]],
        "late": [{"job": each.job, "deadline": each.deadline.isoformat()} for each in late],
        "deadlines": {
            job.name: f"{job.deadline.time} {job.deadline.timezone}" for job in jobs if job.deadline
        },
        "alerts": records.alerts.as_data(),
        "lineage": records.lineage.as_data(),
        "reuse": records.reuse.as_data(),
        "freshness": records.freshness.as_data(),
        "partitions": records.partitions.as_data(),
    }


def run_as_data(listed: ListedRun) -> dict[str, Any]:
    """Return a run as JSON; `seconds` is how long it took, null while it is under way."""
    run = listed.run
    is_timed = run.started_at is not None and run.ended_at is not None
    return {
        "place": listed.place,
        "product": run.product,
        "job": run.job,
        "run_id": run.run_id,
        "state": run.state,
        "created_at": run.created_at.isoformat(),
        "started_at": _text(run.started_at),
        "ended_at": _text(run.ended_at),
        "nominal_time": _text(run.nominal_time),
        "seconds": _seconds(run.started_at, run.ended_at) if is_timed else None,
        "link": run.link,
    }


def _running(listed: ListedRun, homes: Homes | None) -> dict[str, Any]:
    nodes, product = (homes.running.get(listed.key), homes.product) if homes else (None, None)
    return {**run_as_data(listed), "progress": progress_of(listed, nodes, product)}


def progress_of(
    listed: ListedRun, nodes: RunNodes | None, product: CompiledArtifacts | None
) -> dict[str, Any]:
    """Return how far a run is: `done` of `total` nodes, and the names of those that run now."""
    if nodes is None or product is None:
        return {"unknown": "it has not been read yet"}
    names = {job.name: job for job in product.jobs}
    job = names.get(listed.run.job)
    now = [each.unique_id for each in nodes.nodes if each.state == "running"]
    done = [each for each in nodes.nodes if each.state not in ("running", "pending")]
    return {
        "unknown": nodes.unknown,
        "done": len(done),
        "total": len(product.nodes_of(job)) if job else len(product.runnable),
        "failed": sum(each.state in ("error", "fail") for each in done),
        "now": _labels(product, now),
    }


def _labels(product: CompiledArtifacts, node_ids: Sequence[str]) -> list[str]:
    return [product.by_id[each].label if each in product.by_id else each for each in node_ids]


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return round(max((end - start).total_seconds(), 0.0), 1) if start and end else None


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


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
