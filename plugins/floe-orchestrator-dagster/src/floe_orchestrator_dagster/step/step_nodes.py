"""The nodes that a step is asked for, and the keys that Dagster knows them by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dagster import AssetCheckKey, AssetKey, OpExecutionContext


@dataclass(frozen=True, slots=True)
class StepNodes:
    """Node id -> key of the assets, and of the checks, that this step is to build and run.

    Asked of the definitions that the step runs in: a team may have given the assets other keys.
    """

    keys: Mapping[str, AssetKey]
    check_keys: Mapping[str, AssetCheckKey]

    @classmethod
    def of(cls, context: OpExecutionContext, node_ids: Mapping[str, str]) -> StepNodes:
        """Return the nodes of a step, given output name -> node id."""
        keys = context.assets_def.keys_by_output_name
        checks = context.assets_def.check_specs_by_output_name
        return cls(
            {node_ids[output]: key for output, key in keys.items()},
            {node_ids[output]: spec.key for output, spec in checks.items()},
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all of them, sorted."""
        return tuple(sorted([*self.keys, *self.check_keys]))
