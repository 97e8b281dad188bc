"""Decide what an attempt of a run builds, given the results of earlier attempts.

The rule is the same on every orchestrator. Only the orchestrator knows who requested an attempt,
so there is a function for each case.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from floe_core.execution.record.resume import Held, held_partitions, remaining_nodes
from floe_core.execution.record.run_record import RunRecord
from floe_core.runs.build_events import NodeResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: `todo` are the ids of the nodes to build, `settled` the results to keep.

    Both are parts of the wanted nodes; `todo` is in their order. `unfinished` are the results of
    nodes in it that did not pass. `is_repeat`: everything had passed, and is built again anyway.
    `held` are partitions of nodes in `todo` that it does not build.
    """

    todo: tuple[str, ...]
    settled: tuple[NodeResult, ...] = ()
    unfinished: tuple[NodeResult, ...] = ()
    is_repeat: bool = False
    held: Held = field(default_factory=dict)


def automatic_attempt(
    artifacts: CompiledArtifacts, wanted: Iterable[str], before: RunRecord
) -> Attempt:
    """Return the attempt that an orchestrator makes automatically; the first one builds all.

    See `remaining_nodes` for what it leaves out. It must not be made if there is nothing to do; see
    `may_retry`.
    """
    wanted = tuple(wanted)
    attempt = _attempt(remaining_nodes(artifacts, wanted, before), wanted, before)
    return replace(attempt, held=held_partitions(artifacts, before.results))


def attempt_by_hand(wanted: Iterable[str], before: RunRecord) -> Attempt:
    """Return the attempt that a person requests.

    It builds what has not passed, including failed tests, since their cause may have been fixed. If
    everything passed, it builds everything: the person must want that.
    """
    wanted = tuple(wanted)
    failed = _nodes_not_passed(wanted, before)
    attempt = _attempt(failed or wanted, wanted, before)
    return attempt if failed else replace(attempt, is_repeat=bool(wanted))


def attempt_of_caller(wanted: Iterable[str], before: RunRecord) -> Attempt:
    """Return the attempt of a run that is part of another run, which is being retried.

    It builds what has not passed, including failed tests, and nothing if everything passed: then
    the retry is meant for another part.
    """
    wanted = tuple(wanted)
    return _attempt(_nodes_not_passed(wanted, before), wanted, before)


def may_retry(artifacts: CompiledArtifacts, wanted: Iterable[str], record: RunRecord) -> bool:
    """Return whether an orchestrator may retry automatically: only if something is left to do."""
    return bool(remaining_nodes(artifacts, wanted, record))


def first_attempt_number(artifacts: CompiledArtifacts, runs_before: int) -> int:
    """Return the number of a run's first attempt, above those of the runs that it continues.

    Lineage identifies an attempt by its number: no two attempts of one tick may share it.
    """
    return runs_before * (artifacts.retries + 1) + 1


def _nodes_not_passed(wanted: tuple[str, ...], before: RunRecord) -> tuple[str, ...]:
    results = before.results
    return tuple(i for i in wanted if i not in results or not results[i].passed)


def _attempt(todo: tuple[str, ...], wanted: tuple[str, ...], before: RunRecord) -> Attempt:
    results = before.results
    left = results.keys() - set(todo)
    unfinished = (results[i] for i in todo if i in results and not results[i].passed)
    return Attempt(todo, tuple(results[i] for i in wanted if i in left), tuple(unfinished))
