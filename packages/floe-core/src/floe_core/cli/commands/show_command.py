"""`floe show`: show the graph, the jobs and the next ticks of a product."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_core.cli.console import count_of, print_json, stdout, uncropped_console
from floe_core.cli.fresh_product import read_or_compile
from floe_core.cli.options import Env, Json, On, Product
from floe_core.user_yaml.dbt_vars import without_tags

if TYPE_CHECKING:
    from rich.tree import Tree

    from floe_core.schemas.artifacts_fields import EnvironmentValues
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts
    from floe_core.schemas.nodes import Node
    from floe_core.schemas.policies import Job, Schedule
    from floe_core.schemas.ports import UpdateTrigger


TICKS_SHOWN = 3
HORIZON = timedelta(days=366)


def show(product: Product = Path(), on: On = None, env: Env = None, as_json: Json = False) -> None:
    """Show a product's graph, jobs and next ticks, without writing anything.

    Schedules are the current ones, as in `floe schedule list`.
    """
    from rich.markup import escape

    from floe_core.schedules.live_schedules import with_live_schedules

    compiled = read_or_compile(product, on, refuses_losses=True)
    artifacts = with_live_schedules(compiled.bound_to(product.absolute()))
    if as_json:
        print_json(_as_dict(artifacts))
        return
    console = stdout()
    about = artifacts.product
    version = escape(about.version)
    console.print(f"[bold]{about.name}[/] {version} on {artifacts.orchestrator.name}")
    if about.description:
        console.print(about.description, style="dim", markup=False)
    # Neither wrapped nor cropped: a cut id can be neither copied nor searched for.
    for tree in (_graph(artifacts), _jobs(artifacts)):
        uncropped_console().print(tree)
    if artifacts.environments:
        uncropped_console().print(environments_tree(artifacts))


def _as_dict(artifacts: CompiledArtifacts) -> dict[str, Any]:
    return {
        "product": artifacts.product.model_dump(),
        "orchestrator": artifacts.orchestrator.name,
        "nodes": {
            node.unique_id: {
                "type": node.resource_type,
                "materialization": node.materialization,
                "depends_on": list(node.depends_on),
                "tags": list(node.tags),
                "tier": node.tier,
                "pool": node.pool,
            }
            for node in artifacts.nodes
        },
        "jobs": [_job_as_dict(artifacts, job) for job in artifacts.jobs],
        "environment": artifacts.environment,
        "environments": environments_as_dict(artifacts),
    }


def _job_as_dict(artifacts: CompiledArtifacts, job: Job) -> dict[str, Any]:
    return {
        "name": job.name,
        "nodes": [node.unique_id for node in artifacts.nodes_of(job)],
        "schedule": job.schedule.model_dump(mode="json") if job.schedule else None,
        "trigger": job.trigger.model_dump() if job.trigger else None,
        "deadline": job.deadline.model_dump() if job.deadline else None,
        "pool": artifacts.pool_of(job),
        "full_refresh": job.full_refresh,
        "tests": job.tests or artifacts.execution.tests,
        "next_ticks": [tick.isoformat() for tick in next_ticks(job.schedule)],
    }


def next_ticks(schedule: Schedule | None) -> list[datetime]:
    """Return the next few ticks, in UTC; none for a job without an enabled schedule."""
    from floe_core.schedules import next_tick

    found: list[datetime] = []
    moment = datetime.now(UTC)
    while schedule and schedule.enabled and len(found) < TICKS_SHOWN:
        tick = next_tick(schedule.cron, schedule.timezone, moment)
        if tick is None or tick > moment + HORIZON:
            break
        found.append(tick)
        moment = tick
    return found


def _graph(artifacts: CompiledArtifacts) -> Tree:
    """Return the nodes from sources to exposures, each with its tests below it."""
    from rich.markup import escape
    from rich.tree import Tree

    tree = Tree("[bold]graph[/]")
    tests: dict[str, list[Node]] = {}
    pools = _describe_pools(artifacts)
    for node in artifacts.nodes:
        if node.is_test:
            # An ephemeral model is not a node of the graph, so its tests are listed separately.
            tested = node.tested if node.tested in artifacts.by_id else ""
            tests.setdefault(tested, []).append(node)
    for node in _in_order(artifacts):
        parents = ", ".join(artifacts.by_id[parent].label for parent in node.depends_on)
        kind = f"port {node.port}" if node.port else node.materialization or node.resource_type
        tags = (f"#{tag}" for tag in node.tags)
        traits = " ".join(filter(None, [kind, *tags, node.tier, pools.get(node.pool, "")]))
        arrow = f" <- {escape(parents)}" if parents else ""
        branch = tree.add(f"{escape(node.label)} [dim]{escape(traits.strip())}{arrow}[/]")
        for test in tests.get(node.unique_id, []):
            branch.add(f"[dim]{test.resource_type.replace('_', ' ')} {escape(test.name)}[/]")
    for test in tests.get("", []):
        of = f" of {escape(test.tested)}" if test.tested else ""
        tree.add(f"[dim]{test.resource_type.replace('_', ' ')} {escape(test.name)}{of}[/]")
    return tree


def _describe_pools(artifacts: CompiledArtifacts) -> dict[str, str]:
    """Return pool of nodes -> what it becomes on the orchestrator."""
    from floe_core import plugin_registry
    from floe_core.plugin_api.powers import NodePools

    pools = set(artifacts.pools_of_nodes.values())
    if not pools:
        return {}
    plugin = plugin_registry.load(artifacts.orchestrator.name, artifacts.orchestrator.config)
    if not isinstance(plugin, NodePools):
        return {pool: f"pool {pool}, which does not limit it" for pool in pools}
    return {pool: f"in {plugin.pool_of_nodes(pool)}" for pool in pools}


def _in_order(artifacts: CompiledArtifacts) -> list[Node]:
    from floe_core.schemas.node_graph import NodeGraph

    graph = NodeGraph(node for node in artifacts.nodes if not node.is_test)
    return [artifacts.by_id[node_id] for node_id in graph.in_order()]


def _jobs(artifacts: CompiledArtifacts) -> Tree:
    from rich.markup import escape
    from rich.tree import Tree

    from floe_core.cli.moments import show_tick
    from floe_core.schedules.ownership import idle_mark

    tree, here = Tree("[bold]jobs[/]"), artifacts.orchestrator.name
    for job in artifacts.jobs:
        chosen = job.selector or job.select or (f"all but {job.exclude}" if job.exclude else "all")
        if job.selector and job.selector == artifacts.dbt.default_selector:
            chosen = f"{chosen}, the default selector of selectors.yml"
        branch = tree.add(
            f"{job.name} [dim]{escape(chosen)}, {count_of(len(artifacts.nodes_of(job)), 'node')}[/]"
        )
        if job.full_refresh:
            branch.add("builds from scratch")
        if artifacts.for_job(job.name).tests_last:
            branch.add("tests after everything is built")
        if artifacts.pool_of(job):
            branch.add(f"in the pool {escape(artifacts.pool_of(job))}")
        if job.deadline is not None:
            branch.add(f"to succeed by {job.deadline.time} {job.deadline.timezone}")
        if job.trigger is not None:
            branch.add(escape(_describe_trigger(artifacts, job, job.trigger)))
        if job.schedule is None:
            if job.trigger is None:
                branch.add("[dim]not scheduled[/]")
            continue
        state = idle_mark(job.owner, here, is_enabled=job.schedule.enabled)
        schedule = branch.add(f"{escape(job.schedule.cron)} in {job.schedule.timezone}{state}")
        for tick in next_ticks(job.schedule):
            schedule.add(f"[dim]{show_tick(tick, job.schedule.timezone)}[/]")
    return tree


def _describe_trigger(artifacts: CompiledArtifacts, job: Job, trigger: UpdateTrigger) -> str:
    from floe_core import plugin_registry
    from floe_core.plugin_api.powers import UpdateStarter
    from floe_core.schedules.ownership import idle_mark

    wait = f", {trigger.when_late} after {trigger.wait_seconds} s" if trigger.wait_seconds else ""
    state = idle_mark(job.owner, artifacts.orchestrator.name, is_enabled=trigger.enabled)
    plugin = plugin_registry.load(artifacts.orchestrator.name, artifacts.orchestrator.config)
    by = plugin.update_watcher(artifacts, job.name) if isinstance(plugin, UpdateStarter) else ""
    return f"on update of {trigger.awaited}{wait}{state}{by and f', by {by}'}"


def environments_as_dict(artifacts: CompiledArtifacts) -> dict[str, dict[str, Any]]:
    """Return environment -> the values that it overrides, for JSON."""
    return {
        name: {
            "target": values.target_name,
            "threads": values.max_parallel,
            "vars": without_tags(values.vars),
            "lineage_namespace": values.lineage_namespace,
            "schedules": {
                job: schedule.model_dump(mode="json") for job, schedule in values.schedules.items()
            },
            "sizes": sorted(values.resources),
            "nodes": values.nodes,
        }
        for name, values in sorted(artifacts.environments.items())
    }


def environments_tree(artifacts: CompiledArtifacts) -> Tree:
    """Return the environments with the values that each overrides; the chosen one is marked."""
    from rich.markup import escape
    from rich.tree import Tree

    tree = Tree("[bold]environments[/]")
    for name, values in sorted(artifacts.environments.items()):
        mark = " (chosen)" if name == artifacts.environment else ""
        branch = tree.add(f"{escape(name)}{mark}")
        for line in _lines(values):
            branch.add(f"[dim]{escape(line)}[/]")
    return tree


def _lines(values: EnvironmentValues) -> list[str]:
    schedules = (
        f"schedule of {job}: {schedule.cron} in {schedule.timezone}"
        f"{'' if schedule.enabled else ' (disabled)'}"
        for job, schedule in sorted(values.schedules.items())
    )
    single = {
        "target": values.target_name,
        "threads": values.max_parallel,
        "vars": json.dumps(without_tags(values.vars), sort_keys=True) if values.vars else "",
        "lineage namespace": values.lineage_namespace,
        "sizes": ", ".join(sorted(values.resources)),
        "nodes with other values": len(values.nodes),
    }
    return [*(f"{name}: {value}" for name, value in single.items() if value), *schedules]
