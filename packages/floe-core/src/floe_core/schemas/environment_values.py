"""What an environment of the manifest changes in a compiled product."""

from __future__ import annotations

from typing import Any

from floe_core.schemas.frozen import Frozen
from floe_core.schemas.policies import Schedule
from floe_core.schemas.resources import ResourceSpec


class EnvironmentValues(Frozen):
    """The values of one environment, each only if it differs from the compiled product's own.

    `target_name` is dbt's target, "" for the product's, and `profile` its output, secrets as
    `env_var()` only, with `value_sources` as of `DbtProject`. `vars` override the product's.
    `schedules` is job name -> schedule. `nodes` is node id -> field -> value, such as the schema
    that dbt gives the node in this target. `triggers_enabled` is None if updates of ports start
    jobs as they do elsewhere; if it is False, deadlines are off as well.
    """

    target_name: str = ""
    profile: dict[str, Any] = {}
    value_sources: dict[str, str] = {}
    vars: dict[str, Any] = {}
    max_parallel: int | None = None
    lineage_namespace: str = ""
    schedules: dict[str, Schedule] = {}
    triggers_enabled: bool | None = None
    resources: dict[str, ResourceSpec] = {}
    nodes: dict[str, dict[str, Any]] = {}
