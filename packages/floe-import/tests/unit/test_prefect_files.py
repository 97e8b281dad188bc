"""What becomes of a flow that calls dbt with prefect-dbt."""

from __future__ import annotations

from pathlib import Path

from import_reports import report_of, short

CORPUS = Path(__file__).parents[1] / "corpus" / "prefect"


def test_each_call_of_dbt_becomes_a_flow_of_a_job() -> None:
    report = report_of(CORPUS / "flows.py")
    assert short(report) == [
        "22 FLI110 changed product shop",
        "28 PRE007 changed result",
    ]
    written = report.files["out/flows/flows.py"]
    assert "prefect_dbt" not in written
    assert (
        "    floe_flow(SHOP, job='nightly')()\n    floe_flow(SHOP, job='nightly-2')()\n" in written
    )
    assert "    return floe_flow(\"/srv/shop\", job='operation')()\n" in written
    assert '    floe_flow("/srv/shop")()\n' in written
    assert "orchestrator:\n    type: prefect\n" in report.files["out/shop/manifest.yaml"]


def test_what_cannot_be_read_is_unknown_and_stays_as_it_is() -> None:
    report = report_of(CORPUS / "hard_to_read.py")
    assert short(report) == [
        "11 FLI004 unknown parameters",
        "11 PRE004 unknown commands",
        "13 FLI004 unknown parameters",
        "13 PRE002 unknown DbtCoreOperation.trigger",
        "13 PRE003 unknown DbtCoreOperation",
        "14 FLI003 unknown parameters",
        "14 PRE122 unknown PrefectDbtRunner(raise_on_failure=)",
        "14 PRE004 unknown invoke",
        "19 FLI003 unknown in_a_task",
        "19 PRE001 unknown in_a_task",
        "19 DBT000 unknown --of-tomorrow",
        "24 FLI004 unknown awaited",
        "24 PRE001 unknown awaited",
        "24 PRE007 changed result",
        "25 PRE102 lost DbtCoreOperation(env=)",
        "27 PRE006 unknown DbtCloudJob.load",
        "28 BSH006 unknown dbt build",
    ]
    assert report.files == {}


def test_a_result_that_is_read_is_unknown(tmp_path: Path) -> None:
    file = tmp_path / "flow.py"
    file.write_text(
        "from prefect import flow\n"
        "from prefect_dbt import PrefectDbtRunner, PrefectDbtSettings\n"
        "@flow\n"
        "def shop():\n"
        "    runner = PrefectDbtRunner(settings=PrefectDbtSettings(project_dir='/srv/shop'))\n"
        "    result = runner.invoke(['build'])\n"
        "    return result.success\n"
    )
    assert "6 PRE007 unknown result" in short(report_of(file))
