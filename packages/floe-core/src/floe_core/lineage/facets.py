"""Run events of OpenLineage and their facets, as the JSON that its specification defines.

openlineage-python has a class for each, but importing it takes half a second, which every run
would pay for; the tests compare these facets with its classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from floe_core import __version__
from floe_core.lineage.calling_run import NamedRun
from floe_core.runs.build_events import ReusedBuild

Json = dict[str, Any]

PRODUCER = f"https://floe.dev/producer/{__version__}"
_SPECIFICATION = "https://openlineage.io/spec"
RUN_EVENT_SCHEMA = f"{_SPECIFICATION}/2-0-2/OpenLineage.json#/$defs/RunEvent"
# The end of a truncated statement.
SQL_CUT_SHORT = "\n-- and so on"
# OpenLineage consumers require a type, even if it is not known.
UNKNOWN_TYPE = "unknown"
BASE_FACET_SCHEMA = f"{_SPECIFICATION}/2-0-2/OpenLineage.json#/$defs/BaseFacet"


# floe's own facets, for which the specification has none. Their schemas are in
# docs/lineage-facets.
TRACE, REUSE = "floe_trace", "floe_reuse"
_OWN = "https://floe.dev/lineage/1-0-0"
_TRACE_SCHEMA = f"{_OWN}/TraceRunFacet.json#/$defs/TraceRunFacet"
_REUSE_SCHEMA = f"{_OWN}/ReuseRunFacet.json#/$defs/ReuseRunFacet"


def facet(edition: str, schema: str, /, **fields: Any) -> Json:
    """Return a facet of the specification; fields of None are left out."""
    return {
        "_producer": PRODUCER,
        "_schemaURL": f"{_SPECIFICATION}/facets/{edition}/{schema}.json#/$defs/{schema}",
        **{name: value for name, value in fields.items() if value is not None},
    }


def timestamp(moment: datetime) -> str:
    """Return an aware time as OpenLineage writes it: UTC, ISO 8601, milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parent(above: NamedRun, root: NamedRun) -> Json:
    """Return the facet that names the parent run and the root run."""
    return facet("1-2-0", "ParentRunFacet", **above.to_json(), root=root.to_json())


def job_dependencies(upstream: list[Json]) -> Json:
    """Return the facet of the upstream runs of a run, each from `job_dependency`."""
    return facet("1-0-1", "JobDependenciesRunFacet", upstream=upstream, downstream=[])


def job_dependency(before: NamedRun, *, has_started: bool) -> Json:
    """Return one run of that facet; `has_started`: it triggered the later run."""
    kind = "DIRECT_INVOCATION" if has_started else "IMPLICIT_DEPENDENCY"
    rules = {
        "sequence_trigger_rule": "FINISH_TO_START",
        "status_trigger_rule": "EXECUTE_ON_SUCCESS",
    }
    return {**before.to_json(), "dependency_type": kind, **(rules if has_started else {})}


def nominal_time(moment: datetime, end: datetime | None = None) -> Json:
    """Return the facet of a tick, or of a period from `moment` up to `end`."""
    return facet(
        "1-0-1",
        "NominalTimeRunFacet",
        nominalStartTime=timestamp(moment),
        nominalEndTime=timestamp(end) if end else None,
    )


def processing_engine(name: str, version: str) -> Json:
    """Return the facet of the engine that did the work."""
    return facet(
        "1-1-1",
        "ProcessingEngineRunFacet",
        version=version,
        name=name,
        openlineageAdapterVersion=__version__,
    )


def trace(trace_id: str, span_id: str) -> Json:
    """Return the facet of the OpenTelemetry span of the same run."""
    header = {"_producer": PRODUCER, "_schemaURL": _TRACE_SCHEMA}
    return {**header, "traceId": trace_id, "spanId": span_id}


def reuse(nodes: list[Json]) -> Json:
    """Return the facet of the nodes that a run reused from earlier runs."""
    return {"_producer": PRODUCER, "_schemaURL": _REUSE_SCHEMA, "nodes": nodes}


def reused_node(namespace: str, name: str, build: ReusedBuild) -> Json:
    """Return one node of that facet: its job, and the run that built it."""
    built_by = {"runId": build.lineage_run_id, "orchestratorRunId": build.run_id}
    return {"job": {"namespace": namespace, "name": name}, "builtBy": built_by}


def error_message(message: str, language: str) -> Json:
    """Return the facet of a failure."""
    return facet("1-0-1", "ErrorMessageRunFacet", message=message, programmingLanguage=language)


def unit_test_outcome(name: str, status: str, kind: str, severity: str | None) -> Json:
    """Return the facet of a test that is not about one dataset; status is pass, fail or skip."""
    test = {"name": name, "status": status, "type": kind, "severity": severity}
    known = {key: value for key, value in test.items() if value}
    return facet("1-0-1", "TestRunFacet", tests=[known])


def job_type(integration: str, kind: str) -> Json:
    """Return the facet of the kind of job."""
    return facet(
        "2-0-4", "JobTypeJobFacet", processingType="BATCH", integration=integration, jobType=kind
    )


def sql(query: str, dialect: str | None) -> Json:
    """Return the facet of the statement that ran."""
    return facet("1-1-0", "SQLJobFacet", query=query, dialect=dialect)


def description(what: str, owners: list[str], tags: dict[str, str], text: str) -> Json:
    """Return what describes a "Job" or "Dataset": facets of its owners, tags and text, if any."""
    named = [{"name": owner} for owner in owners]
    listed = [{"key": key, "value": value, "source": "FLOE"} for key, value in tags.items()]
    found = {
        "ownership": owners and facet("1-0-1", f"Ownership{what}Facet", owners=named),
        "tags": tags and facet("1-0-0", f"Tags{what}Facet", tags=listed),
        "documentation": text and facet("1-1-0", f"Documentation{what}Facet", description=text),
    }
    return {name: each for name, each in found.items() if each}


def schema(columns: list[Json]) -> Json:
    """Return the facet of a dataset's columns, each with name, type and perhaps a description."""
    return facet("1-2-0", "SchemaDatasetFacet", fields=columns)


def column_lineage(fields: Json, dataset: list[Json]) -> Json:
    """Return the facet of the origins of columns; `dataset` are inputs that determine the rows."""
    return facet("1-2-0", "ColumnLineageDatasetFacet", fields=fields, dataset=dataset or None)


def output_statistics(rows: int) -> Json:
    """Return the facet of the number of rows written."""
    return facet("1-0-2", "OutputStatisticsOutputDatasetFacet", rowCount=rows)


def output_subset(partitions: list[Json]) -> Json:
    """Return the facet of the part of a dataset that was written, its partitions."""
    condition = {"type": "partition", "partitions": partitions}
    found = facet("1-0-0", "BaseSubsetDatasetFacet", outputCondition=condition)
    file, _, _ = found["_schemaURL"].partition("#")
    return {**found, "_schemaURL": f"{file}#/$defs/OutputSubsetOutputDatasetFacet"}


def dataset_version(version: str) -> Json:
    """Return the facet of a dataset's version."""
    return facet("1-0-1", "DatasetVersionDatasetFacet", datasetVersion=version)


def data_quality_assertions(assertion: Json) -> Json:
    """Return the facet of one test's verdict on a dataset."""
    return facet("1-1-0", "DataQualityAssertionsDatasetFacet", assertions=[assertion])


@dataclass(frozen=True, slots=True)
class LineageJob:
    """A job, named as OpenLineage names it, with its facets."""

    namespace: str
    name: str
    facets: Json


def run_event(
    event_type: str,
    at: datetime,
    run_id: str,
    run_facets: Json,
    job: LineageJob,
    inputs: Sequence[Json] = (),
    outputs: Sequence[Json] = (),
) -> Json:
    """Return a run event; datasets are given as JSON of the specification."""
    return {
        "eventTime": timestamp(at),
        "eventType": event_type,
        "inputs": list(inputs),
        "job": {"namespace": job.namespace, "name": job.name, "facets": job.facets},
        "outputs": list(outputs),
        "producer": PRODUCER,
        "run": {"runId": run_id, "facets": run_facets},
        "schemaURL": RUN_EVENT_SCHEMA,
    }
