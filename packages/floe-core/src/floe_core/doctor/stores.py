"""Check whether the places that a product's runs share can be read; nothing is written to them."""

from __future__ import annotations

from collections.abc import Iterator

from floe_core.doctor.finding import Finding
from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_core.partitions.store import STORE_VARIABLE as PARTITIONS_VARIABLE
from floe_core.partitions.store import store_of as partitions_of
from floe_core.ports.ledger import LEDGER_VARIABLE, ledger_of
from floe_core.reuse.state_store import STORE_VARIABLE, store_of
from floe_core.schedules.ownership import other_owner
from floe_core.schedules.schedule_store import STORE_VARIABLE as SCHEDULES_VARIABLE
from floe_core.schedules.schedule_store import store_of as schedules_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def check_stores(artifacts: CompiledArtifacts) -> list[Finding]:
    """Return whether the ledger and the states of partitions and of reuse can be read, if any.

    So also the schedules: which jobs another orchestrator owns is in their store.
    """
    return [
        *_schedules(artifacts),
        *_ledger(artifacts),
        *_partitions(artifacts),
        *_reuse(artifacts),
    ]


def _schedules(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    store, here = schedules_of(artifacts), artifacts.orchestrator.name
    try:
        kept = store.read() if store else {}
    except EnvironmentProblemError as error:
        fix = f"correct the `schedule_store` in manifest.yaml, or {SCHEDULES_VARIABLE}"
        yield Finding("schedules", "problem", str(error), fix)
        return
    for job in artifacts.jobs:
        if job.name in kept and (why := other_owner(kept[job.name].owner, here)):
            yield Finding("owner", "ok", f"job {job.name} is not started here: {why}")


def _ledger(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    name = artifacts.product.name
    try:
        ledger = ledger_of(artifacts) if artifacts.ports or artifacts.input_ports else None
        if ledger is not None:
            ledger.read(name)
            yield Finding("ledger", "ok", f"{ledger.place_of(name)} can be read")
    except (EnvironmentProblemError, UsageError) as error:
        fix = f"correct `ledger` in manifest.yaml, or {LEDGER_VARIABLE}; until then, runs fail"
        yield Finding("ledger", "problem", str(error), fix)


def _partitions(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    try:
        if artifacts.partitions is not None:
            partitions_of(artifacts).declarations()
    except EnvironmentProblemError as error:
        fix = f"correct {PARTITIONS_VARIABLE}; until then, runs do not record what they build"
        yield Finding("partitions", "problem", str(error), fix)


def _reuse(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    if artifacts.execution.reuse == "off":
        return
    store = store_of(artifacts)
    try:
        store.read()
        problem = store.problem
    except EnvironmentProblemError as error:
        problem = f"{error}, so everything is built"
    if problem:
        fix = f"correct {STORE_VARIABLE}; if the state is damaged, the next green run replaces it"
        yield Finding("reuse", "warning", problem, fix)
