"""Checks that nodes in a pool wait for its slots, and release them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from floe_conformance import kit_product, pooled_models
from floe_conformance.subject import Subject
from floe_core.plugin_api.powers import NodePools


@dataclass(frozen=True)
class PooledRun:
    """What a run left behind.

    `taken` is how many slots are taken after the run, `built` the relations in the warehouse, and
    `spans` when each model began and ended, as the models themselves recorded it.
    """

    taken: int
    built: frozenset[str]
    spans: dict[str, tuple[float, float]]

    def ran_together(self, one: str, other: str) -> bool:
        """Return whether two models ran at the same time."""
        (begin, end), (others_begin, others_end) = self.spans[one], self.spans[other]
        return begin < others_end and others_begin < end


class PoolChecks(Subject):
    """Models in a pool of one slot run one at a time; a model in no pool runs beside them.

    Skipped if `run_in_pool` is not implemented, or if the plugin is not a `NodePools`.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def pooled(cls, tmp_path_factory: pytest.TempPathFactory) -> PooledRun:
        """A run of a product with models in a pool of one slot."""
        subject = cls()
        if not isinstance(subject.plugin(), NodePools):
            pytest.skip("the plugin has no pools of nodes")
        if cls.run_in_pool is Subject.run_in_pool:
            pytest.skip("run_in_pool is not supplied")
        product = cls.compile(tmp_path_factory.mktemp("pooled"), pooled_models.POOLED)
        definitions = subject.plugin().create_definitions(product)
        taken = subject.run_in_pool(definitions, product.folder, pooled_models.POOL, 1)
        return PooledRun(taken, _list_tables(product.folder), _spans(product.folder))

    def test_nodes_of_a_pool_of_one_slot_run_one_at_a_time(self, pooled: PooledRun) -> None:
        """All of them are built, and no two of them run at the same time."""
        one, other = pooled_models.IN_POOL
        assert pooled.built >= {one, other}
        assert not pooled.ran_together(one, other)

    def test_a_node_in_no_pool_does_not_wait(self, pooled: PooledRun) -> None:
        """It runs at the same time as a model in the pool."""
        met = [
            name
            for name in pooled_models.IN_POOL
            if pooled.ran_together(name, pooled_models.IN_NO_POOL)
        ]
        assert met

    def test_no_slot_is_taken_after_a_run(self, pooled: PooledRun) -> None:
        """Neither a slot nor a place in its queue is left taken."""
        assert pooled.taken == 0


def _list_tables(folder: Path) -> frozenset[str]:
    with duckdb.connect(str(folder / kit_product.WAREHOUSE), read_only=True) as warehouse:
        rows = warehouse.execute("select table_name from information_schema.tables").fetchall()
    return frozenset(name for (name,) in rows)


def _spans(folder: Path) -> dict[str, tuple[float, float]]:
    found: dict[str, list[float]] = {}
    for line in (folder / pooled_models.SPANS_FILE).read_text("utf-8").splitlines():
        name, moment = line.split()
        found.setdefault(name, []).append(float(moment))
    return {name: (min(moments), max(moments)) for name, moments in found.items()}
