"""What an Airflow that can do less is told to do, and what it loses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.task.run_memory import RunMemory, task_store

Make = Callable[..., CompiledArtifacts]
TASK_STORE_KEY = "task_state_store"
ASK = """
import json, sys
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.concepts import concepts
found = {each.name: (each.becomes, each.loss) for each in concepts(
    CompiledArtifacts.model_validate_json(sys.stdin.read()))}
assert "airflow" not in sys.modules
print(json.dumps(found))
"""


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """Return a folder with an installed Airflow that has none of the files that are asked for."""
    (tmp_path / "airflow" / "models").mkdir(parents=True)
    (tmp_path / "airflow" / "__init__.py").touch()
    (tmp_path / "airflow" / "models" / "taskinstance.py").write_text("class TaskInstance: ...\n")
    return tmp_path


def told(artifacts: CompiledArtifacts, folder: Path) -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        input=artifacts.to_json(),
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_what_it_can_do_is_no_loss(make_artifacts: Make, older: Path) -> None:
    found = told(make_artifacts(execution={"retries": 2}), older)
    assert {name: loss for name, (_, loss) in found.items() if loss} == {}
    assert found["granularity"][0] == "the one task that builds"


@pytest.mark.parametrize("granularity", ["node", "group"])
def test_tasks_of_nodes_are_a_loss(make_artifacts: Make, older: Path, granularity: str) -> None:
    found = told(make_artifacts(execution={"granularity": granularity}), older)
    assert found["granularity"] == [
        "the one task that builds",
        "the scheduler of this Airflow starts no task in the triggerer, as 3.3 does, so there is "
        "only the task that builds, as with `granularity: product`, and not one for each "
        f"{granularity}",
    ]


def test_exact_exponential_delays_are_a_loss(make_artifacts: Make, older: Path) -> None:
    policy = {"retries": 2, "retry_backoff": "exponential"}
    assert told(make_artifacts(execution=policy), older)["retries"][1] == (
        "this Airflow has no retry policies, which 3.3 brings: a retry would wait up to twice as "
        "long as `retryDelaySeconds` says; `retryBackoff: fixed` is kept exactly"
    )
    assert told(make_artifacts(execution={**policy, "retries": 0}), older)["retries"][1] == ""


class _TaskInstance:
    dag_id, run_id = "shop", "manual__1"


def test_without_airflows_store_a_retry_finds_its_results_in_the_folder(tmp_path: Path) -> None:
    context = {"ti": _TaskInstance()}
    memory = RunMemory(task_store(context, tmp_path, "dbt_build"))  # type: ignore[arg-type]
    memory.add([f"line {number}" for number in range(3)])
    memory.save()
    again = task_store(context, tmp_path, "dbt_build")  # type: ignore[arg-type]
    assert again.get("floe_results_0") == ["line 0", "line 1", "line 2"]
    assert again.get("floe_results_1") is None
    other = task_store(context, tmp_path, "marts.dbt_build")  # type: ignore[arg-type]
    assert other.get("floe_results_0") is None


def test_airflows_own_store_is_used_where_there_is_one(tmp_path: Path) -> None:
    own = object()
    context = {"ti": _TaskInstance(), TASK_STORE_KEY: own}
    assert task_store(context, tmp_path, "dbt_build") is own  # type: ignore[arg-type]
