"""The asset check of each test, and the asset that it is a check of.

dagster-dbt makes a check only of a test that belongs to one model, and just logs the others. Here
every test becomes a check, of the first of these that applies:

1. the model that the test's `meta.dagster.ref` names (`name`, and `package` and `version` if set);
2. the node that it tests according to dbt: a generic test's model or source, a unit test's model,
   the one parent of a singular test;
3. the last of several parents to be built; the others are dependencies of the check;
4. for a test without any parent, an asset added to the product for this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster import AssetCheckKey, AssetCheckSpec, AssetKey

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_orchestrator_dagster.names.asset_keys import dagster_meta
from floe_orchestrator_dagster.names.asset_specs import NODE_METADATA


def place_of(test: Node, artifacts: CompiledArtifacts) -> str:
    """Return the id of the node that the test becomes a check of, "" for a test without parents."""
    named = dagster_meta(test).get("ref")
    if isinstance(named, dict):
        found = _find_referred(named, artifacts)
        if found:
            return found
    if test.tested in artifacts.by_id:
        return test.tested
    # A node has more ancestors than each of them has, so the parent with the most is built last.
    return max(
        test.depends_on, key=lambda id_: (len(artifacts.graph.above([id_])), id_), default=""
    )


def _find_referred(ref: Mapping[str, Any], artifacts: CompiledArtifacts) -> str:
    package = ref.get("package") or artifacts.dbt.project_name
    version = str(ref.get("version") or "")
    wanted = (ref.get("name"), package, version)
    for node in artifacts.nodes:
        if node.is_relation and (node.name, node.package, node.version) == wanted:
            return node.unique_id
    return ""


def check_specs(
    artifacts: CompiledArtifacts,
    keys: Mapping[str, AssetKey],
    check_keys: Mapping[str, AssetCheckKey],
) -> tuple[tuple[str, AssetCheckSpec], ...]:
    """Return test id -> spec of all tests, in the order of their ids.

    `keys` maps node id -> asset key, `check_keys` maps test id -> check key.
    """
    tests = (node for node in artifacts.nodes if node.is_test)
    return tuple(
        (test.unique_id, _check_spec(test, keys, check_keys[test.unique_id])) for test in tests
    )


def _check_spec(test: Node, keys: Mapping[str, AssetKey], key: AssetCheckKey) -> AssetCheckSpec:
    parents = (keys[id_] for id_ in test.depends_on if id_ in keys)
    return AssetCheckSpec(
        name=key.name,
        asset=key.asset_key,
        description=test.description or None,
        additional_deps=[parent for parent in parents if parent != key.asset_key],
        metadata={NODE_METADATA: test.unique_id},
        blocking=is_blocking(test),
    )


def is_blocking(test: Node) -> bool:
    """Return whether a failure blocks downstream nodes; dbt's default severity is error."""
    return test.severity.lower() != "warn"
