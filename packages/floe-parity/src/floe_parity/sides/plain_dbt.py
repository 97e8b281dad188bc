"""Plain `dbt build` as a side of its own: the reference that a run under floe must equal.

Its results are read from dbt's own files: run_results.json, its log and its manifest. None of them
depends on how floe reads dbt's events.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast, get_args

from floe_core.dbt.call import DbtCall, place_arguments
from floe_core.dbt.invocation import policy_arguments, vars_of_build
from floe_core.dbt.selection import arguments_for_nodes
from floe_core.foundation.child_processes import start_guarded
from floe_core.partitions.calendar import Partition
from floe_core.partitions.chosen import partition_vars
from floe_core.plugin_api.powers import RunReport
from floe_core.runs.build_events import BuildEvent, NodeResult, NodeStatus
from floe_core.runs.build_request import BuildRequest
from floe_core.runs.run_parameters import TimeRange
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.user_yaml.dbt_vars import vars_argument
from floe_core.warehouse.credentials import profiles_dir
from floe_core.warehouse.outside_values import set_outside_values
from floe_parity.sides.plain_partitions import build_by_partition

NAME = "dbt"
WORK = "target/plain-dbt"
RUN_ID = "plain-dbt"
EVENTS = "events.jsonl"
# As dbt takes the times of microbatches: in UTC, without a zone.
_TIME = "%Y-%m-%dT%H:%M:%S"
# dbt's statuses for which floe has another word.
_STATUSES = {
    "no-op": "success",
    "partial success": "error",
    "reused": "success",
    "runtime error": "error",
}
_KINDS = ("model", "seed", "snapshot", "test", "unit_test", "function")

Json = Mapping[str, Any]


def run_plain_dbt(
    artifacts: CompiledArtifacts,
    on_event: Callable[[BuildEvent], None],
    partitions: tuple[Partition, ...] = (),
) -> tuple[RunReport, frozenset[tuple[str, str]]]:
    """Run `dbt build` in the product's folder, and return its report and dbt's own edges.

    Of a product with partitions, these are built, each with a call of its own.

    dbt parses the project itself, without a selection. It gets the vars that a floe run passes,
    since a product may need them.
    """
    folder = artifacts.folder
    work = folder / WORK
    work.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    fresh = _freshness(artifacts, work)
    stale = [artifacts.by_id[i].tested for i, each in fresh.items() if not each.passed]
    of_job = artifacts.for_job(artifacts.jobs[0].name)
    code, found = (
        _build_partitions(of_job, work, partitions)
        if artifacts.partitions
        else _build(of_job, work, _without(stale))
    )
    code = max(code, 1) if stale else code
    seconds = time.monotonic() - began
    ids = {node.unique_id for node in artifacts.nodes_of(artifacts.jobs[0])}
    nodes = {**dict.fromkeys(ids), **found, **fresh}
    results = {i: found or NodeResult(i, "skipped") for i, found in nodes.items()}
    for result in results.values():
        on_event(result)
    message = "" if code in (0, 1) else _last_messages(work / EVENTS)
    look = [f"log: {work / 'dbt.log'}"]
    report = RunReport(
        "success" if code == 0 else "failed", RUN_ID, seconds, results, message, look
    )
    return report, _edges(work / "manifest.json")


def _build(
    artifacts: CompiledArtifacts, work: Path, selection: list[str]
) -> tuple[int, dict[str, NodeResult]]:
    """Run `dbt build`, or `dbt test` after all else; return the exit code and the results."""
    if not artifacts.tests_last:
        code = _run(_call(artifacts, work, ("build",), selection), work / EVENTS)
        return code, _results(work)
    kinds = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
    code = _run(_call(artifacts, work, ("build",), [*selection, *kinds]), work / EVENTS)
    built = _results(work)
    if code > 1:
        return code, built
    code = max(code, _run(_call(artifacts, work, ("test",), selection), work / EVENTS))
    return code, {**built, **_results(work)}


def _build_partitions(
    artifacts: CompiledArtifacts, work: Path, partitions: tuple[Partition, ...]
) -> tuple[int, dict[str, NodeResult]]:
    declaration = artifacts.partitions
    assert declaration is not None

    def build(
        node_ids: frozenset[str], partition: Partition | None
    ) -> tuple[int, dict[str, NodeResult]]:
        if not node_ids:
            return 0, {}
        moment = partitions[-1].end if partitions else None
        request = replace(_request(artifacts), nominal_time=moment)
        times: list[str] = []
        if partition is not None:
            start, end = (each.strftime(_TIME) for each in (partition.start, partition.end))
            times = ["--event-time-start", start, "--event-time-end", end]
            values = partition_vars(declaration, (partition,))
            span = TimeRange(partition.start, partition.end)
            request = replace(request, range=span, partition_vars=values)
        selection = [*arguments_for_nodes(artifacts, node_ids), *times]
        (work / "run_results.json").unlink(missing_ok=True)
        code = _run(_call(artifacts, work, ("build",), selection, request), work / EVENTS)
        return code, _results(work)

    ids = [node.unique_id for node in artifacts.nodes_of(artifacts.jobs[0])]
    return build_by_partition(artifacts, ids, partitions, build)


def _freshness(artifacts: CompiledArtifacts, work: Path) -> dict[str, NodeResult]:
    """Return the results of the product's freshness tests, from `dbt source freshness`."""
    nodes = [node for node in artifacts.nodes_of(artifacts.jobs[0]) if node.is_freshness]
    if not nodes:
        return {}
    _run(_call(artifacts, work, ("source", "freshness"), []), work / "freshness.jsonl")
    path = work / "sources.json"
    results = json.loads(path.read_bytes())["results"] if path.exists() else []
    words = {each["unique_id"]: each["status"].lower() for each in results}
    strict = artifacts.execution.freshness == "gate"
    not_measured: NodeStatus = "error" if strict else "warn"
    statuses: dict[str, NodeStatus] = {"pass": "pass", "warn": "warn", "": not_measured}
    statuses |= {"error": "fail" if strict else "warn", "runtime error": not_measured}
    for source, word in words.items():
        if word not in statuses:
            raise ValueError(f"dbt measured {source} as '{word}', which floe does not know")
    return {
        node.unique_id: NodeResult(node.unique_id, statuses[words.get(node.tested, "")])
        for node in nodes
    }


def _without(sources: list[str]) -> list[str]:
    """Return dbt's arguments that leave out the nodes that wait for these sources."""
    names = [f"source:{source.removeprefix('source.')}+" for source in sources]
    return ["--exclude", *names] if names else []


def _run(call: DbtCall, events: Path) -> int:
    """Run dbt, ending it with this process, whose schemas it writes to; return its exit code."""
    with events.open("wb") as log:
        process = start_guarded(call.command_line(), call.folder, call.environment(), log)
        try:
            return process.wait()
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


def _call(
    artifacts: CompiledArtifacts,
    work: Path,
    verb: tuple[str, ...],
    selection: list[str],
    request: BuildRequest | None = None,
) -> DbtCall:
    dbt, folder = artifacts.dbt, artifacts.folder
    set_outside_values(dbt)
    profiles = profiles_dir(dbt, folder)
    job = artifacts.jobs[0]
    request = request or _request(artifacts)
    arguments = (
        *verb,
        *(("--full-refresh",) if job.full_refresh and verb == ("build",) else ()),
        "--no-partial-parse",
        *("--log-format", "json", "--log-level", "debug"),
        *place_arguments(folder, profiles, dbt.profile_name, dbt.target_name, work, work),
        *policy_arguments(artifacts.execution),
        *("--vars", vars_argument(vars_of_build(artifacts, request))),
        *selection,
    )
    return DbtCall(dbt.executable, folder, arguments, {})


def _request(artifacts: CompiledArtifacts) -> BuildRequest:
    return BuildRequest(job=artifacts.jobs[0].name, run_id=RUN_ID)


def _results(work: Path) -> dict[str, NodeResult]:
    """Return node id -> result: from run_results.json, or from the log if dbt wrote none.

    The run_results.json of dbt 2 marks every node as an error once a hook has failed, and lists
    ephemeral models: for dbt 2, the log is used.
    """
    path = work / "run_results.json"
    written = json.loads(path.read_bytes()) if path.exists() else None
    is_listed = written is not None and _major_version(written) < 2
    found = written["results"] if written is not None and is_listed else _read_results(work)
    results = (_result(each) for each in found)
    return {each.unique_id: each for each in results if each.unique_id.startswith(_kinds())}


def _major_version(run_results: Json) -> int:
    return int(str(run_results["metadata"]["dbt_version"]).partition(".")[0])


def _kinds() -> tuple[str, ...]:
    return tuple(f"{kind}." for kind in _KINDS)


def _read_results(work: Path) -> Iterator[dict[str, Any]]:
    for message in _events(work / EVENTS):
        if message["info"]["name"] == "NodeFinished":
            data, node = message["data"], message["data"]["node_info"]
            if node.get("materialized") != "ephemeral":
                yield {**data["run_result"], "unique_id": node["unique_id"]}


def _result(entry: Json) -> NodeResult:
    word = str(entry["status"])
    status = _STATUSES.get(word, word)
    if status not in get_args(NodeStatus):
        raise ValueError(f"dbt ended {entry['unique_id']} as '{word}', which floe does not know")
    is_judged = str(entry["unique_id"]).startswith(("test.", "unit_test."))
    is_verdict = is_judged and status in ("pass", "warn", "fail")
    started = [each.get("started_at") for each in entry.get("timing") or () if each]
    return NodeResult(
        entry["unique_id"],
        cast(NodeStatus, status),
        seconds=round(float(entry.get("execution_time") or 0.0), 3),
        message=str(entry.get("message") or ""),
        failures=_failures(entry) if is_verdict else None,
        started_at=datetime.fromisoformat(min(started)) if started and all(started) else None,
    )


def _failures(entry: Json) -> int:
    """Return the number of rows that a test found; the log uses another name for it."""
    return int(entry.get("failures") or entry.get("num_failures") or 0)


def _edges(manifest: Path) -> frozenset[tuple[str, str]]:
    """Return dbt's edges between the nodes that it runs, passing through ephemeral models."""
    if not manifest.exists():
        return frozenset()
    content = json.loads(manifest.read_bytes())
    sections = (content.get(name) or {} for name in ("nodes", "unit_tests", "functions"))
    entries = {node_id: entry for section in sections for node_id, entry in section.items()}
    runs = {i for i in entries if i.startswith(_kinds()) and not _is_passed_through(entries[i])}

    def origins(node_id: str) -> Iterator[str]:
        for parent in content["parent_map"].get(node_id, ()):
            if parent in runs:
                yield parent
            elif parent in entries and _is_passed_through(entries[parent]):
                yield from origins(parent)

    return frozenset((parent, child) for child in runs for parent in origins(child))


def _is_passed_through(entry: Json) -> bool:
    config = entry.get("config") or {}
    is_external = entry["resource_type"] == "model" and not entry.get("original_file_path")
    return is_external or (
        entry["resource_type"] == "model" and config.get("materialized") == "ephemeral"
    )


def _events(path: Path) -> Iterator[Json]:
    """Yield the messages of dbt's JSON log; other output becomes messages without a name."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            yield {"info": {"name": "", "level": "error", "msg": line}}


def _last_messages(path: Path, count: int = 12) -> str:
    messages = [each["info"]["msg"] for each in _events(path) if each["info"]["level"] != "debug"]
    return "\n".join(messages[-count:])
