"""Read the schedules of a product without asking dbt anything."""

from __future__ import annotations

from pathlib import Path

from floe_core.compiler.choices import check_choices, effective
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import read_inputs
from floe_core.schemas.policies import Schedule


def product_schedules(product_dir: Path) -> dict[str, Schedule | None]:
    """Return job name -> schedule, the whole product's first.

    Raises:
        InvalidProductError: floe.yaml or the manifest is wrong.
    """
    findings = Findings(lambda notice: None)
    inputs = read_inputs(product_dir.absolute(), findings)
    check_choices(inputs, findings)
    findings.raise_if_any()
    whole = {inputs.spec.metadata.name: effective(inputs.spec.schedule, inputs)}
    return whole | {job.name: effective(job.schedule, inputs) for job in inputs.spec.jobs}
