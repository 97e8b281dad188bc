"""One alert: its text, and the id by which it is sent only once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from floe_core.alerts.run_outcome import RunOutcome
from floe_core.runs.build_events import CULPRITS, NodeResult, failure_text
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import AlertKind
from floe_core.secrets.redactor import Redactor

_MOST_NODES = 20
_LONGEST_LINE = 300
# dbt puts the kind and the file of an error on a line above the warehouse's message.
_HEADER_OF_DBT = re.compile(r"^\w+ Error in .+\)$")
_HEADLINES: dict[AlertKind, str] = {
    "failure": "run failed",
    "recovery": "run succeeded again",
    "warning": "run succeeded with warnings",
    "lateness": "deadline missed",
}


@dataclass(frozen=True, slots=True)
class Alert:
    """A message about a run. `alert_id` is the same for every process that reports it."""

    alert_id: str
    kind: AlertKind
    title: str
    body: str

    def to_json(self) -> dict[str, Any]:
        """Return the alert as the spool keeps it."""
        return asdict(self)


def alert_of(
    artifacts: CompiledArtifacts, outcome: RunOutcome, kind: AlertKind, redactor: Redactor
) -> Alert:
    """Return the alert of one kind for the end of a run, without secrets."""
    name = job_title(artifacts, outcome.job)
    lines = [*_what_happened(outcome, kind), "", *_where(artifacts, outcome)]
    id_ = alert_id(artifacts.product.name, outcome.job, outcome.run_id, kind)
    return alert_from(id_, kind, name, lines, redactor)


def alert_from(id_: str, kind: AlertKind, name: str, lines: list[str], redactor: Redactor) -> Alert:
    """Return an alert with these lines about the subject of this name, without secrets."""
    return Alert(
        alert_id=id_,
        kind=kind,
        title=redactor.text(f"{name}: {_HEADLINES[kind]}"),
        body="\n".join(redactor.text(line) for line in lines),
    )


def alert_id(product: str, job: str, run_id: str, kind: str) -> str:
    """Return the id of an alert.

    >>> alert_id("shop", "shop", "1", "failure") == alert_id("shop", "shop", "1", "failure")
    True
    """
    return hashlib.sha256("\0".join((product, job, run_id, kind)).encode()).hexdigest()[:24]


def job_title(artifacts: CompiledArtifacts, job: str) -> str:
    """Return a job's name for people: the product's own job has the product's name."""
    product = artifacts.product.name
    return product if job == product else f"{product}.{job}"


def facts_of_job(artifacts: CompiledArtifacts, job: str) -> dict[str, str]:
    """Return the facts about a job that every alert states; "" for missing ones."""
    return {
        "product": artifacts.product.name,
        "job": job,
        "environment": artifacts.environment,
        "owner": artifacts.product.owner,
    }


def first_error_line(result: NodeResult) -> str:
    """Return the first line of a node's message, below the header that dbt adds.

    >>> text = "Runtime Error in model a (models/a.sql)\\n  Binder Error: no column b\\nLINE 1: ..."
    >>> first_error_line(NodeResult("model.s.a", "error", message=text))
    'Binder Error: no column b'
    """
    lines = [line.strip() for line in result.message.splitlines() if line.strip()]
    if len(lines) > 1 and _HEADER_OF_DBT.match(lines[0]):
        del lines[0]
    return lines[0][:_LONGEST_LINE] if lines else result.status


def _what_happened(outcome: RunOutcome, kind: AlertKind) -> list[str]:
    results = sorted(outcome.results.values(), key=lambda result: result.unique_id)
    if kind == "failure":
        culprits = [r for r in results if r.status in CULPRITS]
        if not culprits:
            return [line[:_LONGEST_LINE] for line in _lines_of(outcome.problem)]
        return [failure_text(results).splitlines()[0], *_list_errors(culprits)]
    if kind == "recovery":
        return ["The first run to succeed after one that failed."]
    repeated = ["It took more than one attempt."] if outcome.was_repeated else []
    return [*repeated, *_list_errors([r for r in results if r.status == "warn"])]


def _lines_of(problem: str) -> list[str]:
    return [line for line in problem.splitlines() if line.strip()][:_MOST_NODES] or ["It failed."]


def _list_errors(results: list[NodeResult]) -> Iterable[str]:
    for result in results[:_MOST_NODES]:
        yield f"{result.unique_id}: {first_error_line(result)}"
        yield from _further_batches(result)
    if len(results) > _MOST_NODES:
        yield f"... and {len(results) - _MOST_NODES} more"


def _further_batches(result: NodeResult) -> list[str]:
    """Return the lines of other errors of a microbatch model, each with its batches."""
    lines = result.message.splitlines()[1:] if result.failed_batches else []
    return [f"  {x[:_LONGEST_LINE]}" for x in lines if x.startswith(("batch ", "batches "))]


def _where(artifacts: CompiledArtifacts, outcome: RunOutcome) -> list[str]:
    moment = outcome.nominal_time
    facts = {
        **facts_of_job(artifacts, outcome.job),
        "nominal time": f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "",
        "run": outcome.link or outcome.run_id,
    }
    return [f"{name}: {value}" for name, value in facts.items() if value]
