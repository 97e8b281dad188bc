"""`floe run`: run a product on its orchestrator on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floe_core.cli.console import (
    LogFormat,
    LogFormatOption,
    count_of,
    is_json_log,
    notice,
    print_json,
    stderr,
    stdout,
    write_log,
)
from floe_core.cli.early_start import start_early
from floe_core.cli.fresh_product import compile_here
from floe_core.cli.options import Env, JobOption, Json, On, Product, node_names

if TYPE_CHECKING:
    from floe_core.execution.node_selection import ChooseNodes
    from floe_core.partitions.statuses import PartitionStatus
    from floe_core.plugin_api.powers import RunLauncher, RunOptions, RunReport
    from floe_core.runs.run_parameters import RunParameters
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts
    from floe_core.schemas.policies import Job

FAILED = 1


class ResourceTypeOption(StrEnum):
    """The resource types that a run can be limited to."""

    MODEL = "model"
    SEED = "seed"
    SNAPSHOT = "snapshot"
    TEST = "test"
    UNIT_TEST = "unit_test"


def read_percent(text: str) -> float:
    """Return a percentage above 0 and up to 100, given with or without its sign."""
    try:
        found = float(text.removesuffix("%"))
    except ValueError:
        found = 0.0
    if not 0 < found <= 100:
        raise typer.BadParameter(f"{text!r} is not a percentage: write one from 1% to 100%")
    return found


def run(
    product: Product = Path(),
    on: On = None,
    env: Env = None,
    job: JobOption = None,
    select: Annotated[
        str | None,
        typer.Option(help="Nodes to run, in dbt's selection syntax.", autocompletion=node_names),
    ] = None,
    exclude: Annotated[
        str | None,
        typer.Option(
            help="Nodes to leave out, in dbt's selection syntax.", autocompletion=node_names
        ),
    ] = None,
    resource_type: Annotated[
        list[ResourceTypeOption] | None,
        typer.Option(help="Run only this type of resource. Can be repeated."),
    ] = None,
    full_refresh: Annotated[
        bool,
        typer.Option("--full-refresh", help="Build incremental models and seeds from scratch."),
    ] = False,
    empty: Annotated[
        bool, typer.Option("--empty", help="Read no rows: check that everything builds.")
    ] = False,
    vars_: Annotated[
        str | None,
        typer.Option("--vars", metavar="YAML", help="dbt vars for this run."),
    ] = None,
    partition: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Build this partition, such as 2026-01-31, or a range: 2026-01-01...2026-01-31.",
        ),
    ] = None,
    backfill: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="FROM TO",
            help="Run for these days or partitions, such as 2026-01-01 2026-01-31.",
        ),
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="With --backfill: only partitions that failed.")
    ] = False,
    missing: Annotated[
        bool, typer.Option("--missing", help="With --backfill: only partitions never built.")
    ] = False,
    stale: Annotated[
        bool,
        typer.Option(
            "--stale", help="With --backfill: only those built from other code or older data."
        ),
    ] = False,
    reuse: Annotated[
        bool | None,
        typer.Option(
            "--reuse/--no-reuse",
            help="Skip unchanged nodes; overrides `execution.reuse`.",
            show_default=False,
        ),
    ] = None,
    verify: Annotated[
        float | None,
        typer.Option(
            metavar="PERCENT",
            parser=read_percent,
            help="Build this part of the reused nodes again in temporary schemas, and exit 1 "
            "if one differs.",
        ),
    ] = None,
    as_json: Json = False,
    log_format: LogFormatOption = LogFormat.TEXT,
) -> None:
    """Compile a product and run it through the orchestrator's own engine on this machine.

    Dagster: a run in its own instance under .floe/dagster. Airflow: a DAG run in a local
    Airflow under .floe/airflow, with its scheduler, triggerer and executor. Exits 1 if any node
    failed.

    With --backfill, runs past days again, FROM and TO included: one run for each tick of the job's
    schedule or, with `execution.backfillBy: range` in floe.yaml, one run for all. If the job has
    partitions, it is one run that builds them one after the other.
    """
    from floe_core.cli.partition_options import backfilled, one_status
    from floe_core.runs.run_parameters import RunParameters

    refuse_second_selection(product, select, exclude)
    parameters = RunParameters(
        select=select or "",
        exclude=exclude or "",
        resource_types=tuple(each.value for each in resource_type or ()),
        full_refresh=full_refresh,
        empty=empty,
        vars=_vars(vars_),
        partitions=partition or "",
    )
    flags: dict[PartitionStatus, bool] = {"failed": failed, "missing": missing, "stale": stale}
    wanted = one_status(flags, is_backfill=backfill is not None)
    if verify is not None:
        _refuse_to_verify(parameters, is_backfill=backfill is not None)
    if backfill is not None:
        _refuse_parameters(parameters)
        artifacts = compile_here(product, on, reuse)
        chosen = _job(artifacts, job)
        if wanted is None and artifacts.partitions_of(chosen) is None:
            return _run_backfill(artifacts, chosen, backfill, as_json)
        return _run_partitions(
            artifacts, chosen, backfilled(artifacts, chosen, backfill, wanted), as_json
        )
    with _prepared(product, on, reuse) as (artifacts, started, choose):
        chosen = _job(artifacts, job)
        options = options_of(artifacts, chosen, parameters, is_whole=job is None, choose=choose)
        report = _launch(artifacts, options, started)
    found = None
    if verify is not None and report.status == "success":
        from floe_core.cli.run_view import watch_run
        from floe_core.reuse.verification import installed_verifier

        found = installed_verifier().verify(
            artifacts, options.job, report.nodes, verify, notice, watch_run
        )
    if as_json:
        checked = {} if found is None else {"verification": found.as_dict()}
        print_json(as_dict(artifacts, report) | checked)
    else:
        _print_summary(artifacts, report)
        if found is not None:
            told, style = "\n".join(found.lines()), "" if found.has_passed else "red"
            stdout().print(told, markup=False, soft_wrap=True, style=style)
    is_fine = report.status == "success" and (found is None or found.has_passed)
    raise typer.Exit(0 if is_fine else FAILED)


def _run_partitions(artifacts: CompiledArtifacts, job: Job, partitions: str, as_json: bool) -> None:
    """Build the named partitions of a job in one run."""
    from floe_core.runs.run_parameters import RunParameters

    if not partitions:
        notice("no partition there is to be built")
        if as_json:
            print_json({"status": "success", "product": artifacts.product.name, "nodes": {}})
        return
    parameters = RunParameters(partitions=partitions)
    report = _launch(artifacts, options_of(artifacts, job, parameters, is_whole=False), None)
    if as_json:
        print_json(as_dict(artifacts, report))
    else:
        _print_summary(artifacts, report)
    raise typer.Exit(0 if report.status == "success" else FAILED)


@contextmanager
def _prepared(
    product: Path, on: str | None, reuse: bool | None
) -> Iterator[tuple[CompiledArtifacts, RunLauncher | None, ChooseNodes | None]]:
    """Yield the compiled product, and what launches its run and chooses its nodes.

    A `floe dev` does all of it if one is up.
    """
    from floe_core.cli.running_dev import running_dev

    with running_dev(product, on) as dev:
        if dev is not None:
            yield dev.compile(reuse, notice), dev, dev.choose_nodes
            return
        with start_early(product, on) as started:
            yield compile_here(product, on, reuse), started, None


def refuse_second_selection(product: Path, select: str | None, exclude: str | None) -> None:
    """Refuse `--select a b`, which dbt takes: here, `b` would be the product's folder.

    Raises:
        UsageError: A selection is given, and the product is no folder.
    """
    from floe_core.foundation.errors import UsageError

    if (select or exclude) and not product.is_dir():
        option, first = ("--select", select) if select else ("--exclude", exclude)
        raise UsageError(
            f"{product} is not a folder; to name several nodes, quote them: "
            f"{option} '{first} {product}'"
        )


def _job(artifacts: CompiledArtifacts, name: str | None) -> Job:
    return artifacts.job(name or artifacts.jobs[0].name)


def _launch(
    artifacts: CompiledArtifacts, options: RunOptions, started: RunLauncher | None
) -> RunReport:
    from floe_core.cli.run_view import watch_run
    from floe_core.plugin_api.launched_run.launcher import launch

    nodes = options.node_ids
    total = len(artifacts.nodes_of(artifacts.job(options.job)) if nodes is None else nodes)
    _announce(artifacts, options.job, count_of(total, "node"))
    with watch_run(artifacts, total) as receive:
        return launch(artifacts, options, receive, started)


def _announce(artifacts: CompiledArtifacts, job: str, what: str) -> None:
    orchestrator = artifacts.orchestrator.name
    if is_json_log():
        write_log("run_started", "info", what, job=job, orchestrator=orchestrator)
    else:
        stderr().print(f"running [bold]{job}[/] on [bold]{orchestrator}[/]: {what}")


def options_of(
    artifacts: CompiledArtifacts,
    job: Job,
    parameters: RunParameters,
    *,
    is_whole: bool,
    choose: ChooseNodes | None = None,
) -> RunOptions:
    """Return what to run; a selection is resolved to nodes here, or by `choose`.

    As in dbt, a selection overrides the default selector of the product's own job.
    """
    from floe_core.cli.partition_options import with_partitions
    from floe_core.execution.node_selection import chosen_nodes
    from floe_core.plugin_api.powers import RunOptions

    if not parameters.narrows:
        return with_partitions(artifacts, RunOptions(job.name, parameters=parameters))
    is_selected = bool(parameters.select or parameters.exclude)
    nodes = artifacts.runnable if is_whole and is_selected else artifacts.nodes_of(job)
    among = (node.unique_id for node in nodes)
    node_ids = (choose or chosen_nodes)(artifacts, parameters, among)
    options = RunOptions(job.name, node_ids, parameters=parameters.for_chosen_nodes())
    return with_partitions(artifacts, options)


def _refuse_parameters(parameters: RunParameters) -> None:
    from floe_core.foundation.errors import UsageError

    given = parameters.as_given()
    if parameters.vars:
        raise UsageError("--backfill runs a job as it is: put `vars` into the job of floe.yaml")
    if parameters.partitions:
        raise UsageError("--backfill names the partitions itself: leave out --partition")
    if parameters.narrows:
        raise UsageError("--backfill runs whole jobs: leave out the selection, or make it a job")
    if given:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UsageError(f"--backfill runs a job as its schedule does: leave out {flags}")


def _run_backfill(
    artifacts: CompiledArtifacts, job: Job, days: tuple[str, str], as_json: bool
) -> None:
    from floe_core.cli.moments import read_day
    from floe_core.cli.run_view import watch_run
    from floe_core.plugin_api.launched_run.launcher import launch_backfill, plan_backfill

    plan = plan_backfill(artifacts, job, *(read_day(text, "--backfill") for text in days))
    total = len(artifacts.nodes_of(job))
    _announce(
        artifacts, job.name, f"{count_of(len(plan.moments), 'run')} of {count_of(total, 'node')}"
    )
    with watch_run(artifacts, total) as receive:
        reports = launch_backfill(artifacts, plan, receive)
    has_failed = any(report.status != "success" for report in reports)
    if as_json:
        runs = [
            {"nominal_time": moment.isoformat(), **as_dict(artifacts, report)}
            for moment, report in zip(plan.moments, reports, strict=True)
        ]
        print_json({"status": "failed" if has_failed else "success", "runs": runs})
    else:
        for moment, report in zip(plan.moments, reports, strict=True):
            if not is_json_log():
                stdout().print(f"[bold]{moment:%Y-%m-%d %H:%M} UTC[/]")
            _print_summary(artifacts, report)
    raise typer.Exit(FAILED if has_failed else 0)


def _refuse_to_verify(parameters: RunParameters, *, is_backfill: bool) -> None:
    from floe_core.foundation.errors import UsageError
    from floe_core.reuse.verification import installed_verifier

    installed_verifier()
    given = (*parameters.as_given(), *(["backfill"] if is_backfill else []))
    others = [name for name in given if name not in ("select", "exclude", "resource_types")]
    if others:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in others)
        raise UsageError(f"--verify builds nodes as the job does: leave out {flags}")


def _vars(text: str | None) -> dict[str, Any]:
    """Return the vars of --vars, parsed as YAML as in dbt."""
    from floe_core.foundation.errors import UsageError
    from floe_core.user_yaml.dbt_yaml import read_vars

    try:
        return read_vars(text) if text else {}
    except ValueError as error:
        raise UsageError(f"--vars {text}: {error}") from None


def as_dict(artifacts: CompiledArtifacts, report: RunReport) -> dict[str, Any]:
    """Return a run as `floe run --json` prints it; a canceled run counts as failed.

    `errors` is node id -> dbt's message, for each node that failed, and `warnings` for each that
    warned. `partitions` is node id -> key -> status, for nodes that are built by partition.
    """
    ended = sorted(report.nodes.items())
    by_partition = {i: dict(each.partitions) for i, each in ended if each.partitions}
    return {
        "status": "success" if report.status == "success" else "failed",
        "product": artifacts.product.name,
        "orchestrator": artifacts.orchestrator.name,
        "run_id": report.run_id,
        "seconds": round(report.seconds, 3),
        "message": report.message,
        "nodes": {node_id: result.status for node_id, result in ended},
        "errors": {i: each.message for i, each in ended if each.status in ("error", "fail")},
        "warnings": {i: each.message for i, each in ended if each.status == "warn"},
        "look_further": report.look_further,
        **({"partitions": by_partition} if by_partition else {}),
    }


def _print_summary(artifacts: CompiledArtifacts, report: RunReport) -> None:
    color = "green" if report.status == "success" else "red"
    counts: dict[str, int] = {}
    for result in report.nodes.values():
        counts[result.status] = counts.get(result.status, 0) + 1
    summary = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    saved = sum(each.reused.seconds for each in report.nodes.values() if each.reused)
    summary += f"; reuse saved {saved:.1f} s of building" if saved else ""
    if is_json_log():
        level = "info" if report.status == "success" else "error"
        ended = {"status": report.status, "run_id": report.run_id, "seconds": report.seconds}
        write_log("run_ended", level, report.message or summary, counts=counts, **ended)
        return
    console = stdout()
    console.print(
        f"[bold {color}]{report.status}[/] on {artifacts.orchestrator.name} "
        f"in {report.seconds:.1f} s: {summary}"
    )
    if report.message:
        console.print(report.message, markup=False, soft_wrap=True)
    for text in report.look_further:
        console.print(text, style="dim", markup=False, soft_wrap=True)
