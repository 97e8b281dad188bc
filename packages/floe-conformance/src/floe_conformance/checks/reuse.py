"""Runs with reuse: what stands is left, and what is new is built."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest

from floe_conformance import reused_product
from floe_conformance.checks.made_runs import MadeRun
from floe_conformance.records import RanProduct
from floe_conformance.subject import Subject


@dataclass(frozen=True)
class RepeatedRun:
    """What was recorded of a run, and the models that dbt began to build in it."""

    recorded: RanProduct
    built: frozenset[str]


class ReuseChecks(Subject):
    """Three runs of one folder: the first, one without news, and one after news from a step.

    Whoever runs `floe_core.execution.build` reuses. Skipped where `run` is not supplied.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def repeated(cls, tmp_path_factory: pytest.TempPathFactory) -> tuple[RepeatedRun, ...]:
        """The runs, in their order."""
        if cls.run is Subject.run:
            pytest.skip("run is not supplied")
        product = cls.compile(tmp_path_factory.mktemp("reuse"), reused_product.REUSED)
        subject, folder = cls(), product.folder
        definitions = subject.plugin().create_definitions(product)
        runs: list[RepeatedRun] = []
        for version in ("1", "1", "2"):
            (folder / reused_product.VERSION_FILE).write_text(version, "utf-8")
            recorded = subject.run(definitions, folder)
            begun = Counter(MadeRun(recorded, folder).begun())
            begun.subtract(model for run in runs for model in run.built)
            runs.append(RepeatedRun(recorded, frozenset(+begun)))
        return tuple(runs)

    def test_a_run_without_news_builds_nothing_and_is_green(
        self, repeated: tuple[RepeatedRun, ...]
    ) -> None:
        """The step runs, and says that its source has the version that it had."""
        first, second, _ = repeated
        assert first.built == reused_product.BUILT_ONCE
        assert (second.built, second.recorded.succeeded) == (frozenset(), True)

    def test_what_a_step_wrote_anew_is_built_and_all_that_reads_it(
        self, repeated: tuple[RepeatedRun, ...]
    ) -> None:
        """Whether it leaves the rest is checked above."""
        assert repeated[2].built >= reused_product.BELOW_THE_STEP
