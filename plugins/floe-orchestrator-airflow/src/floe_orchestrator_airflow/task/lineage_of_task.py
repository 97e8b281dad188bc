"""Links floe's lineage to that of Airflow's own OpenLineage provider, if it is active.

The provider emits events of DAG runs and tasks, floe of products, nodes and data. Without this a
catalog would show the two without any link.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from floe_core.foundation.process_environment import environment_with
from floe_core.lineage import is_configured
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.internals import is_reported_by_provider, settings_of_lineage

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

_log = logging.getLogger(__name__)


class EmitsNoDatasets:
    """A task for which Airflow's provider emits only that it ran: floe emits its data."""

    def get_openlineage_facets_on_start(self) -> Any:
        """Return nothing; without this, the provider would use the operator's fields."""
        from airflow.providers.openlineage.extractors import OperatorLineage

        return OperatorLineage()


@contextmanager
def below_task(task: BaseOperator, ti: Any, artifacts: CompiledArtifacts) -> Iterator[None]:
    """Make this task the parent of floe's events, and send them to the provider's backend.

    The first only if the provider emits events of the task, the second only if floe has no other
    backend. Uses OpenLineage's environment variables, which also apply to dbt and its processes.
    """
    with environment_with(_variables(task, ti, artifacts)):
        yield


def _variables(task: BaseOperator, ti: Any, artifacts: CompiledArtifacts) -> dict[str, str]:
    conf = settings_of_lineage()
    if conf is None or conf.is_disabled():
        return {}
    return {**_backend(conf, artifacts), **_context_of(conf, task, ti)}


def _backend(conf: Any, artifacts: CompiledArtifacts) -> dict[str, str]:
    """Return the variables for the backend in Airflow's settings, if floe has none of its own."""
    folder, settings = artifacts.project_dir, artifacts.lineage
    if folder is None or not settings.enabled or is_configured(settings, folder):
        return {}
    if transport := conf.transport():
        return {"OPENLINEAGE__TRANSPORT": json.dumps(transport)}
    return {"OPENLINEAGE_CONFIG": path} if (path := conf.config_path()) else {}


def _context_of(conf: Any, task: BaseOperator, ti: Any) -> dict[str, str]:
    # As in the provider's own listener, a problem with lineage must not fail the task.
    try:
        return _name_parent(conf, task, ti)
    except (ImportError, AttributeError, LookupError, TypeError, ValueError, RuntimeError):
        _log.warning("floe's lineage does not name this task as its parent", exc_info=True)
        return {}


def _name_parent(conf: Any, task: BaseOperator, ti: Any) -> dict[str, str]:
    from airflow.providers.openlineage.plugins import macros

    from floe_core.lineage import CONTEXT, CallingRun, NamedRun

    if not is_reported_by_provider(task, ti):
        return {}
    parent = NamedRun(macros.lineage_run_id(ti), conf.namespace(), macros.lineage_job_name(ti))
    root = NamedRun(
        macros.lineage_root_run_id(ti),
        macros.lineage_root_job_namespace(ti),
        macros.lineage_root_job_name(ti),
    )
    return {CONTEXT: CallingRun(parent, root).to_context()}
