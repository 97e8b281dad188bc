"""Makes an asset spec for each dataset that a step of floe.yaml writes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from dagster import AssetDep, AssetKey, AssetSpec

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node, Step, source_name
from floe_orchestrator_dagster.names.asset_specs import (
    NODE_METADATA,
    group_of,
    owners_of,
    tags_of,
)
from floe_orchestrator_dagster.names.dagster_names import plain

# The dataset's name in floe.yaml.
DATASET_METADATA = "floe/dataset"
# Dagster stores the kinds of an asset as tags.
KIND_PREFIX = "dagster/kind/"
_BETWEEN_PARTS = re.compile(r"[./:]+")


def dataset_key(dataset: str) -> AssetKey:
    """Return the key of a dataset that is not a dbt source: the parts of its name or URL.

    >>> dataset_key("s3://exports/segments.csv").path
    ['s3', 'exports', 'segments', 'csv']
    """
    return AssetKey([plain(part) for part in _BETWEEN_PARTS.split(dataset) if part])


def step_specs(
    step: Step,
    artifacts: CompiledArtifacts,
    specs: Mapping[str, AssetSpec],
    translate: Callable[[Node, AssetSpec], AssetSpec],
) -> list[AssetSpec]:
    """Return a spec for each dataset a step writes, or one for the step if it writes none.

    `specs` maps the ids of dbt's nodes and sources to their specs. If a step writes a source, the
    asset is that of the source.
    """
    node = artifacts.by_id[step.unique_id]
    keys = [specs[i].key for i in node.depends_on if i in specs]
    keys += [dataset_key(name) for name in step.inputs if _is_dataset(name, artifacts)]
    deps = [AssetDep(key) for key in dict.fromkeys(keys)]
    found = []
    for source in step.sources:
        others = [dep for dep in deps if dep.asset_key != specs[source].key]
        name = source_name(artifacts.by_id[source])
        made = _spec(node, specs[source].key, others, name, artifacts)
        tags = {k: v for k, v in specs[source].tags.items() if not k.startswith(KIND_PREFIX)}
        group = specs[source].group_name
        found.append(made.replace_attributes(tags={**made.tags, **tags}, group_name=group))
    named = {name: dataset_key(name) for name in step.datasets}
    if not step.sources and not named:
        named = {"": AssetKey([node.name])}
    found += (translate(node, _spec(node, k, deps, n, artifacts)) for n, k in named.items())
    return found


def _is_dataset(name: str, artifacts: CompiledArtifacts) -> bool:
    return any(name in step.datasets for step in artifacts.steps)


def _spec(
    node: Node, key: AssetKey, deps: list[AssetDep], dataset: str, artifacts: CompiledArtifacts
) -> AssetSpec:
    step = artifacts.steps_by_id[node.unique_id]
    known = {NODE_METADATA: node.unique_id, DATASET_METADATA: dataset, "floe/path": node.path}
    return AssetSpec(
        key=key,
        deps=deps,
        description=node.description or f"step {node.name}",
        metadata={name: value for name, value in known.items() if value},
        skippable=True,
        group_name=group_of(node, artifacts.product.name),
        code_version=node.checksum or node.config_hash or None,
        owners=owners_of(node),
        tags=tags_of(node, artifacts.product.name),
        kinds={"kubernetes" if step.image else "python" if step.python else "shell"},
    )
