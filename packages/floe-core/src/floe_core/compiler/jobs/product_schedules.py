"""Read the schedules of a product without dbt."""

from __future__ import annotations

from pathlib import Path

from floe_core.compiler.checks.choices import check_choices, effective
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import read_inputs
from floe_core.compiler.jobs.environment_schedules import environment_schedules
from floe_core.compiler.settings import plugin_settings
from floe_core.schedules.schedule_store import store_for
from floe_core.schemas.policies import Schedule
from floe_core.storage.environment_choice import chosen_environment


def product_schedules(product_dir: Path) -> dict[str, Schedule | None]:
    """Return job name -> current schedule, the whole product's first.

    That is the schedule of floe.yaml, unless the schedule store overrides it.

    Raises:
        InvalidProductError: floe.yaml or the manifest is wrong.
        EnvironmentProblemError: The store cannot be read.
    """
    findings = Findings(lambda notice: None)
    inputs = read_inputs(product_dir.absolute(), findings, goes_on=True)
    check_choices(inputs, findings)
    findings.raise_if_any()
    name = inputs.spec.metadata.name
    declared = {name: effective(inputs.spec.schedule, inputs)}
    declared |= {job.name: effective(job.schedule, inputs) for job in inputs.spec.jobs}
    environment = chosen_environment()
    if environment:
        plugin_settings(inputs.manifest, environment)
        declared |= environment_schedules(inputs, environment, declared)
    store = store_for(name, plugin_settings(inputs.manifest), product_dir.absolute())
    overrides = store.read() if store else {}
    return {
        job: overrides[job].over(schedule) if job in overrides else schedule
        for job, schedule in declared.items()
    }
