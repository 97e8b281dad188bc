"""Where alerts wait: the targets, each with a spool of its own, and the store of a product."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import quote, unquote

from floe_core.alerts.alert import Alert
from floe_core.alerts.notes import Notes
from floe_core.alerts.run_outcome import RunOutcome
from floe_core.foundation.errors import EnvironmentProblemError, FloeError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import AlertKind, AlertRule
from floe_core.secrets.references import referenced_names, setting, value_of
from floe_core.storage.spooling.spool import Spool
from floe_core.storage.state_folder import place_below, state_folder

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


Result = TypeVar("Result")
# Makes an alert wait for a target, unless it is already waiting there.
SpoolAlert = Callable[[Target, Alert], None]
Act = Callable[[Notes, SpoolAlert], Result]


@dataclass(frozen=True, slots=True)
class RefusedAlert:
    """An alert that a receiver refused, and why."""

    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The alerts in a store for a target. `last_failure` says why waiting ones could not be sent.

    `full_since` is since when alerts have been dropped for lack of space, "" if none was.
    """

    count: int = 0
    refused: tuple[RefusedAlert, ...] = ()
    last_failure: str = ""
    full_since: str = ""


@dataclass(frozen=True, slots=True)
class FlushedTarget:
    """What a flush did for one target. `reason` says why alerts still wait, "" if none does."""

    target: str
    sent: int
    refused: int
    waiting: int
    reason: str


class AlertStore(Protocol):
    """The alerts of one product, and the notes about them."""

    def change(self, act: Act[Result]) -> Result:
        """Call the function on the notes while no other process changes them; return its result.

        It may be called more than once, each time with the current notes. Alerts that it spools
        wait once it has returned, and none of them does if this raises.

        Raises:
            OSError, Timeout, EnvironmentProblemError: The store is not available.
        """

    def send(self, targets: Sequence[Target]) -> None:
        """Send the alerts waiting for these, without waiting long for an unresponsive receiver."""

    def flush(self, target: Target, deadline: float, *, also_refused: bool) -> FlushedTarget:
        """Send the alerts waiting for a target, until a time of the monotonic clock."""

    def read_waiting(self, target: Target) -> Waiting:
        """Return the alerts in the store for a target."""


STORE_VARIABLE = "FLOE_ALERT_STORE"
STORE_SETTING = "alert_store"


def store_place(artifacts: CompiledArtifacts) -> str:
    """Return the store's place from the environment or the manifest, "" for none."""
    given = os.environ.get(STORE_VARIABLE, "").strip()
    try:
        return given or setting(artifacts.orchestrator.config, STORE_SETTING)
    except ValueError as error:
        raise EnvironmentProblemError(f"the store of alerts: {error}") from None


def active_targets(artifacts: CompiledArtifacts) -> list[Target]:
    """Return the targets that are not switched off."""
    return [each for each in targets_of(artifacts) if not each.is_off]


_SUFFIX = ".unreported"

_log = logging.getLogger("floe.alerts")


def open_builds_in(state: Path, artifacts: CompiledArtifacts) -> Path:
    """Return the folder of what the next run has to report. See `place_below`."""
    return place_below(state, f"{folder_of(artifacts.environment)}/open")


def keep_unreported(artifacts: CompiledArtifacts, outcome: RunOutcome) -> None:
    """Keep for the next run the job and the id of a failed run that no receiver took.

    They are the name of an empty file beside the notes of open builds: a full disk has room for it.
    Logs an error if even that is not possible.
    """
    name = f"{quote(outcome.job, safe='')} {quote(outcome.run_id, safe=' :+')}{_SUFFIX}"
    try:
        folder = open_builds_in(state_folder(artifacts.folder), artifacts)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    except (OSError, FloeError) as error:
        _log.error("the failure of run %r is lost: %s", outcome.run_id, type(error).__name__)


def find_unreported(folder: Path) -> list[tuple[Path, str, str]]:
    """Return the file, the job and the run id of each, oldest first."""
    found = []
    for path in sorted(folder.glob(f"* *{_SUFFIX}"), key=lambda each: each.lstat().st_mtime_ns):
        job, run_id = path.name.removesuffix(_SUFFIX).split(" ", 1)
        found.append((path, unquote(job), unquote(run_id)))
    return found
