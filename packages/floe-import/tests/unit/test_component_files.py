"""What becomes of a component of dagster-dbt."""

from __future__ import annotations

from pathlib import Path

from import_reports import report_of, short

from floe_import.import_files import Request, import_files

CORPUS = Path(__file__).parents[1] / "corpus" / "dagster"


def test_a_component_becomes_a_set_of_assets() -> None:
    report = report_of(CORPUS / "defs.yaml")
    assert short(report) == [
        "1 FLI110 changed product shop",
        "1 FLI114 changed target dev",
    ]
    written = report.files["out/definitions/dagster.py"]
    assert written.endswith(
        "        spec = super().get_asset_spec(manifest, unique_id, project)\n"
        "        return spec.replace_attributes(group_name='analytics', owners=['team:shop'])\n"
        "\n"
        "\n"
        "dbt_assets = floe_assets(\n"
        "    Path(__file__).parent / '../shop',\n"
        "    translator=Translator(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True)),\n"
        "    select='tag:daily',\n"
        "    name='shop',\n"
        "    op_tags={'team': 'shop'},\n"
        ")\n"
        "defs = dg.Definitions(assets=[dbt_assets])\n"
    )


def test_a_key_that_no_rule_reads_is_never_silent() -> None:
    report = report_of(CORPUS / "hard_to_read.yaml")
    assert report.files == {}
    assert short(report) == [
        "1 FLI004 unknown dagster",
        "2 DGC000 unknown of_tomorrow",
        "5 DGC100 unknown select",
        "6 DGC000 unknown selector",
        "7 DGC000 unknown op.backfill_policy",
        "8 DGC104 unknown cli_args",
        "9 DGC100 unknown translation",
        "10 DGC000 unknown invented",
    ]


def test_a_broken_file_and_another_component_are_told(tmp_path: Path) -> None:
    broken, other = tmp_path / "broken.yaml", tmp_path / "other.yaml"
    broken.write_text("type: [\n")
    other.write_text("type: acme.Component\n")
    report = import_files(Request([broken, other]))
    assert [(f.code, f.place.line) for f in report.findings] == [("FLI001", 2), ("FLI002", 0)]
