"""The assets and checks of a product as a user's `DagsterDbtTranslator` makes them."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster import AssetCheckSpec, AssetKey, AssetSpec

from floe_core.foundation.errors import InvalidProductError, Problem, invalid
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_orchestrator_dagster.names.asset_map import (
    AssetMap,
    built_specs,
    parents_first,
    with_assets,
)
from floe_orchestrator_dagster.names.dagster_names import plain
from floe_orchestrator_dagster.names.dbt_node import manifest_of
from floe_orchestrator_dagster.names.partitions import definition_of_node

if TYPE_CHECKING:
    from dagster_dbt import DagsterDbtTranslator

# Of a translator that fails for all nodes, more say no more.
_SHOWN = 10


def translated_asset_map(
    artifacts: CompiledArtifacts, translator: DagsterDbtTranslator
) -> AssetMap:
    """Return the map of a product whose specs are a translator's, as in `@dbt_assets`.

    A test that is no check for the translator is in `unshown`. The assets of steps are floe's.

    Raises:
        InvalidProductError: It is no translator, it raises, or gives two nodes one key.
    """
    _check_translator(translator)
    made = _Translation(artifacts, translator)
    specs = made.specs()
    checks = made.checks(specs)
    shown = {test_id for test_id, _ in checks}
    shares = translator.settings.enable_duplicate_source_asset_keys
    sources = {n.unique_id for n in artifacts.nodes if n.resource_type == "source"}
    return AssetMap(
        specs=built_specs(artifacts, specs, may_share=sources if shares else ()),
        keys={node_id: spec.key for node_id, spec in specs.items()},
        checks=checks,
        unplaced_key=AssetKey([plain(artifacts.product.name), "tests"]),
        unshown=tuple(
            n.unique_id for n in artifacts.nodes if n.is_test and n.unique_id not in shown
        ),
        runs_source_checks=True,
    )


def _check_translator(translator: object) -> None:
    module = sys.modules.get("dagster_dbt")
    if module is None or not isinstance(translator, module.DagsterDbtTranslator):
        raise invalid(
            f"translator is {translator!r}, not a DagsterDbtTranslator",
            fix="pass an instance of your subclass of dagster_dbt.DagsterDbtTranslator",
        )


class _Translation:
    """Calls a translator for each node of a product, and collects what it raises."""

    def __init__(self, artifacts: CompiledArtifacts, translator: Any) -> None:
        self._artifacts = artifacts
        self._translator = translator
        self._manifest = manifest_of(artifacts)
        self._project = _project_of(artifacts, translator)
        self._problems: list[Problem] = []

    def specs(self) -> dict[str, AssetSpec]:
        """Return node id -> spec of all models, seeds, snapshots and sources.

        A translator translates a node's parents with the node, so those of a node that it fails for
        come first, and its children are left out. For a source, it may translate all sources.
        """
        found: dict[str, AssetSpec] = {}
        failed: set[str] = set()
        for node in parents_first(with_assets(self._artifacts)):
            has_failed_parent = not failed.isdisjoint(node.depends_on)
            spec = None if has_failed_parent else self._spec(node)
            if spec is None:
                failed.add(node.unique_id)
            else:
                found[node.unique_id] = spec
        self._raise_problems()
        return found

    def checks(self, specs: dict[str, AssetSpec]) -> tuple[tuple[str, AssetCheckSpec], ...]:
        """Return test id -> spec of the tests that are checks, in the order of their ids."""
        places = self._places()
        found = []
        for test in (node for node in self._artifacts.nodes if node.is_test):
            tested = (specs[i] for i in self._parents(test) if i in places)
            checks = (self._check_spec(test, spec) for spec in tested)
            found += [(test.unique_id, check) for check in checks if check is not None][:1]
        self._raise_problems()
        return tuple(found)

    def _places(self) -> set[str]:
        """Return the nodes that may have checks: of sources those that something reads."""
        relations = [node for node in self._artifacts.nodes if node.is_relation]
        built = {node.unique_id for node in relations}
        if not self._translator.settings.enable_source_tests_as_checks:
            return built
        above = {node_id for node in relations for node_id in node.depends_on}
        return built | {i for i in above if self._artifacts.by_id[i].resource_type == "source"}

    def _parents(self, test: Node) -> list[str]:
        parents = self._manifest.get("parent_map", {}).get(test.unique_id, ())
        return [*parents] if test.resource_type == "test" else []

    def _spec(self, node: Node) -> AssetSpec | None:
        try:
            spec = self._translator.get_asset_spec(self._manifest, node.unique_id, self._project)
        except Exception as error:  # noqa: BLE001 - code of the user, which may raise anything
            self._problems.append(self._problem(node, error))
            return None
        if not isinstance(spec, AssetSpec):
            what = f"{self._name} returned {spec!r} for {node.unique_id}"
            self._problems.append(Problem(what, "return an AssetSpec", node.path))
            return None
        return _with_partitions(self._artifacts, node, spec)

    def _check_spec(self, test: Node, spec: AssetSpec) -> AssetCheckSpec | None:
        try:
            found: AssetCheckSpec | None = self._translator.get_asset_check_spec(
                asset_spec=spec,
                manifest=self._manifest,
                unique_id=test.unique_id,
                project=self._project,
            )
        except Exception as error:  # noqa: BLE001 - code of the user, which may raise anything
            self._problems.append(self._problem(test, error))
            return None
        return found

    def _problem(self, node: Node, error: Exception) -> Problem:
        reason = f"{type(error).__name__}: {error}".removesuffix(": ")
        what = f"{self._name} raised {reason} for {node.unique_id}{_place_of(error)}"
        return Problem(what, "correct the translator, or the node's meta or config", node.path)

    @property
    def _name(self) -> str:
        return type(self._translator).__name__

    def _raise_problems(self) -> None:
        if not self._problems:
            return
        shown, others = self._problems[:_SHOWN], len(self._problems) - _SHOWN
        more = [Problem(f"{self._name} failed for {others} other nodes")] if others > 0 else []
        raise InvalidProductError([*shown, *more])


def _with_partitions(artifacts: CompiledArtifacts, node: Node, spec: AssetSpec) -> AssetSpec:
    """Return the spec with the partitions of floe.yaml, unless the translator chose some."""
    ours = definition_of_node(artifacts, node.unique_id)
    if ours is None or spec.partitions_def is not None:
        return spec
    return spec.replace_attributes(partitions_def=ours)


def _project_of(artifacts: CompiledArtifacts, translator: Any) -> Any:
    """Return the project that references to code are resolved against; None if there are none."""
    if not translator.settings.enable_code_references:
        return None
    from dagster_dbt import DbtProject

    return DbtProject(project_dir=artifacts.folder)


def _place_of(error: BaseException) -> str:
    """Return where the user's own code raised, as ` at file:line`; "" if it is not in the stack."""
    frames = [*_frames_of_user(error)]
    return f", at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _frames_of_user(error: BaseException) -> Iterator[traceback.FrameSummary]:
    for frame in traceback.extract_tb(error.__traceback__):
        parts = Path(frame.filename).parts
        is_library = "site-packages" in parts or "floe_orchestrator_dagster" in parts
        if not is_library:
            yield frame
