"""Check the platform's choices and the product's schedules, as far as possible without dbt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches

from floe_core import plugin_registry
from floe_core.compiler.checks.deadlines import check_deadlines
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs, is_unused
from floe_core.compiler.literal_secrets import FIX, literal_secrets
from floe_core.compiler.settings import lineage_settings
from floe_core.foundation.errors import Problem, UsageError
from floe_core.lineage.backend import manifest_transport
from floe_core.plugin_api.concepts import CONCEPTS
from floe_core.plugin_api.helm.settings import helm_settings
from floe_core.plugin_api.powers import ChartOwner
from floe_core.schedules import check_timezone, parse_cron
from floe_core.schemas.floe_yaml import ScheduleSpec
from floe_core.schemas.policies import Schedule
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


_PLACE = ("plugins", "orchestrator", "config", "helm")


def check_helm_section(inputs: Inputs) -> None:
    """Raise every problem of the section, each at its line, if the plugin ships a chart.

    Raises:
        InvalidProductError: The section is wrong.
        PluginError: The plugin does not load.
    """
    chosen = inputs.manifest.plugins.orchestrator
    section = chosen.config.get("helm")
    if not section or chosen.type not in plugin_registry.installed():
        return
    plugin = plugin_registry.load(chosen.type)
    if not isinstance(plugin, ChartOwner):
        return
    document = inputs.manifest_document
    below = {
        place[len(_PLACE) :]: spot
        for place, spot in document.spots.items()
        if place[: len(_PLACE)] == _PLACE
    }
    if isinstance(section, Mapping):
        document = replace(document, data=dict(section), spots=below)
    helm_settings(plugin.helm_settings_model(), {"helm": section}, document)


def choose_orchestrator(inputs: Inputs, override: str | None, findings: Findings) -> str:
    """Return the orchestrator's name; note it when it is not installed or not approved.

    Raises:
        UsageError: The override, which comes from no file, names no plugin that may be used.
    """
    name = override or inputs.manifest.plugins.orchestrator.type
    approved = inputs.manifest.approved_plugins.get("orchestrator")
    complaint = _complaint(name, plugin_registry.installed(), approved)
    if complaint and override:
        raise UsageError(f"{complaint[0]}; {complaint[1]}")
    if complaint:
        location = ("plugins", "orchestrator", "type")
        findings.add(inputs.manifest_document.problem(location, *complaint))
    return name


def _complaint(
    name: str, installed: list[str], approved: list[str] | None
) -> tuple[str, str] | None:
    usable = [known for known in installed if approved is None or known in approved]
    choices = f"choose one of {', '.join(usable) or 'none'}"
    if name not in installed:
        near = get_close_matches(name, usable, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        return f"no orchestrator plugin named '{name}'", f"{hint}{choices}, or install the plugin"
    if approved is not None and name not in approved:
        return f"the orchestrator '{name}' is not in approved_plugins.orchestrator", choices
    return None


def check_choices(inputs: Inputs, findings: Findings) -> None:
    """Note what is wrong with compute, lineage, secrets, zones, Helm, schedules and job names."""
    _check_compute(inputs, findings)
    for document in (inputs.manifest_document, inputs.spec_document):
        for location, problem in literal_secrets(document):
            if is_unused(document, location):
                findings.notice(f"{problem.file}:{problem.line}: {problem.what}; not used by floe")
            else:
                findings.add(problem)
                findings.end_before_dbt = True
    check_alerts(inputs, findings)
    _check_lineage_backend(inputs, findings)
    _check_default_zone(inputs, findings)
    with findings.gather():
        check_helm_section(inputs)
    for location, schedule in _schedules(inputs):
        _check_schedule(inputs, location, schedule, findings)
    check_deadlines(inputs, findings)
    _check_jobs(inputs, findings)
    _check_waivers(inputs, findings)


def _check_compute(inputs: Inputs, findings: Findings) -> None:
    compute = inputs.manifest.plugins.compute
    approved = inputs.manifest.approved_plugins.get("compute")
    if compute and approved is not None and compute.type not in approved:
        what = f"the compute '{compute.type}' is not in approved_plugins.compute"
        fix = f"choose one of {', '.join(approved)}"
        location = ("plugins", "compute", "type")
        findings.add(inputs.manifest_document.problem(location, what, fix))


def _check_lineage_backend(inputs: Inputs, findings: Findings) -> None:
    backend = inputs.manifest.plugins.lineage_backend
    if backend and not manifest_transport(lineage_settings(inputs)):
        what = f"the lineage backend '{backend.type}' has no destination for events"
        fix = "give its config a `url`, or an OpenLineage transport: `{type: file, ...}`"
        location = ("plugins", "lineage_backend")
        findings.add(inputs.manifest_document.problem(location, what, fix))


def _check_default_zone(inputs: Inputs, findings: Findings) -> None:
    try:
        check_timezone(inputs.manifest.defaults.timezone)
    except ValueError as error:
        location = ("defaults", "timezone")
        findings.add(inputs.manifest_document.problem(location, f"defaults.timezone: {error}"))


def _schedules(inputs: Inputs) -> Iterator[tuple[Location, ScheduleSpec]]:
    if inputs.spec.schedule:
        yield ("schedule",), inputs.spec.schedule
    for index, job in enumerate(inputs.spec.jobs):
        if job.schedule:
            yield ("jobs", index, "schedule"), job.schedule


def _check_schedule(
    inputs: Inputs, location: Location, schedule: ScheduleSpec, findings: Findings
) -> None:
    document = inputs.spec_document
    if schedule.cron is None and schedule.on_update is None:
        what, fix = "a schedule needs the key 'cron' or 'onUpdate'", "add 'cron:'"
        findings.add(document.problem(location, what, fix, at_key=True))
    try:
        if schedule.cron is not None:
            parse_cron(schedule.cron)
    except ValueError as error:
        findings.add(document.problem((*location, "cron"), str(error)))
    if schedule.timezone is not None:
        try:
            check_timezone(schedule.timezone)
        except ValueError as error:
            findings.add(document.problem((*location, "timezone"), str(error)))


def _check_waivers(inputs: Inputs, findings: Findings) -> None:
    for place, name in enumerate(inputs.spec.waivers):
        if name not in CONCEPTS:
            what = f"waivers: there is no concept '{name}'"
            fix = f"choose from: {'; '.join(CONCEPTS)}"
            findings.add(inputs.spec_document.problem(("waivers", place), what, fix))


def _check_jobs(inputs: Inputs, findings: Findings) -> None:
    taken = {inputs.slug: f"the product's own job, which runs all of it as '{inputs.slug}'"}
    for index, job in enumerate(inputs.spec.jobs):
        slug = job.name.replace("-", "_")
        location = ("jobs", index, "name")
        if slug in taken:
            what = f"the job name '{job.name}' clashes with {taken[slug]}"
            findings.add(inputs.spec_document.problem(location, what, "choose another name"))
        taken[slug] = f"the job '{job.name}'"
        if not (job.select or job.exclude or job.selector):
            what = f"job '{job.name}' has no selection"
            fix = "add select, exclude or selector; the whole product runs on `schedule`"
            findings.add(inputs.spec_document.problem(location, what, fix))
        if job.selector and (job.select or job.exclude):
            what = f"job '{job.name}' has both a selector and select or exclude"
            findings.add(inputs.spec_document.problem(location, what, "dbt takes one or the other"))


def effective(schedule: ScheduleSpec | None, inputs: Inputs) -> Schedule | None:
    """Return a schedule, in the manifest's time zone if it names none; None without times."""
    if schedule is None or schedule.cron is None:
        return None
    zone = schedule.timezone or inputs.manifest.defaults.timezone
    return Schedule(
        cron=schedule.cron,
        timezone=zone,
        enabled=schedule.enabled,
        catchup=schedule.catchup,
    )
