"""Checks that runs build the partitions that they are for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import duckdb
import pytest

from floe_conformance import kit_product
from floe_conformance.records import RanProduct
from floe_conformance.subject import Subject
from floe_core.ports.ledger import Ledger
from floe_core.runs.run_parameters import RunParameters

# What a run names -> what was recorded, the days in the warehouse, and those in the ledger.
RunFor = Callable[[str], tuple[RanProduct, list[date], list[str]]]


class PartitionChecks(Subject):
    """A run builds the partitions that its parameters name, one after the other.

    A plugin that passes the run's parameters and nominal time to `floe_core.execution.build` passes
    them. Skipped if `run_with` is not implemented.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def ran_for(cls, tmp_path_factory: pytest.TempPathFactory) -> RunFor:
        """Run a product with a model by day, each run in a folder of its own."""
        if cls.run_with is Subject.run_with:
            pytest.skip("run_with is not supplied")

        @cache
        def run(named: str) -> tuple[RanProduct, list[date], list[str]]:
            product = cls.compile(tmp_path_factory.mktemp("partitions"), kit_product.PARTITIONS)
            subject = cls()
            definitions = subject.plugin().create_definitions(product)
            parameters = RunParameters(partitions=named)
            recorded = subject.run_with(definitions, product.folder, parameters)
            days = _days_in(product.folder / kit_product.WAREHOUSE)
            return recorded, days, _updated_days_in(product.folder / "ledger")

        return run

    def test_a_run_builds_the_partitions_that_it_names(self, ran_for: RunFor) -> None:
        """And no others; what reads them is built once, after the last of them."""
        recorded, days, _ = ran_for("2026-03-28...2026-03-30")
        assert recorded == RanProduct(True, kit_product.WITH_PARTITIONS)
        assert days == [date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)]

    def test_the_update_of_a_port_names_its_partitions(self, ran_for: RunFor) -> None:
        """So that a product that reads the port by month knows which days are there."""
        _, _, updated = ran_for("2026-03-28...2026-03-30")
        assert updated == ["2026-03-28", "2026-03-29", "2026-03-30"]

    def test_a_run_that_names_none_builds_the_last_that_is_over(self, ran_for: RunFor) -> None:
        """That is yesterday's: a run by hand has no tick."""
        before = datetime.now(UTC).date()
        recorded, days, _ = ran_for("")
        after = datetime.now(UTC).date()
        assert recorded == RanProduct(True, kit_product.WITH_PARTITIONS)
        assert days in ([before - timedelta(days=1)], [after - timedelta(days=1)])

    def test_a_partition_that_fails_fails_the_run_and_stops_no_other(self, ran_for: RunFor) -> None:
        """What reads the partitions is not built."""
        recorded, days, _ = ran_for("2026-04-01...2026-04-03")
        expected = kit_product.WITH_PARTITIONS - {"days", "days_so_far"}
        assert (recorded.succeeded, recorded.done) == (False, expected)
        assert days == [date(2026, 4, 1), date(2026, 4, 3)]


def _days_in(warehouse: Path) -> list[date]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute("select day from days order by day").fetchall()
    return [day for (day,) in found]


def _updated_days_in(ledger: Path) -> list[str]:
    record = Ledger(str(ledger), is_local=True).read(kit_product.NAME)
    updates = record.updates.get(kit_product.PORT_BY_DAY, ())
    return [key for update in updates for key in update.partitions]
