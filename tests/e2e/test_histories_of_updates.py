"""Random histories of updates start the runs that docs/ports.md says, on the real orchestrators.

The oracle is a reading of that page that knows nothing of floe's code (`update_histories.py`). What
it is held against is the orchestrator's own record of its runs, and what each run wrote down when
it began. Four consumers with four rules live through a history at once, each of them with pauses,
held up and broken runs of its own, so that a play is four histories, or more on several meshes.
`FLOE_TEST_HISTORIES` says how many there are, `FLOE_TEST_HISTORIES_FROM` the seed of the first play,
and `FLOE_TEST_HISTORIES_AT_ONCE` how many meshes Airflow and Prefect have.
"""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from airflow_histories import AirflowPlayer
from dagster_histories import DagsterPlayer
from history_player import play
from prefect_histories import PrefectPlayer
from update_histories import RULES, Page, random_histories, random_history

LONG = 6 * 3600
# Rounds of a history: on Dagster they take no time, on the others some 15 seconds and more.
ON_DAGSTER = 24
ELSEWHERE = 14
# Meshes that are played at once on those others, where most of the time goes into waiting.
MESHES = int(os.environ.get("FLOE_TEST_HISTORIES_AT_ONCE", "1"))


def plays(otherwise: int, meshes: int = 1) -> range:
    """Return the seeds of the plays, as many as the environment asks for."""
    first = int(os.environ.get("FLOE_TEST_HISTORIES_FROM", "0"))
    histories = int(os.environ.get("FLOE_TEST_HISTORIES", otherwise))
    return range(first, first + -(-histories // (len(RULES) * meshes)))


def test_histories_are_rich_in_what_goes_wrong() -> None:
    """A count by the reading of the page: what happens to runs that are under way, and after them."""
    met: Counter[str] = Counter()
    for seed in range(50):
        page = Page()
        for events in random_history(random.Random(seed), ON_DAGSTER):
            busy = {name for name, each in page.consumers.items() if each.is_running}
            begun = {name: len(each.begun) for name, each in page.consumers.items()}
            for what, whom in events:
                met[f"{what} while a run is on"] += len(busy & {whom} if whom in RULES else busy)
            page.take(events)
            met["a run for what came during another"] += sum(
                len(page.consumers[name].begun) > begun[name] for name in busy
            )
    wanted = {"green while a run is on": 250, "red while a run is on": 25}
    wanted |= {"pause while a run is on": 25, "away while a run is on": 25}
    wanted |= {"a run for what came during another": 50}
    assert {what: met[what] for what, least in wanted.items() if met[what] < least} == {}


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterPlayer]:
    player = DagsterPlayer(tmp_path_factory.mktemp("dagster"))
    with player.up():
        yield player


@pytest.mark.slow
def test_a_short_history_on_dagster(dagster: DagsterPlayer) -> None:
    play(dagster, [random_history(random.Random(1), 6)])


def test_a_run_that_a_killed_daemon_created_is_started_after_days(dagster: DagsterPlayer) -> None:
    """Dagster gives up what it had begun after a day; the update is still to start its one run."""
    begun, ends = dagster.mesh.begun("either"), dagster.ends("either")
    dagster.mesh.take("green", "crm")
    assert dagster.die_in_a_tick("either", "RUN_CREATED") == -signal.SIGKILL
    assert (dagster.mesh.begun("either"), dagster.ends("either")) == (begun, [*ends, "on"])
    dagster.let_time_pass(timedelta(days=2))
    dagster.settle(lambda: True)
    assert len(dagster.mesh.begun("either")) == len(begun) + 1
    assert dagster.ends("either") == [*ends, "success"]


@pytest.mark.slow
@pytest.mark.timeout(LONG)
def test_histories_on_dagster(dagster: DagsterPlayer) -> None:
    for seed in plays(20):
        play(dagster, [random_history(random.Random(seed), ON_DAGSTER)])


@pytest.mark.slow
@pytest.mark.timeout(LONG)
def test_histories_on_airflow(tmp_path: Path) -> None:
    player = AirflowPlayer(tmp_path, MESHES)
    with player.up():
        for seed in plays(4, MESHES):
            play(player, random_histories(random.Random(seed), ELSEWHERE, MESHES))


@pytest.mark.slow
@pytest.mark.timeout(LONG)
def test_histories_on_prefect(tmp_path: Path) -> None:
    player = PrefectPlayer(tmp_path, MESHES)
    with player.up():
        for seed in plays(4, MESHES):
            play(player, random_histories(random.Random(seed), ELSEWHERE, MESHES))
