"""Checks of `create_definitions`, by what the orchestrator loads."""

from __future__ import annotations

import importlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from floe_conformance import kit_product
from floe_conformance.subject import Subject
from floe_core.foundation.errors import InvalidProductError
from floe_core.schemas.compiled_artifacts import DBT_MANIFEST_FILE, CompiledArtifacts

_LOADER_CALL = re.compile(r"\b([A-Za-z_][\w.]*)\.(load_\w+)\(")


class DefinitionChecks(Subject):
    """The product's graph, jobs and ticks are loaded; an invalid product is refused."""

    def test_the_graph_is_the_products_edge_for_edge(self, product: CompiledArtifacts) -> None:
        """Every model, seed, snapshot and test waits for the nodes it reads, and for no other."""
        self._skip_without_nodes()
        assert dict(self.load(product).upstream) == self._expected_upstream()

    def test_each_job_builds_its_own_nodes(self, product: CompiledArtifacts) -> None:
        """All jobs of floe.yaml are loaded, each with exactly the nodes that it selects."""
        self._skip_without_nodes()
        jobs = self.load(product).jobs
        assert {name: job.nodes for name, job in jobs.items()} == kit_product.JOBS

    def _skip_without_nodes(self) -> None:
        if not self.shows_nodes:
            pytest.skip("the orchestrator shows no nodes")

    def test_each_schedule_ticks_in_its_zone(self, product: CompiledArtifacts) -> None:
        """The ticks follow the zone's local time, also across changes to and from summer time."""
        jobs = self.load(product).jobs
        there = [name for name in kit_product.TICKS if name in jobs]
        found = {name: jobs[name].ticks_between(*kit_product.SPAN) for name in there}
        assert found == {name: kit_product.TICKS[name] for name in there}

    def test_a_schedule_that_is_not_enabled_starts_nothing(
        self, product: CompiledArtifacts
    ) -> None:
        """A job with `enabled: false` in floe.yaml has no ticks."""
        job = self.load(product).jobs.get(kit_product.PAUSED_JOB)
        assert job is None or job.ticks_between(*kit_product.SPAN) == []

    def test_only_a_schedule_with_catchup_runs_every_tick(self, product: CompiledArtifacts) -> None:
        """The job with `catchup` has a run for each tick. Skipped if the jobs don't tell."""
        jobs = self.load(product).jobs
        told = {n: job.catches_up for n, job in jobs.items() if job.catches_up is not None}
        if not told:
            pytest.skip("the loaded jobs do not tell whether they catch up")
        assert told == {name: name == kit_product.CATCHING_UP_JOB for name in told}

    def test_the_artifacts_stay_as_they_were(self, product: CompiledArtifacts) -> None:
        """`create_definitions` does not modify the artifacts that it receives."""
        before = product.to_json()
        self.plugin().create_definitions(product)
        assert product.to_json() == before

    def test_without_a_folder_it_names_the_loader_to_call(self, product: CompiledArtifacts) -> None:
        """Artifacts not loaded from a folder cannot run; the error names the loader to call."""
        assert _LOADER_CALL.search(self._refusal_without_a_folder(product))
        assert callable(self._loader(product))

    def test_the_loader_loads_the_same(self, product: CompiledArtifacts) -> None:
        """The loader that the error names returns the same as `create_definitions`."""
        folder = product.folder
        loaded = self.look_at(self._loader(product)(kit_product.NAME, folder), folder)
        assert loaded == self.load(product)

    def test_the_loader_refuses_another_product(self, product: CompiledArtifacts) -> None:
        """If the folder holds another product than requested, the error names both."""
        with pytest.raises(InvalidProductError) as refused:
            self._loader(product)("another-shop", product.folder)
        missing = [n for n in (kit_product.NAME, "another-shop") if n not in str(refused.value)]
        assert missing == []

    def test_the_loader_refuses_a_stale_folder(
        self, product: CompiledArtifacts, tmp_path: Path
    ) -> None:
        """One whose dbt manifest is not the compiled one; the error names `floe compile`."""
        stale = tmp_path / "stale"
        shutil.copytree(product.folder, stale)
        (stale / DBT_MANIFEST_FILE).write_text("{}", encoding="utf-8")
        with pytest.raises(InvalidProductError) as refused:
            self._loader(product)(kit_product.NAME, stale)
        assert "floe compile" in str(refused.value)

    def test_all_problems_are_reported_at_once(self, product: CompiledArtifacts) -> None:
        """One error reports an edge to a missing node, a job of one, a bad cron and a bad zone."""
        with pytest.raises(InvalidProductError) as refused:
            self.plugin().create_definitions(_spoil(product))
        message = str(refused.value)
        planted = ("model.corner_shop.nowhere", "model.corner_shop.nobody", "61 * * * *", "Mars/A")
        assert [text for text in planted if text not in message] == []

    def _expected_upstream(self) -> dict[str, frozenset[str]]:
        if self.shows_sources:
            return kit_product.UPSTREAM
        shown = {n: up for n, up in kit_product.UPSTREAM.items() if n not in kit_product.SOURCES}
        return {name: upstream - kit_product.SOURCES for name, upstream in shown.items()}

    def _loader(self, product: CompiledArtifacts) -> Callable[[str, Path], Any]:
        """Return the loader that the plugin names when artifacts have no folder."""
        named = _LOADER_CALL.search(self._refusal_without_a_folder(product))
        if named is None:
            pytest.skip("the plugin names no loader; another check fails for it")
        loader: Callable[[str, Path], Any] = getattr(importlib.import_module(named[1]), named[2])
        return loader

    def _refusal_without_a_folder(self, product: CompiledArtifacts) -> str:
        homeless = CompiledArtifacts.model_validate_json(product.to_json())
        with pytest.raises(InvalidProductError) as refused:
            self.plugin().create_definitions(homeless)
        return str(refused.value)


def _spoil(product: CompiledArtifacts) -> CompiledArtifacts:
    """Return the product, bound to its folder, with four errors in it."""
    fields = product.model_dump(mode="json")
    orders = next(node for node in fields["nodes"] if node["name"] == "orders")
    orders["depends_on"] = ["model.corner_shop.nowhere"]
    for job in fields["jobs"]:
        if job["name"] == "nightly":
            job["node_ids"] = ["model.corner_shop.nobody"]
            job["schedule"] = {"cron": "61 * * * *", "timezone": "Mars/A"}
    return CompiledArtifacts.model_validate(fields).bound_to(product.folder)
