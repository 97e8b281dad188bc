"""The plan of a run with steps before it starts, when the steps' output is not known yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from floe_core.reuse.contents import with_contents
from floe_core.reuse.plan import make_plan
from floe_core.reuse.situation import Plan, Situation
from floe_core.reuse.state import Versions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import source_name


def plan_before_steps(given: Situation) -> Plan:
    """Return the plan; nodes that are built only if a step writes something new are marked.

    It combines two plans: one in which each step writes the same as in the last run, and one in
    which each step writes something new.
    """
    writers = writers_of_sources(given.artifacts, given.wanted)
    if not writers:
        return _plan(given)
    sources = given.warehouse.sources
    last = {i: given.state.entries[i].versions for i in writers if i in given.state.entries}
    others = {i: versions for i, versions in sources.items() if i not in writers}
    same = _plan(_with_sources(given, {**sources, **last}))
    new = _plan(_with_sources(given, others))
    known = [i for i in writers if i in last or i in sources]
    return {
        node_id: replace(new[node_id], why=_condition(given, node_id, known, last))
        if each.action == "reuse" and new[node_id].action == "build"
        else each
        for node_id, each in same.items()
    }


def _plan(given: Situation) -> Plan:
    return with_contents(given, make_plan(given))


def writers_of_sources(artifacts: CompiledArtifacts, node_ids: Iterable[str]) -> dict[str, str]:
    """Return source id -> id of the step that writes it, for the steps among these nodes."""
    wanted = set(node_ids)
    steps = (step for step in artifacts.steps if step.unique_id in wanted)
    return {source: step.unique_id for step in steps for source in step.sources}


def _with_sources(given: Situation, sources: Mapping[str, Versions]) -> Situation:
    return replace(given, warehouse=replace(given.warehouse, sources=sources))


def _condition(
    given: Situation, node_id: str, known: Iterable[str], last: Mapping[str, Versions]
) -> str:
    """Return which new output of which steps builds a node; `last` are the reported sources."""
    artifacts = given.artifacts
    above = artifacts.graph.above([node_id])
    writers = writers_of_sources(artifacts, given.wanted)
    causes = []
    for source in sorted(set(known) & above):
        step = artifacts.by_id[writers[source]].label
        does = "reports a new version of" if source in last else "changes"
        causes.append(f"{step} {does} {source_name(artifacts.by_id[source])}")
    return f"new if {' or '.join(causes)}"
