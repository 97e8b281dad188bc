"""Whether the DAG runs of a product have Airflow's own partition keys."""

from __future__ import annotations

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.partitions import Partitions
from floe_core.schemas.policies import Job

SETTING = "partition_keys"


def keyed_partitions(artifacts: CompiledArtifacts, job: Job) -> Partitions | None:
    """Return the partitions of a job whose runs have their key, None if runs have none.

    They have one only if `plugins.orchestrator.config` of the manifest asks for it: an asset event
    of such a run starts no DAG that is not partitioned itself.
    """
    wants_keys = artifacts.orchestrator.config.get(SETTING)
    return artifacts.partitions_of(job) if wants_keys else None
