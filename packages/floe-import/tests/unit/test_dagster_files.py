"""What becomes of a file that makes assets with dagster-dbt."""

from __future__ import annotations

from pathlib import Path

from import_reports import report_of, short

from floe_import.import_files import Request, import_files

CORPUS = Path(__file__).parents[1] / "corpus" / "dagster"


def test_a_set_of_assets_keeps_its_translator_and_its_arguments() -> None:
    report = report_of(CORPUS / "definitions.py")
    assert short(report) == ["32 FLI110 changed product shop"]
    assert (
        "shop_assets = floe_assets(\n"
        '    Path("/srv/shop"),\n'
        "    translator=Translator(),\n"
        "    name='shop_assets',\n"
        '    select="tag:daily",\n'
        '    op_tags={"team": "shop"},\n'
        ")\n"
    ) in report.files["out/definitions/definitions.py"]
    assert "orchestrator:\n    type: dagster\n" in report.files["out/shop/manifest.yaml"]


def test_what_cannot_be_read_is_unknown_and_stays_as_it_is() -> None:
    report = report_of(CORPUS / "hard_to_read.py")
    assert report.files == {}
    assert short(report) == [
        "9 DGS202 lost DbtProject(state_path=)",
        "13 DGS105 unknown dbt_assets(partitions_def=)",
        "15 DGS002 unknown partitioned",
        "15 FLI004 unknown partitioned",
        "16 DGS010 unknown partitioned",
        "20 DGS000 unknown dbt_assets(of_tomorrow=)",
        "21 DGS002 unknown narrowed",
        "21 FLI004 unknown narrowed",
        "22 DGS011 changed .with_insights()",
        "22 DGS013 unknown dbt run",
        "25 DGS007 unknown DbtCloudWorkspace",
    ]


def test_files_that_are_imported_together_know_each_other(tmp_path: Path) -> None:
    (tmp_path / "project.py").write_text(
        "from pathlib import Path\n"
        "from dagster_dbt import DbtProject\n"
        "project = DbtProject(Path(__file__).joinpath('..', 'shop').resolve())\n"
    )
    assets = tmp_path / "assets.py"
    assets.write_text(
        "from dagster_dbt import DbtCliResource, dbt_assets\n"
        "from project import project\n"
        "@dbt_assets(manifest=project.manifest_path)\n"
        "def shop(context, dbt: DbtCliResource):\n"
        "    yield from dbt.cli(['build'], context=context).stream()\n"
    )
    definitions = tmp_path / "definitions.py"
    definitions.write_text(
        "import dagster as dg\n"
        "from dagster_dbt import DbtCliResource\n"
        "from assets import shop\n"
        "from project import project\n"
        "defs = dg.Definitions(assets=[shop], resources={'dbt': DbtCliResource(project)})\n"
    )
    alone = short(report_of(assets))
    assert "4 DGS002 unknown shop" in alone
    report = import_files(Request([assets, definitions], (), Path("out")))
    assert short(report) == ["4 FLI110 changed product shop"]
    written = report.files["out/definitions/assets.py"]
    assert "floe_assets(\n    Path(__file__).parent / 'shop',\n" in written
    assert "from pathlib import Path\n" in written
