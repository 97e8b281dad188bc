"""The class that a plugin's tests inherit: every check of the kit."""

from __future__ import annotations

from floe_conformance.checks.alerts import AlertChecks, LatenessChecks
from floe_conformance.checks.connection import ConnectionChecks
from floe_conformance.checks.definitions import DefinitionChecks
from floe_conformance.checks.dev_server import DevServerChecks
from floe_conformance.checks.environments import EnvironmentChecks
from floe_conformance.checks.helm_values import HelmValuesChecks, ResourceChecks
from floe_conformance.checks.lineage import LineageChecks, RunLineageChecks
from floe_conformance.checks.partitions import PartitionChecks
from floe_conformance.checks.pools import PoolChecks, PoolQuestionChecks
from floe_conformance.checks.ports import PortChecks
from floe_conformance.checks.registration import EntryPointFileChecks, RegistrationChecks
from floe_conformance.checks.reuse import ReuseChecks
from floe_conformance.checks.run_questions import RunQuestionChecks
from floe_conformance.checks.runs import (
    CanceledRunChecks,
    FreshnessChecks,
    RunChecks,
    RunParameterChecks,
    StepChecks,
)
from floe_conformance.checks.scheduling import OwnershipChecks, SchedulingChecks
from floe_conformance.checks.transforms import TransformChecks


class OrchestratorConformance(
    # Pytest runs the checks of the last base class first.
    CanceledRunChecks,
    DevServerChecks,
    RunLineageChecks,
    LatenessChecks,
    AlertChecks,
    PortChecks,
    PoolChecks,
    FreshnessChecks,
    ReuseChecks,
    StepChecks,
    PartitionChecks,
    OwnershipChecks,
    RunParameterChecks,
    RunChecks,
    SchedulingChecks,
    LineageChecks,
    ResourceChecks,
    PoolQuestionChecks,
    RunQuestionChecks,
    ConnectionChecks,
    HelmValuesChecks,
    TransformChecks,
    EntryPointFileChecks,
    EnvironmentChecks,
    DefinitionChecks,
    RegistrationChecks,
):
    """All checks; subclass it under a name that begins with `Test`, with `plugin` and `look_at`."""
