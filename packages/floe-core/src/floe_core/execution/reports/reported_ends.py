"""Whether whoever sees how the runs of a product end has anything to report."""

from __future__ import annotations

from floe_core.lineage.backend import is_configured
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def has_reported_ends(artifacts: CompiledArtifacts) -> bool:
    """Return whether ends are for alerts, or complete the lineage of builds that were killed."""
    folder = artifacts.project_dir
    has_lineage = folder is not None and is_configured(artifacts.lineage, folder)
    return bool(artifacts.alerts) or has_lineage
