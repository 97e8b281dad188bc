"""Build a dbt selection of exactly the given nodes."""

from __future__ import annotations

from collections.abc import Collection

from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def arguments_for_nodes(artifacts: CompiledArtifacts, node_ids: Collection[str]) -> list[str]:
    """Return dbt's arguments for exactly these nodes.

    A selection by fully qualified name also matches nodes in a folder of that name, so these are
    excluded one by one. `empty` keeps dbt from adding the tests of the selected nodes.
    """
    wanted = {".".join(artifacts.by_id[node_id].fqn) for node_id in node_ids}
    unwanted = [
        name
        for node in artifacts.built
        if node.unique_id not in node_ids and _lies_below(node.fqn, wanted)
        for name in [".".join(node.fqn)]
    ]
    arguments = ["--select", *(f"fqn:{name}" for name in sorted(wanted))]
    if unwanted:
        arguments += ["--exclude", *(f"fqn:{name}" for name in sorted(unwanted))]
    return [*arguments, "--indirect-selection", "empty"]


def _lies_below(fqn: tuple[str, ...], names: set[str]) -> bool:
    return any(".".join(fqn[:length]) in names for length in range(1, len(fqn)))
