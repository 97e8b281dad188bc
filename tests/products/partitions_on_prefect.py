"""Histories of partitions on Prefect: a server, and a process for each flow run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from partition_histories import Attempts, Product, Replay, Step
from partition_sides import Claim, Kill, forked, periods_shown_until
from running_prefect import RunningPrefect


def register(url: str, folder: str) -> None:
    """Register the deployment of a product, which nobody serves."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from floe_orchestrator_prefect.loader import load_product_flows

    with temporary_settings({PREFECT_API_URL: url}):
        for each in load_product_flows(Path(folder).name, folder).deployments():
            each.schedules = []
            each.apply()


def execute(url: str, folder: str, run_id: str) -> None:
    """Execute a flow run, as the process does that Prefect starts for one."""
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.flow_engine import run_flow
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from floe_orchestrator_prefect.loader import load_product_flows

    with temporary_settings({PREFECT_API_URL: url}):
        name = Path(folder).name
        flow = load_product_flows(name, folder).flows[name]
        with SyncPrefectClient(url) as client:
            run = client.read_flow_run(UUID(run_id))
        run_flow(flow, flow_run=run, return_type="state")


class PrefectSide:
    """A Prefect server, and what its runs and artifacts should say."""

    name = "prefect"

    def __init__(self, prefect: RunningPrefect) -> None:
        self._prefect = prefect
        self._last = ""

    def add(self, product: Product, folder: Path) -> None:
        assert forked(register, self._prefect.url, str(folder)) == 0

    def changed(self, product: Product, folder: Path) -> None:
        """Nothing: each run reads what is compiled."""

    def run(self, product: Product, folder: Path, step: Step, kill: Kill | None) -> bool:
        deployment = self._prefect.deployment(f"{product.name}/floe")["id"]
        given = {"partitions": step.named} if step.named else {}
        if step.tick:
            given = {"nominal_time": step.tick.isoformat()}
        body = {"state": {"type": "SCHEDULED"}, "parameters": given}
        place = f"/deployments/{deployment}/create_flow_run"
        self._last = str(self._prefect.request("POST", place, body)["id"])
        forked(execute, self._prefect.url, str(folder), self._last, kill=kill)
        if kill is not None:
            # What the process does that has started the one that is gone.
            self._set({"type": "CRASHED", "name": "Crashed"})
        return self._succeeded()

    def retry(self, product: Product, folder: Path) -> bool:
        self._set({"type": "SCHEDULED", "name": "AwaitingRetry"})
        forked(execute, self._prefect.url, str(folder), self._last)
        return self._succeeded()

    def claims(
        self, replay: Replay, folder: Path, step: Step, attempts: Attempts
    ) -> Iterator[Claim]:
        keys = {each.key for each in step.periods}
        if step.killed_at is not None and len(attempts) == 1:
            return
        tags = self._prefect.run(self._last)["tags"]
        found = {tag.partition(":")[2] for tag in tags if tag.startswith("partition:")}
        if step.killed_at is not None:
            # The process that was killed may have told what it had built, or not.
            found |= keys - {key for _, key in attempts[0]}
        yield "tags", found, keys
        yield "table of states", self._table(replay.product), _expected(replay, step)

    def _table(self, product: Product) -> dict[str, dict[str, str]]:
        wanted = {"artifacts": {"key": {"any_": [f"{product.name}-partitions"]}}}
        found = self._prefect.request("POST", "/artifacts/latest/filter", wanted)
        [table] = found
        return {row.pop("node"): row for row in json.loads(table["data"])}

    def _set(self, state: dict[str, str]) -> None:
        place = f"/flow_runs/{self._last}/set_state"
        self._prefect.request("POST", place, {"state": state, "force": True})

    def _succeeded(self) -> bool:
        return bool(self._prefect.run(self._last)["state"]["type"] == "COMPLETED")


def _expected(replay: Replay, step: Step) -> dict[str, dict[str, str]]:
    """Return node -> the cells of its row."""
    product = replay.product
    found = {}
    for node, states in replay.states(step).items():
        of_state: dict[str, list[str]] = {"done": [], "failed": [], "missing": [], "stale": []}
        for period, state in zip(product.periods, states, strict=True):
            of_state[state].append(period.key)
        more = periods_shown_until(product)
        of_state["missing"] += more
        found[node] = {state: _cell(state, keys) for state, keys in of_state.items()}
    return found


def _cell(state: str, keys: list[str]) -> str:
    if state == "done" or not keys:
        return str(len(keys))
    return f"{len(keys)}: {', '.join(keys[:5])}{', ...' if len(keys) > 5 else ''}"
