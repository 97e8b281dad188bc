"""Our facets against those of openlineage-python, an implementation of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openlineage.client import facet_v2 as theirs
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.serde import Serde
from openlineage.client.uuid import generate_static_uuid

from floe_core import __version__
from floe_core.lineage import facets as ours
from floe_core.lineage.calling_run import NamedRun
from floe_core.lineage.facets import LineageJob, run_event
from floe_core.lineage.naming import run_id_from, static_uuid
from floe_core.lineage.sending.transport import as_run_event

MOMENT = datetime(2026, 3, 1, 6, tzinfo=UTC)
RUN = "0195505a-5180-7000-8000-000000000000"
SHOP = NamedRun(RUN, "floe", "shop")


def parent_of_theirs() -> Any:
    parent = theirs.parent_run
    return parent.ParentRunFacet(
        run=parent.Run(RUN, facets=None),
        job=parent.Job("floe", "shop", facets=None),
        root=parent.Root(
            run=parent.RootRun(RUN, facets=None),
            job=parent.RootJob("floe", "shop", facets=None),
        ),
    )


def dependencies_of_theirs() -> Any:
    module = theirs.job_dependencies_run
    job, run = module.JobIdentifier("floe", "shop"), module.RunIdentifier(RUN)
    started = ("DIRECT_INVOCATION", "FINISH_TO_START", "EXECUTE_ON_SUCCESS")
    return module.JobDependenciesRunFacet(
        upstream=[
            module.JobDependency(job, run, *started),
            module.JobDependency(job, run, "IMPLICIT_DEPENDENCY"),
        ]
    )


def input_field_of_theirs() -> Any:
    columns = theirs.column_lineage_dataset
    step = columns.Transformation("DIRECT", subtype="IDENTITY")
    return columns.InputField("duckdb://shop", "shop.main.a", "a", [step])


INPUT_FIELD = {
    "namespace": "duckdb://shop",
    "name": "shop.main.a",
    "field": "a",
    "transformations": [{"type": "DIRECT", "subtype": "IDENTITY"}],
}
OF_JOB, OF_DATASET = (ours.description(w, ["a"], {"a": "b"}, "d") for w in ("Job", "Dataset"))
PAIRS: list[tuple[dict[str, Any], Any]] = [
    (ours.parent(SHOP, SHOP), parent_of_theirs()),
    (
        ours.nominal_time(MOMENT),
        theirs.nominal_time_run.NominalTimeRunFacet("2026-03-01T06:00:00.000Z"),
    ),
    (
        ours.processing_engine("dbt", "1.11"),
        theirs.processing_engine_run.ProcessingEngineRunFacet("1.11", "dbt", __version__),
    ),
    (
        ours.job_dependencies(
            [
                ours.job_dependency(SHOP, has_started=True),
                ours.job_dependency(SHOP, has_started=False),
            ]
        ),
        dependencies_of_theirs(),
    ),
    (
        ours.error_message("no", "SQL"),
        theirs.error_message_run.ErrorMessageRunFacet("no", "SQL"),
    ),
    (
        ours.job_type("DBT", "MODEL"),
        theirs.job_type_job.JobTypeJobFacet("BATCH", "DBT", "MODEL"),
    ),
    (ours.sql("select 1", "duckdb"), theirs.sql_job.SQLJobFacet("select 1", "duckdb")),
    (ours.sql("select 1", None), theirs.sql_job.SQLJobFacet("select 1")),
    (OF_JOB["documentation"], theirs.documentation_job.DocumentationJobFacet("d")),
    (OF_DATASET["documentation"], theirs.documentation_dataset.DocumentationDatasetFacet("d")),
    (
        OF_JOB["ownership"],
        theirs.ownership_job.OwnershipJobFacet([theirs.ownership_job.Owner("a")]),
    ),
    (
        OF_DATASET["ownership"],
        theirs.ownership_dataset.OwnershipDatasetFacet([theirs.ownership_dataset.Owner("a")]),
    ),
    (
        OF_JOB["tags"],
        theirs.tags_job.TagsJobFacet([theirs.tags_job.TagsJobFacetFields("a", "b", "FLOE")]),
    ),
    (
        OF_DATASET["tags"],
        theirs.tags_dataset.TagsDatasetFacet(
            [theirs.tags_dataset.TagsDatasetFacetFields("a", "b", "FLOE")]
        ),
    ),
    (
        ours.schema([{"name": "a", "type": "int"}]),
        theirs.schema_dataset.SchemaDatasetFacet(
            [theirs.schema_dataset.SchemaDatasetFacetFields("a", "int", fields=None)]
        ),
    ),
    (
        ours.column_lineage({"b": {"inputFields": [INPUT_FIELD]}}, [INPUT_FIELD]),
        theirs.column_lineage_dataset.ColumnLineageDatasetFacet(
            fields={"b": theirs.column_lineage_dataset.Fields([input_field_of_theirs()])},
            dataset=[input_field_of_theirs()],
        ),
    ),
    (
        ours.output_statistics(3),
        theirs.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(3),
    ),
    (
        ours.data_quality_assertions({"assertion": "unique", "success": True, "column": "a"}),
        theirs.data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
            [
                theirs.data_quality_assertions_dataset.Assertion(
                    "unique", success=True, column="a", params=None
                )
            ]
        ),
    ),
    (
        ours.unit_test_outcome("t", "pass", "unit_test", None),
        theirs.test_run.TestRunFacet(
            [theirs.test_run.TestExecution("t", "pass", type="unit_test", params=None)]
        ),
    ),
]


@pytest.mark.parametrize(("our", "their"), PAIRS, ids=lambda facet: type(facet).__name__)
def test_a_facet_is_what_the_client_library_makes_of_it(our: dict[str, Any], their: Any) -> None:
    expected = Serde.to_dict(their) | {"_producer": ours.PRODUCER}
    assert our == expected


def test_an_event_is_what_the_client_library_makes_of_it() -> None:
    above = ours.parent(SHOP, SHOP)
    dataset = {"namespace": "duckdb://shop", "name": "shop.main.a", "facets": {}}
    output = {**dataset, "outputFacets": {"outputStatistics": ours.output_statistics(1)}}
    job = LineageJob("floe", "shop.model.a", {"sql": ours.sql("select 1", None)})
    event = run_event("COMPLETE", MOMENT, RUN, {"parent": above}, job, [dataset], [output])
    assert Serde.to_dict(as_run_event(event)) == event
    plain = run_event("START", MOMENT, RUN, {}, LineageJob("floe", "shop", {}))
    assert plain == Serde.to_dict(
        RunEvent(
            eventTime="2026-03-01T06:00:00.000Z",
            eventType=RunState.START,
            producer=ours.PRODUCER,
            run=Run(RUN),
            job=Job("floe", "shop"),
        )
    )


@pytest.mark.long
@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1), timezones=st.timezones()),
    st.binary(),
)
def test_derived_ids_are_those_of_the_client_library(instant: datetime, data: bytes) -> None:
    assert static_uuid(instant, data) == generate_static_uuid(instant, data)


def test_a_time_is_told_in_utc() -> None:
    east = timezone(timedelta(hours=5, minutes=45))
    assert ours.timestamp(datetime(2026, 1, 1, 5, 45, 0, 999_999, tzinfo=east)) == (
        "2026-01-01T00:00:00.999Z"
    )


def test_any_text_stands_for_one_run_id() -> None:
    assert run_id_from(RUN.upper()) == RUN
    assert run_id_from("manual__1") == run_id_from("manual__1") != run_id_from("manual__2")
