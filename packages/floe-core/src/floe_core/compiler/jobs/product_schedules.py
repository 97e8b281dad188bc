"""Read the schedules of a product without dbt, also those of an environment of the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from floe_core.compiler.checks.choices import check_choices, effective
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs, read_inputs
from floe_core.compiler.settings import plugin_settings
from floe_core.foundation.errors import InvalidProductError, Problem
from floe_core.schedules import check_timezone, parse_cron
from floe_core.schedules.schedule_store import store_for
from floe_core.schemas.manifest_yaml import EnvironmentSchedule
from floe_core.schemas.policies import Schedule
from floe_core.storage.environment_choice import chosen_environment
from floe_core.user_yaml.source_map import Location


def environment_schedules(
    inputs: Inputs, name: str, declared: Mapping[str, Schedule | None]
) -> dict[str, Schedule]:
    """Return job name -> schedule, for the declared schedules that an environment changes.

    All products share `schedules.jobs` of the manifest; it names a job as `<product>.<job>`, and
    the product's own as `<product>`.

    Raises:
        InvalidProductError: It names a job that the product lacks, or a schedule is wrong.
    """
    spec = inputs.manifest.environments[name].schedules
    found = dict(declared)
    if spec.enabled is not None:
        found = {
            job: schedule and schedule.model_copy(update={"enabled": spec.enabled})
            for job, schedule in declared.items()
        }
    problems: list[Problem] = []
    for key, other in spec.jobs.items():
        product, _, job = key.partition(".")
        if product == inputs.spec.metadata.name:
            at = ("environments", name, "schedules", "jobs", key)
            found |= _change_schedule(inputs, at, job or product, other, found, problems)
    if problems:
        raise InvalidProductError(problems)
    return {job: new for job, new in found.items() if new is not None and new != declared[job]}


def _change_schedule(
    inputs: Inputs,
    at: Location,
    job: str,
    other: EnvironmentSchedule,
    found: Mapping[str, Schedule | None],
    problems: list[Problem],
) -> dict[str, Schedule]:
    document = inputs.manifest_document
    if job not in found:
        near = get_close_matches(job, found, n=1)
        fix = f"did you mean '{near[0]}'?" if near else f"its jobs are {', '.join(found)}"
        what = f"{inputs.spec.metadata.name} has no job '{job}'"
        problems.append(document.problem(at, what, fix, at_key=True))
        return {}
    schedule = found[job]
    if schedule is None and other.cron is None:
        what = f"job '{job}' has no schedule in floe.yaml"
        problems.append(document.problem(at, what, "add `cron`", at_key=True))
        return {}
    zone = inputs.manifest.defaults.timezone
    before = schedule or Schedule(cron=other.cron or "", timezone=zone)
    changes = other.model_dump(exclude_none=True)
    for field, check in (("cron", parse_cron), ("timezone", check_timezone)):
        if field in changes:
            try:
                check(changes[field])
            except ValueError as error:
                problems.append(document.problem((*at, field), str(error)))
    return {job: before.model_copy(update=changes)}


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
    settings = plugin_settings(inputs.manifest)
    store = store_for(name, settings, product_dir.absolute(), environment)
    overrides = store.read() if store else {}
    return {
        job: overrides[job].over(schedule) if job in overrides else schedule
        for job, schedule in declared.items()
    }
