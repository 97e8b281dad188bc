"""The run that called this one, as named in the environment for child runs."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from typing import Any
from uuid import UUID

CONTEXT = "OPENLINEAGE_CONTEXT"
_PARENT, _ROOT = "OPENLINEAGE_PARENT_ID", "OPENLINEAGE_ROOT_PARENT_ID"
_VARIABLES = (CONTEXT, _PARENT, _ROOT)

_log = logging.getLogger("floe.lineage")


@dataclass(frozen=True, slots=True)
class NamedRun:
    """A run of a job, as OpenLineage names both. `run_id` is a UUID."""

    run_id: str
    namespace: str
    job: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON of the parent facet."""
        job = {"namespace": self.namespace, "name": self.job}
        return {"run": {"runId": self.run_id}, "job": job}


@dataclass(frozen=True, slots=True)
class CallingRun:
    """The parent run, and the root run."""

    parent: NamedRun
    root: NamedRun

    def to_context(self) -> str:
        """Return the value of `OPENLINEAGE_CONTEXT` for it."""
        parent = {**self.parent.to_json(), "root": self.root.to_json()}
        return json.dumps({"parent": parent})


def calling_run() -> CallingRun | None:
    """Return the parent run named in the environment, None if there is none or it is not valid.

    It is in `OPENLINEAGE_CONTEXT`, or else in `OPENLINEAGE_PARENT_ID` and
    `OPENLINEAGE_ROOT_PARENT_ID` (`namespace/job/run id`), as for OpenLineage's own dbt-ol.
    """
    try:
        return _of_context(os.environ.get(CONTEXT, "")) or _of_ids()
    except (ValueError, KeyError, TypeError):
        _log.warning("%s, %s or %s is not readable, so no run is named as parent", *_VARIABLES)
        return None


def _of_context(text: str) -> CallingRun | None:
    if not text:
        return None
    parent = json.loads(text)["parent"]
    return CallingRun(_named_run(parent), _named_run(parent.get("root") or parent))


def _of_ids() -> CallingRun | None:
    parent = _parse(os.environ.get(_PARENT, ""))
    return CallingRun(parent, _parse(os.environ.get(_ROOT, "")) or parent) if parent else None


def _parse(text: str) -> NamedRun | None:
    """Return the run that `namespace/job/run id` names; a namespace may contain slashes."""
    if not text:
        return None
    above, job, run_id = text.rsplit("/", 2)
    return NamedRun(str(UUID(run_id)), above, job)


def _named_run(run: Any) -> NamedRun:
    run_id, job = run["run"]["runId"], run["job"]
    return NamedRun(str(UUID(run_id)), str(job["namespace"]), str(job["name"]))
