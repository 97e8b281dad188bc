"""The files of docs/embedding-prefect.md, run on a Prefect server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from embedded_product import BAD, FILES, GOOD, TOTALS, EmbeddedProduct
from running_prefect import RunningPrefect
from wait_for import wait_for
from what_works_at import processes_at

pytestmark = pytest.mark.slow
MORE = {
    "floe.yaml": FILES["floe.yaml"]
    + "  - {name: sound, select: steady}\n  - {name: flaky, select: steady flaky}\n  - {name: hanging, select: steady hanging}\n",
    "models/steady.sql": "select 1 as id",
    "models/flaky.sql": (
        "{% if var('floe_attempt', 1) == 1 %} select error('not yet') as id {% else %} select id "
        "{% endif %} from {{ ref('steady') }}"
    ),
    "models/hanging.sql": (
        "select count(*) as id from range(1000000000) a, range(1000000000) b, {{ ref('steady') }}"
    ),
}
MORE_FLOWS = """\
from pathlib import Path

from prefect import flow, serve, task
from floe_orchestrator_prefect import floe_flow

SHOP = Path(__file__).parent / "shop"
sound, flaky, hanging = (floe_flow(SHOP, job=job) for job in ("sound", "flaky", "hanging"))


@task
def fails_at_first():
    marker = SHOP / "failed_once"
    if not marker.exists():
        marker.touch()
        raise RuntimeError("not yet")


@flow(retries=2)
def retried():
    sound()
    flaky()
    fails_at_first()


@flow
def canceled():
    hanging()


if __name__ == "__main__":
    serve(retried.to_deployment("team"), canceled.to_deployment("team"))
"""
PARENT = "team/nightly/0190b1f0-0000-7000-8000-000000000000"


class Team:
    """The team's own flows, served from a server that runs."""

    def __init__(self, prefect: RunningPrefect, project: EmbeddedProduct) -> None:
        self.prefect, self.project = prefect, project

    def run(self, flow: str = "nightly") -> tuple[str, str]:
        """Return the id of a run that was started in Prefect's pages, and the state it ended in."""
        run_id = self.prefect.trigger(f"{flow}/team")
        return run_id, self.prefect.ended(run_id)

    def subflows(self, run_id: str) -> list[dict[str, Any]]:
        """Return the runs of the product that a run called, in order."""
        wanted = {
            "flow_runs": {"parent_flow_run_id": {"any_": [run_id]}},
            "sort": "EXPECTED_START_TIME_ASC",
        }
        found: list[dict[str, Any]] = self.prefect.request("POST", "/flow_runs/filter", wanted)
        return found


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    prefect = RunningPrefect(tmp_path_factory.mktemp("team"))
    project = EmbeddedProduct(prefect.folder / "project", "prefect", MORE)
    (project.folder / "more.py").write_text(MORE_FLOWS)
    with (
        prefect.up(),
        prefect.serving(project.folder, "nightly.py", OPENLINEAGE_PARENT_ID=PARENT),
        prefect.serving(project.folder, "more.py"),
    ):
        yield Team(prefect, project)
    wait_for(lambda: processes_at(prefect.folder) == [], 10)


@pytest.fixture(scope="module")
def nightly(team: Team) -> str:
    team.project.receive("1.csv", GOOD)
    run_id, state = team.run()
    assert state == "Completed", team.prefect.logs()
    return run_id


def test_python_runs_before_between_and_after_the_models(team: Team, nightly: str) -> None:
    assert team.project.totals() == TOTALS
    staging, marts = team.subflows(nightly)
    assert team.prefect.tasks(staging["id"]) == {
        "dbt_build": "Completed",
        "stg_orders": "Completed",
        "not_null_stg_orders_id": "Completed",
    }
    assert team.prefect.tasks(marts["id"]) == {
        "dbt_build": "Completed",
        "order_totals": "Completed",
    }


def test_the_run_that_the_environment_names_is_the_parent_in_lineage(
    team: Team, nightly: str
) -> None:
    lines = (team.project.folder / "shop" / "lineage.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    ours = [event for event in events if event["job"]["name"] == "shop"]
    parents = {event["run"]["facets"]["parent"]["run"]["runId"] for event in ours}
    assert parents == {PARENT.rpartition("/")[2]}


def test_a_flow_starts_when_a_model_was_built(team: Team, nightly: str) -> None:
    report = team.project.folder / "report.txt"
    wait_for(report.exists, 60)


def test_a_test_that_fails_fails_the_teams_flow_and_calls_its_hook(
    team: Team, nightly: str
) -> None:
    (team.project.folder / "totals.csv").unlink()
    team.project.receive("2.csv", BAD)
    run_id, state = team.run()
    [staging] = team.subflows(run_id)
    assert (state, staging["state"]["name"]) == ("Failed", "Failed")
    assert not (team.project.folder / "totals.csv").exists()
    wait_for(lambda: "nightly failed" in team.project.alerts(), 30)
    assert "test.shop.not_null_stg_orders_id" in team.project.alerts()


def test_a_retry_of_the_teams_flow_builds_what_has_not_passed(team: Team) -> None:
    run_id, state = team.run("retried")
    assert (state, team.prefect.run(run_id)["run_count"]) == ("Completed", 3)
    assert [team.prefect.tasks(run["id"]) for run in team.subflows(run_id)] == [
        {"dbt_build": "Completed", "steady": "Completed"},
        {"dbt_build": "Failed", "steady": "Completed", "flaky": "Failed"},
        {"dbt_build": "Completed", "flaky": "Completed"},
    ]


def test_canceling_the_teams_flow_ends_the_build(team: Team) -> None:
    run_id = team.prefect.trigger("canceled/team")
    wait_for(lambda: is_hanging(team, run_id), 60)
    team.prefect.cancel(run_id)
    assert team.prefect.ended(run_id) == "Cancelled"
    [hanging] = team.subflows(run_id)
    wait_for(lambda: team.prefect.tasks(hanging["id"]).get("hanging") == "Cancelled", 60)
    assert team.prefect.tasks(hanging["id"]) == {
        "dbt_build": "Crashed",
        "steady": "Completed",
        "hanging": "Cancelled",
    }
    wait_for(lambda: team.subflows(run_id)[0]["state"]["type"] in ("CRASHED", "CANCELLED"), 60)


def test_one_process_serves_the_product_and_the_teams_flow(team: Team) -> None:
    team.project.receive("3.csv", GOOD)
    with team.prefect.serving(team.project.folder, "everything.py"):
        run_id, state = team.run()
        assert state == "Completed", team.prefect.logs()
        run_id = team.prefect.trigger("shop.marts/floe")
        assert team.prefect.ended(run_id) == "Completed", team.prefect.logs()
    found = team.prefect.deployment("shop/floe")
    assert (found["paused"], found["tags"]) == (False, ["shop"])


def test_the_product_runs_on_a_work_pool(team: Team) -> None:
    """Last, since the deployments of the product are the pool's from now on."""
    prefect, project = team.prefect, team.project
    created = prefect.call("prefect", "work-pool", "create", "local", "--type", "process")
    deployed = prefect.call("python", str(project.folder / "to_pool.py"))
    assert (created.returncode, deployed.returncode) == (0, 0), deployed.stderr
    project.receive("4.csv", GOOD)
    with prefect.running("worker", "prefect", "worker", "start", "--pool", "local"):
        run_id = prefect.trigger("shop.staging/floe")
        assert prefect.ended(run_id) == "Completed", prefect.logs()
    watched = prefect.call("python", str(project.folder / "watching.py"))
    assert watched.returncode == 1
    assert "shop: no updates of ports start a job, and there are no deadlines" in watched.stderr


def is_hanging(team: Team, run_id: str) -> bool:
    return any(
        team.prefect.tasks(run["id"]).get("hanging") == "Running" for run in team.subflows(run_id)
    )
