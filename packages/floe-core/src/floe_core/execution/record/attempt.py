"""What an attempt of a run builds, given what the attempts before it came to.

The rule is the same on every orchestrator. Only the orchestrator knows who asks for an attempt, so
there is a function for each who may.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from floe_core.build_events import NodeResult
from floe_core.execution.record.resume import remaining
from floe_core.execution.record.run_record import RunRecord
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


@dataclass(frozen=True, slots=True)
class Attempt:
    """`todo` are the ids of the nodes that it builds, `standing` the results of those it leaves.

    `todo` is in the order of what is wanted; both are parts of that. `is_repeat`: everything had
    passed, and is to be built again all the same.
    """

    todo: tuple[str, ...]
    standing: tuple[NodeResult, ...] = ()
    is_repeat: bool = False


def automatic_attempt(
    artifacts: CompiledArtifacts, wanted: Iterable[str], before: RunRecord
) -> Attempt:
    """Return the attempt that an orchestrator makes by itself; a first one builds all.

    See `remaining` for what it leaves out. With nothing to do it may not be made; see `may_retry`.
    """
    wanted = tuple(wanted)
    return _attempt(remaining(artifacts, wanted, before), wanted, before)


def attempt_by_hand(wanted: Iterable[str], before: RunRecord) -> Attempt:
    """Return the attempt that a person asks for.

    It builds what has not passed, failed tests too, since their cause may have been fixed. Where
    everything passed it builds everything: then that is what the person wants.
    """
    wanted = tuple(wanted)
    failed = _not_passed(wanted, before)
    attempt = _attempt(failed or wanted, wanted, before)
    return attempt if failed else replace(attempt, is_repeat=bool(wanted))


def attempt_of_caller(wanted: Iterable[str], before: RunRecord) -> Attempt:
    """Return the attempt of a run that is part of another, which is tried again.

    It builds what has not passed, failed tests too, and nothing where everything passed: then it is
    not this part that is to be repeated.
    """
    wanted = tuple(wanted)
    return _attempt(_not_passed(wanted, before), wanted, before)


def may_retry(artifacts: CompiledArtifacts, wanted: Iterable[str], record: RunRecord) -> bool:
    """Return whether an orchestrator may try again by itself: only if there is something to do."""
    return bool(remaining(artifacts, wanted, record))


def first_attempt_number(artifacts: CompiledArtifacts, runs_before: int) -> int:
    """Return the number of a run's first attempt, above those of the runs that it goes on with.

    Lineage knows an attempt by its number: no two of one tick may share it.
    """
    return runs_before * (artifacts.retries + 1) + 1


def _not_passed(wanted: tuple[str, ...], before: RunRecord) -> tuple[str, ...]:
    results = before.results
    return tuple(i for i in wanted if i not in results or not results[i].passed)


def _attempt(todo: tuple[str, ...], wanted: tuple[str, ...], before: RunRecord) -> Attempt:
    left = before.results.keys() - set(todo)
    return Attempt(todo, tuple(before.results[i] for i in wanted if i in left))
