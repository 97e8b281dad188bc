"""Targets of alerts: each has a spool of its own, so that no target waits for another."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import AlertKind, AlertRule
from floe_core.secrets.references import referenced_names, value_of
from floe_core.storage.spooling.spool import Spool

FOLDER = "alerts"


@dataclass(frozen=True, slots=True)
class Target:
    """The variable, or file as `file:/PATH`, that holds the Apprise URL; `rules` select its alerts.

    `environment` is the manifest's: the variable may hold another URL in another one.
    """

    variable: str
    rules: tuple[AlertRule, ...]
    environment: str

    @property
    def is_off(self) -> bool:
        """Whether the variable is set but empty: this environment sends no alerts to the target."""
        return value_of(self.variable) == ""

    @property
    def is_unset(self) -> bool:
        """Whether the variable is not set: alerts wait until it is."""
        return value_of(self.variable) is None

    def wants(self, kind: AlertKind, job: str) -> bool:
        """Return whether the target receives this kind of event of this job."""
        return any(kind in rule.on and (not rule.jobs or job in rule.jobs) for rule in self.rules)

    def spool(self, project_dir: Path, *, only_read: bool = False) -> Spool:
        """Return the spool of alerts that wait for this target. See `Spool`."""
        name = hashlib.sha256(self.variable.encode()).hexdigest()[:12]
        folder = f"{folder_of(self.environment)}/targets/{name}"
        return Spool(project_dir, folder, only_read=only_read)


def folder_of(environment: str) -> str:
    """Return the folder of the alerts of an environment, below that of the product's state."""
    return f"{FOLDER}/environments/{environment}" if environment else FOLDER


def targets_of(artifacts: CompiledArtifacts) -> list[Target]:
    """Return the targets of a product, in the order of its rules."""
    rules: dict[str, list[AlertRule]] = {}
    for rule in artifacts.alerts:
        for variable in referenced_names(rule.to):
            rules.setdefault(variable, []).append(rule)
    return [
        Target(variable, tuple(found), artifacts.environment) for variable, found in rules.items()
    ]
