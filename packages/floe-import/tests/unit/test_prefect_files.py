"""What becomes of a flow that calls dbt with prefect-dbt."""

from __future__ import annotations

from pathlib import Path

import pytest
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
        "19 PRE008 changed in_a_task",
        "19 DBT000 unknown --of-tomorrow",
        "24 FLI110 changed product shop",
        "25 PRE102 lost DbtCoreOperation(env=)",
        "27 PRE006 unknown DbtCloudJob.load",
        "28 FLI003 unknown awaited",
    ]
    written = report.files["out/flows/hard_to_read.py"]
    assert written.count("floe_flow(") == 1
    assert '    await asyncio.to_thread(floe_flow("/srv/shop"))\n' in written


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


def test_a_result_that_a_function_reads_is_unknown(tmp_path: Path) -> None:
    file = tmp_path / "flow.py"
    file.write_text(
        "from prefect_dbt.cli.commands import run_dbt_build\n"
        "result = run_dbt_build(project_dir='/srv/shop')\n"
        "def is_well():\n"
        "    return result.success\n"
    )
    assert "2 PRE007 unknown result" in short(report_of(file))


def test_calls_in_tasks_functions_loops_and_coroutines_become_flows_of_their_jobs() -> None:
    report = report_of(CORPUS / "tasks.py")
    assert short(report) == [
        "21 FLI110 changed product shop",
        "21 PRE007 changed result",
        "21 PRE008 changed build",
        "26 PRE008 changed seeds",
        "44 PRE007 changed result",
        "46 PRE007 changed result",
    ]
    written = report.files["out/flows/tasks.py"]
    for line in (
        "    return floe_flow(SHOP, job={'marts': 'build_marts', 'staging': 'build_staging'}[sel",
        "    await asyncio.to_thread(floe_flow(SHOP, job='seeds'))",
        "        await asyncio.to_thread(floe_flow(\n            SHOP,\n",
        "            job={'one': 'hourly_one', 'two': 'hourly_two'}[layer],\n        ))",
        "    result = floe_flow(SHOP, job='hourly')()\n    print(result)\n",
        "    operation = asyncio.to_thread(floe_flow(SHOP, job='hourly-2'))\n",
    ):
        assert line in written
    assert written.count("import asyncio") == 1
    assert "- name: build_staging\n  select: staging\n" in report.files["out/shop/floe.yaml"]


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("DbtCliProfile.load('prod')", "as `connection: dbt-cli-profile/prod` of `compute`"),
        ("DbtCliProfile.load(input())", "as `connection: dbt-cli-profile/NAME` of `compute`"),
        ("DbtCliProfile(name='shop', target='prod')", "write a profiles.yml with `env_var()`"),
    ],
)
def test_a_profile_of_prefect_is_told_how_to_be_named(
    profile: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "flow.py"
    file.write_text(
        "from prefect_dbt import DbtCliProfile, run_dbt_build\n"
        f"run_dbt_build(project_dir='/srv/shop', dbt_cli_profile={profile})\n"
    )
    [found] = [each for each in report_of(file).findings if each.code == "PRE103"]
    assert found.disposition == "unknown"
    assert said in found.sentence


def test_a_call_that_builds_nothing_stays_as_it_is() -> None:
    report = report_of(CORPUS / "tasks.py")
    stays = [(f.construct, f.disposition) for f in report.findings if f.code == "PRE005"]
    assert stays == [("dbt deps", "exact"), ("dbt debug", "exact")]
    written = report.files["out/flows/tasks.py"]
    assert '    DbtCoreOperation(commands=["dbt deps"], project_dir=SHOP).run()\n' in written
    assert 'PrefectDbtRunner(settings=settings).invoke(["debug"])\n' in written


FLOW = """\
from prefect import flow
from prefect_dbt import PrefectDbtRunner, PrefectDbtSettings


@flow
def nightly(select: str = "tag:daily"):
    runner = PrefectDbtRunner(settings=PrefectDbtSettings(project_dir="/dbt/shop"))
    runner.invoke(["build", "--select", select])


"""


@pytest.mark.parametrize(
    ("end", "select", "said"),
    [
        ("", "tag:daily", ["PRE010 changed"]),
        ("nightly.serve(name='n', cron='0 6 * * *')\n", "tag:daily", ["PRE010 changed"]),
        ("nightly('tag:weekly')\n", "tag:weekly", ["PRE010 changed"]),
        ("nightly.serve(name='n', parameters={'select': 'a'})\n", "", ["FLI004 unknown", "PRE004 unknown"]),
        ("nightly.serve(**given)\n", "", ["FLI004 unknown", "PRE004 unknown"]),
    ],
)  # fmt: skip
def test_a_flow_has_the_defaults_of_its_parameters_unless_the_file_says_otherwise(
    end: str, select: str, said: list[str], tmp_path: Path
) -> None:
    (tmp_path / "flow.py").write_text(FLOW + end)
    report = report_of(tmp_path / "flow.py")
    found = [f"{f.code} {f.disposition}" for f in report.findings if f.disposition != "exact"]
    assert [each for each in found if not each.startswith("FLI110")] == said
    floe = next((text for name, text in report.files.items() if name.endswith("floe.yaml")), "")
    assert (f"select: {select}" in floe) == bool(select)


def test_shell_operations_that_call_dbt_are_read_as_those_of_prefect_dbt(tmp_path: Path) -> None:
    file = tmp_path / "flow.py"
    file.write_text(
        "from prefect import flow\n"
        "from prefect_shell import ShellOperation\n"
        "TEST = 'dbt test'\n"
        "@flow(name='dbt build', flow_run_name='dbt build now')\n"
        "def shop():\n"
        "    ShellOperation(commands=['dbt run', TEST], working_dir='/srv/shop').run()\n"
        "    seeds = ShellOperation(commands=['cd /srv/shop && dbt seed'])\n"
        "    seeds.run()\n"
        "    ShellOperation(commands=['dbt debug'], working_dir='/srv/shop').run()\n"
        "    ShellOperation(commands=['./load.sh']).run()\n"
        "    with ShellOperation(commands=['dbt build'], working_dir='/srv/shop') as shell:\n"
        "        shell.trigger().wait_for_completion()\n"
        "shop.serve(name='dbt build')\n"
    )
    report = report_of(file)
    assert short(report) == [
        "6 FLI110 changed product shop",
        "6 BSH107 changed dbt run && dbt test",
        "12 FLI004 unknown shop",
        "12 PRE002 unknown DbtCoreOperation.trigger",
        "12 PRE003 unknown DbtCoreOperation",
        "12 PRE007 changed result",
    ]
    written = report.files["out/flows/flow.py"]
    assert "    floe_flow('/srv/shop', job='shop-2')()\n" in written
    assert "    ShellOperation(commands=['./load.sh']).run()\n" in written
