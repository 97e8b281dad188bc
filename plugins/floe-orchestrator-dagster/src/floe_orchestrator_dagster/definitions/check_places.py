"""Which asset a test becomes a check of.

dagster-dbt has a check for a test that belongs to one model and merely logs the others. Here every
test has its place, in this order:

1. the model that `meta.dagster.ref` of the test names (`name`, and `package` and `version` if set);
2. the node that dbt says it tests: a generic test's model or source, a unit test's model, the one
   parent of a singular test;
3. of several parents the last one to be built, the others being dependencies of the check;
4. a test without any parent: an asset of the product's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_orchestrator_dagster.definitions.asset_keys import dagster_meta


def place_of(test: Node, artifacts: CompiledArtifacts) -> str:
    """Return the id of the node that the test is a check of, "" for a test without parents."""
    named = dagster_meta(test).get("ref")
    if isinstance(named, dict):
        found = _referred(named, artifacts)
        if found:
            return found
    if test.tested in artifacts.by_id:
        return test.tested
    # A node has more ancestors than any of them: the most of them means the last one built.
    return max(
        test.depends_on, key=lambda id_: (len(artifacts.graph.above([id_])), id_), default=""
    )


def _referred(ref: Mapping[str, Any], artifacts: CompiledArtifacts) -> str:
    package = ref.get("package") or artifacts.dbt.project_name
    version = str(ref.get("version") or "")
    wanted = (ref.get("name"), package, version)
    for node in artifacts.nodes:
        if node.is_relation and (node.name, node.package, node.version) == wanted:
            return node.unique_id
    return ""
