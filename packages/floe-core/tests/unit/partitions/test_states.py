"""States of partitions: the store keeps each record, and how a partition stands."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.partitions.statuses import Record, codes_of, merged, statuses_of
from floe_core.partitions.store import PartitionStore, name_of, store_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice, Product
from floe_core.schemas.nodes import Node
from floe_core.schemas.partitions import Partitions
from floe_core.schemas.policies import DbtProject
from floe_core.storage.shared_text import shared_text

DAILY = Partitions(by="day", start="2026-11-01")
DBT = DbtProject(project_name="s", profile_name="s", target_name="s", adapter="s", version="1.11.0")


def store_in(folder: Path) -> PartitionStore:
    return PartitionStore("shop.partitions", lambda name: shared_text(str(folder), name))


def record(ended: float, status: str = "done", run: str = "1", code: str = "c") -> Record:
    return Record(status, run, 1, code, ended - 0.5, ended, 7)  # type: ignore[arg-type]


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    assert (store.read(DAILY), store.declarations()) == ({}, ())
    first = {"a": {"2026-12-31": record(1), "2027-01-01": record(2, "failed")}}
    store.write(DAILY, first)
    store.write(DAILY, {"b": {"2026-12-31": record(3)}})
    assert store_in(tmp_path).read(DAILY) == {**first, "b": {"2026-12-31": record(3)}}
    # A year has a text of its own.
    assert sorted(path.name for path in tmp_path.glob("*.json")) == [
        "shop.partitions.day-UTC.2026.json",
        "shop.partitions.day-UTC.2027.json",
        "shop.partitions.json",
    ]


def test_states_of_another_declaration_stay_and_do_not_count(tmp_path: Path) -> None:
    store, hourly = store_in(tmp_path), Partitions(by="hour", start="2026-11-01")
    store.write(hourly, {"a": {"2026-11-01-00:00": record(1)}})
    berlin = DAILY.model_copy(update={"timezone": "Europe/Berlin"})
    assert (store.read(DAILY), store.read(berlin)) == ({}, {})
    store.write(DAILY, {"a": {"2026-11-01": record(2)}})
    assert store.declarations() == ("day-UTC", "hour-UTC")
    assert sum(map(len, store.read(hourly).values())) == 1
    later = DAILY.model_copy(update={"start": "2026-10-01"})
    assert name_of(later) == name_of(DAILY)


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    keys = [f"2026-11-{day:02}" for day in range(1, 21)]

    def write(node_id: str) -> None:
        for key in random.sample(keys, len(keys)):
            store_in(tmp_path).write(DAILY, {node_id: {key: record(1, run=node_id)}})

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = store_in(tmp_path).read(DAILY)
    assert {name: sorted(by_key) for name, by_key in found.items()} == dict.fromkeys("abcd", keys)


def test_an_earlier_build_that_is_written_late_replaces_nothing() -> None:
    late, early = {"a": {"k": record(9)}}, {"a": {"k": record(3), "l": record(3)}}
    assert merged(late, early) == {"a": {"k": record(9), "l": record(3)}}
    assert merged(early, late) == {"a": {"k": record(9), "l": record(3)}}


def test_a_damaged_state_is_an_error_that_names_it(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.write(DAILY, {"a": {"2026-11-01": record(1)}})
    file = tmp_path / "shop.partitions.day-UTC.2026.json"
    file.write_text(file.read_text().replace('"attempt":[1]', '"attempt":[2]'))
    with pytest.raises(EnvironmentProblemError, match="the states of partitions are damaged"):
        store.read(DAILY)


def artifacts_of(*nodes: Node) -> CompiledArtifacts:
    return CompiledArtifacts(
        product=Product(name="shop", version="1.0.0"),
        orchestrator=OrchestratorChoice(name="plain"),
        dbt=DBT,
        nodes=nodes,
        jobs=(),
        partitions=DAILY,
    )


def test_a_partition_is_stale_by_its_code_or_by_what_it_reads() -> None:
    above = Node(unique_id="a", name="a", resource_type="model", package="s", checksum="1")
    below = Node(
        unique_id="b", name="b", resource_type="model", package="s", depends_on=("a", "seed")
    )
    seed = Node(unique_id="seed", name="seed", resource_type="seed", package="s")
    artifacts, keys = artifacts_of(above, below, seed), ["1", "2", "3", "4", "5"]
    a, b = codes_of(artifacts, ["a", "b"]).values()
    records = {
        "a": {
            "1": record(10, code=a),
            # Built again after b had begun.
            "2": record(30, code=a),
            "3": record(10, code="other"),
            "4": record(30, "failed", code=a),
        },
        "b": {
            "1": record(20, code=b),
            "2": record(20, code=b),
            "3": record(20, code=b),
            "4": record(20, code=b),
            "5": record(20, "failed", code="other"),
        },
    }
    assert statuses_of(artifacts, records, ["a", "b"], keys) == {
        "a": ["done", "done", "stale", "failed", "missing"],
        "b": ["done", "stale", "done", "done", "failed"],
    }


def test_each_environment_has_its_own_states_beside_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLOE_PARTITION_STORE", raising=False)
    artifacts = artifacts_of().bound_to(tmp_path)
    assert store_of(artifacts).place == str(tmp_path / ".floe/partitions/shop.partitions.json")
    dev = artifacts.model_copy(update={"environment": "dev"}).bound_to(tmp_path)
    monkeypatch.setenv("FLOE_PARTITION_STORE", str(tmp_path / "shared"))
    assert store_of(dev).place == str(tmp_path / "shared/shop@dev.partitions.json")
