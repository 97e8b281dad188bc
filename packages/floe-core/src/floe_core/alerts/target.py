"""Where alerts go: each target of a product with a spool of its own, so that none waits for it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import AlertKind, AlertRule
from floe_core.secrets.references import referenced_names
from floe_core.spooling.spool import Spool

FOLDER = "alerts"


@dataclass(frozen=True, slots=True)
class Target:
    """The environment variable `variable` holds the Apprise URL; `rules` say what goes there."""

    variable: str
    rules: tuple[AlertRule, ...]

    @property
    def is_off(self) -> bool:
        """Whether the variable is set and empty: nobody is to be told in this environment."""
        return os.environ.get(self.variable) == ""

    @property
    def is_unset(self) -> bool:
        """Whether nobody has set the variable: what is told waits until somebody does."""
        return self.variable not in os.environ

    def wants(self, kind: AlertKind, job: str) -> bool:
        """Return whether the target is told of this kind of event of this job."""
        return any(kind in rule.on and (not rule.jobs or job in rule.jobs) for rule in self.rules)

    def spool(self, project_dir: Path) -> Spool:
        """Return what waits for this target."""
        name = hashlib.sha256(self.variable.encode()).hexdigest()[:12]
        return Spool(project_dir, f"{FOLDER}/targets/{name}")


def targets_of(artifacts: CompiledArtifacts) -> list[Target]:
    """Return the targets of a product, in the order of its rules."""
    rules: dict[str, list[AlertRule]] = {}
    for rule in artifacts.alerts:
        for variable in referenced_names(rule.to):
            rules.setdefault(variable, []).append(rule)
    return [Target(variable, tuple(found)) for variable, found in rules.items()]
