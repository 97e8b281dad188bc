"""Check the alert rules: targets must be references, and jobs must exist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches

from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.literal_secrets import FIX
from floe_core.foundation.errors import Problem
from floe_core.secrets.references import is_only_a_reference
from floe_core.user_yaml.source_map import Document, Location


def check_alerts(inputs: Inputs, findings: Findings) -> None:
    """Note targets that are not references, and unknown jobs."""
    for index, each in enumerate(inputs.manifest.alerts):
        _check_target(inputs.manifest_document, index, each.to, findings)
    for index, alert in enumerate(inputs.spec.alerts):
        _check_target(inputs.spec_document, index, alert.to, findings)
        for problem in _unknown_jobs(inputs, index, alert.jobs):
            findings.add(problem)


def _check_target(document: Document, index: int, target: str, findings: Findings) -> None:
    if not is_only_a_reference(target):
        what = f"alerts.{index}.to: the target is written out, and its URL is a secret"
        findings.add(_problem(document, ("alerts", index, "to"), what, FIX))


def _unknown_jobs(inputs: Inputs, index: int, names: list[str]) -> Iterator[Problem]:
    known = [inputs.spec.metadata.name, *(job.name for job in inputs.spec.jobs)]
    for position, name in enumerate(names):
        if name not in known:
            near = get_close_matches(name, known, n=1)
            fix = f"did you mean '{near[0]}'?" if near else f"name one of {', '.join(known)}"
            what = f"alerts.{index}.jobs: there is no job '{name}'"
            location = ("alerts", index, "jobs", position)
            yield _problem(inputs.spec_document, location, what, fix)


def _problem(document: Document, location: Location, what: str, fix: str) -> Problem:
    """Return a problem without an excerpt, since the line may contain a URL with a secret."""
    return replace(document.problem(location, what, fix), excerpt="")
