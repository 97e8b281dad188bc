"""`floe plan`: show what the next run would build and why, and what it would reuse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floe_core.cli.commands.run_command import options_of
from floe_core.cli.console import echo, notice, print_json, stdout, uncropped_console
from floe_core.cli.fresh_product import compile_now
from floe_core.cli.options import Env, JobOption, Json, NodesToShow, On, Product
from floe_core.foundation.stages import begin_stage

if TYPE_CHECKING:
    from floe_core.execution.reuse.planned_build import PlannedBuild
    from floe_core.reuse.situation import Decision
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts

RUNS_ON_PAGE = 30
# The lines of the code change of one node that are shown in the terminal.
LINES_OF_CODE = 20


def plan(
    product: Product = Path(),
    on: On = None,
    env: Env = None,
    job: JobOption = None,
    select: NodesToShow = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, for example for a pull request.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a self-contained page with the graph."),
    ] = None,
    history: Annotated[
        bool,
        typer.Option("--history", help="Show what past runs on this machine saved; plan nothing."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what a run with reuse would build and why, without building anything.

    Compiles the product, has dbt compile its SQL, and reads the warehouse. If `execution.reuse` of
    floe.yaml is off, this is what `floe run --reuse` would do.
    """
    if history:
        _refuse_with_history(html=html, job=job, select=select)
        _show_history(product, markdown=markdown, as_json=as_json)
        return
    artifacts = compile_now(product, on)
    planned = _plan(artifacts, job, select)
    if html is not None:
        _write_page(html, artifacts, planned)
    if as_json:
        print_json(as_dict(artifacts, planned))
    elif markdown:
        echo(as_markdown(artifacts, planned))
    elif html is None:
        _print(artifacts, planned)
    else:
        stdout().print(_summary(planned))


def _plan(artifacts: CompiledArtifacts, job: str | None, select: str | None) -> PlannedBuild:
    from floe_core.execution.plan_of_run import plan_run
    from floe_core.runs.build_request import PLAN_RUN_ID, BuildRequest
    from floe_core.runs.run_parameters import RunParameters

    chosen = artifacts.job(job or artifacts.jobs[0].name)
    options = options_of(
        artifacts, chosen, RunParameters(select=select or ""), is_whole=job is None
    )
    begin_stage("dbt compiles the SQL, and the warehouse is read")
    return plan_run(artifacts, BuildRequest(chosen.name, PLAN_RUN_ID, options.node_ids))


def _write_page(html: Path, artifacts: CompiledArtifacts, planned: PlannedBuild) -> None:
    from floe_core.cli.plan_views import plan_page
    from floe_core.execution.record.past_runs import savings_of_runs
    from floe_core.storage.files import write_together

    savings = savings_of_runs(artifacts.folder, RUNS_ON_PAGE)
    page = plan_page(artifacts, planned, _summary(planned), savings)
    write_together(html.absolute().parent, {html.name: page.encode()})
    notice(f"wrote {html}")


def _refuse_with_history(**options: object) -> None:
    from floe_core.foundation.errors import UsageError

    given = [f"--{name}" for name, value in options.items() if value is not None]
    if given:
        raise UsageError(f"--history plans nothing, so it takes no {' and no '.join(given)}")


def _show_history(product: Path, *, markdown: bool, as_json: bool) -> None:
    from floe_core.cli.plan_views import history_markdown, history_rows, print_history
    from floe_core.execution.record.past_runs import savings_of_runs
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts

    savings = savings_of_runs(CompiledArtifacts.load(product).folder)
    if as_json:
        print_json(history_rows(savings))
    elif markdown:
        echo(history_markdown(savings))
    else:
        print_history(savings)


def as_dict(artifacts: CompiledArtifacts, planned: PlannedBuild) -> dict[str, Any]:
    """Return a plan as `floe plan --json` prints it.

    `seconds` and `rows` of a node are those of its last build, null if unknown; `saved_seconds`
    and `saved_rows` are their sums over reused nodes. `diff` is the change of a node's code since
    its last build, "" if there is none or the earlier code is unknown.
    """
    from floe_core.ports.watch import stale_by_job

    nodes = {
        node_id: {
            "action": each.action,
            "why": each.why,
            "seconds": each.seconds,
            "rows": each.rows,
            "diff": planned.code_change(node_id),
        }
        for node_id, each in sorted(planned.decisions.items())
    }
    return {
        "product": artifacts.product.name,
        "reuse": artifacts.execution.reuse,
        "problem": planned.problem,
        "build": len(_of(planned, "build")),
        "reused": len(_of(planned, "reuse")),
        "saved_seconds": _saved_seconds(planned),
        "saved_rows": _saved_rows(planned),
        "stale_partitions": {job: list(keys) for job, keys in stale_by_job(artifacts).items()},
        "nodes": nodes,
    }


def as_markdown(artifacts: CompiledArtifacts, planned: PlannedBuild) -> str:
    """Return a plan as Markdown: a table of the nodes to build, and their code changes."""
    lines = [f"### {artifacts.product.name}: {_summary(planned)}", ""]
    if planned.problem:
        lines += [planned.problem, ""]
    if built := _of(planned, "build"):
        lines += ["| node | why it is built | last build |", "| --- | --- | ---: |"]
        lines += [_row(i, planned.decisions[i]) for i in built]
        for node_id in built:
            if change := planned.code_change(node_id):
                lines += ["", *_details(node_id, change)]
    return "\n".join(lines).rstrip()


def _row(node_id: str, decision: Decision) -> str:
    seconds = "" if decision.seconds is None else f"{decision.seconds:.1f} s"
    return f"| `{node_id}` | {decision.why.replace('|', ' ')} | {seconds} |"


def _details(node_id: str, change: str) -> list[str]:
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", change)), default=0))
    summary = f"<details><summary><code>{node_id}</code></summary>"
    return [summary, "", f"{fence}diff", change, fence, "", "</details>"]


def _print(artifacts: CompiledArtifacts, planned: PlannedBuild) -> None:
    from rich.markup import escape

    from floe_core.ports.watch import stale_by_job

    if planned.problem:
        notice(planned.problem)
    for job, keys in stale_by_job(artifacts).items():
        if keys:
            notice(
                f"job {job}: partitions of its input ports were built again since it ran for "
                f"{', '.join(keys)}; `floe run --backfill FROM TO --stale` builds them"
            )
    if artifacts.execution.reuse == "off":
        notice("`execution.reuse` is off: a run builds everything unless given --reuse")
    for node_id, each in planned.decisions.items():
        node = artifacts.by_id[node_id]
        mark = _mark(node.is_step, each)
        kind = node.resource_type.replace("_", " ")
        uncropped_console().print(
            f"  {mark}  {kind:<9} {escape(node.label)}  [dim]{escape(each.why)}[/]"
        )
        _print_change(planned.code_change(node_id))
    stdout().print(_summary(planned))


def _mark(is_step: bool, decision: Decision) -> str:
    if is_step:
        return "[bold]run[/]  "
    return "[bold]build[/]" if decision.action == "build" else "[dim]reuse[/]"


def _print_change(change: str) -> None:
    from rich.markup import escape

    lines = change.splitlines()[2:]
    for line in lines[:LINES_OF_CODE]:
        color = {"+": "green", "-": "red"}.get(line[:1], "dim")
        uncropped_console().print(f"           [{color}]{escape(line)}[/]")
    if more := len(lines[LINES_OF_CODE:]):
        uncropped_console().print(f"           [dim]{more} more lines, see --json[/]")


def _summary(planned: PlannedBuild) -> str:
    built, reused = (len(_of(planned, action)) for action in ("build", "reuse"))
    rows = _saved_rows(planned)
    counted = f" and {rows:,} row{'' if rows == 1 else 's'}" if rows else ""
    saved = f", {_saved_seconds(planned)} s{counted} of building saved" if reused else ""
    return f"{built} to build, {reused} reused{saved}"


def _saved_seconds(planned: PlannedBuild) -> float:
    seconds = (planned.decisions[i].seconds or 0.0 for i in _of(planned, "reuse"))
    return round(sum(seconds), 1)


def _saved_rows(planned: PlannedBuild) -> int:
    return sum(planned.decisions[i].rows or 0 for i in _of(planned, "reuse"))


def _of(planned: PlannedBuild, action: str) -> list[str]:
    return sorted(i for i, each in planned.decisions.items() if each.action == action)
